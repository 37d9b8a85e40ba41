"""Graph -> stages: loop nests, products and buffers. Knows no target."""

from ..engine.wings import open_rooms
from .building import fuse
from .ir import Program

__all__ = ["Program", "fuse"]

open_rooms(__name__)
