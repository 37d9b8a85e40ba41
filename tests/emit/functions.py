"""Functions as people write them, each with the arguments that its source is made for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import clearprop


class Example(NamedTuple):
    """A function and how its source is asked for."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: Any = None


EXAMPLES: dict[str, Example] = {}


def example(*args: Any, argnums: Any = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: note a function; a tuple among the arguments is a shape to be drawn."""

    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        rng = np.random.default_rng(len(EXAMPLES))
        drawn = [_draw(rng, a) for a in args]
        EXAMPLES[function.__name__] = Example(function, tuple(drawn), argnums)
        return function

    return note


def _draw(rng: np.random.Generator, a: Any) -> Any:
    if isinstance(a, tuple):
        return 0.5 * rng.standard_normal(a)
    if isinstance(a, dict):
        return {key: _draw(rng, value) for key, value in a.items()}
    return a(rng) if callable(a) else a


def labels(n: int, *shape: int) -> Callable[[np.random.Generator], Any]:
    """Whole numbers below `n`."""
    return lambda rng: rng.integers(0, n, shape)


def bits(*shape: int) -> Callable[[np.random.Generator], Any]:
    """Zeros and ones, as floats."""
    return lambda rng: rng.integers(0, 2, shape).astype(float)


def positive(*shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.uniform(0.5, 1.5, shape)


@example(2.0, -1.0, -3.0, -2.0, -3.0)
def neuron(w0: float, x0: float, w1: float, x1: float, w2: float) -> Any:
    s0 = w0 * x0 + w1 * x1 + w2
    s1 = -s0
    s2 = np.exp(s1)
    s3 = 1 + s2
    out = 1 / s3
    return out


@example((32, 5), (5,), 0.5, (32,), argnums=("w", "b"))
def linear_regression(x: Any, w: Any, b: Any, y: Any) -> Any:
    prediction = x @ w + b
    loss = np.mean((prediction - y) ** 2)
    return loss


@example((64, 10), (10, 20), (20,), (20, 1), (1,), (64, 1), argnums=("W1", "b1", "W2", "b2"))
def two_layers(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, y: Any) -> Any:
    h = np.maximum(x @ W1 + b1, 0)
    prediction = h @ W2 + b2
    loss = np.mean((prediction - y) ** 2)
    return loss


@example(
    {
        "C": (27, 10),
        "W1": (30, 64),
        "b1": (64,),
        "bngain": (1, 64),
        "bnbias": (1, 64),
        "W2": (64, 27),
        "b2": (27,),
    },
    labels(27, 32, 3),
    labels(27, 32),
)
def by_hand(params: Any, Xb: Any, Yb: Any) -> Any:
    C, W1, b1 = params["C"], params["W1"], params["b1"]
    bngain, bnbias = params["bngain"], params["bnbias"]
    W2, b2 = params["W2"], params["b2"]
    n = len(Xb)
    emb = C[Xb]
    embcat = emb.reshape(n, -1)
    hprebn = embcat @ W1 + b1
    bnmeani = 1 / n * hprebn.sum(0, keepdims=True)
    bndiff = hprebn - bnmeani
    bndiff2 = bndiff**2
    bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdims=True)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = bngain * bnraw + bnbias
    h = np.tanh(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdims=True)
    norm_logits = logits - logit_maxes
    counts = np.exp(norm_logits)
    counts_sum = counts.sum(1, keepdims=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = np.log(probs)
    loss = -logprobs[np.arange(n), Yb].mean()
    return loss


@example((16, 12), (12,), (12,), (16, 12), argnums=("x", "gain", "bias"))
def layernorm(x: Any, gain: Any, bias: Any, target: Any) -> Any:
    mean = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    xhat = (x - mean) / np.sqrt(var + 1e-5)
    out = gain * xhat + bias
    return np.sum((out - target) ** 2)


@example((10, 16), (16, 8), (16, 8), (16, 8), (10, 8), argnums=("x", "Wq", "Wk", "Wv"))
def attention(x: Any, Wq: Any, Wk: Any, Wv: Any, target: Any) -> Any:
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    scores = q @ k.T / np.sqrt(q.shape[1])
    mask = np.tri(len(x), dtype=bool)
    scores = np.where(mask, scores, -1e9)
    weights = clearprop.softmax(scores)
    out = weights @ v
    return np.mean((out - target) ** 2)


@example((8, 6), (8, 5), (8, 5), (6, 20), (5, 20), (20,), (8, 5))
def lstm_cell(x: Any, h: Any, c: Any, W: Any, U: Any, b: Any, target: Any) -> Any:
    n = h.shape[1]
    gates = x @ W + h @ U + b
    i = clearprop.sigmoid(gates[:, :n])
    f = clearprop.sigmoid(gates[:, n : 2 * n])
    o = clearprop.sigmoid(gates[:, 2 * n : 3 * n])
    g = np.tanh(gates[:, 3 * n :])
    c_new = f * c + i * g
    h_new = o * np.tanh(c_new)
    return np.sum((h_new - target) ** 2)


@example((50, 2), (3,), (3, 2), (3, 2), argnums=("logits", "means", "log_sds"))
def gaussian_mixture(x: Any, logits: Any, means: Any, log_sds: Any) -> Any:
    z = (x[:, None, :] - means) / np.exp(log_sds)
    log_density = -0.5 * (z**2).sum(2) - log_sds.sum(1) - np.log(2 * np.pi)
    joint = clearprop.log_softmax(logits) + log_density
    return -np.mean(clearprop.logsumexp(joint, axis=1))


@example((40,), (40,), argnums=("prediction",))
def huber(prediction: Any, target: Any) -> Any:
    r = prediction - target
    a = np.abs(r)
    return np.mean(np.where(a <= 0.5, 0.5 * r**2, 0.5 * (a - 0.25)))


@example((12, 12), (3, 3), (10, 10))
def convolution(image: Any, kernel: Any, target: Any) -> Any:
    out = 0.0
    for i in range(3):
        for j in range(3):
            out = out + kernel[i, j] * image[i : i + 10, j : j + 10]
    return np.mean((out - target) ** 2)


@example((4,), (4, 4), (4, 4), (4, 4), (2, 4), (2, 2), (2,), (4,), argnums=("x", "F", "H"))
def kalman_step(x: Any, P: Any, F: Any, Q: Any, H: Any, R: Any, z: Any, truth: Any) -> Any:
    x_pred = F @ x
    P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T
    S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]
    adjugate = np.stack([np.stack([S[1, 1], -S[0, 1]]), np.stack([-S[1, 0], S[0, 0]])])
    K = P_pred @ H.T @ adjugate / det
    x_new = x_pred + K @ (z - H @ x_pred)
    return np.sum((x_new - truth) ** 2)


@example((4,), (3,), (3,), argnums=("q", "v"))
def quaternion_rotation(q: Any, v: Any, target: Any) -> Any:
    unit = q / np.sqrt(np.sum(q**2))
    w, u = unit[0], unit[1:]
    uv = u @ v
    cross = np.stack(
        [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
    )
    rotated = 2 * uv * u + (w**2 - u @ u) * v + 2 * w * cross
    return np.sum((rotated - target) ** 2)


@example((100, 5), (5,), 0.1, bits(100), argnums=("w", "b"))
def logistic_regression(x: Any, w: Any, b: Any, y: Any) -> Any:
    p = 1 / (1 + np.exp(-(x @ w + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss


@example((6,))
def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@example((50, 8), (8, 5), (5,), labels(5, 50), argnums=("W", "b"))
def softmax_regression(x: Any, W: Any, b: Any, y: Any) -> Any:
    logits = x @ W + b
    loss = clearprop.cross_entropy(logits, y)
    return loss


@example((20, 3), (15, 3), (15,), 0.7, (20,), argnums=("alpha", "length"))
def rbf_kernel(x: Any, centres: Any, alpha: Any, length: Any, y: Any) -> Any:
    d2 = ((x[:, None, :] - centres[None, :, :]) ** 2).sum(2)
    K = np.exp(-d2 / (2 * length**2))
    return np.mean((K @ alpha - y) ** 2)


@example((12, 3), (9, 3), (12, 9), bits(12, 9), argnums=("U", "V"))
def matrix_factorisation(U: Any, V: Any, ratings: Any, seen: Any) -> Any:
    error = seen * (U @ V.T - ratings)
    return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2))


@example((7,), (7,))
def cosine_similarity(a: Any, b: Any) -> Any:
    norm_a = np.sqrt(np.sum(a**2))
    norm_b = np.sqrt(np.sum(b**2))
    return a @ b / (norm_a * norm_b)


@example((30,), bits(30), argnums=("z",))
def focal_loss(z: Any, y: Any) -> Any:
    p = clearprop.sigmoid(z)
    pt = y * p + (1 - y) * (1 - p)
    return -np.mean((1 - pt) ** 2 * np.log(pt))


@example((8, 6), (8, 5), (6, 15), (5, 10), (5, 5), (15,), (8, 5))
def gru_cell(x: Any, h: Any, W: Any, U: Any, Un: Any, b: Any, target: Any) -> Any:
    a = x @ W + b
    s = h @ U
    z = clearprop.sigmoid(a[:, :5] + s[:, :5])
    r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:])
    n = np.tanh(a[:, 10:] + r * (h @ Un))
    h_new = (1 - z) * n + z * h
    return np.sum((h_new - target) ** 2)


@example((32, 10), (10,), (10,), (32, 10), argnums=("x", "gamma", "beta"))
def batchnorm(x: Any, gamma: Any, beta: Any, target: Any) -> Any:
    mu = x.mean(0)
    xmu = x - mu
    var = (xmu**2).mean(0)
    ivar = 1 / np.sqrt(var + 1e-5)
    xhat = xmu * ivar
    out = gamma * xhat + beta
    return np.mean((out - target) ** 2)


@example((30,), (30,), argnums=("x",))
def standardisation(x: Any, target: Any) -> Any:
    z = (x - x.mean()) / x.std()
    return np.sum(z * target) + np.var(x)


@example((4,), (25,), (25,), argnums=("coefficients",))
def polynomial_fit(coefficients: Any, x: Any, y: Any) -> Any:
    p = coefficients[3]
    for k in (2, 1, 0):
        p = p * x + coefficients[k]
    return np.mean((p - y) ** 2)


@example((6, 20), positive(6), 2.0)
def logsumexp_pooling(x: Any, w: Any, beta: float) -> Any:
    m = (beta * x).max(axis=1)
    pooled = (m + np.log(np.exp(beta * x - m[:, None]).sum(axis=1))) / beta
    return pooled @ w


@example((10, 4), (10, 4), (10, 4))
def triplet_loss(anchor: Any, positive: Any, negative: Any) -> Any:
    near = ((anchor - positive) ** 2).sum(1)
    far = ((anchor - negative) ** 2).sum(1)
    return np.mean(clearprop.relu(near - far + 0.5))
