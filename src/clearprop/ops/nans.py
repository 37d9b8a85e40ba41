"""Reductions that pass over entries that are no number: the ordinary ones, of the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.primitive import answers
from ..engine.spec import normalize_axes
from .specs import shaped


def _numbers(a: Any, where: Any = True) -> Any:
    """Return the mask of what counts."""
    found = np.logical_not(np.isnan(a))
    return found if where is True else np.logical_and(found, where)


def _with_numbers(a: Any, fill: float) -> Any:
    a = shaped(a)
    return np.where(np.isnan(a), a.dtype.type(fill), a)


@answers(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    numbers = _numbers(a, where)
    return np.sum(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=numbers)


@answers(np.nanprod)
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    numbers = _numbers(a, where)
    return np.prod(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=numbers)


@answers(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return np.cumsum(_with_numbers(a, 0), axis=axis, dtype=dtype)


@answers(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return np.cumprod(_with_numbers(a, 1), axis=axis, dtype=dtype)


@answers(np.nanmean)
def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    return np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims, where=_numbers(a, where))


@answers(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    options = {"ddof": ddof, "keepdims": keepdims, "mean": mean, "correction": correction}
    axes = normalize_axes(axis, np.ndim(a), reduces=True)
    return np.var(a, axis=axes, dtype=dtype, where=_numbers(a, where), **options)


@answers(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    options = {"ddof": ddof, "keepdims": keepdims, "mean": mean, "correction": correction}
    axes = normalize_axes(axis, np.ndim(a), reduces=True)
    return np.std(a, axis=axes, dtype=dtype, where=_numbers(a, where), **options)
