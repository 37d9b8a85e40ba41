"""Equations: ten of them as files to be read, all of them well formed, and the notation piece by piece."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import explain, trace, value_and_grad
from clearprop.emit.latex import latex
from clearprop.emit.latex.symbols import number, subscripted, symbol, visible
from clearprop.engine.bundle import Bundle
from clearprop.engine.primitive import primitives
from clearprop.passes import person
from tests.effort import samples_of
from tests.emit.latex_cases import CASES

GOLDEN = Path(__file__).parent / "golden_latex"
COMMANDS = frozenset(
    re.findall(
        r"\w+",
        "alpha arg bar begin beta boldsymbol cdot cos delta dots end epsilon eta exp frac gamma geq "
        "hat lambda leq left lVert rVert log mathbf mathit mathrm max min mu ne odot "
        "operatorname overline partial phi Phi pi quad right sigma sin sqrt sum tanh text "
        "theta tilde times top infty land lor neg mathrel mathcal Gamma psi cosh sinh tan "
        "arcsin arccos arctan bmod backslash nu xi rho tau chi omega zeta iota kappa upsilon ",
    )
)


def check(text: str) -> list[str]:
    """Complain unless everything that opens closes, and commands are ones that LaTeX knows; the equations."""
    stack: list[str] = []
    for token in re.findall(
        r"\\(?:begin|end)\{\w+\}|\\left\S|\\right\S|\\[A-Za-z]+|\\\S|[{}()\[\]]", text
    ):
        if token.startswith("\\begin"):
            stack.append(token[7:-1])
        elif token.startswith("\\end"):
            assert stack.pop() == token[5:-1], text
        elif token.startswith("\\left"):
            stack.append("left")
        elif token.startswith("\\right"):
            assert stack.pop() == "left", text
        elif token in "{([":
            stack.append(token)
        elif token in "})]":
            assert stack.pop() == {"}": "{", ")": "(", "]": "["}[token], text
        else:
            assert token[1:] in COMMANDS or token in ("\\\\", "\\,", "\\_"), f"{token} in {text}"
    assert not stack, text
    body = text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
    lines = body.split(" \\\\\n")
    for line in lines:
        outside = line
        while (
            inner := re.search(r"\\begin\{(\w+)\}((?!\\begin).)*?\\end\{\1\}", outside)
        ) is not None:
            assert inner[1] in ("cases", "bmatrix"), line
            outside = outside.replace(inner[0], "")
        assert outside.count("&") == 1, line
    assert "{}" not in text
    assert "__" not in text
    return lines


def set_by_matplotlib(lines: list[str]) -> None:
    """Matplotlib's own reader of mathematics accepts each line that has no environment within."""
    mathtext = pytest.importorskip("matplotlib.mathtext", reason="Matplotlib is not installed")
    parser = mathtext.MathTextParser("agg")
    for line in lines:
        if "\\begin" not in line:
            plain = line.replace("&", "").replace("\\quad \\text{(0 elsewhere)}", "")
            plain = (
                plain.replace("\\lVert", "\\|")
                .replace("\\rVert", "\\|")
                .replace("\\mathrel{+}", "+")
            )
            plain = (
                plain.replace("\\left", "")
                .replace("\\right", "")
                .replace("\\land", "\\wedge")
                .replace("\\lor", "\\vee")
            )
            parser.parse(f"${plain}$")


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    f, argnums, args = CASES[name]
    text = latex(trace(value_and_grad(f, argnums), *args))
    assert text == (GOLDEN / f"{name}.tex").read_text(encoding="utf-8").rstrip("\n")
    set_by_matplotlib(check(text))


@pytest.mark.parametrize("gradients", ["fraction", "bar"])
@pytest.mark.parametrize("name", CASES)
def test_explanations(name: str, gradients: str) -> None:
    f, _, args = CASES[name]
    lines = check(explain(f, *args).latex(gradients=gradients))
    set_by_matplotlib(lines)
    bars = any(line.startswith("\\bar") for line in lines)
    assert bars == (gradients == "bar")


@pytest.mark.parametrize("name", sorted(vars(primitives)))
def test_every_primitive(name: str) -> None:
    record = getattr(primitives, name)
    for sample in samples_of(record):
        args = [np.asarray(a)[()] for a in sample.draw()]

        def f(*args: Any, params: Any = sample.params) -> Any:
            result = record(*args, **params)
            return list(result) if isinstance(result.value, Bundle) else result

        try:
            graph = trace(f, *args)
        except clearprop.ClearpropError:
            continue  # needs values
        set_by_matplotlib(check(latex(graph)))


def right(f: Callable[..., Any], *args: Any) -> str:
    """The right-hand side of a function's only equation."""
    (line,) = check(latex(trace(f, *args)))
    return line.split(" &= ", 1)[1]


