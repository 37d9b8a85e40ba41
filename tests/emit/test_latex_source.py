"""`source(..., to="latex")`: the golden files, well formed, and what is said about them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.emit.derived import Derived
from tests.emit.examples import FOLDER, written
from tests.emit.functions import EXAMPLES
from tests.emit.test_latex import check, set_by_matplotlib


def well_formed(text: str) -> list[str]:
    """The equations of a text whose environments, brackets, columns and comments are in order."""
    before, begin, rest = text.partition("\\begin{align*}\n")
    body, end, after = rest.partition("\n\\end{align*}\n")
    assert begin
    assert end
    assert all(line.startswith("%") for line in [*before.splitlines(), *after.split()[:1]])
    assert "\n\n" not in body  # an empty line would end the paragraph
    kept = [line for line in body.splitlines() if not line.startswith("% ")]
    plain = "\n".join(kept).replace("\\\\[1ex]", "\\\\")
    assert "%" not in plain
    return check(f"\\begin{{aligned}}\n{plain}\n\\end{{aligned}}")


@pytest.mark.parametrize("name", EXAMPLES)
def test_golden(name: str) -> None:
    """``python -m tests.emit.examples`` writes the files anew."""
    text = written(name, "latex")
    assert text == (FOLDER / f"{name}.tex").read_text(encoding="utf-8")
    set_by_matplotlib(well_formed(text))


def test_every_gradient_has_an_equation() -> None:
    text = (FOLDER / "two_layers.tex").read_text(encoding="utf-8")
    for name in ("W", "b"):
        for i in (1, 2):
            left = f"\\frac{{\\partial \\mathit{{loss}}}}{{\\partial \\mathbf{{{name}}}_{i}}} &="
            assert text.count(left) == 1


def loss(x: Any, w: Any) -> Any:
    h = np.tanh(x @ w)
    return np.mean(h**2)


ARGS = (np.linspace(-1, 1, 12).reshape(4, 3), np.linspace(0.2, 1, 3))


def test_what_it_is(tmp_path: Path) -> None:
    made = clearprop.source(loss, *ARGS, to="latex")
    assert made.function is None
    assert made.errors.engine < 1e-14
    lines = made.text.splitlines()
    assert lines[0].startswith("% The value and the gradient of loss, written by Clearprop ")
    assert any("that these equations are read from, run against" in line for line in lines)
    made.save(tmp_path / "loss.tex")
    assert (tmp_path / "loss.tex").read_text(encoding="utf-8") == made.text
    assert made._repr_markdown_() == f"$$\n{made.equations}\n$$"
    assert made.equations.startswith("\\begin{aligned}\n\\mathbf{h} &=")
    assert "%" not in made.equations
    assert clearprop.source(loss, *ARGS).equations == ""


def test_options() -> None:
    bars = clearprop.source(loss, *ARGS, to="latex", gradient_names="{}_bar").text
    assert "\\bar{\\mathbf{w}} &=" in bars
    well_formed(bars)
    gates = clearprop.source(loss, *ARGS, to="latex", simplify=False).text
    well_formed(gates)
    steps = clearprop.source(lambda x: 1 / (1 + np.exp(-x)), 0.5, to="latex", steps=True).text
    assert "\n% How it was simplified:\n%   logistic: " in steps
    assert len(well_formed(steps)) == 2


def test_an_upstream_gradient() -> None:
    made = clearprop.source(lambda x: np.sin(x) * 2, ARGS[1], gradient=np.ones(3), to="latex")
    forward, backward = well_formed(made.text)
    assert forward == r"\mathbf{t}_1 &= 2 \sin(\mathbf{x})"
    assert backward.endswith(
        r"&= 2 \frac{\partial L}{\partial \mathbf{t}_1} \odot \cos(\mathbf{x})"
    )


def test_compounds_stay_whole() -> None:
    def f(x: Any, labels: Any) -> Any:
        p = clearprop.sigmoid(x)
        return clearprop.cross_entropy(p, labels)

    text = clearprop.source(f, np.ones((2, 3)), np.array([0, 2]), to="latex").text
    assert r"\mathbf{p} &= \sigma(\mathbf{x})" in text
    assert r"\operatorname{softmax}(\mathbf{p})" in text
    assert r"\operatorname{onehot}(\mathbf{labels})" in text


def test_constants_are_defined_or_listed() -> None:
    table = np.arange(12.0).reshape(3, 4) ** 2

    def f(x: Any) -> Any:
        mask = np.tri(3, k=-1, dtype=bool)
        weights = table
        return np.sum(np.where(mask, x @ x.T, 0.0)) + np.sum((x + np.eye(3)) @ weights)

    text = clearprop.source(f, np.ones((3, 3)), to="latex").text
    well_formed(text)
    assert "% weights: f64[3,4], which the function has.\n" in text
    assert r"\mathit{mask}_{ij} &= \left[i > j\right]" in text
    assert "% mask" not in text
    assert r"\mathbf{I}" in text


def test_wrong_equations_are_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Derived.run

    def wrong(derived: Derived, leaves: Any) -> Any:
        values, gradients = right(derived, leaves)
        return values, [g * 1.001 for g in gradients]

    monkeypatch.setattr(Derived, "run", wrong)
    with pytest.raises(clearprop.GradientMismatch, match="another gradient for"):
        clearprop.source(loss, *ARGS, to="latex")


# ---- notation that these equations brought


@pytest.mark.parametrize(
    ("f", "shapes", "expected"),
    [
        (
            lambda x, c: ((x[:, None] - c[None, :]) ** 2).sum(2).max(),
            ((4, 2), (3, 2)),
            r"\mathbf{x}_{:,k} \mathbf{1}^\top - \mathbf{1} \mathbf{c}_{:,k}^\top",
        ),
        (
            lambda x, c: np.sum((x[:, None, :] - c[None, :, :]) ** 2),
            ((4, 2), (3, 2)),
            r"-2 \sum_i (\mathbf{1} \mathbf{x}_{i,:}^\top - \mathbf{c})",
        ),
        (lambda s: s[0, 1] * s[1, 0], ((2, 2),), r"s_{0,1} \mathbf{E}_{1,0}"),
        (lambda v: v[1] * v[2], ((3,),), r"v_1 \mathbf{e}_2"),
        (lambda x: np.mean(np.sin(x)), ((50,),), r"\frac{\cos(\mathbf{x})}{50}"),
        (lambda x: 0.05 * np.sum(x**2), ((50,),), r"0.05 \sum_i x_i^2"),
        (lambda x: np.sum(x[2:] ** 2), ((5,),), r"\operatorname{scatter}_{2:}"),
        (
            lambda x: np.sum(np.stack([x[1:], x[:-1]]) * np.array([[1.0, 2.0], [3.0, 4.0]])),
            ((3,),),
            r"\begin{bmatrix} \mathbf{x}_{1:}^\top \\ \mathbf{x}_{:-1}^\top \end{bmatrix}",
        ),
    ],
)
def test_notation(f: Any, shapes: tuple[tuple[int, ...], ...], expected: str) -> None:
    text = clearprop.source(f, *map(np.ones, shapes), to="latex").text
    well_formed(text)
    assert expected in text


# ---- numbers and axes


def equations_of(f: Any, *args: Any) -> str:
    return clearprop.source(f, *args, to="latex").equations


MATRIX = np.arange(12.0).reshape(4, 3) - 5


@pytest.mark.parametrize("factor", [0.9, -0.9, 0.3, -3.0, 14.0, -1.1])
def test_factors_are_numbers_with_their_sign(factor: float) -> None:
    """Of the mean of picked entries, the factor before the one-hot rows is the factor over their number."""
    n = 7
    z, y = np.ones((n, 6)), np.array([0, 3, 5, 1, 0, 2, 2])
    text = equations_of(lambda z, y: np.mean(factor * z[np.arange(len(y)), y]), z, y)
    before = re.search(r"mathbf\{z\}\} &= (.*?) ?\\operatorname\{onehot\}", text)
    assert before, text
    number = before[1]
    fraction = re.fullmatch(r"(-?)\\frac\{([\d.]+)\}\{(\d+)\}", number)
    value = float(fraction[1] + fraction[2]) / int(fraction[3]) if fraction else float(number)
    assert value == pytest.approx(factor / n)


@pytest.mark.parametrize(
    ("f", "wanted"),
    [
        (lambda x: np.sum(np.linalg.norm(x, axis=1)), r"\sum_i \sqrt{\sum_j x_{ij}^2}"),
        (lambda x: np.sum(np.linalg.norm(x, axis=0)), r"\sum_i \sqrt{\sum_j x_{ji}^2}"),
        (lambda x: np.linalg.norm(x), r"\lVert \mathbf{x} \rVert_F"),
        (
            lambda x: np.sum(np.linalg.norm(x, 4, axis=1)),
            r"\left(\sum_j \left|\mathbf{x}_{:,j}\right|^{\odot 4}\right)^{\odot 0.25}",
        ),
        (lambda x: np.sum(np.linalg.norm(x, np.inf, axis=1)), r"\sum_i \max_j \left|x_{ij}\right|"),
        (lambda x: np.sum(np.linalg.norm(x, 1, axis=1)), r"\sum_i \sum_j \left|x_{ij}\right|"),
        (lambda x: np.sum(np.sort(x, axis=0) ** 2), r"\operatorname{sort}_{\mathrm{axis}=0}"),
        (lambda x: np.sum(np.var(x, axis=1, ddof=1) ** 2), r"\operatorname{Var}_{j;\mathrm{ddof}=1}"),
        (lambda x: np.sum(np.stack([x, x**2], axis=-1) ** 2), r"\operatorname{stack}_{\mathrm{axis}=2}"),
        (lambda x: np.sum(np.concatenate([x, x**2], -1) ** 2), r"\begin{bmatrix} \mathbf{x} & \mathbf{x}^"),
        (lambda x: np.sum(np.concatenate([x, x**2], 0) ** 2), r"\begin{bmatrix} \mathbf{x} \\ \mathbf{x}^"),
    ],
)  # fmt: skip
def test_norms_and_axes(f: Any, wanted: str) -> None:
    assert wanted in equations_of(f, MATRIX)
