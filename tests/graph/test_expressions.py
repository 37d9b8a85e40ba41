"""Graphs written as NumPy code: what is printed computes what the graph computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop
from clearprop.emit.array_expressions import expression
from clearprop.graph.graph import Graph
from clearprop.passes import simplify

NAMES = ("x", "y", "z")
NUMPY = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")}


def written(f: Callable[..., Any], *examples: Any) -> str:
    graph = clearprop.trace(f, *examples)
    return expression(graph, graph.outputs[0])


def computed(text: str, graph: Graph, args: tuple[Any, ...]) -> Any:
    """The value of the text, the graph's inputs being `args`."""
    known = {w.name: x for w, x in zip(graph.inputs, args, strict=True)}
    return eval(text, {"np": np} | NUMPY | known)


# ---- precedence

LEAVES = st.sampled_from([*NAMES, 2.0, 0.5, 3, -1.5, -2])
TREES = st.recursive(
    LEAVES,
    lambda deeper: st.one_of(
        st.tuples(st.sampled_from("+-*/"), deeper, deeper),
        st.tuples(st.just("**"), deeper, deeper),
        st.tuples(st.sampled_from(["neg", "exp", "tanh"]), deeper),
    ),
    max_leaves=10,
)
OPERATORS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "neg": lambda a: -a,
    "exp": np.exp,
    "tanh": np.tanh,
}


def run(tree: Any, known: dict[str, Any]) -> Any:
    """The value of an expression tree; numbers are NumPy's, so that 1 / 0 is infinite."""
    if isinstance(tree, str):
        return known[tree]
    if isinstance(tree, tuple):
        return OPERATORS[tree[0]](*(run(part, known) for part in tree[1:]))
    return np.float64(tree)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(tree=TREES)
def test_what_is_printed_is_what_is_computed(tree: Any) -> None:
    args = (np.float64(1.25), np.float64(0.75), np.float64(-0.625))

    def f(x, y, z):
        return run(tree, {"x": x, "y": y, "z": z})

    with np.errstate(all="ignore"):
        graph = clearprop.trace(f, *args)
        for variant in (graph, simplify(graph)):
            text = expression(variant, variant.outputs[0])
            expected = variant.evaluate(*args)
            np.testing.assert_allclose(computed(text, variant, args), expected, 1e-10, err_msg=text)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda x, y, z: (x + y) * z, "(x + y) * z"),
        (lambda x, y, z: x + y * z, "x + y * z"),
        (lambda x, y, z: x + (y + z), "x + y + z"),
        (lambda x, y, z: (x + y) + z, "x + y + z"),
        (lambda x, y, z: x - (y + z), "x - (y + z)"),
        (lambda x, y, z: x - (y - z), "x - (y - z)"),
        (lambda x, y, z: x - y - z, "x - y - z"),
        (lambda x, y, z: x * (y * z), "x * y * z"),
        (lambda x, y, z: x * (y / z), "x * (y / z)"),
        (lambda x, y, z: x / (y * z), "x / (y * z)"),
        (lambda x, y, z: x / y / z, "x / y / z"),
        (lambda x, y, z: x / (y / z), "x / (y / z)"),
        (lambda x, y, z: -x * y, "-x * y"),
        (lambda x, y, z: -(x * y), "-(x * y)"),
        (lambda x, y, z: -(x + y), "-(x + y)"),
        (lambda x, y, z: -(x**2), "-x**2"),
        (lambda x, y, z: (-x) ** 2, "(-x)**2"),
        (lambda x, y, z: x ** (-y), "x**(-y)"),
        (lambda x, y, z: (x**y) ** z, "(x**y)**z"),
        (lambda x, y, z: x ** (y**z), "x**(y**z)"),
        (lambda x, y, z: (x * y) ** 2, "(x * y)**2"),
        (lambda x, y, z: np.exp(x + y) * np.tanh(-z), "exp(x + y) * tanh(-z)"),
        (lambda x, y, z: (x > y) & (y > z), "(x > y) & (y > z)"),
        (lambda x, y, z: (x > y) != (y > z), "(x > y) != (y > z)"),
        (lambda x, y, z: x + y > z * 2.0, "x + y > z * 2"),
    ],
)
def test_parentheses_where_they_are_needed(f: Callable[..., Any], text: str) -> None:
    assert written(f, 1.0, 2.0, 3.0) == text
    graph, args = clearprop.trace(f, 1.0, 2.0, 3.0), (1.5, 2.5, 0.5)
    assert computed(text, graph, args) == pytest.approx(graph.evaluate(*args), rel=1e-14)


