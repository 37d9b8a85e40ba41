"""``python -m benchmarks.products``: generated matrix products on one core, against those of libraries.

Each contender computes the same product into memory of its own, taking turns. `in code` is ours
without the call from Python: the code runs several times in a call. The peak is the rate of fused
multiply-adds on registers alone, measured in the same run; rates are in GFLOP/s.
"""

from __future__ import annotations

import argparse
import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from clearprop.native import machine
from clearprop.native.llvm_ir import Builder, Value, module
from clearprop.native.products import Index, Operand, product, workspace_size
from clearprop.native.types import Type

from .measure import installed, interleaved


@dataclass(frozen=True)
class Case:
    """An (m, k) by (k, n) product; a transposed factor is stored the other way round."""

    m: int
    k: int
    n: int
    dtype: str = "float32"
    left_transposed: bool = False
    right_transposed: bool = False

    @property
    def title(self) -> str:
        letters = ("AᵀB", "AB", "ABᵀ")[1 - self.left_transposed + self.right_transposed]
        return f"{self.m}×{self.k}×{self.n} {letters} {self.dtype}"

    @property
    def operations(self) -> int:
        return 2 * self.m * self.k * self.n

    @property
    def is_large(self) -> bool:
        """Whether the target of 85 % of the peak holds."""
        return self.operations >= 2 * 128 * 784 * 256

    def factors(self) -> tuple[Any, Any]:
        rng = np.random.default_rng(0)
        a = rng.standard_normal((self.k, self.m) if self.left_transposed else (self.m, self.k))
        b = rng.standard_normal((self.n, self.k) if self.right_transposed else (self.k, self.n))
        a, b = a.astype(self.dtype), b.astype(self.dtype)
        return (a.T if self.left_transposed else a), (b.T if self.right_transposed else b)


CASES = [
    Case(32, 30, 64),
    Case(32, 64, 27),
    Case(64, 64, 10),
    Case(128, 256, 10),
    Case(1, 1024, 1024),
    Case(1024, 1024, 1),
    Case(128, 784, 256),
    Case(784, 128, 256, left_transposed=True),
    Case(128, 784, 256, left_transposed=True),
    Case(128, 784, 256, right_transposed=True),
    Case(256, 1024, 1024),
    Case(512, 512, 512),
    Case(512, 512, 512, left_transposed=True),
    Case(512, 512, 512, right_transposed=True),
    Case(1024, 1024, 1024),
    Case(2048, 2048, 2048),
    Case(128, 784, 256, "float64"),
    Case(512, 512, 512, "float64"),
    Case(512, 512, 512, "float64", right_transposed=True),
    Case(1024, 1024, 1024, "float64"),
]
QUICK = [Case(8, 7, 5), Case(8, 7, 5, "float64", right_transposed=True)]


