"""Simplification: each rule where it holds, and not where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.primitive import primitives
from clearprop.engine.spec import ArraySpec
from clearprop.graph.graph import Graph, Node, Wire
from clearprop.passes import rule, simplify

Function = Callable[..., Any]
X = np.array([1.5, -2.0, 0.25])
ONES = np.ones(3)
SQUARE = np.arange(9.0).reshape(3, 3) - 3.5


def gates(graph: Graph) -> list[str]:
    return [node.primitive.name for node in graph.nodes]


def simplified(f: Function, *examples: Any, rtol: float = 0.0) -> list[str]:
    """The gates left of `f`, after checks that it is well formed and gives what it gave."""
    graph = clearprop.trace(f, *examples)
    before = str(graph)
    simple = simplify(graph)
    simple.verify()
    assert str(graph) == before, "the original was changed"
    rng = np.random.default_rng(5)
    for _ in range(3):
        args = [
            x
            if np.asarray(x).dtype.kind in "iu"
            else rng.standard_normal(np.shape(x)).astype(np.asarray(x).dtype)[()]
            for x in examples
        ]
        expected, actual = graph.evaluate(*args), simple.evaluate(*args)
        assert np.shape(actual) == np.shape(expected)
        assert np.asarray(actual).dtype == np.asarray(expected).dtype
        np.testing.assert_allclose(actual, expected, rtol=rtol)
    return gates(simple)


def single(x: Any) -> Any:
    return np.asarray(x, "float32")


APPLIES: list[tuple[str, Function, tuple[Any, ...], list[str]]] = [
    ("multiply_by_one", lambda x: x * 1, (X,), []),
    ("multiply_by_one", lambda x: 1.0 * x, (X,), []),
    ("multiply_by_one", lambda x: x * np.ones(3), (X,), []),
    ("multiply_by_one", lambda x: x * 1.0, (single(X),), []),
    ("multiply_by_minus_one", lambda x: x * -1, (X,), ["negative"]),
    ("multiply_by_minus_one", lambda x: -1.0 * x, (X,), ["negative"]),
    ("divide_by_one", lambda x: x / 1.0, (X,), []),
    ("add_zero", lambda x: x + 0, (X,), []),
    ("add_zero", lambda x: np.zeros(3) + x, (X,), []),
    ("power_of_one", lambda x: x**1.0, (X,), []),
    ("negate_twice", lambda x: np.negative(-x), (X,), []),
    ("sign_outward", lambda x, y: (-x) * y, (X, X), ["multiply", "negative"]),
    ("sign_outward", lambda x, y: x * (-y), (X, X), ["multiply", "negative"]),
    ("sign_outward", lambda x, y: x / (-y), (X, X), ["divide", "negative"]),
    ("sign_outward", lambda x, y: (-x) / y, (X, X), ["divide", "negative"]),
    ("sign_outward", lambda x, y: (-x) * (-y), (X, X), ["multiply"]),
    ("sum_of_negative", lambda x: np.sum(-x, axis=0), (X,), ["sum", "negative"]),
    ("add_negative", lambda x, y: x + (-y), (X, X), ["subtract"]),
    ("add_negative", lambda x, y: (-x) + y, (X, X), ["subtract"]),
    ("add_negative", lambda x, y: x - (-y), (X, X), ["add"]),
    ("keep_shape", lambda x: x.reshape(3), (X,), []),
    ("keep_shape", lambda x: np.broadcast_to(x, (3,)), (X,), []),
    ("transpose_twice", lambda x: x.T.T, (SQUARE,), []),
    (
        "transpose_twice",
        lambda x: np.transpose(np.transpose(x, (2, 0, 1)), (1, 2, 0)),
        (np.zeros((2, 3, 4)),),
        [],
    ),
    ("stretch_number", lambda x, y: x.reshape(1) * y, (1.5, X), ["multiply"]),
    (
        "stretch_number",
        lambda x: np.broadcast_to(x.reshape(1, 1), (2, 3)),
        (1.5,),
        ["broadcast_to"],
    ),
]


@pytest.mark.parametrize(("name", "f", "examples", "left"), APPLIES)
def test_a_rule_applies(
    name: str,
    f: Function,
    examples: tuple[Any, ...],
    left: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert simplified(f, *examples) == left
    others = [r for r in rule.RULES if r.name != name]
    assert len(others) == len(rule.RULES) - 1
    monkeypatch.setattr(rule, "RULES", others)
    assert simplified(f, *examples) != left, f"another rule than {name} did it"


def test_multiply_by_reciprocal() -> None:
    assert simplified(lambda x, y: x * (1 / y), X, X, rtol=1e-15) == ["divide"]
    assert simplified(lambda x, y: (1.0 / y) * x, X, X, rtol=1e-15) == ["divide"]


STAYS: list[tuple[str, Function, tuple[Any, ...], list[str]]] = [
    ("x * 0 is NaN for infinite x", lambda x: x * 0, (X,), ["multiply"]),
    ("0 / x is NaN for zero", lambda x: 0.0 / x, (X,), ["divide"]),
    ("x - x is NaN for infinite x", lambda x: x - x, (X,), ["subtract"]),
    ("x / x is NaN for zero", lambda x: x / x, (X,), ["divide"]),
    ("0 - x", lambda x: 0.0 - x, (X,), ["subtract"]),
    ("1 / x", lambda x: 1 / x, (X,), ["divide"]),
    ("1 ** x", lambda x: 1.0**x, (np.abs(X),), ["power"]),
    ("times two", lambda x: x * 2, (X,), ["multiply"]),
    ("ones that stretch", lambda x: x * np.ones((2, 3)), (X,), ["multiply"]),
    ("zeros that stretch", lambda x: x + np.zeros((2, 3)), (X,), ["add"]),
    ("divided by ones that stretch", lambda x: x / np.ones((2, 1)), (X,), ["divide"]),
    ("the power of ones that stretch", lambda x: x ** np.ones((2, 3)), (X,), ["power"]),
    ("ones of a wider dtype", lambda x: x * np.ones(3), (single(X),), ["multiply"]),
    ("zeros of a wider dtype", lambda x: x + np.zeros(3), (single(X),), ["add"]),
    ("an int times 1.0", lambda n: n * 1.0, (np.array([1, 2]),), ["multiply"]),
    ("an int divided by 1", lambda n: n / 1, (np.array([1, 2]),), ["divide"]),
    ("an int times -1.0", lambda n: n * -1.0, (np.array([1, 2]),), ["multiply"]),
    ("entries that differ", lambda x: x * np.array([1.0, 1.0, 2.0]), (X,), ["multiply"]),
    ("minus three ones", lambda x: x * -np.ones((2, 3)), (X,), ["multiply"]),
    ("one transpose", lambda x: x.T, (SQUARE,), ["transpose"]),
    (
        "transposes that turn on",
        lambda x: np.transpose(np.transpose(x, (1, 2, 0)), (1, 2, 0)),
        (np.zeros((2, 3, 4)),),
        ["transpose", "transpose"],
    ),
    ("a reshape that changes", lambda x: x.reshape(3, 1), (X,), ["reshape"]),
    ("a conversion that changes", lambda x: x.astype("float32"), (X,), ["astype"]),
    ("the shape needs it", lambda x: np.exp(x.reshape(1)), (1.5,), ["reshape", "exp"]),
    (
        "a reciprocal with ones that stretch",
        lambda x, y: x * (ONES / y),
        (1.5, 2.5),
        ["divide", "multiply"],
    ),
    (
        "a reciprocal in another dtype",
        lambda x, y: x * (1 / y),
        (single(1.5), np.int8(7)),
        ["divide", "multiply"],
    ),
    ("half a reciprocal", lambda x, y: x * (0.5 / y), (X, X), ["divide", "multiply"]),
    (
        "a minus that wraps",
        lambda x, n: x * (-n),
        (1.5, np.array([3], "uint8")),
        ["negative", "multiply"],
    ),
    (
        "a minus that wraps, added",
        lambda x, n: x + (-n),
        (1.5, np.array([3], "uint8")),
        ["negative", "add"],
    ),
]


@pytest.mark.parametrize(("why", "f", "examples", "left"), STAYS)
def test_a_rule_does_not_apply(
    why: str, f: Function, examples: tuple[Any, ...], left: list[str]
) -> None:
    assert simplified(f, *examples) == left, why


def test_every_rule_has_a_test() -> None:
    tested = {name for name, *_ in APPLIES}
    special = {"multiply_by_reciprocal", "fold_constants", "stretch_constant"}
    assert {r.name for r in rule.RULES if "program" in r.readers} == tested | special


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 0.0])
def test_what_is_not_finite_stays(value: float) -> None:
    for f in (lambda x: x * 0, lambda x: 0.0 * x, lambda x: x - x):
        simple = simplify(clearprop.trace(f, 1.0))
        with np.errstate(invalid="ignore"):
            expected = f(np.float64(value))
            np.testing.assert_array_equal(simple.evaluate(np.float64(value)), expected)


# ---- constants


def wire(name: str, *shape: int) -> Wire:
    return Wire(name, ArraySpec(shape, np.dtype(float)))


def number(value: Any) -> Wire:
    return Wire(f"c{value}", ArraySpec(np.shape(value), np.dtype(float)), value)


def test_fold_constants() -> None:
    x, six, out = wire("x"), wire("six"), wire("out")
    product = Node(primitives.multiply, (number(2.0), number(3.0)), (six,))
    graph = Graph("f", (x,), (product, Node(primitives.add, (x, six), (out,))), (out,))
    simple = simplify(graph)
    simple.verify()
    assert gates(simple) == ["add"]
    assert simple.nodes[0].inputs[1].constant == 6.0
    assert simple.evaluate(1.0) == 7.0


def test_folding_does_not_warn() -> None:
    x, infinite, out = wire("x"), wire("y"), wire("out")
    division = Node(primitives.divide, (number(np.float64(1)), number(0.0)), (infinite,))
    graph = Graph("f", (x,), (division, Node(primitives.add, (x, infinite), (out,))), (out,))
    assert simplify(graph).evaluate(1.0) == np.inf


def test_arrays_are_not_folded() -> None:
    x, total, out = wire("x", 2), wire("y", 2), wire("out", 2)
    pair = number(np.array([1.0, 2.0]))
    nodes = (Node(primitives.add, (pair, pair), (total,)), Node(primitives.add, (x, total), (out,)))
    assert gates(simplify(Graph("f", (x,), nodes, (out,)))) == ["add", "add"]


def test_a_conversion_to_the_same_dtype() -> None:
    x, out = wire("x", 3), wire("out", 3)
    node = Node(primitives.astype, (x,), (out,), {"dtype": np.dtype(float)})
    simple = simplify(Graph("f", (x,), (node,), (out,)))
    simple.verify()
    assert gates(simple) == []
    assert simple.outputs == (x,)


def test_stretch_constant() -> None:
    x, stretched, out = wire("x", 2, 3), wire("y", 2, 3), wire("out", 2, 3)
    stretch = Node(primitives.broadcast_to, (number(2.0),), (stretched,), {"shape": (2, 3)})
    nodes = (stretch, Node(primitives.multiply, (x, stretched), (out,)))
    simple = simplify(Graph("f", (x,), nodes, (out,)))
    simple.verify()
    assert gates(simple) == ["multiply"]
    np.testing.assert_array_equal(simple.nodes[0].inputs[1].constant, np.full((2, 3), 2.0))
    uneven = Node(
        primitives.broadcast_to,
        (number(np.array([1.0, 2.0, 3.0])),),
        (stretched,),
        {"shape": (2, 3)},
    )
    kept = simplify(Graph("f", (x,), (uneven, nodes[1]), (out,)))
    assert gates(kept) == ["broadcast_to", "multiply"]


# ---- equal nodes, unread nodes


def test_equal_nodes_are_merged() -> None:
    assert simplified(lambda x: np.exp(x) * np.exp(x), X) == ["exp", "multiply"]
    assert simplified(lambda x: np.exp(2.0 * x) + np.exp(2.0 * x), X) == ["multiply", "exp", "add"]
    assert simplified(lambda x: np.sum(x, axis=0) + np.sum(x, axis=0), SQUARE) == ["sum", "add"]


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.exp(x) * np.exp(y),
        lambda x, y: (x - y) * (y - x),
        lambda x, y: np.sum(x, axis=0) * np.sum(x, axis=1),
        lambda x, y: (x * 2.0) + (x * 3.0),
        lambda x, y: x[0] * x[1],
    ],
)
def test_different_nodes_are_not(f: Function) -> None:
    assert len(simplified(f, SQUARE, SQUARE)) == 3


def test_the_sign_of_zero_tells_nodes_apart() -> None:
    graph = clearprop.trace(lambda x: (x / 0.0, x / -0.0), 1.0)
    with np.errstate(divide="ignore"):
        assert simplify(graph).evaluate(np.float64(1.0)) == (np.inf, -np.inf)


def test_weak_and_strong_constants_are_not_the_same() -> None:
    left = simplified(lambda x: (x * 2.0) + (x * np.float64(2.0)), single(X))
    assert left == ["multiply", "multiply", "add"]


def test_long_arrays_given_to_a_block_are_told_apart() -> None:
    @clearprop.block
    def pick(x, *, table):
        return np.sum(x * table)

    @pick.gradient
    def pick_gradient(g, out, x, *, table):
        return g * table

    first, second = np.zeros(3000), np.zeros(3000)
    second[1500] = 1.0
    graph = clearprop.trace(lambda x: pick(x, table=first) + pick(x, table=second), np.ones(3000))
    assert graph.evaluate(np.ones(3000)) == simplify(graph).evaluate(np.ones(3000)) == 1.0


def test_unread_nodes_are_dropped() -> None:
    x, unread, out = wire("x"), wire("unread"), wire("out")
    nodes = (Node(primitives.exp, (x,), (unread,)), Node(primitives.sin, (x,), (out,)))
    graph = Graph("f", (x,), nodes, (out,))
    assert gates(simplify(graph)) == ["sin"]
    assert gates(graph) == ["exp", "sin"]


def test_inputs_stay_even_when_unread() -> None:
    simple = simplify(clearprop.trace(lambda x, y: x + 0, 1.0, 2.0))
    assert [w.name for w in simple.inputs] == ["x", "y"]
    assert simple.evaluate(3.0, 4.0) == 3.0


def test_a_traced_gradient_becomes_what_one_would_write() -> None:
    graph = clearprop.trace(clearprop.grad(lambda x: x**2), 1.0)
    assert simplify(graph).evaluate(3.0) == 6.0
    assert gates(simplify(graph)) == ["multiply"]
