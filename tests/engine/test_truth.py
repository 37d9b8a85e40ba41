"""What the error says to write in the place of a Python `if` or `while` on a value that is not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import TraceError


def if_comparison(x: Any) -> Any:
    if x > 0:
        return x
    return -x


def if_call(x: Any) -> Any:
    if np.sum(x):
        return x
    return -x


def elif_method(x: Any) -> Any:
    if x is None:
        return 0
    elif (x > 0).any():
        return x
    return -x


def conditional_expression(x: Any) -> Any:
    return x if np.sum(x) else -x


def several_lines(x: Any) -> Any:
    if (
        np.sum(x)
        > 0
    ):  # fmt: skip
        return x
    return -x


def with_not(x: Any) -> Any:
    return 0 if not x > 0 else x


def while_one(x: Any) -> Any:
    n = 3
    while np.abs(x) > 1:
        half = x / 2
        x = half
    return x * n


def while_two(x: Any) -> Any:
    i, y = 0, x
    while y < 9 * x:
        y = y * 2
        i += 1
    return i


def in_a_comprehension(x: Any) -> Any:
    return [y for y in (x, x) if y > 0]


def in_max(x: Any) -> Any:
    if max(x, 2 * x) > 3:
        return x
    return -x


@pytest.mark.parametrize(
    ("f", "asked", "instead"),
    [
        (if_comparison, "(`if x > 0`)", "clearprop.cond(x > 0, f, g, ...)"),
        (if_call, "(`if np.sum(x)`)", "np.where(np.sum(x), a, b)"),
        (elif_method, "(`if (x > 0).any()`)", "clearprop.cond((x > 0).any(), f, g, ...)"),
        (conditional_expression, "(`if np.sum(x)`)", "np.where(np.sum(x), a, b)"),
        (several_lines, "(`if np.sum(x) > 0`)", "np.where(np.sum(x) > 0, a, b)"),
        (with_not, "(`if not x > 0`)", "np.logical_not"),
        (
            while_one,
            "(`while np.abs(x) > 1`)",
            "clearprop.while_loop(lambda x: np.abs(x) > 1, step, x), where step returns the next x",
        ),
        (
            while_two,
            "(`while y < 9 * x`)",
            "clearprop.while_loop(holds, step, (y, i)), where holds and step get what is carried, and return "
            "y < 9 * x and",
        ),
        (in_a_comprehension, "(`if`, `while`, `and`, `or`)", "np.where(condition, a, b)"),
        (in_max, "(`if`, `while`, `and`, `or`)", "np.maximum"),
    ],
)
def test_the_condition_is_filled_in(f: Callable[..., Any], asked: str, instead: str) -> None:
    with pytest.raises(TraceError) as caught:
        clearprop.trace(f, 1.0)
    text = str(caught.value)
    assert f"the truth of a value {asked} needs a number" in text
    assert instead in text
