"""Loops that are one node have no source yet: each target says so, and on which line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import UnsupportedError

TARGETS = ("numpy", "torch", "jax", "c", "javascript", "latex")


@pytest.mark.parametrize("target", TARGETS)
def test_a_loop_is_refused_by_name(target: str) -> None:
    def f(xs: Any) -> Any:
        last, _ = clearprop.scan(lambda h, x: (np.tanh(h + x), None), 0.0, xs)
        return last

    with pytest.raises(UnsupportedError, match="loop has no form in"):
        clearprop.source(f, np.ones(5), to=target)
