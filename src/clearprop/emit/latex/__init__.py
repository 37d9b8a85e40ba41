"""Graph -> LaTeX: equations in the notation of matrix calculus, with the user's names."""

from . import parts, table  # they fill the table of notations
from .equations import latex

__all__ = ["latex"]

del parts, table
