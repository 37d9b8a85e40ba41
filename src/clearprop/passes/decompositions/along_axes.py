"""Parts of arrays, orders, and what runs along an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...engine.array_types import AnyArray, Array, Axes, Shape
from ...engine.primitive import primitives
from ...ops.indexing import Slot
from ...ops.padding import Pairs
from ...ops.sliding_windows import places as window_places
from ...ops.take_along_axis import places
from .registry import decomposition

_FEW = 16
"""What runs along an axis of so many entries is written out."""


# ---- picking and putting


@decomposition("source")
def take_along_axis(x: Array, indices: Array, axis: int, once: bool) -> Array:
    return x[places(indices, axis, x.shape)]


@decomposition("source")
def put_along(g: Array, indices: Array, axis: int, shape: Shape, once: bool) -> Array:
    arrays = places(indices, axis, shape)
    index = tuple(map(Slot, range(len(arrays))))
    return primitives.scatter(g, *arrays, index=index, shape=shape)


def _diagonal_places(shape: Shape, offset: int, axis1: int, axis2: int) -> tuple[Array, Array]:
    count = max(min(shape[axis1] + min(offset, 0), shape[axis2] - max(offset, 0)), 0)
    return np.arange(count) + max(-offset, 0), np.arange(count) + max(offset, 0)


def _matrices_last(ndim: int, axis1: int, axis2: int) -> tuple[int, ...]:
    return (*(i for i in range(ndim) if i not in (axis1, axis2)), axis1, axis2)


@decomposition("source")
def diagonal(x: Array, offset: int, axis1: int, axis2: int) -> Array:
    rows, columns = _diagonal_places(x.shape, offset, axis1, axis2)
    return x.transpose(_matrices_last(x.ndim, axis1, axis2))[..., rows, columns]


@decomposition("source")
def put_diagonal(g: Array, offset: int, axis1: int, axis2: int, shape: Shape) -> Array:
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


def _meshed(index: Any, shape: Shape) -> tuple[list[Any], tuple[int, ...]]:
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


@decomposition("source")
def gather(x: Array, *arrays: Array, index: Any) -> Array:
    """By masks."""
    parts, places = _without_masks(index, arrays)
    return primitives.gather(x, *places, index=parts)


@decomposition("source")
def scatter(g: Array, *arrays: Array, index: Any, shape: Shape) -> Array:
    """By masks, or into slices with gaps."""
    if arrays:
        parts, known = _without_masks(index, arrays)
        return primitives.scatter(g, *known, index=parts, shape=shape)
    places, size = _meshed(index, shape)
    slots = tuple(map(Slot, range(len(places))))
    return primitives.scatter(g.reshape(size), *places, index=slots, shape=shape)


@decomposition("source")
def assign(x: Array, value: Array, *arrays: Array, index: Any) -> Array:
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


# ---- arrangements


@decomposition("compile", "source")
def roll(x: Array, shift: tuple[int, ...], axis: tuple[int, ...] | None) -> Array:
    if axis is None:
        return roll(x.reshape(-1), (sum(shift),), (0,)).reshape(x.shape)
    for step, i in zip(shift, axis, strict=True):
        cut = -step % max(x.shape[i], 1)
        if cut:
            before = (slice(None),) * i
            x = np.concatenate([x[(*before, slice(cut, None))], x[(*before, slice(cut))]], i)
    return x


@decomposition("compile", "source")
def pad(x: Array, width: Pairs, value: Pairs) -> Array:
    shape = tuple(a + n + b for n, (a, b) in zip(x.shape, width, strict=True))
    index = tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, width, strict=True))
    if any(v for pair in value for v in pair):
        frame = np.pad(np.zeros(x.shape, x.dtype), width, constant_values=value)
        return primitives.assign(frame, x, index=index)
    return primitives.scatter(x, index=index, shape=shape)


@decomposition("compile", "source")
def repeat(x: Array, repeats: int, axis: int) -> Array:
    shape = list(x.shape)
    shape[axis] *= repeats
    copies = (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    return np.broadcast_to(np.expand_dims(x, axis + 1), copies).reshape(shape)


@decomposition("compile", "source")
def tile(x: Array, reps: tuple[int, ...]) -> Array:
    shape = (1,) * (len(reps) - x.ndim) + x.shape
    pairs = list(zip(reps, shape, strict=True))
    apart = [n for times, size in pairs for n in ((1, size) if times != 1 else (size,))]
    copies = [n for times, size in pairs for n in ((times, size) if times != 1 else (size,))]
    whole = [r * n for r, n in zip(reps, shape, strict=True)]
    return np.broadcast_to(x.reshape(apart), copies).reshape(whole)


# ---- orders


def _place(x: Array, axis: int | None, keepdims: bool, top: Callable[[Array, int], Array]) -> Array:
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


@decomposition("source")
def argmax(x: Array, axis: int | None, keepdims: bool) -> Array:
    return _place(x, axis, keepdims, lambda x, axis: np.max(x, axis, keepdims=True))


@decomposition("source")
def argmin(x: Array, axis: int | None, keepdims: bool) -> Array:
    return _place(x, axis, keepdims, lambda x, axis: np.min(x, axis, keepdims=True))


@decomposition("source")
def sort(x: Array, axis: int) -> Array:
    return np.take_along_axis(x, np.argsort(x, axis), axis)


@decomposition("source")
def argpartition(x: Array, kth: tuple[int, ...], axis: int) -> Array:
    return np.argsort(x, axis)


@decomposition("source")
def partition(x: Array, kth: tuple[int, ...], axis: int) -> Array:
    return np.sort(x, axis)


@decomposition("source")
def record_holder(x: Array, axis: int, largest: bool) -> Array:
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


def _entries(x: Array, axis: int) -> list[Array]:
    if not 0 < x.shape[axis] <= _FEW:
        raise NotImplementedError
    return [x[(*(slice(None),) * axis, i)] for i in range(x.shape[axis])]


@decomposition("source")
def recurrence(links: Array, x: Array, axis: int, reverse: bool) -> Array:
    turn = slice(None, None, -1 if reverse else 1)
    terms = _entries(x, axis)[turn]
    totals = terms[:1]
    if len(terms) > 1:
        for link, term in zip(_entries(links, axis)[turn], terms[1:], strict=True):
            totals.append(term + link * totals[-1])
    return np.stack(totals[turn], axis)


@decomposition("source")
def prod(x: AnyArray, axis: Axes, keepdims: bool) -> Array:
    for i in sorted(axis, reverse=True):
        if x.shape[i] > _FEW:
            running: AnyArray = np.cumprod(x, i)
            first = running[(*(slice(None),) * i, -1)]
        else:
            first, *others = _entries(x, i)
            for entry in others:
                first = first * entry
        x = np.expand_dims(first, i) if keepdims else first
    return x


@decomposition("source")
def convolve(a: Array, v: Array, mode: str) -> Array:
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


@decomposition("source")
def searchsorted(a: Array, v: Array, side: str) -> Array:
    """How many entries come before."""
    v = np.expand_dims(v, -1)
    return np.sum(a < v if side == "left" else a <= v, -1)


@decomposition("source")
def sliding_windows(x: Array, window: Shape, axis: Axes) -> Array:
    return x.reshape(-1)[window_places(x.shape, window, axis)]
