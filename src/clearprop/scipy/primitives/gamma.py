"""The gamma function, what is made of it, and Hurwitz' zeta, which gives its logarithm's derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sp

from ...engine.array_types import AnyArray, Array
from ...engine.broadcasting import broadcast_shapes
from ...engine.primitive import Sample, answers, floats, primitive
from ...engine.spec import ArraySpec, promote, shape_of
from ...errors import UnsupportedError
from .common import between, refused, special, ufunc_behind

_BOTH = (
    Sample(floats(3, 4, low=0.5, high=3), floats(4, low=0.5, high=3)),
    Sample(floats(low=0.5, high=3), floats(low=0.5, high=3)),
    Sample(floats(3, low=0.5, high=3), 2.5),
)


# ---- zeta


def zeta_vjp(g: Array, out: Array, x: Array, q: Array) -> Array:
    return g * (-x * zeta(x + 1, q))


def _zeta_spec(x: Array, q: Array) -> ArraySpec:
    return ArraySpec(broadcast_shapes(shape_of(x), shape_of(q)), promote(x, q, 1.0))


zeta = primitive(
    "zeta",
    sp.zeta,
    numpy=ufunc_behind(sp.zeta, 2.0),
    spec=_zeta_spec,
    vjp=(refused(sp.zeta, "the exponent x", "x"), zeta_vjp),
    role="scales",
    why="Each summand q to the minus x falls with q, and the slopes make another zeta function.",
    traits=["elementwise"],
    samples=(
        Sample(2.5, floats(3, 4, low=0.7, high=3)),
        Sample(np.array([2, 3]), floats(2, low=0.7, high=3)),
        Sample(3, floats(low=0.7, high=3)),
    ),
)


@answers(ufunc_behind(sp.zeta))
def riemann_zeta(x: Array) -> Any:
    refused(sp.zeta, "the exponent x", "x")(None, None)


# ---- gamma and its logarithm


def digamma_vjp(g: Array, out: Array, x: Array) -> Array:
    if x.dtype.kind == "c":
        raise UnsupportedError(
            "scipy.special.digamma has a gradient for real inputs alone: SciPy has no polygamma of "
            "complex numbers. The first derivative of gamma and loggamma is there for them, too."
        )
    return g * zeta(2, x)


digamma = special(
    sp.digamma,
    digamma_vjp,
    why="The slope is the trigamma function: about one over the input.",
    also_in="torch",
    samples=between(0.5, 3),
)


def gammaln_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * sp.digamma(x)


gammaln = special(
    sp.gammaln,
    gammaln_vjp,
    why="The slope is the digamma function: about the logarithm of the input.",
    also_in="torch jax",
    samples=between(0.5, 3),
)

loggamma = special(
    sp.loggamma,
    gammaln_vjp,
    why="The slope is the digamma function: about the logarithm of the input.",
    also_in="jax",
    samples=between(0.5, 3),
)


def gamma_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (out * sp.digamma(x))


gamma = special(
    sp.gamma,
    gamma_vjp,
    why="It grows faster than any exponential: its slope is the output times about its logarithm.",
    also_in="jax",
    samples=(*between(0.5, 3), Sample(floats(3, low=-0.9, high=-0.1))),
)


def _slope_of_rgamma(x: Array) -> Array:
    """Compute it below 1/2 by reflection, as at 0, -1, -2, ... gamma itself has poles."""
    low = x < 0.5
    up, y = np.where(low, 1.0, x), 1 - np.where(low, x, 0.0)
    turns = 180 * (1 - y)
    reflected = sp.cosdg(turns) - sp.digamma(y) * sp.sindg(turns) / math.pi
    return np.where(low, sp.gamma(y) * reflected, -sp.rgamma(up) * sp.digamma(up))


def rgamma_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (-out * sp.digamma(x) if x.dtype.kind == "c" else _slope_of_rgamma(x))


rgamma = special(
    sp.rgamma,
    rgamma_vjp,
    why="One over gamma has a slope everywhere, also where gamma has none.",
    samples=(
        *between(0.6, 3),
        Sample(floats(3, low=-2.5, high=0.4)),
        Sample(np.array([0.0, -1.0])),
    ),
)


# ---- beta, and other quotients of gamma functions


def betaln_vjp_a(g: Array, out: AnyArray, a: Array, b: Array) -> Array:
    return g * (sp.digamma(a) - sp.digamma(a + b))


def betaln_vjp_b(g: Array, out: Array, a: Array, b: Array) -> Array:
    return betaln_vjp_a(g, out, b, a)


betaln = special(
    sp.betaln,
    betaln_vjp_a,
    betaln_vjp_b,
    why="A sum of logarithms of gamma functions, so the slopes are differences of digamma.",
    also_in="jax",
    samples=_BOTH,
)


def beta_vjp_a(g: Array, out: Array, a: Array, b: Array) -> Array:
    return betaln_vjp_a(g * out, None, a, b)


def beta_vjp_b(g: Array, out: Array, a: Array, b: Array) -> Array:
    return betaln_vjp_a(g * out, None, b, a)


beta = special(
    sp.beta,
    beta_vjp_a,
    beta_vjp_b,
    why="It falls with either input, and the slopes are the output times differences of digamma.",
    also_in="jax",
    samples=_BOTH,
)


def poch_vjp_z(g: Array, out: Array, z: Array, m: Array) -> Array:
    return g * (out * (sp.digamma(z + m) - sp.digamma(z)))


def poch_vjp_m(g: Array, out: Array, z: Array, m: Array) -> Array:
    return g * (out * sp.digamma(z + m))


poch = special(
    sp.poch,
    poch_vjp_z,
    poch_vjp_m,
    why="A rising product grows with where it starts and with how long it is.",
    also_in="jax",
    samples=_BOTH,
)


def _split(out: Array, n: Array, k: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Return two pairs of inputs: where binom is 0, digamma may have a pole. Each is harmless where it
    is not used.
    """
    zero = out == 0
    return (
        zero,
        np.where(zero, n, 1.0),
        np.where(zero, k, 2.0),
        np.where(zero, 1.0, n),
        np.where(zero, 0.0, k),
    )


