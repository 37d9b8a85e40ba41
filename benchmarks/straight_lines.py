"""``python -m benchmarks.straight_lines``: what an operation of a long program costs to trace and to compile.

Loops in Python come to straight lines of operations. Traces and first calls are timed by the processor, so
what else the machine does counts little; the parts of a compilation by the clock, as `report()` has them.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable
from math import inf, nan
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console

import clearprop

from . import report
from .measure import Table, in_fresh_process

Program = tuple[Callable[..., Any], tuple[Any, ...]]

_COLUMNS = (
    "operations",
    "trace, µs an operation",
    "stages, ms an operation",
    "code, ms",
    "LLVM, ms",
    "all three, ms",
    "seconds",
)


# ---- programs, for so many steps


def _normal(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape) * 0.3


def rnn(steps: int) -> Program:
    def loss(xs: Any, wh: Any, wx: Any, h: Any) -> Any:
        for x in xs:
            h = np.tanh(wh @ h + wx @ x)
        return np.sum(h * h)

    return loss, (_normal(steps, 8), _normal(8, 8), _normal(8, 8), _normal(8))


def heat(steps: int) -> Program:
    def loss(u: Any) -> Any:
        for _ in range(steps):
            inner = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
            u = np.concatenate([u[:1], inner, u[-1:]])
        return np.sum(u * u)

    return loss, (_normal(100),)


def leapfrog(steps: int) -> Program:
    def loss(q: Any, p: Any) -> Any:
        p = p - 0.005 * np.sin(q)
        for _ in range(steps):
            q = q + 0.01 * p
            p = p - 0.01 * np.sin(q)
        return np.sum(q * q)

    return loss, (_normal(8), _normal(8))


def kalman(steps: int) -> Program:
    def loss(f: Any, h: Any, noise: Any, r: Any, ys: Any, m: Any, p: Any) -> Any:
        total = 0.0
        for y in ys:
            m = f @ m
            p = f @ p @ f.T + noise
            s = h @ p @ h.T + r
            k = p @ h.T @ np.linalg.inv(s)
            d = y - h @ m
            m = m + k @ d
            p = p - k @ s @ k.T
            total = total - 0.5 * (d @ np.linalg.solve(s, d) + np.log(np.linalg.det(s)))
        return total

    eye = np.eye(4)
    return loss, (_normal(4, 4), _normal(4, 4), eye, eye, _normal(steps, 4), _normal(4), eye)


def array_chain(steps: int) -> Program:
    def loss(x: Any, y: Any) -> Any:
        for _ in range(steps):
            x = np.tanh(x * y + 0.1) - x
        return np.sum(x)

    return loss, (_normal(1000), _normal(1000))


def scalar_chain(steps: int) -> Program:
    def loss(x: Any, y: Any) -> Any:
        for _ in range(steps):
            x, y = x * y + 0.1, y - 0.2 * x
        return x + y

    return loss, (0.3, 0.4)


def scalars_at_random(steps: int) -> Program:
    """Operations in any order on any of the last values, so nothing repeats."""
    rng = np.random.default_rng(1)
    picks = rng.integers(0, 16, (steps, 2)).tolist()
    kinds = rng.integers(0, 5, steps).tolist()

    def loss(*values: Any) -> Any:
        kept = list(values)
        for (i, j), kind in zip(picks, kinds, strict=True):
            x, y = kept[i], kept[j]
            if kind == 0:
                z = x * y
            elif kind == 1:
                z = x + y
            elif kind == 2:
                z = x - 0.5 * y
            elif kind == 3:
                z = np.sin(x)
            else:
                z = x / (1.5 + y * y)
            kept[i] = z
        return sum(kept)

    return loss, tuple(_normal(16).tolist())


TRACED = {"RNN": rnn, "heat, slices": heat, "leapfrog": leapfrog, "Kalman filter": kalman}
"""Traced forward, 2,000 steps."""
COMPILED: dict[str, tuple[Callable[[int], Program], tuple[int, ...]]] = {
    "RNN": (rnn, (55, 550)),
    "heat, slices": (heat, (35, 350)),
    "leapfrog": (leapfrog, (80, 800)),
    "Kalman filter": (kalman, (9, 90)),
    "chain on arrays": (array_chain, (85, 850)),
    "scalars that repeat": (scalar_chain, (100, 1000)),
    "scalars at random": (scalars_at_random, (200, 2000)),
}
"""Value and gradient, of about 1,000 and 10,000 operations."""
MANY: dict[str, tuple[Callable[[int], Program], int]] = {
    "scalars that repeat": (scalar_chain, 25_000),
    "scalars at random": (scalars_at_random, 55_000),
}
"""Values of about 100,000 operations."""


# ---- measuring


def run(*, quick: bool = False) -> Table:
    """Each program in a process of its own, on one core."""
    rows: list[tuple[str, list[float]]] = []

    def measured(title: str, task: str, name: str, steps: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            found = in_fresh_process(
                ["-m", "benchmarks.straight_lines", "--one", task, name, steps],
                cores=1,
                environment={"CLEARPROP_CACHE_DIR": folder},
            )
        rows.append((title, [nan if n is None else n for n in found]))

    for name in TRACED:
        measured(f"{name}, traced", "trace", name, 20 if quick else 2000)
    for name, (_, sizes) in COMPILED.items():
        for steps in (5,) if quick else sizes:
            measured(f"{name}, gradient", "gradient", name, steps)
    for name, (_, steps) in MANY.items():
        measured(f"{name}, value", "value", name, 50 if quick else steps)
    return Table(
        "Straight lines",
        _COLUMNS,
        rows,
        (inf, 25, inf, inf, inf, 0.25, 25),
        "compiled anew; an operation is a node of the traced graph; seconds are the processor's, of all the "
        "first call; limits are meant for 10,000 operations: programs of 1,000 bear what is fixed, too",
    )


def one(task: str, name: str, steps: int) -> list[float | None]:
    """Return the numbers of one row."""
    if task == "trace":
        f, arguments = TRACED[name](steps)
        clearprop.trace(f, *arguments)
        times = []
        for _ in range(5):
            gc.collect()
            start = time.process_time()
            graph = clearprop.trace(f, *arguments)
            times.append(time.process_time() - start)
        size = len(graph.nodes)
        return [size, median(times) / size * 1e6, None, None, None, None, None]
    f, arguments = COMPILED[name][0](steps)
    compiled = clearprop.compile(clearprop.value_and_grad(f) if task == "gradient" else f)
    warm, small = COMPILED[name][0](3)
    clearprop.compile(clearprop.value_and_grad(warm))(*small)  # loads what is loaded late
    start = time.process_time()
    compiled(*arguments)
    seconds = time.process_time() - start
    executable = compiled.executable(*arguments)
    size = len(executable.graph.nodes)
    spent = executable.seconds
    parts = [spent[part] / size * 1e3 for part in ("stages", "code", "LLVM")]
    return [size, spent["trace"] / size * 1e6, *parts, sum(parts), seconds]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--one", nargs=3, metavar=("TASK", "NAME", "STEPS"))
    options = parser.parse_args()
    if options.one:
        task, name, steps = options.one
        print(json.dumps(one(task, name, int(steps))))
    else:
        report.show(run(), Console())


if __name__ == "__main__":
    main()
