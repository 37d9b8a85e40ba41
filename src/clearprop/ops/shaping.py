"""The same numbers in another shape or order of axes; their gradients move back the same way."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike, Shape, ShapeLike
from ..engine.broadcasting import broadcast_shapes, stretched_axes
from ..engine.primitive import Custom, Sample, answers, floats, primitive
from ..engine.refusals import read_only
from ..engine.spec import ArraySpec, normalize_axes
from ..engine.tensor import Tensor
from ..engine.view_or_copy import stand_in
from ..errors import ShapeError, TraceError, UnsupportedError
from .specs import shaped


def reshape_vjp(g: Array, out: Array, x: Array, shape: Shape) -> Array:
    return g.reshape(x.shape)


def _reshape(x: Array, shape: Shape) -> Array:
    return x.reshape(shape)


def _unshaped(base: Array, new: Array, **params: Any) -> Array:
    return _reshape_record(new, shape=base.shape)


def _shape_spec(x: Array, shape: Shape) -> ArraySpec:
    return ArraySpec(shape, x.dtype)


_reshape_record = primitive(
    "reshape",
    _reshape,
    spec=_shape_spec,
    vjp=(reshape_vjp,),
    role="passes",
    why="The same numbers in another layout, and so are their gradients.",
    notation=Custom(lambda x, shape: f"{x}.reshape{shape}"),
    traits=["view", "keeps"],
    put=_unshaped,
    samples=(Sample(floats(3, 4), shape=(2, 6)), Sample(floats(), shape=(1, 1))),
)


@answers(np.reshape)
def reshape(a: Array, shape: ShapeLike, order: str = "C", *, copy: bool | None = None) -> Array:
    sizes = tuple(shape) if np.iterable(shape) else (shape,)
    sizes = tuple(int(n) for n in sizes)
    if sizes.count(-1) == 1:
        rest = -math.prod(sizes)
        if rest and a.size % rest == 0:
            sizes = tuple(a.size // rest if n == -1 else n for n in sizes)
    if math.prod(sizes) != a.size or min(sizes, default=0) < 0:
        raise ShapeError(
            f"reshape: cannot turn an array of size {a.size} and shape {a.shape} into {shape}"
        )
    if order == "C" or _by_rows(a, order):
        out = _reshape_record(a, shape=sizes)
    else:  # the first axis fastest: in C's order for the axes read backwards
        out = transpose(_reshape_record(transpose(a), shape=sizes[::-1]))
    return np.copy(out) if copy else out


def row_or_axis(a: ArrayLike, axis: int | None, *, number: bool = True) -> tuple[AnyArray, int]:
    """Return an array and the axis to work along: of all entries in one row, if `axis` is None.

    With `number`, the axes 0 and -1 of a number are those of the row of it, as in most of NumPy.
    """
    a = shaped(a)
    if type(axis) is int and 0 <= axis < a.ndim:
        return a, axis
    if axis is None or (number and not a.ndim and axis in (0, -1)):
        return reshape(a, -1), 0
    return a, normalize_axes(operator.index(axis), a.ndim)[0]


def _by_rows(a: AnyArray, order: str, known: str = "CFA") -> bool:
    """Return whether `order` reads the last axis fastest; where that is up to the memory, look at it."""
    if order in ("C", "F"):
        return order == "C"
    if order not in tuple(known):
        raise ValueError(f"order is one of {', '.join(known)}, not {order!r}")
    value = a.value if isinstance(a, Tensor) else a
    if isinstance(value, ArraySpec):
        raise TraceError(
            f"order={order!r} depends on how numbers lie in memory, which is unknown while tracing. Use "
            f"'C' (rows) or 'F' (columns)."
        )
    if order == "K" and not value.flags.forc:
        raise UnsupportedError(
            "order='K' of an array with gaps depends on how its numbers lie in memory. Use 'C' or 'F'."
        )
    return not value.flags.fnc


@answers(np.ravel)
def ravel(a: Array, order: str = "C") -> Array:
    by_rows = _by_rows(a, order, "CFAK")
    out = reshape(a, -1, "C" if by_rows else "F")
    if isinstance(a, Tensor) and a.primitive is not None and a.primitive.put is not None:
        model = stand_in(
            a
        )  # of what has gaps np.ravel makes a copy, also where np.reshape would not
        if model is not None and not (
            model.flags.c_contiguous if by_rows else model.flags.f_contiguous
        ):
            return np.copy(out)
    return out


def transpose_vjp(g: Array, out: Array, x: Array, axes: Axes) -> Array:
    return _transposed_back(x, g, axes)


def _transposed_back(base: Array, new: Array, axes: Axes) -> Array:
    back = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    return _transpose_record(new, axes=back)


def _transpose(x: Array, axes: Axes) -> Array:
    return x.transpose(axes)


def _transpose_spec(x: Array, axes: Axes) -> ArraySpec:
    return ArraySpec(tuple(x.shape[i] for i in axes), x.dtype)


def _write_transpose(x: str, axes: Axes) -> str:
    n = len(axes)
    if axes == tuple(range(n))[::-1]:
        return f"{x}.T"
    if axes == (*range(n - 2), n - 1, n - 2):
        return f"{x}.mT"
    return f"{x}.transpose{axes}"


_transpose_record = primitive(
    "transpose",
    _transpose,
    spec=_transpose_spec,
    vjp=(transpose_vjp,),
    role="passes",
    why="The same numbers with axes exchanged, and so are their gradients.",
    notation=Custom(_write_transpose),
    traits=["view"],
    put=_transposed_back,
    samples=(Sample(floats(3, 4), axes=(1, 0)), Sample(floats(2, 3, 4), axes=(2, 0, 1))),
)


@answers(np.transpose, np.permute_dims)
def transpose(a: Array, axes: AxesLike = None) -> Array:
    if axes is None:
        return _transpose_record(a, axes=tuple(range(a.ndim))[::-1])
    axes = tuple(axes) if np.iterable(axes) else (axes,)
    order = tuple(int(i) % a.ndim if -a.ndim <= i < a.ndim else -1 for i in axes)
    if sorted(order) != list(range(a.ndim)):
        raise ShapeError(
            f"transpose: axes={axes} is no order of the {a.ndim} axes of shape {a.shape}"
        )
    return _transpose_record(a, axes=order)


@answers(np.swapaxes)
def swapaxes(a: Array, axis1: int, axis2: int) -> Array:
    order = list(range(a.ndim))
    (one,), (other,) = normalize_axes(axis1, a.ndim), normalize_axes(axis2, a.ndim)
    order[one], order[other] = other, one
    return transpose(a, order)


@answers(np.moveaxis)
def moveaxis(a: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    normalize_axes(source, a.ndim), normalize_axes(destination, a.ndim)  # for the error they raise
    named = np.lib.stride_tricks.as_strided(np.zeros(1), (1,) * a.ndim, range(a.ndim))
    return transpose(a, np.moveaxis(named, source, destination).strides)  # which name the axes


@answers(np.rollaxis)
def rollaxis(a: Array, axis: int, start: int = 0) -> Array:
    (axis,) = normalize_axes(axis, a.ndim)
    if not -a.ndim <= start <= a.ndim:
        raise ShapeError(f"rollaxis: start={start} is out of range for shape {a.shape}")
    start += a.ndim if start < 0 else 0
    return moveaxis(a, axis, start - (axis < start))


@answers(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Array) -> Array:
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: a matrix has two axes or more, not shape {x.shape}")
    return swapaxes(x, -1, -2)


def broadcast_to_vjp(g: Array, out: Array, x: Array, shape: Shape) -> Array:
    axes = stretched_axes(x.shape, shape)
    return np.add.reduce(g, axis=axes).reshape(x.shape) if axes else g


def _broadcast_to(x: AnyArray, shape: Shape) -> Array:
    """Do np.broadcast_to, without its overhead in the usual cases: the same view, made directly."""
    if x.shape == shape:
        return x
    if x.ndim == 0:
        x, strides = np.asarray(x), (0,) * len(shape)
    elif x.ndim == len(shape) and x.flags.c_contiguous and _stretches(x.shape, shape):
        strides = tuple([0 if n == 1 else step for n, step in zip(x.shape, x.strides, strict=True)])
    else:
        return np.broadcast_to(x, shape)
    view: AnyArray = np.ndarray(shape, x.dtype, x, 0, strides)
    view.setflags(write=False)
    return view


@lru_cache(maxsize=4096)
def _stretches(source: Shape, target: Shape) -> bool:
    return all(n in (1, m) for n, m in zip(source, target, strict=True))


def _broadcast_spec(x: Array, shape: Shape) -> ArraySpec:
    if broadcast_shapes(x.shape, shape) != tuple(shape):
        raise ValueError(f"shape {x.shape} does not stretch to {shape}")
    return ArraySpec(shape, x.dtype)


_broadcast_record = primitive(
    "broadcast_to",
    _broadcast_to,
    spec=_broadcast_spec,
    vjp=(broadcast_to_vjp,),
    role="sums",
    why="Each number was copied along the stretched axes, and the gradients of copies add up.",
    traits=["view", "keeps"],
    put=read_only,
    samples=(Sample(floats(3, 1), shape=(2, 3, 4)), Sample(floats(), shape=(3,))),
)


@answers(np.broadcast_to)
def broadcast_to(array: ArrayLike, shape: ShapeLike) -> Array:
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    return _broadcast_record(shaped(array), shape=tuple(int(n) for n in shape))


@answers(np.broadcast_arrays)
def broadcast_arrays(*args: ArrayLike) -> tuple[Array, ...]:
    arrays = [shaped(x) for x in args]
    try:
        shape = broadcast_shapes(*(x.shape for x in arrays))
    except ValueError as error:
        raise ShapeError(
            f"broadcast_arrays: shapes {' and '.join(str(x.shape) for x in arrays)} do not fit"
        ) from error
    return tuple(broadcast_to(x, shape) for x in arrays)


# ---- axes of size one


def expand_dims_vjp(g: Array, out: Array, x: Array, axis: Axes) -> Array:
    return g.reshape(x.shape)


def _expand_dims_spec(x: Array, axis: Axes) -> ArraySpec:
    rest = iter(x.shape)
    ndim = x.ndim + len(axis)
    return ArraySpec(tuple(1 if i in axis else next(rest) for i in range(ndim)), x.dtype)


def _expand_dims(x: Array, axis: Axes) -> Array:
    return x.reshape(_expand_dims_spec(x, axis).shape)


_expand_dims_record = primitive(
    "expand_dims",
    _expand_dims,
    spec=_expand_dims_spec,
    vjp=(expand_dims_vjp,),
    role="passes",
    why="Axes of size one come and go; the numbers and their gradients stay.",
    traits=["view", "keeps"],
    put=_unshaped,
    samples=(Sample(floats(3, 4), axis=(1,)), Sample(floats(), axis=(0, 1))),
)


@answers(np.expand_dims)
def expand_dims(a: Array, axis: AxesLike) -> Array:
    count = len(tuple(axis)) if np.iterable(axis) else 1
    return _expand_dims_record(a, axis=normalize_axes(axis, a.ndim + count))


def _squeeze_spec(x: Array, axis: Axes) -> ArraySpec:
    return ArraySpec(tuple(n for i, n in enumerate(x.shape) if i not in axis), x.dtype)


def _squeeze(x: Array, axis: Axes) -> Array:
    return x.reshape(_squeeze_spec(x, axis).shape)


_squeeze_record = primitive(
    "squeeze",
    _squeeze,
    spec=_squeeze_spec,
    vjp=(expand_dims_vjp,),
    role="passes",
    why="Axes of size one come and go; the numbers and their gradients stay.",
    traits=["view", "keeps"],
    put=_unshaped,
    samples=(Sample(floats(3, 1, 4), axis=(1,)), Sample(floats(1, 1), axis=(0, 1))),
)


@answers(np.squeeze)
def squeeze(a: Array, axis: AxesLike = None) -> Array:
    if axis is None:
        axes = tuple(i for i, n in enumerate(a.shape) if n == 1)
    else:
        axes = normalize_axes(axis, a.ndim, reduces=True)
        if any(a.shape[i] != 1 for i in axes):
            raise ShapeError(
                f"squeeze: cannot drop axis {axis} of shape {a.shape}: its size is not one"
            )
    return _squeeze_record(a, axis=axes)


def _at_least(arrays: tuple[ArrayLike, ...], shape_of: Callable[[Shape], Shape]) -> AnyArray:
    """Reshape each array by `shape_of`, where that changes anything; one array comes back alone."""
    found = []
    for x in map(shaped, arrays):
        shape = shape_of(x.shape)
        found.append(x if shape == x.shape else _reshape_record(x, shape=shape))
    return found[0] if len(found) == 1 else tuple(found)


@answers(np.atleast_1d)
def atleast_1d(*arys: ArrayLike) -> AnyArray:
    return _at_least(arys, lambda shape: shape or (1,))


@answers(np.atleast_2d)
def atleast_2d(*arys: ArrayLike) -> AnyArray:
    return _at_least(arys, lambda shape: (1,) * (2 - len(shape)) + shape)


@answers(np.atleast_3d)
def atleast_3d(*arys: ArrayLike) -> AnyArray:
    def deep(shape: Shape) -> tuple[int, ...]:
        if len(shape) >= 3:
            return shape
        return (*shape, 1) if len(shape) == 2 else (1, *(shape or (1,)), 1)

    return _at_least(arys, deep)