class Generated:
    """The code of one product, run `rounds` times by each call, with the memory it works on."""

    def __init__(self, case: Case, rounds: int = 1) -> None:
        a, b = case.factors()
        size, strides = a.itemsize, [tuple(s // a.itemsize for s in x.strides) for x in (a, b)]
        start = perf_counter()
        builder = Builder()

        def store(b: Builder, sums: Value, i: Index, j: Index, lanes: int) -> None:
            b.store(sums, b.offset("%c", (i, case.n), (j, 1), size=size), lanes)

        with builder.loop(0, rounds):
            left, right = Operand("%a", *strides[0]), Operand("%b", *strides[1])
            product(builder, a.dtype, case.m, case.k, case.n, left, right, store, "%w")
        builder.do("ret void")
        arguments = ", ".join(f"ptr noalias %{name}" for name in "abcw")
        text = module([builder.function("f", arguments)], [builder], width=machine.vector_bits())
        self._code = machine.Code(machine.assemble(text), ("f",))
        self.compile_seconds = perf_counter() - start
        self.result = np.zeros((case.m, case.n), a.dtype)
        sizes = case.m, case.k, case.n
        work = np.zeros(workspace_size(a.dtype, *sizes, *strides) + 64, np.uint8)
        place = work.ctypes.data + -work.ctypes.data % 64
        self._kept = a, b, work
        pointers = a.ctypes.data, b.ctypes.data, self.result.ctypes.data, place
        self._arguments = tuple(ctypes.c_void_p(p) for p in pointers)
        self._call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(self._code.addresses["f"])

    def __call__(self) -> None:
        self._call(*self._arguments)


def peak(dtype: str, rounds: int = 4000) -> tuple[Callable[[], object], int]:
    """Many independent multiply-adds on registers, and how many operations they are."""
    single = Type(np.dtype(dtype))
    type, chains, repeats = single.wide(machine.vector_bits() // single.bits), 24, 4
    b = Builder()
    factor = b.spread(b.load(type.wide(1), "%x"), type.width)
    with b.loop(0, rounds, 1, [b.constant(type, i) for i in range(chains)]) as loop:
        sums = loop.carried
        for _ in range(repeats):
            sums = [x * factor + factor for x in sums]
        loop.next = sums
    total = loop.results[0]
    for x in loop.results[1:]:
        total = total + x
    b.store(total, "%x")
    b.do("ret void")
    text = module([b.function("f", "ptr %x")], [b], width=machine.vector_bits())
    code = machine.Code(machine.assemble(text), ("f",))
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.addresses["f"])
    memory = np.zeros(64, dtype)

    def run(kept: Any = code) -> None:
        call(memory.ctypes.data)

    return run, 2 * rounds * repeats * chains * type.width


def use_one_core() -> None:
    """Bind this process to one core, which no thread of a library can leave."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    threadpool_limits(1)


def contenders(case: Case) -> dict[str, Callable[[], object]]:
    """NumPy, and what else is installed."""
    a, b = case.factors()
    result = np.zeros((case.m, case.n), case.dtype)
    found: dict[str, Callable[[], object]] = {"NumPy": lambda: np.matmul(a, b, out=result)}
    if installed("torch"):
        import torch

        torch.set_num_threads(1)
        ta, tb, tc = (torch.from_numpy(x) for x in (a, b, result.copy()))
        found["torch"] = lambda: torch.matmul(ta, tb, out=tc)
    if installed("jax"):
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_platforms", "cpu")
        # Transposed in the program, as a gradient has it: the memory is the same as for the others.
        turned = case.left_transposed, case.right_transposed
        stored = [jax.numpy.asarray(x.T if t else x) for x, t in zip((a, b), turned, strict=True)]
        multiply = jax.jit(lambda x, y: (x.T if turned[0] else x) @ (y.T if turned[1] else y))
        found["JAX"] = lambda: multiply(*stored).block_until_ready()
    return found


def measure(case: Case, rounds: int, seconds: float) -> tuple[dict[str, float], float]:
    """GFLOP/s of everyone, and the seconds that compiling took."""
    inner = max(1, round(5e6 / case.operations)) if not case.is_large else 1
    ours, in_code = Generated(case), Generated(case, inner)
    highest, highest_operations = peak(case.dtype)
    runs = {"ours": ours, "in code": in_code, **contenders(case), "peak": highest}
    times = interleaved(runs, rounds=rounds, seconds=seconds)
    a, b = case.factors()
    np.testing.assert_allclose(ours.result, a @ b, rtol=1e-3, atol=1e-3)
    work = dict.fromkeys(runs, case.operations)
    work |= {"in code": case.operations * inner, "peak": highest_operations}
    return {name: work[name] / times[name] / 1e9 for name in runs}, ours.compile_seconds


def table(cases: list[Case], rounds: int, seconds: float) -> Table:
    """One line for each case."""
    shown: Table | None = None
    for case in cases:
        rates, compile_seconds = measure(case, rounds, seconds)
        if shown is None:
            shown = Table("product", *rates, "÷ best peer", "÷ peak", "compile ms")
        peers = [r for name, r in rates.items() if name not in ("ours", "in code", "peak")]
        ours = rates["ours"] / max(peers)
        share = rates["in code"] / rates["peak"]
        missed = ours < 1 or (case.is_large and share < 0.85)
        shown.add_row(
            case.title,
            *(f"{rate:.0f}" for rate in rates.values()),
            f"{ours:.2f}×",
            f"{share:.0%}{' !' if missed else ''}",
            f"{compile_seconds * 1e3:.1f}",
        )
    assert shown is not None
    return shown


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.products", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("only", nargs="*", help="only cases whose title has one of these")
    options = parser.parse_args()
    use_one_core()
    cases = QUICK if options.quick else CASES
    if options.only:
        cases = [c for c in cases if any(part in c.title for part in options.only)]
    rounds, seconds = (3, 0.001) if options.quick else (options.rounds, 0.01)
    Console(width=130).print(table(cases, rounds, seconds))


if __name__ == "__main__":
    main()
