"""Distribution functions of noncentral distributions, and their inverses.

With respect to the numbers of degrees of freedom there is no formula in functions that SciPy has.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from .families import Family
from .incomplete import beta_density, gamma_density

_UP = "A probability: it grows by the density as the variable grows, and falls as the center moves up."


# ---- chi-squared


def _log_hyp0f1(v: Array, z: Array) -> Array:
    """Compute it far out by a Bessel function without its exponential, as hyp0f1 overflows."""
    far = z > 100
    up = np.where(far, z, 100.0)
    root = 2 * np.sqrt(up)
    outside = sp.gammaln(v) + (1 - v) / 2 * np.log(up) + np.log(sp.ive(v - 1, root)) + root
    return np.where(far, outside, np.log(sp.hyp0f1(v, np.where(far, 1.0, z))))


def _chi2_slope_x(x: Array, df: Array, nc: Array) -> Array:
    tilt = np.exp(_log_hyp0f1(0.5 * df, 0.25 * nc * x) - 0.5 * nc)
    return 0.5 * gamma_density(0.5 * df, 0.5 * x) * tilt


_chi2 = Family(
    x=_chi2_slope_x,
    df=None,
    nc=lambda x, df, nc: 0.5 * (sp.chndtr(x, df + 2, nc) - sp.chndtr(x, df, nc)),
)
_chi2.function(sp.chndtr, (2.0, 3.0, 1.5), why=_UP)
_chi2.inverse(sp.chndtrix, "y df nc", (0.6, 3.0, 1.5))
_chi2.inverse(sp.chndtrinc, "x df y", (3.0, 1.0, 0.6))


# ---- F


def _f_slope_f(dfn: Array, dfd: Array, nc: Array, f: Array) -> Array:
    a, b, total = 0.5 * dfn, 0.5 * dfd, dfd + dfn * f
    share = dfn * f / total
    tilt = np.exp(-0.5 * nc) * sp.hyp1f1(a + b, a, 0.5 * nc * share)
    return beta_density(a, b, share) * tilt * (dfn * dfd / (total * total))


def _f_slope_nc(dfn: Array, dfd: Array, nc: Array, f: Array) -> Array:
    above = sp.ncfdtr(dfn + 2, dfd, nc, f * (dfn / (dfn + 2)))
    return 0.5 * (above - sp.ncfdtr(dfn, dfd, nc, f))


_f = Family(dfn=None, dfd=None, nc=_f_slope_nc, f=_f_slope_f)
_f.function(sp.ncfdtr, (3.0, 4.0, 1.0, 1.5), why=_UP)
_f.inverse(sp.ncfdtri, "dfn dfd nc y", (3.0, 4.0, 1.0, 0.6))
_f.inverse(sp.ncfdtrinc, "dfn dfd y f", (3.0, 4.0, 0.3, 1.5))


# ---- Student's t


def _gamma_ratio(v: Array) -> Array:
    return math.sqrt(2) * np.exp(sp.gammaln(0.5 * v + 0.5) - sp.gammaln(0.5 * v))


def _mean_of_exponential(v: Array, w: Array) -> Array:
    """Return the mean of exp(w s) where s² has a chi-squared distribution with `v` degrees of freedom."""
    low = w < -1  # where the sum would lose digits
    down, up = np.where(low, w, -1.0), np.where(low, 0.0, w)
    z = 0.5 * up * up
    total = sp.hyp1f1(0.5 * v, 0.5, z) + up * _gamma_ratio(v) * sp.hyp1f1(0.5 * v + 0.5, 1.5, z)
    front = sp.gamma(0.5 * v + 0.5) / math.sqrt(math.pi)
    return np.where(low, front * sp.hyperu(0.5 * v, 0.5, 0.5 * down * down), total)


def _t_slope(df: Array, nc: Array, t: Array, v: Array) -> Array:
    total = df + t * t
    front = np.exp(-0.5 * nc * nc + 0.5 * v * np.log(df / total)) / math.sqrt(2 * math.pi)
    return front * _mean_of_exponential(v, nc * t / np.sqrt(total))


_t = Family(
    df=None,
    nc=lambda df, nc, t: -_t_slope(df, nc, t, df),
    t=lambda df, nc, t: _gamma_ratio(df) / np.sqrt(df) * _t_slope(df, nc, t, df + 1),
)
_t.function(sp.nctdtr, (3.0, 0.5, 1.2), why=_UP)
_t.inverse(sp.nctdtrit, "df nc y", (3.0, 0.5, 0.6))
_t.inverse(sp.nctdtrinc, "df y t", (3.0, 0.6, 1.5))
