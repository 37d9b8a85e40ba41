"""The ledger: what flowed where, in words, numbers and formulas."""

from __future__ import annotations

import json
import math
import re
import runpy
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import explain, tensor
from clearprop.engine.primitive import ROLES
from clearprop.errors import DtypeError, GradientError, ShapeError
from clearprop.graph.graph import Node
from clearprop.ledger.local import LocalGradient, local_gradient
from clearprop.ledger.styled_lines import lines
from tests.messages import message
from tests.numeric import slopes

GOLDEN = Path(__file__).parent / "golden" / "neuron.txt"
NEURON = Path(__file__).parents[2] / "examples" / "neuron.py"


def product(x: Any, y: Any, z: Any) -> Any:
    q = x + y
    return q * z


def text_of(f: Callable[..., Any], *args: Any, **options: Any) -> str:
    return str(explain(f, *args, **options))


# ---- the whole text


def test_product_of_a_sum() -> None:
    # q = −2 + 5 = 3, f = 3 · −4 = −12; df/dz = q = 3, df/dq = z = −4, which the sum passes on to x and y
    assert text_of(product, -2.0, 5.0, -4.0) == (
        "Forward   inputs: x = -2, y = 5, z = -4\n"
        "  q = x + y        = -2 + 5 = 3\n"
        "  product = q * z  = 3 * -4 = -12\n"
        "\n"
        "Backward  upstream × local = downstream, starting from dproduct = 1\n"
        "  product = q * z   upstream dproduct = 1\n"
        "    multiply gives each input the upstream gradient times the other input. How much a step of one "
        "input matters is the size of the other one.\n"
        "    to q: local ∂product/∂q = z = -4, downstream 1 × (-4) = -4\n"
        "    to z: local ∂product/∂z = q = 3, downstream 1 × 3 = 3\n"
        "  q = x + y   upstream dq = -4\n"
        "    add passes its upstream gradient on unchanged, up to sign or layout. A step of either input "
        "moves the sum by just as much.\n"
        "    to x: local ∂q/∂x = 1, downstream -4 × 1 = -4\n"
        "    to y: local ∂q/∂y = 1, downstream -4 × 1 = -4\n"
        "\n"
        "Gradients\n"
        "  dproduct/dx = -4\n"
        "  dproduct/dy = -4\n"
        "  dproduct/dz = 3"
    )


def test_sigmoid_neuron() -> None:
    neuron = runpy.run_path(str(NEURON))["neuron"]
    explanation = explain(neuron, *neuron.__defaults__)
    assert str(explanation) == GOLDEN.read_text(encoding="utf-8").rstrip("\n")
    s = 1 / (1 + math.exp(-1))  # w0·x0 + w1·x1 + w2 = −2 + 6 − 3 = 1
    slope = s * (1 - s)  # 0.1966
    by_hand = {"w0": -slope, "x0": 2 * slope, "w1": -2 * slope, "x1": -3 * slope, "w2": slope}
    assert explanation.value == pytest.approx(s)
    assert explanation.gradients == pytest.approx(by_hand)


def test_the_same_from_tensors() -> None:
    x, y, z = tensor(-2.0), tensor(5.0), tensor(-4.0)
    q = x + y
    f = q * z
    explanation = explain(f)
    assert "q = x + y  = -2 + 5 = 3" in str(explanation)
    assert "to z: local ∂f/∂z = q = 3, downstream 1 × 3 = 3" in str(explanation)
    assert explanation.gradients == {"x": -4, "y": -4, "z": 3}
    assert (x.grad, y.grad, z.grad) == (None, None, None)
    f.backward()
    assert z.grad == 3


def test_twice_is_the_same() -> None:
    assert text_of(product, 1.0, 2.0, 3.0) == text_of(product, 1.0, 2.0, 3.0)


def test_a_function_of_tensors() -> None:
    x = tensor(4.0)
    x.grad = np.float64(7.0)
    explanation = explain(lambda x, y: x * y, x, -5.0)
    assert explanation.gradients == {"x": -5, "y": 4}
    assert (x.value, x.grad) == (4, 7)


def test_value_and_graph() -> None:
    explanation = explain(product, -2.0, 5.0, -4.0)
    assert explanation.value == -12
    assert [n.primitive.name for n in explanation.graph.nodes] == ["add", "multiply"]
    assert [w.name for w in explanation.graph.inputs] == ["x", "y", "z"]
    assert repr(explanation) == str(explanation)


