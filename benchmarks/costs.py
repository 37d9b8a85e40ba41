"""``python -m benchmarks.costs``: what compiled functions cost beside their time.

The gradient beside the value, the first call beside JAX's, with and without what was kept on disk, and the
memory for temporaries beside JAX's.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from math import inf, nan
from typing import Any

import numpy as np
from rich.console import Console

from . import report
from .compiled import CONTENDERS, RATE, _tree
from .measure import Table, in_fresh_process, installed, interleaved
from .workloads import WORKLOADS, Jax, NumPy, Workload


def run(*, quick: bool = False) -> Table:
    """Each task in processes of its own, on one core."""
    chosen = [w for w in WORKLOADS if not quick or w.name == "sigmoid neuron"]
    rows = [(w.name, _numbers(w)) for w in chosen]
    return Table(
        "What compiling costs, and what a gradient costs",
        (
            "gradient ÷ value",
            "first call, ms",
            "÷ JAX's",
            "first call from disk ÷ JAX's",
            "memory ÷ JAX's",
        ),
        rows,
        (3, inf, 0.5, 0.1, 1),
        "one core; first calls in processes of their own, in which one other function was compiled before; "
        "memory as the compilers plan it: arguments, results that are not written over them, temporaries",
    )


def _numbers(workload: Workload) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        cold = _measure(workload, "clearprop", folder)
        warm = _measure(workload, "clearprop", folder)
    jax = _measure(workload, "JAX", "") if installed("jax") else {"first": nan, "bytes": nan}
    return [
        cold["gradient"] / cold["value"] if cold["value"] else nan,
        cold["first"] * 1e3,
        cold["first"] / jax["first"],
        warm["first"] / jax["first"],
        cold["bytes"] / jax["bytes"],
    ]


def _measure(workload: Workload, contender: str, folder: str) -> dict[str, float]:
    found: dict[str, float] = in_fresh_process(
        ["-m", "benchmarks.costs", "--one", workload.name, "--by", contender],
        cores=1,
        environment={"CLEARPROP_CACHE_DIR": folder},
    )
    return found


# ---- in the process of one task


def one(workload: Workload, contender: str) -> dict[str, float]:
    """Return the first call's seconds, a call's bytes, and for Clearprop the times of value and gradient."""
    arguments = workload.arguments(np.random.default_rng(0))
    _, make = CONTENDERS[contender]
    _compile_something(contender)
    call = make(workload, arguments)
    start = time.perf_counter()
    call()
    found = {"first": time.perf_counter() - start}
    if contender == "JAX":
        return {**found, "bytes": _jax_bytes(workload, arguments)}
    import clearprop

    (compiled,) = [
        cell.cell_contents
        for cell in call.__closure__ or ()
        if isinstance(cell.cell_contents, clearprop.compiler.Compiled)  # type: ignore[attr-defined]
    ]
    found["bytes"] = compiled.report().bytes
    found["value"] = 0.0
    if workload.kind in ("step", "gradient"):
        value = clearprop.compile(workload.function(NumPy()))
        value(*arguments)
        times = interleaved({"value": lambda: value(*arguments), "gradient": call}, rounds=7)
        found.update(times)
    return found


def _compile_something(contender: str) -> None:
    if contender == "JAX":
        import jax

        jax.jit(lambda x: x + 1)({"x": jax.numpy.ones(3)}["x"]).block_until_ready()
    else:
        import clearprop

        clearprop.compile(lambda p: p["x"] + 1)({"x": np.ones(3)})


def _jax_bytes(workload: Workload, arguments: tuple[Any, ...]) -> float:
    """Return what XLA's compiled step takes."""
    import jax

    f = workload.function(Jax())
    mine = _tree(jax.numpy.array, arguments)
    if workload.kind == "update":
        jitted = jax.jit(f, donate_argnums=tuple(range(len(mine) - 1)))
    elif workload.kind == "hvp":
        jitted = jax.jit(
            lambda x, *rest: jax.jvp(jax.grad(lambda y: f(y, *rest[:-1])), (x,), (rest[-1],))[1]
        )
    elif workload.kind == "step":
        jitted = jax.jit(
            lambda p, *rest: (lambda loss, g: (loss, _tree(lambda x, dx: x - RATE * dx, p, g)))(
                *jax.value_and_grad(f)(p, *rest)
            ),
            donate_argnums=0,
        )
    else:
        jitted = jax.jit(jax.value_and_grad(f))
    analysis = jitted.lower(*mine).compile().memory_analysis()
    return float(
        analysis.argument_size_in_bytes
        + analysis.output_size_in_bytes
        - analysis.alias_size_in_bytes
        + analysis.temp_size_in_bytes
    )


def main() -> None:
    """Print the table, or one task's numbers as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("--one", choices=[w.name for w in WORKLOADS])
    parser.add_argument("--by", choices=["clearprop", "JAX"])
    options = parser.parse_args()
    if options.one:
        workload = next(w for w in WORKLOADS if w.name == options.one)
        print(json.dumps(one(workload, options.by)))
    else:
        os.environ.setdefault("CLEARPROP_CACHE_DIR", "")
        report.show(run(), Console())


if __name__ == "__main__":
    main()
