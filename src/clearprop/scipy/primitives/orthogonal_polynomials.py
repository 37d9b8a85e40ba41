"""Orthogonal polynomials and Legendre functions: slopes are polynomials of one degree less.

The degree and the other parameters are constants.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special as sp

from ...engine.array_types import AnyArray, Array
from ...engine.primitive import Draw, Sample, floats
from .common import refused, special

_WHY = "The slope of a polynomial is one of the next family, of one degree less."


def _polynomial(
    ufunc: np.ufunc, names: str, slope: Callable[..., Array], *parameters: float, low: float = -0.9
) -> None:
    """Register one with the slope ``slope(n, *parameters, x)``, tried on such parameters."""

    def vjp(g: Array, out: Array, n: Array, *rest: Array) -> Array:
        return g * slope(n, *rest)

    first, *others = names.split()
    constants = [refused(ufunc, f"its degree {first}", first)]
    constants += [refused(ufunc, f"its parameter {name}", name) for name in others]
    samples = [
        Sample(3, *parameters, floats(3, 4, low=low, high=0.9)),
        Sample(0, *parameters, floats(low=low, high=0.9)),
        Sample(np.array([[0], [1], [2], [5]]), *parameters, floats(3, low=low, high=0.9)),
    ]
    if ufunc.types != ["ld->d"]:  # then there are others than whole degrees
        samples.append(Sample(2.5, *parameters, floats(3, low=low, high=0.9)))
        samples.append(Sample(3, *parameters, Draw((3,), low, 0.9, "complex128")))
    special(ufunc, *constants, vjp, why=_WHY, samples=tuple(samples))


def _lowered(n: AnyArray) -> AnyArray:
    """Return one less, but not below 0, where Hermite's are NaN."""
    if isinstance(n, int | float):
        return n - 1 if n else n
    return np.where(n == 0, n, n - 1)


# ---- Jacobi's, and their special cases. Those of degree -1 are 0.


def _jacobi(n: Array, a: AnyArray, b: AnyArray, x: Array) -> Array:
    return (n + a + b + 1) / 2 * sp.eval_jacobi(n - 1, a + 1, b + 1, x)


_polynomial(sp.eval_jacobi, "n alpha beta", _jacobi, 0.5, 1.5)
_polynomial(sp.eval_legendre, "n", lambda n, x: _jacobi(n, 0.0, 0.0, x))
_polynomial(sp.eval_sh_legendre, "n", lambda n, x: 2 * _jacobi(n, 0.0, 0.0, 2 * x - 1), low=0.1)
_polynomial(
    sp.eval_sh_jacobi,
    "n p q",
    lambda n, p, q, x: n * sp.eval_sh_jacobi(_lowered(n), p + 2, q + 1, x),
    2.5,
    1.5,
    low=0.1,
)
_polynomial(
    sp.eval_gegenbauer,
    "n alpha",
    lambda n, a, x: 2 * a * sp.eval_gegenbauer(n - 1, a + 1, x),
    1.5,
)


def _chebyu(n: Array, x: Array) -> Array:
    return 2 * sp.eval_gegenbauer(n - 1, 2.0, x)


_polynomial(sp.eval_chebyt, "n", lambda n, x: n * sp.eval_chebyu(n - 1, x))
_polynomial(sp.eval_chebyu, "n", _chebyu)
_polynomial(sp.eval_chebyc, "n", lambda n, x: n * sp.eval_chebys(n - 1, x))
_polynomial(sp.eval_chebys, "n", lambda n, x: 0.5 * _chebyu(n, 0.5 * x))
_polynomial(sp.eval_sh_chebyt, "n", lambda n, x: 2 * n * sp.eval_sh_chebyu(n - 1, x), low=0.1)
_polynomial(sp.eval_sh_chebyu, "n", lambda n, x: 2 * _chebyu(n, 2 * x - 1), low=0.1)


# ---- Laguerre's and Hermite's


_polynomial(
    sp.eval_genlaguerre,
    "n alpha",
    lambda n, a, x: -sp.eval_genlaguerre(n - 1, a + 1, x),
    0.5,
)
_polynomial(sp.eval_laguerre, "n", lambda n, x: -sp.eval_genlaguerre(n - 1, 1.0, x))
_polynomial(sp.eval_hermite, "n", lambda n, x: 2 * n * sp.eval_hermite(_lowered(n), x))
_polynomial(sp.eval_hermitenorm, "n", lambda n, x: n * sp.eval_hermitenorm(_lowered(n), x))


# ---- Legendre functions


def lpmv_vjp(g: Array, out: Array, m: Array, v: Array, x: Array) -> Array:
    return g * ((v * x * out - (v + m) * sp.lpmv(m, v - 1, x)) / (x * x - 1))


special(
    sp.lpmv,
    refused(sp.lpmv, "its order m", "m"),
    refused(sp.lpmv, "its degree v", "v"),
    lpmv_vjp,
    why="The slope is made of the function itself and the one of a degree less; without bound at the ends.",
    samples=(
        Sample(1, 2.5, floats(3, 4, low=-0.8, high=0.8)),
        Sample(np.array([[0], [1], [2]]), 3, floats(3, low=-0.8, high=0.8)),
        Sample(0, 2, floats(low=-0.8, high=0.8)),
    ),
)