def test_a_function_that_ignores_its_arguments() -> None:
    explanation = explain(lambda x: 3.0, 2.0)
    assert explanation.value == 3
    assert explanation.gradients == {}
    assert "dout/dx: none" in str(explanation)


def test_an_input_as_the_output() -> None:
    assert explain(lambda x: x, 2.0).gradients == {"x": 1}


def test_roles_are_told_in_full_once() -> None:
    text = text_of(lambda x, y: x * y * np.maximum(x, y), 2.0, 3.0)
    assert text.count(f"    multiply {ROLES['swaps']}. How much") == 1
    assert text.count(f"    multiply {ROLES['swaps']}.\n") == 1
    assert text.count(f"    maximum {ROLES['routes']}.") == 1


def test_a_gate_that_lets_nothing_through() -> None:
    text = text_of(np.floor, 2.5)
    assert f"floor {ROLES['blocks']}." in text
    assert "    nothing to pass on: no input of it needs a gradient\n" in text
    assert "none, the output does not depend on it smoothly" in text


def test_a_condition_gets_no_gradient() -> None:
    explanation = explain(lambda x: np.where(x, 2 * x, 0.0), 3.0)
    assert explanation.gradients == {"x": 2}
    assert "one from each" not in str(explanation)


# ---- how gradients add up


def test_what_a_mask_picks() -> None:
    def masked(x: Any, v: Any) -> Any:
        y = x * 2
        y[x < 0.5] = v
        return np.sum(y)

    text = str(clearprop.explain(masked, np.array([0.2, 0.7, 0.4]), np.ones(2)))
    assert "to t1: downstream = assign(dy, 0, at=[t2]), local" in text
    assert "to v: downstream (the entries that the mask picks), local" in text
    assert text.endswith("dmasked/dx = [0, 2, 0]\n  dmasked/dv = [1, 1]")
    derived = str(clearprop.explain(masked, np.array([0.2, 0.7, 0.4]), np.ones(2)).derive("v"))
    assert derived.endswith("dv = the entries that the mask picks")


def test_several_uses_add_up() -> None:
    def f(x: Any) -> Any:
        y = x * x
        return y + 3 * x

    text = text_of(f, 2.0)
    # 3 from 3·x, then 2 from each factor of x·x
    assert "contributions add up: dx = 3 + 2 = 5" in text
    assert "contributions add up: dx = 5 + 2 = 7" in text
    assert text.endswith("df/dx = 7   = 2 + 2 + 3, one from each of 3 uses")


def test_stretched_axes_are_named(rng: np.random.Generator) -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        d = a @ b + c
        return d.sum()

    a, b, c = rng.normal(size=(32, 64)), rng.normal(size=(64, 27)), rng.normal(size=27)
    explanation = explain(f, a, b, c)
    text = str(explanation)
    assert (
        "c was stretched over axis 0 of d, and the gradients of copies add up: summed over axis 0"
        in text
    )
    assert "to a: downstream = dt1 @ b.T, = f64[32,64]" in text
    assert "to b: downstream = a.T @ dt1, = f64[64,27]" in text
    np.testing.assert_array_equal(explanation.gradients["c"], np.full(27, 32.0))
    np.testing.assert_allclose(explanation.gradients["a"], np.tile(b.sum(1), (32, 1)))


def test_kept_axes() -> None:
    explanation = explain(lambda x, y: (x * y).sum(), np.ones((1, 3)), np.full((2, 3), 5.0))
    assert "summed over axis 0" in str(explanation)
    assert explanation.gradients["x"].tolist() == [[10, 10, 10]]


def test_routes() -> None:
    text = text_of(lambda x, y: np.maximum(x, y), 4.0, 2.0)
    assert "downstream 1 × 1 = 1" in text
    assert "downstream 1 × 0 = 0" in text


def test_two_stretched_axes() -> None:
    explanation = explain(lambda x, y: (x * y).sum(), 2.0, np.full((2, 3), 5.0))
    # six copies of x, each worth 5
    assert "x was stretched over axis 0 and 1 of t1" in str(explanation)
    assert explanation.gradients["x"] == 30


