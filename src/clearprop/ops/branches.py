"""Choices between more than two values, by masks and conditions; replacing NaN and infinities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, DTypeLike
from ..engine.arrays import is_array, numbers_of
from ..engine.primitive import answers
from ..engine.refusals import called
from ..engine.spec import promote, shape_of
from ..engine.tensor import Tensor
from ..errors import ShapeError, TraceError, UnsupportedError


def _known(x: Array) -> Array:
    """Return lists as arrays; arrays, Tensors and numbers as they are."""
    return numbers_of(x, "a choice got")


def _of_dtype(x: Array, dtype: DTypeLike) -> Array:
    return x.astype(dtype) if is_array(x) else np.asarray(x, dtype)[()]


@answers(np.select)
def select(
    condlist: Sequence[ArrayLike], choicelist: Sequence[AnyArray], default: AnyArray = 0
) -> Array:
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ShapeError(
            f"np.select takes one choice for each condition and at least one, not {len(choicelist)} for "
            f"{len(condlist)}"
        )
    choices = [_known(choice) for choice in (*choicelist, default)]
    dtype = promote(*choices)
    *choices, result = (_of_dtype(choice, dtype) for choice in choices)
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        result = np.where(condition, choice, result)
    return result


@answers(np.piecewise)
def piecewise(
    x: Array, condlist: AnyArray, funclist: Sequence[Any], *args: Any, **kw: Any
) -> Array:
    if np.isscalar(condlist) or (
        x.ndim and not (isinstance(condlist[0], list) or shape_of(condlist[0]))
    ):
        condlist = [condlist]
    conditions = [_known(condition).astype(bool) for condition in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(np.logical_not(reduce(np.logical_or, conditions)))
    if len(funclist) != len(conditions):
        raise ShapeError(
            f"np.piecewise takes a function for each of the {len(conditions)} conditions, and perhaps one "
            f"for the rest, not {len(funclist)}"
        )
    result = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        if isinstance(condition, Tensor) and not condition.is_known:
            piece = function
            if callable(function):
                piece = _everywhere(function, condition, x, args, kw)
            result = np.where(condition, piece, result).astype(x.dtype)
            continue
        part = x[condition]
        if not callable(function):
            result[condition] = function
        elif part.size:
            result[condition] = function(part, *args, **kw)
    return result


def _everywhere(
    function: Callable[..., Any], condition: Array, x: Array, args: Any, kw: dict[str, Any]
) -> Array:
    """Return a piece at all entries, while nobody knows which ones it is for: at the others it is
    taken of ones.

    Those are dropped again, and their slopes, infinite or not, with them.
    """
    part: AnyArray = np.where(condition, x, 1.0).astype(x.dtype)
    piece = function(part, *args, **kw)
    reached = [piece] if isinstance(piece, Tensor) else []
    seen = set(reached)
    for node in reached:  # grows while it is walked
        if node is part or node.number < part.number:
            continue
        if node.primitive is not None and "elementwise" not in node.primitive.traits:
            raise TraceError(
                f"np.piecewise hands the entries that a condition picks to {called(function)}, which mixes "
                f"them ({node.primitive.name}), but while tracing nobody knows which ones those are. Write "
                f"np.where(condition, a, b) with values for all entries."
            )
        new = {x for x in node.inputs if isinstance(x, Tensor)} - seen
        reached += new
        seen |= new
    return piece


@answers(np.nan_to_num)
def nan_to_num(
    x: Array,
    copy: bool = True,
    nan: ArrayLike = 0.0,
    posinf: ArrayLike | None = None,
    neginf: ArrayLike | None = None,
) -> Array:
    if not copy:
        raise UnsupportedError("np.nan_to_num(t, copy=False) writes into its input; leave copy out")
    if x.dtype.kind == "c":
        real, imag = (
            nan_to_num(part, nan=nan, posinf=posinf, neginf=neginf) for part in (x.real, x.imag)
        )
        return real + imag * 1j
    if x.dtype.kind != "f":
        return x.copy()
    limits = np.finfo(x.dtype)
    posinf = float(limits.max) if posinf is None else posinf
    neginf = float(limits.min) if neginf is None else neginf
    finite = np.where(np.equal(x, np.inf), posinf, np.where(np.equal(x, -np.inf), neginf, x))
    return np.where(np.isnan(x), nan, finite)
