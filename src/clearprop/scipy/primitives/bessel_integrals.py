"""Struve functions, and integrals of Bessel, Airy, Struve and Fresnel functions.

The slope of an integral is what is integrated. Close to 0, where that may be 0/0, it is a series.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.bundle import Bundle
from ...engine.primitive import Sample, floats
from ...errors import UnsupportedError
from .common import between, near_zero, refused, series, slope_is, special, weighed

_RIGHT = between(0.5, 3)
_UP_TO = "An integral up to x: it grows by what stands at x."
_FROM = "An integral from x on: it falls by what stands at x."


def _squares(coefficients: list[float], times_x: bool) -> Callable[[Array], Array]:
    def inside(x: Array) -> Array:
        result = series(x * x, coefficients)
        return x * result if times_x else result

    return inside


# ---- Struve functions


def _struve(ufunc: np.ufunc, sign: float) -> None:
    def vjp(g: Array, out: Array, v: Array, x: Array) -> Array:
        power = (0.5 * x) ** v * (sp.rgamma(v + 1.5) / math.sqrt(math.pi))
        return g * (0.5 * (ufunc(v - 1, x) + sign * ufunc(v + 1, x) + power))

    special(
        ufunc,
        refused(ufunc, "its order v", "v"),
        vjp,
        why="The slope is made of its neighbours in order, and of a power of the input.",
        samples=(
            Sample(1.5, floats(3, 4, low=0.5, high=3)),
            Sample(np.array([[0.0], [1.0], [3.0]]).astype(int), floats(4, low=0.5, high=3)),
            Sample(0, floats(low=0.5, high=3)),
        ),
    )


_struve(sp.struve, -1)
_struve(sp.modstruve, 1)

_H0 = [2 / math.pi * (-1) ** k / math.prod(range(1, 2 * k + 2, 2)) ** 2 for k in range(9)]
"""Of H0(x) / x, in powers of x²."""


def _struve_over(x: Array) -> Array:
    return near_zero(x, 0.5, _squares(_H0, False), lambda x: sp.struve(0, x) / x)


special(sp.itstruve0, slope_is(lambda x: sp.struve(0, x)), why=_UP_TO, samples=_RIGHT)
special(sp.itmodstruve0, slope_is(lambda x: sp.modstruve(0, x)), why=_UP_TO, samples=_RIGHT)
special(
    sp.it2struve0,
    slope_is(lambda x: -_struve_over(x)),
    why=_FROM,
    samples=(*_RIGHT, *between(0.1, 0.4)),
)


# ---- integrals of Bessel and Airy functions


_J0 = [-((-1) ** k) / (4**k * math.factorial(k) ** 2) for k in range(1, 9)]
_I0 = [1 / (4**k * math.factorial(k) ** 2) for k in range(1, 9)]
"""Of (1 - J0(x)) / x² and (I0(x) - 1) / x², in powers of x²."""


def _j0_over(x: Array) -> Array:
    return near_zero(x, 0.5, _squares(_J0, True), lambda x: (1 - sp.j0(x)) / x)


def _i0_over(x: Array) -> Array:
    return near_zero(x, 0.5, _squares(_I0, True), lambda x: (sp.i0(x) - 1) / x)


def _integrals(
    ufunc: np.ufunc,
    *slopes: Callable[[Array], Array],
    why: str = _UP_TO,
    samples: tuple[Sample, ...] = _RIGHT,
) -> None:
    """Register integrals of the functions `slopes`."""

    def vjp(g: Bundle, out: Bundle, x: Array) -> Array:
        return weighed(g, *[lambda slope=slope: slope(x) for slope in slopes])

    special(ufunc, vjp, why=why, samples=samples)


def _airy(which: int, sign: int) -> Callable[[Array], Array]:
    def slope(x: Array) -> Array:
        return sp.airy(sign * x)[which]

    return slope


_integrals(sp.itj0y0, sp.j0, sp.y0)
_integrals(sp.iti0k0, sp.i0, sp.k0)
_integrals(  # SciPy's values are good for eight digits only; those of small numbers are better
    sp.itairy,
    _airy(0, 1),
    _airy(2, 1),
    _airy(0, -1),
    _airy(2, -1),
    samples=between(0.05, 0.2),
)
_BOTH = (
    "Two integrals, one up to x and one from x on: one grows, the other falls by what stands at x."
)
_integrals(sp.it2j0y0, _j0_over, lambda x: -sp.y0(x) / x, why=_BOTH)
_integrals(sp.it2i0k0, _i0_over, lambda x: -sp.k0(x) / x, why=_BOTH)


# ---- Airy functions without their exponentials


def _root_above(x: Array) -> Array:
    """Return the root of what is above 0, and 0 below."""
    above = x > 0
    return np.where(above, np.sqrt(np.where(above, x, 1.0)), 0.0)


def airye_vjp(g: Bundle, out: Bundle, z: Array) -> Array:
    ai, aip, bi, bip = out
    if z.dtype.kind != "c":
        root = _root_above(z)
    elif g[2] is None and g[3] is None:
        root = np.sqrt(z)
    else:
        raise UnsupportedError(
            "the third and fourth result of scipy.special.airye are scaled by the size of a part of z, so "
            "they have no complex derivative. Take those of airy, and scale them yourself."
        )
    return weighed(
        g,
        lambda: aip + root * ai,
        lambda: z * ai + root * aip,
        lambda: bip - root * bi,
        lambda: z * bi - root * bip,
    )


special(
    sp.airye,
    airye_vjp,
    why="Two functions and their slopes, and what the scaling by exponentials adds to each.",
    samples=between(0.3, 2),
)


# ---- Fresnel integrals from x on


def _modified_fresnel(ufunc: np.ufunc, turn: complex) -> None:
    front = cmath.exp(-turn * math.pi / 4) / math.sqrt(math.pi)

    def vjp(g: Bundle, out: Bundle, x: Array) -> Array:
        def slope_of_scaled() -> Array:
            return -front - out[1] * x * (2 * turn)

        return weighed(g, lambda: -np.exp(x * x * turn), slope_of_scaled)

    special(
        ufunc,
        vjp,
        why="A complex integral from x on: it falls by a number that turns with the square of x.",
        samples=_RIGHT,  # below 0 SciPy's values are wrong
    )


_modified_fresnel(sp.modfresnelp, 1j)
_modified_fresnel(sp.modfresnelm, -1j)
