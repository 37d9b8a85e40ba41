"""Slopes of scipy.special where they are hard to compute: far out, close to poles, at removable gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp
from scipy import special as sp

from clearprop import grad
from tests.effort import part_of


@pytest.fixture(autouse=True)
def many_digits() -> Any:
    with mpmath.workdps(130):
        yield


def first(results: Any) -> Any:
    return next(iter(results))


def phi(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def erfcx(x: Any) -> Any:
    return mp.exp(x * x) * mp.erfc(x)


def dawson(x: Any) -> Any:
    return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


def quantile(p: Any) -> Any:
    """The normal quantile of a small probability, from SciPy's by Newton's steps."""
    y = mp.mpf(float(sp.ndtri_exp(float(mp.log(p)))))
    for _ in range(6):
        y -= (mp.ncdf(y) - p) / phi(y)
    return y


def scaled(f: Callable[..., Any], sign: int, order: int) -> Callable[[Any], Any]:
    """The slope of exp(sign x) f(order, x)."""

    def slope(x: Any) -> Any:
        inner = -sign * (f(order - 1, x) + f(order + 1, x)) / 2
        return mp.exp(sign * x) * (inner + sign * f(order, x))

    return slope


# name: our function, its slope in mpmath, the places, how many units of 2.2e-16 it may be off
EXTREMES: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], list[float], float]] = {
    "erf": (sp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), [-20.0, -1e-300, 5, 26], 2e3),
    "erfc": (sp.erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x), [-20.0, 0, 26], 2e3),
    "erfcx": (
        sp.erfcx,
        lambda x: 2 * x * erfcx(x) - 2 / mp.sqrt(mp.pi),
        [-20.0, 0, 1, 5, 24.9, 25.1, 40, 1e3, 1e8, 1e50],
        5e3,
    ),
    "dawsn": (
        sp.dawsn,
        lambda x: 1 - 2 * x * dawson(x),
        [-1e3, -25.1, -24.9, 0, 1, 5, 30, 1e3, 1e6],
        5e3,
    ),
    "erfinv": (
        sp.erfinv,
        lambda y: mp.sqrt(mp.pi) / 2 * mp.exp(mp.erfinv(y) ** 2),
        [-0.999999, 1e-300, 0.5, 0.9999],
        1e3,
    ),
    "erfcinv": (
        sp.erfcinv,
        lambda y: -mp.sqrt(mp.pi) / 2 * mp.exp((quantile(y / 2) / mp.sqrt(2)) ** 2),
        [1e-300, 1e-100, 1e-3, 0.5],
        5e3,
    ),
    "ndtr": (sp.ndtr, phi, [-37.0, -1e-8, 0, 5, 37], 2e3),
    "log_ndtr": (
        sp.log_ndtr,
        lambda x: phi(x) / mp.ncdf(x),
        [-1e6, -1e3, -40, -20, -1, 0, 1, 8, 20, 37],
        2e3,
    ),
    "ndtri": (sp.ndtri, lambda p: 1 / phi(quantile(p)), [1e-300, 1e-100, 1e-10, 0.1, 0.5], 5e3),
    "ndtri near one": (
        lambda x: sp.ndtri(1 - x),
        lambda x: -1 / phi(quantile(1 - mp.mpf(float(1 - x)))),
        [1e-15, 1e-10],
        5e2,
    ),
    "ndtri_exp": (
        sp.ndtri_exp,
        lambda y: mp.exp(y) / phi(quantile(mp.exp(y))),
        [-1e4, -700, -30, -1, -1e-3],
        200,
    ),
    "expit": (
        sp.expit,
        lambda x: 1 / (mp.exp(x / 2) + mp.exp(-x / 2)) ** 2,
        [-700.0, -40, 0, 1, 40, 700],
        50,
    ),
    "log_expit": (
        sp.log_expit,
        lambda x: 1 / (1 + mp.exp(x)),
        [-700.0, -40, 0, 40, 700],
        50,
    ),
    "logit": (sp.logit, lambda p: 1 / (p * (1 - p)), [1e-300, 1e-9, 0.5, 1 - 1e-9], 10),
    "exprel": (
        sp.exprel,
        lambda x: (mp.exp(x) * (x - 1) + 1) / x**2,
        [-700.0, -30, -0.51, -0.49, 1e-12, 0.49, 0.51, 30, 700],
        100,
    ),
    "cosm1": (sp.cosm1, lambda x: -mp.sin(x), [1e-300, 1e-8, 3], 10),
    "gammaln": (sp.gammaln, mp.digamma, [1e-300, 1e-5, 0.5, 10, 1e8, 1e300], 10),
    "digamma": (sp.digamma, lambda x: mp.psi(1, x), [-2.5, 1e-100, 0.5, 10, 1e8], 20),
    "gamma": (
        sp.gamma,
        lambda x: mp.gamma(x) * mp.digamma(x),
        [-10.25, -0.5, 1e-100, 0.5, 20, 170],
        200,
    ),
    "rgamma": (
        sp.rgamma,
        lambda x: mp.diff(mp.rgamma, x),
        [-30.5, -20, -2.00001, -1, 0, 0.499, 0.501, 3, 100],
        500,
    ),
    "zeta": (
        lambda q: sp.zeta(3.5, q),
        lambda q: -mp.mpf("3.5") * mp.zeta("4.5", q),
        [1e-10, 0.5, 10, 1e6],
        20,
    ),
    "i0e": (sp.i0e, scaled(mp.besseli, -1, 0), [1e-8, 0.5, 10, 99, 101, 1e4, 1e6], 500),
    "i1e": (sp.i1e, scaled(mp.besseli, -1, 1), [0.5, 10, 99, 101, 1e4, 1e6], 500),
    "k0e": (sp.k0e, scaled(mp.besselk, 1, 0), [1e-8, 0.5, 10, 99, 101, 1e4, 1e6], 500),
    "k1e": (sp.k1e, scaled(mp.besselk, 1, 1), [1e-8, 0.5, 10, 99, 101, 1e4, 1e6], 500),
    "j1": (sp.j1, lambda x: mp.besselj(1, x, derivative=1), [-3.0, 0, 1e-10, 7, 50], 200),
    "y1": (sp.y1, lambda x: mp.bessely(1, x, derivative=1), [1e-100, 1e-8, 1, 50], 100),
    "exp1": (sp.exp1, lambda x: -mp.exp(-x) / x, [1e-300, 1e-8, 1, 700], 100),
    "sici, the first": (
        lambda x: first(sp.sici(x)),
        lambda x: mp.sinc(x),
        [-30.0, -0.51, 0, 1e-10, 0.49, 30],
        50,
    ),
    "spence": (
        sp.spence,
        lambda z: mp.log(z) / (1 - z) if z != 1 else mp.mpf(-1),
        [1e-300, 0.5, 0.94, 0.96, 1 - 1e-12, 1, 1 + 1e-12, 1.04, 1.06, 1e10],
        50,
    ),
    "ellipk": (
        sp.ellipk,
        lambda m: mp.diff(mp.ellipk, m),
        [-1e6, -0.07, -0.05, 0, 1e-12, 0.05, 0.07, 0.5, 1 - 1e-9],
        1e3,
    ),
    "ellipkm1": (
        sp.ellipkm1,
        lambda p: -(mp.ellipe(1 - p) - p * mp.ellipk(1 - p)) / (2 * (1 - p) * p),
        [1e-100, 1e-5, 0.5, 0.93, 0.95, 1.05],
        1e3,
    ),
    "ellipe": (
        sp.ellipe,
        lambda m: mp.diff(mp.ellipe, m),
        [-1e6, -0.07, -0.05, 0, 1e-12, 0.05, 0.07, 0.5, 1 - 1e-9],
        1e3,
    ),
    "gammainc": (
        lambda x: sp.gammainc(2.5, x),
        lambda x: x ** mp.mpf("1.5") * mp.exp(-x) / mp.gamma("2.5"),
        [1e-100, 1e-5, 1, 700],
        2e3,
    ),
    "betainc": (
        lambda x: sp.betainc(2.5, 0.5, x),
        lambda x: x ** mp.mpf("1.5") / mp.sqrt(1 - x) / mp.beta("2.5", "0.5"),
        [1e-100, 1e-5, 0.5, 1 - 1e-12],
        1e3,
    ),
    "lambertw": (
        lambda z: sp.lambertw(z).real,
        lambda z: 1 / (z + mp.exp(mp.lambertw(z))),
        [-0.3678, -1e-10, 0, 1, 1e100, 1e300],
        2e3,
    ),
    "pseudo_huber, for delta": (
        lambda d: sp.pseudo_huber(d, 1e-3),
        lambda d: mp.diff(lambda d: d**2 * (mp.sqrt(1 + (mp.mpf(1e-3) / d) ** 2) - 1), d),
        [1e-4, 1, 1e3],
        20,
    ),
}


@pytest.mark.parametrize("name", part_of(EXTREMES))
def test_slopes_at_the_extremes(name: str) -> None:
    f, slope, places, units = EXTREMES[name]
    for x in map(float, places):
        found = grad(f)(x)
        expected = slope(mp.mpf(x))
        assert found == pytest.approx(float(expected), rel=units * 2.2e-16, abs=1e-308), x


SECOND: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], list[float], float]] = {
    "erf": (sp.erf, mp.erf, [-3.0, 0, 2], 1e-13),
    "erfcx": (sp.erfcx, erfcx, [-2.0, 0, 3, 30], 1e-10),
    "log_ndtr": (sp.log_ndtr, lambda x: mp.log(mp.ncdf(x)), [-30.0, -2, 0, 2, 30], 1e-10),
    "expit": (sp.expit, lambda x: 1 / (1 + mp.exp(-x)), [-30.0, -2, 2, 30], 1e-13),
    "gammaln": (sp.gammaln, mp.loggamma, [0.5, 3, 1e5], 1e-13),
    "digamma": (sp.digamma, mp.digamma, [-1.5, 0.5, 3, 100], 1e-13),
    "rgamma": (sp.rgamma, mp.rgamma, [-3.0, -1.5, 0, 0.499, 2], 1e-12),
    "exprel": (sp.exprel, lambda x: mp.expm1(x) / x if x else mp.mpf(1), [-3.0, 0.2, 3], 1e-13),
    "spence": (sp.spence, lambda z: mp.polylog(2, 1 - z), [0.3, 0.97, 1.03, 1.8], 1e-12),
    "i0": (sp.i0, lambda x: mp.besseli(0, x), [-2.0, 0, 5], 1e-13),
    "ellipk": (sp.ellipk, mp.ellipk, [-3.0, -0.02, 0, 0.03, 0.9], 1e-12),
    "sici, the first": (lambda x: first(sp.sici(x)), mp.si, [-3.0, 0.3, 3], 1e-13),
    "i0e": (sp.i0e, lambda x: mp.exp(-x) * mp.besseli(0, x), [2.0, 150], 1e-12),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives(name: str) -> None:
    f, theirs, places, rtol = SECOND[name]
    for x in map(float, places):
        expected = mp.diff(theirs, mp.mpf(x), 2)
        assert grad(grad(f))(x) == pytest.approx(float(expected), rel=rtol, abs=1e-14), x


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        # at the removable singularities themselves: the coefficients of the series
        (lambda x: first(sp.sici(x)), [1, 0, -1 / 3]),
        (lambda x: first(sp.shichi(x)), [1, 0, 1 / 3]),
        (sp.exprel, [1 / 2, 1 / 3, 1 / 4]),
        (lambda x: sp.spence(1 + x), [-1, 1 / 2, -2 / 3]),
        (sp.j1, [1 / 2, 0, -3 / 8]),
        (sp.ellipe, [-np.pi / 8, -3 * np.pi / 64, -45 * np.pi / 768]),
    ],
)
def test_three_derivatives_where_the_formula_is_zero_over_zero(
    f: Callable[..., Any], expected: list[float]
) -> None:
    for value in expected:
        f = grad(f)
        assert f(0.0) == pytest.approx(value, rel=1e-14, abs=1e-15)
