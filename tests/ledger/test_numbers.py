"""Numbers as people read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clearprop.ledger.numbers import plain, short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.73105857, "0.7311"),
        (-4.0, "-4"),
        (-0.0, "0"),
        (123456.0, "1.235e+05"),
        (1e-7, "1e-07"),
        (np.nan, "nan"),
        (-np.inf, "-inf"),
        (True, "True"),
        (np.int64(7), "7"),
        (1 + 2j, "1+2j"),
        (np.float32(0.1), "0.1"),
        (np.array([1.0, -2.5]), "[1, -2.5]"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        (np.array([True, False]), "[True, False]"),
        (np.zeros((32, 64)), "f64[32,64]"),
        (np.zeros(9), "[0, 0, 0, 0, 0, 0, 0, 0, 0]"),
        (np.zeros(10, np.float32), "f32[10]"),
        (np.zeros((0, 3)), "[]"),
    ],
)
def test_short(value: Any, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, None),
        (2.5, 2.5),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([True]), [True]),
        (np.array([1.0, np.nan, np.inf, -np.inf]), [1.0, "nan", "inf", "-inf"]),
        (np.float64("nan"), "nan"),
        (np.array([1 + 2j]), [[1.0], [2.0]]),
        (np.zeros((0,)), []),
    ],
)
def test_plain(value: Any, read: Any) -> None:
    assert plain(value) == read
