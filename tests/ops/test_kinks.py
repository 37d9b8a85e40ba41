"""The policy where a slope is not unique, and good manners at the extremes.

A warning is an error in these tests, so quiet answers are part of what they check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import grad

INF = np.inf


def gradients(f: Callable[..., Any], *xs: Any) -> list[Any]:
    """The gradient of the sum of f's entries with respect to every argument, as lists."""
    arrays = [np.array(x, float)[()] for x in xs]
    found = grad(lambda *args: np.sum(f(*args)), tuple(range(len(arrays))))(*arrays)
    return [g.tolist() for g in found]


# ---- one input


def test_relu_is_shut_at_zero() -> None:
    assert gradients(clearprop.relu, [-1, 0, -0.0, 2]) == [[0, 0, 0, 1]]


def test_abs_is_flat_at_zero() -> None:
    assert gradients(np.abs, [-3, 0, -0.0, 2]) == [[-1, 0, 0, 1]]


def test_clip_lets_through_at_its_bounds() -> None:
    assert gradients(lambda x: np.clip(x, -1, 1), [-1.5, -1, 0, 1, 1.5]) == [[0, 1, 1, 1, 0]]
    assert gradients(lambda x: np.clip(x, None, 1), [-9, 1, 2]) == [[1, 1, 0]]
    assert gradients(lambda x: np.clip(x, 0, None), [-9, 0, 2]) == [[0, 1, 1]]


def test_clip_between_tensors_gives_the_bound_what_it_stopped() -> None:
    # 5 is cut to 3, so the bound 3 moves the result; 2 lies within and moves it alone
    assert gradients(np.clip, [5, 2], [0, 0], [3, 3]) == [[0, 1], [0, 0], [1, 0]]


def test_square_root_is_vertical_at_zero() -> None:
    with np.errstate(divide="ignore"):  # NumPy says so when it divides; the answer is right
        assert gradients(np.sqrt, [0, 4, 0.25]) == [[INF, 0.25, 1]]
        assert gradients(lambda x: x**0.5, [0, 4, 0.25]) == [[INF, 0.25, 1]]


def test_square_root_is_kept_from_zero_by_an_inner_where() -> None:
    def f(x: Any) -> Any:
        return np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0)

    assert gradients(f, [0, 4]) == [[0, 0.25]]


def test_steps_give_nothing_and_say_nothing() -> None:
    x = np.array([-1.5, 0.0, 2.5])
    for f in (np.sign, np.floor, np.ceil, np.rint):
        assert grad(lambda x, f=f: np.sum(f(x) * 2 + x))(x).tolist() == [1, 1, 1]


# ---- powers


@pytest.mark.parametrize("zero", [0, 0.0, np.int64(0), np.float64(0), np.zeros(3)])
def test_power_zero_is_constant_even_at_zero(zero: Any) -> None:
    assert gradients(lambda x: x**zero, [-2, 0, 3]) == [[0, 0, 0]]


@pytest.mark.parametrize("one", [1, 1.0, np.ones(3)])
def test_power_one_has_slope_one_even_at_zero(one: Any) -> None:
    assert gradients(lambda x: x**one, [-2, 0, 3]) == [[1, 1, 1]]


@pytest.mark.parametrize("two", [2, 2.0, np.full(3, 2), np.full(3, 2.0)])
def test_square_of_negative_numbers(two: Any) -> None:
    assert gradients(lambda x: x**two, [-2, 0, 3]) == [[-4, 0, 6]]


def test_power_of_zero_in_both_inputs() -> None:
    # 0**y stays 0 for y > 0; by continuity of convention, 0**0 = 1 is left alone, too
    dx, dy = gradients(lambda x, y: x**y, [0, 0, 0, 2], [0, 1, 2, 0])
    assert dx == [0, 1, 0, 0]
    assert dy == [0, 0, 0, pytest.approx(np.log(2), rel=1e-15)]


def test_power_with_a_mere_number_below() -> None:
    # d/dy 2**y = 2**y log 2: at 3, 8 × 0.6931471805599453
    assert gradients(lambda y: 2**y, 3.0) == [pytest.approx(5.545177444479562, rel=1e-15)]


