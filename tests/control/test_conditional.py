"""Choices: what they compute as a plain call, as a node of a graph, and compiled, is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import DtypeError, ShapeError, UnsupportedError
from clearprop.testing import assert_grads

from .comparing import compare, message

pytest.importorskip("llvmlite")

cond, switch, scan = clearprop.cond, clearprop.switch, clearprop.scan
W = np.array([0.3, -0.8, 0.5])


def closing_over(w: Any, x: Any) -> Any:
    scale = np.exp(w[0])
    y = cond(x > 0, lambda: np.sin(x) * w, lambda: scale * w**2)
    return np.sum(y * y)


def with_operands(w: Any, x: Any) -> Any:
    def falling(w: Any, pair: Any) -> Any:
        return {"y": np.tanh(w) * pair[0], "n": 3}, pair[1]

    def rising(w: Any, pair: Any) -> Any:
        return {"y": w, "n": 4}, np.sum(w) + pair[0]

    found, z = cond(x > 0, falling, rising, w, (x, 2.0))
    return np.sum(found["y"] ** 2) * found["n"] + z * x


def with_python_numbers(w: Any, x: Any) -> Any:
    y, z = cond(x > 0, lambda: (0.0, x), lambda: (np.sum(w), 1))
    return y * z + np.sum(w * x)


def handing_on(w: Any, x: Any) -> Any:
    a, b = cond(x > 0, lambda a, b: (a, b), lambda a, b: (b, a), w, w * x)
    return np.sum(a * np.sin(b) + a)


def one_of_four(w: Any, x: Any) -> Any:
    number = np.floor(x).astype("int32")
    return np.sum(switch(number, [np.sin, np.cos, lambda w: w * x, lambda w: w**3], w)) * x


def within_a_branch(w: Any, x: Any) -> Any:
    def small(w: Any) -> Any:
        return cond(x > -1.5, lambda: w * x, lambda: np.cos(w * x))

    return np.sum(cond(x > 0, lambda w: w, small, w) ** 2)


def in_a_loop(w: Any, x: Any) -> Any:
    def step(h: Any, u: Any) -> Any:
        h = cond(h > u, lambda h: h * 0.5 + np.sum(w * u), lambda h: h + np.sin(x * u), h)
        return h, h

    h, hs = scan(step, x, np.linspace(-1, 1, 5))
    return h + np.sum(hs**2)


def loops_in_branches(w: Any, x: Any) -> Any:
    def step(h: Any, u: Any) -> Any:
        return np.tanh(h * u + w), None

    def long(h: Any) -> Any:
        return scan(step, h, np.linspace(-1, 1, 5))[0]

    return np.sum(cond(x > 0, long, lambda h: h * x, w) ** 2)


def with_a_gradient(w: Any, x: Any) -> Any:
    def energy(w: Any) -> Any:
        return cond(x > 0, lambda: np.sum(w**4) * x, lambda: np.sum(np.sin(w)) * x**2)

    return np.sum(clearprop.grad(energy)(w) * w)


@clearprop.block
def gate(w: Any, x: Any) -> Any:
    return cond(x > 0, lambda: np.tanh(w * x), lambda: w)


def in_blocks(w: Any, x: Any) -> Any:
    return np.sum(cond(x < 3, lambda: gate(w, x), lambda: w) ** 2)


PROGRAMS: list[Callable[..., Any]] = [
    *(closing_over, with_operands, with_python_numbers, handing_on, one_of_four),
    *(within_a_branch, in_a_loop, loops_in_branches, with_a_gradient, in_blocks),
]


@pytest.mark.parametrize("x", [-2.2, -0.7, 0.4, 1.6, 2.3, 7.5])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs(program: Callable[..., Any], x: float) -> None:
    assert_grads(program, W, x)
    compare(clearprop.value_and_grad(program, argnums=(0, 1)), W, x)


@pytest.mark.parametrize("x", [-2.2, 0.4])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_second_derivatives(program: Callable[..., Any], x: float) -> None:
    compare(lambda w, v: clearprop.hvp(lambda w: program(w, x), w, v), W, W[::-1].copy())
    compare(lambda x, v: clearprop.jvp(lambda x: program(W, x), x, v), x, np.float64(0.5))


def test_only_the_branch_that_is_chosen_runs() -> None:
    """The other one would go out of range, or into a logarithm of what is negative."""
    table = np.arange(4.0)

    def f(x: Any, i: Any) -> Any:
        rows = clearprop.tensor(table, requires_grad=False)
        return cond(x > 0, lambda: np.log(x) * rows[i], lambda: x)

    compiled = clearprop.compile(clearprop.value_and_grad(f))
    with np.errstate(all="raise"):
        assert compiled(-1.0, np.int64(9)) == (-1.0, 1.0)
        assert compiled(np.e, np.int64(2)) == pytest.approx((2.0, 2.0 / np.e))
    with pytest.raises(IndexError, match="9"):
        compiled(1.0, np.int64(9))


def test_one_node_with_what_is_read() -> None:
    def f(x: Any, w: Any) -> Any:
        y, _ = cond(x > 0, lambda: (x * w, np.exp(x)), lambda: (w, x))
        return y

    graph = clearprop.trace(f, 1.0, W)
    (node,) = (node for node in graph.nodes if node.primitive.name == "switch")
    assert len(node.outputs) == 1  # nobody reads the other result
    assert [body.name for body in node.bodies] == ["<lambda>", "<lambda>"]
    assert not any(inner.primitive.name == "exp" for body in node.bodies for inner in body.nodes)
    compiled = clearprop.compile(clearprop.grad(lambda x, w: np.sum(f(x, w))))
    compiled(1.0, W)
    text = str(compiled.report())
    assert "one of 2 branches" in text
    assert "none of them left to NumPy" in text
    assert "choose t1" in compiled.source("stages")


def test_a_branch_that_needs_numpy() -> None:
    def f(w: Any) -> Any:
        return np.sum(cond(w[0] > 0, lambda: np.sort(w) * w, lambda: w) ** 2)

    compiled = clearprop.compile(clearprop.grad(f))
    for w in (W, -W):
        np.testing.assert_allclose(compiled(w), clearprop.grad(f)(w), rtol=1e-12)
    assert "a branch leaves sort to NumPy" in str(compiled.report())


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "uint64"])
def test_indices_of_every_dtype(dtype: str) -> None:
    def f(i: Any) -> Any:
        if dtype == "bool":
            return cond(i, lambda: 1, lambda: 0)
        return switch(i, [lambda n=n: n for n in range(3)])

    compiled = clearprop.compile(f)
    numbers = {"bool": [0, 1], "int8": [-100, -1, 0, 1, 2, 100]}.get(dtype, [0, 1, 2, 200])
    for i in map(np.dtype(dtype).type, numbers):
        assert compiled(i) == f(i) == min(max(int(i), 0), 2)


def test_complex_numbers() -> None:
    def f(z: Any) -> Any:
        return np.abs(cond(np.real(z) > 0, lambda: z**2 * 1j, lambda: np.conj(z) * z)) ** 2

    for z in (np.complex128(0.3 - 0.2j), np.complex128(-0.3 - 0.2j)):
        compare(clearprop.value_and_grad(f), z)


def test_results_are_nobody_elses_memory() -> None:
    graph = clearprop.trace(lambda w: cond(w[0] > 0, lambda: w, lambda: w[::-1]), W)
    for w in (W.copy(), -W):
        found = graph.evaluate(w)
        assert not np.may_share_memory(found, w)
        assert w.flags.writeable


def test_the_graph_on_tensors() -> None:
    graph = clearprop.trace(closing_over, W, 0.7)
    found = clearprop.grad(graph.evaluate, argnums=(0, 1))(W, np.float64(0.7))
    wanted = clearprop.grad(closing_over, argnums=(0, 1))(W, 0.7)
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


def test_errors() -> None:
    def traced(f: Callable[..., Any]) -> Callable[[], object]:
        return lambda: clearprop.trace(f, 1.0, W)

    def one(w: Any) -> Any:
        return w

    def two(w: Any) -> Any:
        return w, w

    def single(w: Any) -> Any:
        return w.astype("float32")

    message(
        ShapeError,
        traced(lambda x, w: cond(x > 0, one, two, w)),
        *("cond: two returned (f64[3], f64[3]), and one f64[3]", "the same structure"),
    )
    message(
        ShapeError,
        traced(lambda x, w: cond(x > 0, one, single, w)),
        *("f32[3] from single and f64[3] from one", "x.astype(dtype)"),
    )
    message(
        ShapeError,
        traced(lambda x, w: cond(x > 0, lambda: {"a": w}, lambda: {"a": x})),
        *("at ['a']: f64 from <lambda> and f64[3]",),
    )
    message(ShapeError, lambda: cond(W > 0, one, one, W), "one truth value", "np.all(pred)")
    message(ShapeError, traced(lambda x, w: cond(w > 0, one, one, w)), "got bool[3]")
    message(DtypeError, lambda: switch(1.0, [one], W), "index is f64", "astype('int64')")
    message(UnsupportedError, lambda: switch(1, []), "no branches")


def test_what_is_read_may_not_be_changed() -> None:
    def outer(change: Callable[[Any], None]) -> Callable[[], object]:
        def f(x: Any) -> Any:
            x = 1.0 * x

            def changing(y: Any) -> Any:
                y[0] = 5.0
                return y * x

            def branch(y: Any) -> Any:
                change(x)
                return y

            return cond(x[1] > 0, changing, branch, x) + x

        compare(lambda x: cond(x[1] > 0, lambda y: in_place(y.copy()), np.sin, x) + x, W)
        return lambda: clearprop.trace(f, W)

    def in_place(y: Any) -> Any:
        y[0] = 5.0
        return y

    def by_operator(x: Any) -> None:
        x += 1.0

    def by_view(x: Any) -> None:
        x[1:][0] = 2.0

    for change in (in_place, by_operator, by_view):
        message(UnsupportedError, outer(change), "changed an array in place", "y = x.copy()")
    message(
        UnsupportedError,
        lambda: clearprop.trace(lambda x: scan(lambda c, _: (in_place(x), c), x, length=2), W),
        "a step of a loop, or a branch, changed an array in place that it was not given",
    )
