"""Reductions of huge, tiny and far-off numbers, beside arithmetic of many digits; and at their kinks.

A warning is an error in these tests, so that nothing overflows on the way is part of what they check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import clearprop
from clearprop import grad, hvp, value_and_grad
from tests.numeric import normal_like

BASE = np.array([1.0, -2.5, 0.75, 3.25, -0.5])
INPUTS = {
    "ordinary": BASE,
    "1e200": BASE * 1e200,
    "1e150": BASE * 1e150,
    "1e-150": BASE * 1e-150,
    "1e-200": BASE * 1e-200,
    "far off": BASE + 1e9,
    "of all sizes": np.array([1e150, -1e-150, 1.0, 3e149, -1e-300]),
}


def mean(x: list[Any]) -> Any:
    return mpmath.fsum(x) / len(x)


def variance(x: list[Any]) -> Any:
    return mpmath.fsum((t - mean(x)) ** 2 for t in x) / len(x)


def p_norm(p: float) -> Callable[[list[Any]], Any]:
    return lambda x: mpmath.fsum(abs(t) ** p for t in x) ** (1 / mpmath.mpf(p))


def log_sum(x: list[Any]) -> Any:
    top = max(x)
    return top + mpmath.log(mpmath.fsum(mpmath.exp(t - top) for t in x))


EVERYWHERE = tuple(INPUTS)
SQUARABLE = tuple(name for name in INPUTS if name not in ("1e200", "1e-200"))
FUNCTIONS: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "mean": (np.mean, mean, EVERYWHERE),
    "sum": (np.sum, mpmath.fsum, EVERYWHERE),
    "average": (lambda x: np.average(x, weights=np.full(5, 0.2)), mean, EVERYWHERE),
    "var": (np.var, variance, SQUARABLE),
    "var where": (lambda x: np.var(x, where=np.ones(5, bool)), variance, SQUARABLE),
    "std": (np.std, lambda x: mpmath.sqrt(variance(x)), SQUARABLE),
    "std where": (np.nanstd, lambda x: mpmath.sqrt(variance(x)), SQUARABLE),
    "norm": (np.linalg.norm, p_norm(2), SQUARABLE),
    "norm of order 1": (lambda x: np.linalg.norm(x, 1), p_norm(1), EVERYWHERE),
    "norm of order inf": (
        lambda x: np.linalg.norm(x, np.inf),
        lambda x: max(map(abs, x)),
        EVERYWHERE,
    ),
    "norm of order 1.5": (lambda x: np.linalg.norm(x, 1.5), p_norm(1.5), SQUARABLE),
    "norm of order -1": (lambda x: np.linalg.norm(x, -1), p_norm(-1), EVERYWHERE[:-1]),
    "logsumexp": (clearprop.logsumexp, log_sum, EVERYWHERE),
    "median": (np.median, lambda x: sorted(x)[2], EVERYWHERE),
    "ptp": (np.ptp, lambda x: max(x) - min(x), EVERYWHERE),
}


@pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name, row in FUNCTIONS.items() for size in row[2]]
)
def test_beside_many_digits(name: str, size: str) -> None:
    f, exact, _ = FUNCTIONS[name]
    x = INPUTS[size]
    value, g = value_and_grad(f)(x)
    rtol = 4e-15
    if size == "far off" and name == "var":
        rtol = 2e-7  # the mean is rounded to 1e-16 × 1e9
    elif name == "norm of order 1.5":
        rtol = 1e-13  # NumPy's power of 1e225 by the rounded 2/3
    with mpmath.workdps(1000):
        xs = [mpmath.mpf(float(t)) for t in x]
        assert value == pytest.approx(float(exact(xs)), rel=rtol)
        expected = [slope(exact, xs, i) for i in range(len(xs))]
    scale = max(map(abs, expected))
    np.testing.assert_allclose(g, expected, rtol, scale * 1e-15)


def slope(f: Any, xs: list[Any], i: int) -> float:
    """A central difference, with a step that is small beside the smallest entry."""
    step = mpmath.mpf(10) ** -400
    up, down = (f([*xs[:i], xs[i] + s, *xs[i + 1 :]]) for s in (step, -step))
    return float((up - down) / (2 * step))


@pytest.mark.parametrize("f", [clearprop.softmax, clearprop.log_softmax])
@pytest.mark.parametrize("size", EVERYWHERE)
def test_softmax_beside_many_digits(f: Callable[..., Any], size: str) -> None:
    x, weights = INPUTS[size], np.array([1.0, -2.0, 0.5, 3.0, 1.5])
    value, pullback = clearprop.vjp(f, x)
    (g,) = pullback(weights)
    with mpmath.workdps(400):
        xs = [mpmath.mpf(float(t)) for t in x]
        total = log_sum(xs)
        logs = [t - total for t in xs]
        shares = [mpmath.exp(t) for t in logs]
        given = [mpmath.mpf(float(w)) for w in weights]
        if f is clearprop.softmax:
            expected = shares
            mixed = mpmath.fsum(w * p for w, p in zip(given, shares, strict=True))
            slopes = [p * (w - mixed) for w, p in zip(given, shares, strict=True)]
        else:
            expected = logs
            slopes = [w - p * mpmath.fsum(given) for w, p in zip(given, shares, strict=True)]
        np.testing.assert_allclose(value, [float(t) for t in expected], 1e-14, 1e-300)
        np.testing.assert_allclose(g, [float(t) for t in slopes], 1e-13, 1e-15)


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e12])
def test_logsumexp_far_off_shares_as_softmax_does(offset: float) -> None:
    # the logarithm is rounded to 1e-16 of the offset, the shares are not
    x = np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(
        grad(clearprop.logsumexp)(x + offset), clearprop.softmax(x), rtol=4e-16
    )
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(
        hvp(clearprop.logsumexp, (x + offset,), (v,))[0],
        hvp(clearprop.logsumexp, (x,), (v,))[0],
        rtol=1e-14,
        atol=1e-16,
    )


@pytest.mark.parametrize(("scale", "expected"), [(1e200, np.inf), (1e-200, 0)])
def test_where_numpys_squares_are_infinite_or_zero_gradients_are_zero(
    scale: float, expected: float
) -> None:
    x = BASE * scale
    with np.errstate(over="ignore"):
        for f in (np.linalg.norm, np.std):
            value, g = value_and_grad(f)(x)
            assert value == expected == f(x)
            assert g.tolist() == [0] * 5


# ---- kinks

KINKS: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "norm at 0": (np.linalg.norm, [0, 0], [0, 0]),
    "norm of rows, one 0": (
        lambda x: np.linalg.norm(x, axis=1),
        [[0, 0], [3, 4]],
        [[0, 0], [0.6, 0.8]],
    ),
    "norm of order 1 at 0": (lambda x: np.linalg.norm(x, 1), [0, -2, 3], [0, -1, 1]),
    "norm of order 3 at 0": (lambda x: np.linalg.norm(x, 3), [0, 0], [0, 0]),
    "norm of order 1.5 with a 0": (lambda x: np.linalg.norm(x, 1.5), [0, -2], [0, -1]),
    "norm of order 0.5 with a 0": (lambda x: np.linalg.norm(x, 0.5), [0, -2], [0, -1]),
    "norm of order inf, a tie": (lambda x: np.linalg.norm(x, np.inf), [2, -2, 1], [0.5, -0.5, 0]),
    "norm of order -inf at 0": (lambda x: np.linalg.norm(x, -np.inf), [0, 5], [0, 0]),
    "norm of a matrix, order 1, a tie": (
        lambda x: np.linalg.norm(x, 1),
        [[1, -2], [2, 1]],
        [[0.5, -0.5], [0.5, 0.5]],
    ),
    "norm of a matrix at 0": (np.linalg.norm, [[0, 0], [0, 0]], [[0, 0], [0, 0]]),
    "std of equal entries": (np.std, [2, 2, 2], [0, 0, 0]),
    "std of equal entries, whose mean is rounded": (np.std, [0.1, 0.1, 0.1], [0, 0, 0]),
    "std where, of equal entries": (np.nanstd, [2, 2, 2], [0, 0, 0]),
    "var of equal entries": (np.nanvar, [2, 2, 2], [0, 0, 0]),
    "max, a tie with the start": (lambda x: np.max(x, initial=3), [1, 3], [0, 0.5]),
    "max, below the start": (lambda x: np.max(x, initial=4), [1, 3], [0, 0]),
    "max where, a tie with one left out": (
        lambda x: np.max(x, where=[True, True, False], initial=-9),
        [1, 3, 3],
        [0, 1, 0],
    ),
    "nanmax, a tie": (np.nanmax, [1, 3, 3], [0, 0.5, 0.5]),
    "ptp of equal entries": (np.ptp, [2, 2], [0, 0]),
    "median of a tie": (np.median, [2, 2, 2], [0, 1, 0]),
    "median of a tie of two": (np.median, [1, 2, 2, 5], [0, 0.5, 0.5, 0]),
    "quantile at an entry": (lambda x: np.quantile(x, 0.5), [7, 5, 6], [0, 0, 1]),
    "quantile at the end": (lambda x: np.quantile(x, 1.0), [7, 5, 6], [1, 0, 0]),
    "corrcoef of a line": (lambda x: np.corrcoef(x, [1, 2, 3])[0, 1], [2, 4, 6], [0, 0, 0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_policy_at_kinks(name: str) -> None:
    f, point, expected = KINKS[name]
    x = np.array(point, float)

    def total(x: Any) -> Any:
        return np.sum(f(x))

    np.testing.assert_allclose(grad(total)(x), expected, rtol=1e-15, atol=1e-16)
    v = normal_like(np.random.default_rng(3), x)
    assert np.isfinite(hvp(total, (x,), (v,))[0]).all()


@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, np.inf])
def test_norms_at_zero_to_second_order(order: Any) -> None:
    for x in (np.zeros(3), np.zeros(3, complex)):

        def f(x: Any) -> Any:
            return np.linalg.norm(x, order)

        assert grad(f)(x).tolist() == [0, 0, 0]
        assert hvp(f, (x,), (np.ones(3, x.dtype),))[0].tolist() == [0, 0, 0]


def test_norm_of_negative_order_with_a_zero() -> None:
    with np.errstate(divide="ignore"):  # NumPy says that 0 ** -1 is infinite; the norm is 0
        value, g = value_and_grad(lambda x: np.linalg.norm(x, -1))(np.array([0.0, 2.0]))
    assert (value, g.tolist()) == (0, [0, 0])
