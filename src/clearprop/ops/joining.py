"""Several arrays into one, and one into several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Casting, DTypeLike, IndexLike
from ..engine.primitive import Custom, Sample, answers, each, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes, promote
from ..errors import DtypeError, ShapeError
from .shaping import reshape
from .specs import shaped

# ---- joining


def _parts(
    name: str, arrays: Array | Sequence[ArrayLike], dtype: DTypeLike, casting: Any
) -> list[Array]:
    """Return the arrays to be joined, converted to `dtype` if it is given."""
    parts = [shaped(x) for x in arrays] if np.iterable(arrays) else []
    if not parts:
        raise ShapeError(f"{name}: there is nothing to join; give it a list of arrays")
    if dtype is None:
        return parts
    for x in parts:
        if not np.can_cast(x.dtype, dtype, casting):
            raise DtypeError(
                f"{name}: casting={casting!r} does not allow to make {np.dtype(dtype)} of {x.dtype}"
            )
    return [x.astype(dtype) for x in parts]


def concatenate_vjp(position: int, g: Array, out: Array, *inputs: Array, axis: int) -> Array:
    start = sum(x.shape[axis] for x in inputs[:position])
    part = slice(start, start + inputs[position].shape[axis])
    return g[(slice(None),) * axis + (part,)]


def _concatenate(*inputs: Array, axis: int) -> Array:
    return np.concatenate(inputs, axis)


def _concatenate_spec(*inputs: Array, axis: int) -> ArraySpec:
    shapes = [list(x.shape) for x in inputs]
    total = sum(shape[axis] for shape in shapes)
    for shape in shapes:
        shape[axis] = total
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError("all sizes but the one along the joined axis must be equal")
    return ArraySpec(tuple(shapes[0]), promote(*inputs))


def _write_list(name: str) -> Custom:
    def write(*inputs: str, **params: Any) -> str:
        rest = "".join(f", {key}={value}" for key, value in params.items())
        return f"{name}([{', '.join(inputs)}]{rest})"

    return Custom(write)


_concatenate_record = primitive(
    "concatenate",
    _concatenate,
    spec=_concatenate_spec,
    vjp=each(concatenate_vjp),
    role="selects",
    why="Each input gets the part of the gradient that stands where its numbers stand.",
    notation=_write_list("concatenate"),
    traits=["conjugates"],
    noun="joined",
    samples=(
        Sample(floats(2, 3), floats(1, 3), axis=0),
        Sample(floats(2, 1), floats(2, 2), floats(2, 3), axis=1),
    ),
)


@answers(np.concatenate, np.concat)
def concatenate(
    arrays: Array | Sequence[ArrayLike],
    axis: int | None = 0,
    *,
    dtype: DTypeLike = None,
    casting: Casting = "same_kind",
) -> Array:
    parts = _parts("concatenate", arrays, dtype, casting)
    if axis is None:
        parts, axis = [reshape(x, -1) for x in parts], 0
    if any(x.ndim != parts[0].ndim for x in parts) or not parts[0].ndim:
        raise ShapeError(
            f"concatenate: shapes {[x.shape for x in parts]} need one number of axes, at least 1"
        )
    return _concatenate_record(*parts, axis=normalize_axes(axis, parts[0].ndim)[0])


def stack_vjp(position: int, g: Array, out: Array, *inputs: Array, axis: int) -> Array:
    return g[(slice(None),) * axis + (position,)]


def _stack(*inputs: Array, axis: int) -> Array:
    return np.stack(inputs, axis)


def _stack_spec(*inputs: Array, axis: int) -> ArraySpec:
    shape = inputs[0].shape
    if any(x.shape != shape for x in inputs):
        raise ValueError("all input arrays must have the same shape")
    return ArraySpec((*shape[:axis], len(inputs), *shape[axis:]), promote(*inputs))


_stack_record = primitive(
    "stack",
    _stack,
    spec=_stack_spec,
    vjp=each(stack_vjp),
    role="selects",
    why="Each input gets the layer of the gradient that stands where its numbers stand.",
    notation=_write_list("stack"),
    traits=["conjugates"],
    noun="stacked",
    samples=(
        Sample(floats(2, 3), floats(2, 3), axis=0),
        Sample(floats(2), floats(2), floats(2), axis=1),
        Sample(floats(), floats(), axis=0),
    ),
)


@answers(np.stack)
def stack(
    arrays: Array | Sequence[ArrayLike],
    axis: int = 0,
    *,
    dtype: DTypeLike = None,
    casting: Casting = "same_kind",
) -> Array:
    parts = _parts("stack", arrays, dtype, casting)
    return _stack_record(*parts, axis=normalize_axes(axis, parts[0].ndim + 1)[0])


@answers(np.vstack)
def vstack(
    tup: Sequence[ArrayLike], *, dtype: DTypeLike = None, casting: Casting = "same_kind"
) -> Array:
    rows = [np.atleast_2d(x) for x in _parts("vstack", tup, None, casting)]
    return concatenate(rows, 0, dtype=dtype, casting=casting)


if hasattr(np, "row_stack"):  # deprecated, and gone from later versions

    @answers(np.row_stack)
    def row_stack(
        tup: Sequence[ArrayLike], *, dtype: DTypeLike = None, casting: Casting = "same_kind"
    ) -> Array:
        return vstack(tup, dtype=dtype, casting=casting)


@answers(np.hstack)
def hstack(
    tup: Sequence[ArrayLike], *, dtype: DTypeLike = None, casting: Casting = "same_kind"
) -> Array:
    parts = [np.atleast_1d(x) for x in _parts("hstack", tup, None, casting)]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@answers(np.dstack)
def dstack(
    tup: Sequence[ArrayLike], *, dtype: DTypeLike = None, casting: Casting = "same_kind"
) -> Array:
    parts = [np.atleast_3d(x) for x in _parts("dstack", tup, None, casting)]
    return concatenate(parts, 2, dtype=dtype, casting=casting)


@answers(np.column_stack)
def column_stack(tup: Sequence[ArrayLike]) -> Array:
    columns = _parts("column_stack", tup, None, None)
    return concatenate([x if x.ndim > 1 else reshape(x, (-1, 1)) for x in columns], 1)


@answers(np.block)
def block(arrays: ArrayLike) -> Array:
    depth, leaves = _depth(arrays), list(_leaves(arrays))
    ndim = max(depth, *(x.ndim for x in leaves))

    def join(part: Any, axis: int) -> Array:
        if not isinstance(part, list):
            x = shaped(part)
            return reshape(x, (1,) * (ndim - x.ndim) + x.shape)
        return concatenate([join(p, axis + 1) for p in part], axis)

    joined = join(arrays, ndim - depth)
    return joined if depth else joined.copy()


def _depth(part: Any) -> int:
    """Return how deep lists are nested, the same everywhere."""
    if not isinstance(part, list):
        return 0
    depths = set(map(_depth, part))
    if len(depths) != 1:
        raise ShapeError(
            "block: a list is empty"
            if not depths
            else f"block: lists are nested to different depths, {sorted(depths)}; put single blocks in lists"
        )
    return depths.pop() + 1


def _leaves(part: Any) -> Iterator[Array]:
    if isinstance(part, list):
        for p in part:
            yield from _leaves(p)
    else:
        yield shaped(part)


@answers(np.append)
def append(arr: AnyArray, values: AnyArray, axis: int | None = None) -> Array:
    return concatenate([arr, values], axis)


# ---- splitting: windows on the parts


def _along(axis: int, part: IndexLike) -> tuple[Any, ...]:
    return (slice(None),) * axis + (part,)


@answers(np.array_split)
def array_split(ary: Array, indices_or_sections: AnyArray, axis: int = 0) -> list[Array]:
    (axis,) = normalize_axes(axis, ary.ndim)
    size = ary.shape[axis]
    if np.iterable(indices_or_sections):
        points = [0, *map(int, indices_or_sections), size]
    else:
        sections = int(indices_or_sections)
        if sections <= 0:
            raise ShapeError(f"array_split: {sections} sections; there must be at least one")
        least, extra = divmod(size, sections)
        points = [least * i + min(i, extra) for i in range(sections + 1)]
    return [ary[_along(axis, slice(start, stop))] for start, stop in pairwise(points)]


@answers(np.split)
def split(ary: Array, indices_or_sections: AnyArray, axis: int = 0) -> list[Array]:
    if not np.iterable(indices_or_sections):
        size = ary.shape[normalize_axes(axis, ary.ndim)[0]]
        if size % max(int(indices_or_sections), 1):
            raise ShapeError(
                f"split: axis {axis} of shape {ary.shape} has no {indices_or_sections} equal parts; "
                f"np.array_split makes unequal ones"
            )
    return array_split(ary, indices_or_sections, axis)


def _need_axes(name: str, ary: Array, ndim: int) -> None:
    if ary.ndim < ndim:
        raise ShapeError(f"{name}: shape {ary.shape} has fewer than {ndim} axes")


@answers(np.vsplit)
def vsplit(ary: Array, indices_or_sections: AnyArray) -> list[Array]:
    _need_axes("vsplit", ary, 2)
    return split(ary, indices_or_sections, 0)


@answers(np.hsplit)
def hsplit(ary: Array, indices_or_sections: AnyArray) -> list[Array]:
    _need_axes("hsplit", ary, 1)
    return split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@answers(np.dsplit)
def dsplit(ary: Array, indices_or_sections: AnyArray) -> list[Array]:
    _need_axes("dsplit", ary, 3)
    return split(ary, indices_or_sections, 2)


if hasattr(np, "unstack"):  # since NumPy 2.1

    @answers(np.unstack)
    def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
        (axis,) = normalize_axes(axis, x.ndim)
        return tuple(x[_along(axis, i)] for i in range(x.shape[axis]))
