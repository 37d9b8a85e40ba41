"""The methods of NumPy's ufuncs: one answer for each method, whatever the ufunc.

Sums, products and extremes have functions of their own. The others go through the entries in NumPy's order,
a step for each; the dtype of the result, and errors, are those of NumPy's own method for an array of ones.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike, DTypeLike, IndexLike
from ..engine.primitive import Sample, answers_method, floats, numpy_table, primitive, primitives
from ..engine.spec import ArraySpec, normalize_axes
from ..engine.tensor import Tensor
from ..errors import DtypeError, LostGradientError
from .indexing import scattered, split_index
from .reduction import chosen, in_dtype
from .softmax import logsumexp
from .specs import shaped
from .take_put import known

_REDUCTIONS: dict[np.ufunc, Any] = {
    getattr(np, p.repeats): getattr(np, p.name, logsumexp)
    for p in vars(primitives).values()
    if p.repeats
}
_WITH_OPTIONS = (np.add, np.multiply, np.maximum, np.minimum)
_RUNNING: dict[np.ufunc, Callable[..., Array]] = {np.add: np.cumsum, np.multiply: np.cumprod}


@answers_method("outer")
def outer(ufunc: np.ufunc, A: ArrayLike, B: ArrayLike, /) -> Array:
    """Return every entry of A with every entry of B."""
    A, B = shaped(A), shaped(B)
    return ufunc(np.reshape(A, A.shape + (1,) * B.ndim), B)


def _stand_in(method: Any, array: Array, *args: Any, **kwargs: Any) -> Array:
    """Return what NumPy makes of ones in the place of an array: the shape, the dtype, the errors."""
    with np.errstate(all="ignore"):
        return method(np.broadcast_to(np.ones((), array.dtype), array.shape), *args, **kwargs)


def _entries(array: AnyArray, axes: Axes) -> list[AnyArray]:
    """Return the parts of an array along some axes, in NumPy's order."""
    moved = np.moveaxis(array, axes, range(len(axes)))
    parts = np.reshape(moved, (-1, *moved.shape[len(axes) :])) if moved.size else moved[:0]
    return [parts[i] for i in range(parts.shape[0])]


def _in(dtype: DTypeLike, array: Array) -> Array:
    return array if array.dtype == dtype else array.astype(dtype)


@answers_method("reduce")
def reduce(
    ufunc: np.ufunc,
    array: Array,
    axis: AxesLike = 0,
    dtype: DTypeLike = None,
    *,
    keepdims: bool = False,
    initial: AnyArray = None,
    where: AnyArray = True,
) -> Array:
    options = {} if initial is None and where is True else {"initial": initial, "where": where}
    if ufunc not in (_WITH_OPTIONS if options else _REDUCTIONS):
        return _fold(ufunc, array, axis, dtype, keepdims, initial, where)
    if ufunc is np.logaddexp:
        dtype = _stand_in(ufunc.reduce, array, axis, dtype, keepdims=keepdims).dtype
    array = in_dtype(array, dtype, f"{ufunc.__name__}.reduce")
    if dtype is not None and ufunc in _RUNNING:  # which widen small whole numbers, unless told
        options["dtype"] = dtype
    function = _REDUCTIONS[ufunc]
    answer = numpy_table.get(
        function, function
    )  # NumPy's own would come back if the mask is a tensor
    return answer(array, axis=axis, keepdims=keepdims, **options)


def _fold(
    ufunc: np.ufunc,
    array: Array,
    axis: AxesLike,
    dtype: DTypeLike,
    keepdims: bool,
    initial: AnyArray,
    where: AnyArray,
) -> Array:
    """Fold one entry after the other, from the first one on, or from `initial`."""
    options: dict[str, Any] = {} if initial is None else {"initial": 1}
    if where is not True:
        where = chosen(where, array, f"{ufunc.__name__}.reduce")
        options["where"] = np.ones(array.shape, bool)
    model = _stand_in(ufunc.reduce, array, axis, dtype, keepdims=keepdims, **options)
    axes = normalize_axes(axis, array.ndim)
    parts = _entries(_in(model.dtype, array), axes)
    shape = tuple(n for i, n in enumerate(array.shape) if i not in axes)
    if initial is not None:
        result: AnyArray = np.broadcast_to(_in(model.dtype, shaped(initial)), shape)
    elif where is True and parts:
        result = parts.pop(0)
    else:
        result = np.full(shape, ufunc.identity, model.dtype)
    for part, mask in zip(
        parts, [True] * len(parts) if where is True else _entries(where, axes), strict=True
    ):
        if mask is True:
            result = ufunc(result, part)
        else:  # with ones for what is left out, whose slopes are finite
            result = np.where(mask, ufunc(result, np.where(mask, part, part.dtype.type(1))), result)
    return np.reshape(result, model.shape)


@answers_method("accumulate")
def accumulate(ufunc: np.ufunc, array: Array, axis: int = 0, dtype: DTypeLike = None) -> Array:
    if ufunc in _RUNNING:
        return _RUNNING[ufunc](array, axis=axis, dtype=dtype)
    model = _stand_in(ufunc.accumulate, array, axis, dtype)
    array = _in(model.dtype, array)
    axes = normalize_axes(axis, array.ndim)
    if ufunc in (np.maximum, np.minimum):
        holders = record_holder(array, axis=axes[0], largest=ufunc is np.maximum)
        place: list[AnyArray] = list(np.ogrid[tuple(slice(n) for n in array.shape)])
        place[axes[0]] = holders
        return array[tuple(place)]
    results: list[AnyArray] = []
    for part in _entries(array, axes):
        results.append(ufunc(results[-1], part) if results else part)
    return np.stack(results, axes[0]) if results else array


