"""Picking and replacing entries by position, mask or choice: NumPy's functions around indexing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Casting
from ..engine.arrays import as_array, is_array
from ..engine.primitive import answers
from ..engine.spec import ArraySpec, holding, normalize_axes
from ..engine.tensor import Tensor
from ..errors import DtypeError, LostGradientError, ShapeError, TraceError
from .indexing import refuse_truncation
from .shaping import broadcast_arrays, moveaxis, reshape, row_or_axis
from .specs import shaped
from .take_along_axis import check, places


def known(x: ArrayLike, what: str) -> Array:
    """Return the plain value of something whose numbers decide how many entries there will be."""
    value = x.value if isinstance(x, Tensor) else shaped(x)
    if isinstance(value, ArraySpec):
        raise TraceError(
            f"{what} needs numbers, but while tracing only the spec {value} is known. Use np.where(mask, x, "
            f"0.0), or pass what is no array or no argument."
        )
    return value


def _within(indices: AnyArray, size: int, mode: str) -> Array:
    """Return positions as NumPy's `mode` brings them into range."""
    indices = indices if isinstance(indices, Tensor) else np.asarray(indices)
    if indices.dtype.kind == "b":  # numbers here, and no mask
        indices = indices.astype(np.intp)
    if mode == "raise":
        return indices
    if mode == "clip":
        return np.clip(indices, 0, size - 1)
    if mode == "wrap":
        return np.remainder(indices, size)
    raise ValueError(f"mode is 'raise', 'wrap' or 'clip', not {mode!r}")


# ---- picking


@answers(np.take)
def take(a: Array, indices: AnyArray, axis: int | None = None, *, mode: str = "raise") -> Array:
    a, axis = row_or_axis(a, axis)
    return a[(slice(None),) * axis + (_within(indices, a.shape[axis], mode),)]


@answers(np.compress)
def compress(condition: ArrayLike, a: Array, axis: int | None = None) -> Array:
    chosen = known(condition, "np.compress's condition")
    if chosen.ndim != 1:
        raise ShapeError(
            f"compress: the condition has shape {chosen.shape}, but it is to be one row"
        )
    return take(a, np.flatnonzero(chosen), axis)


@answers(np.extract)
def extract(condition: Array, arr: Array) -> Array:
    return take(arr, np.flatnonzero(known(condition, "np.extract's condition")))


@answers(np.choose)
def choose(a: AnyArray, choices: Sequence[ArrayLike], *, mode: str = "raise") -> Array:
    choices = list(choices)
    a, *choices = broadcast_arrays(_within(a, len(choices), mode), *choices)
    if isinstance(a, Tensor) and not isinstance(a.value, ArraySpec):
        a = a.value
    if not isinstance(a, Tensor) and a.size and a.min() < 0:
        raise ValueError("choose: a negative choice; mode='wrap' or 'clip' brings it into range")
    if (
        isinstance(a, Tensor) and mode == "raise"
    ):  # without a value: what is negative is out of range
        a = np.where(a < 0, len(choices) - a, a)
    return np.take_along_axis(np.stack(choices), np.expand_dims(a, 0), 0)[0]


@answers(np.delete)
def delete(arr: AnyArray, obj: slice | ArrayLike, axis: int | None = None) -> Array:
    arr = shaped(arr)
    if axis is None:
        arr, axis = reshape(arr, -1), 0
    (axis,) = normalize_axes(axis, arr.ndim)
    obj = obj if isinstance(obj, slice) else known(obj, "np.delete's positions")
    return take(arr, np.delete(np.arange(arr.shape[axis]), obj), axis)