def test_two_uses_in_all() -> None:
    text = text_of(lambda x, y: x * y + x, 2.0, 5.0)
    assert "x is used in several places, and contributions add up: dx = 1 + 5 = 6" in text
    assert "dout/dx = 6   = 5 + 1, one from each of 2 uses" in text
    assert "y is used" not in text


def test_a_negative_contribution_in_brackets() -> None:
    assert text_of(lambda x: -x + 3 * x, 1.0).endswith("2   = (-1) + 3, one from each of 2 uses")


def test_ties_share() -> None:
    assert explain(np.maximum, 3.0, 3.0).gradients == {"x1": 0.5, "x2": 0.5}


def test_a_winner_by_its_condition() -> None:
    text = text_of(lambda x, y: np.maximum(x, y), 4.0, 2.0)
    assert "∂out/∂x = where(x == y, 0.5, where(x > y, 1, 0)) = 1, downstream 1 × 1 = 1" in text
    text = text_of(lambda x: clearprop.relu(x), -2.0)
    assert "∂out/∂x = where(x > 0, 1, 0) = 0, downstream 1 × 0 = 0" in text


def test_matrices_have_a_jacobian_as_long_as_it_is_small() -> None:
    a, x = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0])
    text = text_of(lambda a, x: a @ x, a, x, gradient=np.array([1.0, 1.0]))
    # the Jacobian of a·x by x is a itself; its columns add up to 4 and 6
    assert "local (Jacobian) [[1, 2], [3, 4]], = [4, 6]" in text
    # 9 · 9 numbers are too many
    big = text_of(lambda a, x: a @ x, np.ones((9, 9)), np.ones(9), gradient=np.ones(9))
    assert "Jacobian" not in big


def test_a_constant_array_in_a_gate() -> None:
    weights = np.array([1.0, 2.0, 4.0])
    x = tensor([3.0, 5.0, 7.0])
    text = str(explain((x * weights).sum()))
    assert "to x: local ∂t1/∂x = weights = [1, 2, 4], downstream [1, 2, 4]" in text
    text = text_of(lambda x: (x * np.array([1.0, 2.0])).sum(), np.ones(2))
    assert "to x: local ∂t1/∂x = c1 = [1, 2], downstream [1, 2]" in text


def test_jacobian_of_a_small_gate() -> None:
    text = text_of(lambda x: x.sum(), np.array([1.0, 2.0]))
    assert "local (Jacobian) [1, 1], = [1, 1]" in text


def test_relu_by_its_slope() -> None:
    upstream = np.array([4.0, -1.0, 5.0, 9.0])
    explanation = explain(clearprop.relu, np.array([1.0, -2.0, 3.0, -1.0]), gradient=upstream)
    assert explanation.gradients["x"].tolist() == [4, 0, 5, 0]
    assert "[1, 0, 1, 0]" in str(explanation)


def test_inputs_without_a_gradient() -> None:
    text = text_of(lambda x, i: (x * i).sum() + np.floor(x).sum(), np.ones(2), np.array([3, 4]))
    assert "dout/di: none, the output does not depend on it smoothly" in text


# ---- blocks


@clearprop.block
def half(x: Any) -> Any:
    return x / 2


@clearprop.block
def quarter_plus_one(x: Any) -> Any:
    return half(half(x)) + 1


def test_blocks_open_level_by_level() -> None:
    closed = explain(quarter_plus_one, 8.0)
    one = explain(quarter_plus_one, 8.0, open=1)
    parts = explain(quarter_plus_one, 8.0, open=True)
    assert "(block of 3 gates)" in str(closed)
    assert [n.primitive.name for n in one.graph.nodes] == ["half", "half", "add"]
    assert [n.primitive.name for n in parts.graph.nodes] == ["divide", "divide", "add"]
    for explanation in (closed, one, parts):
        assert explanation.value == 3
        assert explanation.gradients == {"x": 0.25}


@clearprop.block
def sum_and_product(x: Any, y: Any) -> Any:
    return x + y, x * y


def times_itself(x: Any, y: Any) -> Any:
    a, b = sum_and_product(x, y)
    return a * b


def test_a_closed_block_is_one_gate() -> None:
    text = text_of(quarter_plus_one, 8.0)
    assert "quarter_plus_one is a block of 3 gates." in text
    assert "to x: local ∂quarter_plus_one/∂x = 0.25, downstream 1 × 0.25 = 0.25" in text
    assert text.count("   upstream d") == 1


