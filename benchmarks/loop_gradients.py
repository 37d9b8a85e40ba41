"""``python -m benchmarks.loop_gradients``: gradients of loops without a count, beside the loops."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from math import inf
from typing import Any

import numpy as np
from rich.console import Console

from . import report
from .compiled import MALLOC
from .measure import Table, in_fresh_process, interleaved

Function = Callable[..., Any]


def newton(a: Any) -> Any:
    """Cube roots of several numbers by Newton's method, to 1e-12."""
    import clearprop

    def is_far(x: Any) -> Any:
        return np.max(np.abs(x * x * x - a) / a) > 1e-12

    return np.sum(clearprop.while_loop(is_far, lambda x: (2 * x + a / (x * x)) / 3, a) ** 2)


def march(p: Any) -> Any:
    """Return how far rays go until they meet a sphere that is melted into a floor."""
    import clearprop

    count = 64
    x = np.linspace(-0.5, 0.5, count)
    rays = np.stack([x, np.linspace(-0.3, 0.4, count), np.ones(count)], -1)
    rays = rays / np.sqrt(np.sum(rays**2, -1, keepdims=True))

    def step(state: Any) -> Any:
        way, _ = state
        at = way[:, None] * rays
        ball = np.sqrt(np.sum((at - p["centre"]) ** 2, -1)) - p["radius"]
        free = -np.logaddexp(-8 * ball, -8 * (at[:, 1] + 1)) / 8
        return way + free, np.abs(free) * (way < 20)

    def is_under_way(state: Any) -> Any:
        return np.max(state[1]) > 1e-9

    start = np.zeros(count), np.ones(count)
    way, _ = clearprop.while_loop(is_under_way, step, start, limit=5000)
    return np.sum(np.minimum(way, 20.0))


def descent(y: Any) -> Any:
    """Return where a gradient descent ends; a gradient of that goes through gradients."""
    import clearprop

    a = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.0]])

    def inner(x: Any) -> Any:
        return 0.5 * np.sum((a @ x - y) ** 2) + 0.1 * np.sum(np.cosh(x))

    def step(state: Any) -> Any:
        x, g = state
        x = x - 0.2 * g
        return x, clearprop.grad(inner)(x)

    start = np.zeros(3), np.ones(3)
    x, _ = clearprop.while_loop(lambda s: np.sum(s[1] ** 2) > 1e-16, step, start)
    return np.sum(x * x)


TASKS: dict[str, tuple[Function, tuple[Any, ...]]] = {
    "Newton's method, one number": (newton, (np.array([7.3]),)),
    "Newton's method, 100 numbers": (newton, (np.linspace(1.0, 50.0, 100),)),
    "ray marching, 64 rays": (march, ({"centre": np.array([0.1, -0.1, 3.0]), "radius": 1.0},)),
    "gradient descent, 3 numbers": (descent, (np.array([1.0, -2.0, 0.5]),)),
}


def measure(name: str, rounds: int) -> list[float]:
    """Return microseconds of the loop, and how many times as long the gradient takes, alone and with it."""
    import clearprop

    f, arguments = TASKS[name]
    ways = {"value": f, "gradient": clearprop.grad(f), "both": clearprop.value_and_grad(f)}
    compiled = {way: clearprop.compile(function) for way, function in ways.items()}
    calls = {way: lambda c=c: c(*arguments) for way, c in compiled.items()}
    found = interleaved(calls, rounds=rounds, seconds=0.03)
    loop = found["value"]
    return [loop * 1e6, found["gradient"] / loop, found["both"] / loop]


def measured(rounds: int) -> Table:
    return Table(
        "Gradients of loops without a count",
        ("the loop, µs", "gradient ÷ loop", "value and gradient ÷ loop"),
        [(name, measure(name, rounds)) for name in TASKS],
        (inf, 3, 3),
        "one core; compiled",
    )


def run(*, quick: bool = False) -> Table:
    """Measure on one core."""
    command = ["-m", "benchmarks.loop_gradients", "--json", *(["--quick"] if quick else [])]
    return Table(**in_fresh_process(command, cores=1, environment=MALLOC))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    table = measured(1 if options.quick else 11)
    if options.json:
        print(json.dumps(asdict(table)))
    else:
        report.show(table, Console())
