"""From functions to graphs: names, lines, constants, and the errors where Python wants a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.primitive import primitives
from clearprop.engine.spec import ArraySpec
from clearprop.errors import ClearpropError, TraceError
from clearprop.graph.graph import Graph
from tests.messages import message


def gates(graph: Graph) -> list[str]:
    return [node.primitive.name for node in graph.nodes]


def names(graph: Graph) -> list[str]:
    """The names of inputs and results, in order."""
    return [w.name for w in graph.wires() if not w.is_constant]


# ---- names


def test_results_have_the_names_of_variables() -> None:
    def f(x, y):
        q = x + y
        f_ = q * y
        return f_ + 1.0

    assert names(clearprop.trace(f, 1.0, 2.0)) == ["x", "y", "q", "f_", "f"]


def test_a_rebound_variable_names_both_values() -> None:
    def f(x):
        h = x * 2.0
        h = np.tanh(h)
        return np.exp(h)

    graph = clearprop.trace(f, 1.0)
    assert names(graph) == ["x", "h", "h_2", "f"]
    assert [n.out.name for n in graph.nodes] == ["h", "h_2", "f"]


def test_a_value_without_a_name_is_numbered() -> None:
    graph = clearprop.trace(lambda x: np.exp(-(x * 2.0)), 1.0)
    assert names(graph) == ["x", "t1", "t2", "out"]
    assert not graph["t1"].is_named
    assert graph["x"].is_named


def test_numbers_skip_names_that_are_taken() -> None:
    def f(t1):
        return np.exp(-t1) + t1

    assert names(clearprop.trace(f, 1.0)) == ["t1", "t2", "t3", "f"]


def test_helper_functions_give_names_and_the_caller_has_the_last_word() -> None:
    def helper(z):
        inner = z * 2.0
        result = inner + 1.0
        return result

    def f(x):
        mine = helper(x)
        return mine * mine

    assert names(clearprop.trace(f, 1.0)) == ["x", "inner", "mine", "f"]


def test_loops() -> None:
    def f(x):
        for _ in range(3):
            x = np.sin(x)
        return x * 1.5

    graph = clearprop.trace(f, 1.0)
    assert names(graph) == ["x", "x_2", "x_3", "x_4", "f"]
    assert gates(graph) == ["sin", "sin", "sin", "multiply"]


@dataclass
class Layer:
    weights: Any
    bias: Any


def test_names_within_containers() -> None:
    def f(params, pair, layer):
        return params["w"] * pair[0] + pair[1] * params["b"] + layer["in"]["scale"]

    example = {"w": 1.0, "b": 2.0}, [3.0, 4.0], {"in": {"scale": 5.0}}
    graph = clearprop.trace(f, *example)
    assert sorted(w.name for w in graph.inputs) == ["b", "pair_0", "pair_1", "scale", "w"]
    assert graph.evaluate(*example) == 16.0


def test_equal_keys_are_told_apart_by_their_path() -> None:
    def f(first, second):
        return first["w"] - second["w"]

    graph = clearprop.trace(f, {"w": 1.0}, {"w": 2.0})
    assert [w.name for w in graph.inputs] == ["first_w", "second_w"]


def test_a_closure_over_an_object_reads_constants() -> None:
    layer = Layer(np.array([1.0, 2.0]), 0.5)

    def f(x):
        weights = layer.weights
        return x @ weights + layer.bias

    graph = clearprop.trace(f, np.zeros(2))
    assert names(graph) == ["x", "t1", "f"]
    layer.weights += 1
    np.testing.assert_array_equal(graph["weights"].constant, [1, 2])  # as they were
    assert graph.evaluate(np.array([1.0, 1.0])) == 3.5


def test_star_arguments_and_keywords() -> None:
    def f(first, *rest, scale, n):
        return (first + rest[0] * rest[1]) * scale**n

    graph = clearprop.trace(f, 1.0, 2.0, 3.0, scale=4.0, n=2)
    assert [w.name for w in graph.inputs] == ["first", "rest0", "rest1", "scale"]
    assert graph.evaluate(1.0, 2.0, 3.0, scale=10.0, n=2) == 700.0


def test_gradients_are_named_after_what_they_belong_to() -> None:
    def loss(w, x):
        h = np.tanh(w * x)
        return np.sum(h**3)

    graph = clearprop.trace(clearprop.grad(loss, (0, 1)), np.ones(3), np.ones(3))
    assert [w.name for w in graph.outputs] == ["dw", "dx"]
    backward = [n for n in graph.nodes if n.is_backward]
    assert "dh" in {n.out.name for n in backward}
    first = loss.__code__.co_firstlineno
    made = {n.out.name: n.line.number - first for n in graph.nodes if n.line}
    assert (made["h"], made["dh"], made["dw"], made["dx"]) == (1, 2, 1, 1)
    assert not any(n.is_backward for n in graph.nodes if n.out.name in ("t1", "h"))
    assert f"# backward of test_tracing.py:{first + 2}  return np.sum(h**3)" in str(graph)


# ---- lines, constants, fixed values


def test_lines_are_those_of_the_source() -> None:
    def f(x):
        y = np.exp(x)
        return np.add(
            y,
            1.0,
        )

    lines = [n.line for n in clearprop.trace(f, 1.0).nodes]
    first = f.__code__.co_firstlineno
    assert [(line.number - first, line.function) for line in lines if line] == [(1, "f"), (2, "f")]
    assert lines[0] is not None
    assert lines[0].file == __file__
    assert lines[0].text == "y = np.exp(x)"


def test_an_array_read_twice_is_one_constant() -> None:
    table = np.array([1.0, 2.0])
    graph = clearprop.trace(lambda x: (x + table) * table, np.zeros(2))
    assert [w.name for w in graph.wires() if w.is_constant] == ["table"]
    assert len(graph.users()[graph["table"]]) == 2


LABELS = np.array([1, 0])
WEIGHTS = clearprop.tensor([2.0, 3.0])


def test_globals_give_constants_their_names() -> None:
    graph = clearprop.trace(lambda x: x[LABELS] * WEIGHTS, np.zeros(2))
    assert {w.name for w in graph.wires() if w.is_constant} == {"LABELS", "WEIGHTS"}


def test_a_name_that_is_bound_in_a_function_comes_before_a_global_one() -> None:
    def f(x):
        labels = LABELS
        return x[labels] + x[LABELS]

    graph = clearprop.trace(f, np.zeros(2))
    assert {w.name for w in graph.wires() if w.is_constant} == {"labels"}


def test_a_known_tensor_is_a_constant() -> None:
    known = clearprop.tensor([1.0, 2.0], name="known")
    graph = clearprop.trace(lambda x: x * known, np.zeros(2))
    np.testing.assert_array_equal(graph["known"].constant, [1.0, 2.0])


def test_an_output_that_is_no_result() -> None:
    graph = clearprop.trace(lambda x: (x, 2.0, x), 1.0)
    graph.verify()
    assert graph.evaluate(7.0) == (7.0, 2.0, 7.0)


def test_ints_and_bools_are_fixed_and_may_be_branched_on() -> None:
    def f(x, n, negative):
        for _ in range(n):
            x = x * x
        return -x if negative else x

    graph = clearprop.trace(f, 2.0, 2, True)
    assert gates(graph) == ["multiply", "multiply", "negative"]
    assert [w.name for w in graph.inputs] == ["x"]
    assert graph.evaluate(3.0, 2, True) == -81.0
    assert gates(clearprop.trace(f, 2.0, 1, False)) == ["multiply"]


def test_a_spec_will_do_for_an_example() -> None:
    graph = clearprop.trace(lambda x: np.sum(x, axis=0), ArraySpec((2, 3), np.dtype("float32")))
    assert str(graph.inputs[0].spec) == "f32[2,3]"
    assert str(graph.outputs[0].spec) == "f32[3]"


def test_shape_and_dtype_are_known_while_tracing() -> None:
    def f(x):
        return x * x.shape[0] if x.ndim == 2 and x.dtype == np.float64 and len(x) == 4 else x

    assert clearprop.trace(f, np.zeros((4, 2))).evaluate(np.ones((4, 2))).sum() == 32.0


def test_what_leads_nowhere_is_left_out() -> None:
    def f(x):
        np.exp(x)
        return x * 2.0

    assert gates(clearprop.trace(f, 1.0)) == ["multiply"]


def test_assigning_into_an_argument_keeps_its_name() -> None:
    def f(x):
        x[0] = 0.0
        return x * 2.0

    assert names(clearprop.trace(f, np.ones(2))) == ["x", "x_2", "f"]


def test_a_stopped_gradient_is_a_node() -> None:
    def f(x):
        with clearprop.no_grad():
            scale = np.exp(x)
        return x * scale

    graph = clearprop.trace(f, 1.0)
    assert gates(graph) == ["stop_gradient", "exp", "multiply"]
    assert clearprop.grad(f)(2.0) == clearprop.grad(graph.evaluate)(2.0) == np.exp(2.0)
    detached = clearprop.trace(lambda x: x * x.detach(), 1.0)
    assert primitives.stop_gradient in [n.primitive for n in detached.nodes]
    assert clearprop.grad(detached.evaluate)(3.0) == 3.0


# ---- where Python wants a number


def branches(x):
    if x > 0:  # here
        return x
    return -x


def makes_a_float(x):
    return float(x) * 2.0  # here


def leaves_numpy(x):
    return math.sin(x) * x  # here


def makes_an_array(x):
    return np.asarray(x) * x  # here


def picks_by_mask(x):
    return x[x > 0]  # here


def counts(x):
    return [x for _ in range(x)]  # here


def is_empty(x):
    y = x * 2.0
    return y if np.sum(y) else x  # here


@pytest.mark.parametrize(
    ("f", "phrase"),
    [
        (branches, "needs a number, but while tracing only the spec"),
        (makes_a_float, "needs a number, but while tracing only the spec f64 is known"),
        (leaves_numpy, "needs a number"),
        (makes_an_array, "np.array after `import clearprop.numpy as np`"),
        (picks_by_mask, "a boolean mask of shape (3,) whose values are not known"),
        (is_empty, "(`if np.sum(y)`) needs a number"),
    ],
)
def test_a_number_is_wanted(f: Any, phrase: str) -> None:
    example = np.ones(3) if f is picks_by_mask else 1.0
    with pytest.raises(TraceError) as caught:
        clearprop.trace(f, example)
    text = str(caught.value)
    assert phrase in text
    assert text.rstrip().endswith("# here"), text
    assert f", in {f.__name__}\n" in text


def test_a_size_is_wanted() -> None:
    with pytest.raises(TraceError) as caught:
        clearprop.trace(counts, np.int64(3))
    assert str(caught.value).endswith("# here")


def test_a_tensor_that_leaked_from_a_trace() -> None:
    leaked = []

    def f(x):
        leaked.append(x * 2.0)
        return x

    clearprop.trace(f, 1.0)

    def use_it() -> Any:
        return leaked[0] + 1.0  # here

    message(TraceError, use_it, "add met a tensor without a value", "made while tracing")
    with pytest.raises(TraceError, match="a tensor without a value reached this trace"):
        clearprop.trace(lambda x: x + leaked[0], 1.0)


@pytest.mark.parametrize("result", ["text", ("text", 1.0), {"a": object()}])
def test_outputs_are_arrays(result: Any) -> None:
    def f(x):
        return result

    with pytest.raises(ClearpropError, match="a traced function returns arrays, but f returned"):
        clearprop.trace(f, 1.0)


def test_an_error_leaves_nothing_switched_on() -> None:
    with pytest.raises(TraceError):
        clearprop.trace(branches, 1.0)
    assert (clearprop.tensor(2.0) * 3.0).item() == 6.0
    assert clearprop.grad(branches)(-2.0) == -1.0


def test_arrays_that_repeat_are_kept_once() -> None:
    large = 1_000_000
    rows = np.broadcast_to(np.arange(3.0), (large, 3))
    graph = clearprop.trace(lambda x: (x * np.full(large, 2.0))[:, None] * rows, np.ones(large))
    constants = [w.constant for w in graph.wires() if w.is_constant and np.ndim(w.constant)]
    assert [c.shape for c in constants] == [(large,), (large, 3)]
    assert [c.strides for c in constants] == [(0,), (0, 8)]
    found = graph.evaluate(np.full(large, 0.5))
    np.testing.assert_array_equal(found[-1], [0.0, 1.0, 2.0])


def test_names_of_arrays_that_are_gone_go_to_no_others() -> None:
    def f(x: Any) -> Any:
        for k in range(20):
            unread = np.full(50, float(k))
            x = x + 1.0
            del unread
            x = x + 1.0
            x = x * np.full(50, 2.0)  # where the other one was, if the allocator likes
        return x

    graph = clearprop.trace(f, np.ones(50))
    constants = [w for node in graph.nodes for w in node.inputs if w.is_constant and w.spec.ndim]
    assert constants
    assert "unread" not in [w.name for w in constants]


def test_unknown_values_are_printed_as_their_specs() -> None:
    seen = []
    clearprop.trace(lambda x: (seen.append(f"{x:.3f} {x} {x!s:>6}"), x * 2)[1], 1.0)
    assert seen == ["f64 f64    f64"]
