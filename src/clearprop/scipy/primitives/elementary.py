"""Logistic functions, and what SciPy has beside NumPy's exponentials, logarithms and angles."""

from __future__ import annotations

import math

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.primitive import Sample, floats
from ...ops.samples import ANY
from .common import between, near_zero, series, slope_is, special

_DEGREE = math.pi / 180
_EXPREL = [1 / (math.factorial(k) * (k + 2)) for k in range(13)]
"""The series of its slope."""


def expit_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (out * sp.expit(-x))  # 1 - out would lose what is left of a saturated one


expit = special(
    sp.expit,
    expit_vjp,
    why="At most a quarter of the gradient gets through, and next to none where expit saturates.",
    also_in="torch jax",
    samples=ANY,
)


def logit_vjp(g: Array, out: Array, p: Array) -> Array:
    return g / (p * (1 - p))


logit = special(
    sp.logit,
    logit_vjp,
    why="Steep towards 0 and 1, where the slope grows without bound.",
    also_in="torch jax",
    samples=between(0.1, 0.9),
)


def log_expit_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * sp.expit(-x)


log_expit = special(
    sp.log_expit,
    log_expit_vjp,
    why="One far below zero, nothing far above: a surely right answer has nothing to learn.",
    samples=ANY,
)


# ---- exponentials, logarithms, roots


def log1p_vjp(g: Array, out: Array, x: Array) -> Array:
    return g / (1 + x)


log1p = special(
    sp.log1p,
    log1p_vjp,
    why="The slope is one over one plus the input.",
    samples=between(-0.7, 2, also_complex=True),
)


def expm1_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (out + 1)


expm1 = special(
    sp.expm1,
    expm1_vjp,
    why="The slope is the exponential, which is the output plus one.",
    samples=between(-2, 2, also_complex=True),
)


def exp2_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (out * math.log(2))


exp2 = special(
    sp.exp2,
    exp2_vjp,
    why="The slope is the output times the logarithm of two.",
    samples=ANY,
)


def exp10_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (out * math.log(10))


exp10 = special(
    sp.exp10,
    exp10_vjp,
    why="The slope is the output times the logarithm of ten.",
    samples=between(-1, 1),
)


def exprel_slope(x: Array) -> Array:
    def inside(x: Array) -> Array:
        return series(x, _EXPREL)

    def outside(x: Array) -> Array:
        return (np.exp(x) - sp.exprel(x)) / x

    return near_zero(x, 0.5, inside, outside)


exprel = special(
    sp.exprel,
    slope_is(exprel_slope),
    why="A half at zero, and growing like the exponential over the input.",
    samples=between(-2, 2),
)


def cosm1_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * np.sin(x)


cosm1 = special(
    sp.cosm1,
    cosm1_vjp,
    why="The slope of the cosine: minus the sine.",
    samples=ANY,
)


def cbrt_vjp(g: Array, out: Array, x: Array) -> Array:
    return g / (3 * out * out)


cbrt = special(
    sp.cbrt,
    cbrt_vjp,
    why="Steep near zero, where the slope grows without bound.",
    samples=(*between(0.3, 2), Sample(floats(3, low=-2, high=-0.3))),
)


# ---- angles in degrees


def sindg_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (_DEGREE * sp.cosdg(x))


sindg = special(
    sp.sindg,
    sindg_vjp,
    why="The slope is the cosine, for each of 180 / pi degrees of a radian.",
    samples=between(-200, 200),
)


def cosdg_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * (_DEGREE * sp.sindg(x))


cosdg = special(
    sp.cosdg,
    cosdg_vjp,
    why="The slope is minus the sine, for each of 180 / pi degrees of a radian.",
    samples=between(-200, 200),
)


def tandg_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (_DEGREE * (1 + out * out))


tandg = special(
    sp.tandg,
    tandg_vjp,
    why="One and the square of the output: steepest towards 90 degrees.",
    samples=between(-60, 60),
)


def cotdg_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * (_DEGREE * (1 + out * out))


cotdg = special(
    sp.cotdg,
    cotdg_vjp,
    why="It falls, the steeper the closer to zero degrees.",
    samples=between(30, 150),
)


def radian_vjp_degrees(g: Array, out: Array, d: Array, m: Array, s: Array) -> Array:
    return g * _DEGREE


def radian_vjp_minutes(g: Array, out: Array, d: Array, m: Array, s: Array) -> Array:
    return g * (_DEGREE / 60)


def radian_vjp_seconds(g: Array, out: Array, d: Array, m: Array, s: Array) -> Array:
    return g * (_DEGREE / 3600)


radian = special(
    sp.radian,
    radian_vjp_degrees,
    radian_vjp_minutes,
    radian_vjp_seconds,
    why="Another unit: degrees, minutes and seconds each count for their share.",
    samples=(
        Sample(floats(3, 4), floats(4), floats(3, 1)),
        Sample(floats(), floats(), floats()),
    ),
)


# ---- steps


for _step in (sp.round, sp.gammasgn):
    special(
        _step,
        samples=(Sample(np.array([0.3, -1.4, 2.2])), Sample(floats(3, low=0.6, high=1.4))),
    )
