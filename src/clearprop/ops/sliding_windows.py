"""Sliding windows, as in convolutions and running means: entries picked by where they stand."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ..engine.array_types import Array, Axes, AxesLike, Shape, ShapeLike
from ..engine.primitive import Sample, answers, floats, primitive, primitives
from ..engine.refusals import read_only
from ..engine.spec import ArraySpec
from ..errors import ShapeError, UnsupportedError
from .indexing import Slot

_views = np.lib.stride_tricks.sliding_window_view


@lru_cache(maxsize=256)
def places(shape: Shape, window: Shape, axis: Axes) -> Array:
    """Return where each entry of the windows stands in the flattened array."""
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    found = np.ascontiguousarray(_views(numbers, window, axis))
    found.setflags(write=False)
    return found


def _windows(x: Array, window: Shape, axis: Axes) -> Array:
    return _views(x, window, axis)


def _windows_spec(x: Array, window: Shape, axis: Axes) -> ArraySpec:
    return ArraySpec(_views(np.broadcast_to(np.empty(()), x.shape), window, axis).shape, x.dtype)


def windows_vjp(g: Array, out: Array, x: Array, window: Shape, axis: Axes) -> Array:
    where, index = places(x.shape, window, axis), (Slot(0),)
    return primitives.scatter(g, where, index=index, shape=(x.size,)).reshape(x.shape)


_record = primitive(
    "sliding_windows",
    _windows,
    spec=_windows_spec,
    vjp=(windows_vjp,),
    role="sums",
    why="Each number stands in every window that covers it, and the gradients of these places add up.",
    traits=["view"],
    put=read_only,
    samples=(
        Sample(floats(5), window=(2,), axis=(0,)),
        Sample(floats(3, 4), window=(2, 3), axis=(0, 1)),
        Sample(floats(2, 4), window=(2, 2), axis=(1, 1)),
    ),
)


@answers(_views)
def sliding_window_view(
    x: Array,
    window_shape: ShapeLike,
    axis: AxesLike = None,
    *,
    subok: bool = False,
    writeable: bool = False,
) -> Array:
    if writeable:
        raise UnsupportedError(
            "sliding_window_view(writeable=True) of a tensor would let one number be written in several "
            "windows at once; assign into the tensor itself"
        )
    axes = range(x.ndim) if axis is None else _numbers(axis)
    params = {"window": _numbers(window_shape), "axis": tuple(i % x.ndim for i in axes)}
    try:
        _windows_spec(x, **params)
    except ValueError as error:
        raise ShapeError(
            f"sliding_window_view: windows of shape {window_shape} along axis={axis} do not fit into shape "
            f"{x.shape}: {error}"
        ) from error
    return _record(x, **params)


def _numbers(given: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(map(operator.index, given if np.iterable(given) else (given,)))
