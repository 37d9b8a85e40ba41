"""Functions that are integrals, so that their slopes are what is integrated."""

from __future__ import annotations

import math

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.bundle import Bundle
from ...engine.primitive import Draw, Sample, floats
from .common import between, near_zero, refused, series, special, weighed

_SINC = [(-1) ** k / math.factorial(2 * k + 1) for k in range(8)]
_SINHC = [abs(c) for c in _SINC]
_LOG = [-1 / (k + 1) for k in range(14)]
_RIGHT = (*between(0.4, 2), Sample(Draw((2, 3), 0.4, 1.5, "complex128")))


def exp1_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * (np.exp(-x) / x)


exp1 = special(
    sp.exp1,
    exp1_vjp,
    why="An integral from x on: it falls by what stands at x.",
    also_in="jax",
    samples=_RIGHT,
)


def expi_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (np.exp(x) / x)


expi = special(
    sp.expi,
    expi_vjp,
    why="An integral up to x: it grows by what stands at x.",
    also_in="jax",
    samples=(*_RIGHT, *between(-2, -0.4)),
)


def expn_vjp(g: Array, out: Array, n: Array, x: Array) -> Array:
    if isinstance(n, int | float):  # a written order: no branches needed
        return -g * (np.exp(-x) * (1 + x) / (x * x) if n == 0 else sp.expn(n - 1, x))
    zeroth = np.exp(-x) * (1 + x) / (x * x)
    return -g * np.where(n == 0, zeroth, sp.expn(np.where(n == 0, 1, n) - 1, x))


expn = special(
    sp.expn,
    refused(sp.expn, "its order n", "n"),
    expn_vjp,
    why="The slope is minus the same integral with an order less by one.",
    also_in="jax",
    samples=(
        Sample(2, floats(3, 4, low=0.4, high=2)),
        Sample(1, floats(low=0.4, high=2)),
        Sample(0, floats(3, low=0.4, high=2)),
        Sample(np.array([[0], [1], [3]]), floats(4, low=0.4, high=2)),
    ),
)


def _sinc(x: Array) -> Array:
    return near_zero(x, 0.5, lambda x: series(x * x, _SINC), lambda x: np.sin(x) / x)


def sici_vjp(g: Bundle, out: Bundle, x: Array) -> Array:
    return weighed(g, lambda: _sinc(x), lambda: np.cos(x) / x)


sici = special(
    sp.sici,
    sici_vjp,
    why="Integrals up to x: the slopes are sine and cosine over x.",
    also_in="jax",
    samples=(*_RIGHT, *between(-2, -0.3)),
)


def _hyperbolic(x: Array) -> tuple[Array, Array]:
    """Return the hyperbolic sine and cosine."""
    up, down = np.exp(x), np.exp(-x)
    return (up - down) / 2, (up + down) / 2


def _sinhc(x: Array) -> Array:
    return near_zero(x, 0.5, lambda x: series(x * x, _SINHC), lambda x: _hyperbolic(x)[0] / x)


def shichi_vjp(g: Bundle, out: Bundle, x: Array) -> Array:
    return weighed(g, lambda: _sinhc(x), lambda: _hyperbolic(x)[1] / x)


shichi = special(
    sp.shichi,
    shichi_vjp,
    why="Integrals up to x: the slopes are hyperbolic sine and cosine over x.",
    samples=(*_RIGHT, *between(-2, -0.3)),
)


def fresnel_vjp(g: Bundle, out: Bundle, x: Array) -> Array:
    angle = math.pi / 2 * x * x
    return weighed(g, lambda: np.sin(angle), lambda: np.cos(angle))


fresnel = special(
    sp.fresnel,
    fresnel_vjp,
    why="Integrals up to x: the slopes are sine and cosine of an angle that grows with the square.",
    also_in="jax",
    samples=between(-1.5, 1.5, also_complex=True),
)


def spence_vjp(g: Array, out: Array, z: Array) -> Array:
    near = np.abs(z - 1) < 0.05
    inside = series(1 - np.where(near, z, 1.0), _LOG)
    away = np.where(near, 2.0, z)
    return g * np.where(near, inside, np.log(away) / (1 - away))


spence = special(
    sp.spence,
    spence_vjp,
    why="The slope is the logarithm over the distance from one, and minus one there.",
    also_in="jax",
    samples=(*_RIGHT, *between(0.96, 1.04)),
)
