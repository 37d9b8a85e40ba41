"""While a function is traced Python looks for no garbage, and afterwards as before."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import clearprop


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_off_within_a_trace_and_on_again() -> None:
    seen = []

    def f(x: Any) -> Any:
        clearprop.trace(lambda y: y * 2, 1.0)  # one within another does not end it
        seen.append(gc.isenabled())
        return np.sin(x)

    clearprop.trace(f, 1.0)
    assert seen == [False]
    assert gc.isenabled()


def test_on_again_after_an_error() -> None:
    def f(x: Any) -> Any:
        raise KeyError("the user's own")

    with pytest.raises(KeyError, match="the user's own"):
        clearprop.trace(f, 1.0)
    assert gc.isenabled()


def test_what_the_user_switched_off_stays_off() -> None:
    gc.disable()
    clearprop.trace(np.sin, 1.0)
    assert not gc.isenabled()