X, W, V, ROW, COLUMN = (np.ones(s) for s in ((4, 3), (3, 2), 3, (1, 3), (4, 1)))


@pytest.mark.parametrize(
    ("f", "args", "expected"),
    [
        (lambda x, w: x @ w, (X, W), r"\mathbf{x} \mathbf{w}"),
        (lambda v, w: v @ w, (V, W), r"\mathbf{w}^\top \mathbf{v}"),
        (lambda v, w: v @ w.T, (np.ones(2), W), r"\mathbf{w} \mathbf{v}"),
        (lambda u, v: u @ v, (V, V), r"\mathbf{u}^\top \mathbf{v}"),
        (lambda u, v: np.outer(u, v), (V, V), r"\mathbf{u} \mathbf{v}^\top"),
        (lambda x, b: x + b, (X, V), r"\mathbf{x} + \mathbf{1} \mathbf{b}^\top"),
        (lambda x, b: x + b, (X, ROW), r"\mathbf{x} + \mathbf{1} \mathbf{b}"),
        (lambda x, b: x - b, (X, COLUMN), r"\mathbf{x} - \mathbf{b} \mathbf{1}^\top"),
        (lambda a, b: a * b, (COLUMN, V), r"\mathbf{a} \mathbf{b}^\top"),
        (lambda a, b: a * b, (V, V), r"\mathbf{a} \odot \mathbf{b}"),
        (lambda a, b: a * b, (V, 2.0), r"b \mathbf{a}"),
        (lambda a: 2 * a * 3, (V,), r"6 \mathbf{a}"),
        (lambda a: -2 * a, (V,), r"-2 \mathbf{a}"),
        (lambda a, b: a / (b + 1), (2.0, 3.0), r"\frac{a}{b + 1}"),
        (lambda a, b: a - (b - 1), (2.0, 3.0), r"a - (b - 1)"),
        (lambda a, b: (a + b) * a, (2.0, 3.0), r"a (a + b)"),
        (lambda a: a**2, (V,), r"\mathbf{a}^{\odot 2}"),
        (lambda a: a**0.5, (2.0,), r"\sqrt{a}"),
        (lambda a: (-a) ** 2, (2.0,), r"(-a)^2"),
        (lambda a: np.exp(-a / 2), (2.0,), r"\exp\left(-\frac{a}{2}\right)"),
        (lambda a: np.exp(-a), (2.0,), "e^{-a}"),
        (lambda a: np.sum(a**2), (V,), r"\sum_i a_i^2"),
        (lambda a: a.sum(0), (X,), r"\sum_i \mathbf{a}_{i,:}"),
        (lambda a, b: np.sum(a @ b), (X, W), r"\sum_{ij} (\mathbf{a} \mathbf{b})_{ij}"),
        (lambda a: a.max(1), (X,), r"\max_j \mathbf{a}_{:,j}"),
        (lambda a: np.sqrt(np.sum(a**2)), (V,), r"\lVert \mathbf{a} \rVert"),
        (lambda a: np.sqrt(np.sum(a * a)), (X,), r"\lVert \mathbf{a} \rVert_F"),
        (lambda a: a.T.sum(1), (X,), r"\sum_j \mathbf{a}_{j,:}"),
        (lambda a: a[1, 2] * 2, (X,), "2 a_{1,2}"),
        (lambda a: a[1:3, 0], (X,), r"\mathbf{a}_{1:3,0}"),
        (lambda a: np.maximum(a, 0), (2.0,), r"\max(0, a)"),
        (
            lambda a: np.where(a > 0, a, 1.0),
            (2.0,),
            r"\begin{cases} a & \text{if } a > 0 \\ 1 & \text{otherwise} \end{cases}",
        ),
        (lambda a, b: np.einsum("ij,kj->ik", a, b).sum(), (X, X), r"\sum_{ij} \sum_k a_{ik} b_{jk}"),
        (lambda a: clearprop.logsumexp(a, axis=0), (V,), r"\log \sum_i e^{a_i}"),
        (lambda a: np.logaddexp(0, -a), (2.0,), r"\log(1 + e^{-a})"),
        (lambda a: np.floor(a) % 2, (2.0,), None),
    ],
)  # fmt: skip
def test_notation(f: Callable[..., Any], args: tuple[Any, ...], expected: str | None) -> None:
    if expected is None:
        check(latex(trace(f, *args)))
    else:
        assert right(f, *args) == expected