A = np.arange(12.0).reshape(3, 4)
B = np.arange(12.0).reshape(4, 3) / 7
S = np.array([[1.0, 2.0], [3.0, 5.0]])
T = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("f", "args", "text"),
    [
        (lambda x, y, z: x * (y @ z), (S, S + 1, S - 2), "x * (y @ z)"),
        (lambda x, y, z: (x * y) @ z, (S, S + 1, S - 2), "x * y @ z"),
        (lambda x, y, z: x @ (y * z), (S, S + 1, S - 2), "x @ (y * z)"),
        (lambda x, y, z: x @ (y @ z), (S, S + 1, S - 2), "x @ (y @ z)"),
        (lambda x, y, z: x @ y @ z, (S, S + 1, S - 2), "x @ y @ z"),
        (lambda x, y: x @ y.T + 1.0, (S, S + 1), "x @ y.T + 1"),
        (lambda x, y: (x + y).T, (S, S + 1), "(x + y).T"),
        (lambda x: -x.T, (S,), "-x.T"),
        (lambda x: np.sum(x), (A,), "sum(x)"),
        (lambda x: np.sum(x, axis=0), (A,), "sum(x, axis=0)"),
        (lambda x: np.sum(x, axis=-1, keepdims=True), (A,), "sum(x, axis=1, keepdims=True)"),
        (lambda x: np.mean(x * x, axis=(0, 2)), (T,), "mean(x * x, axis=(0, 2))"),
        (lambda x: np.max(x, axis=1), (A,), "max(x, axis=1)"),
        (lambda x: np.var(x, axis=0, ddof=1), (A,), "var(x, axis=0, ddof=1)"),
        (lambda x: x[0], (A,), "x[0]"),
        (lambda x: x[1:, ::2], (A,), "x[1:, ::2]"),
        (lambda x: x[..., -1], (A,), "x[..., -1]"),
        (lambda x: (x * 2.0)[0, 1], (A,), "(x * 2)[0, 1]"),
        (lambda x: x.reshape(4, 3), (A,), "x.reshape(4, 3)"),
        (lambda x: (x + 1.0).reshape(12), (A,), "(x + 1).reshape(12,)"),
        (lambda x: np.transpose(x, (1, 2, 0)), (T,), "x.transpose(1, 2, 0)"),
        (lambda x, y: np.where(x > 2.0, x, y), (A, -A), "where(x > 2, x, y)"),
        (lambda x, y: np.maximum(x, y) ** 2, (A, B.T), "maximum(x, y)**2"),
    ],
)
def test_as_in_numpy(f: Callable[..., Any], args: tuple[Any, ...], text: str) -> None:
    graph = clearprop.trace(f, *args)
    assert expression(graph, graph.outputs[0]) == text
    np.testing.assert_allclose(computed(text, graph, args), graph.evaluate(*args), rtol=1e-14)


# ---- names and numbers


def test_an_index_that_is_an_input() -> None:
    assert written(lambda x, i: x[i] + x[i, 0], A, np.array([0, 2, 1, 1])) == "x[i] + x[i, 0]"


def test_stop() -> None:
    def f(x, y):
        q = x + y
        r = q * q
        return np.exp(r) - q

    graph = clearprop.trace(f, 1.0, 2.0)
    out = graph.outputs[0]
    assert expression(graph, out) == "exp((x + y) * (x + y)) - (x + y)"
    assert expression(graph, out, stop=[graph["q"]]) == "exp(q * q) - q"
    assert expression(graph, out, stop={graph["q"], graph["r"]}) == "exp(r) - q"
    assert expression(graph, graph["q"], stop=[graph["q"]]) == "x + y"
    assert expression(graph, graph["x"]) == "x"


def test_a_block_is_a_call() -> None:
    @clearprop.block
    def squash(z):
        return 1 / (1 + np.exp(-z))

    graph = clearprop.trace(lambda x: 2.0 * squash(x + 1.0), 1.0)
    assert expression(graph, graph.outputs[0]) == "2 * squash(x + 1)"
    opened = graph.open()
    assert expression(opened, opened.outputs[0]) == "2 * (1 / (1 + exp(-(x + 1))))"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "x * 2"),
        (0.1, "x * 0.1"),
        (-3.0, "x * -3"),
        (7, "x * 7"),
        (1e300, "x * 1e+300"),
        (1e-9, "x * 1e-09"),
        (-0.0, "x * -0.0"),
        (np.float32(0.5), "x * 0.5"),
        (np.inf, "x * np.inf"),
        (-np.inf, "x * -np.inf"),
        (np.nan, "x * np.nan"),
    ],
)
def test_constants(value: float, text: str) -> None:
    assert written(lambda x: x * value, 1.0) == text


def test_negative_constants_are_kept_together() -> None:
    assert written(lambda x: (-2.0) ** x, 2.0) == "(-2)**x"
    assert written(lambda x: x**-2.0, 2.0) == "x**(-2)"
    assert written(lambda x: x - -2.0, 2.0) == "x - -2"


def test_arrays_by_name_and_even_ones_by_number() -> None:
    table = np.array([1.0, 2.0])
    assert written(lambda x: x @ table, np.zeros(2)) == "x @ table"
    assert written(lambda x: x + np.full(2, 3.0), np.zeros(2)) == "x + 3"
    assert written(lambda x: x + np.array([1.0, 2.0]), np.zeros(2)) == "x + c1"


def test_a_deep_expression() -> None:
    def f(x):
        for _ in range(3000):
            x = x + 1.0
        return x

    assert written(f, 1.0).count("+") == 3000
