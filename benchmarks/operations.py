"""``python -m benchmarks.operations``: single operations, forward and backward, beside PyTorch and autograd.

Each is reduced by the product with a fixed array, so that its gradient is not trivial.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Console

from . import report
from .measure import Grid, Row, in_fresh_process, installed, interleaved

SIZES = {"small": (8, 6), "large": (1000, 600)}

ROWS = np.array([0, 3, 3, 5, 1])
"""Index arrays pick these rows, some of them twice."""

OPERATIONS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    # a function of NumPy's module and an array, and the same in PyTorch
    "add": (lambda n, x: x + x * 2, lambda t, x: x + x * 2),
    "multiply": (lambda n, x: x * x, lambda t, x: x * x),
    "divide": (lambda n, x: 1 / (x * x + 1), lambda t, x: 1 / (x * x + 1)),
    "power": (lambda n, x: x**3, lambda t, x: x**3),
    "exp": (lambda n, x: n.exp(x), lambda t, x: t.exp(x)),
    "log": (lambda n, x: n.log(x * x + 1), lambda t, x: t.log(x * x + 1)),
    "log1p": (lambda n, x: n.log1p(x * x), lambda t, x: t.log1p(x * x)),
    "sin": (lambda n, x: n.sin(x), lambda t, x: t.sin(x)),
    "tanh": (lambda n, x: n.tanh(x), lambda t, x: t.tanh(x)),
    "arctan": (lambda n, x: n.arctan(x), lambda t, x: t.arctan(x)),
    "sqrt": (lambda n, x: n.sqrt(x * x + 1), lambda t, x: t.sqrt(x * x + 1)),
    "abs": (lambda n, x: n.abs(x), lambda t, x: t.abs(x)),
    "maximum": (lambda n, x: n.maximum(x, 0.5), lambda t, x: t.clamp(x, min=0.5)),
    "where": (lambda n, x: n.where(x > 0, x, 2 * x), lambda t, x: t.where(x > 0, x, 2 * x)),
    "clip": (lambda n, x: n.clip(x, -0.5, 0.5), lambda t, x: t.clamp(x, -0.5, 0.5)),
    "add a row": (lambda n, x: x + x[0], lambda t, x: x + x[0]),
    "multiply by a column": (lambda n, x: x * x[:, :1], lambda t, x: x * x[:, :1]),
    "sum": (lambda n, x: n.sum(x), lambda t, x: x.sum()),
    "sum of columns": (lambda n, x: n.sum(x, axis=0), lambda t, x: x.sum(0)),
    "sum of rows": (lambda n, x: n.sum(x, axis=1), lambda t, x: x.sum(1)),
    "mean": (lambda n, x: n.mean(x, axis=0), lambda t, x: x.mean(0)),
    "var": (lambda n, x: n.var(x, axis=0), lambda t, x: x.var(0, correction=0)),
    "max of rows": (lambda n, x: n.max(x, axis=1), lambda t, x: t.amax(x, 1)),
    "cumsum": (lambda n, x: n.cumsum(x, axis=0), lambda t, x: t.cumsum(x, 0)),
    "prod of rows": (lambda n, x: n.prod(x[:, :5], axis=1), lambda t, x: t.prod(x[:, :5], 1)),
    "norm": (lambda n, x: n.sqrt(n.sum(x * x)), lambda t, x: t.sqrt((x * x).sum())),
    "reshape": (lambda n, x: n.reshape(x, (-1, 2)), lambda t, x: x.reshape(-1, 2)),
    "transpose": (lambda n, x: n.transpose(x) * 1.0, lambda t, x: x.T * 1.0),
    "concatenate": (lambda n, x: n.concatenate([x, x]), lambda t, x: t.cat([x, x])),
    "stack": (lambda n, x: n.stack([x, x], axis=1), lambda t, x: t.stack([x, x], 1)),
    "slice": (lambda n, x: x[1:-1, ::2], lambda t, x: x[1:-1, ::2]),
    "rows": (lambda n, x: x[ROWS], lambda t, x: x[t.from_numpy(ROWS)]),
    "roll": (lambda n, x: n.roll(x, 2, axis=0), lambda t, x: t.roll(x, 2, 0)),
    "pad": (lambda n, x: n.pad(x, 1), lambda t, x: t.nn.functional.pad(x, (1, 1, 1, 1))),
    "sort": (lambda n, x: n.sort(x, axis=0), lambda t, x: t.sort(x, 0).values),
    "matmul": (lambda n, x: x @ n.transpose(x)[:, :40], lambda t, x: x @ x.T[:, :40]),
    "einsum": (
        lambda n, x: n.einsum("ij,ik->jk", x, x[:, :40]),
        lambda t, x: t.einsum("ij,ik->jk", x, x[:, :40]),
    ),
    "outer": (lambda n, x: n.outer(x[0], x[1]), lambda t, x: t.outer(x[0], x[1])),
    "solve": (
        lambda n, x: n.linalg.solve(x[:6, :6] + 9 * np.eye(6), x[:6]),
        lambda t, x: t.linalg.solve(x[:6, :6] + 9 * t.eye(6, dtype=x.dtype), x[:6]),
    ),
    "fft": (lambda n, x: n.real(n.fft.fft(x)), lambda t, x: t.fft.fft(x).real),
}  # fmt: skip


def contenders(name: str, size: str) -> dict[str, Callable[[], object]]:
    """Return calls of forward and backward by each library."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(SIZES[size])
    ours, theirs = OPERATIONS[name]
    weight = rng.standard_normal(np.shape(ours(np, x)))[()]
    found: dict[str, Callable[[], object]] = {}
    import clearprop

    def by_clearprop() -> object:
        t = clearprop.tensor(x)
        np.sum(ours(np, t) * weight).backward()
        return t.grad

    found["clearprop"] = by_clearprop
    if installed("torch"):
        import torch

        w = torch.as_tensor(weight)

        def by_torch() -> object:
            t = torch.tensor(x, requires_grad=True)
            (theirs(torch, t) * w).sum().backward()
            return t.grad

        found["PyTorch"] = by_torch
    if installed("autograd"):
        import autograd
        import autograd.numpy as anp

        gradient = autograd.grad(lambda x: anp.sum(ours(anp, x) * weight))
        try:
            gradient(x)
            found["autograd"] = lambda: gradient(x)
        except (NotImplementedError, AttributeError, TypeError, ValueError):
            pass  # it has no gradient of this
    return found


def run(*, quick: bool = False) -> Grid:
    """Everything, on one core, in a process that has only that."""
    command = ["-m", "benchmarks.operations", "--json", *(["--quick"] if quick else [])]
    rows = [Row(**row) for row in in_fresh_process(command, cores=1)]
    return Grid(
        "Single operations, forward and backward",
        "clearprop",
        rows,
        "eager, float64, arrays of 8×6 and 1000×600, one core",
    )


def main() -> None:
    """Print a table, or rows as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operations", description=__doc__)
    parser.add_argument("name", nargs="*", choices=[[], *OPERATIONS], help="all if none")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two operations only")
    options = parser.parse_args()
    names = ["exp", "rows"] if options.quick else options.name or list(OPERATIONS)
    rows = [
        Row(f"{name}, {size}", interleaved(contenders(name, size), rounds=options.rounds), {}, None)
        for size in SIZES
        for name in names
    ]
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        report.show(Grid("Single operations", "clearprop", rows), Console())


if __name__ == "__main__":
    main()
