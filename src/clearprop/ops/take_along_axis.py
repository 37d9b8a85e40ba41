"""Picking along one axis, by a position for each entry: np.take_along_axis and its gradient."""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray, Array, Shape
from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes
from ..errors import DtypeError, ShapeError
from .indexing import add_at
from .shaping import reshape
from .specs import shaped

_PICKS = np.array([[0, 2, 2], [1, 1, 3]])
_ORDER = np.array([[1, 0, 2], [2, 0, 1]])


def places(indices: Array, axis: int, shape: Shape) -> tuple[Array, ...]:
    """Return the index that picks ``x[i, indices[i, j]]`` from an `x` of this shape, and so for any axis."""
    ndim = len(shape)
    return tuple(
        indices if i == axis else np.arange(n).reshape((-1,) + (1,) * (ndim - i - 1))
        for i, n in enumerate(shape)
    )


def _take_along(x: Array, indices: Array, axis: int, once: bool) -> Array:
    return x[places(indices, axis, x.shape)]


def _take_along_spec(x: Array, indices: Array, axis: int, once: bool) -> ArraySpec:
    return ArraySpec(_region(x.shape, indices.shape, axis), x.dtype)


def _region(shape: Shape, picks: tuple[int, ...], axis: int) -> tuple[int, ...]:
    beside = (*shape[:axis], 1, *shape[axis + 1 :])
    return broadcast_shapes(beside, picks)


def take_along_vjp(g: Array, out: Array, x: Array, indices: Array, axis: int, once: bool) -> Array:
    return put_along(g, indices, axis=axis, shape=x.shape, once=once)


_take_along_record = primitive(
    "take_along_axis",
    _take_along,
    spec=_take_along_spec,
    vjp=(take_along_vjp,),
    role="selects",
    why="What was picked gets its gradient, twice what was picked twice; what was left out gets zero.",
    traits=["linear"],
    samples=(
        Sample(floats(2, 4), _PICKS, axis=1, once=False),
        Sample(floats(2, 3), _ORDER, axis=1, once=True),
        Sample(floats(4, 1), _PICKS, axis=0, once=False),
        Sample(floats(2, 4), _PICKS[:, :1], axis=1, once=True),
    ),
)


def _put_along(g: Array, indices: Array, axis: int, shape: Shape, once: bool) -> Array:
    out = np.zeros(shape, g.dtype)
    place = places(indices, axis, shape)
    if once:
        out[place] = g
    else:
        add_at(out, place, g)
    return out


def _put_along_spec(g: Array, indices: Array, axis: int, shape: Shape, once: bool) -> ArraySpec:
    return ArraySpec(shape, g.dtype)


def put_along_vjp(
    g: Array, out: Array, x: Array, indices: Array, axis: int, shape: Shape, once: bool
) -> Array:
    return _take_along_record(g, indices, axis=axis, once=once)


put_along = primitive(
    "put_along",
    _put_along,
    spec=_put_along_spec,
    vjp=(put_along_vjp,),
    role="selects",
    why="The way back of picking: each number gets the gradient of the place that it was put at.",
    traits=["linear"],
    samples=(
        Sample(floats(2, 3), _PICKS, axis=1, shape=(2, 4), once=False),
        Sample(floats(2, 3), _ORDER, axis=1, shape=(2, 3), once=True),
    ),
)


@answers(np.take_along_axis)
def take_along_axis(arr: AnyArray, indices: AnyArray, axis: int | None = -1) -> Array:
    arr, indices = shaped(arr), shaped(indices)
    if axis is None:
        arr, axis = reshape(arr, -1), 0
    check(arr.shape, indices, axis)
    (axis,) = normalize_axes(axis, arr.ndim)
    # one from each row: no entry is picked twice
    alone = indices.shape[axis] == 1 and _region(arr.shape, indices.shape, axis) == (
        *arr.shape[:axis],
        1,
        *arr.shape[axis + 1 :],
    )
    return _take_along_record(arr, indices, axis=axis, once=alone)


def check(shape: Shape, indices: Array, axis: int) -> None:
    """Raise what is wrong with positions along an axis of an array of this shape."""
    if indices.dtype.kind not in "iu":
        raise DtypeError(
            f"positions along an axis are whole numbers, but these are {indices.dtype}"
        )
    if indices.ndim != len(shape):
        raise ShapeError(
            f"positions of shape {indices.shape} along axis {axis} of shape {shape}: both need the same "
            f"number of axes. Use np.expand_dims, or np.take for the same positions everywhere"
        )
