"""What SciPy has no function for is computed here in other ways, for the tests of its records."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import scipy.special

from clearprop.scipy.primitives.common import doubled

ONCE = {"mathieu_a", "mathieu_b", "pro_cv", "obl_cv"}
"""With a first derivative, and no second, which raises."""
ENDS = {f"{name}_slope" for name in ONCE} | {"smirnov_slope"}
"""First (or second) derivatives of which there is no further one."""
ROUGH = {"obl_rad2", "obl_rad2_cv", "ncfdtrinc", "nctdtrinc"}
"""SciPy's values are off by more than differences can stand; test_special_families.py has other tests."""


def _difference(name: str, *inputs: Any) -> Any:
    *constants, x = inputs
    f, x, step = getattr(scipy.special, name), np.asarray(x, float), 1e-4
    found = 8 * (f(*constants, x + step) - f(*constants, x - step))
    found -= f(*constants, x + 2 * step) - f(*constants, x - 2 * step)
    return (found / (12 * step)).astype(np.result_type(*inputs))


def _bend_of_smirnov(n: int, d: Any) -> Any:
    """The second derivative, by differences of the sum that it is, in fractions."""

    def above(d: Fraction) -> Fraction:
        terms = (
            math.comb(n, v)
            * d
            * (d + Fraction(v, n)) ** (v - 1)
            * (1 - d - Fraction(v, n)) ** (n - v)
            for v in range(int(n * (1 - d)) + 1)
        )
        return sum(terms, Fraction(0))

    step = Fraction(1, 10**9)

    def bend(d: Any) -> float:
        d = Fraction(float(d))
        return float((above(d - step) - 2 * above(d) + above(d + step)) / step**2)

    return np.vectorize(bend, otypes=[float])(d)


def _quadrature(integral: Callable[..., Any], *inputs: Any) -> Any:
    def one(*xs: Any) -> float:
        return float(integral(*(mpmath.mpf(float(x)) for x in xs)))

    with mpmath.workdps(30):
        values = np.vectorize(one, otypes=[float])(*inputs)
    return values.astype(np.result_type(*inputs))


def _gamma_integrals(a: Any, x: Any, logs: int) -> Any:
    def hill(v: Any) -> Any:
        return mpmath.exp(a * v - mpmath.exp(v)) * v**logs

    return mpmath.quad(hill, [-160, -40, -10, mpmath.log(x)]) / mpmath.gamma(a)


def _beta_integrals(a: Any, b: Any, x: Any, logs: int, others: int) -> Any:
    def hill(v: Any) -> Any:
        return (
            mpmath.exp(a * v)
            * (1 - mpmath.exp(v)) ** (b - 1)
            * v**logs
            * mpmath.log1p(-mpmath.exp(v)) ** others
        )

    return mpmath.quad(hill, [-160, -40, -10, mpmath.log(x)]) / mpmath.beta(a, b)


SPECIAL: dict[str, Callable[..., Any]] = {
    "carlson": lambda x, y, z, exponents, power: scipy.special.elliprd(x, y, z) * (2 / 3),
}
for _name in ("mathieu_a", "mathieu_b", "pro_cv", "obl_cv"):
    SPECIAL[f"{_name}_slope"] = lambda *xs, name=_name: _difference(name, *xs)
for _name in ("sph_legendre_p", "assoc_legendre_p"):
    SPECIAL[_name] = lambda *xs, name=_name, **params: getattr(scipy.special, name)(*xs, **params)[
        0
    ]
for _name in (
    "pbdv_seq",
    "pbvv_seq",
    "pbdn_seq",
    "riccati_jn",
    "riccati_yn",
    "lmbda",
    "lqn",
    "lqmn",
):
    SPECIAL[_name] = lambda x, params, name=_name: getattr(scipy.special, name)(
        *params,
        x.astype(float),  # in single precision some of SciPy's give NaN
    )
for _name in ("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn", "sph_harm_y"):
    SPECIAL[_name] = getattr(scipy.special, _name)
SPECIAL["smirnov_slope"] = lambda n, d, order: _bend_of_smirnov(n, d).astype(d.dtype)
SPECIAL["gamma_moment"] = lambda a, x, logs: _quadrature(
    lambda a, x: _gamma_integrals(a, x, logs), a, x
)
SPECIAL["beta_moment"] = lambda a, b, x, logs, others: _quadrature(
    lambda a, b, x: _beta_integrals(a, b, x, logs, others), a, b, x
)
for _name in [
    f"{kind}_{which}" for kind in ("pro", "obl") for which in ("cv", "ang1", "rad1", "rad2")
]:
    # SciPy's own do not end in single precision
    SPECIAL[_name] = doubled(getattr(scipy.special, _name))
