"""A graph as data: printed, checked, run, read and opened."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.primitive import primitives
from clearprop.engine.spec import ArraySpec
from clearprop.errors import GraphError, TraceError
from clearprop.graph.graph import Graph, Node, Wire


@clearprop.block
def squash(z):
    e = np.exp(-z)
    return 1 / (1 + e)


@clearprop.block
def neuron(w, x):
    s = w * x
    return squash(s)


def layer(x, w, b):
    s = x @ w + b
    a = squash(s)
    return np.sum(a * a, axis=0)


def two_levels(w, x, y):
    a = neuron(w, x)
    return squash(a) + y


SCALAR = ArraySpec((), np.dtype(float))


def example() -> Graph:
    return clearprop.trace(layer, np.zeros((4, 3)), np.zeros(3), 0.5)


def product() -> Graph:
    """q = x + y; f = q * x, by hand."""
    x, y, q, f = (Wire(name, SCALAR) for name in "xyqf")
    nodes = (Node(primitives.add, (x, y), (q,)), Node(primitives.multiply, (q, x), (f,)))
    return Graph("product", (x, y), nodes, (f,))


def gates(graph: Graph) -> list[str]:
    return [node.primitive.name for node in graph.nodes]


# ---- printing


def test_golden_text() -> None:
    text = re.sub(r" +# test_graph\.py:\d+ ", " #", str(example()))
    assert text == (
        "layer(x: f64[4,3], w: f64[3], b: f64) {\n"
        "  t1: f64[4] = matmul(x, w) # s = x @ w + b\n"
        "  s: f64[4] = add(t1, b) # s = x @ w + b\n"
        "  a: f64[4] = squash(s) { # a = squash(s)\n"
        "    t1: f64[4] = negative(z) # e = np.exp(-z)\n"
        "    e: f64[4] = exp(t1) # e = np.exp(-z)\n"
        "    t2: f64[4] = add(1, e) # return 1 / (1 + e)\n"
        "    a: f64[4] = divide(1, t2) # return 1 / (1 + e)\n"
        "  }\n"
        "  t2: f64[4] = multiply(a, a) # return np.sum(a * a, axis=0)\n"
        "  layer: f64 = sum(t2; axis=(0,), keepdims=False) # return np.sum(a * a, axis=0)\n"
        "  return layer\n"
        "}"
    )


def test_notes_stand_under_each_other() -> None:
    lines = [line for line in str(example()).splitlines() if not line.startswith("    ")]
    assert len({line.index("#") for line in lines if "#" in line}) == 1


def test_the_line_number_is_that_of_the_source() -> None:
    line = example().nodes[0].line
    assert line is not None
    assert line.number == layer.__code__.co_firstlineno + 1
    assert str(line) == f"test_graph.py:{line.number}"
    assert line.text == "s = x @ w + b"


def test_a_graph_without_lines_prints_without_notes() -> None:
    assert str(product()) == (
        "product(x: f64, y: f64) {\n  q: f64 = add(x, y)\n  f: f64 = multiply(q, x)\n  return f\n}"
    )


def test_small_constants_print_as_numbers_and_arrays_by_name() -> None:
    table = np.array([1.0, 2.0])
    graph = clearprop.trace(lambda x: x * table + np.float32(0.5), np.zeros(2))
    assert "multiply(x, table)" in str(graph)
    assert "add(t1, 0.5)" in str(graph)
    table += 1
    np.testing.assert_array_equal(graph["table"].constant, [1, 2])  # as it was


# ---- the verifier


def test_a_good_graph_verifies() -> None:
    product().verify()
    example().verify()


def broken_name(graph: Graph) -> Graph:
    graph.nodes[0].out.name = "x"
    return graph


def broken_order(graph: Graph) -> Graph:
    return replace(graph, nodes=graph.nodes[::-1])


def broken_by_making_twice(graph: Graph) -> Graph:
    return replace(graph, nodes=(*graph.nodes, graph.nodes[0]))


def broken_by_making_an_input(graph: Graph) -> Graph:
    first = replace(graph.nodes[0], outputs=(graph["x"],))
    return replace(graph, nodes=(first,), outputs=(graph["x"],))


def broken_shape(graph: Graph) -> Graph:
    graph["q"].spec = ArraySpec((3,), np.dtype(float))
    return graph


def broken_dtype(graph: Graph) -> Graph:
    graph["f"].spec = ArraySpec((), np.dtype("float32"))
    return graph


def broken_output(graph: Graph) -> Graph:
    return replace(graph, outputs=(Wire("z", SCALAR),))


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (broken_name, "product: two wires are named x"),
        (broken_order, "product: multiply reads q before it is made"),
        (broken_by_making_twice, "product: q is made twice"),
        (broken_by_making_an_input, "product: x is made twice"),
        (broken_shape, "product: q = add(...) is f64, but its wire q says f64[3]"),
        (broken_dtype, "product: f = multiply(...) is f64, but its wire f says f32"),
        (broken_output, "product: the output z is never made"),
    ],
)
def test_the_verifier_rejects(break_it: Any, says: str) -> None:
    with pytest.raises(GraphError, match=re.escape(says)):
        break_it(product()).verify()


def with_body(change: Any) -> Graph:
    """The example with another body in its block."""
    graph = example()
    node = next(n for n in graph.nodes if n.body is not None)
    other = replace(node, body=change(node.body))
    return replace(graph, nodes=tuple(other if n is node else n for n in graph.nodes))


@pytest.mark.parametrize(
    "change",
    [
        lambda body: replace(body, inputs=()),
        lambda body: replace(body, inputs=(Wire("z", SCALAR),)),
        lambda body: replace(body, outputs=(*body.outputs, *body.outputs)),
        lambda body: replace(body, outputs=()),
    ],
)
def test_a_body_must_fit_its_node(change: Any) -> None:
    with pytest.raises(GraphError, match="body does not fit the node around it"):
        with_body(change).verify()


def test_a_body_is_verified_too() -> None:
    with pytest.raises(GraphError, match="squash: divide reads t2 before it is made"):
        with_body(lambda body: replace(body, nodes=body.nodes[-1:])).verify()


def test_a_constant_needs_no_maker() -> None:
    x, out = Wire("x", SCALAR), Wire("out", SCALAR)
    two, three = Wire("c1", SCALAR, 2.0), Wire("c2", SCALAR, 3.0)
    graph = Graph("f", (x,), (Node(primitives.multiply, (x, two), (out,)),), (out, three))
    graph.verify()
    assert graph.evaluate(5.0) == (10.0, 3.0)


# ---- running


def test_evaluate() -> None:
    assert product().evaluate(2.0, 3.0) == 10.0
    x = np.array([[1.0, 2.0, 3.0]] * 4)
    w = np.array([0.5, -0.5, 0.25])
    assert example().evaluate(x, w, 0.25) == pytest.approx(4 * 0.6224593312018546**2, rel=1e-14)


def test_evaluate_with_containers() -> None:
    def f(params, xs):
        scaled = params["w"] * xs[0]
        return {"sum": scaled + xs[1], "both": (scaled, params["b"])}

    graph = clearprop.trace(f, {"w": 1.0, "b": 1.0}, [1.0, 1.0])
    result = graph.evaluate({"w": 2.0, "b": 7.0}, [3.0, 4.0])
    assert result == {"sum": 10.0, "both": (6.0, 7.0)}
    with pytest.raises(GraphError, match="takes 4 arrays, got 3"):
        graph.evaluate({"w": 2.0, "b": 7.0}, [3.0])
    with pytest.raises(TraceError, match=r"f was traced for other keys .*: 'v' is none of them"):
        graph.evaluate({"v": 2.0, "b": 7.0}, [3.0, 4.0])


def test_fixed_values_are_those_of_the_trace_in_type_and_value() -> None:
    graph = clearprop.trace(lambda x, n: x * n, 1.0, 1)
    assert graph.evaluate(2.0, 1) == 2.0
    for other in (True, 2, "1"):
        with pytest.raises(TraceError, match="was traced with the fixed values"):
            graph.evaluate(2.0, other)


def test_evaluate_on_tensors_is_differentiable() -> None:
    graph = example()
    x = np.linspace(-1, 1, 12).reshape(4, 3)
    w = clearprop.tensor([0.5, -1.0, 2.0])
    out = graph.evaluate(x, w, 0.5)
    assert isinstance(out, clearprop.Tensor)
    out.backward()
    expected = clearprop.grad(layer, 1)(x, w.value, 0.5)
    np.testing.assert_allclose(w.grad, expected, rtol=1e-14)
    np.testing.assert_array_equal(clearprop.grad(graph.evaluate, 1)(x, w.value, 0.5), w.grad)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((np.zeros((4, 3)), np.zeros(2), 0.5), "w: f64[3], but got f64[2]"),
        ((np.zeros((5, 3)), np.zeros(3), 0.5), "x: f64[4,3], but got f64[5,3]"),
        ((np.zeros((4, 3)), np.zeros(3, "float32"), 0.5), "w: f64[3], but got f32[3]"),
        ((np.zeros((4, 3)), np.zeros(3)), "layer takes 3 arrays, got 2"),
    ],
)
def test_other_shapes_are_refused(args: tuple[Any, ...], says: str) -> None:
    with pytest.raises(GraphError, match=re.escape(says)):
        example().evaluate(*args)


def test_other_fixed_values_are_refused() -> None:
    graph = clearprop.trace(lambda x, n: x**n, 2.0, 3)
    assert graph.evaluate(4.0, 3) == 64.0
    with pytest.raises(TraceError, match=r"traced with the fixed values \[3\]"):
        graph.evaluate(4.0, 2)


def test_evaluate_leaves_its_arguments_alone() -> None:
    def f(x):
        x[0] = 0.0
        return x * 2

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(clearprop.trace(f, x).evaluate(x), [0.0, 4.0])
    np.testing.assert_array_equal(x, [1.0, 2.0])


# ---- reading


def test_wires_come_once_in_order() -> None:
    assert [w.name for w in product().wires()] == ["x", "y", "q", "f"]


def test_users() -> None:
    graph = product()
    add, multiply = graph.nodes
    users = graph.users()
    assert users[graph["x"]] == [(add, 0), (multiply, 1)]
    assert users[graph["y"]] == [(add, 1)]
    assert users[graph["q"]] == [(multiply, 0)]
    assert users[graph["f"]] == []
    assert len(users) == 4


def test_users_counts_both_operands() -> None:
    graph = clearprop.trace(lambda x: x * x, 2.0)
    assert [position for _, position in graph.users()[graph["x"]]] == [0, 1]


def test_a_wire_by_its_name() -> None:
    graph = product()
    assert graph["q"] is graph.nodes[0].out
    with pytest.raises(KeyError, match="missing"):
        graph["missing"]


def test_a_node_with_two_outputs_has_no_single_one() -> None:
    x, y = Wire("x", SCALAR), Wire("y", SCALAR)
    with pytest.raises(GraphError, match="add has 2 outputs, not one"):
        _ = Node(primitives.add, (x, x), (x, y)).out


# ---- opening


def levels() -> Graph:
    return clearprop.trace(two_levels, 2.0, -1.0, 0.5)


LOGISTIC = ["negative", "exp", "add", "divide"]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"depth": 0}, ["neuron", "squash", "add"]),
        ({"depth": 1}, ["multiply", "squash", *LOGISTIC, "add"]),
        ({"depth": 2}, ["multiply", *LOGISTIC, *LOGISTIC, "add"]),
        ({}, ["multiply", *LOGISTIC, *LOGISTIC, "add"]),
        ({"only": "squash"}, ["neuron", *LOGISTIC, "add"]),
        ({"only": "neuron"}, ["multiply", "squash", "squash", "add"]),
        ({"only": "other"}, ["neuron", "squash", "add"]),
    ],
)
def test_open(how: dict[str, Any], expected: list[str]) -> None:
    opened = levels().open(**how)
    assert gates(opened) == expected
    opened.verify()
    assert opened.evaluate(1.0, 2.0, 3.0) == levels().evaluate(1.0, 2.0, 3.0)


def test_parts_take_the_place_of_a_node_on_the_same_wires() -> None:
    graph = levels()
    opened = graph.in_parts(lambda node: node.body if node.primitive.name == "squash" else None)
    assert gates(opened) == ["neuron", *LOGISTIC, "add"]
    assert opened.inputs == graph.inputs
    assert set(graph.wires()) <= set(opened.wires())
    assert opened.evaluate(1.0, 2.0, 3.0) == graph.evaluate(1.0, 2.0, 3.0)


def test_opening_leaves_the_original_untouched() -> None:
    graph = levels()
    before, body = str(graph), graph.nodes[0].body
    opened = graph.open()
    opened.outputs[0].name = "renamed"
    assert str(graph) == before
    assert graph.nodes[0].body is body
    assert not set(opened.wires()) & set(graph.wires())
    graph.verify()


def test_opened_names_are_unique_and_still_the_users() -> None:
    names = [w.name for w in levels().open().wires() if not w.is_constant]
    assert len(set(names)) == len(names)
    assert names[:3] == ["w", "x", "y"]
    assert {"s", "e", "e_2", "a"} <= set(names)


def test_open_a_block_that_returns_its_argument() -> None:
    @clearprop.block
    def reversal(x):
        return x

    @reversal.gradient
    def reversal_gradient(g, out, x):
        return -g

    graph = clearprop.trace(lambda x: reversal(x) * 2.0, 1.0)
    opened = graph.open()
    opened.verify()
    assert gates(opened) == ["multiply"]
    assert opened.nodes[0].inputs[0] is opened["x"]
    assert graph.evaluate(3.0) == opened.evaluate(3.0) == 6.0
    assert clearprop.trace(reversal, 1.0).open().evaluate(3.0) == 3.0
