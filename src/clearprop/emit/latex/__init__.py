"""Graph -> LaTeX: equations in the notation of matrix calculus, with the user's names."""

from . import conditions, indexing, notation  # they fill the table of notations
from .equations import latex

__all__ = ["latex"]

del conditions, indexing, notation
