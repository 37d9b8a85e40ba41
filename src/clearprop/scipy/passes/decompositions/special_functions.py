"""Functions of scipy.special and scipy.linalg that are made of others."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial, reduce

import numpy as np

from ....engine.array_types import Array
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
def log_expit(x: Array) -> Array:
    return -np.logaddexp(0.0, -x)


@decomposition("source")
def logit(x: Array) -> Array:
    return np.log(x / (1 - x))


@decomposition("source")
def xlogy(x: Array, y: Array) -> Array:
    return np.where(x == 0, 0.0 * x, x * np.log(np.where(x == 0, 1.0, y)))


@decomposition("source")
def xlog1py(x: Array, y: Array) -> Array:
    return np.where(x == 0, 0.0 * x, x * np.log1p(np.where(x == 0, 0.0, y)))


@decomposition("source")
def entr(x: Array) -> Array:
    inside = np.where(x > 0, x, 1.0)
    return np.where(x > 0, -x * np.log(inside), np.where(x == 0, 0.0, -np.inf))


@decomposition("source")
def rel_entr(x: Array, y: Array) -> Array:
    inside = np.logical_and(x > 0, y > 0)
    logs = np.log(np.where(inside, x, 1.0)) - np.log(np.where(inside, y, 1.0))
    outside = np.where(np.logical_and(x == 0, y >= 0), 0.0, np.inf)
    return np.where(inside, x * logs, outside)


@decomposition("source")
def kl_div(x: Array, y: Array) -> Array:
    return primitives.rel_entr(x, y) - x + y


@decomposition("source")
def huber(delta: Array, r: Array) -> Array:
    size = np.abs(r)
    return np.where(size <= delta, 0.5 * r * r, delta * (size - 0.5 * delta))


@decomposition("source")
def pseudo_huber(delta: Array, r: Array) -> Array:
    return delta * delta * (np.sqrt(1 + (r / delta) ** 2) - 1)


# ---- powers and degrees


@decomposition("source")
def exp10(x: Array) -> Array:
    return 10.0**x


@decomposition("source")
def exprel(x: Array) -> Array:
    small = np.abs(x) < 1e-9
    return np.where(small, 1 + x / 2, np.expm1(x) / np.where(small, 1.0, x))


@decomposition("source")
def powm1(x: Array, y: Array) -> Array:
    return np.expm1(y * np.log(x))


@decomposition("source")
def cosm1(x: Array) -> Array:
    return -2 * np.sin(x / 2) ** 2


def _boxcox(logs: Array, power: Array) -> Array:
    flat = power == 0
    return np.where(flat, logs, np.expm1(power * logs) / np.where(flat, 1.0, power))


def _inv_boxcox_logs(y: Array, power: Array) -> Array:
    flat = power == 0
    return np.where(flat, y, np.log1p(power * y) / np.where(flat, 1.0, power))


@decomposition("source")
def boxcox(x: Array, power: Array) -> Array:
    return _boxcox(np.log(x), power)


@decomposition("source")
def boxcox1p(x: Array, power: Array) -> Array:
    return _boxcox(np.log1p(x), power)


@decomposition("source")
def inv_boxcox(y: Array, power: Array) -> Array:
    return np.exp(_inv_boxcox_logs(y, power))


@decomposition("source")
def inv_boxcox1p(y: Array, power: Array) -> Array:
    return np.expm1(_inv_boxcox_logs(y, power))


def _of_degrees(x: Array, function: Callable[[Array], Array]) -> Array:
    return function(x * (math.pi / 180))


for _name, _function in (("sindg", np.sin), ("cosdg", np.cos), ("tandg", np.tan)):
    decomposition("source", of=_name)(partial(_of_degrees, function=_function))
decomposition("source", of="cotdg")(lambda x: 1 / _of_degrees(x, np.tan))


@decomposition("source")
def radian(degrees: Array, minutes: Array, seconds: Array) -> Array:
    return (degrees + minutes / 60 + seconds / 3600) * (math.pi / 180)


# ---- the gamma function's family, by its logarithm


@decomposition("source")
def gammasgn(x: Array) -> Array:
    return np.where(np.logical_or(x > 0, np.floor(x) % 2 == 0), 1.0, -1.0)


@decomposition("source")
def gamma(x: Array) -> Array:
    return primitives.gammasgn(x) * np.exp(primitives.gammaln(x))


@decomposition("source")
def rgamma(x: Array) -> Array:
    pole = np.logical_and(x <= 0, np.floor(x) == x)
    return np.where(pole, 0.0, 1 / primitives.gamma(np.where(pole, 1.0, x)))


@decomposition("source")
def betaln(a: Array, b: Array) -> Array:
    return primitives.gammaln(a) + primitives.gammaln(b) - primitives.gammaln(a + b)


@decomposition("source")
def beta(a: Array, b: Array) -> Array:
    return np.exp(primitives.betaln(a, b))


@decomposition("source")
def binom(n: Array, k: Array) -> Array:
    """For what lies within: outside it may be 0/0."""
    return np.exp(-primitives.betaln(1 + n - k, 1 + k)) / (n + 1)


@decomposition("source")
def poch(z: Array, m: Array) -> Array:
    return np.exp(primitives.gammaln(z + m) - primitives.gammaln(z))


@decomposition("source")
def loggamma(z: Array) -> Array:
    if z.dtype.kind == "c":
        raise NotImplementedError
    return np.where(z < 0, np.nan, primitives.gammaln(z))


# ---- the error function's family


@decomposition("source")
def erfc(x: Array) -> Array:
    return 1 - primitives.erf(x)


@decomposition("source")
def erfcinv(x: Array) -> Array:
    return -primitives.ndtri(x / 2) * math.sqrt(0.5)


@decomposition("source")
def ndtr(x: Array) -> Array:
    return 0.5 * primitives.erfc(x * -math.sqrt(0.5))


@decomposition("source")
def log_ndtr(x: Array) -> Array:
    return np.log(primitives.ndtr(x))


# ---- distributions


@decomposition("source")
def bdtr(k: Array, n: Array, p: Array) -> Array:
    return primitives.betainc(n - np.floor(k), np.floor(k) + 1, 1 - p)


@decomposition("source")
def bdtrc(k: Array, n: Array, p: Array) -> Array:
    return primitives.betainc(np.floor(k) + 1, n - np.floor(k), p)


@decomposition("source")
def nbdtr(k: Array, n: Array, p: Array) -> Array:
    return primitives.betainc(n, np.floor(k) + 1, p)


@decomposition("source")
def nbdtrc(k: Array, n: Array, p: Array) -> Array:
    return primitives.betainc(np.floor(k) + 1, n, 1 - p)


@decomposition("source")
def betaincc(a: Array, b: Array, x: Array) -> Array:
    return primitives.betainc(b, a, 1 - x)


# ---- polynomials and matrices


@decomposition("source")
def series(x: Array, coefficients: tuple[float, ...]) -> Array:
    *first, last = coefficients
    return reduce(lambda total, c: total * x + c, reversed(first), np.full_like(x, last))


_Step = Callable[[int, Array, Array, Array], Array]


def _polynomial(n: Array, x: Array, first: Callable[[Array], Array], step: _Step) -> Array:
    """Of degree n, where that of degree 0 is 1, of degree 1 `first`, and each step needs the last two."""
    before, now = 1.0 + 0 * x, first(x)
    if not order_of(n):
        return before
    for k in range(1, order_of(n)):
        before, now = now, step(k, x, now, before)
    return now


_POLYNOMIALS: dict[str, tuple[Callable[[Array], Array], _Step]] = {
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
def mirror(a: Array, lower: bool, conjugate: bool) -> Array:
    other = np.conj(a).mT if conjugate and a.dtype.kind == "c" else a.mT
    n = a.shape[-1]
    return np.where(np.tri(n, dtype=bool) if lower else np.tri(n, dtype=bool).T, a, other)
