"""The picture: valid, complete, and the same byte for byte."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import clearprop
from clearprop.draw.labels import number_text, text_width

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


def product(x, y, z):
    q = x + y
    f = q * z
    return f


def texts(svg: str, kind: str) -> list[str]:
    root = ET.fromstring(svg)
    return ["".join(e.itertext()) for e in root.iter(f"{SVG}text") if e.get("class") == kind]


def test_golden() -> None:
    svg = clearprop.explain(product, -2.0, 5.0, -4.0).svg()
    path = GOLDEN / "product.svg"
    assert svg == path.read_text(encoding="utf-8")


def test_values_above_and_gradients_below() -> None:
    svg = clearprop.explain(product, -2.0, 5.0, -4.0).svg()
    assert sorted(texts(svg, "value")) == sorted(["−2", "5", "−4", "q =3", "f =−12"])
    assert sorted(texts(svg, "gradient")) == sorted(["−4", "−4", "3", "−4", "1"])
    assert texts(svg, "input") == ["x", "y", "z"]
    assert texts(svg, "symbol") == ["+", "×"]
    root = ET.fromstring(svg)
    for wire in ("value", "gradient"):
        assert f".{wire}" in root.find(f"{SVG}style").text  # type: ignore[union-attr, operator]


def test_labels_stand_on_their_sides_of_the_wire() -> None:
    root = ET.fromstring(clearprop.explain(product, -2.0, 5.0, -4.0).svg())
    labels = [e for e in root.iter(f"{SVG}text") if e.get("class") in ("value", "gradient")]
    pairs = zip(labels[::2], labels[1::2], strict=True)
    for above, below in pairs:
        assert above.get("x") == below.get("x")
        assert float(above.get("y", 0)) < float(below.get("y", 0))


def test_accessible() -> None:
    root = ET.fromstring(clearprop.explain(product, -2.0, 5.0, -4.0).svg())
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "product"  # type: ignore[union-attr]
    assert "3 inputs, 2 gates" in root.find(f"{SVG}desc").text  # type: ignore[union-attr, operator]
    tips = [e.text or "" for e in root.iter(f"{SVG}title")]
    assert any("times the other input" in tip for tip in tips)


def test_a_copy_forks_at_one_point() -> None:
    root = ET.fromstring(clearprop.explain(lambda x: x * x + x, 3.0).svg())
    forks = list(root.iter(f"{SVG}circle"))
    assert len(forks) == 1
    x, y = forks[0].get("cx"), forks[0].get("cy")
    starts = [e.get("d", "") for e in root.iter(f"{SVG}path")]
    assert sum(d.startswith(f"M{x} {y}") for d in starts) == 3


def test_constants_stand_in_their_gates() -> None:
    svg = clearprop.explain(lambda x: 1 / (x**2 - 3.5), 2.0).svg()
    assert texts(svg, "symbol") == ["^ 2", "− 3.5", "1 ÷"]


def test_a_block_has_a_double_outline() -> None:
    @clearprop.block
    def twice(x):
        return x + x

    explanation = clearprop.explain(lambda x: twice(x) * 3.0, 2.0)
    root = ET.fromstring(explanation.svg())
    kinds = [e.get("class") for e in root.iter(f"{SVG}rect")]
    assert kinds.count("gate block") == 1
    assert kinds.count("inner") == 1


def test_text_is_escaped() -> None:
    graph = clearprop.trace(product, -2.0, 5.0, -4.0)
    graph.name = "a<b>&c"
    graph.inputs[0].name = "x<1>"
    from clearprop.draw.svg import draw

    values = dict.fromkeys(graph.wires(), 1.0)
    svg = draw(graph, values, {})
    ET.fromstring(svg)
    assert "x&lt;1&gt;" in svg
    assert texts(svg, "gradient") == []


def test_a_deep_graph() -> None:
    def deep(x):
        for _ in range(2000):
            x = x * 1.0
        return x

    ET.fromstring(clearprop.explain(deep, 1.0).svg())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        (-0.19661193, "−0.1966"),
        (-0.0, "0"),
        (np.float32(1e-9), "1e−09"),
        (np.array([1.0, -2.0]), "[1, −2]"),
        (np.ones((3, 4)), "3×4 ‖3.464‖"),
        (np.zeros((0, 2)), "0×2"),
        (np.True_, "True"),
        (np.nan, "nan"),
    ],
)
def test_numbers(value: object, text: str) -> None:
    assert number_text(value) == text


def test_text_width_grows_with_the_text() -> None:
    assert 0 < text_width("i", 12) < text_width("m", 12) < text_width("mm", 12)
    assert text_width("x", 24) == 2 * text_width("x", 12)
