"""Graph -> Graph: passes that change how a computation is written, never what it gives."""

from .algebra import simplify
from .decompositions.expand import expand

__all__ = ["expand", "simplify"]
