"""Medians, quantiles and percentiles: numbers at given places of the sorted entries, or between two of them.

For a fixed place they are continuous in the entries, by every `method`; their gradient goes to the one or two
entries that stand there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike
from ..engine.primitive import answers
from ..engine.spec import ArraySpec, normalize_axes
from ..engine.tensor import Tensor
from ..errors import DtypeError, ShapeError
from .specs import reduced, shaped

# ---- the entries in order


def _in_order(a: Array, axes: Axes) -> Array:
    """Return `a` sorted over these axes, which become one, the first."""
    axis = axes[0] if len(axes) == 1 else -1
    if len(axes) != 1:
        free = tuple(i for i in range(a.ndim) if i not in axes)
        a = np.transpose(a, (*free, *axes)).reshape((*(a.shape[i] for i in free), -1))
    return np.moveaxis(np.sort(a, axis=axis), axis, 0)


def _real(a: ArrayLike, function: str) -> Array:
    a = shaped(a)
    if a.dtype.kind == "c":
        raise DtypeError(f"{function}: complex numbers ({a.dtype}) have no order")
    return a


def _unless_nan(result: Array, ordered: Array) -> Array:
    """Return `result`, or NaN where there is one among the entries; it stands last."""
    if ordered.dtype.kind != "f":
        return result
    return np.where(np.isnan(ordered[-1]), result.dtype.type(np.nan), result)


@answers(np.median)
def median(
    a: Array, axis: AxesLike = None, *, overwrite_input: bool = False, keepdims: bool = False
) -> Array:
    a = _real(a, "median")
    axes = normalize_axes(axis, a.ndim)
    ordered = _in_order(a, axes)
    length = ordered.shape[0]
    result = np.mean(ordered[(length - 1) // 2 : length // 2 + 1], axis=0)
    if length:
        result = _unless_nan(result, ordered)
    return result.reshape(reduced(a.shape, axes, True)) if keepdims else result


@answers(np.nanmedian)
def nanmedian(
    a: Array, axis: AxesLike = None, *, overwrite_input: bool = False, keepdims: bool = False
) -> Array:
    a = _real(a, "nanmedian")
    if a.dtype.kind != "f":
        return np.median(a, axis=axis, keepdims=keepdims)
    axes = normalize_axes(axis, a.ndim)
    ordered = _in_order(a, axes)
    last = _numbers(ordered) - 1
    pick = _from_each(ordered, last)
    middle = (pick(np.floor(last / 2)) + pick(np.ceil(last / 2))) / 2
    return middle.reshape(reduced(a.shape, axes, keepdims))


# ---- places between entries


def _between(alpha: float, beta: float) -> Callable[[AnyArray, AnyArray], AnyArray]:
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


_PLACES: dict[str, Callable[[AnyArray, AnyArray], AnyArray]] = {
    "linear": lambda n, q: (n - 1) * q,
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.rint((n - 1) * q),
    "midpoint": lambda n, q: 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q)),
    "inverted_cdf": lambda n, q: np.ceil(n * q - 1),
    "averaged_inverted_cdf": lambda n, q: n * q - 1,
    "closest_observation": lambda n, q: np.rint(n * q) - 1,
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "median_unbiased": _between(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _between(3 / 8.0, 3 / 8.0),
}
"""Where a quantile `q` stands among `n` entries, counted from 0, by NumPy's names of the methods."""
_AT_ENTRIES = ("lower", "higher", "nearest", "inverted_cdf", "closest_observation")


def _from_all(ordered: Array, last: int) -> Callable[[AnyArray], Array]:
    """Return what picks the entries at places, the same for all columns; constant places are plain
    indices.
    """

    def pick(place: AnyArray) -> Array:
        place = np.clip(place, 0, last).astype(np.intp)
        return ordered[place if np.ndim(place) or isinstance(place, Tensor) else int(place)]

    return pick


def _from_each(ordered: AnyArray, last: AnyArray) -> Callable[[AnyArray], Array]:
    """Return what picks the entries at places of their own for each column, before its last one."""

    def pick(place: AnyArray) -> Array:
        place = np.maximum(np.minimum(place, last), 0).astype(np.intp)
        rows = place.reshape((-1, *ordered.shape[1:]))
        return np.take_along_axis(ordered, rows, axis=0).reshape(place.shape)

    return pick


def _numbers(ordered: Array) -> Array:
    """Return how many entries of each column are not NaN."""
    return np.sum(np.logical_not(np.isnan(ordered)), axis=0).astype(float)


def _interpolated(
    pick: Callable[[AnyArray], Array], place: AnyArray, method: str, q: ArrayLike, *, whole: bool
) -> Array:
    """Return the entries at `whole` places, or between two of them."""
    if whole:
        return pick(place)
    floor = np.floor(place)
    low, high = pick(floor), pick(floor + 1)
    part = place - floor
    if method == "averaged_inverted_cdf":
        part = np.where(part == 0, 0.5, 1.0)
    part = part.reshape((*part.shape, *(1,) * (np.ndim(low) - np.ndim(part))))
    step = high - low
    upper, rest = part >= 0.5, 1 - part
    if type(q) in (int, float) and not np.ndim(part) and step.dtype.kind == "f":  # stays single
        part, rest = part.astype(step.dtype), rest.astype(step.dtype)
    return np.where(upper, high - step * rest, low + step * part)


def _quantile(
    function: Callable[..., Array],
    a: Array,
    q: ArrayLike,
    axis: AxesLike,
    method: str,
    keepdims: bool,
) -> Array:
    name = function.__name__
    a = _real(a, name)
    known = q.value if isinstance(q, Tensor) else q
    if isinstance(known, ArraySpec):
        known = np.zeros(known.shape, known.dtype)
    dtype = function(
        np.zeros(1, a.dtype), known, method=method
    ).dtype  # checks `q` and `method`, too
    axes = normalize_axes(axis, a.ndim)
    ordered = _in_order(a, axes)
    if not ordered.shape[0]:
        raise ShapeError(f"{name}: shape {a.shape} has no entries over axis {axis}, so no {name}")
    fraction = shaped(q) / 100 if "percentile" in name else shaped(q)
    is_first_or_last = method == "linear" and fraction.dtype.kind in "biu"
    whole = method in _AT_ENTRIES or is_first_or_last
    if name.startswith("nan") and a.dtype.kind == "f":
        numbers = _numbers(ordered)
        fraction = fraction.reshape((*fraction.shape, *(1,) * (ordered.ndim - 1)))
        place = _PLACES[method](numbers, fraction)
        result = _interpolated(_from_each(ordered, numbers - 1), place, method, q, whole=whole)
    else:
        place = _PLACES[method](ordered.shape[0], fraction)
        last = ordered.shape[0] - 1
        result = _interpolated(_from_all(ordered, last), place, method, q, whole=whole)
        result = _unless_nan(result, ordered)
    if keepdims:
        result = result.reshape((*np.shape(q), *reduced(a.shape, axes, True)))
    return result.astype(dtype)


def _signature(function: Callable[..., Array]) -> None:
    @answers(function)
    def quantile(
        a: Array,
        q: ArrayLike,
        axis: AxesLike = None,
        *,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
    ) -> Array:
        return _quantile(function, a, q, axis, method, keepdims)


for _function in (np.quantile, np.percentile, np.nanquantile, np.nanpercentile):
    _signature(_function)
