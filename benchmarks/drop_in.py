"""What ``import clearprop.numpy as np`` costs beside NumPy itself: ``python -m benchmarks drop_in``."""

from __future__ import annotations

from statistics import median
from timeit import Timer
from typing import Any

import numpy

import clearprop.numpy

from .measure import Table

OPERATIONS = {
    "sum": "np.sum(x)",
    "sin": "np.sin(x)",
    "add": "np.add(x, x)",
    "dot": "np.dot(x, x)",
    "concatenate": "np.concatenate((x, x))",
    "norm": "np.linalg.norm(x)",
    "zeros": "np.zeros(3)",
    "array": "np.array([1.0, 2.0])",
    "asarray": "np.asarray(x)",
    "arange": "np.arange(3.0)",
    "full": "np.full(3, 1.0)",
    "zeros_like": "np.zeros_like(x)",
    "float64": "np.float64(3)",
    "r_": "np.r_[x, x]",
}
"""What is timed, on an array of three numbers: there the call counts, not the work."""


def run(*, quick: bool = False) -> Table:
    """Both take turns; the median counts."""
    x = numpy.ones(3)
    repeats, rounds = (100, 1) if quick else (20_000, 15)

    def nanoseconds(timer: Timer) -> float:
        return 1e9 * timer.timeit(repeats) / repeats

    rows: list[tuple[str, list[float]]] = []
    for name, text in OPERATIONS.items():
        timers = [
            Timer(text, globals={"np": module, "x": x}) for module in (numpy, clearprop.numpy)
        ]
        times: list[list[float]] = [[], []]
        for _ in range(rounds):
            for found, timer in zip(times, timers, strict=True):
                found.append(nanoseconds(timer))
        plain, ours = map(median, times)
        rows.append((name, [plain, ours, ours - plain]))
    unlimited: Any = float("inf")
    return Table(
        "Outside of transforms: clearprop.numpy beside NumPy, ns",
        ["NumPy", "clearprop.numpy", "more"],
        rows,
        limits=[unlimited, unlimited, 150],
        note="an array of three numbers",
    )