def test_names_as_symbols() -> None:
    assert symbol("alpha", 0) == r"\alpha"
    assert symbol("Sigma", 2) == r"\boldsymbol{\Sigma}"
    assert symbol("σ2", 0) == r"\sigma_2"
    assert symbol("loss", 0) == r"\mathit{loss}"
    assert symbol("w_ih", 2) == r"\mathbf{w}_{\mathrm{ih}}"
    assert symbol("x_hat", 0, accents=False) == r"x_{\mathrm{hat}}"
    assert symbol("w12", 1) == r"\mathbf{w}_{12}"
    assert subscripted("x", ["i", ":"]) == "x_{i,:}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        (3, "3"),
        (-0.5, "-0.5"),
        (1 / 3, r"\frac{1}{3}"),
        (-2 / 7, r"-\frac{2}{7}"),
        (1e-5, "10^{-5}"),
        (1.5e9, r"1.5 \cdot 10^{9}"),
        (2.5e-9, r"2.5 \cdot 10^{-9}"),
        (0.1 + 0.2, "0.3"),
        (1.23456789, "1.23457"),
        (np.sqrt(3), r"\sqrt{3}"),
        (np.pi, r"\pi"),
        (np.inf, r"\infty"),
        (True, r"\mathrm{True}"),
    ],
)
def test_numbers(value: Any, text: str) -> None:
    assert number(value) == text


def test_long_sums_break_into_lines() -> None:
    def f(**x: Any) -> Any:
        return sum(np.tanh(v) * np.exp(-v) for v in x.values())

    text = latex(trace(f, **{f"a{i}": 1.0 for i in range(9)}))
    lines = check(text)
    assert any(line.startswith("&\\quad + ") for line in lines)
    assert all(visible(line) <= 80 for line in lines)


def test_a_name_that_functions_have() -> None:
    text = latex(trace(lambda x, sigma: clearprop.sigmoid(x) * sigma, 1.0, 2.0))
    assert r"\operatorname{sigmoid}(x) \sigma" in text


def test_a_loss_called_so_by_an_input() -> None:
    assert latex(trace(lambda L: L * 2, 1.0)).splitlines()[1] == r"\mathcal{L} &= 2 L"


def test_every_result_has_its_equation() -> None:
    # dx is w, db is one, and dy is dx's: no operation makes them
    def f(x: Any, y: Any, w: Any, b: Any) -> Any:
        return (x + y) * w + b

    lines = check(latex(trace(value_and_grad(f, (0, 1, 2, 3)), 1.0, 2.0, 3.0, 4.0)))
    ends = [line.split(" &= ") for line in lines[1:]]
    gradients = {
        left.removeprefix(r"\frac{\partial L}{\partial ").rstrip("}"): right for left, right in ends
    }
    assert gradients["w"] == "t_1"  # x + y
    assert gradients["x"] == "w"
    assert gradients["y"] == "w"
    assert gradients["b"] == "1"


def test_contributions_are_added_up() -> None:
    text = explain(lambda x: np.sin(x) + x**2, 2.0).latex()
    line = text.splitlines()[-2]
    assert line.startswith(r"\frac{\partial L}{\partial x} &= ")
    assert line.count(r"\partial L") == 3


def test_a_block_is_a_function_and_opens_where_it_must() -> None:
    @clearprop.block
    def halves(x: Any) -> Any:
        return x / 2, x * 2

    @clearprop.block
    def squash(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    def f(x: Any) -> Any:
        a, b = halves(squash(x))
        return a * b

    text = explain(f, 1.0).latex()
    check(text)
    assert r"\operatorname{squash}(x)" in text
    assert "halves" not in text


def compact(name: str) -> dict[str, str]:
    """The gradients of a function as a person derives them, which the pairs say whose they are."""
    f, argnums, args = CASES[name]
    forward = trace(f, *args).open()
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)
    joint = person.derive_backward(forward, list(wanted), [0], upstream=False)
    asked = [(joint.gradients[i], forward.inputs[n]) for i, n in enumerate(wanted)]
    text = latex(joint.graph, gradient_of=[*joint.gradient_of.items(), *asked])
    lines = check(text)
    set_by_matplotlib(lines)
    ends = [line.split(" &= ") for line in lines]
    return {
        re.sub(r"\\frac\{\\partial \S+\{\\partial (.*)\}$", r"d\1", left): right
        for left, right in ends
    }


def test_of_a_graph_that_a_person_would_write() -> None:
    assert compact("neuron")["ds"] == "L (1 - L)"
    assert compact("neuron")["dw_2"] == r"\frac{\partial L}{\partial s}"
    assert compact("rosenbrock")["dy"] == "200 (y - x^2)"
    assert compact("logistic_regression")["db"] == r"\sum_i \frac{p_i - y_i}{5}"
    assert r"\frac{\mathbf{r}}{5} & \text{if }" in compact("huber")[r"d\mathbf{r}"]


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_what_has_a_symbol(name: str) -> None:
    for left in compact(name):
        assert " + " not in left
        assert r"\top" not in left


def test_another_style_is_refused() -> None:
    with pytest.raises(ValueError, match="write 'fraction' or 'bar'"):
        latex(trace(lambda x: x * 2, 1.0), gradients="dot")
