"""Derivatives of derivatives: order by order, variables kept apart, against independent oracles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop
from clearprop import grad, hessian, hvp, jacobian, jvp, tensor, value_and_grad, vjp
from tests.numeric import slopes


def test_three_orders() -> None:
    # x⁴ at 2: 32, 48, 48, 24 (48x^0 → 24x = 48, then 24)
    d1 = grad(lambda x: x**4)
    d2, d3 = grad(d1), grad(grad(d1))
    assert (d1(2.0), d2(2.0), d3(2.0), grad(d3)(2.0)) == (32, 48, 48, 24)
    assert isinstance(d3(2.0), float)


def test_three_orders_of_sine() -> None:
    d = np.sin
    for expected in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7)):
        d = grad(d)
        assert d(0.7) == pytest.approx(expected, rel=1e-15)


def test_inner_derivative_does_not_see_the_outer_variable() -> None:
    # d/dx [x · d/dy (x + y)] = d/dx [x · 1] = 1; confusing x and y would give 2
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1
    # the inner derivative is x² at y: d/dx x³ = 3x²
    assert grad(lambda x: x * grad(lambda y: x * x * y)(5.0))(2.0) == 12


def test_inner_derivative_at_the_outer_variable() -> None:
    # d/dy (x y²) at y = x is 2x², whose derivative is 4x = 12
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 12


def test_jvp_within_jvp() -> None:
    def inner(x: Any) -> Any:
        return x * jvp(lambda y: x + y, 1.0, 1.0)[1]

    assert jvp(inner, 1.0, 1.0) == (1, 1)


@pytest.mark.parametrize(
    "second",
    [
        lambda f, x: grad(grad(f))(x),
        lambda f, x: jacobian(grad(f))(x),
        lambda f, x: jacobian(jacobian(f))(x),
        lambda f, x: hessian(f)(x),
        lambda f, x: hvp(f, x, 1.0),
        lambda f, x: jvp(grad(f), x, 1.0)[1],
        lambda f, x: grad(lambda x: jvp(f, x, 1.0)[1])(x),
        lambda f, x: jvp(lambda x: jvp(f, x, 1.0)[1], x, 1.0)[1],
        lambda f, x: grad(lambda x: vjp(f, x)[1](1.0)[0])(x),
        lambda f, x: vjp(grad(f), x)[1](1.0)[0],
        lambda f, x: grad(lambda x: value_and_grad(f)(x)[1])(x),
    ],
)
def test_every_way_to_the_second_derivative(second: Callable[[Any, Any], Any]) -> None:
    # (x³ e^x)″ = (6x + 6x² + x³) e^x; at 1: 13 e
    assert second(lambda x: x**3 * np.exp(x), 1.0) == pytest.approx(13 * np.e, rel=1e-14)


def test_value_of_an_inner_transform_carries_the_gradient() -> None:
    # v = x², g = 2x: v·g = 2x³ → 6x²
    def outer(x: Any) -> Any:
        v, g = value_and_grad(lambda y: y * y)(x)
        return v * g

    assert grad(outer)(2.0) == 24


def test_closure_over_outer_variables() -> None:
    # the inner gradient is (2·w·y)|y=3 = 6w, squared 36w² → 72w = 144
    assert grad(lambda w: grad(lambda y: w * y**2)(3.0) ** 2)(2.0) == 144


def test_constant_from_outside() -> None:
    c = np.array([1.0, 2.0])
    assert grad(lambda x: np.sum(c * x**2))(np.array([3.0, 4.0])).tolist() == [6, 16]
    assert c.tolist() == [1, 2]


def test_tensor_from_outside_gets_its_gradient_by_backward() -> None:
    w = tensor(2.0)
    g = grad(lambda x: w * x * x)(3.0)  # 2wx = 12, still depends on w
    assert isinstance(g, clearprop.Tensor)
    assert g.item() == 12
    g.backward()
    assert w.grad == 6


def test_grad_at_a_tensor() -> None:
    x = tensor(3.0)
    g = grad(lambda y: y**3)(x)  # 3x²
    assert g.item() == 27
    g.backward()
    assert x.grad == 18  # 6x


def test_grad_leaves_no_trace_in_tensors() -> None:
    w = tensor(2.0)
    assert grad(lambda x: w.detach() * x)(3.0) == 2
    assert w.grad is None


def test_backward_within_grad() -> None:
    def f(x: Any) -> Any:
        y = tensor(2.0)
        (y * y * 3).backward()
        return x * y.grad  # 12 x

    assert grad(f)(5.0) == 12


def test_gradient_within_no_grad() -> None:
    with clearprop.no_grad():
        assert grad(lambda x: x * x)(3.0) == 6
        assert grad(grad(lambda x: x**3))(2.0) == 12
        assert not (tensor(1.0) * 2).requires_grad


def test_gradient_descent_step_is_differentiated() -> None:
    # one step on (w − t)² gives w′ − t = (w − t)(1 − 2r), so the slope of its square in r is
    # −4 (w − t)² (1 − 2r) = −4 · 16 · 0.8 = −51.2
    def after(rate: Any) -> Any:
        w, target = 5.0, 1.0
        w = w - rate * grad(lambda w: (w - target) ** 2)(w)
        return (w - target) ** 2

    assert grad(after)(0.1) == pytest.approx(-51.2, rel=1e-14)


def test_hessian_of_a_network_is_symmetric(rng: np.random.Generator) -> None:
    x = rng.standard_normal((5, 3))

    def loss(w: Any) -> Any:
        return np.mean(np.tanh(x @ w.reshape(3, 2)) ** 2) + clearprop.logsumexp(w)

    w = rng.standard_normal(6)
    h = hessian(loss)(w)
    np.testing.assert_allclose(h, h.T, rtol=1e-12, atol=1e-15)
    for i in range(6):
        row = slopes(lambda w, i=i: grad(loss)(w)[i], w)
        np.testing.assert_allclose(h[i], row, rtol=1e-7, atol=1e-9)


# ---- random compositions against differences

ONE: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "sin": np.sin,
    "sigmoid": clearprop.sigmoid,
    "square": lambda x: x**2 / 4,
    "softmax": clearprop.softmax,
    "log1p of a square": lambda x: np.log1p(x * x),
    "centred": lambda x: x - x.mean(-1, keepdims=True),
    "sorted out": lambda x: x[..., ::-1][..., np.array([0, 2, 2, 1])],
    "normalised": lambda x: x / np.sqrt(x.var(0, keepdims=True) + 1),
    "transposed": lambda x: np.concatenate([x[:, :3].T, x[0:1, :3].T * 2], axis=1)[:, :4],
}
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "plus": lambda x, y: x + y,
    "times": lambda x, y: x * y,
    "over": lambda x, y: x / (1 + y * y),
    "column": lambda x, y: x - y[:, :1],
    "row": lambda x, y: x * y[0],
    "product": lambda x, y: x @ (y.T @ y) / 8,
    "choice": lambda x, y: np.where(CHECKERED, x, 2 * y),
}
CHECKERED = np.indices((3, 4)).sum(0) % 2 == 0
step = st.tuples(st.sampled_from(sorted(ONE)), st.sampled_from(sorted(TWO)))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(step, min_size=1, max_size=3), st.integers(0, 1000))
def test_random_compositions(steps: list[tuple[str, str]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (3, 4))
    c = rng.uniform(-1, 1, (3, 4))
    g = rng.standard_normal((3, 4))

    def f(x: Any) -> Any:
        for one, two in steps:
            x = TWO[two](ONE[one](x), x + c)
        return np.sum(g * x)

    value, dx = value_and_grad(f)(x)
    assert value == pytest.approx(f(x), rel=1e-14)
    scale = 1 + np.abs(dx).max()
    np.testing.assert_allclose(dx, slopes(f, x), rtol=1e-6, atol=1e-8 * scale)
    u, v = rng.standard_normal((2, 3, 4))
    product = slopes(lambda t: np.sum(grad(f)(x + t * v) * u), 0.0)
    assert np.sum(hvp(f, x, v) * u) == pytest.approx(product, rel=1e-5, abs=1e-7 * scale)
