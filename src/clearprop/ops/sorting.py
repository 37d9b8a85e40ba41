"""Sorting and partitioning, and the positions of the sorted entries."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.primitive import Draw, Sample, answers, floats, integers, primitive
from ..engine.spec import ArraySpec, normalize_axes
from ..errors import UnsupportedError
from .shaping import row_or_axis
from .specs import same, shaped
from .take_along_axis import put_along

POSITION = "A position is a whole number: a small step of the input does not move it."


def _unknown_order(function: str, order: str | Sequence[str] | None) -> None:
    if order is not None:
        raise UnsupportedError(f"{function}: order={order!r} is for records with fields")


# ---- positions


def _argsort(x: Array, axis: int, kind: Any) -> Array:
    return np.argsort(x, axis, kind)


def _positions_spec(x: Array, axis: int, **params: Any) -> ArraySpec:
    return ArraySpec(x.shape, np.dtype(np.intp))


_argsort_record = primitive(
    "argsort",
    _argsort,
    spec=_positions_spec,
    why=POSITION,
    samples=(
        Sample(floats(3, 4), axis=1, kind="stable"),
        Sample(floats(2, 3, 2), axis=0, kind=None),
        Sample(np.array([2, 0, 2, 1]), axis=0, kind="stable"),
    ),
)


@answers(np.argsort)
def argsort(
    a: Array,
    axis: int | None = -1,
    kind: str | None = None,
    order: str | Sequence[str] | None = None,
    *,
    stable: bool | None = None,
) -> Array:
    _unknown_order("argsort", order)
    a, axis = row_or_axis(a, axis)
    return _argsort_record(a, axis=axis, kind="stable" if stable else kind)


def _argpartition(x: Array, kth: tuple[int, ...], axis: int) -> Array:
    return np.argpartition(x, kth, axis)


_argpartition_record = primitive(
    "argpartition",
    _argpartition,
    spec=_positions_spec,
    why=POSITION,
    samples=(Sample(floats(3, 5), kth=(2,), axis=1), Sample(floats(5), kth=(1, 3), axis=0)),
)


def _kth(kth: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(map(operator.index, kth if np.iterable(kth) else (kth,)))


@answers(np.argpartition)
def argpartition(a: Array, kth: int | Sequence[int], axis: int | None = -1) -> Array:
    a, axis = row_or_axis(a, axis)
    return _argpartition_record(a, kth=_kth(kth), axis=axis)


def _lexsort(*keys: Array, axis: int) -> Array:
    return np.lexsort(keys, axis)


def _lexsort_spec(*keys: Array, axis: int) -> ArraySpec:
    return ArraySpec(keys[0].shape, np.dtype(np.intp))


_lexsort_record = primitive(
    "lexsort",
    _lexsort,
    spec=_lexsort_spec,
    why=POSITION,
    samples=(Sample(floats(4), integers(4, low=0, high=2), axis=0),),
)


@answers(np.lexsort)
def lexsort(keys: Sequence[ArrayLike], axis: int = -1) -> Array:
    parts = [shaped(key) for key in keys]
    return _lexsort_record(*parts, axis=normalize_axes(axis, parts[0].ndim)[0])


# ---- numbers in order


def _sort(x: Array, axis: int) -> Array:
    return np.sort(x, axis)


def sort_vjp(g: Array, out: Array, x: Array, axis: int) -> Array:
    order = np.argsort(x, axis, "stable")
    return put_along(g, order, axis=axis, shape=x.shape, once=True)


_sort_record = primitive(
    "sort",
    _sort,
    spec=same,
    vjp=(sort_vjp,),
    role="passes",
    why="Each number takes its gradient back to where it came from; equal numbers keep their order.",
    samples=(
        Sample(floats(3, 4), axis=1),
        Sample(floats(3, 4), axis=0),
        Sample(floats(1), axis=0),
        Sample(floats(0, 2), axis=0),
        Sample(Draw((3, 4), dtype="complex128"), axis=0),
    ),
)


@answers(np.sort)
def sort(
    a: Array,
    axis: int | None = -1,
    kind: str | None = None,
    order: str | Sequence[str] | None = None,
    *,
    stable: bool | None = None,
) -> Array:
    """Answer `np.sort`. Which algorithm sorts makes no difference to the result."""
    _unknown_order("sort", order)
    a, axis = row_or_axis(a, axis, number=False)
    return _sort_record(a, axis=axis)


def _partition(x: Array, kth: tuple[int, ...], axis: int) -> Array:
    return np.partition(x, kth, axis)


def _partition_spec(x: Array, kth: tuple[int, ...], axis: int) -> ArraySpec:
    return ArraySpec(x.shape, x.dtype)


def partition_vjp(g: AnyArray, out: Array, x: Array, kth: tuple[int, ...], axis: int) -> Array:
    """Send gradients back by rank: input and output hold the same numbers, sorted they stand side by side."""
    ranked = np.take_along_axis(g, np.argsort(out, axis, "stable"), axis)
    order = np.argsort(x, axis, "stable")
    return put_along(ranked, order, axis=axis, shape=x.shape, once=True)


_partition_record = primitive(
    "partition",
    _partition,
    spec=_partition_spec,
    vjp=(partition_vjp,),
    role="passes",
    why="Each number takes its gradient back to where it came from.",
    samples=(
        Sample(floats(3, 5), kth=(2,), axis=1),
        Sample(floats(5, 2), kth=(1, 3), axis=0),
    ),
)


@answers(np.partition)
def partition(a: Array, kth: int | Sequence[int], axis: int | None = -1) -> Array:
    a, axis = row_or_axis(a, axis, number=False)
    return _partition_record(a, kth=_kth(kth), axis=axis)
