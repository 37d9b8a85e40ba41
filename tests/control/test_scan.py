"""Loops: what they compute as a plain Python loop, as a node of a graph, and compiled, is the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import ShapeError, TraceError, UnsupportedError
from clearprop.testing import assert_grads
from clearprop.transforms.trees import flatten

pytest.importorskip("llvmlite")

scan, fori_loop, while_loop = clearprop.scan, clearprop.fori_loop, clearprop.while_loop
ROWS = np.random.default_rng(7).normal(size=(9, 3))


def recurrent(w: Any, xs: Any, reverse: bool) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = np.tanh(x * w + h @ np.outer(w, w))
        return h, h

    h, hs = scan(step, np.zeros(3), xs, reverse=reverse)
    return np.sum(h * h) + np.sum(hs)


def containers(w: Any, xs: Any, reverse: bool) -> Any:
    def step(c: Any, x: Any) -> Any:
        a = c["a"] * 0.5 + np.sum(np.sin(x["x"] * w))
        b = c["b"] + np.tanh(w * a)
        return {"a": a, "b": b}, (a * b, None)

    c, (y, nothing) = scan(step, {"a": 0.0, "b": np.ones(3)}, {"x": xs}, reverse=reverse)
    assert nothing is None
    return c["a"] * np.sum(c["b"]) + np.sum(y * y)


def changing_places(w: Any, xs: Any, reverse: bool) -> Any:
    def step(c: Any, x: Any) -> Any:
        return (c[1], c[0] + np.sum(x * w)), c[0]

    (a, b), ys = scan(step, (1.0, 2.0), xs, reverse=reverse)
    return a * b + np.sum(ys**2)


def within_a_loop(w: Any, xs: Any, reverse: bool) -> Any:
    def inner(h: Any, x: Any) -> Any:
        return np.tanh(h * x + w[0]), h

    def step(h: Any, x: Any) -> Any:
        last, ys = scan(inner, h, x)
        return last * 0.9 + h, ys

    h, ys = scan(step, 0.3, xs, reverse=reverse)
    return h + np.sum(ys**2)


@clearprop.block
def cell(h: Any, x: Any, w: Any) -> Any:
    return np.tanh(h * w + x)


def with_blocks(w: Any, xs: Any, reverse: bool) -> Any:
    h, hs = scan(lambda h, x: (cell(h, x, w), h), np.zeros(3), xs, reverse=reverse)
    return np.sum(h * hs)


@clearprop.block
def smoothed(w: Any, xs: Any, reverse: bool) -> Any:
    return np.sum(scan(lambda h, x: (0.5 * h + w * x, h * h), np.zeros(3), xs, reverse=reverse)[1])


def counted(w: Any, xs: Any, reverse: bool) -> Any:
    return np.sum(fori_loop(0, len(xs), lambda i, v: np.sin(v) * w + i * 0.1, w))


def picked(w: Any, xs: Any, reverse: bool) -> Any:
    rows = clearprop.tensor(xs, requires_grad=False)
    return np.sum(fori_loop(0, len(xs), lambda i, v: np.sin(v) * rows[i] + w, w))


def descending(w: Any, xs: Any, reverse: bool) -> Any:
    def step(v: Any, x: Any) -> Any:
        slope = clearprop.grad(lambda v: np.sum((v - w) ** 2 * w**2 + np.cos(v + x)))(v)
        return v - 0.1 * slope, None

    return np.sum(scan(step, np.zeros(3), xs, reverse=reverse)[0] ** 2)


def growing_matrix(w: Any, xs: Any, reverse: bool) -> Any:
    def step(m: Any, x: Any) -> Any:
        return 0.5 * m @ m + np.outer(x, w), np.max(m, axis=0)

    m, ys = scan(step, np.zeros((3, 3)), xs, reverse=reverse)
    return np.sum(m * m) + np.sum(ys)


def nothing_carried(w: Any, xs: Any, reverse: bool) -> Any:
    return np.sum(scan(lambda c, x: (None, np.sin(x * w)), None, xs, reverse=reverse)[1] ** 2)


PROGRAMS: list[Callable[..., Any]] = [
    *(recurrent, containers, changing_places, within_a_loop, with_blocks, smoothed, counted),
    *(picked, descending, growing_matrix, nothing_carried),
]


def compare(f: Callable[..., Any], *args: Any) -> None:
    """Compare a function with its graph, and compiled."""
    graph = clearprop.trace(f, *args)
    graph.verify()
    wanted = flatten(f(*args))[0]
    for found in (graph.evaluate(*args), clearprop.compile(f)(*args)):
        for x, y in zip(flatten(found)[0], wanted, strict=True):
            assert (np.shape(x), np.asarray(x).dtype) == (np.shape(y), np.asarray(y).dtype)
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("length", [0, 1, 2, 5])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs(program: Callable[..., Any], reverse: bool, length: int) -> None:
    if program is picked and not length:
        pytest.skip("an array without rows has none to pick from")
    w, xs = np.array([0.3, -0.8, 0.5]), ROWS[:length]

    def f(w: Any) -> Any:
        return program(w, xs, reverse)

    assert_grads(f, w)
    compare(clearprop.value_and_grad(f), w)
    compare(lambda w, v: clearprop.hvp(f, w, v), w, np.array([1.0, 0.5, -2.0]))
    compare(lambda w, v: clearprop.jvp(f, w, v), w, np.array([1.0, 0.5, -2.0]))


def test_gradients_of_what_is_read() -> None:
    def f(h: Any, xs: Any, w: Any) -> Any:
        h, ys = scan(lambda h, x: (np.tanh(h + x @ w), h), h, xs)
        return np.sum(h**2) + np.sum(np.sin(ys))

    compare(clearprop.grad(f, argnums=(0, 1, 2)), ROWS[0], ROWS, np.eye(3) * 0.4)


def test_the_graph_on_tensors() -> None:
    def f(w: Any, xs: Any) -> Any:
        return recurrent(w, xs, False)

    graph = clearprop.trace(f, ROWS[0], ROWS)
    for found, wanted in zip(
        clearprop.grad(graph.evaluate, argnums=(0, 1))(ROWS[0], ROWS),
        clearprop.grad(f, argnums=(0, 1))(ROWS[0], ROWS),
        strict=True,
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_it_is_one_node() -> None:
    def f(w: Any, xs: Any) -> Any:
        return recurrent(w, xs, False)

    args = ROWS[0], np.ones((1000, 3))
    graph = clearprop.trace(f, *args)
    (loop,) = (node for node in graph.nodes if node.primitive.name == "loop")
    assert len(loop.bodies[0].nodes) < 10
    text = str(graph)
    assert "loop(" in text
    assert text.count("= tanh(") == 1
    joint = clearprop.trace(clearprop.value_and_grad(f), *args)
    assert [node.primitive.name for node in joint.nodes].count("loop") == 2


def test_the_loop_is_native() -> None:
    compiled = clearprop.compile(clearprop.value_and_grad(lambda w: recurrent(w, ROWS, False)))
    compiled(ROWS[0])
    text = str(compiled.report())
    assert "none of them left to NumPy" in text
    assert text.count("loop of 9 steps") == 2
    assert "loop of 9 steps, from the last" in text
    assert "loop 9" in compiled.source("stages")


def test_a_step_that_needs_numpy() -> None:
    def f(xs: Any) -> Any:
        return np.sum(scan(lambda h, x: (np.sort(h + x), h), np.zeros(3), xs)[1] ** 2)

    compiled = clearprop.compile(clearprop.grad(f))
    np.testing.assert_allclose(compiled(ROWS), clearprop.grad(f)(ROWS), rtol=1e-12)
    assert "each step leaves sort to NumPy" in str(compiled.report())


@pytest.mark.parametrize("reads", [False, True])
def test_no_steps_change_nothing(reads: bool) -> None:
    def f(x: Any) -> Any:
        rows = x[:0] if reads else None
        (a, b), _ = scan(lambda c, _: ((c[1] * 2, c[0] + x), None), (x, 3 * x), rows, length=0)
        return np.sum(a**2 * b)

    x = np.array([0.5, 1.0])
    compare(f, x)
    compare(clearprop.value_and_grad(f), x)


def test_counters_are_numbers_of_numpys() -> None:
    def f(x: Any) -> Any:
        return fori_loop(0, 4, lambda i, s: s + np.sum(x * i), np.int64(0))

    compare(f, np.array([100, 50], "i1"))
    compare(lambda x: fori_loop(0, 4, lambda i, s: s + x * i.astype("f4"), x), np.ones(2, "f4"))
    for run in (lambda f, x: f(x), clearprop.trace):
        message(
            ShapeError,
            lambda run=run: run(
                lambda x: scan(lambda c, _: (fori_loop(0, 2, twice, c), None), x, length=2),
                np.ones(2, "f4"),
            ),
            *("the carried value as f32[2]", "f64[2]", "astype('float32')"),
        )


def test_python_numbers_that_stay_such_are_numpys() -> None:
    """They do not give way to float32, in a plain loop either."""
    x = np.ones(2, "f4")

    def counted(x: Any) -> Any:
        return scan(lambda c, _: ((c[0] + 1, c[1]), c[1] * c[0]), (0, x), length=3)

    def timed(x: Any) -> Any:
        return while_loop(lambda c: c[0] < 1, lambda c: (c[0] + 0.5, x * c[0]), (0, x * 1.0))

    compare(counted, x)
    (n, _), products = counted(x)
    assert (n.dtype, products.dtype) == (np.int64, np.float64)
    for run in (lambda f, x: f(x), clearprop.trace):
        message(ShapeError, lambda run=run: run(timed, x), "[1] as f32[2]", "f64[2]")


def test_fori_loop_keeps_shapes_in_plain_code_too() -> None:
    for run in (lambda f, x: f(x), clearprop.trace):
        message(
            ShapeError,
            lambda run=run: run(lambda x: fori_loop(0, 3, lambda i, c: c + x, 0.0), np.ones(3)),
            *("the carried value as f64", "f64[3]"),
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_python_numbers_take_the_dtype_of_the_body(dtype: str) -> None:
    xs = ROWS.astype(dtype)

    def f(w: Any) -> Any:
        return scan(lambda c, x: (c * 0.5 + np.sum(x * w), c), 0.0, xs)

    compare(f, np.ones(3, dtype))
    last, collected = f(np.ones(3, dtype))
    assert last.dtype == collected.dtype == dtype


def test_whole_numbers_and_truth_values() -> None:
    def f(xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            n, total, any_large = c
            large = x > 1
            return (n + 1, total + np.where(large, x * n, 0.0), any_large | large), n

        return scan(step, (0, 0.0, np.bool_(False)), xs)

    compare(f, ROWS[:, 0])
    compare(clearprop.grad(lambda xs: f(xs)[0][1]), ROWS[:, 0])


def test_complex_numbers() -> None:
    def f(z: Any) -> Any:
        last, ys = scan(lambda c, x: (c * x + z, c * 1j), z, ROWS[:, 0])
        return np.abs(last) ** 2 + np.sum(np.abs(ys))

    compare(clearprop.value_and_grad(f), np.complex128(0.3 - 0.2j))


def test_long_loops() -> None:
    """Euler's steps through x' = cos(x), which has the solution sin(x) = tanh(t + artanh(sin(x at 0)))."""

    def f(x: Any) -> Any:
        return fori_loop(0, 100_000, lambda i, x: x + 1e-5 * np.cos(x), x)

    value, slope = clearprop.compile(clearprop.value_and_grad(f))(0.1)
    exact = np.arcsin(np.tanh(1 + np.arctanh(np.sin(0.1))))
    assert value == pytest.approx(exact, abs=1e-5)
    assert slope == pytest.approx(np.cos(exact) / np.cos(0.1), abs=1e-5)


def test_indices_out_of_range_are_noticed_within() -> None:
    def f(xs: Any, places: Any) -> Any:
        return scan(lambda c, i: (c + xs[i], c), 0.0, places)[0]

    compiled = clearprop.compile(f)
    xs = np.arange(4.0)
    assert compiled(xs, np.array([0, 3, -1])) == 6
    with pytest.raises(IndexError, match="4"):
        compiled(xs, np.array([0, 4, 1]))


def message(error: type[Exception], f: Callable[[], object], *parts: str) -> None:
    with pytest.raises(error) as caught:
        f()
    for part in parts:
        assert part in str(caught.value), caught.value


def step(c: Any, x: Any) -> Any:
    return c + np.sum(x), None


def wider(c: Any, x: Any) -> Any:
    return c + x, None


def twice(i: Any, c: Any) -> Any:
    return c * i


def test_errors() -> None:
    xs = ROWS
    message(ShapeError, lambda: scan(step, 0.0), "scan of step", "length=n")
    message(ShapeError, lambda: scan(step, 0.0, xs, length=4), "xs 9, length 4")
    message(ShapeError, lambda: scan(step, 0.0, {"a": xs, "b": xs[1:]}), "xs['a'] 9, xs['b'] 8")
    message(ShapeError, lambda: scan(step, 0.0, (xs, 1.0)), "xs[1] is a number", "np.full(n, x)")
    message(ShapeError, lambda: scan(step, 0.0, length=-1), "-1 steps")
    message(
        UnsupportedError, lambda: scan(lambda c, x: c, 0.0, xs), "return carry, y", "two things"
    )
    for run in (lambda f: f(xs), lambda f: clearprop.trace(f, xs)):
        message(
            ShapeError,
            lambda run=run: run(lambda xs: scan(wider, 0.0, xs)),
            *("wider got the carried value as f64", "returned it as f64[3]", "shape (3,)"),
        )
        message(
            ShapeError,
            lambda run=run: run(lambda xs: scan(wider, np.zeros(3, "f4"), xs)),
            *("f32[3]", "f64[3]", "astype('float32')"),
        )
        message(
            ShapeError,
            lambda run=run: run(lambda xs: scan(lambda c, x: ((c, c), None), 0.0, xs)),
            *("as f64", "as (f64, f64)"),
        )


def test_an_index_that_is_counted_picks_from_tensors() -> None:
    message(
        TraceError,
        lambda: clearprop.trace(lambda x: fori_loop(0, 3, lambda i, v: v + ROWS[i], x), ROWS[0]),
        "clearprop.tensor(x, requires_grad=False)[i]",
    )


ENDLESS = """
import clearprop, numpy as np
turning = clearprop.compile(lambda x: clearprop.fori_loop(0, 10**12, lambda i, x: np.cos(x) + i * 0.0, x))
print("begins", flush=True)
try:
    turning(0.3)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")
