"""The gradient of a few large layers, where the matrix products should be all that counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .measure import Check, Report, installed, interleaved


def _arrays(batch: int, width: int, layers: int) -> tuple[Any, list[Any]]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, width)).astype(np.float32)
    weights = [
        (rng.standard_normal((width, width)) / np.sqrt(width)).astype(np.float32)
        for _ in range(layers)
    ]
    return x, weights


def loss_of(x: Any, weights: list[Any]) -> Any:
    """Layers of products and tanh, then the mean square."""
    for w in weights:
        x = np.tanh(x @ w)
    return (x * x).mean()


def _pytorch(x: Any, weights: list[Any]) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    x = torch.tensor(x)
    weights = [torch.tensor(w, requires_grad=True) for w in weights]

    def gradient() -> Any:
        h = x
        for w in weights:
            h = torch.tanh(h @ w)
            w.grad = None
        (h * h).mean().backward()
        return [w.grad for w in weights]

    return gradient


def run(*, quick: bool = False) -> Report:
    """Measure forward in plain NumPy, and forward and backward in Clearprop and PyTorch."""
    import clearprop

    batch, width, layers = (8, 16, 3) if quick else (256, 1024, 3)
    x, weights = _arrays(batch, width, layers)
    tensors = [clearprop.tensor(w) for w in weights]

    def clearprop_eager() -> Any:
        for w in tensors:
            w.grad = None
        loss_of(x, tensors).backward()
        return [w.grad for w in tensors]

    contenders: dict[str, Callable[[], Any]] = {
        "NumPy, forward only": lambda: loss_of(x, weights),
        "clearprop, forward only": lambda: loss_of(x, tensors),
        "clearprop": clearprop_eager,
    }
    peers = []
    if installed("torch"):
        peers = ["PyTorch"]
        contenders["PyTorch"] = _pytorch(x, weights)
        for ours, theirs in zip(clearprop_eager(), contenders["PyTorch"](), strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-6)
    rounds, seconds, pause = (3, 0.001, 0) if quick else (41, 0.05, 0.1)
    found = interleaved(contenders, rounds=rounds, seconds=seconds, pause=pause)
    forward = found["NumPy, forward only"]
    backward = found["clearprop"] - found["clearprop, forward only"]
    return Report(
        "Gradient of large layers",
        "ms",
        {name: 1e3 * t for name, t in found.items()},
        ours="clearprop",
        checks=[Check("backward pass ÷ forward pass in NumPy", backward / forward, 2.5)],
        note=f"batch {batch}, {layers} layers {width}→{width} with tanh, float32; the forward "
        f"pass needs {layers} matrix products, forward and backward need {3 * layers - 1}",
        peers=peers,
    )
