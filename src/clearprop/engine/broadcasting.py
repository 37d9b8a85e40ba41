"""Broadcasting: which axes NumPy stretches, and undoing it in a gradient, once for all rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from .array_types import AnyArray, Array, Axes, DType, Shape


def broadcast_shapes(*shapes: Shape) -> Shape:
    """Return the shape that shapes broadcast to, by NumPy's rule; raise ValueError where they do not fit.

    NumPy's own function stops at 32 axes, while its arrays may have 64.

    >>> broadcast_shapes((2, 1), (3,)), broadcast_shapes(), len(broadcast_shapes((1,) * 40, (2,)))
    ((2, 3), (), 40)
    """
    if all(shape == shapes[0] for shape in shapes):
        return shapes[0] if shapes else ()
    width = max(map(len, shapes))
    if width <= 32:
        return np.broadcast_shapes(*shapes)
    columns = zip(*((1,) * (width - len(shape)) + tuple(shape) for shape in shapes), strict=True)
    sizes = [{n for n in column if n != 1} or {1} for column in columns]
    if any(len(found) > 1 for found in sizes):
        raise ValueError(f"shapes {' and '.join(map(str, shapes))} do not broadcast")
    return tuple(n for (n,) in sizes)


@lru_cache(maxsize=4096)
def stretched_axes(source: Shape, target: Shape) -> Axes:
    """Return the axes of `target` along which broadcasting repeated a value of shape `source`.

    >>> stretched_axes((64,), (32, 64)), stretched_axes((1, 64), (32, 64)), stretched_axes((3,), (3,))
    ((0,), (0,), ())
    """
    extra = len(target) - len(source)
    return tuple(range(extra)) + tuple(
        extra + axis for axis, size in enumerate(source) if size == 1 and target[extra + axis] != 1
    )


def unstretched(array: AnyArray) -> AnyArray:
    """Return the part of an array that repeats along the axes where all entries are one.

    >>> unstretched(np.broadcast_to(np.array([[1.0], [2.0]]), (2, 3)))
    array([[1.],
           [2.]])
    """
    return array[(*(slice(0, 1) if s == 0 else slice(None) for s in array.strides), ...)]


def shrink(g: AnyArray, x: Array) -> AnyArray:
    """Return a downstream gradient in the dtype of its input, and in its shape or one that stretches to it.

    Broadcasting repeated the input, and the gradient of a copy is the sum over its users: add up
    over the axes that were stretched.
    """
    shape = x.shape
    if g.shape != shape:
        axes, target = _summed(g.shape, shape)
        if axes:
            g = add_up(g, axes, keepdims=g.ndim == len(target))
        if g.shape != target:
            g = g.reshape(target)
    dtype = x.dtype
    if g.dtype is not dtype and g.dtype != dtype:
        if g.dtype.kind == "c" and dtype.kind != "c":
            g = g.real  # a real number moves along the real axis only
        g = g.astype(dtype)
    return g


@lru_cache(maxsize=4096)
def _summed(given: Shape, shape: Shape) -> tuple[Axes, Shape]:
    """Return the axes of a gradient to add up over, and its shape then, which stretches to `shape`."""
    extra = max(len(given) - len(shape), 0)
    wide = (1,) * (len(given) - extra - len(shape)) + shape
    aligned = wide[len(wide) - (len(given) - extra) :]
    axes = tuple(range(extra)) + tuple(
        extra + i for i, n in enumerate(aligned) if n == 1 and given[extra + i] != 1
    )
    return axes, tuple(1 if extra + i in axes else n for i, n in enumerate(given[extra:]))


def add_up(x: AnyArray, axes: Axes, *, keepdims: bool = False) -> AnyArray:
    """Return the sums over some axes; of a matrix's columns or rows by BLAS, in a third of NumPy's time.

    >>> add_up(np.array([[1.0, 2.0], [3.0, 4.0]]), (0,), keepdims=True)
    array([[4., 6.]])
    """
    if type(x) is np.ndarray and x.ndim == 2 and x.dtype.char in "fd" and not repeats(x):
        if axes == (0,):
            return _ones((1, len(x)) if keepdims else (len(x),), x.dtype).dot(x)
        if axes == (1,):
            n = x.shape[1]
            return x.dot(_ones((n, 1) if keepdims else (n,), x.dtype))
    add: Any = np.add  # whose stubs want to know `keepdims` in advance
    return add.reduce(x, axis=axes, keepdims=keepdims)


_LARGE = 10_000
"""Entries from which an array that repeats along an axis is kept as it is: BLAS would copy it whole."""


def repeats(x: Array) -> bool:
    """Return whether this is a large plain array that repeats along an axis, without memory for that."""
    return type(x) is np.ndarray and 0 in x.strides and x.size >= _LARGE


@lru_cache(maxsize=64)
def _ones(shape: Shape, dtype: DType) -> AnyArray:
    return np.ones(shape, dtype)
