"""Kelvin functions: Bessel functions along a diagonal of the complex plane, and their slopes.

The slope of a slope follows from the equations ``y'' + y'/x = i y`` that they solve.
"""

from __future__ import annotations

import math

from scipy import special as sp

from ...engine.array_types import Array
from ...engine.bundle import Bundle
from .common import between, near_zero, series, slope_is, special, weighed

# y'/x close to 0, in powers of x⁴; that of ber has a factor x² besides
_BERP = [(-1) ** k * 4 * k / (2 ** (4 * k) * math.factorial(2 * k) ** 2) for k in range(1, 7)]
_BEIP = [
    (-1) ** k * (4 * k + 2) / (2 ** (4 * k + 2) * math.factorial(2 * k + 1) ** 2) for k in range(6)
]
_ANY, _RIGHT = between(-2, 2), between(0.5, 3)


def _berp_over(x: Array) -> Array:
    def inside(x: Array) -> Array:
        square = x * x
        return square * series(square * square, _BERP)

    return near_zero(x, 0.5, inside, lambda x: sp.berp(x) / x)


def _beip_over(x: Array) -> Array:
    def inside(x: Array) -> Array:
        square = x * x
        return series(square * square, _BEIP)

    return near_zero(x, 0.5, inside, lambda x: sp.beip(x) / x)


_WAVE = "A wave that grows to either side, and one half of a complex Bessel function."
_DECAY = "A wave that dies down, and one half of a complex Bessel function."
_SLOPE = "A slope: its own follows from the differential equation of the function."

special(sp.ber, slope_is(sp.berp), why=_WAVE, samples=_ANY)
special(sp.bei, slope_is(sp.beip), why=_WAVE, samples=_ANY)
special(sp.ker, slope_is(sp.kerp), why=_DECAY, samples=_RIGHT)
special(sp.kei, slope_is(sp.keip), why=_DECAY, samples=_RIGHT)
special(sp.berp, slope_is(lambda x: -sp.bei(x) - _berp_over(x)), why=_SLOPE, samples=_ANY)
special(sp.beip, slope_is(lambda x: sp.ber(x) - _beip_over(x)), why=_SLOPE, samples=_ANY)
special(sp.kerp, slope_is(lambda x: -sp.kei(x) - sp.kerp(x) / x), why=_SLOPE, samples=_RIGHT)
special(sp.keip, slope_is(lambda x: sp.ker(x) - sp.keip(x) / x), why=_SLOPE, samples=_RIGHT)


def kelvin_vjp(g: Bundle, out: Bundle, x: Array) -> Array:
    be, ke, bep, kep = out
    return weighed(
        g,
        lambda: bep,
        lambda: kep,
        lambda: be * 1j - (_berp_over(x) + _beip_over(x) * 1j),
        lambda: ke * 1j - kep / x,
    )


special(
    sp.kelvin,
    kelvin_vjp,
    why="Two complex functions and their slopes, whose own follow from the differential equation.",
    samples=_RIGHT,
)
