"""Blocks: one node that can be opened, with the gradient of its parts or one of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop
import clearprop.testing
from clearprop.errors import GradientError, ShapeError, UnsupportedError
from clearprop.graph.graph import Graph, Node, evaluate_node
from clearprop.passes import simplify
from tests.graph.examples import affine, derived, logistic


@clearprop.block
def unit(w, x):
    s = w * x
    return derived(s)


@clearprop.block
def both(x, y):
    total = x + y
    product = x * y
    return total, product


@clearprop.block
def scaled(x, *, by=1.0, power=1):
    return by * x**power


@scaled.gradient
def scaled_gradient(g, out, x, *, by=1.0, power=1):
    return g * by * power * x ** (power - 1)


def gates(graph: Graph) -> list[str]:
    return [node.primitive.name for node in graph.nodes]


def only_block(graph: Graph) -> Node:
    (node,) = (n for n in graph.nodes if n.body is not None)
    return node


# ---- one node


@pytest.mark.parametrize("squash", [derived, logistic])
def test_a_block_is_one_node(squash: Callable[..., Any]) -> None:
    def f(x):
        doubled = 2.0 * x
        return squash(doubled) + 1.0

    graph = clearprop.trace(f, 0.5)
    graph.verify()
    assert gates(graph) == ["multiply", squash.__name__, "add"]
    node = only_block(graph)
    assert node.body is not None
    assert gates(node.body) == ["negative", "exp", "add", "divide"]
    assert [w.name for w in node.inputs] == ["doubled"]
    assert [w.name for w in node.body.inputs] == ["z"]
    assert node.line is not None
    assert node.line.text == "return squash(doubled) + 1.0"
    assert graph.evaluate(0.0) == graph.open().evaluate(0.0) == 1.5


def test_a_mark_is_run_by_its_body_and_a_gradient_of_its_own_by_the_primitive() -> None:
    marked = only_block(clearprop.trace(lambda x: derived(x), 0.5))
    own = only_block(clearprop.trace(lambda x: logistic(x), 0.5))
    assert (marked.is_mark, own.is_mark) == (True, False)
    assert evaluate_node(replace(own, body=None), [0.0]) == [0.5]
    assert evaluate_node(marked, [0.0]) == [0.5]
    with pytest.raises(AssertionError, match="never run"):
        marked.primitive(0.0)


def test_its_first_line_says_what_it_does() -> None:
    assert only_block(clearprop.trace(lambda x: logistic(x), 1.0)).primitive.why == (
        "Squash a number into (0, 1)."
    )
    assert "open it" in only_block(clearprop.trace(lambda x: derived(x), 1.0)).primitive.why
    assert (logistic.__name__, repr(logistic)) == ("logistic", "<block logistic>")


def test_nested_blocks_open_level_by_level() -> None:
    graph = clearprop.trace(lambda w, x: unit(w, x) * 2.0, 1.0, 1.0)
    assert gates(graph) == ["unit", "multiply"]
    one = graph.open(1)
    assert gates(one) == ["multiply", "derived", "multiply"]
    two = one.open(1)
    assert gates(two) == ["multiply", "negative", "exp", "add", "divide", "multiply"]
    for opened in (one, two):
        opened.verify()
        assert opened.evaluate(0.0, 5.0) == 1.0


def test_a_block_with_two_outputs() -> None:
    def f(x, y):
        total, product = both(x, y)
        return total * product

    graph = clearprop.trace(f, 1.0, 1.0)
    graph.verify()
    assert [w.name for w in graph.nodes[0].outputs] == ["total", "product"]
    assert "total: f64, product: f64 = both(x, y)" in str(graph)
    assert graph.evaluate(2.0, 3.0) == graph.open().evaluate(2.0, 3.0) == 30.0
    assert clearprop.grad(f, (0, 1))(2.0, 3.0) == (21.0, 16.0)
    assert clearprop.grad(graph.evaluate, (0, 1))(2.0, 3.0) == (21.0, 16.0)


def test_only_the_outputs_that_are_used() -> None:
    graph = clearprop.trace(lambda x, y: both(x, y)[1] + 1.0, 1.0, 1.0)
    graph.verify()
    assert len(graph.nodes[0].outputs) == 1
    assert graph.evaluate(2.0, 3.0) == 7.0


def test_two_calls_are_two_nodes_with_parts_of_their_own() -> None:
    @clearprop.block
    def times(x, k):
        return x * k

    graph = clearprop.trace(lambda x: times(x, 2) + times(x, 3), 1.0)
    assert gates(graph) == ["times", "times", "add"]
    assert graph.evaluate(1.0) == 5.0
    assert simplify(graph).evaluate(1.0) == 5.0


def test_the_gradient_goes_through_the_parts_without_a_rule() -> None:
    graph = clearprop.trace(clearprop.grad(lambda x: derived(x) * 3.0), 1.0)
    graph.verify()
    assert graph.evaluate(0.0) == 0.75
    assert clearprop.grad(derived)(0.0) == 0.25


def test_containers_go_into_a_block_without_a_rule() -> None:
    @clearprop.block
    def weighed(params):
        return params["a"] * params["b"]

    found = clearprop.grad(lambda p: weighed(p) * 2.0)({"a": 3.0, "b": 5.0})
    assert found == {"a": 10.0, "b": 6.0}


# ---- a gradient of its own


def test_the_own_gradient_is_used() -> None:
    @clearprop.block
    def liar(x):
        return x * x

    @liar.gradient
    def liar_gradient(g, out, x):
        return 100.0 * g

    assert clearprop.grad(liar)(3.0) == 100.0
    assert clearprop.grad(lambda x: liar(x) + x)(3.0) == 101.0
    graph = clearprop.trace(liar, 3.0)
    assert clearprop.grad(graph.evaluate)(3.0) == 100.0
    assert clearprop.grad(graph.open().evaluate)(3.0) == 6.0


def test_several_inputs() -> None:
    w, x, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0]), np.array([0.5, -0.5])
    dw, dx, db = clearprop.grad(lambda *a: np.sum(affine(*a) * [1.0, 10.0]), (0, 1, 2))(w, x, b)
    np.testing.assert_array_equal(dw, [[5.0, 6.0], [50.0, 60.0]])
    np.testing.assert_array_equal(dx, [31.0, 42.0])
    np.testing.assert_array_equal(db, [1.0, 10.0])
    np.testing.assert_array_equal(clearprop.grad(lambda x: affine(w, x, b)[0])(x), [1.0, 2.0])


def test_broadcasting_is_undone() -> None:
    @clearprop.block
    def product(x, y):
        return x * y

    @product.gradient
    def product_gradient(g, out, x, y):
        return g * y, g * x

    x, y = np.array([1.0, 2.0, 3.0]), 2.0
    dx, dy = clearprop.grad(lambda x, y: np.sum(product(x, y)), (0, 1))(x, y)
    np.testing.assert_array_equal(dx, [2.0, 2.0, 2.0])
    assert dy == 6.0


def test_none_for_an_input_that_gets_no_gradient() -> None:
    @clearprop.block
    def gated(x, gate):
        return x * gate

    @gated.gradient
    def gated_gradient(g, out, x, gate):
        return g * gate, None

    assert clearprop.grad(lambda x, gate: gated(x, gate) + 7.0 * gate, (0, 1))(3.0, 2.0) == (
        2.0,
        7.0,
    )


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ((1.0,), "returned 1 value for 2 inputs"),
        ((1.0, 2.0, 3.0), "returned 3 values for 2 inputs"),
    ],
)
def test_a_wrong_number_of_gradients(returned: tuple[float, ...], says: str) -> None:
    @clearprop.block
    def pair(x, y):
        return x + y

    @pair.gradient
    def pair_gradient(g, out, x, y):
        return returned

    with pytest.raises(GradientError, match=f"block pair {says}; return one for each"):
        clearprop.grad(pair)(1.0, 2.0)


def test_a_gradient_of_the_wrong_shape() -> None:
    @clearprop.block
    def layer(x, w):
        return x @ w

    @layer.gradient
    def layer_gradient(g, out, x, w):
        return g @ w.T, g

    f = clearprop.grad(lambda x, w: np.sum(layer(x, w)), (0, 1))
    with pytest.raises(
        ShapeError, match=r"layer for w has shape \(2, 4\), but w has shape \(3, 4\)"
    ):
        f(np.ones((2, 3)), np.ones((3, 4)))


def test_a_block_of_plain_code_is_checked_by_differences() -> None:
    @clearprop.block
    def length(x):
        return np.asarray(x).shape[0] * 2.0 * float(x[0])

    @length.gradient
    def length_gradient(g, out, x):
        return g * np.array([2.0 * len(x)] + [0.0] * (len(x) - 1))

    with pytest.raises(UnsupportedError, match="assert_grads"):
        length.check_gradient(np.ones(3))
    clearprop.testing.assert_grads(length, np.ones(3), order=1)


def test_keywords_are_parameters() -> None:
    assert scaled(3.0, by=2.0, power=2) == 18.0
    assert clearprop.grad(lambda x: scaled(x, by=2.0, power=2))(3.0) == 12.0
    graph = clearprop.trace(lambda x: scaled(x, by=2.0, power=2) + scaled(x, power=3), 1.0)
    graph.verify()
    assert graph.nodes[0].params == {"by": 2.0, "power": 2}
    for variant in (graph, graph.open(), simplify(graph)):
        assert variant.evaluate(2.0) == 16.0
        assert clearprop.grad(variant.evaluate)(2.0) == 20.0


def test_tensors_by_keyword_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="differentiated inputs are positional: pass the"):
        clearprop.grad(lambda x: logistic(z=x))(1.0)


def test_a_result_that_is_no_array_is_refused() -> None:
    @clearprop.block
    def text(x):
        return "x"

    @text.gradient
    def text_gradient(g, out, x):
        return g

    with pytest.raises(UnsupportedError, match=r"block text .* must return arrays, .* not a str"):
        clearprop.grad(lambda x: text(x))(1.0)


def test_on_plain_arrays_it_is_the_function() -> None:
    for squash in (derived, logistic):
        assert squash(0.0) == 0.5
        result = squash(np.array([0.0, 100.0], "float32"))
        assert type(result) is np.ndarray
        assert result.dtype == np.float32
    assert both(2.0, 3.0) == (5.0, 6.0)


def test_second_order_through_an_own_gradient() -> None:
    s = 1 / (1 + np.exp(-0.7))
    second = clearprop.grad(clearprop.grad(logistic))(0.7)
    assert second == pytest.approx(s * (1 - s) * (1 - 2 * s), rel=1e-14)
    traced = clearprop.trace(clearprop.grad(clearprop.grad(logistic)), 0.0)
    traced.verify()
    assert traced.evaluate(0.7) == pytest.approx(second, rel=1e-14)
    h = clearprop.hessian(lambda x: np.sum(logistic(x)))(np.array([0.7, 0.0]))
    np.testing.assert_allclose(h, [[second, 0.0], [0.0, 0.0]], rtol=1e-14, atol=1e-16)


# ---- the neuron of the textbook: w = (2, -3, -3), x = (-1, -2)


def single_gates(w0, x0, w1, x1, w2):
    return 1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2)))


def with_block(w0, x0, w1, x1, w2):
    return derived(w0 * x0 + w1 * x1 + w2)


def with_own_gradient(w0, x0, w1, x1, w2):
    return logistic(w0 * x0 + w1 * x1 + w2)


def with_primitive(w0, x0, w1, x1, w2):
    return clearprop.sigmoid(w0 * x0 + w1 * x1 + w2)


@pytest.mark.parametrize("f", [single_gates, with_block, with_own_gradient, with_primitive])
def test_the_sigmoid_neuron(f: Callable[..., Any]) -> None:
    at = (2.0, -1.0, -3.0, -2.0, -3.0)
    expected = (-0.1966, 0.3932, -0.3932, -0.5898, 0.1966)
    graph = clearprop.trace(clearprop.value_and_grad(f, (0, 1, 2, 3, 4)), *at)
    graph.verify()
    for run in (
        clearprop.value_and_grad(f, (0, 1, 2, 3, 4)),
        graph.evaluate,
        graph.open().evaluate,
    ):
        value, gradients = run(*at)
        assert value == pytest.approx(0.7311, abs=5e-5)
        assert gradients == pytest.approx(expected, abs=5e-5)


# ---- complex numbers: rules take and give the direction of steepest ascent


M = np.array([[1 + 2j, -0.5j], [0.3, 2 - 1j]])


def times_m(x):
    return M @ x


@clearprop.block
def linear(x):
    return M @ x


@linear.gradient
def linear_gradient(g, out, x):
    return M.conj().T @ g


@clearprop.block
def real_part_of(x, scale):
    return np.real(x) * scale


@real_part_of.gradient
def real_part_gradient(g, out, x, scale):
    return g * scale + 0j, np.real(x) * g


def length(z):
    return np.sqrt(np.sum(np.abs(z) ** 2))


Z = np.array([0.4 - 1j, 2 + 0.5j])


@pytest.mark.parametrize(
    "own", [lambda z: length(linear(z)), lambda z: length(linear(linear(z) * 1j) + z)]
)
def test_a_complex_rule_is_that_of_steepest_ascent(own: Callable[..., Any]) -> None:
    gradient = clearprop.grad(own)(Z)
    step = 1e-6
    numbers = [
        (own(Z + step * d) - own(Z - step * d)) / (2 * step)
        for d in (*np.eye(2), *(1j * np.eye(2)))
    ]
    np.testing.assert_allclose(gradient, numbers[:2] + 1j * np.array(numbers[2:]), rtol=1e-8)
    traced = clearprop.trace(clearprop.grad(own), Z)
    np.testing.assert_allclose(traced.evaluate(Z), gradient, rtol=1e-14)


def test_a_complex_rule_of_a_real_result() -> None:
    def f(x, s):
        return np.sum(np.sin(real_part_of(x * (1 + 1j), s)))

    found = clearprop.grad(f, (0, 1))(Z, 0.7)
    expected = clearprop.grad(lambda x, s: np.sum(np.sin(np.real(x * (1 + 1j)) * s)), (0, 1))(
        Z, 0.7
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_a_complex_rule_is_checked_against_the_parts() -> None:
    linear.check_gradient(Z)

    @clearprop.block
    def turned(x):
        return M @ x

    @turned.gradient
    def turned_gradient(g, out, x):
        return M.T @ g

    with pytest.raises(clearprop.GradientMismatch, match="turned: its own gradient for x differs"):
        turned.check_gradient(Z)
