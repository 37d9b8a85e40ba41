"""The table of spellings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.arrays import TensorBase

Spelling = Callable[..., Any]

SPELLINGS: dict[str, Spelling] = {}
"""By the name of a primitive."""


def spelling(function: Spelling) -> Spelling:
    """Decorator: this function computes what the primitive of its name does."""
    SPELLINGS[function.__name__] = function
    return function


def order_of(n: Any) -> int:
    """A degree or order that is known, whole and small, or else a spelling does not apply."""
    if isinstance(n, TensorBase) or np.ndim(n) or not 0 <= float(n) <= 12 or float(n) % 1:
        raise NotImplementedError
    return int(n)
