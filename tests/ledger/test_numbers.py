"""Numbers as people read them."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from clearprop.ledger.number_format import plain, short


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
        (0.1 + 0.2, "0.3"),
        (12345, "1.234e+04"),
        (9999, "9999"),
        (np.bool_(False), "False"),
        (np.array(2.5), "2.5"),
        (np.array([-0.0, np.nan, np.inf]), "[0, nan, inf]"),
        (np.array([1 - 2j]), "[1-2j]"),
        (np.array([[0.5, -1e9, 3], [4, 5, 6]]), "[[0.5, -1e+09, 3], [4, 5, 6]]"),
        (np.arange(8).reshape(2, 2, 2), "[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]"),
        (np.full(9, -123456.0), "[" + ", ".join(["-1.235e+05"] * 9) + "]"),
        (np.zeros((5, 2), np.int32), "i32[5,2]"),
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
        (3, 3),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (True, True),
        (np.array([[np.inf], [0.0]]), [["inf"], [0.0]]),
        (np.zeros((2, 0)), [[], []]),
    ],
)
def test_plain(value: Any, read: Any) -> None:
    assert plain(value) == read


def test_plain_is_what_json_can_write() -> None:
    values = [np.float32(0.5), np.array([[1, 2]]), np.bool_(True), np.array([math.nan])]
    written = json.dumps([plain(v) for v in values], allow_nan=False)
    assert written == '[0.5, [[1, 2]], true, ["nan"]]'
