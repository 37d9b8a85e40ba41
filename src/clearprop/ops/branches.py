"""Choices between more than two values, and what stands in for NaN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from ..arrays import is_array, numbers_of
from ..errors import ShapeError, UnsupportedError
from ..primitive import answers
from ..spec import promote, shape_of


def _known(x: Any) -> Any:
    """Lists as arrays; arrays, Tensors and numbers as they are."""
    return numbers_of(x, "a choice got")


def _of_dtype(x: Any, dtype: Any) -> Any:
    return x.astype(dtype) if is_array(x) else np.asarray(x, dtype)[()]


@answers(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
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
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
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
        if not isinstance(function, Callable):  # type: ignore[arg-type]
            result[condition] = function
            continue
        part = x[condition]
        if part.size:
            result[condition] = function(part, *args, **kw)
    return result


@answers(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
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