def binom_vjp_n(g: Array, out: Array, n: Array, k: Array) -> Array:
    zero, n0, k0, n1, k1 = _split(out, n, k)
    rest = n0 - k0 + 1
    by_rest = sp.digamma(n0 + 1) * sp.rgamma(rest) + _slope_of_rgamma(rest)
    at_zero = sp.gamma(n0 + 1) * sp.rgamma(k0 + 1) * by_rest
    return g * np.where(zero, at_zero, out * (sp.digamma(n1 + 1) - sp.digamma(n1 - k1 + 1)))


def binom_vjp_k(g: Array, out: Array, n: Array, k: Array) -> Array:
    zero, n0, k0, n1, k1 = _split(out, n, k)
    rest = n0 - k0 + 1
    by_k = _slope_of_rgamma(k0 + 1) * sp.rgamma(rest)
    by_rest = sp.rgamma(k0 + 1) * _slope_of_rgamma(rest)
    at_zero = sp.gamma(n0 + 1) * (by_k - by_rest)
    return g * np.where(zero, at_zero, out * (sp.digamma(n1 - k1 + 1) - sp.digamma(k1 + 1)))


binom = special(
    sp.binom,
    binom_vjp_n,
    binom_vjp_k,
    why="More to choose from means more choices; a larger choice means more up to half of them.",
    samples=(
        Sample(floats(3, 4, low=2, high=4), floats(4, low=0.2, high=1.8)),
        Sample(floats(low=2, high=4), floats(low=0.2, high=1.8)),
        Sample(np.array([2.0, 2.0, 1.0]), np.array([3.0, -1.0, 4.0])),
    ),
)
