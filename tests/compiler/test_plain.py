"""Without LLVM, compiled functions run as NumPy code."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given, settings

import clearprop
from clearprop.compiler.arguments import Arguments
from clearprop.compiler.plain import PlainExecutable
from clearprop.compiler.runnable import runnable
from tests.programs import Program, programs


@settings(max_examples=settings().max_examples * 3 // 10)
@given(programs())
def test_program(program: Program) -> None:
    inputs = program.arrays()
    f = clearprop.value_and_grad(program, argnums=range(len(inputs)))
    arguments = Arguments(inputs, {}, "f")
    plain = PlainExecutable(f, arguments, ())
    plain.make(f)
    value, gradients = plain.run(arguments)
    expected, exact = f(*inputs)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-13)
    for g, wanted in zip(gradients, exact, strict=True):
        np.testing.assert_allclose(g, wanted, rtol=1e-9, atol=1e-11)


def test_source_is_fused_and_forgets() -> None:
    def f(x: float, y: float) -> float:
        s = np.sin(x)
        return s * s + np.sum(np.array([np.inf, -1.0]) * y) * 2

    text, names = runnable(clearprop.trace(f, 1.0, 2.0))
    assert text.splitlines() == [
        "def compiled(x0, x1):",
        "    t0 = sin(x0)",
        "    return (((t0 * t0) + (sum((c1 * x1), axis=(0,), keepdims=False) * 2)),)",
    ]
    assert names["c1"].tolist() == [np.inf, -1.0]


def test_values_are_deleted_after_their_last_use() -> None:
    def f(x: float) -> float:
        s = np.sin(x)
        t = np.exp(s * s)
        return t * t + t

    text, _ = runnable(clearprop.trace(f, 1.0))
    assert text.splitlines()[1:] == [
        "    t0 = sin(x0)",
        "    t2 = exp((t0 * t0))",
        "    del t0",
        "    return (((t2 * t2) + t2),)",
    ]


WITHOUT = """
import sys
sys.modules["llvmlite"] = None
import warnings, numpy as np, clearprop
clearprop.set_num_threads(2)

@clearprop.compile(donate="p")
def step(p, x):
    loss, g = clearprop.value_and_grad(lambda p: np.sum(np.tanh(x @ p["w"]) ** 2))(p)
    return loss, {"w": p["w"] - 0.1 * g["w"]}

p, x = {"w": np.ones((3, 2))}, np.ones((4, 3))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    loss, new = step(p, x)
    step(new, x)
print([str(w.message) for w in caught])
print(round(float(loss), 6), new["w"].shape)
print(step.report())
print(step.source("numpy").splitlines()[0])
try:
    step.source("llvm")
except ValueError as error:
    print(error)
"""


def test_without_llvmlite() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    warned, result, report, trace, source, head, error = done.stdout.splitlines()
    assert warned.count("llvmlite is not installed") == 1
    assert "pip install llvmlite" in warned
    assert result == f"{8 * np.tanh(3) ** 2:.6f} (3, 2)"
    assert report.startswith("step: ")
    assert report.endswith("since llvmlite is not installed")
    assert trace.startswith("  trace ")
    assert source.startswith("  NumPy source ")
    assert head == "def compiled(x0, x1):"
    assert error == "source('llvm'): there are 'graph' and 'numpy'"