@answers_method("reduceat")
def reduceat(
    ufunc: np.ufunc, array: Array, indices: Array, axis: int = 0, dtype: DTypeLike = None
) -> Array:
    starts = known(indices, f"np.{ufunc.__name__}.reduceat's indices")
    model = _stand_in(ufunc.reduceat, array, starts, axis, dtype)
    (axis,) = normalize_axes(axis, array.ndim)
    before = (slice(None),) * axis
    results = [
        reduce(ufunc, array[(*before, slice(start, max(stop, start + 1)))], axis, dtype)
        for start, stop in pairwise([*starts.tolist(), array.shape[axis]])
    ]
    return _in(model.dtype, np.stack(results, axis)) if results else model


# ---- in place


@answers_method("at")
def at(ufunc: np.ufunc, a: Array, indices: IndexLike, b: ArrayLike | None = None, /) -> None:
    """Do `a[indices] = ufunc(a[indices], b)`, over again where an index comes twice."""
    if not isinstance(a, Tensor):
        raise LostGradientError(
            f"np.{ufunc.__name__}.at was asked to write a tensor into a plain array, where its gradient "
            f"would be lost. Make the array a tensor first: clearprop.tensor(array, requires_grad=False)."
        )
    if ufunc.signature is not None or ufunc.nout != 1:
        raise ValueError(f"np.{ufunc.__name__}.at: only ufuncs of entries with one result have it")
    if (b is None) is (ufunc.nin == 2):
        raise ValueError(f"np.{ufunc.__name__}.at takes {ufunc.nin - 1} operands after the indices")
    operands: tuple[AnyArray, ...] = () if b is None else (_near(a, b),)
    _, arrays = split_index(indices)
    if not any(x.dtype.kind in "iu" for x in arrays):  # no entry is met twice
        _write(ufunc, a, indices, operands)
    elif ufunc in (np.add, np.subtract):
        total = scattered(_in(np.result_type(a.dtype, operands[0].dtype), operands[0]), indices, a)
        a._become(_fitting(ufunc, ufunc(a, total), a))
    else:
        _in_turns(ufunc, a, indices, operands)


def _in_turns(ufunc: np.ufunc, a: Tensor, indices: IndexLike, operands: tuple[Array, ...]) -> None:
    """Apply the first uses of all entries at once, then the second ones."""
    what = (
        f"np.{ufunc.__name__}.at's indices (those of np.add.at and np.subtract.at may be unknown)"
    )
    parts = indices if isinstance(indices, tuple) else (indices,)
    parts = tuple(known(x, what) if isinstance(x, Tensor) else x for x in parts)
    places = np.arange(a.size).reshape(a.shape)[parts]
    turns = _turns(places.reshape(-1))
    if not turns.any():
        return _write(ufunc, a, parts, operands)
    rows = [np.reshape(np.broadcast_to(x, places.shape), -1) for x in operands]
    for turn in range(turns.max() + 1):
        now = np.flatnonzero(turns == turn)
        there = np.unravel_index(places.reshape(-1)[now], a.shape)
        _write(ufunc, a, there, tuple(row[now] for row in rows))


def _turns(places: Array) -> Array:
    """Return how often each of these places came before."""
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    first = np.searchsorted(ordered, ordered)
    turns = np.empty(len(places), np.intp)
    turns[order] = np.arange(len(places)) - first
    return turns


def _write(ufunc: np.ufunc, a: Tensor, indices: IndexLike, operands: tuple[Array, ...]) -> None:
    a[indices] = _fitting(ufunc, ufunc(a[indices], *operands), a)


def _fitting(ufunc: np.ufunc, value: Array, a: Tensor) -> Array:
    """Return a value to go into `a`: of the same kind, or whole numbers that wrap around, as NumPy's
    do here.
    """
    if np.can_cast(value.dtype, a.dtype, "same_kind"):
        return value
    if value.dtype.kind in "iu" and a.dtype.kind in "iu":
        return value.astype(a.dtype)
    raise DtypeError(
        f"np.{ufunc.__name__}.at would write {value.dtype} into a tensor of {a.dtype}. Convert the tensor "
        f"first: t = t.astype({value.dtype})."
    )


def _near(a: Tensor, b: ArrayLike) -> Array:
    """Return a Python number in the dtype that it has beside `a`."""
    return np.result_type(a.dtype, b).type(b) if type(b) in (int, float, complex) else shaped(b)


def _record_holder(x: Array, axis: int, largest: bool) -> Array:
    best = np.moveaxis((np.maximum if largest else np.minimum).accumulate(x, axis=axis), axis, -1)
    changes = np.ones(best.shape, bool)
    now, before = best[..., 1:], best[..., :-1]
    changes[..., 1:] = (now != before) & ~(np.isnan(now) & np.isnan(before))
    places = np.where(changes, np.arange(best.shape[-1]), 0)
    return np.moveaxis(np.maximum.accumulate(places, axis=-1), -1, axis)


def _record_holder_spec(x: Array, axis: int, largest: bool) -> ArraySpec:
    return ArraySpec(x.shape, np.dtype(np.intp))


record_holder = primitive(
    "record_holder",
    _record_holder,
    spec=_record_holder_spec,
    why="A position is a whole number: a small step of the input does not move it.",
    samples=(
        Sample(floats(3, 4), axis=1, largest=True),
        Sample(floats(3, 4), axis=0, largest=False),
    ),
)