def test_second_derivative_of_powers_at_zero() -> None:
    # x²: 2 everywhere; x³: 6x = 0; x¹ and x⁰: 0
    for n, expected in ((2, 2.0), (3, 0.0), (1, 0.0), (0, 0.0)):
        assert grad(grad(lambda x, n=n: x**n))(0.0) == expected


# ---- ties


def test_maximum_and_minimum_share_ties() -> None:
    assert gradients(np.maximum, [1, 2, 3], [1, 3, 2]) == [[0.5, 0, 1], [0.5, 1, 0]]
    assert gradients(np.minimum, [1, 2, 3], [1, 3, 2]) == [[0.5, 1, 0], [0.5, 0, 1]]


def test_maximum_with_zero_shares_the_tie_with_the_constant() -> None:
    assert gradients(lambda x: np.maximum(x, 0), [-1, 0, 1]) == [[0, 0.5, 1]]


def test_max_and_min_share_ties() -> None:
    assert gradients(np.max, [1, 3, 3, 2]) == [[0, 0.5, 0.5, 0]]
    assert gradients(np.min, [[1, 3, 1], [1, 4, 5]]) == [[[1 / 3, 0, 1 / 3], [1 / 3, 0, 0]]]
    assert gradients(lambda x: x.max(0), [[1, 3], [1, 2]]) == [[[0.5, 1], [0.5, 0]]]
    assert gradients(lambda x: x.min(1, keepdims=True), [[2, 2], [1, 2]]) == [[[0.5, 0.5], [1, 0]]]


def test_max_of_infinities() -> None:
    assert gradients(np.max, [-INF, 1, -INF]) == [[0, 1, 0]]
    assert gradients(np.max, [INF, 1]) == [[1, 0]]


# ---- spread


def test_std_of_equal_entries_has_no_gradient() -> None:
    assert gradients(np.std, [2, 2, 2]) == [[0, 0, 0]]
    # column 0 is constant; in column 1, (x − mean) / (n std) = ∓1 / (2·1)
    assert gradients(lambda x: np.std(x, 0), [[2, 1], [2, 3]]) == [[[0, -0.5], [0, 0.5]]]


def test_var_of_equal_entries_has_no_gradient() -> None:
    assert gradients(np.var, [2, 2, 2]) == [[0, 0, 0]]
    assert gradients(np.var, 7.0) == [0]


@pytest.mark.parametrize("f", [np.var, np.std])
def test_spread_of_one_entry_without_a_degree_of_freedom(f: Callable[..., Any]) -> None:
    # 0/0, as in NumPy: not a number and a warning, but no error
    with np.errstate(divide="ignore", invalid="ignore"):
        assert np.isnan(gradients(lambda x: f(x, ddof=1), [3.0])).all()


# ---- exponentials at the extremes


@pytest.mark.parametrize("x", [1000.0, -1000.0, 1e308, -1e308, INF, -INF])
def test_sigmoid_at_the_extremes(x: float) -> None:
    value, slope = clearprop.value_and_grad(clearprop.sigmoid)(x)
    assert value == (1 if x > 0 else 0)
    assert slope == 0
    assert grad(grad(clearprop.sigmoid))(x) == 0


def test_sigmoid_keeps_tiny_results_exact() -> None:
    # for very negative x, sigmoid and its slope are both exp(x): exp(−50) = 1.9287498479639178e-22
    value, slope = clearprop.value_and_grad(clearprop.sigmoid)(-50.0)
    assert value == pytest.approx(1.9287498479639178e-22, rel=1e-14)
    assert slope == pytest.approx(1.9287498479639178e-22, rel=1e-14)


def test_sigmoid_at_zero() -> None:
    # σ(0) = ½, σ′ = ½·½ = ¼, σ″ = σ′(1 − 2σ) = 0, σ‴ = −2σ′² = −1/8
    assert clearprop.value_and_grad(clearprop.sigmoid)(0.0) == (0.5, 0.25)
    assert grad(grad(clearprop.sigmoid))(0.0) == 0
    assert grad(grad(grad(clearprop.sigmoid)))(0.0) == -0.125


@pytest.mark.parametrize("x", [1000.0, -1000.0, INF, -INF])
def test_tanh_at_the_extremes(x: float) -> None:
    assert clearprop.value_and_grad(np.tanh)(x) == (np.sign(x), 0)
    assert grad(grad(np.tanh))(x) == 0


