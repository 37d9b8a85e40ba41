"""Graph -> LaTeX: equations in the notation of matrix calculus, with the user's names."""

from ...engine.wings import open_rooms
from . import conditions, indexing, notation  # they fill the table of notations
from .equations import latex

__all__ = ["latex"]

del conditions, indexing, notation
open_rooms(__name__)
