"""Distribution functions of statistics and their inverses, each a line of a table.

All go back to the incomplete gamma and beta functions, and to the normal distribution. Discrete ones move in
steps with the number of events, but what solves for that number is continuous.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from .families import Family
from .incomplete import beta_density, gamma_density
from .moments import betainc_slope_a, betainc_slope_b, gammainc_slope_a

_UP = "A probability: it grows by the density as the variable grows."
_DOWN = "A probability that the variable is larger: it falls by the density."
_EVENTS = (
    "A probability of a number of events: steps with that number, smooth in how likely they are."
)


# ---- of gamma functions: chi-squared, gamma, Poisson

_chi2 = Family(
    v=lambda v, x: 0.5 * gammainc_slope_a(0.5 * v, 0.5 * x),
    x=lambda v, x: 0.5 * gamma_density(0.5 * v, 0.5 * x),
)
_chi2.function(sp.chdtr, (3.0, 2.0), why=_UP)
_chi2.function(sp.chdtrc, (3.0, 2.0), why=_DOWN, sign=-1)
_chi2.inverse(sp.chdtri, "v y", (3.0, 0.4), sign=-1)
_chi2.inverse(sp.chdtriv, "y x", (0.6, 2.0))

_gamma = Family(
    a=lambda a, b, x: x * gamma_density(b, a * x),
    b=lambda a, b, x: gammainc_slope_a(b, a * x),
    x=lambda a, b, x: a * gamma_density(b, a * x),
)
_gamma.function(sp.gdtr, (1.5, 2.0, 1.2), why=_UP)
_gamma.function(sp.gdtrc, (1.5, 2.0, 1.2), why=_DOWN, sign=-1)
_gamma.inverse(sp.gdtria, "y b x", (0.6, 2.0, 1.5))
_gamma.inverse(sp.gdtrib, "a y x", (2.0, 0.6, 1.5))
_gamma.inverse(sp.gdtrix, "a b y", (2.0, 1.5, 0.6))

_poisson = Family(
    k=lambda k, m: -gammainc_slope_a(k + 1, m),
    m=lambda k, m: -gamma_density(np.floor(k) + 1, m),
)
_poisson.function(sp.pdtr, (2, 1.7), why=_EVENTS, steps="k")
_poisson.function(sp.pdtrc, (2, 1.7), why=_EVENTS, sign=-1, steps="k")
_poisson.inverse(sp.pdtri, "k y", (2, 0.6), steps="k")
_smooth_poisson = Family(k=_poisson.slopes["k"], m=lambda k, m: -gamma_density(k + 1, m))
_smooth_poisson.inverse(sp.pdtrik, "y m", (0.6, 2.0))


# ---- of beta functions: F, Student's t, binomial, beta


def _ratio(dfn: Array, dfd: Array, x: Array) -> tuple[Array, Array, Array]:
    """Return the inputs of the incomplete beta function."""
    return 0.5 * dfn, 0.5 * dfd, dfn * x / (dfd + dfn * x)


def _f_slope_dfn(dfn: Array, dfd: Array, x: Array) -> Array:
    at, total = _ratio(dfn, dfd, x), dfd + dfn * x
    return 0.5 * betainc_slope_a(*at) + beta_density(*at) * (x * dfd / (total * total))


def _f_slope_dfd(dfn: Array, dfd: Array, x: Array) -> Array:
    at, total = _ratio(dfn, dfd, x), dfd + dfn * x
    return 0.5 * betainc_slope_b(*at) - beta_density(*at) * (x * dfn / (total * total))


def _f_slope_x(dfn: Array, dfd: Array, x: Array) -> Array:
    total = dfd + dfn * x
    return beta_density(*_ratio(dfn, dfd, x)) * (dfn * dfd / (total * total))


_f = Family(dfn=_f_slope_dfn, dfd=_f_slope_dfd, x=_f_slope_x)
_f.function(sp.fdtr, (3.0, 4.0, 1.5), why=_UP)
_f.function(sp.fdtrc, (3.0, 4.0, 1.5), why=_DOWN, sign=-1)
_f.inverse(sp.fdtri, "dfn dfd y", (3.0, 4.0, 0.6))
_f.inverse(sp.fdtridfd, "dfn y x", (3.0, 0.6, 1.5))


def _t_density(df: Array, t: Array) -> Array:
    front = np.exp(sp.gammaln(0.5 * df + 0.5) - sp.gammaln(0.5 * df)) / np.sqrt(math.pi * df)
    return front * np.exp((-0.5 * df - 0.5) * np.log1p(t * t / df))


def _t_slope_df(df: Array, t: Array) -> Array:
    inner = 0.25 * betainc_slope_b(0.5, 0.5 * df, t * t / (df + t * t))
    return np.sign(t) * inner - t / (2 * df) * _t_density(df, t)


_t = Family(df=_t_slope_df, t=_t_density)
_t.function(sp.stdtr, (3.0, -1.2), why=_UP)
_t.inverse(sp.stdtrit, "df y", (3.0, 0.7))
_t.inverse(sp.stdtridf, "y t", (0.82, 1.2))


def _binomial_slope_k(k: Array, n: Array, p: Array) -> Array:
    at = n - k, k + 1, 1 - p
    return betainc_slope_b(*at) - betainc_slope_a(*at)


_smooth_binomial = Family(
    k=_binomial_slope_k,
    n=lambda k, n, p: betainc_slope_a(n - k, k + 1, 1 - p),
    p=lambda k, n, p: -beta_density(n - k, k + 1, 1 - p),
)
_binomial = Family(
    **{
        **_smooth_binomial.slopes,
        "p": lambda k, n, p: -beta_density(n - np.floor(k), np.floor(k) + 1, 1 - p),
    }
)
_binomial.function(sp.bdtr, (2, 5, 0.4), why=_EVENTS, steps="k n")
_binomial.function(sp.bdtrc, (2, 5, 0.4), why=_EVENTS, sign=-1, steps="k n")
_binomial.inverse(sp.bdtri, "k n y", (2, 5, 0.6), steps="k n")
_smooth_binomial.inverse(sp.bdtrik, "y n p", (0.6, 5.0, 0.4))
_smooth_binomial.inverse(sp.bdtrin, "k y p", (2.0, 0.6, 0.4))

_smooth_waiting = Family(
    k=lambda k, n, p: betainc_slope_b(n, k + 1, p),
    n=lambda k, n, p: betainc_slope_a(n, k + 1, p),
    p=lambda k, n, p: beta_density(n, k + 1, p),
)
_waiting = Family(
    **{
        **_smooth_waiting.slopes,
        "p": lambda k, n, p: beta_density(n, np.floor(k) + 1, p),
    }
)
_waiting.function(sp.nbdtr, (2, 5, 0.6), why=_EVENTS, steps="k n")
_waiting.function(sp.nbdtrc, (2, 5, 0.6), why=_EVENTS, sign=-1, steps="k n")
_waiting.inverse(sp.nbdtri, "k n y", (2, 5, 0.6), steps="k n")
_smooth_waiting.inverse(sp.nbdtrik, "y n p", (0.6, 5.0, 0.4))
_smooth_waiting.inverse(sp.nbdtrin, "k y p", (2.0, 0.6, 0.4))

_beta = Family(a=betainc_slope_a, b=betainc_slope_b, x=beta_density)
_beta.inverse(sp.btdtria, "y b x", (0.6, 2.0, 0.4))
_beta.inverse(sp.btdtrib, "a y x", (2.0, 0.6, 0.4))


# ---- the normal distribution's mean and standard deviation


def _bell(mn: Array, sd: Array, x: Array) -> tuple[Array, Array]:
    z = (x - mn) / sd
    return z, np.exp(-0.5 * z * z) / sd


def _normal_slope_sd(mn: Array, sd: Array, x: Array) -> Array:
    z, height = _bell(mn, sd, x)
    return -z * height


_FRONT = 1 / math.sqrt(2 * math.pi)
_normal = Family(
    mn=lambda mn, sd, x: -_FRONT * _bell(mn, sd, x)[1],
    sd=lambda mn, sd, x: _FRONT * _normal_slope_sd(mn, sd, x),
    x=lambda mn, sd, x: _FRONT * _bell(mn, sd, x)[1],
)
_normal.inverse(sp.nrdtrimn, "y sd x", (0.7, 1.5, 2.0))
_normal.inverse(sp.nrdtrisd, "mn y x", (0.5, 0.7, 2.0))
