"""Graph -> LaTeX: equations in the notation of matrix calculus, with the user's names."""

from . import table as table  # fills the table of notations
from .equations import latex

__all__ = ["latex"]
