"""The primitives, one file a family. Importing a file registers what it holds."""

from . import (
    arithmetic,
    choices,
    complex,
    identity,
    indexing,
    linalg,
    reduction,
    several,
    shaping,
    steps,
    transcendental,
)

__all__ = [
    "arithmetic",
    "choices",
    "complex",
    "identity",
    "indexing",
    "linalg",
    "reduction",
    "several",
    "shaping",
    "steps",
    "transcendental",
]
