"""Incomplete gamma and beta functions, and their inverses: distribution functions and quantiles.

With respect to the variable their slopes are densities, to the parameters integrals of `moments`.
"""

from __future__ import annotations

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.primitive import Sample, floats
from .common import special
from .moments import betainc_slope_a, betainc_slope_b, gammainc_slope_a

_GAMMA = (
    Sample(2.5, floats(3, 4, low=0.5, high=3)),
    Sample(np.array([[1], [2]]), floats(3, low=0.5, high=3)),
    Sample(0.5, floats(low=0.5, high=3)),
    Sample(floats(3, 1, low=0.5, high=3), floats(4, low=0.5, high=3)),
)
_GAMMA_QUANTILES = (
    Sample(2.5, floats(3, 4, low=0.2, high=0.8)),
    Sample(np.array([[1], [2]]), floats(3, low=0.2, high=0.8)),
    Sample(floats(3, 1, low=0.5, high=3), floats(4, low=0.2, high=0.8)),
)
_BETA = (
    Sample(2.5, 1.5, floats(3, 4, low=0.2, high=0.8)),
    Sample(np.array([[1], [2]]), np.array([3, 1, 2]), floats(3, low=0.2, high=0.8)),
    Sample(0.5, 2, floats(low=0.2, high=0.8)),
    Sample(
        floats(3, 1, low=0.5, high=3),
        floats(3, 1, low=0.5, high=3),
        floats(4, low=0.2, high=0.8),
    ),
)


def gamma_density(a: Array, x: Array) -> Array:
    return np.exp(sp.xlogy(a - 1, x) - x - sp.gammaln(a))


def gammainc_vjp(g: Array, out: Array, a: Array, x: Array) -> Array:
    return g * gamma_density(a, x)


def gammainc_vjp_a(g: Array, out: Array, a: Array, x: Array) -> Array:
    return g * gammainc_slope_a(a, x)


gammainc = special(
    sp.gammainc,
    gammainc_vjp_a,
    gammainc_vjp,
    why="The slope of a probability is the density, here of the gamma distribution.",
    also_in="torch jax",
    samples=_GAMMA,
)


def gammaincc_vjp(g: Array, out: Array, a: Array, x: Array) -> Array:
    return -g * gamma_density(a, x)


def gammaincc_vjp_a(g: Array, out: Array, a: Array, x: Array) -> Array:
    return -g * gammainc_slope_a(a, x)


gammaincc = special(
    sp.gammaincc,
    gammaincc_vjp_a,
    gammaincc_vjp,
    why="What is left above falls by the density of the gamma distribution.",
    also_in="torch jax",
    samples=_GAMMA,
)


def gammaincinv_vjp(g: Array, out: Array, a: Array, p: Array) -> Array:
    return g / gamma_density(a, out)


def gammaincinv_vjp_a(g: Array, out: Array, a: Array, p: Array) -> Array:
    return -g * (gammainc_slope_a(a, out) / gamma_density(a, out))


gammaincinv = special(
    sp.gammaincinv,
    gammaincinv_vjp_a,
    gammaincinv_vjp,
    why="One over the density at the quantile.",
    samples=_GAMMA_QUANTILES,
)


def gammainccinv_vjp(g: Array, out: Array, a: Array, p: Array) -> Array:
    return -g / gamma_density(a, out)


def gammainccinv_vjp_a(g: Array, out: Array, a: Array, p: Array) -> Array:
    return -g * (gammainc_slope_a(a, out) / gamma_density(a, out))


gammainccinv = special(
    sp.gammainccinv,
    gammainccinv_vjp_a,
    gammainccinv_vjp,
    why="One over the density at the quantile, turned since it counts from above.",
    samples=_GAMMA_QUANTILES,
)


def beta_density(a: Array, b: Array, x: Array) -> Array:
    return np.exp(sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b))


def betainc_vjp(g: Array, out: Array, a: Array, b: Array, x: Array) -> Array:
    return g * beta_density(a, b, x)


def betainc_vjp_a(g: Array, out: Array, a: Array, b: Array, x: Array) -> Array:
    return g * betainc_slope_a(a, b, x)


def betainc_vjp_b(g: Array, out: Array, a: Array, b: Array, x: Array) -> Array:
    return g * betainc_slope_b(a, b, x)


betainc = special(
    sp.betainc,
    betainc_vjp_a,
    betainc_vjp_b,
    betainc_vjp,
    why="The slope of a probability is the density, here of the beta distribution.",
    also_in="jax",
    samples=_BETA,
)


def betaincc_vjp(g: Array, out: Array, a: Array, b: Array, x: Array) -> Array:
    return -g * beta_density(a, b, x)


def betaincc_vjp_a(g: Array, out: Array, a: Array, b: Array, x: Array) -> Array:
    return -g * betainc_slope_a(a, b, x)


def betaincc_vjp_b(g: Array, out: Array, a: Array, b: Array, x: Array) -> Array:
    return -g * betainc_slope_b(a, b, x)


betaincc = special(
    sp.betaincc,
    betaincc_vjp_a,
    betaincc_vjp_b,
    betaincc_vjp,
    why="What is left above falls by the density of the beta distribution.",
    samples=_BETA,
)


def betaincinv_vjp(g: Array, out: Array, a: Array, b: Array, p: Array) -> Array:
    return g / beta_density(a, b, out)


def betaincinv_vjp_a(g: Array, out: Array, a: Array, b: Array, p: Array) -> Array:
    return -g * (betainc_slope_a(a, b, out) / beta_density(a, b, out))


def betaincinv_vjp_b(g: Array, out: Array, a: Array, b: Array, p: Array) -> Array:
    return -g * (betainc_slope_b(a, b, out) / beta_density(a, b, out))


betaincinv = special(
    sp.betaincinv,
    betaincinv_vjp_a,
    betaincinv_vjp_b,
    betaincinv_vjp,
    why="One over the density at the quantile.",
    samples=_BETA,
)


def betainccinv_vjp(g: Array, out: Array, a: Array, b: Array, p: Array) -> Array:
    return -g / beta_density(a, b, out)


def betainccinv_vjp_a(g: Array, out: Array, a: Array, b: Array, p: Array) -> Array:
    return -g * (betainc_slope_a(a, b, out) / beta_density(a, b, out))


def betainccinv_vjp_b(g: Array, out: Array, a: Array, b: Array, p: Array) -> Array:
    return -g * (betainc_slope_b(a, b, out) / beta_density(a, b, out))


betainccinv = special(
    sp.betainccinv,
    betainccinv_vjp_a,
    betainccinv_vjp_b,
    betainccinv_vjp,
    why="One over the density at the quantile, turned since it counts from above.",
    samples=_BETA,
)
