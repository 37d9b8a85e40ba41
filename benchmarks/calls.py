"""What a call of a compiled function costs beside its work: ``python -m benchmarks.calls``."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from statistics import median
from timeit import Timer
from typing import Any

import numpy as np

from clearprop.native.calls import (
    Argument,
    Result,
    Signature,
    kernel_caller,
    native_callable,
    write_entry,
)
from clearprop.native.llvm_ir import Builder, module
from clearprop.native.machine import Code, assemble, vector_bits

from .measure import Check, Report, installed

COUNT, SHAPE = 8, (32, 64)
KEYS = tuple(f"array_{k}" for k in range(COUNT))
TREE = ("dict", KEYS, tuple(("leaf", k) for k in range(COUNT)))
OURS = "no outputs"
AROUND = {"rate": 0.1, "scale": 2.0, "shift": 1.5, "steps": 4}
"""What a function reads around it, and its entry compares."""

Contender = tuple[Callable[..., Any], Sequence[Any]]


def _refuse(*arguments: Any, **keywords: Any) -> None:
    raise AssertionError("a guard refused the benchmark's own arguments")


def _compiled(signature: Signature) -> tuple[Code, Any]:
    """Return a kernel that does nothing, with its entry."""
    b = Builder()
    b.do("ret i32 0")
    kernel = b.function("kernel", "ptr %table", returns="i32")
    entry = write_entry(signature)
    text = module([kernel, entry.text], [b], width=vector_bits())
    return Code(assemble(text), entry.symbols), entry


def _native(outputs: int = 0, *, donated: int = 0, **options: Any) -> Callable[..., Any]:
    arguments = tuple(Argument("f4", SHAPE, donated=k < donated) for k in range(COUNT))
    results = [Result("f4", SHAPE, donor=k) for k in range(donated)]
    results += [Result("f4", SHAPE) for _ in range(outputs)]
    signature = Signature(arguments, tuple(results), **options)
    code, entry = _compiled(signature)
    return native_callable(code, entry, _refuse)


def _ours(arrays: list[Any]) -> dict[str, Contender]:
    dictionary = dict(zip(KEYS, arrays, strict=True))
    leaves = TREE[2]
    halves = ("dict", KEYS[:4], leaves[:4])
    through = _native(
        donated=4,
        inputs=(halves, *leaves[4:]),
        output=halves,
    )
    signature = Signature((Argument("f4", SHAPE),) * COUNT, ())
    slow = kernel_caller(_compiled(signature)[0], signature, _refuse)
    return {
        OURS: (_native(), arrays),
        "1 output": (_native(1), arrays),
        "4 outputs": (_native(4), arrays),
        "4 donated": (_native(donated=4), arrays),
        "in a dict, no outputs": (_native(inputs=(TREE,)), [dictionary]),
        "4 donated in a dict, and back": (
            through,
            [dict(zip(KEYS[:4], arrays[:4], strict=True)), *arrays[4:]],
        ),
        "arena of 1 MiB": (_native(arena_bytes=1 << 20), arrays),
        "4 variables compared": (
            _native(read=tuple((AROUND, key, value) for key, value in AROUND.items())),
            arrays,
        ),
        "GIL released": (_native(release_gil=True), arrays),
        "without the entry": (slow, arrays),
    }


def _others(arrays: list[Any]) -> dict[str, Contender]:
    def empty(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
        pass

    signature = Signature((Argument("f4", SHAPE),) * COUNT, ())
    code, _ = _compiled(signature)
    kernel = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (COUNT + 1))(code.addresses["kernel"])
    kernel.code = code  # type: ignore[attr-defined]
    others: dict[str, Contender] = {
        "empty Python function": (empty, arrays),
        "ctypes, addresses known": (kernel, [*(a.ctypes.data for a in arrays), 0]),
        "np.empty": (np.empty, [SHAPE, arrays[0].dtype]),
    }
    if installed("jax"):
        import jax

        identity = jax.jit(lambda *x: x)
        others["jax.jit identity, NumPy arrays"] = (identity, arrays)
        others["jax.jit identity, JAX arrays"] = (identity, [jax.numpy.asarray(a) for a in arrays])
    if installed("torch"):
        import torch

        tensor = torch.from_numpy(arrays[0])
        others["torch view of one tensor"] = (torch.Tensor.detach, [tensor])
    return others


def _timer(function: Callable[..., Any], arguments: Sequence[Any]) -> Timer:
    names = {f"x{k}": x for k, x in enumerate(arguments)}
    return Timer(f"function({', '.join(names)})", globals={"function": function, **names})


def run(*, quick: bool = False) -> Report:
    """Contenders take turns, and the median counts."""
    arrays = [np.zeros(SHAPE, "f4") for _ in range(COUNT)]
    ours, others = _ours(arrays), _others(arrays)
    timers = {name: _timer(*contender) for name, contender in (ours | others).items()}
    repeats = {
        name: max(1, int((0.002 if quick else 0.02) / (timer.timeit(200) / 200)))
        for name, timer in timers.items()
    }
    times: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(1 if quick else 9):
        for name, timer in timers.items():
            times[name].append(timer.timeit(repeats[name]) / repeats[name])
    numbers = {name: 1e9 * median(found) for name, found in times.items()}
    return Report(
        f"A call with {COUNT} arrays of {SHAPE[0]}×{SHAPE[1]} float32",
        "ns",
        numbers,
        ours=OURS,
        checks=[Check("ns without outputs", numbers[OURS], 150)],
        note="all guards, a kernel that does nothing",
        peers=[name for name in others if name.startswith(("jax", "torch"))],
    )


if __name__ == "__main__":
    report = run()
    print(f"{report.title}, {report.unit}")
    for name, number in report.numbers.items():
        print(f"{number:9.0f}  {name}")
    for check in report.checks:
        print(f"{check.what}: {check.value:.0f} of {check.limit:.0f}")