def test_a_block_of_several_outputs() -> None:
    # (x + y)·x·y at (2, 3): by x it is 2xy + y² = 21, by y it is x² + 2xy = 16
    closed, opened = explain(times_itself, 2.0, 3.0), explain(times_itself, 2.0, 3.0, open=True)
    assert "a, b = sum_and_product(x, y)" in str(closed)
    assert "upstream da = 6, db = 5" in str(closed)
    assert "to x: downstream (see the parts of the block), = 21" in str(closed)
    assert "see the parts" not in str(opened)
    assert closed.gradients == opened.gradients == {"x": 21, "y": 16}
    assert closed.formula("x") == opened.formula("x")


@clearprop.block
def scaled(x: Any, by: Any) -> Any:
    return x * by


@scaled.gradient
def scaled_gradient(g: Any, out: Any, x: Any, by: Any) -> Any:
    return g * by, None


def test_a_block_that_gives_an_input_no_gradient() -> None:
    explanation = explain(scaled, 3.0, 2.0)
    assert explanation.gradients == {"x": 2, "by": 0}
    assert "to by: local ∂scaled/∂by = 0, downstream 1 × 0 = 0" in str(explanation)


def test_blocks_of_a_tensor_open() -> None:
    x = tensor(8.0)
    y = quarter_plus_one(x)
    assert len(explain(y).graph.nodes) == 1
    assert len(explain(y, open=1).graph.nodes) == 3
    assert explain(y, open=True).gradients == {"x": 0.25}


# ---- nudges and seeds


def test_nudges() -> None:
    explanation = explain(lambda x, y: x * y, 4.0, -5.0, nudge=1e-3)
    text = str(explanation)
    assert "raise x by 0.001: out predicted -0.005, measured -0.005" in text
    assert "raise y by 0.001: out predicted 0.004, measured 0.004" in text
    assert explanation.as_dict()["nudges"][0]["predicted"] == pytest.approx(-0.005)


def test_a_seed_of_ones_own() -> None:
    explanation = explain(lambda x: 3 * x, np.array([1.0, 2.0]), gradient=np.array([1.0, 10.0]))
    assert explanation.gradients["x"].tolist() == [3, 30]


def test_a_nudge_shows_the_curvature() -> None:
    # 3² = 9, 3.1² = 9.61: 0.61 measured, 6·0.1 predicted
    text = text_of(lambda x: x * x, 3.0, nudge=0.1)
    assert text.endswith("\nNudges\n  raise x by 0.1: out predicted 0.6, measured 0.61")


def test_only_numbers_are_nudged() -> None:
    explanation = explain(lambda x, i, a: x * i * a.sum(), 2.0, 3.0, np.ones(2), nudge=0.1)
    assert [n["input"] for n in explanation.as_dict()["nudges"]] == ["x", "i"]
    assert "Nudges" not in text_of(lambda a: a.sum(), np.ones(2), nudge=0.1)


def test_a_seed_scales_a_number_too() -> None:
    explanation = explain(product, -2.0, 5.0, -4.0, gradient=10)
    assert explanation.gradients == {"x": -40, "y": -40, "z": 30}
    assert "starting from dproduct = 10" in str(explanation)
    assert explanation.formula("x") == "dproduct/dx = 10 * z"


# ---- formulas


def test_formula_by_name_and_by_tensor() -> None:
    x, y, z = tensor(-2.0), tensor(5.0), tensor(-4.0)
    f = (x + y) * z
    explanation = explain(f)
    assert explanation.formula("z") == "df/dz = x + y"
    assert explanation.formula(x) == "df/dx = z"


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x * y + np.sin(x),
        lambda x, y: np.tanh(x * y) / x,
        lambda x, y: (np.exp(-(x**2)) + y) ** 3,
        lambda x, y: np.where(x > y, x * x, y) * np.sqrt(y),
    ],
)
def test_formulas_give_the_gradient(f: Callable[..., Any]) -> None:
    names = {"x": 0.7, "y": 1.3, "np": np} | {
        n: getattr(np, n) for n in ("tanh", "exp", "sin", "cos")
    }
    names |= {"sqrt": np.sqrt, "where": np.where}
    explanation = explain(f, 0.7, 1.3)
    for name, g in explanation.gradients.items():
        formula, _, where = explanation.formula(name).partition(", where ")
        known = dict(names)
        for definition in filter(None, where.split(", ")):
            key, _, value = definition.partition(" = ")
            known[key] = eval(value, known)
        assert eval(formula.partition(" = ")[2], known) == pytest.approx(float(g))


