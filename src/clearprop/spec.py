"""Shape and dtype without a value, and the arithmetic on them."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .errors import ShapeError

_SHORT = {"float": "f", "int": "i", "uint": "u", "complex": "c"}


MOST_AXES = 64
"""Of NumPy's arrays."""


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """The shape and dtype of an array whose value is not known.

    >>> spec = ArraySpec((32, 64), "float32")
    >>> print(spec, spec.ndim, spec.size)
    f32[32,64] 2 2048
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "dtype", np.dtype(self.dtype))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __str__(self) -> str:
        short = short_dtype(self.dtype)
        return f"{short}[{','.join(map(str, self.shape))}]" if self.shape else short


def short_dtype(dtype: np.dtype[Any]) -> str:
    """The name that the printer uses: ``f32``, ``i64``, ``bool``."""
    name = dtype.name.rstrip("0123456789")
    return _SHORT[name] + dtype.name[len(name) :] if name in _SHORT else dtype.name


def spec_of(value: Any) -> ArraySpec:
    """The spec of an array, a NumPy scalar or a Python number.

    >>> print(spec_of(np.zeros((2, 3))), spec_of(1.0))
    f64[2,3] f64
    """
    if isinstance(value, ArraySpec):
        return value
    if not hasattr(value, "dtype"):
        value = np.asarray(value)
    return ArraySpec(value.shape, value.dtype)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of anything with one; a Python number has shape ``()``."""
    return getattr(value, "shape", ())


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """NumPy's broadcasting rule on shapes; raises ValueError where they do not fit.

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
def stretched_axes(source: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of `target` along which broadcasting repeated a value of shape `source`.

    >>> stretched_axes((64,), (32, 64)), stretched_axes((1, 64), (32, 64)), stretched_axes((3,), (3,))
    ((0,), (0,), ())
    """
    extra = len(target) - len(source)
    return tuple(range(extra)) + tuple(
        extra + axis for axis, size in enumerate(source) if size == 1 and target[extra + axis] != 1
    )


def first_entry(array: Any) -> Any:
    """The first entry of an array that has one."""
    return array[(0,) * array.ndim]


def promote(*values: Any) -> np.dtype[Any]:
    """The dtype NumPy gives to an operation on these specs, arrays and (weak) Python numbers."""
    return np.result_type(*(v.dtype if hasattr(v, "dtype") else v for v in values))


@lru_cache(maxsize=4096)
def _ufunc_dtype(ufunc: np.ufunc, operands: tuple[Any, ...]) -> np.dtype[Any]:
    return ufunc.resolve_dtypes((*operands, None))[-1]


def ufunc_dtype(ufunc: np.ufunc, *values: Any) -> np.dtype[Any]:
    """The dtype that a one-output ufunc gives, with Python numbers weak as in NumPy."""
    operands = []
    for value in values:
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            kind = type(value)
            dtype = kind if kind in (int, float, complex) else np.asarray(value).dtype
        operands.append(dtype)
    return holding(_ufunc_dtype(ufunc, tuple(operands)), *values)


def holding(dtype: np.dtype[Any], *values: Any) -> np.dtype[Any]:
    """`dtype`; raises OverflowError, as NumPy does, if one of these Python integers does not fit into it."""
    if dtype.kind in "iu":
        for value in values:
            if type(value) is int:
                dtype.type(value)
    return dtype


def unstretched(array: Any) -> Any:
    """The part of an array that repeats along the axes where all entries are one.

    >>> unstretched(np.broadcast_to(np.array([[1.0], [2.0]]), (2, 3)))
    array([[1.],
           [2.]])
    """
    return array[(*(slice(0, 1) if s == 0 else slice(None) for s in array.strides), ...)]


def normalize_axes(
    axis: int | Iterable[int] | None, ndim: int, *, reduces: bool = False
) -> tuple[int, ...]:
    """Axes as a sorted tuple of non-negative numbers; None means all of them.

    What `reduces` an array takes the axes 0 and -1 for a number, too, which has none, as most of NumPy does.

    >>> normalize_axes(-1, 3), normalize_axes(None, 2), normalize_axes(0, 0, reduces=True)
    ((2,), (0, 1), ())
    """
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    if axis is None:
        return tuple(range(ndim))
    if reduces and not ndim and type(axis) is int and axis in (0, -1):
        return ()
    given: Any = axis
    if type(axis) is not tuple and not (
        isinstance(axis, Iterable) and getattr(axis, "ndim", 1) > 0
    ):
        given = (axis,)
    axes = [operator.index(a) for a in given]
    if any(not -ndim <= a < ndim for a in axes):
        raise ShapeError(f"axis {axis} is out of range for an array with {ndim} axes")
    normal = sorted(a % ndim for a in axes)
    if len(set(normal)) != len(normal):
        raise ShapeError(f"axis={axis} names an axis twice")
    return tuple(normal)


def add_up(x: Any, axes: tuple[int, ...], *, keepdims: bool = False) -> Any:
    """The sums over some axes; of a matrix's columns or rows by BLAS, in a third of NumPy's time.

    >>> add_up(np.array([[1.0, 2.0], [3.0, 4.0]]), (0,), keepdims=True)
    array([[4., 6.]])
    """
    if type(x) is np.ndarray and x.ndim == 2 and x.dtype.char in "fd":
        if axes == (0,):
            return _ones((1, len(x)) if keepdims else (len(x),), x.dtype).dot(x)
        if axes == (1,):
            n = x.shape[1]
            return x.dot(_ones((n, 1) if keepdims else (n,), x.dtype))
    add: Any = np.add  # whose stubs want to know `keepdims` in advance
    return add.reduce(x, axis=axes, keepdims=keepdims)


@lru_cache(maxsize=64)
def _ones(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    return np.ones(shape, dtype)


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Whether values of this dtype can carry a gradient."""
    return dtype.kind in "fc"
