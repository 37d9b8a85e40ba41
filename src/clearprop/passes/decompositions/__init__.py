"""Operations in terms of others, one function a primitive, for libraries that have no function for them.

One that does not apply to its inputs raises NotImplementedError.
"""

from . import along_axes, bessel_orders, elementwise, matrix_forms, special_functions  # noqa: F401
from .registry import SPELLINGS

__all__ = ["SPELLINGS"]
