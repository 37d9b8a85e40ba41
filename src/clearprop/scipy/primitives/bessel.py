"""Bessel functions and Airy functions.

Each one's slope is made of its neighbours in order. With respect to the order there is no formula in
functions that SciPy has.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special as sp

from ...engine.array_types import AnyArray, Array
from ...engine.bundle import Bundle
from ...engine.primitive import Draw, Sample, floats
from ...errors import UnsupportedError
from .common import between, refused, series, special, weighed

_POSITIVE = between(0.5, 3)
_WHOLE = (
    Sample(2, floats(3, 4, low=0.5, high=3)),
    Sample(np.array([[0], [1], [3]]), floats(4, low=0.5, high=3)),
    Sample(0, floats(low=0.5, high=3)),
)
_ORDERS = (*_WHOLE, Sample(0.5, floats(3, 4, low=0.5, high=3)))
_COMPLEX = Sample(1.5, Draw((2, 3), 0.5, 1.5, "complex128"))


# ---- orders 0 and 1


def j0_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * sp.j1(x)


special(
    sp.j0,
    j0_vjp,
    why="A wave that dies down; its slope is minus the next one, none at the crests.",
    samples=between(-2, 2),
)


def j1_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (0.5 * (sp.j0(x) - sp.jv(2, x)))


special(
    sp.j1,
    j1_vjp,
    why="A wave that dies down; its slope is half the difference of its neighbours.",
    samples=between(-2, 2),
)


def y0_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * sp.y1(x)


special(
    sp.y0,
    y0_vjp,
    why="A wave that starts at minus infinity; its slope is minus the next one.",
    samples=_POSITIVE,
)


def y1_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (0.5 * (sp.y0(x) - sp.yv(2, x)))


special(
    sp.y1,
    y1_vjp,
    why="A wave that starts at minus infinity; its slope is half the difference of its neighbours.",
    samples=_POSITIVE,
)


def i0_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * sp.i1(x)


special(
    sp.i0,
    i0_vjp,
    why="Flat at zero, and growing like an exponential to either side.",
    samples=between(-2, 2),
)


def i1_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (0.5 * (sp.i0(x) + sp.iv(2, x)))


special(
    sp.i1,
    i1_vjp,
    why="It grows everywhere, and its slope is the mean of its neighbours.",
    also_in="torch jax",
    samples=between(-2, 2),
)


def k0_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * sp.k1(x)


special(
    sp.k0,
    k0_vjp,
    why="It falls like an exponential, by what the next one has.",
    samples=_POSITIVE,
)


def k1_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * (0.5 * (sp.k0(x) + sp.kv(2, x)))


special(
    sp.k1,
    k1_vjp,
    why="It falls like an exponential, by the mean of its neighbours.",
    samples=_POSITIVE,
)


# ---- orders 0 and 1 without the exponential

_FAR = 100.0


def _tail(order: int, sign: int, front: float, count: int = 10) -> list[float]:
    """Return coefficients in 1/x of the slope far out, but for a factor x**-1.5.

    There a scaled function is ``front / sqrt(x)`` times a series, and the rules' differences lose digits.
    """
    terms = [front]
    for k in range(1, count):
        terms.append(terms[-1] * sign * (4 * order**2 - (2 * k - 1) ** 2) / (8 * k))
    return [-(k + 0.5) * c for k, c in enumerate(terms)]


_I_FRONT, _K_FRONT = 1 / math.sqrt(2 * math.pi), math.sqrt(math.pi / 2)
_I0, _I1 = _tail(0, -1, _I_FRONT), _tail(1, -1, _I_FRONT)
_K0, _K1 = _tail(0, 1, _K_FRONT), _tail(1, 1, _K_FRONT)


def _where_far(size: Array, tail: list[float], slope: Array) -> Array:
    far = size > _FAR
    inverse = 1 / np.where(far, size, _FAR)
    return np.where(far, inverse * np.sqrt(inverse) * series(inverse, tail), slope)


def i0e_vjp(g: Array, out: Array, x: Array) -> Array:
    sign = np.sign(x)
    return g * (sign * _where_far(np.abs(x), _I0, sp.i1e(np.abs(x)) - out))


special(
    sp.i0e,
    i0e_vjp,
    why="A peak at zero, where it gives nothing, and a slow fall to either side.",
    also_in="torch jax",
    samples=(*between(0.3, 2), *between(-2, -0.3)),
)


def i1e_vjp(g: Array, out: Array, x: Array) -> Array:
    slope = 0.5 * (sp.i0e(x) + sp.ive(2, x)) - np.sign(x) * out
    return g * _where_far(np.abs(x), _I1, slope)


special(
    sp.i1e,
    i1e_vjp,
    why="A half at zero; beyond its crests it falls slowly to zero.",
    also_in="torch jax",
    samples=(*between(0.3, 2), *between(-2, -0.3)),
)


def k0e_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * _where_far(x, _K0, out - sp.k1e(x))


special(
    sp.k0e,
    k0e_vjp,
    why="Without the exponential it falls slowly, by the difference to the next one.",
    samples=_POSITIVE,
)


def k1e_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * _where_far(x, _K1, out - 0.5 * (sp.k0e(x) + sp.kve(2, x)))


special(
    sp.k1e,
    k1e_vjp,
    why="Without the exponential it falls slowly, by the difference to the mean of its neighbours.",
    samples=_POSITIVE,
)


# ---- any order


def _of_order(
    ufunc: np.ufunc,
    below: float,
    above: float,
    why: str,
    samples: tuple[Sample, ...] = (*_ORDERS, _COMPLEX),
    more: Callable[[Array, Array], Array] | None = None,
) -> None:
    """Register one whose slope is ``below * f(v - 1) + above * f(v + 1)``, and `more` if given."""

    def vjp(g: Array, out: Array, v: Array, z: Array) -> Array:
        slope = below * ufunc(v - 1, z) + above * ufunc(v + 1, z)
        return g * (slope if more is None else slope + more(out, z))

    special(ufunc, refused(ufunc, "its order v", "v"), vjp, why=why, samples=samples)


def _real(z: Array) -> None:
    if z.dtype.kind == "c":
        raise UnsupportedError(
            "this Bessel function is scaled by the size of a part of z, so it has no complex derivative. "
            "Take the one without e at the end of its name, and scale it yourself."
        )


def _nothing(out: Array, z: Array) -> AnyArray:
    _real(z)
    return 0.0


def _exponential(out: Array, z: Array) -> Array:
    _real(z)
    return -np.sign(z) * out


_WAVE = "A wave: its slope is half the difference of its neighbours in order, none at the crests."
for _wave in (sp.jv, sp.yv, sp.hankel1, sp.hankel2):
    _of_order(_wave, 0.5, -0.5, _WAVE)
_of_order(sp.yn, 0.5, -0.5, _WAVE, _WHOLE)
for _wave in (sp.jve, sp.yve):
    _of_order(_wave, 0.5, -0.5, _WAVE, _ORDERS, _nothing)
_of_order(sp.hankel1e, 0.5, -0.5, _WAVE, more=lambda out, z: out * -1j)
_of_order(sp.hankel2e, 0.5, -0.5, _WAVE, more=lambda out, z: out * 1j)

_GROWTH = "It grows like an exponential, and its slope is the mean of its neighbours in order."
_of_order(sp.iv, 0.5, 0.5, _GROWTH)
_of_order(
    sp.ive,
    0.5,
    0.5,
    "Without the exponential: the mean of its neighbours less the output itself.",
    _ORDERS,
    _exponential,
)

_DECAY = "It falls like an exponential, by the mean of its neighbours in order."
_of_order(sp.kv, -0.5, -0.5, _DECAY)
_of_order(sp.kn, -0.5, -0.5, _DECAY, _WHOLE)
_of_order(
    sp.kve,
    -0.5,
    -0.5,
    "Without the exponential: the output itself less the mean of its neighbours.",
    more=lambda out, z: out,
)


# ---- Airy functions


def airy_vjp(g: Bundle, out: Bundle, z: Array) -> Array:
    ai, aip, bi, bip = out
    return weighed(g, lambda: aip, lambda: z * ai, lambda: bip, lambda: z * bi)


special(
    sp.airy,
    airy_vjp,
    why="Two functions and their slopes; the slope of a slope is z times the function.",
    samples=between(-2, 1.5, also_complex=True),
)
