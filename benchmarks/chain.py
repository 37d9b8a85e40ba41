"""A chain of a million scalar operations, forward and backward: time and memory per operation.

``python -m benchmarks.chain LIBRARY COUNT time|memory`` measures one library in
a process of its own.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable
from time import perf_counter
from typing import Any

from .measure import Check, Report, in_fresh_process, installed, interleaved_processes

COUNT = 1_000_000


def _chain(x: Any, count: int) -> Any:
    for _ in range(count // 2):
        x = x * 0.999999 + 1e-6
    return x


def _clearprop() -> Callable[[int], float]:
    import clearprop

    def run(count: int) -> float:
        x = clearprop.tensor(2.0)
        _chain(x, count).backward()
        return float(x.grad)

    return run


def _torch() -> Callable[[int], float]:
    import torch

    def run(count: int) -> float:
        x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
        _chain(x, count).backward()
        return float(x.grad)

    return run


def _autograd() -> Callable[[int], float]:
    from autograd import grad

    def run(count: int) -> float:
        return float(grad(_chain)(2.0, count))

    return run


RUNNERS = {"clearprop": _clearprop, "torch": _torch, "autograd": _autograd}


def measure_time(library: str, count: int) -> float:
    """Microseconds per operation."""
    run = RUNNERS[library]()
    run(1000)
    start = perf_counter()
    found = run(count)
    elapsed = perf_counter() - start
    expected = 0.999999 ** (count // 2)
    if abs(found / expected - 1) > 1e-6:
        raise AssertionError(f"{library} found {found}, not {expected}")
    return 1e6 * elapsed / count


def measure_memory(library: str, count: int) -> tuple[float, float]:
    """Bytes of Python's memory per operation: at the peak, and left when all is done."""
    run = RUNNERS[library]()
    run(1000)
    gc.collect()
    tracemalloc.start()
    run(count)
    gc.collect()
    left, peak = tracemalloc.get_traced_memory()
    return peak / count, left / count


def run(*, quick: bool = False) -> Report:
    """Measure it. Memory is Clearprop's alone: that of other libraries is not all Python's."""
    count = 2000 if quick else COUNT
    rounds = 1 if quick else 3
    libraries = ["clearprop", *installed("torch", "autograd")]
    jobs = {library: ("-m", "benchmarks.chain", library, count, "time") for library in libraries}
    numbers = interleaved_processes(jobs, rounds=rounds)
    peak, left = in_fresh_process(("-m", "benchmarks.chain", "clearprop", count, "memory"))
    return Report(
        "Chain of scalar operations",
        "µs per operation",
        numbers,
        ours="clearprop",
        checks=[
            Check("µs per operation", numbers["clearprop"], 2.5),
            Check("bytes per operation at the peak", peak, 600),
            Check("bytes per operation left behind", left, 1),
        ],
        note=f"{count:,} operations, forward and backward",
        peers=libraries[1:],
    )


if __name__ == "__main__":
    library, count, what = sys.argv[1:]
    measure = {"time": measure_time, "memory": measure_memory}[what]
    print(json.dumps(measure(library, int(count))))
