"""Graph -> stages: loop nests, products and buffers. Knows no target."""

from .building import fuse
from .ir import Program

__all__ = ["Program", "fuse"]
