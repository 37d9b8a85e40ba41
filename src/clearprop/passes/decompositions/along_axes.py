"""Parts of arrays, orders, and what runs along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine.primitive import primitives
from ...engine.spec import shape_of
from ...ops.einsum_subscripts import read
from ...ops.indexing import Slot
from ...ops.sliding_windows import places as window_places
from ...ops.take_along_axis import places
from .registry import spelling

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


def _meshed(index: Any, shape: Any) -> tuple[list[Any], tuple[int, ...]]:
    """Index arrays, one an axis, that name the places of slices and numbers; and the shape of these.

    It does not apply to slices without gaps, which need no index arrays, nor beside index arrays.
    """
    kept = [part for part in index if part is not None]
    if any(isinstance(part, Slot) for part in kept):
        raise NotImplementedError
    if Ellipsis in kept:
        at = kept.index(Ellipsis)
        kept[at : at + 1] = [slice(None)] * (len(shape) - len(kept) + 1)
    kept += [slice(None)] * (len(shape) - len(kept))
    steps = [range(n)[p] for p, n in zip(kept, shape, strict=True) if isinstance(p, slice)]
    if all(len(step) < 2 or abs(step.step) == 1 for step in steps):
        raise NotImplementedError
    meshes = iter(np.ix_(*steps))
    places = [
        np.asarray(next(meshes) if isinstance(p, slice) else p % n)
        for p, n in zip(kept, shape, strict=True)
    ]
    return places, tuple(map(len, steps))


def _without_masks(index: Any, arrays: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """The same index with the places where its masks are true, if it has any, and they are known."""
    if not any(a.dtype.kind == "b" for a in arrays):
        raise NotImplementedError
    parts: list[Any] = []
    found: list[Any] = []
    for part in index:
        given: Sequence[Any] = (arrays[part.number],) if isinstance(part, Slot) else ()
        if given and given[0].dtype.kind == "b":
            if not isinstance(given[0], np.ndarray):
                raise NotImplementedError
            given = np.nonzero(given[0])
        parts += [Slot(len(found) + i) for i in range(len(given))] or [part]
        found += given
    return tuple(parts), found


@spelling
def gather(x: Any, *arrays: Any, index: Any) -> Any:
    """By masks."""
    parts, places = _without_masks(index, arrays)
    return primitives.gather(x, *places, index=parts)


@spelling
def scatter(g: Any, *arrays: Any, index: Any, shape: Any) -> Any:
    """By masks, or into slices with gaps."""
    if arrays:
        parts, known = _without_masks(index, arrays)
        return primitives.scatter(g, *known, index=parts, shape=shape)
    places, size = _meshed(index, shape)
    slots = tuple(map(Slot, range(len(places))))
    return primitives.scatter(g.reshape(size), *places, index=slots, shape=shape)


@spelling
def assign(x: Any, value: Any, *arrays: Any, index: Any) -> Any:
    """At places that are known, each once, or into slices with gaps."""
    if not arrays:
        _meshed(index, x.shape)
    if not all(isinstance(a, np.ndarray) for a in arrays):
        raise NotImplementedError
    own = tuple(arrays[part.number] if isinstance(part, Slot) else part for part in index)
    times = np.zeros(x.shape, int)
    np.add.at(times, own, 1)
    if (times > 1).any():
        raise NotImplementedError
    whole = np.broadcast_to(value, times[own].shape)
    written = primitives.scatter(whole, *arrays, index=index, shape=x.shape)
    return np.where(times == 1, written, x)


@spelling
def einsum(*operands: Any, subscripts: str) -> Any:
    """Of an operand that has a letter twice, by its diagonal."""
    terms, output, _ = read(subscripts, tuple(map(shape_of, operands)))
    if all(len(set(term)) == len(term) for term in terms):
        raise NotImplementedError
    lines, whole = [], []
    for x, term in zip(operands, terms, strict=True):
        while double := next((c for c in term if term.count(c) > 1), ""):
            first, second = (i for i, c in enumerate(term) if c == double)
            if x.shape[first] != x.shape[second]:
                raise NotImplementedError
            x = np.diagonal(x, 0, first, second)
            term = term.replace(double, "") + double
        lines.append(term)
        whole.append(x)
    return np.einsum(f"{','.join(lines)}->{output}", *whole)


# ---- orders


def _place(x: Any, axis: Any, keepdims: bool, top: Any) -> Any:
    """The first place along an axis where an extreme stands, or NaN."""
    if axis is None:
        found = _place(x.reshape(-1), 0, False, top)
        return found.reshape((1,) * x.ndim) if keepdims else found
    axis %= x.ndim
    others = tuple(i for i in range(x.ndim) if i != axis)
    places = np.expand_dims(np.arange(float(x.shape[axis])), others)
    hits = np.logical_or(x == top(x, axis), np.isnan(x))
    first = np.min(np.where(hits, places, float(x.shape[axis])), axis, keepdims=keepdims)
    return first.astype(np.intp)


@spelling
def argmax(x: Any, axis: Any, keepdims: bool) -> Any:
    return _place(x, axis, keepdims, lambda x, axis: np.max(x, axis, keepdims=True))


@spelling
def argmin(x: Any, axis: Any, keepdims: bool) -> Any:
    return _place(x, axis, keepdims, lambda x, axis: np.min(x, axis, keepdims=True))


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
        if x.shape[i] > _FEW:
            first = np.cumprod(x, i)[(*(slice(None),) * i, -1)]
        else:
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
    return x.reshape(-1)[window_places(x.shape, window, axis)]
