"""One training step of a small network, eagerly: what a step costs beside its arithmetic.

The model is the one of many a first course on language models: three characters, embedded in ten
numbers each, a hidden layer with batch normalisation, and a softmax over the next character.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .measure import Check, Report, installed, interleaved

BATCH, INPUTS, HIDDEN, CLASSES = 32, 30, 64, 27
RATE = np.float32(0.01)

_rng = np.random.default_rng(0)
X = _rng.standard_normal((BATCH, INPUTS)).astype(np.float32)
LABELS = _rng.integers(0, CLASSES, BATCH)
ROWS = np.arange(BATCH)
START = {
    "w1": (_rng.standard_normal((INPUTS, HIDDEN)) * 0.1).astype(np.float32),
    "b1": (_rng.standard_normal(HIDDEN) * 0.1).astype(np.float32),
    "gain": np.ones((1, HIDDEN), np.float32),
    "bias": np.zeros((1, HIDDEN), np.float32),
    "w2": (_rng.standard_normal((HIDDEN, CLASSES)) * 0.1).astype(np.float32),
    "b2": (_rng.standard_normal(CLASSES) * 0.1).astype(np.float32),
}

Step = Callable[[], Any]
"""Makes one step on parameters of its own and returns the loss before it."""


def loss_of(p: Any) -> Any:
    """Return the loss in NumPy's words, and one of Clearprop's, as PyTorch has it."""
    import clearprop

    h = X @ p["w1"] + p["b1"]
    mean = h.mean(0, keepdims=True)
    var = h.var(0, ddof=1, keepdims=True)
    normal = p["gain"] * (h - mean) / np.sqrt(var + 1e-5) + p["bias"]
    logits = np.tanh(normal) @ p["w2"] + p["b2"]
    return clearprop.cross_entropy(logits, LABELS)


def clearprop_eager() -> Step:
    import clearprop

    parameters = {name: clearprop.tensor(value) for name, value in START.items()}

    def step() -> Any:
        loss = loss_of(parameters)
        loss.backward()
        with clearprop.no_grad():
            for p in parameters.values():
                p -= RATE * p.grad
                p.grad = None
        return loss

    return step


def clearprop_functional() -> Step:
    import clearprop

    parameters = {name: value.copy() for name, value in START.items()}
    loss_and_gradient = clearprop.value_and_grad(loss_of)

    def step() -> Any:
        loss, gradient = loss_and_gradient(parameters)
        for name, p in parameters.items():
            p -= RATE * gradient[name]
        return loss

    return step


def pytorch_eager() -> Step:
    import torch

    torch.set_num_threads(1)  # where it is fastest: sharing out work this small only costs
    x, labels = torch.tensor(X), torch.tensor(LABELS)
    p = {name: torch.tensor(value, requires_grad=True) for name, value in START.items()}

    def step() -> Any:
        h = x @ p["w1"] + p["b1"]
        mean = h.mean(0, keepdim=True)
        var = h.var(0, keepdim=True, correction=1)
        normal = p["gain"] * (h - mean) / torch.sqrt(var + 1e-5) + p["bias"]
        logits = torch.tanh(normal) @ p["w2"] + p["b2"]
        loss = torch.nn.functional.cross_entropy(logits, labels)
        loss.backward()
        with torch.no_grad():
            for parameter in p.values():
                parameter -= 0.01 * parameter.grad
                parameter.grad = None
        return loss.detach()

    return step


def hips_autograd() -> Step:
    import autograd.numpy as anp
    from autograd import value_and_grad

    def loss(p: Any) -> Any:
        h = anp.dot(X, p["w1"]) + p["b1"]
        mean = anp.mean(h, 0, keepdims=True)
        var = anp.var(h, 0, keepdims=True, ddof=1)
        normal = p["gain"] * (h - mean) / anp.sqrt(var + 1e-5) + p["bias"]
        logits = anp.dot(anp.tanh(normal), p["w2"]) + p["b2"]
        shifted = logits - anp.max(logits, 1, keepdims=True)
        log_p = shifted - anp.log(anp.sum(anp.exp(shifted), 1, keepdims=True))
        return -anp.mean(log_p[ROWS, LABELS])

    parameters = {name: value.copy() for name, value in START.items()}
    loss_and_gradient = value_and_grad(loss)

    def step() -> Any:
        value, gradient = loss_and_gradient(parameters)
        for name, p in parameters.items():
            p -= RATE * gradient[name]
        return value

    return step


def numpy_by_hand() -> Step:
    """Forward and backward written out, simplified on paper: what an expert would write."""
    w1, b1, gain, bias, w2, b2 = parameters = [value.copy() for value in START.values()]
    n = BATCH

    def step() -> Any:
        h = X @ w1 + b1
        centred = h - h.mean(0, keepdims=True)
        scale = ((centred * centred).sum(0, keepdims=True) / (n - 1) + 1e-5) ** -0.5
        raw = centred * scale
        a = np.tanh(gain * raw + bias)
        logits = a @ w2 + b2
        logits -= logits.max(1, keepdims=True)
        p = np.exp(logits)
        total = p.sum(1, keepdims=True)
        loss = (np.log(total[:, 0]) - logits[ROWS, LABELS]).mean()

        p /= total
        p[ROWS, LABELS] -= 1
        p /= n
        dw2, db2 = a.T @ p, p.sum(0)
        dnormal = (1 - a * a) * (p @ w2.T)
        dgain, dbias = (raw * dnormal).sum(0, keepdims=True), dnormal.sum(0, keepdims=True)
        dh = gain * scale / n * (n * dnormal - dbias - n / (n - 1) * raw * dgain)
        dw1, db1 = X.T @ dh, dh.sum(0)
        for parameter, gradient in zip(parameters, (dw1, db1, dgain, dbias, dw2, db2), strict=True):
            parameter -= RATE * gradient
        return loss

    return step


PEERS = {"PyTorch eager": ("torch", pytorch_eager), "HIPS autograd": ("autograd", hips_autograd)}


def run(*, quick: bool = False) -> Report:
    """Measure it; all contenders must find the same losses first."""
    builders = {"clearprop eager": clearprop_eager, "clearprop functional": clearprop_functional}
    peers = [name for name, (module, _) in PEERS.items() if installed(module)]
    builders |= {name: PEERS[name][1] for name in peers}
    builders["NumPy by hand"] = numpy_by_hand
    steps = {name: build() for name, build in builders.items()}
    losses = {name: [float(step()) for _ in range(3)] for name, step in steps.items()}
    for name, found in losses.items():
        np.testing.assert_allclose(found, losses["NumPy by hand"], rtol=1e-4, err_msg=name)
    rounds, seconds = (3, 0.002) if quick else (101, 0.02)
    numbers = {
        name: 1e6 * t for name, t in interleaved(steps, rounds=rounds, seconds=seconds).items()
    }
    ours = numbers["clearprop eager"]
    limits = {"PyTorch eager": 0.65, "HIPS autograd": 0.25}
    return Report(
        "Training step of a small network",
        "µs per step",
        numbers,
        ours="clearprop eager",
        checks=[Check(f"eager step ÷ {p}", ours / numbers[p], limits[p]) for p in peers],
        note=f"batch {BATCH}, {INPUTS}→{HIDDEN}, batch normalisation, tanh, {HIDDEN}→{CLASSES}, "
        "cross-entropy, SGD, float32; PyTorch with one thread, where it is fastest",
        peers=peers,
    )
