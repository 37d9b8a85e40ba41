"""Questions about shape and dtype, and new arrays in the shape of another one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.array_types import (
    AnyArray,
    Array,
    ArrayLike,
    Casting,
    DType,
    DTypeLike,
    Shape,
    ShapeLike,
)
from ..engine.primitive import answers
from ..engine.spec import is_floating
from ..engine.tensor import Tensor, tensor
from ..errors import DtypeError


@answers(np.shape)
def shape(a: Array) -> Shape:
    return a.shape


@answers(np.ndim)
def ndim(a: Array) -> int:
    return a.ndim


@answers(np.size)
def size(a: Array, axis: int | None = None) -> int:
    return a.size if axis is None else a.shape[axis]


# ---- constants, which may be assigned into: then they carry gradients


def _constant(numbers: AnyArray) -> Tensor:
    return tensor(numbers, requires_grad=False)


def _shape(a: Array, shape: ShapeLike | None) -> ShapeLike:
    return a.shape if shape is None else shape


@answers(np.zeros_like)
def zeros_like(a: Array, dtype: DTypeLike = None, *, shape: ShapeLike | None = None) -> Array:
    return _constant(np.zeros(_shape(a, shape), dtype or a.dtype))


@answers(np.empty_like)
def empty_like(
    prototype: Array, dtype: DTypeLike = None, *, shape: ShapeLike | None = None
) -> Array:
    return zeros_like(prototype, dtype, shape=shape)


@answers(np.ones_like)
def ones_like(a: Array, dtype: DTypeLike = None, *, shape: ShapeLike | None = None) -> Array:
    return _constant(np.ones(_shape(a, shape), dtype or a.dtype))


@answers(np.full_like)
def full_like(
    a: Array, fill_value: ArrayLike, dtype: DTypeLike = None, *, shape: ShapeLike | None = None
) -> Array:
    shape, dtype = _shape(a, shape), np.dtype(dtype or a.dtype)
    if not isinstance(fill_value, Tensor):
        return _constant(np.full(shape, fill_value, dtype))
    if fill_value.requires_grad and not is_floating(dtype):
        raise DtypeError(
            f"full_like: {fill_value.dtype} numbers in an array of {dtype} would lose their gradient; say "
            f"dtype=float"
        )
    return np.broadcast_to(fill_value.astype(dtype), shape).copy()


# ---- questions about dtypes


def _dtypes(args: tuple[Any, ...]) -> list[Any]:
    return [x.dtype if isinstance(x, Tensor) else x for x in args]


@answers(np.result_type)
def result_type(*arrays_and_dtypes: ArrayLike | DTypeLike) -> DType:
    return np.result_type(*_dtypes(arrays_and_dtypes))


@answers(np.can_cast)
def can_cast(from_: ArrayLike | DTypeLike, to: DTypeLike, casting: Casting = "safe") -> bool:
    source, target = _dtypes((from_, to))
    return np.can_cast(source, target, casting)


@answers(np.common_type)
def common_type(*arrays: Array) -> type:
    return np.common_type(*(np.empty(0, x.dtype) for x in arrays))