def test_logsumexp_of_huge_entries() -> None:
    value, g = clearprop.value_and_grad(clearprop.logsumexp)(np.array([1e4, 1e4]))
    assert value == pytest.approx(1e4 + 0.6931471805599453, rel=1e-15)
    # doubles near 1e4 lie 1.8e-12 apart, and the rule takes exp(x − out)
    np.testing.assert_allclose(g, [0.5, 0.5], rtol=2e-12)
    # nothing is left of the smaller one
    assert gradients(clearprop.logsumexp, [1e300, -1e300]) == [[1, 0]]


def test_logsumexp_with_minus_infinity() -> None:
    # exp(−∞) = 0 takes no part: of (0, log 3) the shares are 1/4 and 3/4
    value, g = clearprop.value_and_grad(clearprop.logsumexp)(np.array([-INF, 0.0, np.log(3)]))
    assert value == pytest.approx(np.log(4), rel=1e-15)
    np.testing.assert_allclose(g, [0, 0.25, 0.75], rtol=1e-15)


def test_logsumexp_of_nothing_but_minus_infinity() -> None:
    value, g = clearprop.value_and_grad(clearprop.logsumexp)(np.array([-INF, -INF]))
    assert value == -INF
    assert g.tolist() == [0, 0]


def test_softmax_at_the_extremes() -> None:
    x = np.array([1000.0, -1000.0, -INF])
    assert clearprop.softmax(x).tolist() == [1, 0, 0]
    weights = np.array([1.0, 2.0, 3.0])
    assert gradients(lambda x: clearprop.softmax(x) * weights, x) == [[0, 0, 0]]


def test_log_softmax_at_the_extremes() -> None:
    assert clearprop.log_softmax(np.array([1000.0, -1000.0])).tolist() == [0, -2000]
    # d log p₁ / dx = (−p₀, 1 − p₁) = (−1, 1): a hopeless guess still learns
    assert gradients(lambda x: clearprop.log_softmax(x)[1], [1000, -1000]) == [[-1, 1]]


def test_cross_entropy_of_sure_and_wrong() -> None:
    # −log softmax(z)[label], gradient p − onehot: (1, −1) for the wrong label, (0, 0) for the right
    for label, expected in ((1, [1, -1]), (0, [0, 0])):
        assert gradients(lambda z, i=label: -clearprop.log_softmax(z)[i], [800, -800]) == [expected]


@pytest.mark.parametrize("x", [-1e-12, 0.0, 1e-12])
def test_log1p_and_expm1_near_zero(x: float) -> None:
    assert clearprop.value_and_grad(np.log1p)(x) == (np.log1p(x), pytest.approx(1 - x, rel=1e-15))
    assert clearprop.value_and_grad(np.expm1)(x) == (np.expm1(x), pytest.approx(1 + x, rel=1e-15))


@pytest.mark.parametrize(
    "f",
    [
        clearprop.relu,
        clearprop.sigmoid,
        np.abs,
        np.sqrt,
        np.log,
        np.exp,
        lambda x: x**2,
        lambda x: np.maximum(x, 0.5),
        lambda x: np.minimum(x, 2.5),
        lambda x: np.clip(x, 0.0, 1.0),
        lambda x: np.where(x > 0, x, -x),
        np.sum,
        np.max,
        np.mean,
        clearprop.logsumexp,
    ],
)
def test_gradient_at_a_python_float_is_a_float(f: Callable[..., Any]) -> None:
    value, g = clearprop.value_and_grad(f)(1.0)
    assert isinstance(g, float), type(g)
    assert np.shape(value) == ()


def test_complex_abs_and_sign_are_flat_at_zero() -> None:
    z = np.array([0j, 3 + 4j])
    assert grad(lambda z: np.sum(np.abs(z)))(z).tolist() == [0, 0.6 + 0.8j]
    # d sign / dz turns i into i/5 across and leaves nothing along (3, 4)
    assert clearprop.hvp(lambda z: np.sum(np.abs(z)), z, np.array([1j, 3 + 4j])).tolist() == [0, 0]
    across = clearprop.hvp(lambda z: np.sum(np.abs(z)), z, np.array([1j, -4 + 3j]))
    np.testing.assert_allclose(across, [0, (-4 + 3j) / 5], rtol=1e-15)
