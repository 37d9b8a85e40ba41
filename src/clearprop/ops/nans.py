"""Reductions that leave out NaN: the ordinary reductions of the other entries."""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, AxesLike, DTypeLike
from ..engine.primitive import answers
from ..engine.spec import normalize_axes
from .specs import shaped


def _numbers(a: Array, where: AnyArray = True) -> Array:
    """Return the mask of what counts."""
    found = np.logical_not(np.isnan(a))
    return found if where is True else np.logical_and(found, where)


def _with_numbers(a: ArrayLike, fill: float) -> Array:
    a = shaped(a)
    return np.where(np.isnan(a), a.dtype.type(fill), a)


@answers(np.nansum)
def nansum(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    keepdims: bool = False,
    initial: AnyArray = None,
    where: AnyArray = True,
) -> Array:
    numbers = _numbers(a, where)
    return np.sum(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=numbers)


@answers(np.nanprod)
def nanprod(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    keepdims: bool = False,
    initial: AnyArray = None,
    where: AnyArray = True,
) -> Array:
    numbers = _numbers(a, where)
    return np.prod(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=numbers)


@answers(np.nancumsum)
def nancumsum(a: Array, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    return np.cumsum(_with_numbers(a, 0), axis=axis, dtype=dtype)


@answers(np.nancumprod)
def nancumprod(a: Array, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    return np.cumprod(_with_numbers(a, 1), axis=axis, dtype=dtype)


@answers(np.nanmean)
def nanmean(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    keepdims: bool = False,
    where: AnyArray = True,
) -> Array:
    return np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims, where=_numbers(a, where))


@answers(np.nanvar)
def nanvar(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: AnyArray = True,
    mean: AnyArray = None,
    correction: float | None = None,
) -> Array:
    options = {"ddof": ddof, "keepdims": keepdims, "mean": mean, "correction": correction}
    axes = normalize_axes(axis, np.ndim(a), reduces=True)
    return np.var(a, axis=axes, dtype=dtype, where=_numbers(a, where), **options)


@answers(np.nanstd)
def nanstd(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: AnyArray = True,
    mean: AnyArray = None,
    correction: float | None = None,
) -> Array:
    options = {"ddof": ddof, "keepdims": keepdims, "mean": mean, "correction": correction}
    axes = normalize_axes(axis, np.ndim(a), reduces=True)
    return np.std(a, axis=axes, dtype=dtype, where=_numbers(a, where), **options)
