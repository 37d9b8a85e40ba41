"""Finite and accurate where a formula as one writes it would overflow or cancel, measured against mpmath.

Kinks and limits stand in test_kinks.py; here are numbers at which digits would be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import clearprop

mp.dps = 60
EPS = 2.0**-52
TINY = float(np.finfo(float).tiny)

Real = Callable[[Any], Any]

NEAR_ZERO = (0.0, 1e-300, -1e-300, 1e-16, -1e-16, 1e-8, -1e-8, 3e-4, -3e-4)
LARGE = (20.0, -20.0, 36.7, -36.7, 40.0, -40.0, 700.0, -700.0)
HUGE = (745.0, -745.0, 1e4, -1e4, 1e308, -1e308)

NUMBERS: dict[str, tuple[Real, Real, Real, tuple[float, ...]]] = {
    "sigmoid": (
        clearprop.sigmoid,
        lambda x: 1 / (1 + mp.exp(-x)),
        lambda x: 1 / (1 + mp.exp(-x)) / (1 + mp.exp(x)),
        (*NEAR_ZERO, 1.0, -1.0, *LARGE, *HUGE),
    ),
    "log sigmoid": (
        lambda x: clearprop.log_softmax(np.stack([x, 0.0]))[0],
        lambda x: -mp.log1p(mp.exp(-x)),
        lambda x: 1 / (1 + mp.exp(x)),
        (*NEAR_ZERO, 1.0, -1.0, *LARGE, *HUGE),
    ),
    "softplus": (
        lambda x: np.logaddexp(0.0, x),
        lambda x: mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x)),
        lambda x: 1 / (1 + mp.exp(-x)),
        (*NEAR_ZERO, 1.0, -1.0, *LARGE, *HUGE),
    ),
    "tanh": (
        np.tanh,
        mp.tanh,
        lambda x: 1 / mp.cosh(x) ** 2,
        (*NEAR_ZERO, 1.0, -1.0, 10.0, -10.0, *HUGE),
    ),
    "log1p": (
        np.log1p,
        mp.log1p,
        lambda x: 1 / (1 + x),
        (*NEAR_ZERO, -0.5, -1 + 2.0**-52, 1e16, 1e308),
    ),
    "expm1": (
        np.expm1,
        mp.expm1,
        mp.exp,
        (*NEAR_ZERO, 1.0, -1.0, *LARGE, -745.0, -1e4, -1e308),
    ),
    "exp": (np.exp, mp.exp, mp.exp, (*NEAR_ZERO, 709.0, -708.0)),
    "log": (np.log, mp.log, lambda x: 1 / x, (1e-300, 1 - 1e-12, 1 + 1e-12, 1e300)),
    "sqrt": (np.sqrt, mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), (1e-300, 1.0, 1e300)),
    "reciprocal": (lambda x: 1 / x, lambda x: 1 / x, lambda x: -1 / x**2, (1e-150, -3.0, 1e150)),
    "power": (
        lambda x: x**2.5,
        lambda x: x ** mpf("2.5"),
        lambda x: mpf("2.5") * x ** mpf("1.5"),
        (1e-100, 1.0, 1e100),
    ),
}


FROM_THE_OUTPUT = {"sigmoid", "tanh", "expm1", "log sigmoid", "softplus"}
"""Where a slope (or the logarithm of something near 1) is one minus something near one: exact to the last
digit of 1, as everywhere in NumPy, PyTorch and JAX, but not to its own last digit."""


def close(found: float, exact: Any, noise: Any, what: str) -> None:
    """What is below the smallest normal number may be anything."""
    off = abs(mpf(float(found)) - exact)
    assert off <= noise + TINY, f"{what}: {found} for {mp.nstr(exact, 20)}"


@pytest.mark.parametrize(
    ("name", "x"), [(name, x) for name, (*_, points) in NUMBERS.items() for x in points]
)
def test_number(name: str, x: float) -> None:
    f, exact, slope, _ = NUMBERS[name]
    value, gradient = clearprop.value_and_grad(f)(x)
    one = 1 if name in FROM_THE_OUTPUT else 0
    wanted = exact(mpf(x))
    close(value, wanted, 4 * EPS * max(abs(wanted), one * (name == "log sigmoid")), "value")
    wanted = slope(mpf(x))
    close(gradient, wanted, 4 * EPS * max(abs(wanted), one), "gradient")


# ---- functions of vectors


def mp_softmax(x: Any) -> list[Any]:
    largest = max(x)
    e = [mp.exp(v - largest) for v in x]
    return [v / mp.fsum(e) for v in e]


def mp_logsumexp(x: Any) -> Any:
    largest = max(x)
    return largest + mp.log(mp.fsum(mp.exp(v - largest) for v in x))


def mp_mean(x: Any) -> Any:
    return mp.fsum(x) / len(x)


def mp_var(x: Any) -> Any:
    m = mp_mean(x)
    return mp.fsum((v - m) ** 2 for v in x) / len(x)


def mp_norm(x: Any) -> Any:
    return mp.sqrt(mp.fsum(v * v for v in x))


SPREAD = (
    [1000.0, 999.0, -1000.0],
    [1e4, 1e4, 1e4 - 40],
    [-800.0, -801.0, -802.5],
    [0.0, -745.0, -1e308],
    [1e307, -1e307, 0.0],
    [1e-300, -1e-300, 2e-300],
    [0.25, 0.5, 1e-17],
)
SIZES = (
    [1e150, -2e150, 3e149],
    [1e-150, 2e-150, -5e-151],
    [3.0, -4.0, 1e-200],
    [1e100, 1.0, -1e-100],
)
OFFSETS = ([1e8 + 1, 1e8 + 2, 1e8 + 4], [1e15, 1e15 + 1, 1e15 - 1], [-1e-8, 1.0 - 1e-8, 2.0])

VECTORS: dict[str, tuple[Real, Real, Real, tuple[list[float], ...]]] = {
    "logsumexp": (clearprop.logsumexp, mp_logsumexp, mp_softmax, SPREAD),
    "first of softmax": (
        lambda x: clearprop.softmax(x)[0],
        lambda x: mp_softmax(x)[0],
        lambda x: [
            mp_softmax(x)[0] * ((1 - mp_softmax(x)[0]) if i == 0 else -p)
            for i, p in enumerate(mp_softmax(x))
        ],
        SPREAD,
    ),
    "last of log_softmax": (
        lambda x: clearprop.log_softmax(x)[-1],
        lambda x: x[-1] - mp_logsumexp(x),
        lambda x: [(i == len(x) - 1) - p for i, p in enumerate(mp_softmax(x))],
        SPREAD,
    ),
    "cross-entropy": (
        lambda x: clearprop.cross_entropy(x[None], np.array([1])),
        lambda x: mp_logsumexp(x) - x[1],
        lambda x: [p - (i == 1) for i, p in enumerate(mp_softmax(x))],
        SPREAD,
    ),
    "norm": (
        np.linalg.norm,
        mp_norm,
        lambda x: [v / mp_norm(x) for v in x],
        SIZES,
    ),
    "norm by hand": (
        lambda x: np.sqrt(np.sum(x * x)),
        mp_norm,
        lambda x: [v / mp_norm(x) for v in x],
        SIZES,
    ),
    "var": (
        np.var,
        mp_var,
        lambda x: [2 * (v - mp_mean(x)) / len(x) for v in x],
        (*SIZES[:2], *OFFSETS),
    ),
    "std": (
        np.std,
        lambda x: mp.sqrt(mp_var(x)),
        lambda x: [(v - mp_mean(x)) / (len(x) * mp.sqrt(mp_var(x))) for v in x],
        (*SIZES[:2], *OFFSETS),
    ),
}
"""By name: the function, and its value and gradient in many digits."""


@pytest.mark.parametrize(
    ("name", "x"),
    [(name, x) for name, (*_, points) in VECTORS.items() for x in points],
)
def test_vector(name: str, x: list[float]) -> None:
    f, exact, gradient, _ = VECTORS[name]
    points = [mpf(v) for v in x]
    value, found = clearprop.value_and_grad(f)(np.array(x))
    noise = 8 * EPS * rounding(name, points)
    close(value, exact(points), noise * max(1, abs(exact(points))), "value")
    wanted = gradient(points)
    for i, (a, b) in enumerate(zip(found.tolist(), wanted, strict=True)):
        close(a, b, noise * max(map(abs, wanted)), f"gradient, entry {i}")


def rounding(name: str, x: list[Any]) -> Any:
    """How many times the rounding of one operation is unavoidable, or agreed on."""
    largest = max(map(abs, x))
    if name in ("var", "std"):  # differences from the mean: entries are rounded at their own size
        return 1 + largest / max(abs(v - mp_mean(x)) for v in x)
    if name == "logsumexp":  # its rule takes exp(x - out), as PyTorch's
        return 1 + max(abs(v) for v in x if v >= max(x) - 745)
    if name.startswith("norm"):
        return 1
    return 1 + max(max(x) - v for v in x if v >= max(x) - 745)  # exp(x - max)
