"""Functions of scipy.special and scipy.linalg that are made of others."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ....engine.primitive import primitives
from ....passes.decompositions.classification import sigmoid
from ....passes.decompositions.registry import decomposition
from .bessel_orders import order_of

for _name in ("cbrt", "exp2", "expm1", "log1p"):
    decomposition("source", of=f"special_{_name}")(getattr(np, _name))
decomposition("source", of="special_round")(np.rint)
decomposition("source", of="expit")(sigmoid)


# ---- logistic functions and entropies


@decomposition("source")
def log_expit(x: Any) -> Any:
    return -np.logaddexp(0.0, -x)


@decomposition("source")
def logit(x: Any) -> Any:
    return np.log(x / (1 - x))


@decomposition("source")
def xlogy(x: Any, y: Any) -> Any:
    return np.where(x == 0, 0.0 * x, x * np.log(np.where(x == 0, 1.0, y)))


@decomposition("source")
def xlog1py(x: Any, y: Any) -> Any:
    return np.where(x == 0, 0.0 * x, x * np.log1p(np.where(x == 0, 0.0, y)))


@decomposition("source")
def entr(x: Any) -> Any:
    inside = np.where(x > 0, x, 1.0)
    return np.where(x > 0, -x * np.log(inside), np.where(x == 0, 0.0, -np.inf))


@decomposition("source")
def rel_entr(x: Any, y: Any) -> Any:
    inside = np.logical_and(x > 0, y > 0)
    logs = np.log(np.where(inside, x, 1.0)) - np.log(np.where(inside, y, 1.0))
    outside = np.where(np.logical_and(x == 0, y >= 0), 0.0, np.inf)
    return np.where(inside, x * logs, outside)


@decomposition("source")
def kl_div(x: Any, y: Any) -> Any:
    return primitives.rel_entr(x, y) - x + y


@decomposition("source")
def huber(delta: Any, r: Any) -> Any:
    size = np.abs(r)
    return np.where(size <= delta, 0.5 * r * r, delta * (size - 0.5 * delta))


@decomposition("source")
def pseudo_huber(delta: Any, r: Any) -> Any:
    return delta * delta * (np.sqrt(1 + (r / delta) ** 2) - 1)


# ---- powers and degrees


@decomposition("source")
def exp10(x: Any) -> Any:
    return 10.0**x


@decomposition("source")
def exprel(x: Any) -> Any:
    small = np.abs(x) < 1e-9
    return np.where(small, 1 + x / 2, np.expm1(x) / np.where(small, 1.0, x))


@decomposition("source")
def powm1(x: Any, y: Any) -> Any:
    return np.expm1(y * np.log(x))


@decomposition("source")
def cosm1(x: Any) -> Any:
    return -2 * np.sin(x / 2) ** 2


def _boxcox(logs: Any, power: Any) -> Any:
    flat = power == 0
    return np.where(flat, logs, np.expm1(power * logs) / np.where(flat, 1.0, power))


def _inv_boxcox_logs(y: Any, power: Any) -> Any:
    flat = power == 0
    return np.where(flat, y, np.log1p(power * y) / np.where(flat, 1.0, power))


@decomposition("source")
def boxcox(x: Any, power: Any) -> Any:
    return _boxcox(np.log(x), power)


@decomposition("source")
def boxcox1p(x: Any, power: Any) -> Any:
    return _boxcox(np.log1p(x), power)


@decomposition("source")
def inv_boxcox(y: Any, power: Any) -> Any:
    return np.exp(_inv_boxcox_logs(y, power))


@decomposition("source")
def inv_boxcox1p(y: Any, power: Any) -> Any:
    return np.expm1(_inv_boxcox_logs(y, power))


@decomposition("source")
def sindg(x: Any) -> Any:
    return np.sin(x * (math.pi / 180))


@decomposition("source")
def cosdg(x: Any) -> Any:
    return np.cos(x * (math.pi / 180))


@decomposition("source")
def tandg(x: Any) -> Any:
    return np.tan(x * (math.pi / 180))


@decomposition("source")
def cotdg(x: Any) -> Any:
    return 1 / np.tan(x * (math.pi / 180))


@decomposition("source")
def radian(degrees: Any, minutes: Any, seconds: Any) -> Any:
    return (degrees + minutes / 60 + seconds / 3600) * (math.pi / 180)


# ---- the gamma function's family, by its logarithm


@decomposition("source")
def gammasgn(x: Any) -> Any:
    return np.where(np.logical_or(x > 0, np.floor(x) % 2 == 0), 1.0, -1.0)


@decomposition("source")
def gamma(x: Any) -> Any:
    return primitives.gammasgn(x) * np.exp(primitives.gammaln(x))


@decomposition("source")
def rgamma(x: Any) -> Any:
    pole = np.logical_and(x <= 0, np.floor(x) == x)
    return np.where(pole, 0.0, 1 / primitives.gamma(np.where(pole, 1.0, x)))


@decomposition("source")
def betaln(a: Any, b: Any) -> Any:
    return primitives.gammaln(a) + primitives.gammaln(b) - primitives.gammaln(a + b)


@decomposition("source")
def beta(a: Any, b: Any) -> Any:
    return np.exp(primitives.betaln(a, b))


@decomposition("source")
def binom(n: Any, k: Any) -> Any:
    """For what lies within: outside it may be 0/0."""
    return np.exp(-primitives.betaln(1 + n - k, 1 + k)) / (n + 1)


@decomposition("source")
def poch(z: Any, m: Any) -> Any:
    return np.exp(primitives.gammaln(z + m) - primitives.gammaln(z))


@decomposition("source")
def loggamma(z: Any) -> Any:
    if z.dtype.kind == "c":
        raise NotImplementedError
    return np.where(z < 0, np.nan, primitives.gammaln(z))


# ---- the error function's family


@decomposition("source")
def erfc(x: Any) -> Any:
    return 1 - primitives.erf(x)


@decomposition("source")
def erfcinv(x: Any) -> Any:
    return -primitives.ndtri(x / 2) * math.sqrt(0.5)


@decomposition("source")
def ndtr(x: Any) -> Any:
    return 0.5 * primitives.erfc(x * -math.sqrt(0.5))


@decomposition("source")
def log_ndtr(x: Any) -> Any:
    return np.log(primitives.ndtr(x))


# ---- distributions


@decomposition("source")
def bdtr(k: Any, n: Any, p: Any) -> Any:
    return primitives.betainc(n - np.floor(k), np.floor(k) + 1, 1 - p)


@decomposition("source")
def bdtrc(k: Any, n: Any, p: Any) -> Any:
    return primitives.betainc(np.floor(k) + 1, n - np.floor(k), p)


@decomposition("source")
def nbdtr(k: Any, n: Any, p: Any) -> Any:
    return primitives.betainc(n, np.floor(k) + 1, p)


@decomposition("source")
def nbdtrc(k: Any, n: Any, p: Any) -> Any:
    return primitives.betainc(np.floor(k) + 1, n, 1 - p)


@decomposition("source")
def betaincc(a: Any, b: Any, x: Any) -> Any:
    return primitives.betainc(b, a, 1 - x)


# ---- polynomials and matrices


@decomposition("source")
def series(x: Any, coefficients: tuple[float, ...]) -> Any:
    *first, last = coefficients
    return reduce(lambda total, c: total * x + c, reversed(first), np.full_like(x, last))


def _polynomial(n: Any, x: Any, first: Any, step: Callable[[int, Any, Any], Any]) -> Any:
    """Of degree n, where those of degrees 0 and 1 are 1 and `first`, and each step needs the last two."""
    degree = order_of(n)
    before, now = 1.0 + 0 * x, first
    if not degree:
        return before
    for k in range(1, degree):
        before, now = now, step(k, now, before)
    return now


@decomposition("source")
def eval_chebyt(n: Any, x: Any) -> Any:
    return _polynomial(n, x, x, lambda k, now, before: 2 * x * now - before)


@decomposition("source")
def eval_chebyu(n: Any, x: Any) -> Any:
    return _polynomial(n, x, 2 * x, lambda k, now, before: 2 * x * now - before)


@decomposition("source")
def eval_legendre(n: Any, x: Any) -> Any:
    return _polynomial(
        n, x, x, lambda k, now, before: ((2 * k + 1) * x * now - k * before) / (k + 1)
    )


@decomposition("source")
def eval_hermite(n: Any, x: Any) -> Any:
    return _polynomial(n, x, 2 * x, lambda k, now, before: 2 * x * now - 2 * k * before)


@decomposition("source")
def eval_hermitenorm(n: Any, x: Any) -> Any:
    return _polynomial(n, x, x, lambda k, now, before: x * now - k * before)


@decomposition("source")
def eval_laguerre(n: Any, x: Any) -> Any:
    return _polynomial(
        n, x, 1 - x, lambda k, now, before: ((2 * k + 1 - x) * now - k * before) / (k + 1)
    )


@decomposition("source")
def mirror(a: Any, lower: bool, conjugate: bool) -> Any:
    other = np.conj(a).mT if conjugate and a.dtype.kind == "c" else a.mT
    n = a.shape[-1]
    return np.where(np.tri(n, dtype=bool) if lower else np.tri(n, dtype=bool).T, a, other)
