"""Primitives that move numbers without changing them: their gradients move back the same way."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import Custom, Sample, answers, each, floats, primitive
from ..spec import ArraySpec, normalize_axes, promote, stretched_axes
from ..tensor import tensor


def _as_shaped(x: Any) -> Any:
    return x if hasattr(x, "shape") else np.asarray(x)


# ---- one array, another shape


def reshape_vjp(g: Any, out: Any, x: Any, shape: Any) -> Any:
    return g.reshape(x.shape)


def _reshape(x: Any, shape: Any) -> Any:
    return x.reshape(shape)


def _shape_spec(x: Any, shape: Any) -> ArraySpec:
    return ArraySpec(shape, x.dtype)


_reshape_record = primitive(
    "reshape",
    _reshape,
    spec=_shape_spec,
    vjp=(reshape_vjp,),
    role="passes",
    why="The same numbers in another layout, and so are their gradients.",
    notation=Custom(lambda x, shape: f"{x}.reshape{shape}"),
    view=True,
    samples=(Sample(floats(3, 4), shape=(2, 6)), Sample(floats(), shape=(1, 1))),
)


@answers(np.reshape)
def reshape(a: Any, shape: Any) -> Any:
    sizes = tuple(shape) if np.iterable(shape) else (shape,)
    sizes = tuple(int(n) for n in sizes)
    if sizes.count(-1) == 1:
        rest = -math.prod(sizes)
        if rest and a.size % rest == 0:
            sizes = tuple(a.size // rest if n == -1 else n for n in sizes)
    if math.prod(sizes) != a.size or -1 in sizes:
        raise ShapeError(
            f"reshape: cannot turn an array of size {a.size} and shape {a.shape} into {shape}"
        )
    return _reshape_record(a, shape=sizes)


@answers(np.ravel)
def ravel(a: Any) -> Any:
    return reshape(a, -1)


def transpose_vjp(g: Any, out: Any, x: Any, axes: Any) -> Any:
    back = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    return _transpose_record(g, axes=back)


def _transpose(x: Any, axes: Any) -> Any:
    return x.transpose(axes)


def _transpose_spec(x: Any, axes: Any) -> ArraySpec:
    return ArraySpec(tuple(x.shape[i] for i in axes), x.dtype)


def _write_transpose(x: str, axes: Any) -> str:
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
    view=True,
    samples=(Sample(floats(3, 4), axes=(1, 0)), Sample(floats(2, 3, 4), axes=(2, 0, 1))),
)


@answers(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
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
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    order = list(range(a.ndim))
    (one,), (other,) = normalize_axes(axis1, a.ndim), normalize_axes(axis2, a.ndim)
    order[one], order[other] = other, one
    return transpose(a, order)


@answers(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    normalize_axes(source, a.ndim), normalize_axes(destination, a.ndim)  # for the error they raise
    names = np.empty(tuple(range(1, a.ndim + 1)), dtype=bool)  # sizes 1, 2, ... tell the axes apart
    return transpose(a, [n - 1 for n in np.moveaxis(names, source, destination).shape])


def broadcast_to_vjp(g: Any, out: Any, x: Any, shape: Any) -> Any:
    axes = stretched_axes(x.shape, shape)
    return np.add.reduce(g, axis=axes).reshape(x.shape) if axes else g


def _broadcast_to(x: Any, shape: Any) -> Any:
    """np.broadcast_to, without its overhead in the usual cases: the same window, made directly."""
    if x.shape == shape:
        return x
    if x.ndim == 0:
        x, strides = np.asarray(x), (0,) * len(shape)
    elif x.ndim == len(shape) and x.flags.c_contiguous and _stretches(x.shape, shape):
        strides = tuple([0 if n == 1 else step for n, step in zip(x.shape, x.strides, strict=True)])
    else:
        return np.broadcast_to(x, shape)
    window: Any = np.ndarray(shape, x.dtype, x, 0, strides)
    window.setflags(write=False)
    return window


@lru_cache(maxsize=4096)
def _stretches(source: tuple[int, ...], target: tuple[int, ...]) -> bool:
    return all(n in (1, m) for n, m in zip(source, target, strict=True))


def _broadcast_spec(x: Any, shape: Any) -> ArraySpec:
    if np.broadcast_shapes(x.shape, shape) != tuple(shape):
        raise ValueError(f"shape {x.shape} does not stretch to {shape}")
    return ArraySpec(shape, x.dtype)


_broadcast_record = primitive(
    "broadcast_to",
    _broadcast_to,
    spec=_broadcast_spec,
    vjp=(broadcast_to_vjp,),
    role="sums",
    why="Each number was copied along the stretched axes, and the gradients of copies add up.",
    view=True,
    samples=(Sample(floats(3, 1), shape=(2, 3, 4)), Sample(floats(), shape=(3,))),
)


@answers(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    return _broadcast_record(_as_shaped(array), shape=tuple(int(n) for n in shape))


def expand_dims_vjp(g: Any, out: Any, x: Any, axis: Any) -> Any:
    return g.reshape(x.shape)


def _expand_dims_spec(x: Any, axis: Any) -> ArraySpec:
    rest = iter(x.shape)
    ndim = x.ndim + len(axis)
    return ArraySpec(tuple(1 if i in axis else next(rest) for i in range(ndim)), x.dtype)


def _expand_dims(x: Any, axis: Any) -> Any:
    return x.reshape(_expand_dims_spec(x, axis).shape)


_expand_dims_record = primitive(
    "expand_dims",
    _expand_dims,
    spec=_expand_dims_spec,
    vjp=(expand_dims_vjp,),
    role="passes",
    why="Axes of size one come and go; the numbers and their gradients stay.",
    view=True,
    samples=(Sample(floats(3, 4), axis=(1,)), Sample(floats(), axis=(0, 1))),
)


@answers(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    count = len(tuple(axis)) if np.iterable(axis) else 1
    return _expand_dims_record(a, axis=normalize_axes(axis, a.ndim + count))


def _squeeze_spec(x: Any, axis: Any) -> ArraySpec:
    return ArraySpec(tuple(n for i, n in enumerate(x.shape) if i not in axis), x.dtype)


def _squeeze(x: Any, axis: Any) -> Any:
    return x.reshape(_squeeze_spec(x, axis).shape)


_squeeze_record = primitive(
    "squeeze",
    _squeeze,
    spec=_squeeze_spec,
    vjp=(expand_dims_vjp,),
    role="passes",
    why="Axes of size one come and go; the numbers and their gradients stay.",
    view=True,
    samples=(Sample(floats(3, 1, 4), axis=(1,)), Sample(floats(1, 1), axis=(0, 1))),
)


@answers(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    if axis is None:
        axes = tuple(i for i, n in enumerate(a.shape) if n == 1)
    else:
        axes = normalize_axes(axis, a.ndim)
        if any(a.shape[i] != 1 for i in axes):
            raise ShapeError(
                f"squeeze: cannot drop axis {axis} of shape {a.shape}: its size is not one"
            )
    return _squeeze_record(a, axis=axes)


# ---- several arrays into one


def concatenate_vjp(position: int, g: Any, out: Any, *inputs: Any, axis: int) -> Any:
    start = sum(x.shape[axis] for x in inputs[:position])
    part = slice(start, start + inputs[position].shape[axis])
    return g[(slice(None),) * axis + (part,)]


def _concatenate(*inputs: Any, axis: int) -> Any:
    return np.concatenate(inputs, axis)


def _concatenate_spec(*inputs: Any, axis: int) -> ArraySpec:
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
    samples=(
        Sample(floats(2, 3), floats(1, 3), axis=0),
        Sample(floats(2, 1), floats(2, 2), floats(2, 3), axis=1),
    ),
)


@answers(np.concatenate, np.concat)
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    parts = [_as_shaped(x) for x in arrays]
    if axis is None:
        parts, axis = [reshape(x, -1) for x in parts], 0
    if any(x.ndim != parts[0].ndim for x in parts) or not parts[0].ndim:
        raise ShapeError(
            f"concatenate: shapes {[x.shape for x in parts]} need one number of axes, at least 1"
        )
    return _concatenate_record(*parts, axis=normalize_axes(axis, parts[0].ndim)[0])


def stack_vjp(position: int, g: Any, out: Any, *inputs: Any, axis: int) -> Any:
    return g[(slice(None),) * axis + (position,)]


def _stack(*inputs: Any, axis: int) -> Any:
    return np.stack(inputs, axis)


def _stack_spec(*inputs: Any, axis: int) -> ArraySpec:
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
    samples=(
        Sample(floats(2, 3), floats(2, 3), axis=0),
        Sample(floats(2), floats(2), floats(2), axis=1),
        Sample(floats(), floats(), axis=0),
    ),
)


@answers(np.stack)
def stack(arrays: Any, axis: int = 0) -> Any:
    parts = [_as_shaped(x) for x in arrays]
    return _stack_record(*parts, axis=normalize_axes(axis, parts[0].ndim + 1)[0])


# ---- questions about shape, and constants of the same shape


@answers(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    return a.shape


@answers(np.ndim)
def ndim(a: Any) -> int:
    return a.ndim


@answers(np.size)
def size(a: Any, axis: int | None = None) -> int:
    return a.size if axis is None else a.shape[axis]


@answers(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None) -> Any:
    return tensor(np.zeros(a.shape, dtype or a.dtype), requires_grad=False)


@answers(np.ones_like)
def ones_like(a: Any, dtype: Any = None) -> Any:
    return tensor(np.ones(a.shape, dtype or a.dtype), requires_grad=False)
