"""SciPy's functions in terms of others."""

from . import bessel_orders, special_functions  # noqa: F401
