"""Random programs of array operations, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import clearprop

Step = Callable[[list[Any]], Any]

UNARY: list[Callable[[Any], Any]] = [
    np.tanh,
    np.exp,
    clearprop.sigmoid,
    np.sin,
    lambda x: -x,
    lambda x: x * x,
    lambda x: np.log1p(np.abs(x)),
    lambda x: np.sqrt(np.abs(x) + 0.5),
    lambda x: 1 / (1 + x * x),
    lambda x: np.maximum(x, 0.1),
    lambda x: np.where(x > 0, x, 0.5 * x),
]
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (2 + y * y),
    np.maximum,
    lambda x, y: np.where(x > y, x * y, y),
]
SHAPES = [(), (5,), (1, 5), (7, 1), (7, 5), (3, 7, 5), (5, 7), (33,), (7, 33)]


class Program:
    """A chain of random steps on random inputs; calling it gives one number."""

    def __init__(self, seed: int, length: int = 14, dtype: str = "float64") -> None:
        self.rng = np.random.default_rng(seed)
        self.inputs = [self._draw(dtype) for _ in range(self.rng.integers(1, 5))]
        self.steps: list[Step] = []
        values: list[Any] = list(self.inputs)
        while len(self.steps) < length:
            step = self._step(values)
            with np.errstate(all="ignore"):
                value = step(values)
            if not np.all(np.isfinite(value)) or np.max(np.abs(value), initial=0) > 1e3:
                continue
            values.append(value)
            self.steps.append(step)
        self.picked = [int(i) for i in self.rng.integers(0, len(values), 3)] + [len(values) - 1]

    def _draw(self, dtype: str) -> Any:
        shape = SHAPES[self.rng.integers(len(SHAPES))]
        return np.asarray(self.rng.uniform(-2, 2, shape)).astype(dtype)

    def _step(self, values: list[Any]) -> Step:
        """A step that fits the shapes so far; later values are likelier to be read."""
        weights = np.arange(1.0, len(values) + 1)
        i, j = self.rng.choice(len(values), 2, p=weights / weights.sum())
        x, y = values[i], values[j]
        kind = self.rng.integers(10)
        if kind < 3:
            unary = UNARY[self.rng.integers(len(UNARY))]
            return lambda v: unary(v[i])
        if kind < 6:
            try:
                np.broadcast_shapes(x.shape, y.shape)
            except ValueError:
                y = x
                j = i
            binary = BINARY[self.rng.integers(len(BINARY))]
            return lambda v: binary(v[i], v[j])
        if kind < 8 and x.ndim:
            axis = int(self.rng.integers(-1, x.ndim))
            over = None if axis < 0 else axis
            keepdims = bool(self.rng.integers(2))
            if self.rng.integers(4) == 0:
                return lambda v: np.max(v[i], axis=over, keepdims=keepdims)
            return lambda v: np.mean(v[i], axis=over, keepdims=keepdims)
        if kind == 8 and x.ndim > 1:
            if x.ndim == y.ndim == 2 and x.shape[1] == y.shape[0]:
                return lambda v: v[i] @ v[j] / 8
            return lambda v: np.swapaxes(v[i], -1, -2)
        if x.ndim:
            return lambda v: v[i].reshape(-1) if x.ndim > 1 or len(x) < 2 else v[i][1:]
        return lambda v: v[i] + 1

    def __call__(self, *inputs: Any) -> Any:
        values: list[Any] = list(inputs)
        for step in self.steps:
            values.append(step(values))
        return sum(np.mean(values[i] * (1.0 + i)) for i in self.picked)
