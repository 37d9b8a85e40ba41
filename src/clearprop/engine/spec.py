"""Shape and dtype without a value, and the arithmetic on them."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import ShapeError
from .array_types import AnyArray, Array, Axes, DType, Shape

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

    shape: Shape
    dtype: DType

    def __post_init__(self) -> None:
        shape = self.shape
        if type(shape) is not tuple or any(type(n) is not int for n in shape):
            object.__setattr__(self, "shape", tuple(int(n) for n in shape))
        if not isinstance(self.dtype, np.dtype):
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


def short_dtype(dtype: DType) -> str:
    """Return the name that the printer uses: ``f32``, ``i64``, ``bool``."""
    name = dtype.name.rstrip("0123456789")
    return _SHORT[name] + dtype.name[len(name) :] if name in _SHORT else dtype.name


def spec_of(value: AnyArray) -> ArraySpec:
    """Return the spec of an array, a NumPy scalar or a Python number.

    >>> print(spec_of(np.zeros((2, 3))), spec_of(1.0))
    f64[2,3] f64
    """
    if isinstance(value, ArraySpec):
        return value
    if not hasattr(value, "dtype"):
        value = np.asarray(value)
    return ArraySpec(value.shape, value.dtype)


def shape_of(value: AnyArray) -> Shape:
    """Return the shape of anything with one; a Python number has shape ``()``."""
    return getattr(value, "shape", ())


def first_entry(array: Array) -> AnyArray:
    """Return the first entry of an array that has one."""
    return array[(0,) * array.ndim]


def promote(*values: AnyArray) -> DType:
    """Return the dtype NumPy gives to an operation on these specs, arrays and (weak) Python numbers."""
    return np.result_type(*(v.dtype if hasattr(v, "dtype") else v for v in values))


@lru_cache(maxsize=4096)
def _ufunc_dtype(ufunc: np.ufunc, operands: tuple[Any, ...]) -> DType:
    return ufunc.resolve_dtypes((*operands, None))[-1]


def ufunc_dtype(ufunc: np.ufunc, *values: AnyArray) -> DType:
    """Return the dtype that a one-output ufunc gives, with Python numbers weak as in NumPy."""
    operands = []
    for value in values:
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            kind = type(value)
            dtype = kind if kind in (int, float, complex) else np.asarray(value).dtype
        operands.append(dtype)
    return holding(_ufunc_dtype(ufunc, tuple(operands)), *values)


def holding(dtype: DType, *values: AnyArray) -> DType:
    """Return `dtype`; raise OverflowError, as NumPy does, if one of these Python integers does not fit
    into it.
    """
    if dtype.kind in "iu":
        for value in values:
            if type(value) is int:
                dtype.type(value)
    return dtype


def normalize_axes(axis: int | Iterable[int] | None, ndim: int, *, reduces: bool = False) -> Axes:
    """Return axes as a sorted tuple of non-negative numbers; None means all of them.

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


def is_floating(dtype: DType) -> bool:
    """Return whether values of this dtype can carry a gradient."""
    return dtype.kind in "fc"
