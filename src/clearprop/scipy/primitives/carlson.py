"""Carlson's symmetric elliptic integrals.

All are integrals of ``t**k * (t + x)**-a * (t + y)**-b * ...`` over positive t, and so are all of their
derivatives: `carlson` is that integral for any exponents. Formulas in SciPy's five of them would be 0/0 where
two inputs are equal, as they often are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.broadcasting import broadcast_shapes
from ...engine.primitive import Draw, Sample, each, floats, primitive
from ...engine.spec import ArraySpec, promote, shape_of
from .common import slope_is, special

_LOW, _HIGH = -120.0, 80.0
"""The logarithms of t between which all but 1e-16 of the integral lies."""


def _forward(*z: Array, exponents: tuple[float, ...], power: int) -> Array:
    """Integrate by the trapezoidal rule in log t, which is exact to rounding for steps this small."""
    dtype = promote(*z, 1.0)
    step = 0.1875 if dtype.kind == "c" else 0.375  # so that each node is exact
    size = functools.reduce(np.maximum, map(np.abs, z))
    size = np.asarray(size, float)
    total = np.zeros(broadcast_shapes(*map(np.shape, z)), np.result_type(dtype, float))
    scaled = [np.asarray(x, total.dtype) / size for x in z]
    for t in np.exp(np.arange(_LOW, _HIGH, step)):
        term = t ** (power + 1)
        for x, exponent in zip(scaled, exponents, strict=True):
            root = np.sqrt(t + x)
            term = term / root ** int(2 * exponent)
        total += term
    return (step * total * size ** (power + 1 - sum(exponents))).astype(dtype)[()]


def _spec(*z: Array, exponents: tuple[float, ...], power: int) -> ArraySpec:
    return ArraySpec(broadcast_shapes(*map(shape_of, z)), promote(*z, 1.0))


def carlson_vjp(
    position: int, g: Array, out: Array, *z: Array, exponents: tuple[float, ...], power: int
) -> Array:
    raised = tuple(b + (i == position) for i, b in enumerate(exponents))
    return g * (-exponents[position] * carlson(*z, exponents=raised, power=power))


carlson = primitive(
    "carlson",
    _forward,
    spec=_spec,
    vjp=each(carlson_vjp),
    role="scales",
    why="An elliptic integral: it falls with each input, and its slopes are integrals of its kind.",
    traits=["elementwise"],
    samples=(
        Sample(*[floats(3, 4, low=0.5, high=2)] * 3, exponents=(0.5, 0.5, 1.5), power=0),
        Sample(*[Draw((3,), 0.5, 1.5, "complex128")] * 3, exponents=(0.5, 0.5, 1.5), power=0),
    ),
)


def _integral(front: float, *exponents: float, power: int = 0) -> Callable[..., Array]:
    def slope(*z: Array) -> Array:
        return front * carlson(*z, exponents=exponents, power=power)

    return slope


def _samples(count: int) -> tuple[Sample, ...]:
    return (
        Sample(*[floats(3, 4, low=0.3, high=2)] * count),
        Sample(*[floats(low=0.3, high=2)] * count),
        Sample(*[np.array([1.0, 2.0])] * count),
        Sample(*[Draw((3,), 0.5, 1.5, "complex128")] * count),
    )


_WHY = "An elliptic integral: it falls as any of its inputs grows."

special(
    sp.elliprf,
    slope_is(lambda x, y, z: -sp.elliprd(y, z, x) / 6),
    slope_is(lambda x, y, z: -sp.elliprd(x, z, y) / 6),
    slope_is(lambda x, y, z: -sp.elliprd(x, y, z) / 6),
    why=_WHY,
    samples=_samples(3),
)
special(
    sp.elliprd,
    slope_is(_integral(-0.75, 1.5, 0.5, 1.5)),
    slope_is(_integral(-0.75, 0.5, 1.5, 1.5)),
    slope_is(_integral(-2.25, 0.5, 0.5, 2.5)),
    why=_WHY,
    samples=_samples(3),
)
special(
    sp.elliprg,
    slope_is(_integral(0.125, 1.5, 0.5, 0.5, power=1)),
    slope_is(_integral(0.125, 0.5, 1.5, 0.5, power=1)),
    slope_is(_integral(0.125, 0.5, 0.5, 1.5, power=1)),
    why="An elliptic integral: it grows with any of its inputs, like a surface with its axes.",
    samples=_samples(3),
)


# ---- those that go on beyond a pole, as principal values, where an input is negative


def _beyond(y: Array) -> Array:
    return np.real(y) < 0


def elliprc_slope_x(x: Array, y: Array) -> Array:
    beyond = _beyond(y)
    low, up = np.where(beyond, y, -1.0), np.where(beyond, 1.0, y)
    inner = (sp.elliprc(x, low) - 1 / np.sqrt(x)) / (2 * (low - x))
    return np.where(beyond, inner, -sp.elliprd(up, up, x) / 6)


def elliprc_slope_y(x: Array, y: Array) -> Array:
    beyond = _beyond(y)
    low, up = np.where(beyond, y, -1.0), np.where(beyond, 1.0, y)
    inner = (np.sqrt(x) / low - sp.elliprc(x, low)) / (2 * (low - x))
    return np.where(beyond, inner, -sp.elliprd(x, up, up) / 3)


special(
    sp.elliprc,
    slope_is(elliprc_slope_x),
    slope_is(elliprc_slope_y),
    why=_WHY,
    samples=(
        *_samples(2),
        Sample(floats(3, low=0.5, high=2), floats(3, low=-2, high=-0.5)),
    ),
)


def _elliprj_slope(position: int) -> Callable[..., Array]:
    """Return the slope of elliprj with respect to x, y or z."""
    exponents = tuple(1.5 if i == position else 0.5 for i in range(3))
    above = _integral(-0.75, *exponents, 1.0)

    def slope(*xyzp: Array) -> Array:
        *xyz, p = xyzp
        if promote(*xyzp).kind == "c":  # principal values are of real numbers
            return above(*xyzp)
        beyond = _beyond(p)
        return np.where(
            beyond,
            _difference(position, *xyz, np.where(beyond, p, -1.0)),
            above(*xyz, np.where(beyond, 1.0, p)),
        )

    return slope


def _difference(position: int, *xyzp: Array) -> Array:
    """Return the slope of elliprj with respect to x, y or z, where p is none of them."""
    x, y, z, p = xyzp
    last = [x, y, z]
    moved = last.pop(position)
    return (sp.elliprj(x, y, z, p) - sp.elliprd(*last, moved)) / (2 * (p - moved))


def elliprj_slope_p(x: Array, y: Array, z: Array, p: Array) -> Array:
    above = _integral(-1.5, 0.5, 0.5, 0.5, 2.0)
    if promote(x, y, z, p).kind == "c":
        return above(x, y, z, p)
    beyond = _beyond(p)
    low, up = np.where(beyond, p, -1.0), np.where(beyond, 1.0, p)
    # it is homogeneous, so the slopes add up to a known number
    others = sum(v * _difference(i, x, y, z, low) for i, v in enumerate((x, y, z)))
    inner = -(1.5 * sp.elliprj(x, y, z, low) + others) / low
    return np.where(beyond, inner, above(x, y, z, up))


special(
    sp.elliprj,
    *[slope_is(_elliprj_slope(i)) for i in range(3)],
    slope_is(elliprj_slope_p),
    why=_WHY,
    samples=(
        *_samples(4),
        Sample(*[floats(3, low=0.5, high=2)] * 3, floats(3, low=-2, high=-0.5)),
    ),
)
