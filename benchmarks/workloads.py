"""What is compiled and compared: each function written once, over the array module of each contender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Function = Callable[..., Any]


class NumPy:
    """The words of the workloads, in NumPy; other contenders have the same words."""

    xp: Any = np

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        import clearprop

        return clearprop.cross_entropy(logits, labels)

    def logsumexp(self, x: Any, axis: int) -> Any:
        import clearprop

        return clearprop.logsumexp(x, axis)

    def sigmoid(self, x: Any) -> Any:
        import clearprop

        return clearprop.sigmoid(x)

    def var(self, x: Any) -> Any:
        return x.var(0, ddof=1, keepdims=True)

    def mean(self, x: Any) -> Any:
        return x.mean(0, keepdims=True)

    def relu(self, x: Any) -> Any:
        return self.xp.maximum(x, 0)

    def constant(self, x: Any) -> Any:
        return x

    def scan(self, step: Any, init: Any, xs: Any, length: int | None = None) -> Any:
        import clearprop

        return clearprop.scan(step, init, xs, length)


class Jax(NumPy):
    def __init__(self) -> None:
        import jax

        self.jax, self.xp = jax, jax.numpy

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        log_p = self.jax.nn.log_softmax(logits)
        return -log_p[self.xp.arange(len(labels)), labels].mean()

    def logsumexp(self, x: Any, axis: int) -> Any:
        return self.jax.nn.logsumexp(x, axis=axis)

    def sigmoid(self, x: Any) -> Any:
        return self.jax.nn.sigmoid(x)

    def scan(self, step: Any, init: Any, xs: Any, length: int | None = None) -> Any:
        return self.jax.lax.scan(step, init, xs, length)


class Torch(NumPy):
    def __init__(self) -> None:
        import torch

        self.xp = torch

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        return self.xp.nn.functional.cross_entropy(logits, labels)

    def logsumexp(self, x: Any, axis: int) -> Any:
        return self.xp.logsumexp(x, axis)

    def sigmoid(self, x: Any) -> Any:
        return self.xp.sigmoid(x)

    def var(self, x: Any) -> Any:
        return x.var(0, correction=1, keepdim=True)

    def mean(self, x: Any) -> Any:
        return x.mean(0, keepdim=True)

    def relu(self, x: Any) -> Any:
        return self.xp.relu(x)

    def constant(self, x: Any) -> Any:
        return self.xp.tensor(x)

    def scan(self, step: Any, init: Any, xs: Any, length: int | None = None) -> Any:
        return _plain_scan(self.xp.stack, step, init, xs, length)


class Autograd(NumPy):
    def __init__(self) -> None:
        import autograd.numpy

        self.xp = autograd.numpy

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        shifted = logits - self.xp.max(logits, 1, keepdims=True)
        log_p = shifted - self.xp.log(self.xp.sum(self.xp.exp(shifted), 1, keepdims=True))
        return -self.xp.mean(log_p[np.arange(len(labels)), labels])

    def logsumexp(self, x: Any, axis: int) -> Any:
        top = self.xp.max(x, axis, keepdims=True)
        total = self.xp.sum(self.xp.exp(x - top), axis, keepdims=True)
        return (self.xp.log(total) + top)[:, 0]

    def sigmoid(self, x: Any) -> Any:
        return 1 / (1 + self.xp.exp(-x))

    def var(self, x: Any) -> Any:
        return self.xp.var(x, 0, ddof=1, keepdims=True)

    def mean(self, x: Any) -> Any:
        return self.xp.mean(x, 0, keepdims=True)

    def scan(self, step: Any, init: Any, xs: Any, length: int | None = None) -> Any:
        return _plain_scan(self.xp.stack, step, init, xs, length)


def _plain_scan(stack: Any, step: Any, carry: Any, xs: Any, length: int | None) -> Any:
    """Do what the loop says in Python, for those who have nothing better; `xs` may be a tuple of arrays."""
    collected = []
    columns = xs if isinstance(xs, tuple) else (xs,)
    for t in range(len(columns[0]) if length is None else length):
        entry = None if xs is None else tuple(x[t] for x in columns)
        carry, y = step(carry, entry if isinstance(xs, tuple) or xs is None else entry[0])
        collected.append(y)
    return carry, None if y is None else stack(collected)


@dataclass(frozen=True)
class Workload:
    """A function of the first argument's gradient, and arguments for it.

    `kind`: "step" (value, gradient, and the parameters less a little of it), "gradient" (value and
    gradient), "hvp" (a Hessian-vector product along the last argument), "update" (no gradient at all).
    """

    name: str
    function: Callable[[Any], Function]
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]
    kind: str
    bar: float
    """The least wanted of: time of the best peer ÷ ours."""


def _f32(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Any:
    return (rng.standard_normal(shape) * scale).astype(np.float32)


# ---- networks


def batchnorm_network(w: Any) -> Function:
    def loss(p: Any, x: Any, labels: Any) -> Any:
        h = x @ p["w1"] + p["b1"]
        normal = p["gain"] * (h - w.mean(h)) / w.xp.sqrt(w.var(h) + 1e-5) + p["bias"]
        return w.cross_entropy(w.xp.tanh(normal) @ p["w2"] + p["b2"], labels)

    return loss


def _batchnorm_arguments(rng: np.random.Generator) -> tuple[Any, ...]:
    p = {
        "w1": _f32(rng, 30, 64, scale=0.1),
        "b1": _f32(rng, 64, scale=0.1),
        "gain": np.ones((1, 64), np.float32),
        "bias": np.zeros((1, 64), np.float32),
        "w2": _f32(rng, 64, 27, scale=0.1),
        "b2": _f32(rng, 27, scale=0.1),
    }
    return p, _f32(rng, 32, 30), rng.integers(0, 27, 32)


def layers(w: Any) -> Function:
    def loss(p: Any, x: Any, labels: Any) -> Any:
        for weight, bias in p[:-1]:
            x = w.relu(x @ weight + bias)
        weight, bias = p[-1]
        return w.cross_entropy(x @ weight + bias, labels)

    return loss


def _layers_arguments(batch: int, *sizes: int) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        p = [(_f32(rng, m, n, scale=m**-0.5), np.zeros(n, np.float32)) for m, n in pairwise(sizes)]
        return p, _f32(rng, batch, sizes[0]), rng.integers(0, sizes[-1], batch)

    return draw


def lstm(w: Any) -> Function:
    def loss(p: Any, xs: Any, h: Any, c: Any) -> Any:
        n = h.shape[1]
        for t in range(20):
            gates = xs[t] @ p["wx"] + h @ p["wh"] + p["b"]
            i, f = w.sigmoid(gates[:, :n]), w.sigmoid(gates[:, n : 2 * n])
            o, g = w.sigmoid(gates[:, 2 * n : 3 * n]), w.xp.tanh(gates[:, 3 * n :])
            c = f * c + i * g
            h = o * w.xp.tanh(c)
        return (h * h).sum()

    return loss


def _lstm_arguments(rng: np.random.Generator) -> tuple[Any, ...]:
    n = 64
    p = {"wx": _f32(rng, n, 4 * n, scale=0.1), "wh": _f32(rng, n, 4 * n, scale=0.1)}
    p["b"] = np.zeros(4 * n, np.float32)
    return p, _f32(rng, 20, 16, n), np.zeros((16, n), np.float32), np.zeros((16, n), np.float32)


# ---- small and elementwise


def neuron(w: Any) -> Function:
    def f(p: Any) -> Any:
        w0, x0, w1, x1, w2 = p
        return 1 / (1 + w.xp.exp(-(w0 * x0 + w1 * x1 + w2)))

    return f


def chain(w: Any) -> Function:
    def f(x: Any) -> Any:
        y = w.xp.tanh(1.5 * x + 0.3)
        return (w.xp.exp(-y * y) * w.xp.sin(x) * y + x * w.sigmoid(x)).sum()

    return f


def momentum(w: Any) -> Function:
    def update(p: Any, v: Any, g: Any) -> Any:
        v = 0.9 * v + g
        return p - 0.01 * v, v

    return update


def adam(w: Any) -> Function:
    def update(p: Any, m: Any, v: Any, g: Any) -> Any:
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        return p - 0.001 * (m / 0.9) / (w.xp.sqrt(v / 0.99) + 1e-8), m, v

    return update


# ---- science


def mixture(w: Any) -> Function:
    """Log-likelihood of a Gaussian mixture with full covariances, up to a constant."""

    def f(p: Any, x: Any) -> Any:
        weights, means, factors = p  # (k,), (k, d), (k, d, d)
        centred = x[None, :, :] - means[:, None, :]  # (k, n, d)
        scaled = centred @ factors
        distance = (scaled * scaled).sum(-1)
        return -w.logsumexp((weights[:, None] - 0.5 * distance).T, 1).sum()

    return f


def logistic(w: Any) -> Function:
    def loss(theta: Any, x: Any, y: Any) -> Any:
        z = x @ theta
        return (w.xp.maximum(z, 0 * z) - z * y + w.xp.log1p(w.xp.exp(-w.xp.abs(z)))).mean()

    return loss


def kalman_filter(w: Any) -> Function:
    """Log-likelihood of a linear state space model, up to a constant."""
    solve, slogdet = w.xp.linalg.solve, w.xp.linalg.slogdet

    def f(a: Any, seen: Any, c: Any, noise: Any, noise_seen: Any) -> Any:
        x, p, total = 0 * a[0], noise, 0.0
        for y in seen:
            x, p = a @ x, a @ p @ a.T + noise
            s, misfit = c @ p @ c.T + noise_seen, y - c @ x
            gain = solve(s, c @ p).T
            total = total - 0.5 * (misfit @ solve(s, misfit) + slogdet(s)[1])
            x, p = x + gain @ misfit, p - gain @ c @ p
        return total

    return f


def rosenbrock(w: Any) -> Function:
    def f(x: Any) -> Any:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    return f


def _normal(
    *shape: int, dtype: str = "float32"
) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    return lambda rng: (rng.standard_normal(shape).astype(dtype),)


def _several(count: int, size: int) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    return lambda rng: tuple(np.abs(_f32(rng, size)) for _ in range(count))


def _mixture_arguments(n: int) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        d, k = 10, 25
        p = (
            rng.standard_normal(k),
            rng.standard_normal((k, d)),
            rng.standard_normal((k, d, d)) * 0.3,
        )
        return p, rng.standard_normal((n, d))

    return draw


def _logistic_arguments(rng: np.random.Generator) -> tuple[Any, ...]:
    x = rng.standard_normal((100_000, 50))
    return rng.standard_normal(50) * 0.1, x, (rng.random(100_000) < 0.5).astype(float)


def _small_logistic_arguments(rng: np.random.Generator) -> tuple[Any, ...]:
    x = rng.standard_normal((569, 30))
    return rng.standard_normal(30) * 0.1, x, (rng.random(569) < 0.5).astype(float)


def _filter_arguments(rng: np.random.Generator) -> tuple[Any, ...]:
    n, m, steps = 4, 2, 20
    a, c = np.eye(n) * 0.9 + rng.standard_normal((n, n)) * 0.05, rng.standard_normal((m, n))
    return a, rng.standard_normal((steps, m)), c, np.eye(n) * 0.1, np.eye(m) * 0.5


def _with_direction(
    draw: Callable[[np.random.Generator], tuple[Any, ...]],
) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    def more(rng: np.random.Generator) -> tuple[Any, ...]:
        arguments = draw(rng)
        return (*arguments, rng.standard_normal(arguments[0].shape).astype(arguments[0].dtype))

    return more


def _neuron_arguments(rng: np.random.Generator) -> tuple[Any, ...]:
    return (tuple(np.float64(x) for x in (2.0, -1.0, -3.0, -2.0, -3.0)),)


WORKLOADS = (
    Workload("training step, batch 32", batchnorm_network, _batchnorm_arguments, "step", 8),
    Workload("sigmoid neuron", neuron, _neuron_arguments, "gradient", 10),
    Workload("chain, 8,192 float32", chain, _normal(8192), "gradient", 5),
    Workload("chain, 1e6 float32", chain, _normal(1_000_000), "gradient", 5),
    Workload("chain, 8,192 float64", chain, _normal(8192, dtype="float64"), "gradient", 5),
    Workload("chain, 1e6 float64", chain, _normal(1_000_000, dtype="float64"), "gradient", 5),
    Workload("momentum, 8M", momentum, _several(3, 8_000_000), "update", 1.1),
    Workload("Adam, 8M", adam, _several(4, 8_000_000), "update", 1.1),
    Workload("digits 64→128→10, batch 64", layers, _layers_arguments(64, 64, 128, 10), "step", 3),
    Workload("784→256→10, batch 128", layers, _layers_arguments(128, 784, 256, 10), "step", 1.3),
    Workload(
        "1024→1024→1024, batch 256", layers, _layers_arguments(256, 1024, 1024, 1024), "step", 1.05
    ),
    Workload("Gaussian mixture, n=1,000", mixture, _mixture_arguments(1000), "gradient", 2),
    Workload("Gaussian mixture, n=10,000", mixture, _mixture_arguments(10_000), "gradient", 2),
    Workload("logistic regression", logistic, _logistic_arguments, "gradient", 1.5),
    Workload("logistic regression, 569×30", logistic, _small_logistic_arguments, "gradient", 1.5),
    Workload("Kalman filter, 20 steps", kalman_filter, _filter_arguments, "gradient", 3),
    Workload(
        "logistic regression, hvp", logistic, _with_direction(_logistic_arguments), "hvp", 1.5
    ),
    Workload("LSTM, 20 steps", lstm, _lstm_arguments, "gradient", 3),
    Workload("Rosenbrock, 1,000", rosenbrock, _normal(1000, dtype="float64"), "gradient", 5),
    Workload(
        "Rosenbrock, 1,000, hvp",
        rosenbrock,
        _with_direction(_normal(1000, dtype="float64")),
        "hvp",
        5,
    ),
)
