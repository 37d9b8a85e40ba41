"""The primitives, one file a family. Importing a file registers what it holds.

The answers to SciPy's functions wait until SciPy is imported: by the user, never from here.
"""

from importlib import import_module

from ..dispatch import late_families
from . import (
    arithmetic,
    choices,
    complex,
    convolution,
    einsum,
    fourier,
    identity,
    indexing,
    linalg,
    polynomials,
    products,
    reduction,
    several,
    shaping,
    steps,
    transcendental,
)

__all__ = [
    "arithmetic",
    "choices",
    "complex",
    "convolution",
    "einsum",
    "fourier",
    "identity",
    "indexing",
    "linalg",
    "polynomials",
    "products",
    "reduction",
    "several",
    "shaping",
    "steps",
    "transcendental",
]

late_families["scipy.special"] = lambda: import_module(".special", __name__)
