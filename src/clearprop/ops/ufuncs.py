"""The methods of NumPy's ufuncs: one answer for each method, whatever the ufunc."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..errors import LostGradientError, UnsupportedError
from ..primitive import Sample, answers_method, floats, primitive
from ..spec import ArraySpec, normalize_axes
from ..tensor import Tensor
from .indexing import scattered
from .softmax import logsumexp

_REDUCTIONS: dict[Any, Any] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
    np.logaddexp: logsumexp,
}
_RUNNING: dict[Any, Any] = {np.add: np.cumsum, np.multiply: np.cumprod}


@answers_method("outer")
def outer(ufunc: Any, A: Any, B: Any, /) -> Any:
    """Every entry of A with every entry of B."""
    A, B = (x if hasattr(x, "ndim") else np.asarray(x) for x in (A, B))
    return ufunc(np.reshape(A, A.shape + (1,) * B.ndim), B)


@answers_method("reduce")
def reduce(
    ufunc: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    **options: Any,
) -> Any:
    function = _REDUCTIONS.get(ufunc)
    if function is None:
        _refuse(ufunc, "reduce", _REDUCTIONS)
    if dtype is not None:
        options["dtype"] = dtype
    return function(array, axis=axis, keepdims=keepdims, **options)


@answers_method("accumulate")
def accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    if ufunc in (np.maximum, np.minimum):
        (axis,) = normalize_axes(axis, array.ndim)
        holders = record_holder(array, axis=axis, largest=ufunc is np.maximum)
        place: list[Any] = list(np.ogrid[tuple(slice(n) for n in array.shape)])
        place[axis] = holders
        return array[tuple(place)]
    if ufunc not in _RUNNING:
        _refuse(ufunc, "accumulate", (*_RUNNING, np.maximum, np.minimum))
    return _RUNNING[ufunc](array, axis=axis, dtype=dtype)


@answers_method("at")
def at(ufunc: Any, a: Any, indices: Any, b: Any = None, /) -> None:
    """`a[indices] += b` where an index may come twice."""
    if not isinstance(a, Tensor):
        raise LostGradientError(
            f"np.{ufunc.__name__}.at was asked to write a tensor into a plain array, where its gradient "
            f"would be lost. Make the array a clearprop.tensor first."
        )
    if ufunc not in (np.add, np.subtract):
        raise UnsupportedError(
            f"np.{ufunc.__name__}.at changes a tensor in place where an index may come twice, for which "
            f"only np.add.at and np.subtract.at have a gradient. If each index comes once, write "
            f"t[indices] = np.{ufunc.__name__}(t[indices], values)."
        )
    a._become(ufunc(a, scattered(b, indices, a)))


def _refuse(ufunc: Any, method: str, known: Any) -> NoReturn:
    raise UnsupportedError(
        f"np.{ufunc.__name__}.{method} has no gradient in Clearprop; those of "
        f"{', '.join(f'np.{u.__name__}' for u in known)} have. Write it as a loop over the entries."
    )


def _record_holder(x: Any, axis: int, largest: bool) -> Any:
    best = np.moveaxis((np.maximum if largest else np.minimum).accumulate(x, axis=axis), axis, -1)
    changes = np.ones(best.shape, bool)
    now, before = best[..., 1:], best[..., :-1]
    changes[..., 1:] = (now != before) & ~(np.isnan(now) & np.isnan(before))
    places = np.where(changes, np.arange(best.shape[-1]), 0)
    return np.moveaxis(np.maximum.accumulate(places, axis=-1), -1, axis)


def _record_holder_spec(x: Any, axis: int, largest: bool) -> ArraySpec:
    return ArraySpec(x.shape, np.dtype(np.intp))


record_holder = primitive(
    "record_holder",
    _record_holder,
    spec=_record_holder_spec,
    vjp=(None,),
    role="blocks",
    why="A position is a whole number: a small step of the input does not move it.",
    samples=(
        Sample(floats(3, 4), axis=1, largest=True),
        Sample(floats(3, 4), axis=0, largest=False),
    ),
)
