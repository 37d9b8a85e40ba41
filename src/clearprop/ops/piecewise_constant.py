"""Comparisons, rounding and logic: piecewise constant, so without a gradient, but recorded in graphs."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.array_types import Array
from ..engine.arrays import as_array
from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import Infix, Prefix, Sample, answers, floats, primitive, primitives
from ..engine.spec import ArraySpec, shape_of
from .complex import direction
from .makers import STEP, ufunc
from .samples import COMPLEX

_NUMBERS = (Sample(floats(3, 4), floats(4)), Sample(floats(), 0.5))
_QUOTIENTS = (Sample(floats(3, 4), floats(4, low=0.5)), Sample(floats(), 0.7))
_WHOLE_NUMBERS = (Sample(np.array([[6], [35]])),)
_WHOLE = (Sample(np.array([[6], [35]]), np.array([1, 4, 10])), Sample(np.array([5, 12]), 2))
_BITS = (Sample(np.array([[6], [35]], "i4"), np.array([1, 4, 10], "i4")), *_WHOLE)
_BOOLS = (Sample(np.array([True, False]), np.array([[True], [False]])),)


def _step(
    function: np.ufunc,
    samples: tuple[Sample, ...],
    symbol: str,
    python: Callable[..., Any],
    binds: int = 5,
) -> None:
    """Register a ufunc that has no gradient, and the operator that it answers."""
    notation = Prefix(symbol, 30) if function.nin == 1 else Infix(symbol, binds)
    name = python.__name__.strip("_")
    ufunc(function, forward=python, operator=name, notation=notation, samples=samples)


_step(np.less, _NUMBERS, "<", operator.lt)
_step(np.less_equal, _NUMBERS, "<=", operator.le)
_step(np.greater, _NUMBERS, ">", operator.gt)
_step(np.greater_equal, _NUMBERS, ">=", operator.ge)
_step(np.equal, _NUMBERS, "==", operator.eq)
_step(np.not_equal, _NUMBERS, "!=", operator.ne)
_step(np.bitwise_and, (*_BOOLS, *_WHOLE), "&", operator.and_, 8)
_step(np.bitwise_or, (*_BOOLS, *_WHOLE), "|", operator.or_, 6)
_step(np.bitwise_xor, (*_BOOLS, *_WHOLE), "^", operator.xor, 7)
_step(np.left_shift, _BITS, "<<", operator.lshift, 9)
_step(np.right_shift, _BITS, ">>", operator.rshift, 9)
_step(np.floor_divide, (*_QUOTIENTS, *_WHOLE), "//", operator.floordiv, 20)
for _logic in (np.logical_and, np.logical_or, np.logical_xor):
    ufunc(_logic, samples=_BOOLS)
for _of_divisors in (np.gcd, np.lcm):
    ufunc(_of_divisors, samples=_WHOLE)
_step(np.invert, (Sample(np.array([True, False])),), "~", operator.invert)
ufunc(np.logical_not, samples=(Sample(np.array([True, False])),))
ufunc(np.bitwise_count, samples=_WHOLE_NUMBERS)
for _rounding in (np.floor, np.ceil, np.rint, np.trunc, np.sign, np.signbit, np.spacing):
    ufunc(_rounding, samples=(Sample(floats(3, 4)),))
for _question in (np.isfinite, np.isnan, np.isinf):
    ufunc(_question, samples=(Sample(floats(3, 4)), *COMPLEX))


@answers(np.sign)
def sign(x: Array) -> Array:
    """Answer `np.sign`: a step for real numbers; a complex one's direction turns smoothly."""
    if x.dtype.kind != "c":
        return primitives.sign(x)
    return direction(x)


def _round_spec(x: Array, decimals: int) -> ArraySpec:
    return ArraySpec(x.shape, np.round(np.ones((), x.dtype), decimals).dtype)


_round_record = primitive(
    "round",
    np.round,
    spec=_round_spec,
    why=STEP,
    traits=["elementwise"],
    samples=(
        Sample(floats(3, 4), decimals=0),
        Sample(floats(), decimals=1),
        Sample(np.array([14, 26]), decimals=-1),
        Sample(COMPLEX[0].inputs[0], decimals=0),
    ),
)


@answers(np.round, np.around)
def round_(a: Array, decimals: int = 0) -> Array:
    return _round_record(a, decimals=int(decimals))


@answers(np.fix)
def fix(x: Array) -> Array:
    return np.trunc(x)


# ---- questions


def _isclose_spec(a: Array, b: Array, **params: Any) -> ArraySpec:
    return ArraySpec(broadcast_shapes(shape_of(a), shape_of(b)), np.dtype(bool))


_isclose_record = primitive(
    "isclose",
    np.isclose,
    spec=_isclose_spec,
    why=STEP,
    traits=["elementwise"],
    samples=(
        Sample(floats(3, 4), floats(4), rtol=1e-5, atol=0.5, equal_nan=False),
        Sample(np.array([np.nan, 1.0]), np.nan, rtol=0.0, atol=0.1, equal_nan=True),
    ),
)


@answers(np.isclose)
def isclose(
    a: Array, b: Array, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Array:
    return _isclose_record(a, b, rtol=rtol, atol=atol, equal_nan=bool(equal_nan))


@answers(np.allclose)
def allclose(
    a: Array, b: Array, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    return bool(np.all(isclose(a, b, rtol, atol, equal_nan)))


@answers(np.array_equal)
def array_equal(a1: Array, a2: Array, equal_nan: bool = False) -> bool:
    a1, a2 = (as_array(x) for x in (a1, a2))
    if a1.shape != a2.shape:
        return False
    alike = np.equal(a1, a2)
    if equal_nan:
        alike = np.logical_or(alike, np.logical_and(np.isnan(a1), np.isnan(a2)))
    return bool(np.all(alike))


@answers(np.array_equiv)
def array_equiv(a1: Array, a2: Array) -> bool:
    try:
        broadcast_shapes(np.shape(a1), np.shape(a2))
    except ValueError:
        return False
    return bool(np.all(np.equal(a1, a2)))


@answers(np.isposinf)
def isposinf(x: Array) -> Array:
    return np.equal(x, np.inf)


@answers(np.isneginf)
def isneginf(x: Array) -> Array:
    return np.equal(x, -np.inf)


@answers(np.isreal)
def isreal(x: Array) -> Array:
    return np.equal(np.imag(x), 0)


@answers(np.iscomplex)
def iscomplex(x: Array) -> Array:
    return np.not_equal(np.imag(x), 0)


@answers(np.iscomplexobj)
def iscomplexobj(x: Array) -> bool:
    return x.dtype.kind == "c"


@answers(np.isrealobj)
def isrealobj(x: Array) -> bool:
    return x.dtype.kind != "c"
