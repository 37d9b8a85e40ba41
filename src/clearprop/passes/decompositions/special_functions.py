"""Functions of scipy.special that are made of others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.primitive import primitives
from .registry import SPELLINGS, order_of, spelling

for _name in ("cbrt", "exp2", "expm1", "log1p"):
    SPELLINGS[f"special_{_name}"] = getattr(np, _name)
SPELLINGS["special_round"] = np.rint


# ---- logistic functions and entropies


@spelling
def expit(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


@spelling
def log_expit(x: Any) -> Any:
    return -np.logaddexp(0.0, -x)


@spelling
def logit(x: Any) -> Any:
    return np.log(x / (1 - x))


@spelling
def xlogy(x: Any, y: Any) -> Any:
    return np.where(x == 0, 0.0 * x, x * np.log(np.where(x == 0, 1.0, y)))


@spelling
def xlog1py(x: Any, y: Any) -> Any:
    return np.where(x == 0, 0.0 * x, x * np.log1p(np.where(x == 0, 0.0, y)))


@spelling
def entr(x: Any) -> Any:
    inside = np.where(x > 0, x, 1.0)
    return np.where(x > 0, -x * np.log(inside), np.where(x == 0, 0.0, -np.inf))


@spelling
def rel_entr(x: Any, y: Any) -> Any:
    inside = np.logical_and(x > 0, y > 0)
    logs = np.log(np.where(inside, x, 1.0)) - np.log(np.where(inside, y, 1.0))
    outside = np.where(np.logical_and(x == 0, y >= 0), 0.0, np.inf)
    return np.where(inside, x * logs, outside)


@spelling
def kl_div(x: Any, y: Any) -> Any:
    return primitives.rel_entr(x, y) - x + y


@spelling
def huber(delta: Any, r: Any) -> Any:
    size = np.abs(r)
    return np.where(size <= delta, 0.5 * r * r, delta * (size - 0.5 * delta))


@spelling
def pseudo_huber(delta: Any, r: Any) -> Any:
    return delta * delta * (np.sqrt(1 + (r / delta) ** 2) - 1)


# ---- powers and degrees


@spelling
def exp10(x: Any) -> Any:
    return 10.0**x


@spelling
def exprel(x: Any) -> Any:
    small = np.abs(x) < 1e-9
    return np.where(small, 1 + x / 2, np.expm1(x) / np.where(small, 1.0, x))


@spelling
def powm1(x: Any, y: Any) -> Any:
    return np.expm1(y * np.log(x))


@spelling
def cosm1(x: Any) -> Any:
    return -2 * np.sin(x / 2) ** 2


@spelling
def boxcox(x: Any, power: Any) -> Any:
    logs = np.log(x)
    flat = power == 0
    return np.where(flat, logs, np.expm1(power * logs) / np.where(flat, 1.0, power))


@spelling
def boxcox1p(x: Any, power: Any) -> Any:
    logs = np.log1p(x)
    flat = power == 0
    return np.where(flat, logs, np.expm1(power * logs) / np.where(flat, 1.0, power))


@spelling
def inv_boxcox(y: Any, power: Any) -> Any:
    flat = power == 0
    return np.exp(np.where(flat, y, np.log1p(power * y) / np.where(flat, 1.0, power)))


@spelling
def inv_boxcox1p(y: Any, power: Any) -> Any:
    flat = power == 0
    return np.expm1(np.where(flat, y, np.log1p(power * y) / np.where(flat, 1.0, power)))


@spelling
def sindg(x: Any) -> Any:
    return np.sin(x * (math.pi / 180))


@spelling
def cosdg(x: Any) -> Any:
    return np.cos(x * (math.pi / 180))


@spelling
def tandg(x: Any) -> Any:
    return np.tan(x * (math.pi / 180))


@spelling
def cotdg(x: Any) -> Any:
    return 1 / np.tan(x * (math.pi / 180))


@spelling
def radian(degrees: Any, minutes: Any, seconds: Any) -> Any:
    return (degrees + minutes / 60 + seconds / 3600) * (math.pi / 180)


# ---- the gamma function's family, by its logarithm


@spelling
def gammasgn(x: Any) -> Any:
    return np.where(np.logical_or(x > 0, np.floor(x) % 2 == 0), 1.0, -1.0)


@spelling
def gamma(x: Any) -> Any:
    return primitives.gammasgn(x) * np.exp(primitives.gammaln(x))


@spelling
def rgamma(x: Any) -> Any:
    pole = np.logical_and(x <= 0, np.floor(x) == x)
    return np.where(pole, 0.0, 1 / primitives.gamma(np.where(pole, 1.0, x)))


@spelling
def betaln(a: Any, b: Any) -> Any:
    return primitives.gammaln(a) + primitives.gammaln(b) - primitives.gammaln(a + b)


@spelling
def beta(a: Any, b: Any) -> Any:
    return np.exp(primitives.betaln(a, b))


@spelling
def binom(n: Any, k: Any) -> Any:
    """For what lies within: outside it may be 0/0."""
    return np.exp(-primitives.betaln(1 + n - k, 1 + k)) / (n + 1)


@spelling
def poch(z: Any, m: Any) -> Any:
    return np.exp(primitives.gammaln(z + m) - primitives.gammaln(z))


@spelling
def loggamma(z: Any) -> Any:
    if z.dtype.kind == "c":
        raise NotImplementedError
    return np.where(z < 0, np.nan, primitives.gammaln(z))


# ---- the error function's family


@spelling
def erfc(x: Any) -> Any:
    return 1 - primitives.erf(x)


@spelling
def erfcinv(x: Any) -> Any:
    return -primitives.ndtri(x / 2) * math.sqrt(0.5)


@spelling
def ndtr(x: Any) -> Any:
    return 0.5 * primitives.erfc(x * -math.sqrt(0.5))


@spelling
def log_ndtr(x: Any) -> Any:
    return np.log(primitives.ndtr(x))


# ---- distributions


@spelling
def bdtr(k: Any, n: Any, p: Any) -> Any:
    return primitives.betainc(n - np.floor(k), np.floor(k) + 1, 1 - p)


@spelling
def bdtrc(k: Any, n: Any, p: Any) -> Any:
    return primitives.betainc(np.floor(k) + 1, n - np.floor(k), p)


@spelling
def nbdtr(k: Any, n: Any, p: Any) -> Any:
    return primitives.betainc(n, np.floor(k) + 1, p)


@spelling
def nbdtrc(k: Any, n: Any, p: Any) -> Any:
    return primitives.betainc(np.floor(k) + 1, n, 1 - p)


@spelling
def betaincc(a: Any, b: Any, x: Any) -> Any:
    return primitives.betainc(b, a, 1 - x)


# ---- polynomials


def _chebyshev(n: Any, x: Any, first: Any) -> Any:
    degree = order_of(n)
    before, now = 1.0 + 0 * x, first
    if not degree:
        return before
    for _ in range(degree - 1):
        before, now = now, 2 * x * now - before
    return now


@spelling
def eval_chebyt(n: Any, x: Any) -> Any:
    return _chebyshev(n, x, x)


@spelling
def eval_chebyu(n: Any, x: Any) -> Any:
    return _chebyshev(n, x, 2 * x)


@spelling
def eval_legendre(n: Any, x: Any) -> Any:
    before, now = 1.0 + 0 * x, x
    for k in range(1, order_of(n)):
        before, now = now, ((2 * k + 1) * x * now - k * before) / (k + 1)
    return now if order_of(n) else 1.0 + 0 * x


@spelling
def eval_hermite(n: Any, x: Any) -> Any:
    before, now = 1.0 + 0 * x, 2 * x
    for k in range(1, order_of(n)):
        before, now = now, 2 * x * now - 2 * k * before
    return now if order_of(n) else 1.0 + 0 * x


@spelling
def eval_hermitenorm(n: Any, x: Any) -> Any:
    before, now = 1.0 + 0 * x, x
    for k in range(1, order_of(n)):
        before, now = now, x * now - k * before
    return now if order_of(n) else 1.0 + 0 * x


@spelling
def eval_laguerre(n: Any, x: Any) -> Any:
    before, now = 1.0 + 0 * x, 1 - x
    for k in range(1, order_of(n)):
        before, now = now, ((2 * k + 1 - x) * now - k * before) / (k + 1)
    return now if order_of(n) else 1.0 + 0 * x
