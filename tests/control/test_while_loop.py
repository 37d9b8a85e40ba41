"""Loops without a count: as a plain loop, as a node of a graph, and compiled they compute the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import DtypeError, ShapeError, StepLimitError
from clearprop.testing import assert_grads

from .comparing import compare, message

pytest.importorskip("llvmlite")

cond, scan, while_loop = clearprop.cond, clearprop.scan, clearprop.while_loop
W = np.array([0.3, -0.8, 0.5])


def shrinking(w: Any, n: float) -> Any:
    """As many steps as it takes, which depends on the numbers."""
    bound = np.exp(-n)
    return np.sum(
        while_loop(lambda x: np.sum(x * x) > bound, lambda x: np.sin(x) * w[0] + 0.4 * x, w)
    )


def counting(w: Any, n: float) -> Any:
    def step(c: Any) -> Any:
        i, x = c
        return i + 1, np.tanh(x * w + i)

    i, x = while_loop(lambda c: c[0] < n, step, (0, w))
    return np.sum(x * x) * i


def containers(w: Any, n: float) -> Any:
    def step(c: Any) -> Any:
        a = c["a"] * 0.5 + np.sum(np.sin(c["b"] * w))
        return {"a": a, "b": c["b"] + np.tanh(w * a), "n": c["n"] + 1}

    c = while_loop(lambda c: c["n"] < n, step, {"a": 0.0, "b": np.ones(3), "n": 0})
    return c["a"] * np.sum(c["b"])


def changing_places(w: Any, n: float) -> Any:
    def step(c: Any) -> Any:
        i, a, b = c
        return i + 1.0, b, a + np.sum(w * b)

    i, a, b = while_loop(lambda c: c[0] < n, step, (0.0, 1.0, 2.0))
    return a * b + i


def straight(w: Any, n: float) -> Any:
    """Linear steps: nothing needs to be kept."""
    return np.sum(while_loop(lambda c: c[1] < n, lambda c: (2.0 * c[0], c[1] + 1), (w, 0))[0])


def within_a_loop(w: Any, n: float) -> Any:
    def root(a: Any) -> Any:
        return while_loop(lambda x: np.abs(x * x - a) > 1e-9, lambda x: 0.5 * (x + a / x), a)

    def step(c: Any) -> Any:
        return c[0] + 1, root(np.sum(c[1] ** 2) + 1.0) * w

    return np.sum(while_loop(lambda c: c[0] < n, step, (0, w))[1])


def in_a_scan(w: Any, n: float) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = while_loop(lambda h: np.abs(h) > x, lambda h: h * 0.6 + 0.01 * w[0], h + np.sum(w) * 2)
        return h, h * x

    h, hs = scan(step, n, np.array([0.5, 0.2, 0.9]))
    return h + np.sum(hs**2)


def a_scan_in_it(w: Any, n: float) -> Any:
    def step(c: Any) -> Any:
        x, ys = scan(lambda h, u: (np.sin(h + u * w), h * u), c[1], np.array([0.5, 0.2, 0.9]))
        return c[0] + 1, x + np.sum(ys)

    return np.sum(while_loop(lambda c: c[0] < n, step, (0, w))[1] ** 2)


def branching(w: Any, n: float) -> Any:
    def step(c: Any) -> Any:
        i, x = c
        return i + 1, cond(x > 1, lambda: 0.5 * x, lambda: x + w[2] * np.exp(w[0] * i))

    return while_loop(lambda c: c[0] < n, step, (0, w[0]))[1] ** 2


def descending(w: Any, n: float) -> Any:
    def step(c: Any) -> Any:
        i, v = c
        slope = clearprop.grad(lambda v: np.sum((v - w) ** 2 * w**2 + np.cos(v)))(v)
        return i + 1, v - 0.1 * slope

    return np.sum(while_loop(lambda c: c[0] < n, step, (0, np.zeros(3)))[1] ** 2)


@clearprop.block
def cell(x: Any, w: Any) -> Any:
    return np.tanh(x * w) + 0.1


@clearprop.block
def some_cells(w: Any, n: float) -> Any:
    return while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, cell(c[1], w)), (0, w))[1]


def with_blocks(w: Any, n: float) -> Any:
    return np.sum(some_cells(w, n) ** 2)


PROGRAMS: list[Callable[..., Any]] = [
    *(shrinking, counting, containers, changing_places, straight, within_a_loop, in_a_scan),
    *(a_scan_in_it, branching, descending, with_blocks),
]


@pytest.mark.parametrize("n", [0.0, 1.0, 2.0, 7.0])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs(program: Callable[..., Any], n: float) -> None:
    def f(w: Any) -> Any:
        return program(w, n)

    assert_grads(f, W)
    compare(clearprop.value_and_grad(f), W)
    compare(lambda w, v: clearprop.hvp(f, w, v), W, np.array([1.0, 0.5, -2.0]))
    compare(lambda w, v: clearprop.jvp(f, w, v), W, np.array([1.0, 0.5, -2.0]))


def newton(a: Any) -> Any:
    return while_loop(lambda x: np.abs(x * x - a) > 1e-12 * a, lambda x: 0.5 * (x + a / x), a)


def test_roots() -> None:
    for f, wanted in (
        (newton, lambda a: a**0.5),
        (clearprop.grad(newton), lambda a: 0.5 * a**-0.5),
        (clearprop.grad(clearprop.grad(newton)), lambda a: -0.25 * a**-1.5),
        (clearprop.grad(clearprop.grad(clearprop.grad(newton))), lambda a: 0.375 * a**-2.5),
    ):
        compiled = clearprop.compile(f)
        for a in (9.0, 2.0, 1e6):  # from 1 there is no step, and so another slope
            assert compiled(a) == pytest.approx(wanted(a), rel=1e-6)


def test_nodes_and_stages() -> None:
    f = clearprop.value_and_grad(lambda w: shrinking(w, 3.0))
    graph = clearprop.trace(f, W)
    names = [node.primitive.name for node in graph.nodes]
    assert names.count("while_loop") == names.count("while_loop_backward") == 1
    compiled = clearprop.compile(f)
    compiled(W)
    text = str(compiled.report())
    assert "none of them left to NumPy" in text
    assert "loop with a condition, and the way back" in text
    stages = compiled.source("stages")
    assert "\nwhile\n" in stages
    assert "\nback\n" in stages


def test_results_that_nobody_reads_are_not_carried() -> None:
    def f(w: Any) -> Any:
        def step(c: Any) -> Any:
            return {"i": c["i"] + 1, "x": np.sin(c["x"]), "y": np.exp(c["y"] * w)}

        return while_loop(lambda c: c["i"] < 3, step, {"i": 0, "x": w, "y": w})["x"]

    graph = clearprop.trace(f, W)
    (node,) = graph.nodes
    assert (len(node.outputs), node.params["carried"], node.params["closed"]) == (1, 2, 0)
    assert "exp" not in {inner.primitive.name for body in node.bodies for inner in body.nodes}
    compare(f, W)


def test_a_step_that_needs_numpy() -> None:
    def f(w: Any) -> Any:
        def step(c: Any) -> Any:
            return c[0] + 1, np.sort(c[1] * w) + 0.1

        return np.sum(while_loop(lambda c: c[0] < 4, step, (0, w))[1] ** 2)

    compiled = clearprop.compile(clearprop.grad(f))
    np.testing.assert_allclose(compiled(W), clearprop.grad(f)(W), rtol=1e-12)
    assert "each step leaves sort to NumPy" in str(compiled.report())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_python_numbers_take_the_dtype_of_the_body(dtype: str) -> None:
    def f(w: Any) -> Any:
        return while_loop(lambda x: np.abs(x) < 9, lambda x: x * 1.5 + np.sum(w), 1.0)

    compare(f, np.ones(3, dtype))
    assert f(np.ones(3, dtype)).dtype == dtype


def test_complex_numbers() -> None:
    def f(z: Any) -> Any:
        last = while_loop(lambda x: np.abs(x) < 4, lambda x: x * x + z, z)
        return np.real(last) * np.imag(last)

    z = np.complex128(0.5 + 0.6j)
    compare(clearprop.value_and_grad(f), z)
    compare(lambda z, v: clearprop.hvp(f, z, v), z, np.complex128(0.3 - 0.2j))


def test_long_loops() -> None:
    """Euler's steps through x' = cos(x), which has the solution sin(x) = tanh(t + artanh(sin(x at 0)))."""

    def f(x: Any) -> Any:
        def step(c: Any) -> Any:
            return c[0] + 1, c[1] + 1e-6 * np.cos(c[1])

        return while_loop(lambda c: c[0] < 1_000_000, step, (0, x))[1]

    value, slope = clearprop.compile(clearprop.value_and_grad(f))(0.1)
    exact = np.arcsin(np.tanh(1 + np.arctanh(np.sin(0.1))))
    assert value == pytest.approx(exact, abs=1e-6)
    assert slope == pytest.approx(np.cos(exact) / np.cos(0.1), abs=1e-6)


def test_the_graph_on_tensors() -> None:
    graph = clearprop.trace(counting, W, 3.0)
    found = clearprop.grad(lambda w: graph.evaluate(w, np.float64(3.0)))(W)
    np.testing.assert_allclose(found, clearprop.grad(counting)(W, 3.0), rtol=1e-12)
    gradient = clearprop.trace(lambda w: clearprop.grad(counting)(w, 3.0), W)
    jacobian = clearprop.jacobian(gradient.evaluate)(W)
    np.testing.assert_allclose(
        jacobian, clearprop.hessian(lambda w: counting(w, 3.0))(W), rtol=1e-9
    )


def test_the_limit() -> None:
    def f(x: Any) -> Any:
        return while_loop(lambda x: x < 10, double, x, limit=3)

    def double(x: Any) -> Any:
        return 2 * x

    compiled, gradient = clearprop.compile(f), clearprop.compile(clearprop.grad(f))
    for run in (f, compiled, gradient, clearprop.grad(f), clearprop.trace(f, 1.0).evaluate):
        run(2.0)  # three steps
        message(StepLimitError, lambda run=run: run(1.0), "while_loop of double", "3 steps")
    assert compiled(2.0) == 16
    assert gradient(2.0) == 8


def test_indices_out_of_range_are_noticed_within() -> None:
    def f(xs: Any, n: Any) -> Any:
        def step(c: Any) -> Any:
            return c[0] + 1, c[1] + xs[c[0]]

        return while_loop(lambda c: c[0] < n, step, (0, 0.0))[1]

    compiled = clearprop.compile(clearprop.value_and_grad(f))
    value, slope = compiled(np.arange(4.0), np.int64(3))
    assert value == 3
    np.testing.assert_array_equal(slope, [1, 1, 1, 0])
    with pytest.raises(IndexError, match="4"):
        compiled(np.arange(4.0), np.int64(5))


def run_in_process(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to another process")
@pytest.mark.parametrize("what", ["f", "clearprop.grad(f)", "clearprop.grad(with_numpy)"])
def test_a_loop_that_never_ends_can_be_interrupted(what: str) -> None:
    process = run_in_process(
        f"""
        import clearprop, numpy as np

        def f(x):
            return clearprop.while_loop(lambda x: x < 2, lambda x: 1.0 * np.cos(x) / np.cos(x), x)

        def with_numpy(x):
            return np.sum(np.sort(np.stack([f(x), x])))

        compiled = clearprop.compile({what})
        compiled(3.0)
        print("ready", flush=True)
        try:
            compiled(1.0)
        except KeyboardInterrupt:
            print("interrupted", compiled(3.0))
        """
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        found = process.stdout.read()
        # a fraction of a second where nobody else computes; forty times that where many do
        assert time.monotonic() - start < 10
    assert found.startswith("interrupted")
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
def test_too_many_steps_for_the_memory() -> None:
    process = run_in_process(
        """
        import clearprop, numpy as np, resource

        def f(x):
            def step(c):
                return c[0] + 1, np.sin(c[1])
            return np.sum(clearprop.while_loop(lambda c: c[0] < x[0], step, (0, x))[1])

        compiled = clearprop.compile(clearprop.grad(f))
        compiled(np.full(10_000, 3.0))
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20), -1))
        try:
            compiled(np.full(10_000, 1e9))
        except MemoryError:
            print("no memory", np.isfinite(compiled(np.full(10_000, 3.0))).all())
        """
    )
    found, _ = process.communicate(timeout=60)
    assert found == "no memory True\n"


def test_errors() -> None:
    def one(x: Any) -> Any:
        return x

    def pair(x: Any) -> Any:
        return x, x

    def single(x: Any) -> Any:
        return x.astype("float32")

    def small(x: Any) -> Any:
        return x < 10

    for run in (lambda f: f(W), lambda f: clearprop.trace(f, W)):
        message(
            ShapeError,
            lambda run=run: run(lambda w: while_loop(small, one, w)),
            *("small, the condition of a while_loop, returned bool[3]", "np.all(x)"),
        )
        message(
            DtypeError,
            lambda run=run: run(lambda w: while_loop(np.sum, one, w)),
            *("returned f64 in place of a truth value", "x != 0"),
        )
        message(
            ShapeError,
            lambda run=run: run(lambda w: while_loop(small, pair, np.sum(w))),
            *("pair got the carried value as f64 and returned it as (f64, f64)",),
        )
        message(
            ShapeError,
            lambda run=run: run(lambda w: while_loop(small, single, np.sum(w))),
            *("as f64 and returned it as f32", "astype('float64')"),
        )
    message(ShapeError, lambda: while_loop(small, one, 1.0, limit=-1), "-1 steps")
