"""Remainders, fractional parts, mantissas and neighbouring floating point numbers."""

from __future__ import annotations

import numpy as np

from ..engine.array_types import Array
from ..engine.bundle import Bundle
from ..engine.primitive import Infix, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec
from .bundles import filled
from .makers import STEP, ufunc
from .samples import ANY

_DIVISIONS = (
    Sample(floats(3, 4), floats(3, 4, low=0.5)),
    Sample(floats(3, 1), floats(4, low=-1.5, high=-0.4)),
    Sample(floats(), floats(low=0.5)),
    Sample(floats(2, 3), 0.7),
    Sample(2.0, floats(3, low=0.5)),
)


def remainder_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g


def remainder_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return -g * np.floor_divide(x, y)


remainder = ufunc(
    np.remainder,
    remainder_vjp_x,
    remainder_vjp_y,
    operator="mod",
    why="Between its jumps it moves with the dividend, and loses a step of the divisor once for each time "
    "that the divisor went in.",
    notation=Infix("%", 20),
    samples=_DIVISIONS,
)


def fmod_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return -g * np.rint((x - out) / y)  # how often it went in, exactly


fmod = ufunc(
    np.fmod,
    remainder_vjp_x,
    fmod_vjp_y,
    why="Between its jumps it moves with the dividend, and loses a step of the divisor once for each time "
    "that the divisor went in.",
    samples=_DIVISIONS,
)


@answers(np.divmod)
def divmod_(x1: Array, x2: Array) -> tuple[Array, Array]:
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


# ---- parts of floating point numbers


def modf_vjp(g: Bundle, out: Bundle, x: Array) -> Array:
    fraction, _ = filled(g, out)
    return fraction


modf = ufunc(
    np.modf,
    modf_vjp,
    role="passes",
    why="A small step moves the fractional part by just as much, and the whole part not at all.",
    samples=ANY,
)


def _exponent(x: Array) -> Array:
    return np.frexp(x)[1]


def _exponent_spec(x: Array) -> ArraySpec:
    return ArraySpec(x.shape, np.frexp(np.ones((), x.dtype))[1].dtype)


exponent = primitive(
    "exponent",
    _exponent,
    spec=_exponent_spec,
    why=STEP,
    traits=["elementwise"],
    samples=(Sample(floats(3, 4)),),
)


@answers(np.frexp)
def frexp(x: Array) -> tuple[Array, Array]:
    power = exponent(x)
    return np.ldexp(x, -power), power


def ldexp_vjp(g: Array, out: Array, x: Array, exponent: Array) -> Array:
    return np.ldexp(g, exponent)


ldexp = ufunc(
    np.ldexp,
    ldexp_vjp,
    why="The input times a power of two, and so is its gradient; the exponent is a whole number.",
    samples=(
        Sample(floats(3, 4), np.array([-2, 0, 1, 3])),
        Sample(floats(3), 2),
        Sample(floats(), np.array(-1)),
    ),
)


nextafter = ufunc(
    np.nextafter,
    remainder_vjp_x,
    None,
    role="passes",
    why="The neighbour moves with the number; which side it is on is no matter of degree.",
    samples=(Sample(floats(3, 4), floats(4)), Sample(floats(), 5.0)),
)
