"""Comparisons, rounding and logic: piecewise constant, so no gradient, but known to every view."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..primitive import Infix, Notation, Prefix, Sample, answers, floats, primitive, primitives
from .complex import direction
from .specs import like_ufunc

STEP = "Piecewise constant: a small step of the input changes nothing."
_NUMBERS = (Sample(floats(3, 4), floats(4)), Sample(floats(), 0.5))
_BOOLS = (Sample(np.array([True, False]), np.array([[True], [False]])),)


def _step(
    ufunc: np.ufunc,
    samples: tuple[Sample, ...],
    symbol: str | None = None,
    python: Callable[..., Any] | None = None,
) -> None:
    """Register a ufunc that has no gradient, and the operator that it answers."""
    notation: Notation | None = None
    if symbol:
        notation = Prefix(symbol, 30) if ufunc.nin == 1 else Infix(symbol, 5)
    primitive(
        ufunc.__name__,
        python or ufunc,
        numpy=ufunc,
        operator=python.__name__.strip("_") if python else None,
        spec=like_ufunc(ufunc),
        vjp=(None,) * ufunc.nin,
        role="blocks",
        why=STEP,
        notation=notation,
        elementwise=True,
        samples=samples,
    )


_step(np.less, _NUMBERS, "<", operator.lt)
_step(np.less_equal, _NUMBERS, "<=", operator.le)
_step(np.greater, _NUMBERS, ">", operator.gt)
_step(np.greater_equal, _NUMBERS, ">=", operator.ge)
_step(np.equal, _NUMBERS, "==", operator.eq)
_step(np.not_equal, _NUMBERS, "!=", operator.ne)
_step(np.bitwise_and, _BOOLS, "&", operator.and_)
_step(np.bitwise_or, _BOOLS, "|", operator.or_)
_step(np.logical_and, _BOOLS)
_step(np.logical_or, _BOOLS)
_step(np.invert, (Sample(np.array([True, False])),), "~", operator.invert)
_step(np.logical_not, (Sample(np.array([True, False])),))
for _rounding in (np.sign, np.floor, np.ceil, np.rint, np.isfinite, np.isnan):
    _step(_rounding, (Sample(floats(3, 4)),))


@answers(np.sign)
def sign(x: Any) -> Any:
    """A step for real numbers; a complex one's direction turns smoothly."""
    if x.dtype.kind != "c":
        return primitives.sign(x)
    return direction(x)
