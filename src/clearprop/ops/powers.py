"""Squares, roots, reciprocals, exponentials to other bases, and sums of two exponentials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..primitive import Infix, Sample, answers, floats, primitive
from ..spec import ufunc_dtype
from .arithmetic import power_vjp_x, power_vjp_y
from .samples import ANY, COMPLEX, PAIRS, POSITIVE
from .specs import like_ufunc, shaped
from .transcendental import sigmoid

_LN2 = math.log(2)


def square_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * (2 * x)


square = primitive(
    "square",
    np.square,
    numpy=np.square,
    spec=like_ufunc(np.square),
    vjp=(square_vjp,),
    role="scales",
    why="The slope is twice the input: none at zero.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def reciprocal_vjp(g: Any, out: Any, x: Any) -> Any:
    return -g * (out * out)


reciprocal = primitive(
    "reciprocal",
    np.reciprocal,
    numpy=np.reciprocal,
    spec=like_ufunc(np.reciprocal),
    vjp=(reciprocal_vjp,),
    role="scales",
    why="The slope is minus the square of the output: small inputs make large gradients.",
    elementwise=True,
    samples=(*POSITIVE, *COMPLEX),
)


def cbrt_vjp(g: Any, out: Any, x: Any) -> Any:
    return g / (3 * (out * out))


cbrt = primitive(
    "cbrt",
    np.cbrt,
    numpy=np.cbrt,
    spec=like_ufunc(np.cbrt),
    vjp=(cbrt_vjp,),
    role="scales",
    why="Steep near zero, where the slope grows without bound.",
    elementwise=True,
    samples=POSITIVE,
)


float_power = primitive(
    "float_power",
    np.float_power,
    numpy=np.float_power,
    spec=like_ufunc(np.float_power),
    vjp=(power_vjp_x, power_vjp_y),
    role="scales",
    why="The exponent comes down in front, and the power drops by one.",
    notation=Infix("**", 40),
    elementwise=True,
    samples=(
        Sample(floats(3, 4, low=0.3), floats(4)),
        Sample(floats(3), 3),
        Sample(floats(low=0.5), floats()),
    ),
)


def exp2_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * (out * _LN2)


exp2 = primitive(
    "exp2",
    np.exp2,
    numpy=np.exp2,
    spec=like_ufunc(np.exp2),
    vjp=(exp2_vjp,),
    role="scales",
    why="The slope is the output times log(2): large outputs, large gradients.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def log2_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * (1 / _LN2) / x


log2 = primitive(
    "log2",
    np.log2,
    numpy=np.log2,
    spec=like_ufunc(np.log2),
    vjp=(log2_vjp,),
    role="scales",
    why="The slope is one over the input and log(2): small inputs make large gradients.",
    elementwise=True,
    samples=(*POSITIVE, *COMPLEX),
)


def log10_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * (1 / math.log(10)) / x


log10 = primitive(
    "log10",
    np.log10,
    numpy=np.log10,
    spec=like_ufunc(np.log10),
    vjp=(log10_vjp,),
    role="scales",
    why="The slope is one over the input and log(10): small inputs make large gradients.",
    elementwise=True,
    samples=(*POSITIVE, *COMPLEX),
)


# ---- sums of exponentials, of two


def _lead(out: Any, x: Any, y: Any) -> Any:
    """x - y; where both are minus infinity, so far behind that there is no gradient."""
    level = np.logical_and(x == y, out == -np.inf)
    ahead, behind = np.where(level, -np.inf, x), np.where(level, 0.0, y)
    return ahead.astype(out.dtype) - behind.astype(out.dtype)


def logaddexp_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * sigmoid(_lead(out, x, y))


def logaddexp_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * sigmoid(_lead(out, y, x))


logaddexp = primitive(
    "logaddexp",
    np.logaddexp,
    numpy=np.logaddexp,
    spec=like_ufunc(np.logaddexp),
    vjp=(logaddexp_vjp_x, logaddexp_vjp_y),
    role="mixes",
    why="The gradient is shared out by softmax: mostly to the larger input.",
    elementwise=True,
    samples=PAIRS,
)


def logaddexp2_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * sigmoid(_lead(out, x, y) * _LN2)


def logaddexp2_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * sigmoid(_lead(out, y, x) * _LN2)


logaddexp2 = primitive(
    "logaddexp2",
    np.logaddexp2,
    numpy=np.logaddexp2,
    spec=like_ufunc(np.logaddexp2),
    vjp=(logaddexp2_vjp_x, logaddexp2_vjp_y),
    role="mixes",
    why="The gradient is shared out by powers of two: mostly to the larger input.",
    elementwise=True,
    samples=PAIRS,
)


@answers(np.fabs)
def fabs(x: Any) -> Any:
    x = shaped(x)
    return np.abs(x.astype(ufunc_dtype(np.fabs, x)))  # which complex numbers have none of