@answers(np.insert)
def insert(arr: AnyArray, obj: AnyArray, values: AnyArray, axis: int | None = None) -> Array:
    """Put the new numbers behind the old ones, then take all in the order that NumPy gives to positions."""
    arr = shaped(arr)
    holding(arr.dtype, values)
    values = shaped(values)
    if axis is None:
        arr, axis = reshape(arr, -1), 0
    (axis,) = normalize_axes(axis, arr.ndim)
    obj = obj if isinstance(obj, slice) else known(obj, "np.insert's positions")
    old = np.arange(arr.shape[axis])
    values = reshape(values, (1,) * (arr.ndim - values.ndim) + values.shape)
    if np.ndim(obj) == 0 and not isinstance(obj, slice):  # one place, for any number of rows
        values = moveaxis(values, 0, axis)
        count = values.shape[axis]
    else:
        count = len(np.insert(old, obj, 0)) - len(old)
    shape = (*arr.shape[:axis], count, *arr.shape[axis + 1 :])
    refuse_truncation("insert", values, arr.dtype)
    new = np.broadcast_to(values.astype(arr.dtype), shape)
    order = np.insert(old, obj, np.arange(len(old), len(old) + count))
    return take(np.concatenate([arr, new], axis), order, axis)


# ---- replacing: the array that is given changes, so it must be a Tensor


def _target(name: str, a: Array) -> Tensor:
    if not isinstance(a, Tensor):
        raise LostGradientError(
            f"np.{name} was asked to write a tensor into a plain array. Make the array one, "
            f"clearprop.tensor(array, requires_grad=False), or write t.detach().numpy() where no gradient is "
            f"wanted."
        )
    return a


@answers(np.put_along_axis)
def put_along_axis(arr: AnyArray, indices: ArrayLike, values: Array, axis: int | None) -> None:
    arr, indices = _target("put_along_axis", arr), shaped(indices)
    if axis is None:
        np.put(arr, indices, values)
        return
    check(arr.shape, indices, axis)
    arr[places(indices, normalize_axes(axis, arr.ndim)[0], arr.shape)] = values


@answers(np.put)
def put(a: Array, ind: ArrayLike, v: ArrayLike, mode: str = "raise") -> None:
    a = _target("put", a)
    flat = np.arange(a.size)[known(_within(ind, a.size, mode), "np.put's positions")].reshape(-1)
    if flat.size:
        a[np.unravel_index(flat, a.shape)] = np.resize(shaped(v), flat.size)


@answers(np.putmask)
def putmask(a: Array, mask: ArrayLike, values: ArrayLike) -> None:
    a = _target("putmask", a)
    values, mask = shaped(values), reshape(shaped(mask).astype(bool), a.shape)
    refuse_truncation("putmask", values, a.dtype)
    a[...] = np.where(mask, np.resize(values, a.shape).astype(a.dtype), a)


@answers(np.place)
def place(arr: Array, mask: ArrayLike, vals: ArrayLike) -> None:
    arr = _target("place", arr)
    where = np.flatnonzero(known(mask, "np.place's mask"))
    if where.size:
        arr[np.unravel_index(where, arr.shape)] = np.resize(shaped(vals), where.size)


@answers(np.copyto)
def copyto(
    dst: AnyArray, src: AnyArray, casting: Casting = "same_kind", where: AnyArray = True
) -> None:
    dst = _target("copyto", dst)
    dtype = src.dtype if is_array(src) else np.result_type(dst.dtype, as_array(src))
    if not np.can_cast(dtype, dst.dtype, casting):
        raise DtypeError(
            f"copyto: casting={casting!r} does not allow {dtype} into an array of {dst.dtype}"
        )
    src = shaped(src).astype(dst.dtype)
    dst[...] = src if where is True else np.where(where, src, dst)


@answers(np.fill_diagonal)
def fill_diagonal(a: Array, val: ArrayLike, wrap: bool = False) -> None:
    a = _target("fill_diagonal", a)
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) > 1):
        raise ShapeError(
            f"fill_diagonal: shape {a.shape} has no diagonal; it takes a matrix, or equal axes"
        )
    places_ = np.zeros(a.shape, bool)
    np.fill_diagonal(places_, True, wrap)
    on_it = np.nonzero(places_)
    a[on_it] = np.resize(shaped(val), on_it[0].size)