def test_shared_values_are_written_once() -> None:
    def f(x: Any) -> Any:
        h = np.tanh(x)
        return h * h

    assert explain(f, 0.5).formula("x").endswith(", where h = tanh(x)")


def evaluate(formula: str, known: dict[str, Any]) -> Any:
    """What a printed gradient amounts to, by NumPy alone."""
    known = {**vars(np), **known}
    text, _, where = formula.partition(" = ")[2].partition(", where ")
    for definition in filter(None, re.split(r", (?=\w+ = )", where)):
        name, _, written = definition.partition(" = ")
        known[name] = np.asarray(eval(written, known))
    return eval(text, known)


def chained(x: Any, y: Any) -> Any:
    a = x * 2
    b = np.exp(a + a * 3)
    return b * np.sin(b) * y


def mixed(x: Any, y: Any) -> Any:
    return x - (y - x) * (x / (y / x)) - (-x) ** 2


def normed(x: Any, y: Any) -> Any:
    d = x - y.mean()
    return (d * d).sum() / np.sqrt((y * y).sum())


def multiplied(x: Any, y: Any) -> Any:
    return (x @ y).sum() + (x * x).mean()


def weighted(x: Any, y: Any) -> Any:
    return (np.exp(x) * np.array([1.0, 2.0, 4.0])).sum() * y.sum()


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (chained, [(), ()]),
        (mixed, [(), ()]),
        (normed, [(3,), (3,)]),
        (multiplied, [(2, 3), (3, 2)]),
        (weighted, [(3,), (2,)]),
    ],
)
def test_a_printed_formula_computes(
    f: Callable[..., Any], shapes: list[tuple[int, ...]], rng: np.random.Generator
) -> None:
    x, y = (rng.uniform(0.3, 0.9, shape) for shape in shapes)
    explanation = explain(f, x, y)
    at = {"x": x, "y": y}
    by_x = evaluate(explanation.formula("x"), at)
    by_y = evaluate(explanation.formula("y"), at)
    np.testing.assert_allclose(np.broadcast_to(by_x, x.shape), slopes(lambda x: f(x, y), x), 1e-6)
    np.testing.assert_allclose(np.broadcast_to(by_y, y.shape), slopes(lambda y: f(x, y), y), 1e-6)


def test_where_defines_all_that_it_uses() -> None:
    # a is in the formula of b alone
    assert explain(chained, 0.1, 2.0).formula("y") == (
        "dchained/dy = b * sin(b), where a = x * 2, b = exp(a + a * 3)"
    )


def test_a_formula_with_constant_arrays() -> None:
    weights = np.array([1.0, 2.0, 4.0])
    x = tensor([3.0, 5.0, 7.0])
    f = np.exp(x * weights).sum()
    assert explain(f).formula(x) == "df/dx = exp(x * weights) * weights"
    f = (x * weights).sum()
    assert explain(f).formula(x) == "df/dx = [1, 2, 4]"
    seeded = explain(lambda x: x * x, np.ones(2), gradient=np.array([1.0, 10.0]))
    assert seeded.formula("x") == "dout/dx = c1 * x + c1 * x, where c1 = [1, 10]"


def test_a_formula_keeps_the_shape_of_ones() -> None:
    explanation = explain(lambda a, b: (a @ b).sum(), np.ones((2, 3)), np.ones((3, 4)))
    assert explanation.formula("a") == "dout/da = ones((2, 4)) @ b.T"
    explanation = explain(lambda a, b: (3 * (a @ b)).sum(), np.ones((2, 3)), np.ones((3, 4)))
    assert explanation.formula("b") == "dout/db = a.T @ full((2, 4), 3)"


def test_a_formula_through_blocks() -> None:
    assert explain(quarter_plus_one, 8.0).formula("x").endswith(" = 0.25")


# ---- other forms