def test_a_long_loop_can_be_interrupted() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(3)  # to compile; if it comes sooner, it interrupts that
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "interrupted\n"


def test_bodies_have_the_names_of_the_functions_own_arguments() -> None:
    def f(u: Any, rates: Any) -> Any:
        def step(h: Any, rate: Any) -> Any:
            return h * rate, None

        u = clearprop.fori_loop(0, 3, lambda i, v: v * i, u)
        return clearprop.scan(step, u, rates)[0]

    graph = clearprop.trace(f, np.ones(2), np.ones(3))
    first, second = (node.bodies[0] for node in graph.nodes)
    assert [w.name for w in first.inputs] == ["i", "v"]
    assert [w.name for w in second.inputs] == ["h", "rate"]


def test_backward_bodies_say_whose_gradients_they_hold() -> None:
    def f(w: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            pre = w * h + x
            h = np.tanh(pre)
            return h, None

        return clearprop.scan(step, 0.0, xs)[0]

    graph = clearprop.trace(clearprop.grad(f), 0.5, np.ones(3))
    body = graph.nodes[-1].bodies[0]
    assert {"h", "pre", "w"} == {w.gradient_of for w in body.wires()} - {""}
    lines = [node.line for node in body.nodes if node.line]
    assert {line.file for line in lines} == {__file__}


def test_what_no_step_collects_has_gradients_like_any_other() -> None:
    def f(xs: Any, s: Any) -> Any:
        _, ys = clearprop.scan(lambda c, x: (c, np.tanh(x)), None, xs)
        filled = np.sum(ys, axis=0).copy()
        filled[1] += s  # plain arrays refuse this
        return np.sum(filled)

    for length in (0, 1):
        dxs, ds = clearprop.grad(f, argnums=(0, 1))(np.zeros((length, 3)), 2.0)
        np.testing.assert_array_equal(dxs, np.ones((length, 3)))
        assert ds == 1.0
