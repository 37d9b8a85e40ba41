"""Bessel functions of small whole orders, by those of orders 0 and 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....engine.array_types import AnyArray, Array
from ....engine.arrays import TensorBase
from ....engine.primitive import primitives
from ....passes.decompositions.elementwise import of_order_two
from ....passes.decompositions.registry import decomposition


def order_of(n: AnyArray) -> int:
    """A degree or order that is known, whole and small, or else a decomposition does not apply."""
    if isinstance(n, TensorBase) or np.ndim(n) or not 0 <= float(n) <= 12 or float(n) % 1:
        raise NotImplementedError
    return int(n)


def _upwards(n: int, x: Array, first: Array, second: Array, sign: int) -> Array:
    """The recurrence that keeps its digits where the functions grow with their order."""
    before, now = first, second
    for k in range(1, n):
        before, now = now, (2 * k / x) * now + sign * before
    return now if n else first


def _few(n: Array, functions: tuple[Callable[[Array], Array], ...], x: Array) -> Array:
    order = order_of(n)
    if order >= len(functions) or x.dtype.kind == "c":
        raise NotImplementedError
    return functions[order](x)


@decomposition("source")
def jv(v: Array, x: Array) -> Array:
    p = primitives

    def second(x: Array) -> Array:
        return of_order_two(x, lambda far: 2 / far * p.j1(far) - p.j0(far), -1)

    return _few(v, (p.j0, p.j1, second), x)


@decomposition("source")
def iv(v: Array, x: Array) -> Array:
    p = primitives

    def second(x: Array) -> Array:
        return of_order_two(x, lambda far: p.special_i0(far) - 2 / far * p.i1(far), 1)

    return _few(v, (p.special_i0, p.i1, second), x)


@decomposition("source")
def ive(v: Array, x: Array) -> Array:
    return (
        np.exp(-np.abs(x)) * primitives.iv(v, x)
        if order_of(v) > 1
        else _few(v, (primitives.i0e, primitives.i1e), x)
    )


@decomposition("source", of="yn")
@decomposition("source")
def yv(v: Array, x: Array) -> Array:
    return _upwards(order_of(v), x, primitives.y0(x), primitives.y1(x), -1)


@decomposition("source", of="kn")
@decomposition("source")
def kv(v: Array, x: Array) -> Array:
    return _upwards(order_of(v), x, primitives.k0(x), primitives.k1(x), 1)


@decomposition("source")
def kve(v: Array, x: Array) -> Array:
    return _upwards(order_of(v), x, primitives.k0e(x), primitives.k1e(x), 1)