class Tags(HTMLParser):
    """Checks that tags close in order, and gathers text and classes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.classes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.classes.add(dict(attributes).get("class") or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html() -> None:
    explanation = explain(lambda x, y: np.where(x < y, x, y) * 2, 1.0, 2.0)
    page = explanation.html()
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert {"clearprop", "head", "value", "gradient", "dim"} <= tags.classes
    assert "x < y" in tags.text
    assert "<svg" in page
    assert "x &lt; y" in page
    assert explanation._repr_html_() == page


def test_json() -> None:
    read = json.loads(explain(product, -2.0, 5.0, -4.0).json())
    assert read == explain(product, -2.0, 5.0, -4.0).as_dict()
    assert list(read) == ["name", "inputs", "forward", "backward", "nudges"]
    assert read["inputs"][2] == {"name": "z", "spec": "f64", "value": -4, "gradient": 3}
    gate = read["backward"][0]
    assert (gate["operation"], gate["role"], gate["upstream"]) == ("multiply", "swaps", [1])
    assert gate["passages"][1] == {
        "input": "z",
        "local": "q",
        "local_is_factor": True,
        "local_value": 3,
        "summed_axes": [],
        "downstream": 3,
        "total": 3,
    }
    assert read["forward"][0]["line"]["text"] == "q = x + y"


def test_html_of_awkward_names() -> None:
    x = tensor(2.0, name="a<&>b")
    page = explain(x * 3).html()
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert "a<&>b = 2" in tags.text
    assert "a<&>b" not in page
    assert "a&lt;&amp;&gt;b" in page


def test_keys_of_json() -> None:
    read = explain(product, -2.0, 5.0, -4.0, nudge=0.5).as_dict()
    assert list(read["forward"][0]) == ["outputs", "operation", "inputs", "line"]
    assert read["forward"][0]["outputs"] == [{"name": "q", "spec": "f64", "value": 3}]
    assert list(read["backward"][0]) == ["operation", "role", "outputs", "upstream", "passages"]
    # a step of 0.5 in z moves the product by q · 0.5 = 1.5
    assert read["nudges"][2] == {"input": "z", "step": 0.5, "predicted": 1.5, "measured": 1.5}


def test_json_of_missing_gradients_and_arrays() -> None:
    read = explain(lambda x, y: (x * np.ones((2, 3))).sum(), np.ones(3), 1.0).as_dict()
    assert read["inputs"][0] == {
        "name": "x",
        "spec": "f64[3]",
        "value": [1, 1, 1],
        "gradient": [2, 2, 2],
    }
    assert read["inputs"][1]["gradient"] is None
    assert read["backward"][1]["passages"][0]["summed_axes"] == [0]


def test_json_has_no_bare_nan() -> None:
    def strict(name: str) -> Any:
        raise AssertionError(f"{name} is not JSON")

    with np.errstate(invalid="ignore"):
        text = explain(lambda x: x - x, math.inf).json()
    read = json.loads(text, parse_constant=strict)
    assert read["inputs"][0]["value"] == "inf"
    assert read["forward"][0]["outputs"][0]["value"] == "nan"


def test_json_of_what_is_not_finite() -> None:
    with np.errstate(divide="ignore"):
        read = json.loads(explain(lambda x: (1 / x).sum(), np.array([0.0, 1.0])).json())
    assert read["inputs"][0]["gradient"] == ["-inf", -1]


def test_svg(tmp_path: Path) -> None:
    explanation = explain(product, -2.0, 5.0, -4.0)
    assert (tmp_path / "p.svg").exists() is False
    text = explanation.svg(tmp_path / "p.svg")
    assert (tmp_path / "p.svg").read_text(encoding="utf-8") == text
    assert explanation.svg(str(tmp_path / "p.svg")) == text
    assert text.startswith("<svg")


class Terminal:
    """A standard output that says whether it is a terminal."""

    def __init__(self, *, isatty: bool) -> None:
        self.written = ""
        self._isatty = isatty
        self.encoding = "utf-8"

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return self._isatty


@pytest.mark.parametrize(
    ("isatty", "no_color", "coloured"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_show(isatty: bool, no_color: str, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    explanation = explain(product, -2.0, 5.0, -4.0)
    terminal = Terminal(isatty=isatty)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", terminal)
    explanation.show()
    assert ("\x1b[" in terminal.written) == coloured
    if not coloured:
        assert terminal.written == f"{explanation}\n"


def test_rich() -> None:
    explanation = explain(product, -2.0, 5.0, -4.0)
    assert explanation.__rich__().plain.rstrip() == "\n".join(
        "".join(text for _, text in line) for line in lines(explanation.account)
    )


def test_colours_say_what_flows_where() -> None:
    styles = {
        style for line in lines(explain(product, -2.0, 5.0, -4.0).account) for style, _ in line
    }
    assert styles == {"plain", "head", "value", "gradient", "dim"}
    text = explain(product, -2.0, 5.0, -4.0).__rich__()
    pieces = {(text.plain[s.start : s.end], str(s.style)) for s in text.spans}
    assert ("= 3", "green") in pieces
    assert ("-4", "red") in pieces


def test_nothing_is_changed() -> None:
    x = np.array([1.0, 2.0])
    before = x.copy()
    explain(lambda x: (x * x).sum(), x, nudge=0.1)
    np.testing.assert_array_equal(x, before)


# ---- bad input


def fails(kind: type[Exception], f: Callable[[], Any], *phrases: str) -> None:
    with pytest.raises(kind) as caught:
        f()
    assert type(caught.value) is kind
    for phrase in phrases:
        assert phrase in str(caught.value)


def test_errors() -> None:
    x = np.ones(3)
    fails(GradientError, lambda: explain(lambda x: x * 2, x), "shape (3,)", "gradient=", ".sum()")
    fails(
        ShapeError, lambda: explain(lambda x: x * 2, x, gradient=np.ones(2)), "shape (3,)", "(2,)"
    )
    fails(GradientError, lambda: explain(lambda x: (x.sum(), x), x), "returns 2", "loss alone")
    fails(DtypeError, lambda: explain(lambda x: x * 2, 3), "use 3.0 instead of 3")
    fails(GradientError, lambda: explain(tensor(1.0, requires_grad=False)), "clearprop.tensor(x)")
    fails(TypeError, lambda: explain(tensor(1.0) * 2, 3.0), "takes no arguments")
    fails(TypeError, lambda: explain(3.0), "a Tensor or a function, not a float")
    fails(GradientError, lambda: explain(product, 1.0, 2.0, 3.0).formula("w"), "x, y, z")


def test_a_freed_graph() -> None:
    loss = tensor(2.0) * 3
    loss.backward()
    fails(GradientError, lambda: explain(loss), "freed", "retain_graph=True")


def test_the_users_line_is_named() -> None:
    x = np.ones(3)
    message(GradientError, lambda: explain(lambda x: x * 2, x), "shape (3,)")  # here
    message(DtypeError, lambda: explain(np.sin, 3), "use 3.0 instead of 3")  # here
    several = "returns 2"
    message(GradientError, lambda: explain(lambda x: (x, x), 2.0, gradient=1.0), several)  # here
    explanation = explain(product, 1.0, 2.0, 3.0)
    message(GradientError, lambda: explanation.formula("w"), "there are x, y, z")  # here


def test_a_formula_of_another_tensor() -> None:
    stranger = tensor(2.0)
    explanation = explain(product, 1.0, 2.0, 3.0)
    fails(GradientError, lambda: explanation.formula(stranger), "no such input")


def test_signs_of_numbers_are_told_apart() -> None:
    assert "out = -x  = -(-2) = 2" in text_of(lambda x: -x, -2.0)
    assert "= 3 * -4 = -12" in text_of(lambda x, y: x * y, 3.0, -4.0)


def test_formula_of_what_gets_no_gradient() -> None:
    explanation = explain(lambda x, rows: np.sum(x[rows]), np.ones(3), np.array([0, 2]))
    with pytest.raises(GradientError, match=r"formula\('rows'\): rows gets no gradient"):
        explanation.formula("rows")


def test_local_gradients_are_found_when_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def watched(node: Node, position: int) -> LocalGradient:
        found.append(node.primitive.name)
        return local_gradient(node, position)

    monkeypatch.setattr("clearprop.ledger.account.local_gradient", watched)
    explanation = explain(lambda x, y: np.tanh(x * y), 0.5, 2.0)
    assert "svg" in explanation.svg()
    assert explanation.formula("x") == "dout/dx = (1 - tanh(x * y) * tanh(x * y)) * y"
    assert explanation.gradients["x"] == pytest.approx(2 / np.cosh(1) ** 2)
    assert found == []
    assert str(explanation) == str(explanation)
    assert sorted(found) == ["multiply", "multiply", "tanh"]
