"""Functions of the user's, applied to an array slice by slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, AxesLike
from ..engine.primitive import answers
from ..engine.spec import normalize_axes
from ..errors import ShapeError
from .specs import shaped
from .take_put import known


@answers(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: AnyArray, *args: Any, **kwargs: Any
) -> Array:
    (axis,) = normalize_axes(axis, arr.ndim)
    rows = np.moveaxis(arr, axis, -1)
    lead = rows.shape[:-1]
    if 0 in lead:
        raise ShapeError(
            f"apply_along_axis: an array of shape {arr.shape} has no slice to apply to"
        )
    results = [shaped(func1d(rows[place], *args, **kwargs)) for place in np.ndindex(lead)]
    joined = np.stack(results).reshape(lead + results[0].shape)
    new = range(len(lead), joined.ndim)
    return np.moveaxis(joined, tuple(new), range(axis, axis + len(new)))


@answers(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Array, axes: AxesLike) -> Array:
    result = a
    for axis in normalize_axes(axes, a.ndim) if not np.iterable(axes) else axes:
        (axis,) = normalize_axes(axis, a.ndim)
        reduced = func(result, axis)
        result = reduced if reduced.ndim == result.ndim else np.expand_dims(reduced, axis)
        if result.ndim != a.ndim:
            raise ShapeError(
                f"apply_over_axes: the function turned {a.ndim} axes into {reduced.ndim}; it should "
                f"drop the axis it is given, or keep it"
            )
    return result


# ---- what depends on the numbers


@answers(np.trim_zeros)
def trim_zeros(filt: AnyArray, trim: str = "fb", axis: AxesLike = None) -> Array:
    trim = trim.lower()
    if not set(trim) <= {"f", "b"}:
        raise ValueError(
            f"trim_zeros: trim={trim!r}: use 'f' for the front, 'b' for the back, or both"
        )
    array = shaped(filt)
    places = np.nonzero(known(array, "np.trim_zeros"))
    parts = [slice(None)] * array.ndim
    for a in normalize_axes(axis, array.ndim):
        n = array.shape[a]
        first, last = (int(places[a].min()), int(places[a].max())) if len(places[a]) else (n, n - 1)
        parts[a] = slice(first if "f" in trim else 0, last + 1 if "b" in trim else n)
    return array[tuple(parts)]


@answers(np.real_if_close)
def real_if_close(a: Array, tol: float = 100) -> Array:
    if a.dtype.kind != "c":
        return a
    parts = known(a, "np.real_if_close").imag
    limit = tol * np.finfo(parts.dtype).eps if tol > 1 else tol
    return a.real if np.all(np.abs(parts) < limit) else a


@answers(np.sort_complex)
def sort_complex(a: Array) -> Array:
    ordered = np.sort(a)
    if a.dtype.kind == "c":
        return ordered
    char = a.dtype.char
    return ordered.astype("F" if char in "bhBH" else "G" if char == "g" else "D")  # as NumPy has it
