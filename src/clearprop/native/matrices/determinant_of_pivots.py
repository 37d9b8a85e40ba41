"""Determinants, by the logarithms of their factors, as NumPy has them: no product is too large."""

from __future__ import annotations

import numpy as np

from ..llvm_ir import Value
from ..math import FUNCTIONS
from ..math.instructions import absolute
from ..types import I32
from .elimination import Factors, eliminate
from .task import Task


def sign_and_logarithm(task: Task) -> None:
    sign, logarithm = _both(task, eliminate(task))
    for x, out in zip((sign, logarithm), task.outputs, strict=True):
        if out is not None:
            task.b.store(x, out.pointer)


def determinant(task: Task) -> None:
    (out,) = task.outputs
    assert out is not None
    sign, logarithm = _both(task, eliminate(task))
    task.b.store(sign * FUNCTIONS["exp"](logarithm), out.pointer)


def _both(task: Task, factors: Factors) -> tuple[Value, Value]:
    """Return the sign of the determinant, and the logarithm of its size; of a singular matrix 0 and -inf."""
    b, single, pivots = task.b, task.single, factors.pivots
    logarithm = b.reduce("add", FUNCTIONS["log"](absolute(pivots)))
    negative = b.reduce("add", b.convert(b.compare("<", pivots, 0.0), I32.dtype))
    is_odd = b.compare("!=", (negative & 1), 0) ^ factors.is_odd
    sign = b.select(is_odd, b.constant(single, -1.0), 1.0)
    sign = b.select(factors.is_singular, 0.0, sign)
    return sign, b.select(factors.is_singular, -np.inf, logarithm)
