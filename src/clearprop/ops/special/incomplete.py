"""Incomplete gamma and beta functions, and their inverses: distribution functions and quantiles.

Their slopes are densities. With respect to the other parameters there is no formula that SciPy could compute.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as sp

from ...primitive import Sample, floats
from .common import refused, special

_GAMMA = (
    Sample(2.5, floats(3, 4, low=0.5, high=3)),
    Sample(np.array([[1], [2]]), floats(3, low=0.5, high=3)),
    Sample(0.5, floats(low=0.5, high=3)),
)
_GAMMA_QUANTILES = (
    Sample(2.5, floats(3, 4, low=0.2, high=0.8)),
    Sample(np.array([[1], [2]]), floats(3, low=0.2, high=0.8)),
)
_BETA = (
    Sample(2.5, 1.5, floats(3, 4, low=0.2, high=0.8)),
    Sample(np.array([[1], [2]]), np.array([3, 1, 2]), floats(3, low=0.2, high=0.8)),
    Sample(0.5, 2, floats(low=0.2, high=0.8)),
)


def _gamma_density(a: Any, x: Any) -> Any:
    return np.exp(sp.xlogy(a - 1, x) - x - sp.gammaln(a))


def gammainc_vjp(g: Any, out: Any, a: Any, x: Any) -> Any:
    return g * _gamma_density(a, x)


gammainc = special(
    sp.gammainc,
    refused(sp.gammainc, "its parameter a", "a"),
    gammainc_vjp,
    why="The slope of a probability is the density, here of the gamma distribution.",
    samples=_GAMMA,
)


def gammaincc_vjp(g: Any, out: Any, a: Any, x: Any) -> Any:
    return -g * _gamma_density(a, x)


gammaincc = special(
    sp.gammaincc,
    refused(sp.gammaincc, "its parameter a", "a"),
    gammaincc_vjp,
    why="What is left above falls by the density of the gamma distribution.",
    samples=_GAMMA,
)


def gammaincinv_vjp(g: Any, out: Any, a: Any, p: Any) -> Any:
    return g / _gamma_density(a, out)


gammaincinv = special(
    sp.gammaincinv,
    refused(sp.gammaincinv, "its parameter a", "a"),
    gammaincinv_vjp,
    why="One over the density at the quantile.",
    samples=_GAMMA_QUANTILES,
)


def gammainccinv_vjp(g: Any, out: Any, a: Any, p: Any) -> Any:
    return -g / _gamma_density(a, out)


gammainccinv = special(
    sp.gammainccinv,
    refused(sp.gammainccinv, "its parameter a", "a"),
    gammainccinv_vjp,
    why="One over the density at the quantile, turned since it counts from above.",
    samples=_GAMMA_QUANTILES,
)


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return np.exp(sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b))


def betainc_vjp(g: Any, out: Any, a: Any, b: Any, x: Any) -> Any:
    return g * _beta_density(a, b, x)


betainc = special(
    sp.betainc,
    refused(sp.betainc, "its parameter a", "a"),
    refused(sp.betainc, "its parameter b", "b"),
    betainc_vjp,
    why="The slope of a probability is the density, here of the beta distribution.",
    samples=_BETA,
)


def betaincc_vjp(g: Any, out: Any, a: Any, b: Any, x: Any) -> Any:
    return -g * _beta_density(a, b, x)


betaincc = special(
    sp.betaincc,
    refused(sp.betaincc, "its parameter a", "a"),
    refused(sp.betaincc, "its parameter b", "b"),
    betaincc_vjp,
    why="What is left above falls by the density of the beta distribution.",
    samples=_BETA,
)


def betaincinv_vjp(g: Any, out: Any, a: Any, b: Any, p: Any) -> Any:
    return g / _beta_density(a, b, out)


betaincinv = special(
    sp.betaincinv,
    refused(sp.betaincinv, "its parameter a", "a"),
    refused(sp.betaincinv, "its parameter b", "b"),
    betaincinv_vjp,
    why="One over the density at the quantile.",
    samples=_BETA,
)


def betainccinv_vjp(g: Any, out: Any, a: Any, b: Any, p: Any) -> Any:
    return -g / _beta_density(a, b, out)


betainccinv = special(
    sp.betainccinv,
    refused(sp.betainccinv, "its parameter a", "a"),
    refused(sp.betainccinv, "its parameter b", "b"),
    betainccinv_vjp,
    why="One over the density at the quantile, turned since it counts from above.",
    samples=_BETA,
)
