"""The worked examples that courses on backpropagation use, each with its numbers done by hand."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import grad, jacobian, tensor, vjp
from clearprop.errors import GradientError

# ---- single gates


def test_multiply_swaps() -> None:
    x, y = tensor(4.0), tensor(-5.0)
    f = x * y
    f.backward()
    assert f.item() == -20
    assert x.grad == -5  # the other factor
    assert y.grad == 4


def test_multiply_with_an_upstream_gradient() -> None:
    # upstream 2: dx = 2y = −10, dy = 2x = 8
    x, y = tensor(4.0), tensor(-5.0)
    (x * y).backward(2.0)
    assert (x.grad, y.grad) == (-10, 8)


def test_add_distributes() -> None:
    x, y = tensor(5.0), tensor(3.0)
    (x + y).backward()
    assert (x.grad, y.grad) == (1, 1)
    x, y = tensor(5.0), tensor(3.0)
    (x + y).backward(7.0)
    assert (x.grad, y.grad) == (7, 7)


def test_max_routes() -> None:
    x, y = tensor(4.0), tensor(2.0)
    np.maximum(x, y).backward()
    assert (x.grad, y.grad) == (1, 0)


def test_copy_adds_up() -> None:
    # z = xy with x = y = t: both uses send t, so 2t = 6
    t = tensor(3.0)
    x, y = t.copy(), t.copy()
    (x * y).backward()
    assert t.grad == 6
    # three uses with slopes 2, −5 and 1: −2
    t = tensor(3.0)
    (2 * t + (-5) * t + t).backward()
    assert t.grad == -2


def test_passed_through_halved_and_blocked() -> None:
    assert grad(lambda x: x)(3.0) == 1
    assert grad(lambda x: x / 2)(3.0) == 0.5
    assert grad(lambda x: 0.5 * x)(3.0) == 0.5
    assert grad(lambda x: x.detach())(3.0) == 0
    assert grad(clearprop.relu)(-3.0) == 0


def test_line() -> None:
    # y = wx + b at w = 2, x = 3, b = 1: dy/dx = w, dy/dw = x, dy/db = 1
    assert grad(lambda w, x, b: w * x + b, (0, 1, 2))(2.0, 3.0, 1.0) == (3, 2, 1)


# ---- small graphs


def test_sum_times_z() -> None:
    x, y, z = tensor(-2.0), tensor(5.0), tensor(-4.0)
    q = x + y  # −2 + 5 = 3
    f = q * z  # 3 · −4 = −12
    q.retain_grad()
    f.backward()
    assert (q.item(), f.item()) == (3, -12)
    assert z.grad == 3  # q, with a plus sign
    assert q.grad == -4  # z
    assert (x.grad, y.grad) == (-4, -4)  # z · 1


# σ(1) = 1 / (1 + 0.36787944117144233) = 0.7310585786300049 and σ′(1) = 0.7310585786 · 0.2689414214
NEURON = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
NEURON_SLOPES = {
    "w0": -0.1966119332414818,  # x0 σ′ = −1 · 0.1966
    "x0": 0.3932238664829637,  # w0 σ′ = 2 · 0.1966
    "w1": -0.3932238664829637,  # x1 σ′ = −2 · 0.1966
    "x1": -0.5898357997244456,  # w1 σ′ = −3 · 0.1966
    "w2": 0.1966119332414818,
}


def test_neuron_from_single_gates() -> None:
    n = {name: tensor(value) for name, value in NEURON.items()}
    total = n["w0"] * n["x0"] + n["w1"] * n["x1"] + n["w2"]  # −2 + 6 − 3 = 1
    turned = -total
    power = np.exp(turned)  # 0.3679
    below = power + 1  # 1.3679
    f = 1 / below  # 0.7311
    gates = (below, power, turned, total)
    for gate in gates:
        gate.retain_grad()
    f.backward()
    assert round(f.item(), 4) == 0.7311
    # −1/1.3679² = −0.5344; the same; times 0.3679 = −0.1966; turned: 0.1966
    assert [round(float(g.grad), 4) for g in gates] == [-0.5344, -0.5344, -0.1966, 0.1966]
    for name, slope in NEURON_SLOPES.items():
        assert n[name].grad == pytest.approx(slope, rel=1e-14)


def test_neuron_from_one_sigmoid() -> None:
    def neuron(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
        return clearprop.sigmoid(w0 * x0 + w1 * x1 + w2)

    value, slopes = clearprop.value_and_grad(neuron, range(5))(*NEURON.values())
    assert value == pytest.approx(0.7310585786300049, rel=1e-15)
    assert slopes == pytest.approx(tuple(NEURON_SLOPES.values()), rel=1e-14)


# ---- vectors and matrices


def test_relu_of_a_vector() -> None:
    x, upstream = np.array([1.0, -2.0, 3.0, -1.0]), np.array([4.0, -1.0, 5.0, 9.0])
    y, pullback = vjp(clearprop.relu, x)
    assert y.tolist() == [1, 0, 3, 0]
    assert pullback(upstream)[0].tolist() == [4, 0, 5, 0]
    j = jacobian(clearprop.relu)(x)
    assert j.tolist() == np.diag([1.0, 0.0, 1.0, 0.0]).tolist()
    assert (j @ upstream).tolist() == [4, 0, 5, 0]


def test_sweep_needs_no_jacobian() -> None:
    n = 1_000_000  # as a matrix the Jacobian would take 8 TB
    x = tensor(np.ones(n))
    g = np.ones(n)
    tracemalloc.start()
    try:
        clearprop.relu(x).backward(g)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * 8 * n
    assert x.grad.sum() == n


def test_layouts_of_the_jacobian() -> None:
    # y1 = x1·x2, y2 = x3² at (2, 3, 4): slopes of y1: 3, 2, 0; of y2: 0, 0, 8
    def y(x: Any) -> Any:
        return np.stack([x[0] * x[1], x[2] ** 2])

    x = np.array([2.0, 3.0, 4.0])
    assert jacobian(y)(x).tolist() == [[3, 2, 0], [0, 0, 8]]
    denominator = jacobian(y, layout="denominator")(x)
    assert denominator.tolist() == [[3, 0], [2, 0], [0, 8]]
    # downstream = Jacobian × upstream in this layout: (3·10, 2·10, 8·100)
    upstream = np.array([10.0, 100.0])
    assert (denominator @ upstream).tolist() == [30, 20, 800]
    assert vjp(y, x)[1](upstream)[0].tolist() == [30, 20, 800]


def test_product_of_matrices() -> None:
    x = np.array([[1.0, 2.0, 0.0], [-1.0, 0.0, 3.0]])
    w = np.array([[1.0, 0.0, 2.0, -1.0], [3.0, 1.0, 0.0, 2.0], [0.0, -2.0, 1.0, 1.0]])
    dy = np.array([[1.0, 2.0, -1.0, 3.0], [0.0, 1.0, 4.0, -2.0]])
    y, pullback = vjp(np.matmul, x, w)
    # row 1: 1·(1,0,2,−1) + 2·(3,1,0,2); row 2: −1·(1,0,2,−1) + 3·(0,−2,1,1)
    assert y.tolist() == [[7, 2, 2, 3], [-1, -6, 1, 4]]
    dx, dw = pullback(dy)
    # dx = dy Wᵀ: its first entry is (1,2,−1,3)·(1,0,2,−1) = 1 + 0 − 2 − 3 = −4
    assert dx.tolist() == [[-4, 11, -2], [10, -3, 0]]
    # dW = xᵀ dy: its rows are dy₁ − dy₂, 2 dy₁ and 3 dy₂
    assert dw.tolist() == [[1, 1, -5, 5], [2, 4, -2, 6], [0, 3, 12, -6]]
    # dy/dx₁₁ is a matrix: row 1 of W on top, zeros below; its inner product with dy is dL/dx₁₁
    piece = jacobian(np.matmul)(x, w)[:, :, 0, 0]
    assert piece.tolist() == [[1, 0, 2, -1], [0, 0, 0, 0]]
    assert np.sum(piece * dy) == -4


def test_row_vector_times_matrix() -> None:
    # d(xW)/dx is Wᵀ with outputs first, and W with inputs first
    w = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    x = np.ones(3)
    assert jacobian(np.matmul)(x, w).tolist() == w.T.tolist()
    assert jacobian(np.matmul, layout="denominator")(x, w).tolist() == w.tolist()


def test_product_plus_a_row(rng: np.random.Generator) -> None:
    a, b = rng.standard_normal((32, 64)), rng.standard_normal((64, 27))
    c = rng.standard_normal(27)
    # upstream g[i, j] = i (j + 1); 0 + 1 + … + 31 = 496
    g = np.outer(np.arange(32.0), np.arange(1.0, 28.0))
    d, pullback = vjp(lambda a, b, c: a @ b + c, a, b, c)
    da, db, dc = pullback(g)
    assert d.shape == (32, 27)
    assert (da.shape, db.shape, dc.shape) == ((32, 64), (64, 27), (27,))
    # the column sum of the upstream gradient, not of a
    assert dc.tolist() == [496.0 * j for j in range(1, 28)]
    np.testing.assert_allclose(da, np.einsum("ij,kj->ik", g, b), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(db, np.einsum("ik,ij->kj", a, g), rtol=1e-12, atol=1e-10)


def test_row_times_matrix() -> None:
    b = tensor(np.full((1, 64), 2.0))
    c = tensor(np.add.outer(np.arange(32.0), np.arange(64.0)))  # c[i, j] = i + j
    (b * c).sum().backward()
    # Σᵢ (i + j) = 496 + 32 j, and the axis stays
    assert b.grad.shape == (1, 64)
    assert b.grad.tolist() == [[496.0 + 32 * j for j in range(64)]]
    assert c.grad.tolist() == [[2.0] * 64] * 32


A = np.array([[1.0, 7.0, 3.0], [9.0, 2.0, 4.0], [5.0, 6.0, 8.0]])


def test_row_sums_spread() -> None:
    b, pullback = vjp(lambda a: a.sum(1, keepdims=True), A)
    assert b.tolist() == [[11], [15], [19]]
    assert pullback(np.ones((3, 1)))[0].tolist() == [[1] * 3] * 3
    assert pullback(np.array([[1.0], [2.0], [3.0]]))[0].tolist() == [[1] * 3, [2] * 3, [3] * 3]


def test_difference_of_a_matrix_and_a_column() -> None:
    c, pullback = vjp(np.subtract, A, np.array([[1.0], [2.0], [3.0]]))
    assert c.tolist() == [[0, 6, 2], [7, 0, 2], [2, 3, 5]]
    g = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [-1.0, 0.0, 0.5]])
    da, db = pullback(g)
    assert da.tolist() == g.tolist()
    assert db.tolist() == [[-6], [-60], [0.5]]  # minus the row sums


def test_row_maxima_route() -> None:
    b, pullback = vjp(lambda a: a.max(1, keepdims=True), A)
    assert b.tolist() == [[7], [9], [8]]
    g = np.array([[2.0], [3.0], [4.0]])
    assert pullback(g)[0].tolist() == [[0, 2, 0], [3, 0, 0], [0, 0, 4]]


# ---- linear regression

W_TRUE = np.array([[1.0, 1.0], [1.5, 1.5], [2.0, 3.0], [2.5, -0.5]])
B_TRUE = np.array([0.0, -1.0])


def mse(x: Any, w: Any, b: Any, y: Any) -> Any:
    return ((x @ w + b - y) ** 2).mean()


def test_one_step_of_regression_by_hand() -> None:
    x, w, b, y = np.array([[1.0, 2.0]]), np.array([[1.0], [0.5]]), np.zeros(1), np.ones((1, 1))
    # prediction 1 + 1 = 2, loss (2 − 1)² = 1, d prediction = 2 · 1 = 2
    loss, (dx, dw, db) = clearprop.value_and_grad(mse, (0, 1, 2))(x, w, b, y)
    assert loss == 1
    assert dw.tolist() == [[2], [4]]  # xᵀ · 2
    assert db.tolist() == [2]
    assert dx.tolist() == [[2, 1]]  # 2 · Wᵀ


def test_linear_regression(rng: np.random.Generator) -> None:
    n, h = 100, 2
    x = rng.uniform(-5, 5, (n, 4))
    y = x @ W_TRUE + B_TRUE
    start = rng.standard_normal((4, 2))
    w, b = tensor(start), tensor(np.zeros(2))
    losses = []
    for rate in [0.1] + [0.01] * 20:
        loss = mse(x, w, b, y)
        losses.append(loss.item())
        before = w.value.copy()
        loss.backward()
        assert np.array_equal(w.value, before), "the backward pass changes no parameter"
        dy = 2 * (x @ w.value + b.value - y) / (n * h)
        np.testing.assert_allclose(w.grad, x.T @ dy, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(b.grad, dy.sum(0), rtol=1e-12, atol=1e-13)
        with clearprop.no_grad():
            w -= rate * w.grad
            b -= rate * b.grad
        w.grad = b.grad = None
    assert all(after < before for before, after in pairwise(losses))
    assert losses[-1] < losses[0] / 50
    distance = np.abs(w.value - W_TRUE).max(), np.abs(start - W_TRUE).max()
    assert distance[0] < distance[1] / 5


def test_backward_where_nothing_needs_a_gradient() -> None:
    x, w = np.ones((2, 4)), tensor(W_TRUE, requires_grad=False)
    with pytest.raises(GradientError, match="requires no gradient"):
        mse(x, w, B_TRUE, np.ones((2, 2))).backward()
    w.requires_grad_()
    mse(x, w, B_TRUE, np.ones((2, 2))).backward()
    assert w.grad.shape == (4, 2)


# ---- further


def test_second_and_third_derivatives() -> None:
    # x³ + 2x² at 3: 3·9 + 4·3 = 39, 6·3 + 4 = 22, 6, 0
    d = [lambda x: x**3 + 2 * x**2]
    for _ in range(4):
        d.append(grad(d[-1]))
    assert [float(f(3.0)) for f in d] == [45, 39, 22, 6, 0]


def test_network_with_one_hidden_layer_learns() -> None:
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0, 1, 1, 0])  # exclusive or: no line separates it
    rng = np.random.default_rng(0)
    w1, b1 = tensor(rng.standard_normal((2, 8))), tensor(np.zeros(8))
    w2, b2 = tensor(rng.standard_normal((8, 2))), tensor(np.zeros(2))
    parameters = [w1, b1, w2, b2]
    losses = []
    for _ in range(200):
        scores = np.tanh(x @ w1 + b1) @ w2 + b2
        loss = -clearprop.log_softmax(scores)[np.arange(4), y].mean()
        losses.append(loss.item())
        loss.backward()
        with clearprop.no_grad():
            for p in parameters:
                p -= 0.5 * p.grad
                p.zero_grad()
    assert losses[-1] < 0.02
    assert losses[-1] < losses[0] / 20
    assert scores.argmax(1).tolist() == y.tolist()
