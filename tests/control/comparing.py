"""What the tests of control flow share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.transforms.trees import flatten


def compare(f: Callable[..., Any], *args: Any) -> None:
    """Compare a function with its graph, and compiled."""
    graph = clearprop.trace(f, *args)
    graph.verify()
    wanted = flatten(f(*args))[0]
    for found in (graph.evaluate(*args), clearprop.compile(f)(*args)):
        for x, y in zip(flatten(found)[0], wanted, strict=True):
            assert (np.shape(x), np.asarray(x).dtype) == (np.shape(y), np.asarray(y).dtype)
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-10)


def message(error: type[Exception], f: Callable[[], object], *parts: str) -> None:
    """Call a function that raises an error whose message has these parts."""
    with pytest.raises(error) as caught:
        f()
    for part in parts:
        assert part in str(caught.value), caught.value
