"""``np.emath``: roots, logarithms and inverse functions that become complex where real numbers have none.

What is complex depends on the numbers, so it is refused where they are not known.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..engine.array_types import Array, ArrayLike
from ..engine.arrays import as_array
from ..engine.primitive import answers
from ..engine.tensor import Tensor
from ..errors import TraceError


def _extended(function: np.ufunc, x: ArrayLike, outside: Callable[[Array], Array]) -> Array:
    """Return `x`, complex if some of its numbers lie where `function` is not real."""
    x = as_array(x)
    if x.dtype.kind == "c":
        return x
    if isinstance(x, Tensor) and not x.is_known:
        raise TraceError(
            f"np.emath.{function.__name__} is complex where its numbers ask for it, but while tracing only "
            f"the spec {x.value} is known. Write np.{function.__name__}, which is real, of x or of "
            f"x.astype(complex)."
        )
    if not np.any(outside(x)):
        return x
    return x.astype(np.result_type(x.dtype, np.complex64))


def _is_negative(x: Array) -> Array:
    return x < 0


def _is_beyond_one(x: Array) -> Array:
    return abs(x) > 1


def _answer(function: np.ufunc, outside: Callable[[Array], Array]) -> None:
    @answers(getattr(np.emath, function.__name__))
    def extended(x: Array) -> Array:
        return function(_extended(function, x, outside))


for _name in ("sqrt", "log", "log2", "log10"):
    _answer(getattr(np, _name), _is_negative)
for _name in ("arccos", "arcsin", "arctanh"):
    _answer(getattr(np, _name), _is_beyond_one)


@answers(np.emath.logn)
def logn(n: ArrayLike, x: ArrayLike) -> Array:
    return np.emath.log(as_array(x)) / np.emath.log(as_array(n))


@answers(np.emath.power)
def power(x: Array, p: ArrayLike) -> Array:
    p = as_array(p)
    if p.dtype.kind in "iu" and not isinstance(p, Tensor) and np.any(p < 0):
        p = p * 1.0
    return np.power(_extended(np.power, x, _is_negative), p)
