"""The primitives, one file a family. Importing a file registers what it holds.

The answers to SciPy's functions wait until SciPy is imported: by the user, never from here.
"""

from importlib import import_module

from ..dispatch import late_families
from . import (
    along,
    arithmetic,
    choices,
    complex,
    convolution,
    diagonals,
    einsum,
    fourier,
    identity,
    indexing,
    joining,
    like,
    linalg,
    padding,
    picking,
    polynomials,
    products,
    reduction,
    repeating,
    searching,
    several,
    shaping,
    sorting,
    steps,
    transcendental,
)

__all__ = [
    "along",
    "arithmetic",
    "choices",
    "complex",
    "convolution",
    "diagonals",
    "einsum",
    "fourier",
    "identity",
    "indexing",
    "joining",
    "like",
    "linalg",
    "padding",
    "picking",
    "polynomials",
    "products",
    "reduction",
    "repeating",
    "searching",
    "several",
    "shaping",
    "sorting",
    "steps",
    "transcendental",
]

late_families["scipy.special"] = lambda: import_module(".special", __name__)
