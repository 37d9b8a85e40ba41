"""The primitives, one file a family. Importing a file registers what it holds."""

from . import (
    arithmetic,
    choices,
    identity,
    indexing,
    linalg,
    reduction,
    shaping,
    steps,
    transcendental,
)

__all__ = [
    "arithmetic",
    "choices",
    "identity",
    "indexing",
    "linalg",
    "reduction",
    "shaping",
    "steps",
    "transcendental",
]
