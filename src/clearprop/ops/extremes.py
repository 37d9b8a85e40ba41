"""The largest and smallest entries, and where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike, DType
from ..engine.primitive import Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes
from ..engine.tensor import apply
from .reduction import COMPLEX_SUM, chosen, count
from .samples import REDUCTIONS
from .specs import kept, reduced, shaped


def _extreme_vjp(g: Array, out: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    winners = x == kept(out, x, axis, keepdims)
    number = np.add.reduce(winners.astype(g.dtype), axis=axis, keepdims=True)
    return np.where(winners, kept(g, x, axis, keepdims) / number, 0.0)


def _extreme_spec(x: Array, axis: Axes, keepdims: bool) -> ArraySpec:
    return ArraySpec(reduced(x.shape, axis, keepdims), x.dtype)


def _max(x: Array, axis: Axes, keepdims: Any) -> Array:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _min(x: Array, axis: Axes, keepdims: Any) -> Array:
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


_max_record = primitive(
    "max",
    _max,
    spec=_extreme_spec,
    vjp=(_extreme_vjp,),
    role="routes",
    why="Only the largest entry moves the output; equal largest entries share the gradient.",
    repeats="maximum",
    samples=(*REDUCTIONS, COMPLEX_SUM),
)

_min_record = primitive(
    "min",
    _min,
    spec=_extreme_spec,
    vjp=(_extreme_vjp,),
    role="routes",
    why="Only the smallest entry moves the output; equal smallest entries share the gradient.",
    repeats="minimum",
    samples=(*REDUCTIONS, COMPLEX_SUM),
)


@answers(np.max, np.amax)
def max_(
    a: Array,
    axis: AxesLike = None,
    *,
    keepdims: bool = False,
    initial: AnyArray = None,
    where: AnyArray = True,
) -> Array:
    if initial is None and where is True:
        axes = normalize_axes(axis, a.ndim, reduces=True)
        return apply(_max_record, (a,), {"axis": axes, "keepdims": bool(keepdims)})
    return _chosen_extreme(np.max, np.maximum, a, axis, keepdims, initial, where)


@answers(np.min, np.amin)
def min_(
    a: Array,
    axis: AxesLike = None,
    *,
    keepdims: bool = False,
    initial: AnyArray = None,
    where: AnyArray = True,
) -> Array:
    if initial is None and where is True:
        axes = normalize_axes(axis, a.ndim, reduces=True)
        return apply(_min_record, (a,), {"axis": axes, "keepdims": bool(keepdims)})
    return _chosen_extreme(np.min, np.minimum, a, axis, keepdims, initial, where)


def _chosen_extreme(
    reduce: Callable[..., Array],
    pairwise: np.ufunc,
    a: ArrayLike,
    axis: AxesLike,
    keepdims: bool,
    initial: AnyArray,
    where: ArrayLike,
) -> Array:
    """Return the extreme of some entries, and of the number to start from."""
    a = shaped(a)
    name = reduce.__name__
    if where is not True:
        if initial is None:
            raise ValueError(
                f"{name}: with where= it takes initial=, which stands where the mask leaves no entry"
            )
        a = np.where(chosen(where, a, name), a, _last_resort(pairwise, a.dtype))
    if not count(a, normalize_axes(axis, a.ndim, reduces=True)):
        nothing = np.sum(a, axis=axis, keepdims=keepdims)
        return (nothing + initial).astype(a.dtype)
    return pairwise(reduce(a, axis=axis, keepdims=keepdims), initial).astype(a.dtype)


def _last_resort(pairwise: np.ufunc, dtype: DType) -> AnyArray:
    """Return the identity of the extreme in this dtype: the lowest number for a maximum, the highest for a
    minimum.
    """
    lowest = pairwise is np.maximum
    if dtype.kind in "fc":
        end = -np.inf if lowest else np.inf
        return dtype.type(complex(end, end) if dtype.kind == "c" else end)
    if dtype.kind == "b":
        return np.bool_(not lowest)
    limits = np.iinfo(dtype)
    return dtype.type(limits.min if lowest else limits.max)


@answers(np.ptp)
def ptp(a: Array, axis: AxesLike = None, *, keepdims: bool = False) -> Array:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


# ---- among entries of which some are no number


def _nan_extreme_vjp(g: Array, out: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    winners = x == kept(out, x, axis, keepdims)  # NaN equals nothing
    number = np.add.reduce(winners.astype(g.dtype), axis=axis, keepdims=True)
    return np.where(winners, kept(g, x, axis, keepdims) / np.where(number == 0, 1.0, number), 0.0)


def _among_numbers(function: Callable[..., Any], ordinary: Callable[..., Any], word: str) -> None:
    """Register an extreme that passes NaN over."""
    record = primitive(
        function.__name__,
        function,
        spec=_extreme_spec,
        vjp=(_nan_extreme_vjp,),
        role="routes",
        why=f"Only the {word} number moves the output; equal ones share the gradient, NaN gets none.",
        samples=(*REDUCTIONS, COMPLEX_SUM),
    )

    @answers(function)
    def extreme(
        a: Array,
        axis: AxesLike = None,
        *,
        keepdims: bool = False,
        initial: AnyArray = None,
        where: AnyArray = True,
    ) -> Array:
        if initial is None and where is True:
            axes = normalize_axes(axis, a.ndim, reduces=True)
            return record(a, axis=axes, keepdims=bool(keepdims))
        numbers = np.logical_not(np.isnan(a))
        numbers = numbers if where is True else np.logical_and(numbers, where)
        return ordinary(a, axis=axis, keepdims=keepdims, initial=initial, where=numbers)


_among_numbers(np.nanmax, np.max, "largest")
_among_numbers(np.nanmin, np.min, "smallest")


# ---- positions


def _arg_spec(x: Array, axis: int | None, keepdims: bool) -> ArraySpec:
    axes = normalize_axes(axis, x.ndim, reduces=True)
    return ArraySpec(reduced(x.shape, axes, keepdims), np.dtype(np.intp))


def _position(function: Callable[..., Any]) -> None:
    """Register a search for the place of an extreme."""
    record = primitive(
        function.__name__,
        function,
        spec=_arg_spec,
        why="A position is a whole number: a small step of the input does not move it.",
        samples=(
            Sample(floats(3, 4), axis=None, keepdims=False),
            Sample(floats(3, 4), axis=1, keepdims=True),
        ),
    )

    @answers(function)
    def position(a: Array, axis: AxesLike = None, *, keepdims: bool = False) -> Array:
        return record(a, axis=axis, keepdims=bool(keepdims))


for _function in (np.argmax, np.argmin, np.nanargmax, np.nanargmin):
    _position(_function)
