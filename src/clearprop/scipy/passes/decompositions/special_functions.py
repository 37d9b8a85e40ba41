"""Functions of scipy.special and scipy.linalg that are made of others."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np

from ....engine.primitive import primitives
from ....passes.decompositions.activations import sigmoid
from ....passes.decompositions.registry import decomposition
from .bessel_orders import order_of

for _name in ("cbrt", "exp2", "expm1", "log1p"):
    decomposition("source", of=f"special_{_name}")(getattr(np, _name))
decomposition("source", of="special_round")(np.rint)
decomposition("compile", "source", of="expit")(sigmoid)


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


def _of_degrees(x: Any, function: Callable[[Any], Any]) -> Any:
    return function(x * (math.pi / 180))


for _name, _function in (("sindg", np.sin), ("cosdg", np.cos), ("tandg", np.tan)):
    decomposition("source", of=_name)(partial(_of_degrees, function=_function))
decomposition("source", of="cotdg")(lambda x: 1 / _of_degrees(x, np.tan))


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


_Step = Callable[[int, Any, Any, Any], Any]


def _polynomial(n: Any, x: Any, first: Callable[[Any], Any], step: _Step) -> Any:
    """Of degree n, where that of degree 0 is 1, of degree 1 `first`, and each step needs the last two."""
    before, now = 1.0 + 0 * x, first(x)
    if not order_of(n):
        return before
    for k in range(1, order_of(n)):
        before, now = now, step(k, x, now, before)
    return now


_POLYNOMIALS: dict[str, tuple[Callable[[Any], Any], _Step]] = {
    "eval_chebyt": (lambda x: x, lambda k, x, p, q: 2 * x * p - q),
    "eval_chebyu": (lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - q),
    "eval_legendre": (lambda x: x, lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1)),
    "eval_hermite": (lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - 2 * k * q),
    "eval_hermitenorm": (lambda x: x, lambda k, x, p, q: x * p - k * q),
    "eval_laguerre": (lambda x: 1 - x, lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1)),
}
"""The one of degree 1, and that of degree k + 1 by those of degrees k (`p`) and k - 1 (`q`)."""
for _name, (_first, _step) in _POLYNOMIALS.items():
    decomposition("source", of=_name)(partial(_polynomial, first=_first, step=_step))


@decomposition("source")
def mirror(a: Any, lower: bool, conjugate: bool) -> Any:
    other = np.conj(a).mT if conjugate and a.dtype.kind == "c" else a.mT
    n = a.shape[-1]
    return np.where(np.tri(n, dtype=bool) if lower else np.tri(n, dtype=bool).T, a, other)
