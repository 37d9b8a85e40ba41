"""The workloads in NumPy by hand, backward pass and all, as one would write them who needs no library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .workloads import NumPy, Workload, adam, chain, layers, logistic, momentum, neuron, rosenbrock

RATE = np.float32(0.01)


def _neuron(p: Any) -> Any:
    w0, x0, w1, x1, w2 = p
    f = 1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2)))
    ds = f * (1 - f)
    return f, (ds * x0, ds * w0, ds * x1, ds * w1, ds)


def _chain(x: Any) -> Any:
    y = np.tanh(np.float32(1.5) * x + np.float32(0.3)).astype(x.dtype)
    e, s, c = np.exp(-y * y), np.sin(x), np.cos(x)
    sigma = 1 / (1 + np.exp(-x))
    dy = e * s * (1 - 2 * y * y)
    dx = dy * (1 - y * y) * x.dtype.type(1.5) + e * y * c + sigma + x * sigma * (1 - sigma)
    return (e * s * y + x * sigma).sum(), dx


def _layers(p: Any, x: Any, labels: Any) -> Any:
    inputs = []
    for weight, bias in p[:-1]:
        inputs.append(x)
        x = np.maximum(x @ weight + bias, 0)
    weight, bias = p[-1]
    inputs.append(x)
    logits = x @ weight + bias
    shifted = logits - logits.max(1, keepdims=True)
    exps = np.exp(shifted)
    total = exps.sum(1, keepdims=True)
    rows = np.arange(len(labels))
    loss = (np.log(total[:, 0]) - shifted[rows, labels]).mean()
    g = exps / total
    g[rows, labels] -= 1
    g /= np.float32(len(labels))
    for (weight, bias), x in zip(reversed(p), reversed(inputs), strict=True):
        dw, db = x.T @ g, g.sum(0)
        if x is not inputs[0]:
            g = (g @ weight.T) * (x > 0)
        weight -= RATE * dw
        bias -= RATE * db
    return loss


def _logistic(theta: Any, x: Any, y: Any) -> Any:
    z = x @ theta
    small = np.exp(-np.abs(z))
    loss = (np.maximum(z, 0) - z * y + np.log1p(small)).mean()
    p = np.where(z >= 0, 1.0, small) / (1 + small)
    return loss, (p - y) @ x / len(y)


def _rosenbrock(x: Any) -> Any:
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    dx = np.zeros_like(x)
    dx[1:] = 200 * a
    dx[:-1] -= 400 * a * x[:-1] + 2 * b
    return (100 * a**2 + b**2).sum(), dx


BY_HAND: dict[Any, Callable[..., Any]] = {
    neuron: _neuron,
    chain: _chain,
    layers: _layers,
    logistic: _logistic,
    rosenbrock: _rosenbrock,
    momentum: momentum(NumPy()),
    adam: adam(NumPy()),
}
"""Those that were written; a batch-normalised step stands in `training_step`."""


def numpy_by_hand(workload: Workload, arguments: tuple[Any, ...]) -> Callable[[], Any]:
    """Return a call of the hand-written code on these arguments."""
    if workload.function not in BY_HAND or workload.kind == "hvp":
        raise NotImplementedError
    f = BY_HAND[workload.function]
    return lambda: f(*arguments)
