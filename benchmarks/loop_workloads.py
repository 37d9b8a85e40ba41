"""Loops that are compiled and compared: each written once, over the words of each contender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .hand_c import HEAT_STEPS
from .workloads import Function, Workload

STEPS = 1000


def rnn(w: Any) -> Function:
    def loss(p: Any, xs: Any, h: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = w.xp.tanh(x @ p["wx"] + h @ p["wh"] + p["b"])
            return h, h

        _, hs = w.scan(step, h, xs)
        return (hs * hs).sum()

    return loss


def gru(w: Any) -> Function:
    def loss(p: Any, xs: Any, h: Any) -> Any:
        n = h.shape[-1]

        def step(h: Any, x: Any) -> Any:
            a, b = x @ p["wx"] + p["b"], h @ p["wh"]
            r = w.sigmoid(a[..., :n] + b[..., :n])
            z = w.sigmoid(a[..., n : 2 * n] + b[..., n : 2 * n])
            new = w.xp.tanh(a[..., 2 * n :] + r * b[..., 2 * n :])
            h = (1 - z) * new + z * h
            return h, h

        _, hs = w.scan(step, h, xs)
        return (hs * hs).sum()

    return loss


def lstm(w: Any) -> Function:
    def loss(p: Any, xs: Any, h: Any) -> Any:
        n = h.shape[-1]

        def step(state: Any, x: Any) -> Any:
            h, c = state
            gates = x @ p["wx"] + h @ p["wh"] + p["b"]
            i, f = w.sigmoid(gates[..., :n]), w.sigmoid(gates[..., n : 2 * n])
            o, g = w.sigmoid(gates[..., 2 * n : 3 * n]), w.xp.tanh(gates[..., 3 * n :])
            c = f * c + i * g
            h = o * w.xp.tanh(c)
            return (h, c), h

        _, hs = w.scan(step, (h, h), xs)
        return (hs * hs).sum()

    return loss


def _recurrent(gates: int, width: int, batch: int) -> Callable[[np.random.Generator], Any]:
    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        def normal(*shape: int, scale: float) -> Any:
            return (rng.standard_normal(shape) * scale).astype(np.float32)

        rows = (batch,) if batch > 1 else ()
        p = {k: normal(width, gates * width, scale=0.5 * width**-0.5) for k in ("wx", "wh")}
        p["b"] = np.zeros(gates * width, np.float32)
        return p, normal(STEPS, *rows, width, scale=1), np.zeros((*rows, width), np.float32)

    return draw


def heat(w: Any) -> Function:
    def loss(u: Any) -> Any:
        def step(u: Any, _: Any) -> Any:
            inner = u[1:-1] + 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
            return w.xp.concatenate([u[:1], inner, u[-1:]]), None

        u, _ = w.scan(step, u, None, HEAT_STEPS)
        return (u * u).sum()

    return loss


def three_bodies(w: Any) -> Function:
    """Runge and Kutta's method for three bodies, with the gradient in their masses and velocities."""
    places = np.array([[1.0, 0.0, 0.0], [-1.0, 0.1, 0.0], [0.0, 1.0, 0.3]])
    near, h = w.constant(np.eye(3)), 1e-4

    def loss(p: Any) -> Any:
        def pull(x: Any) -> Any:
            d = x[None, :, :] - x[:, None, :]
            r2 = (d * d).sum(-1) + near
            return (d * (p["mass"][None, :] / (r2 * w.xp.sqrt(r2)))[:, :, None]).sum(1)

        def step(state: Any, _: Any) -> Any:
            x, v = state
            v1, a1 = v, pull(x)
            v2, a2 = v + h / 2 * a1, pull(x + h / 2 * v1)
            v3, a3 = v + h / 2 * a2, pull(x + h / 2 * v2)
            v4, a4 = v + h * a3, pull(x + h * v3)
            x = x + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
            return (x, v + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)), None

        (x, _), _ = w.scan(step, (w.constant(places), p["velocity"]), None, 10_000)
        return (x * x).sum()

    return loss


def _bodies(rng: np.random.Generator) -> tuple[Any, ...]:
    return ({"mass": np.array([1.0, 2.0, 3.0]), "velocity": rng.standard_normal((3, 3)) * 0.3},)


def logistic(w: Any) -> Function:
    def loss(p: Any, x: Any, y: Any) -> Any:
        z = x @ p["w"] + p["b"]
        return (w.xp.logaddexp(z * 0, z) - y * z).mean()

    return loss


def _table(rng: np.random.Generator) -> tuple[Any, ...]:
    y = (rng.random(569) < 0.5).astype(np.float64)
    return {"w": np.zeros(30), "b": np.zeros(1)}, rng.standard_normal((569, 30)), y


def _cells() -> list[Workload]:
    kinds: dict[str, tuple[Callable[[Any], Function], int]] = {
        "RNN": (rnn, 1),
        "GRU": (gru, 3),
        "LSTM": (lstm, 4),
    }
    return [
        Workload(
            f"{name}, {STEPS:,} steps, batch {batch}, width {width}",
            make,
            _recurrent(gates, width, batch),
            "gradient",
            3,
        )
        for name, (make, gates) in kinds.items()
        for batch in (1, 16)
        for width in (8, 64)
    ]


WORKLOADS = (
    *_cells(),
    Workload(
        "heat equation, 10,000 steps, 1,000 points",
        heat,
        lambda rng: (rng.standard_normal(1000),),
        "gradient",
        3,
    ),
    Workload("three bodies, 10,000 steps", three_bodies, _bodies, "gradient", 5),
    Workload("logistic regression, 569 × 30", logistic, _table, "gradient", 1.5),
)
