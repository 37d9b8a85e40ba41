"""The table of spellings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Spelling = Callable[..., Any]

SPELLINGS: dict[str, Spelling] = {}
"""By the name of a primitive."""


def spelling(function: Spelling) -> Spelling:
    """Decorator: this function computes what the primitive of its name does."""
    SPELLINGS[function.__name__] = function
    return function
