"""Numerical derivatives, which know nothing of the library under test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STEP = 1e-4
"""With differences of fourth order the truncation error is about 1e-17 f⁗′ and the rounding error
about 1e-12, so that 1e-8 is a safe tolerance for functions of ordinary size."""


def _quotient(f: Callable[[float], Any], step: float) -> Any:
    """The derivative of `f` at 0, from two central differences that cancel the step's square."""
    return (8 * (f(step) - f(-step)) - (f(2 * step) - f(-2 * step))) / (12 * step)


def slopes(f: Callable[[Any], Any], x: Any, step: float = STEP) -> Any:
    """The derivative of a number-valued `f` with respect to every entry of `x`."""
    x = np.array(x, float)
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):

        def moved(by: float, place: tuple[int, ...] = place) -> Any:
            there = x.copy()
            there[place] += by
            return f(there[()])

        result[place] = _quotient(moved, step)
    return result[()]


def slope_along(
    f: Callable[..., Any], xs: tuple[Any, ...], steps: tuple[Any, ...], step: float = STEP
) -> Any:
    """The derivative of `f` at `xs` for a joint move in the direction `steps`."""
    return _quotient(lambda t: f(*((x + t * d)[()] for x, d in zip(xs, steps, strict=True))), step)


def normal_like(rng: np.random.Generator, x: Any, dtype: Any = None) -> Any:
    """Normally distributed numbers in the shape of `x`; a NumPy scalar where it has none."""
    return np.asarray(rng.standard_normal(np.shape(x))).astype(dtype or float)[()]


def same_value(x: Any, y: Any) -> bool:
    """Whether two values agree in dtype, shape and every bit that matters (NaN equals NaN)."""
    x, y = np.asarray(x), np.asarray(y)
    alike = x.dtype == y.dtype and x.shape == y.shape
    return alike and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
