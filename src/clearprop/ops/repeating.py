"""Entries repeated, reversed, rotated, rolled, or spread over a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike, ShapeLike
from ..engine.primitive import Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes
from ..errors import ShapeError
from .shaping import broadcast_arrays, reshape, row_or_axis, transpose
from .specs import same, shaped

# ---- copies


def repeat_vjp(g: Array, out: Array, x: Array, repeats: int, axis: int) -> Array:
    shape = (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    return g.reshape(shape).sum(axis + 1)


def _repeat_spec(x: Array, repeats: int, axis: int) -> ArraySpec:
    shape = list(x.shape)
    shape[axis] *= repeats
    return ArraySpec(tuple(shape), x.dtype)


_repeat_record = primitive(
    "repeat",
    np.repeat,
    spec=_repeat_spec,
    vjp=(repeat_vjp,),
    role="sums",
    why="Each number was copied, and the gradients of its copies add up.",
    traits=["linear"],
    samples=(
        Sample(floats(3, 4), repeats=2, axis=1),
        Sample(floats(2, 1, 3), repeats=3, axis=0),
        Sample(floats(4), repeats=1, axis=0),
        Sample(floats(3), repeats=0, axis=0),
    ),
)


@answers(np.repeat)
def repeat(a: Array, repeats: ArrayLike, axis: int | None = None) -> Array:
    a, axis = row_or_axis(a, axis)
    counts = np.asarray(repeats)
    if counts.size == 1:
        return _repeat_record(a, repeats=int(counts.reshape(())), axis=axis)
    if counts.shape != (a.shape[axis],):
        raise ShapeError(
            f"repeat: shape {a.shape} needs {a.shape[axis]} numbers of repeats along axis {axis} (or one "
            f"for all), but they have shape {counts.shape}"
        )
    return np.take(a, np.repeat(np.arange(a.shape[axis]), counts), axis)


def tile_vjp(g: Array, out: Array, x: Array, reps: tuple[int, ...]) -> Array:
    shape = (1,) * (len(reps) - x.ndim) + x.shape
    apart: list[int] = []
    copies = []
    for times, size in zip(reps, shape, strict=True):
        if times != 1:
            copies.append(len(apart))
            apart.append(times)
        apart.append(size)
    return g.reshape(apart).sum(tuple(copies))


def _tile_spec(x: Array, reps: tuple[int, ...]) -> ArraySpec:
    shape = (1,) * (len(reps) - x.ndim) + x.shape
    return ArraySpec(tuple(n * r for n, r in zip(shape, reps, strict=True)), x.dtype)


_tile_record = primitive(
    "tile",
    np.tile,
    spec=_tile_spec,
    vjp=(tile_vjp,),
    role="sums",
    why="The whole was copied side by side, and the gradients of the copies add up.",
    traits=["linear"],
    samples=(
        Sample(floats(2, 3), reps=(2, 2)),
        Sample(floats(3), reps=(2, 1, 3)),
        Sample(floats(), reps=(3,)),
        Sample(floats(2, 3), reps=(1, 0)),
    ),
)


@answers(np.tile)
def tile(A: ArrayLike, reps: int | Sequence[int]) -> Array:
    A, counts = shaped(A), tuple(map(int, reps)) if np.iterable(reps) else (int(reps),)
    return _tile_record(A, reps=(1,) * (A.ndim - len(counts)) + counts)


@answers(np.resize)
def resize(a: AnyArray, new_shape: ShapeLike) -> Array:
    a = reshape(shaped(a), -1)
    shape = tuple(map(int, new_shape)) if np.iterable(new_shape) else (int(new_shape),)
    size = math.prod(shape)
    if min(shape, default=0) < 0:
        raise ShapeError(f"resize: shape {shape} has a negative size")
    if not a.size:
        return np.zeros_like(a, shape=shape)
    return reshape(tile(a, -(-size // a.size))[:size], shape)


# ---- turns


@answers(np.flip)
def flip(m: Array, axis: AxesLike = None) -> Array:
    axes = normalize_axes(axis, m.ndim)
    return m[tuple(slice(None, None, -1 if i in axes else None) for i in range(m.ndim))]


@answers(np.fliplr)
def fliplr(m: Array) -> Array:
    if m.ndim < 2:
        raise ShapeError(f"fliplr: shape {m.shape} has no columns; np.flip turns any axis around")
    return flip(m, 1)


@answers(np.flipud)
def flipud(m: Array) -> Array:
    if m.ndim < 1:
        raise ShapeError("flipud: a number has no rows")
    return flip(m, 0)


@answers(np.rot90)
def rot90(m: Array, k: int = 1, axes: Sequence[int] = (0, 1)) -> Array:
    one, other = (normalize_axes(axis, m.ndim)[0] for axis in axes)
    if one == other:
        raise ShapeError(f"rot90: axes={axes} is one axis of shape {m.shape}; a plane has two")
    if k % 2 == 0:
        return flip(m, (one, other)) if k % 4 else m[...]
    order = list(range(m.ndim))
    order[one], order[other] = other, one
    return transpose(flip(m, other), order) if k % 4 == 1 else flip(transpose(m, order), other)


def roll_vjp(g: Array, out: Array, x: Array, shift: tuple[int, ...], axis: Axes | None) -> Array:
    return np.roll(g, tuple(-n for n in shift), axis)


def _roll(x: Array, shift: tuple[int, ...], axis: Axes | None) -> Array:
    """Do np.roll; along one axis, in a fourth of its time for small arrays."""
    if axis is None or len(axis) > 1 or not x.size:
        return np.roll(x, shift, axis)
    cut = -shift[0] % x.shape[axis[0]]
    before = (slice(None),) * axis[0]
    return np.concatenate((x[(*before, slice(cut, None))], x[(*before, slice(cut))]), axis[0])


_roll_record = primitive(
    "roll",
    _roll,
    spec=same,
    vjp=(roll_vjp,),
    role="passes",
    why="The numbers went around, and their gradients go back around.",
    traits=["linear"],
    samples=(
        Sample(floats(3, 4), shift=(1,), axis=(1,)),
        Sample(floats(3, 4), shift=(-1, 5), axis=(0, 1)),
        Sample(floats(3, 4), shift=(2, 3), axis=(1, 1)),
        Sample(floats(3, 4), shift=(-5,), axis=None),
        Sample(floats(0, 2), shift=(1,), axis=(0,)),
    ),
)


@answers(np.roll)
def roll(a: ArrayLike, shift: int | Sequence[int], axis: AxesLike = None) -> Array:
    a = shaped(a)
    if axis is None:
        return _roll_record(a, shift=tuple(map(int, np.atleast_1d(shift))), axis=None)
    try:
        shifts, axes = np.broadcast_arrays(np.atleast_1d(shift), np.atleast_1d(axis))
    except ValueError as error:
        raise ShapeError(f"roll: shift={shift} and axis={axis} have different lengths") from error
    places = tuple(normalize_axes(int(i), a.ndim)[0] for i in axes)
    return _roll_record(a, shift=tuple(map(int, shifts)), axis=places)


# ---- grids


@answers(np.meshgrid)
def meshgrid(
    *xi: Array, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Array, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    order = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        order[:2] = 1, 0
    sides = [
        reshape(x, (1,) * axis + (-1,) + (1,) * (len(xi) - axis - 1))
        for x, axis in zip(map(shaped, xi), order, strict=True)
    ]
    grids = tuple(sides) if sparse else broadcast_arrays(*sides)
    return tuple(np.copy(x) for x in grids) if copy else grids


@answers(np.ix_)
def ix_(*args: ArrayLike) -> tuple[Array, ...]:
    found = []
    for i, x in enumerate(map(shaped, args)):
        if x.ndim != 1:
            raise ShapeError(f"ix_: it takes arrays with one axis, not of shape {x.shape}")
        positions = np.nonzero(x)[0] if x.dtype.kind == "b" else x
        found.append(reshape(positions, (1,) * i + (-1,) + (1,) * (len(args) - i - 1)))
    return tuple(found)
