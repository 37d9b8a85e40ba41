"""``python -m benchmarks.compiled``: compiled functions beside JAX, PyTorch, autograd and NumPy.

Every contender computes the same in the same dtype from arrays of its own, and waits for its result.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Console

from . import report
from .hand import numpy_by_hand
from .measure import Grid, Row, in_fresh_process, installed, interleaved
from .workloads import WORKLOADS, Autograd, Jax, NumPy, Torch, Workload

Call = Callable[[], Any]
RATE = 0.01


def _tree(f: Callable[..., Any], *trees: Any) -> Any:
    """`f` on the arrays of containers alike."""
    first = trees[0]
    if isinstance(first, dict):
        return {k: _tree(f, *(t[k] for t in trees)) for k in first}
    if isinstance(first, list | tuple):
        return type(first)(_tree(f, *parts) for parts in zip(*trees, strict=True))
    return f(*trees)


def _small(x: Any) -> Any:
    return x * RATE


def clearprop_compiled(workload: Workload, arguments: tuple[Any, ...]) -> Call:
    import clearprop

    f = workload.function(NumPy())
    donate: tuple[str, ...] = ()
    if workload.kind == "update":
        function: Any = f
        donate = {3: ("p", "v"), 4: ("p", "m", "v")}[len(arguments)]
    elif workload.kind == "hvp":

        def function(x: Any, *rest: Any) -> Any:
            return clearprop.hvp(lambda y: f(y, *rest[:-1]), x, rest[-1])

    elif workload.kind == "gradient":
        function = clearprop.value_and_grad(f)
    else:
        donate = ("p",)

        def function(p: Any, *rest: Any) -> Any:
            loss, g = clearprop.value_and_grad(f)(p, *rest)
            return loss, _tree(lambda x, dx: x - np.float32(RATE) * dx, p, g)

    compiled = clearprop.compile(function, donate=donate)
    mine = _tree(np.array, arguments)
    return lambda: compiled(*mine)


def jax_jit(workload: Workload, arguments: tuple[Any, ...]) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    f = workload.function(Jax())
    if workload.kind == "update":
        count = len(arguments) - 1
        compiled = jax.jit(f, donate_argnums=tuple(range(count)))
        state = [jax.numpy.array(x) for x in arguments[:-1]]
        g = jax.numpy.array(arguments[-1])

        def update() -> Any:
            state[:] = compiled(*state, g)
            jax.block_until_ready(state)

        return update
    mine = _tree(jax.numpy.array, arguments)
    if workload.kind == "step":
        jitted = jax.jit(
            lambda p, *rest: (lambda loss, g: (loss, _tree(lambda x, dx: x - RATE * dx, p, g)))(
                *jax.value_and_grad(f)(p, *rest)
            ),
            donate_argnums=0,
        )
        held = [mine[0]]

        def step() -> Any:
            loss, held[0] = jitted(held[0], *mine[1:])
            return jax.block_until_ready((loss, held[0]))

        return step
    if workload.kind == "hvp":
        jitted = jax.jit(
            lambda x, *rest: jax.jvp(jax.grad(lambda y: f(y, *rest[:-1])), (x,), (rest[-1],))[1]
        )
    else:
        jitted = jax.jit(jax.value_and_grad(f))
    return lambda: jax.block_until_ready(jitted(*mine))


def torch_compile(workload: Workload, arguments: tuple[Any, ...]) -> Call:
    import torch

    if workload.kind == "hvp":  # torch.compile has no second derivatives
        raise NotImplementedError
    torch._dynamo.reset()
    return pytorch(workload, arguments, torch.compile)


def pytorch(
    workload: Workload, arguments: tuple[Any, ...], prepare: Callable[[Any], Any] = lambda f: f
) -> Call:
    import torch

    f = prepare(workload.function(Torch()))
    if workload.kind == "update":
        tensors = [torch.tensor(x) for x in arguments]

        def update() -> Any:
            tensors[:-1] = f(*tensors)

        return update
    first = _tree(lambda x: torch.tensor(x, requires_grad=True), arguments[0])
    rest = [torch.tensor(x) for x in arguments[1:]]
    leaves: list[Any] = []
    _tree(leaves.append, first)
    if workload.kind == "hvp":
        x = leaves[0]

        def product() -> Any:
            (g,) = torch.autograd.grad(f(x, *rest[:-1]), x, create_graph=True)
            return torch.autograd.grad(g, x, rest[-1])

        return product

    def run() -> Any:
        loss = f(first, *rest)
        loss.backward()
        if workload.kind == "step":
            with torch.no_grad():
                for p in leaves:
                    p -= RATE * p.grad
        for p in leaves:
            p.grad = None
        return loss.detach()

    return run


def hips_autograd(workload: Workload, arguments: tuple[Any, ...]) -> Call:
    import autograd

    f = workload.function(Autograd())
    if workload.kind in ("update", "hvp"):
        raise NotImplementedError
    gradient = autograd.value_and_grad(f)

    def run() -> Any:
        loss, g = gradient(*arguments)
        if workload.kind == "step":
            _tree(lambda x, dx: x - np.float32(RATE) * dx, arguments[0], g)
        return loss

    return run


Contender = tuple[str, Callable[[Workload, tuple[Any, ...]], Call]]
"""The module that it needs, and what makes the call that is measured."""

CONTENDERS: dict[str, Contender] = {
    "clearprop": ("clearprop", clearprop_compiled),
    "JAX": ("jax", jax_jit),
    "torch.compile": ("torch", torch_compile),
    "PyTorch": ("torch", pytorch),
    "autograd": ("autograd", hips_autograd),
    "NumPy by hand": ("numpy", numpy_by_hand),
}


def measure(workload: Workload, contenders: Mapping[str, Contender], rounds: int) -> Row:
    """One workload by every contender that is installed."""
    calls: dict[str, Call] = {}
    first: dict[str, float] = {}
    for name, (module, make) in contenders.items():
        if not installed(module):
            continue
        arguments = workload.arguments(np.random.default_rng(0))
        start = time.perf_counter()
        try:
            call = make(workload, arguments)
            call()
        except NotImplementedError:
            continue
        first[name] = time.perf_counter() - start
        calls[name] = call
    found = interleaved(calls, rounds=rounds, seconds=0.05, pause=0.1)
    return Row(workload.name, found, first, workload.bar)


MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184"}
"""Freed memory is used again, for everyone alike; else large temporaries are page faults first of all."""


def run(*, quick: bool = False, cores: int = 1) -> Grid:
    """Everything, on so many cores, in a process that has only those."""
    command = ["-m", "benchmarks.compiled", "--json", *(["--quick"] if quick else [])]
    rows = [Row(**row) for row in in_fresh_process(command, cores=cores, environment=MALLOC)]
    return Grid(
        f"Compiled functions, on {'one core' if cores == 1 else f'{cores} cores'}",
        "clearprop",
        rows,
        "every contender in the same dtype, waiting for its result, freed memory kept for reuse; "
        "nothing cached on disk; JAX by jit, PyTorch compiled and eagerly",
    )


def main(
    workloads: Sequence[Workload] = WORKLOADS,
    contenders: Mapping[str, Contender] = CONTENDERS,
    quick: Sequence[str] = ("sigmoid neuron", "Rosenbrock"),
) -> None:
    """Print a table, or rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", help="parts of workloads' names")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="*", default=list(contenders))
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--quick", action="store_true", help="a few tasks only, to see that it runs"
    )
    options = parser.parse_args()
    os.environ["CLEARPROP_CACHE_DIR"] = ""  # first calls are to compile
    names = quick if options.quick else options.name
    rounds = 1 if options.quick else options.rounds
    rows = [
        measure(workload, {name: contenders[name] for name in options.only}, rounds)
        for workload in workloads
        if not names or any(part in workload.name for part in names)
    ]
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        report.show(Grid("Compiled functions", "clearprop", rows), Console())


if __name__ == "__main__":
    main()
