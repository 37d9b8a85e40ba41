"""The ledger: what flowed where, in words, numbers and formulas."""

from __future__ import annotations

import json
import math
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
from clearprop.errors import DtypeError, GradientError, ShapeError
from clearprop.ledger.text import lines

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


# ---- how gradients add up


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
        "".join(text for _, text in line) for line in lines(explanation)
    )


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
