"""Owen's T, Voigt's profile, and the distribution functions of Kolmogorov and Smirnov."""

from __future__ import annotations

import math

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.broadcasting import broadcast_shapes
from ...engine.primitive import Sample, floats, primitive
from ...engine.spec import ArraySpec, promote, shape_of
from .common import between, refused, series, slope_is, special

# ---- Owen's T

_ROOT_8PI = math.sqrt(8 * math.pi)
_ROOT_HALF = math.sqrt(0.5)


def owens_t_slope_h(h: Array, a: Array) -> Array:
    return -np.exp(-0.5 * h * h) * sp.erf(_ROOT_HALF * a * h) / _ROOT_8PI


def owens_t_slope_a(h: Array, a: Array) -> Array:
    wide = 1 + a * a
    return np.exp(-0.5 * h * h * wide) / (2 * math.pi * wide)


special(
    sp.owens_t,
    slope_is(owens_t_slope_h),
    slope_is(owens_t_slope_a),
    why="A probability between two lines: a bell curve for how far they are, another for how steep.",
    also_in="jax",
    samples=(
        Sample(floats(3, 4), floats(4)),
        Sample(floats(), floats()),
        Sample(floats(3), 0.5),
    ),
)


# ---- Voigt's profile

_FAR = 30.0
_TAIL = [math.prod(range(1, 2 * k, 2)) / 2**k for k in range(9)]
"""The profile far out is the real part of i/(pi z) times this series in 2 sigma²/z²; z = x + i gamma."""
_TAIL_SLOPE = [(2 * k + 1) * c for k, c in enumerate(_TAIL)]
_TAIL_WIDTH = [2 * k * c for k, c in enumerate(_TAIL)][1:]


def _voigt(x: Array, sigma: Array, gamma: Array) -> tuple[Array, Array]:
    """Return the complex slope along x + i gamma, and the slope by sigma."""
    z = x + gamma * 1j
    far = np.abs(z) > _FAR * sigma
    away, wide = np.where(far, z, 1.0), np.where(far, sigma, 0.0)
    u = 2 * (wide * wide) / (away * away)
    front = 1j / (math.pi * away * away)
    near = np.where(far, 1.0, sigma)
    w = np.where(far, 0.0, z) / (math.sqrt(2) * near)
    value = sp.wofz(w)
    turned = 2j / math.sqrt(math.pi) - 2 * w * value
    scale = 2 * math.sqrt(math.pi) * (near * near)
    along = np.where(far, -front * series(u, _TAIL_SLOPE), turned / scale)
    by_width = np.where(
        far,
        2 * front / away * wide * series(u, _TAIL_WIDTH),
        -(value + w * turned) / (math.sqrt(2 * math.pi) * (near * near)),
    )
    return along, by_width.real


special(
    sp.voigt_profile,
    slope_is(lambda x, sigma, gamma: _voigt(x, sigma, gamma)[0].real),
    slope_is(lambda x, sigma, gamma: _voigt(x, sigma, gamma)[1]),
    slope_is(lambda x, sigma, gamma: -_voigt(x, sigma, gamma)[0].imag),
    why="A line of a spectrum, blurred: it falls to either side, and flattens the wider it is.",
    samples=(
        Sample(floats(3, 4), floats(4, low=0.5, high=2), floats(3, 1, low=0.3, high=1)),
        Sample(floats(low=20, high=30), floats(low=0.3, high=0.5), floats(low=0.3, high=1)),
        Sample(floats(3), 0.5, 1.0),
    ),
)


# ---- Kolmogorov's distribution


def _powers(terms: dict[int, float]) -> list[float]:
    return [terms.get(k, 0.0) for k in range(max(terms) + 1)]


_OUTER = _powers({k * k: (-1.0) ** k * 8 * k * k for k in range(1, 6)})
_THETA = _powers({(2 * k - 1) ** 2: 1.0 for k in range(1, 4)})
_THETA_SLOPE = _powers({(2 * k - 1) ** 2: (2.0 * k - 1) ** 2 for k in range(1, 4)})


