"""Parts of arrays, orders, and what runs along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ops import windows
from ....ops.along import places
from ....ops.indexing import Slot
from ....primitive import primitives
from .table import spelling

_FEW = 16
"""What runs along an axis of so many entries is written out."""


# ---- picking and putting


@spelling
def take_along_axis(x: Any, indices: Any, axis: int, once: bool) -> Any:
    return x[places(indices, axis, x.shape)]


@spelling
def put_along(g: Any, indices: Any, axis: int, shape: Any, once: bool) -> Any:
    arrays = places(indices, axis, shape)
    index = tuple(map(Slot, range(len(arrays))))
    return primitives.scatter(g, *arrays, index=index, shape=shape)


def _diagonal_places(shape: Any, offset: int, axis1: int, axis2: int) -> tuple[Any, Any]:
    count = max(min(shape[axis1] + min(offset, 0), shape[axis2] - max(offset, 0)), 0)
    return np.arange(count) + max(-offset, 0), np.arange(count) + max(offset, 0)


def _matrices_last(ndim: int, axis1: int, axis2: int) -> tuple[int, ...]:
    return (*(i for i in range(ndim) if i not in (axis1, axis2)), axis1, axis2)


@spelling
def diagonal(x: Any, offset: int, axis1: int, axis2: int) -> Any:
    rows, columns = _diagonal_places(x.shape, offset, axis1, axis2)
    return x.transpose(_matrices_last(x.ndim, axis1, axis2))[..., rows, columns]


@spelling
def put_diagonal(g: Any, offset: int, axis1: int, axis2: int, shape: Any) -> Any:
    rows, columns = _diagonal_places(shape, offset, axis1, axis2)
    order = _matrices_last(len(shape), axis1, axis2)
    turned = primitives.scatter(
        g,
        rows,
        columns,
        index=(*(slice(None),) * (len(shape) - 2), Slot(0), Slot(1)),
        shape=tuple(shape[i] for i in order),
    )
    back = tuple(np.argsort(order).tolist())
    return turned if back == tuple(range(len(shape))) else turned.transpose(back)


# ---- orders


@spelling
def sort(x: Any, axis: int) -> Any:
    return np.take_along_axis(x, np.argsort(x, axis), axis)


@spelling
def argpartition(x: Any, kth: Any, axis: int) -> Any:
    return np.argsort(x, axis)


@spelling
def partition(x: Any, kth: Any, axis: int) -> Any:
    return np.sort(x, axis)


@spelling
def record_holder(x: Any, axis: int, largest: bool) -> Any:
    """Of running extremes: the last place up to here where they changed."""
    length = x.shape[axis]
    best = [x[(*(slice(None),) * axis, 0)]]
    place = [np.zeros_like(best[0], dtype=int)]
    for i in range(1, length):
        now = x[(*(slice(None),) * axis, i)]
        wins = now > best[-1] if largest else now < best[-1]
        best.append(np.where(wins, now, best[-1]))
        place.append(np.where(wins, i, place[-1]))
    return np.stack(place, axis)


# ---- along an axis of a few entries


def _entries(x: Any, axis: int) -> list[Any]:
    if not 0 < x.shape[axis] <= _FEW:
        raise NotImplementedError
    return [x[(*(slice(None),) * axis, i)] for i in range(x.shape[axis])]


def _running(x: Any, axis: int, reverse: bool, combine: Any) -> Any:
    entries = _entries(x, axis)[:: -1 if reverse else 1]
    totals = entries[:1]
    for entry in entries[1:]:
        totals.append(combine(totals[-1], entry))
    return np.stack(totals[:: -1 if reverse else 1], axis)


@spelling
def cumsum(x: Any, axis: int, reverse: bool) -> Any:
    return _running(x, axis, reverse, lambda total, entry: total + entry)


@spelling
def cumprod(x: Any, axis: int, reverse: bool) -> Any:
    return _running(x, axis, reverse, lambda total, entry: total * entry)


@spelling
def recurrence(links: Any, x: Any, axis: int, reverse: bool) -> Any:
    turn = slice(None, None, -1 if reverse else 1)
    terms = _entries(x, axis)[turn]
    totals = terms[:1]
    if len(terms) > 1:
        for link, term in zip(_entries(links, axis)[turn], terms[1:], strict=True):
            totals.append(term + link * totals[-1])
    return np.stack(totals[turn], axis)


@spelling
def prod(x: Any, axis: Any, keepdims: Any) -> Any:
    for i in sorted(axis, reverse=True):
        first, *others = _entries(x, i)
        for entry in others:
            first = first * entry
        x = np.expand_dims(first, i) if keepdims else first
    return x


@spelling
def convolve(a: Any, v: Any, mode: str) -> Any:
    a, v = (a, v) if a.size >= v.size else (v, a)
    n, factors = a.size, _entries(v, 0)
    if mode == "valid":
        parts = [a[len(factors) - 1 - k : n - k] * factor for k, factor in enumerate(factors)]
    else:
        size = n + len(factors) - 1
        parts = [
            primitives.scatter(a * factor, index=(slice(k, k + n),), shape=(size,))
            for k, factor in enumerate(factors)
        ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


@spelling
def searchsorted(a: Any, v: Any, side: str) -> Any:
    """How many entries come before."""
    v = np.expand_dims(v, -1)
    return np.sum(a < v if side == "left" else a <= v, -1)


@spelling
def sliding_windows(x: Any, window: Any, axis: Any) -> Any:
    return x.reshape(-1)[windows.places(x.shape, window, axis)]
