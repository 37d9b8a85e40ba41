"""The primitives, one file a family. Importing a file registers what it holds."""

from . import elementwise, indexing, linalg, reduction, shaping

__all__ = ["elementwise", "indexing", "linalg", "reduction", "shaping"]
