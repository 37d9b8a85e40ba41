"""What is traced gives what runs: values and gradients, at other numbers of the same shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.graph.graph import Graph
from clearprop.passes import simplify
from clearprop.transforms.trees import flatten

Shapes = tuple[tuple[int, ...], ...]
LABELS = np.array([2, 0, 1, 1])
MASK = np.array([True, False, True])


def neuron(w, x):
    s = w[0] * x[0] + w[1] * x[1] + w[2]
    return 1 / (1 + np.exp(-s))


def network(w1, b1, w2):
    h = np.tanh(np.ones((4, 3)) @ w1 + b1)
    return np.sum((h @ w2) ** 2)


def entropy(logits):
    return np.mean(clearprop.cross_entropy(logits, LABELS))


def soft(x):
    return np.sum(clearprop.softmax(x, axis=-1) * np.arange(3.0))


def picking(x):
    rows = np.arange(4)
    return np.sum(x[rows, LABELS] * x[1:, 0].sum()) + x[-1, -1]


def assigning(x):
    y = x * 2.0
    y[1:] = y[1:] ** 2
    y[0] = 5.0
    return np.sum(y * x)


def in_place(x):
    y = x * 1.0
    before = y * x
    y += before
    y *= 3.0
    y -= x
    return np.sum(y * before)


def choosing(x):
    return np.sum(np.where(x > 0, x**2, np.sin(x)) + np.where(MASK, x, 0.0))


def clipping(x):
    return np.sum(np.clip(x, -0.5, 0.7) * x + np.maximum(x, 0.1))


def batched(a, b):
    return np.sum(np.matmul(a, b) ** 2)


def joining(x, y):
    both = np.concatenate([x, y * x], axis=0)
    piled = np.stack([x, y], axis=1)
    return np.sum(both**2) * np.sum(piled[:, 0] * piled[:, 1])


def changing(x):
    x[0] = x[1] * x[2]
    x *= 2.0
    return np.sum(x**3)


def stopping(x):
    with clearprop.no_grad():
        scale = np.exp(x)
    return np.sum(x * scale)


def detaching(x):
    y = x**2
    return np.sum(x * (y.detach() if isinstance(y, clearprop.Tensor) else y))


def shaping(x):
    y = x.T.reshape(2, 6)
    return np.sum(np.transpose(y)[::2] * y[:, None, :1].ravel()[0])


def normalizing(x):
    z = (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + 1e-5)
    return np.sum(z**3) + np.max(x) * np.std(x[0])


def repeating(x):
    total = 0.0
    for i in range(5):
        total = total + np.cos(x * i) / (1 + i)
    return np.sum(total)


FUNCTIONS: dict[Callable[..., Any], Shapes] = {
    neuron: ((3,), (2,)),
    network: ((3, 5), (5,), (5, 2)),
    entropy: ((4, 3),),
    soft: ((4, 3),),
    picking: ((4, 3),),
    assigning: ((4,),),
    in_place: ((3,),),
    choosing: ((3,),),
    clipping: ((5,),),
    batched: ((2, 3, 4), (4, 2)),
    joining: ((3,), (3,)),
    changing: ((3,),),
    stopping: ((3,),),
    detaching: ((3,),),
    shaping: ((3, 4),),
    normalizing: ((4, 3),),
    repeating: ((3,),),
}
TABLE = pytest.mark.parametrize(
    ("f", "shapes"), [pytest.param(f, shapes, id=f.__name__) for f, shapes in FUNCTIONS.items()]
)


def arguments(shapes: Shapes, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


def agree(actual: Any, expected: Any, rtol: float = 1e-12) -> None:
    """Equal structure, shapes, dtypes and, up to rounding, numbers."""
    ours, theirs = flatten(actual)[0], flatten(expected)[0]
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert (np.shape(a), np.asarray(a).dtype) == (np.shape(b), np.asarray(b).dtype)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13)


def check(f: Callable[..., Any], shapes: Shapes) -> Graph:
    """Trace at some numbers, run at others: as eager. The same once opened and once simplified."""
    graph = clearprop.trace(f, *arguments(shapes, 1))
    for seed in (2, 3):
        expected = f(*arguments(shapes, seed))
        for variant in (graph, graph.open(), simplify(graph)):
            variant.verify()
            agree(variant.evaluate(*arguments(shapes, seed)), expected)
    return graph


@TABLE
def test_values(f: Callable[..., Any], shapes: Shapes) -> None:
    graph = check(f, shapes)
    assert not any(node.is_backward for node in graph.nodes)


@TABLE
def test_gradients(f: Callable[..., Any], shapes: Shapes) -> None:
    every = tuple(range(len(shapes)))
    graph = check(clearprop.grad(f, every), shapes)
    assert any(node.is_backward for node in graph.nodes)
    forward_lines = {n.line for n in clearprop.trace(f, *arguments(shapes, 1)).nodes}
    assert {n.line for n in graph.nodes if n.is_backward} <= forward_lines
    both = check(clearprop.value_and_grad(f, every), shapes)
    assert len(both.outputs) == 1 + len(shapes)


@TABLE
def test_the_gradient_of_a_graph(f: Callable[..., Any], shapes: Shapes) -> None:
    graph = clearprop.trace(f, *arguments(shapes, 1))
    every, xs = tuple(range(len(shapes))), arguments(shapes, 2)
    agree(clearprop.grad(graph.evaluate, every)(*xs), clearprop.grad(f, every)(*xs))


@pytest.mark.parametrize("f", [choosing, repeating, detaching, changing, in_place])
def test_other_transforms(f: Callable[..., Any]) -> None:
    shapes = FUNCTIONS[f]
    check(clearprop.hessian(f), shapes)
    check(lambda x, v: clearprop.jvp(f, (x,), (v,)), shapes * 2)
    check(lambda x, v: clearprop.hvp(f, x, v), shapes * 2)
    check(lambda x, g: clearprop.vjp(np.sin, x)[1](g * f(x * 1.0)), shapes * 2)


def test_labels_as_inputs() -> None:
    def loss(logits, labels):
        return -np.sum(clearprop.log_softmax(logits, axis=1)[np.arange(4), labels])

    graph = clearprop.trace(clearprop.grad(loss), np.zeros((4, 3)), np.array([0, 0, 0, 0]))
    graph.verify()
    assert [str(w.spec) for w in graph.inputs] == ["f64[4,3]", "i64[4]"]
    xs = np.linspace(-1, 1, 12).reshape(4, 3)
    agree(graph.evaluate(xs, LABELS), clearprop.grad(loss)(xs, LABELS))
    expected = clearprop.softmax(xs, axis=1) - np.eye(3)[LABELS]
    agree(graph.evaluate(xs, LABELS), expected)


def test_an_index_that_is_computed() -> None:
    def f(x, i):
        return x[i + 1] * x[0]

    graph = clearprop.trace(f, np.zeros(4), np.array([0, 1]))
    agree(graph.evaluate(np.array([2.0, 3.0, 5.0, 7.0]), np.array([2, 0])), np.array([14.0, 6.0]))


def test_float32_stays_float32() -> None:
    x = np.array([0.5, -1.0], "float32")
    graph = clearprop.trace(clearprop.grad(lambda x: np.sum(np.tanh(x * 2.0) ** 2)), x)
    for variant in (graph, simplify(graph)):
        variant.verify()
        assert str(variant.outputs[0].spec) == "f32[2]"
        assert variant.evaluate(x).dtype == np.float32


def test_a_gradient_that_no_gradient_stops_stays_stopped() -> None:
    graph = clearprop.trace(stopping, np.zeros(3))
    assert [n.primitive.name for n in graph.nodes] == ["stop_gradient", "exp", "multiply", "sum"]
    x = np.array([0.0, 1.0, -2.0])
    np.testing.assert_array_equal(clearprop.grad(stopping)(x), np.exp(x))
    np.testing.assert_array_equal(clearprop.grad(graph.evaluate)(x), np.exp(x))


def test_a_traced_gradient_by_hand() -> None:
    graph = clearprop.trace(clearprop.grad(lambda x: x**3 + 2.0 * x), 1.0)
    assert graph.evaluate(2.0) == 14.0
    second = clearprop.trace(clearprop.grad(clearprop.grad(lambda x: x**3)), 1.0)
    assert second.evaluate(5.0) == 30.0


def test_second_order_after_an_assignment() -> None:
    def f(x):
        x[0] = x[1] * x[2]
        return np.sum(x**3)

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(clearprop.grad(f)(x), [0.0, 336.0, 243.0])
    expected = [[0.0, 0.0, 0.0], [0.0, 6 * 2 * 27 + 12, 9 * 36], [0.0, 9 * 36, 6 * 3 * 8 + 18]]
    np.testing.assert_array_equal(clearprop.hessian(f)(x), expected)


def test_backward_within_a_traced_function() -> None:
    def f(x):
        (x**3).backward()
        return x.grad

    graph = clearprop.trace(f, 1.0)
    graph.verify()
    assert [w.name for w in graph.outputs] == ["dx"]
    assert graph.evaluate(2.0) == 12.0