def kolmogorov_slope(y: Array) -> Array:
    """Sum one of two series, one for large y and one for small; below 0.04 nothing is left of it."""
    small, large = np.logical_and(y < 0.8, y > 0.04), y >= 0.8
    low, high = np.where(small, y, 0.5), np.where(large, y, 1.0)
    c = math.pi**2 / 8 / (low * low)
    r = np.exp(-c)
    inner = (
        math.sqrt(2 * math.pi) / (low * low) * (series(r, _THETA) - 2 * c * series(r, _THETA_SLOPE))
    )
    outer = high * series(np.exp(-2 * high * high), _OUTER)
    return np.where(large, outer, np.where(small, inner, 0.0))


special(
    sp.kolmogorov,
    slope_is(kolmogorov_slope),
    why="A probability that a distance is larger: it falls by the density.",
    samples=(*between(0.3, 1.5), Sample(np.array([0.79, 0.81, -1.0, 0.01]))),
)


def kolmogi_vjp(g: Array, out: Array, p: Array) -> Array:
    return g / kolmogorov_slope(out)


special(
    sp.kolmogi,
    kolmogi_vjp,
    why="One over the density at the distance, turned since it counts from above.",
    samples=between(0.1, 0.9),
)


# ---- Smirnov's distribution, of n numbers


def _smirnov_slope(n: Array, d: Array, order: int) -> Array:
    """Return the derivative of this order of a sum over 0 <= v <= n (1 - d), each term a product of
    powers.
    """
    dtype = promote(n, d, 1.0)
    n, d = np.broadcast_arrays(np.asarray(n, float), np.asarray(d, float))
    total = np.zeros(d.shape)
    for v in range(int(np.max(n, initial=0.0)) + 1):
        with np.errstate(all="ignore"):
            up, down = d + v / n, 1 - d - v / n
            counts = np.logical_and(down > 0, np.logical_and(d > 0, d < 1))
            size = sp.binom(n, v) * d * up ** (v - 1) * down ** (n - v)
            first = 1 / d + (v - 1) / up - (n - v) / down
            second = first * first - 1 / (d * d) - (v - 1) / (up * up) - (n - v) / (down * down)
            term = size * (first if order == 1 else second)
        total += np.where(counts, term, 0.0)
    return total.astype(dtype)[()]


def _slope_spec(n: Array, d: Array, order: int) -> ArraySpec:
    return ArraySpec(broadcast_shapes(shape_of(n), shape_of(d)), promote(n, d, 1.0))


def smirnov_slope_vjp(g: Array, out: Array, n: Array, d: Array, order: int) -> Array:
    if order > 1:
        refused(sp.smirnov, "d more than twice", "d")(g, out)
    return g * smirnov_slope(n, d, order=2)


smirnov_slope = primitive(
    "smirnov_slope",
    _smirnov_slope,
    spec=_slope_spec,
    vjp=(refused(sp.smirnov, "the number n", "n"), smirnov_slope_vjp),
    role="scales",
    why="The density of a distance between distributions, or how that changes.",
    traits=["elementwise"],
    samples=(Sample(5, floats(3, 4, low=0.22, high=0.38), order=2),),
)


def smirnov_vjp(g: Array, out: Array, n: Array, d: Array) -> Array:
    return g * smirnov_slope(n, d, order=1)


def smirnovi_vjp(g: Array, out: Array, n: Array, p: Array) -> Array:
    return g / smirnov_slope(n, out, order=1)


for _ufunc, _vjp, _why in (
    (sp.smirnov, smirnov_vjp, "A probability that a distance is larger: it falls by the density."),
    (
        sp.smirnovi,
        smirnovi_vjp,
        "One over the density at the distance, turned since it counts from above.",
    ),
):
    special(
        _ufunc,
        refused(_ufunc, "the number n", "n"),
        _vjp,
        why=_why,
        samples=(
            Sample(5, floats(3, 4, low=0.22, high=0.38)),
            Sample(np.array([[4], [7]]), floats(3, low=0.3, high=0.4)),
            Sample(3, floats(low=0.4, high=0.6)),
        ),
    )
