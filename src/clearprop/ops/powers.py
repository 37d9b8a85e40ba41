"""Squares, roots, reciprocals, exponentials to other bases, and sums of two exponentials."""

from __future__ import annotations

import math

import numpy as np

from ..engine.array_types import Array, ArrayLike
from ..engine.primitive import Infix, Sample, answers, floats
from ..engine.spec import ufunc_dtype
from .arithmetic import power_vjp_x, power_vjp_y
from .makers import ufunc
from .samples import ANY, COMPLEX, PAIRS, POSITIVE
from .specs import shaped
from .transcendental import sigmoid

_LN2 = math.log(2)


def square_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (2 * x)


square = ufunc(
    np.square,
    square_vjp,
    why="The slope is twice the input: none at zero.",
    traits=["conjugates"],
    samples=(*ANY, *COMPLEX),
)


def reciprocal_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * (out * out)


reciprocal = ufunc(
    np.reciprocal,
    reciprocal_vjp,
    why="The slope is minus the square of the output: small inputs make large gradients.",
    traits=["conjugates"],
    samples=(*POSITIVE, *COMPLEX),
)


def cbrt_vjp(g: Array, out: Array, x: Array) -> Array:
    return g / (3 * (out * out))


cbrt = ufunc(
    np.cbrt,
    cbrt_vjp,
    why="Steep near zero, where the slope grows without bound.",
    samples=POSITIVE,
)


float_power = ufunc(
    np.float_power,
    power_vjp_x,
    power_vjp_y,
    why="The exponent comes down in front, and the power drops by one.",
    notation=Infix("**", 40),
    samples=(
        Sample(floats(3, 4, low=0.3), floats(4)),
        Sample(floats(3), 3),
        Sample(floats(low=0.5), floats()),
    ),
)


def exp2_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (out * _LN2)


exp2 = ufunc(
    np.exp2,
    exp2_vjp,
    why="The slope is the output times log(2): large outputs, large gradients.",
    samples=(*ANY, *COMPLEX),
)


def log2_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (1 / _LN2) / x


log2 = ufunc(
    np.log2,
    log2_vjp,
    why="The slope is one over the input and log(2): small inputs make large gradients.",
    samples=(*POSITIVE, *COMPLEX),
)


def log10_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (1 / math.log(10)) / x


log10 = ufunc(
    np.log10,
    log10_vjp,
    why="The slope is one over the input and log(10): small inputs make large gradients.",
    samples=(*POSITIVE, *COMPLEX),
)


# ---- sums of exponentials, of two


def _lead(out: Array, x: Array, y: Array) -> Array:
    """Return x - y, or minus infinity where both are that: then there is no gradient."""
    level = np.logical_and(x == y, out == -np.inf)
    ahead, behind = np.where(level, -np.inf, x), np.where(level, 0.0, y)
    return ahead.astype(out.dtype) - behind.astype(out.dtype)


def logaddexp_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * sigmoid(_lead(out, x, y))


def logaddexp_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * sigmoid(_lead(out, y, x))


logaddexp = ufunc(
    np.logaddexp,
    logaddexp_vjp_x,
    logaddexp_vjp_y,
    role="mixes",
    why="The gradient is shared out by softmax: mostly to the larger input.",
    samples=PAIRS,
)


def logaddexp2_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * sigmoid(_lead(out, x, y) * _LN2)


def logaddexp2_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * sigmoid(_lead(out, y, x) * _LN2)


logaddexp2 = ufunc(
    np.logaddexp2,
    logaddexp2_vjp_x,
    logaddexp2_vjp_y,
    role="mixes",
    why="The gradient is shared out by powers of two: mostly to the larger input.",
    samples=PAIRS,
)


@answers(np.fabs)
def fabs(x: ArrayLike) -> Array:
    x = shaped(x)
    return np.abs(x.astype(ufunc_dtype(np.fabs, x)))  # which complex numbers have none of
