"""Ten functions that people write down, to be read as equations."""

from __future__ import annotations

from typing import Any

import numpy as np

import clearprop


def neuron(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
    s = w0 * x0 + w1 * x1 + w2
    return 1 / (1 + np.exp(-s))


def linear_mse(x: Any, w: Any, b: Any, y: Any) -> Any:
    y_hat = x @ w + b
    return ((y_hat - y) ** 2).mean()


def two_layers(x: Any, w1: Any, b1: Any, w2: Any, b2: Any, y: Any) -> Any:
    h = np.tanh(x @ w1 + b1)
    y_hat = h @ w2 + b2
    loss = ((y_hat - y) ** 2).sum() / len(x)
    return loss


def layernorm(x: Any, gamma: Any, beta: Any, y: Any) -> Any:
    mu = x.mean(-1, keepdims=True)
    v = ((x - mu) ** 2).mean(-1, keepdims=True)
    x_hat = (x - mu) / np.sqrt(v + 1e-5)
    z = x_hat * gamma + beta
    return (y * z).sum()


def logistic_regression(x: Any, w: Any, b: Any, y: Any) -> Any:
    p = clearprop.sigmoid(x @ w + b)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()


def softmax_cross_entropy(x: Any, w: Any, labels: Any) -> Any:
    logits = x @ w
    p = clearprop.softmax(logits)
    return -np.log(p[np.arange(5), labels]).mean()


def attention(q: Any, k: Any, v: Any, y: Any) -> Any:
    s = q @ k.T / np.sqrt(3)
    a = clearprop.softmax(s)
    z = a @ v
    return ((z - y) ** 2).sum()


def gaussian_mixture(x: Any, mu: Any, sigma: Any, log_pi: Any) -> Any:
    z = (x[:, None] - mu) / sigma
    log_p = log_pi - 0.5 * z**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    return -clearprop.logsumexp(log_p, axis=1).sum()


def huber(r: Any, delta: Any) -> Any:
    a = np.abs(r)
    return np.where(a <= delta, 0.5 * r**2, delta * (a - 0.5 * delta)).mean()


def rosenbrock(x: Any, y: Any) -> Any:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def draw(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).uniform(0.2, 0.8, shape)


CASES: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
    "neuron": (neuron, (0, 1, 2, 3, 4), (2.0, -1.0, -3.0, -2.0, -3.0)),
    "linear_mse": (linear_mse, (1, 2), (draw(5, 3), draw(3, 2), draw(2), draw(5, 2))),
    "two_layers": (
        two_layers,
        (1, 2, 3, 4),
        (draw(5, 3), draw(3, 4), draw(4), draw(4, 2), draw(2), draw(5, 2)),
    ),
    "layernorm": (layernorm, (0, 1, 2), (draw(5, 3), draw(3), draw(3), draw(5, 3))),
    "logistic_regression": (logistic_regression, (1, 2), (draw(5, 3), draw(3), 0.5, draw(5))),
    "softmax_cross_entropy": (
        softmax_cross_entropy,
        1,
        (draw(5, 3), draw(3, 4), np.array([0, 3, 1, 1, 2])),
    ),
    "attention": (attention, (0, 1, 2), (draw(5, 3), draw(4, 3), draw(4, 2), draw(5, 2))),
    "gaussian_mixture": (gaussian_mixture, (1, 2, 3), (draw(5), draw(3), draw(3), draw(3))),
    "huber": (huber, 0, (draw(5), 0.5)),
    "rosenbrock": (rosenbrock, (0, 1), (1.5, 2.0)),
}
