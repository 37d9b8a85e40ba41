"""The primitives, one file a family. Importing a file registers what it holds.

The answers to SciPy's functions wait until SciPy is imported: by the user, never from here.
"""

from importlib import import_module

from ..dispatch import late_families
from . import (
    along,
    arithmetic,
    branches,
    choices,
    complex,
    convolution,
    diagonals,
    einsum,
    fourier,
    identity,
    indexing,
    interpolation,
    joining,
    like,
    linalg,
    padding,
    parts,
    picking,
    polynomials,
    powers,
    products,
    reduction,
    repeating,
    searching,
    several,
    shaping,
    sorting,
    steps,
    transcendental,
    trigonometry,
    ufuncs,
    waves,
)

__all__ = [
    "along",
    "arithmetic",
    "branches",
    "choices",
    "complex",
    "convolution",
    "diagonals",
    "einsum",
    "fourier",
    "identity",
    "indexing",
    "interpolation",
    "joining",
    "like",
    "linalg",
    "padding",
    "parts",
    "picking",
    "polynomials",
    "powers",
    "products",
    "reduction",
    "repeating",
    "searching",
    "several",
    "shaping",
    "sorting",
    "steps",
    "transcendental",
    "trigonometry",
    "ufuncs",
    "waves",
]

late_families["scipy.special"] = lambda: import_module(".special", __name__)
