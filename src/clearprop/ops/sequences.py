"""Sequences from one number to another, in equal steps or equal ratios."""

from __future__ import annotations

import operator

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, DTypeLike
from ..engine.arrays import is_array
from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import answers
from ..engine.tensor import Tensor
from .specs import shaped


@answers(np.linspace)
def linspace(
    start: AnyArray,
    stop: AnyArray,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike = None,
    *,
    axis: int = 0,
) -> Array | tuple[Array, Array]:
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"linspace: {num} numbers were asked for; there cannot be fewer than none")
    start, stop = (_floating(x, y) for x, y in ((start, stop), (stop, start)))
    delta = stop - start
    gaps = num - 1 if endpoint else num
    step = delta / gaps if gaps > 0 else delta * np.nan
    places = np.arange(num, dtype=delta.real.dtype).reshape(-1, *[1] * delta.ndim)
    result = places * step + start if gaps > 0 else places * delta + start
    if endpoint and num > 1:  # not a rounding error away from it
        last = np.broadcast_to(stop, delta.shape)
        result = np.concatenate([result[:-1], last[None]])
    if axis:
        result = np.moveaxis(result, 0, axis)
    if dtype is not None:
        result = (np.floor(result) if np.dtype(dtype).kind in "iu" else result).astype(dtype)
    return (result, step) if retstep else result


def _floating(x: ArrayLike, other: Array) -> Array:
    """Return `x` as floating numbers; a Python number in the precision of `other`."""
    if isinstance(x, int | float) and is_array(other) and other.dtype.kind in "fc":
        return np.asarray(x, np.empty(0, other.dtype).real.dtype)
    x = shaped(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


@answers(np.logspace)
def logspace(
    start: AnyArray,
    stop: AnyArray,
    num: int = 50,
    endpoint: bool = True,
    base: ArrayLike = 10.0,
    dtype: DTypeLike = None,
    *,
    axis: int = 0,
) -> Array:
    if np.ndim(base):
        ndim = max(np.ndim(x) for x in (start, stop, base))
        start, stop, base = (_with_axes(x, ndim) for x in (start, stop, base))
        base = np.expand_dims(base, axis)
    powers = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return powers if dtype is None else powers.astype(dtype)


def _with_axes(x: ArrayLike, ndim: int) -> Array:
    x = shaped(x)
    return x.reshape((1,) * (ndim - x.ndim) + x.shape)


@answers(np.geomspace)
def geomspace(
    start: AnyArray,
    stop: AnyArray,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike = None,
    *,
    axis: int = 0,
) -> Array:
    start, stop = (shaped(x) * np.ones(()) for x in (start, stop))  # float64 at least, as in NumPy
    for end in (start, stop):
        if not (isinstance(end, Tensor) and not end.is_known) and np.any(end == 0):
            raise ValueError("geomspace: no ratio leads to 0 or away from it")
    sign = np.sign(start)
    result = logspace(np.log10(start / sign), np.log10(stop / sign), num, endpoint)
    shape = (1, *broadcast_shapes(start.shape, stop.shape))
    parts = [result[1:] * sign]
    if num > 0:
        parts.insert(0, np.broadcast_to(start, shape))
    if num > 1 and endpoint:
        parts[1:] = [parts[1][:-1], np.broadcast_to(stop, shape)]
    result = np.moveaxis(np.concatenate(parts), 0, axis)
    return result if dtype is None else result.astype(dtype)
