"""Complete elliptic integrals, and the mean that they come from."""

from __future__ import annotations

import math

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.primitive import Sample, floats
from .common import between, near_zero, series, slope_is, special

_NEAR = 0.06


def _coefficients(front: float, a: float, count: int = 14) -> list[float]:
    """Return ``front`` times the hypergeometric series 2F1(a, 3/2; 2; m)."""
    terms = [front]
    for n in range(count - 1):
        terms.append(terms[-1] * (a + n) * (1.5 + n) / ((2 + n) * (1 + n)))
    return terms


_SLOPE_OF_K = _coefficients(math.pi / 8, 1.5)
_SLOPE_OF_E = _coefficients(-math.pi / 8, 0.5)


def ellipk_slope(m: Array) -> Array:
    def inside(m: Array) -> Array:
        return series(m, _SLOPE_OF_K)

    def outside(m: Array) -> Array:
        return (sp.ellipe(m) - (1 - m) * sp.ellipk(m)) / (2 * m * (1 - m))

    return near_zero(m, _NEAR, inside, outside)


ellipk = special(
    sp.ellipk,
    slope_is(ellipk_slope),
    why="The slope is made of both complete integrals, and has no bound towards 1.",
    samples=(*between(-2, 0.8), *between(-0.05, 0.05)),
)


def ellipkm1_vjp(g: Array, out: Array, p: Array) -> Array:
    def inside(m: Array) -> Array:
        return series(m, _SLOPE_OF_K)

    def outside(m: Array) -> Array:
        return (sp.ellipe(m) - p * sp.ellipkm1(p)) / (2 * m * p)

    return -g * near_zero(1 - p, _NEAR, inside, outside)


ellipkm1 = special(
    sp.ellipkm1,
    ellipkm1_vjp,
    why="The same integral seen from the other end: steep towards zero.",
    samples=(*between(0.2, 2), *between(0.95, 1.05)),
)


def ellipe_slope(m: Array) -> Array:
    def inside(m: Array) -> Array:
        return series(m, _SLOPE_OF_E)

    def outside(m: Array) -> Array:
        return (sp.ellipe(m) - sp.ellipk(m)) / (2 * m)

    return near_zero(m, _NEAR, inside, outside)


ellipe = special(
    sp.ellipe,
    slope_is(ellipe_slope),
    why="The slope is half the difference of the two complete integrals, for each m.",
    samples=(*between(-2, 0.8), *between(-0.05, 0.05)),
)


def agm_slope(a: Array, b: Array) -> Array:
    """Return the slope with respect to `a`: the mean is pi a / (2 K(1 - b²/a²))."""
    q = b / a
    q = q * q
    k = sp.ellipkm1(q)

    def inside(m: Array) -> Array:
        return series(m, _SLOPE_OF_E)

    def outside(m: Array) -> Array:
        return (sp.ellipe(m) - k) / (2 * m)

    return -math.pi * near_zero(1 - q, _NEAR, inside, outside) / (k * k)


agm = special(
    sp.agm,
    slope_is(agm_slope),
    slope_is(lambda a, b: agm_slope(b, a)),
    why="A mean: it grows with either input, by a half each where the two are equal.",
    samples=(
        Sample(floats(3, 4, low=0.5, high=3), floats(4, low=0.5, high=3)),
        Sample(floats(low=0.5, high=3), floats(low=0.5, high=3)),
        Sample(np.array([1.0, 2.0]), np.array([1.0, 2.1])),
    ),
)
