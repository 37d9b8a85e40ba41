"""Functions of SciPy's that give all degrees up to one at once, with their slopes.

Each solves a differential equation, which says what the slopes' own slopes are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.bundle import Bundle
from ...engine.primitive import Primitive, Sample, floats, primitive
from ...engine.spec import ArraySpec
from .common import weighed

Params = tuple[float, ...]
_WHY = "All degrees at once and their slopes, whose own slopes the differential equation gives."


def _sequence(
    function: Callable[..., Any],
    second: Callable[..., Array],
    params: Params,
    low: float,
    high: float,
    *,
    orders: int = 0,
    dtype: str = "float64",
) -> Primitive:
    """Register one of parameters and an x, y'' being ``second(degree, x, y, y')``.

    The last parameter is the highest degree (or order). Where there are `orders` besides, y'' gets
    ``(order, degree)``.
    """
    name = function.__name__

    def forward(x: Array, params: Params) -> Bundle:
        return Bundle(function(*params, x.astype(complex if x.dtype.kind == "c" else float)))

    def spec(x: Array, params: Params) -> Bundle:
        kind = "complex128" if x.dtype.kind == "c" else dtype
        lengths = tuple(int(p) + 1 for p in params)
        return Bundle([ArraySpec((*lengths, *x.shape), np.dtype(kind))] * 2)

    def vjp(g: Bundle, out: Bundle, x: Array, params: Params) -> Array:
        y, slope = out
        degrees = params[-1] - int(params[-1]) + np.arange(int(params[-1]) + 1)
        degrees = degrees.reshape((-1,) + (1,) * x.ndim)
        if orders:
            rows = np.arange(int(params[0]) + 1).reshape((-1, 1) + (1,) * x.ndim)
            return weighed(g, lambda: slope, lambda: second(rows, degrees, x, y, slope))
        return weighed(g, lambda: slope, lambda: second(degrees, x, y, slope))

    samples = [Sample(floats(low=low, high=high), params=params)]
    if name in ("lqn", "lqmn"):
        samples.append(Sample(floats(3, low=low, high=high), params=params))
    return primitive(
        name,
        forward,
        spec=spec,
        vjp=(vjp,),
        role="scales",
        why=_WHY,
        samples=tuple(samples),
    )


def _weber(v: Array, x: Array, y: Array, slope: Array) -> Array:
    return (0.25 * x * x - v - 0.5) * y


def _riccati(n: Array, x: Array, y: Array, slope: Array) -> Array:
    return (n * (n + 1) / (x * x) - 1) * y


def _lambda(v: Array, x: Array, y: Array, slope: Array) -> Array:
    return -(2 * v + 1) / x * slope - y


def _legendre(n: Array, x: Array, y: Array, slope: Array) -> Array:
    return (2 * x * slope - n * (n + 1) * y) / (1 - x * x)


def _associated(m: Array, n: Array, x: Array, y: Array, slope: Array) -> Array:
    rest = 1 - x * x
    return (2 * x * slope - (n * (n + 1) - m * m / rest) * y) / rest


sequences = {
    record.name: record
    for record in (
        _sequence(sp.pbdv_seq, _weber, (2.5,), 0.5, 2),
        _sequence(sp.pbvv_seq, _weber, (2.5,), 0.5, 2),
        _sequence(sp.pbdn_seq, _weber, (3,), 0.5, 1.5, dtype="complex128"),
        _sequence(sp.riccati_jn, _riccati, (3,), 0.5, 3),
        _sequence(sp.riccati_yn, _riccati, (3,), 0.5, 3),
        _sequence(sp.lmbda, _lambda, (2.5,), 0.5, 3),
        _sequence(sp.lqn, _legendre, (3,), -0.8, 0.8),
        _sequence(sp.lqmn, _associated, (2, 3), -0.8, 0.8, orders=1),
    )
}
