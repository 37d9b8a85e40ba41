"""The picture: valid, complete, and the same byte for byte."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import clearprop
from clearprop.draw.labels import gradient_text, number_text, text_width
from clearprop.draw.svg import draw

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
    assert sorted(texts(svg, "value")) == sorted(["−2", "5", "−4", "q =3", "−12"])
    assert sorted(texts(svg, "gradient")) == sorted(["−4", "−4", "3", "−4", "1"])
    assert texts(svg, "input") == ["x", "y", "z", "f"]
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


def test_other_gates_show_their_constants_as_arguments() -> None:
    svg = clearprop.explain(lambda x: np.maximum(x * 0.1234567890123, 0), 2.0).svg()
    assert texts(svg, "symbol") == ["× 0.1235", "maximum(·, 0)"]


@clearprop.block
def rotate(x, y):
    return x * 0.6 - y * 0.8, x * 0.8 + y * 0.6


def turned(x, y):
    u, v = rotate(x, y)
    return u * v


def test_what_picks_entries_shows_which() -> None:
    labels = np.array([0, 2, 1])

    def f(x):
        return np.sum(x[0, 0] * x[1:, ::2] + x[np.arange(3), labels][1])

    shown = texts(clearprop.explain(f, np.ones((3, 4))).svg(), "symbol")
    assert {"[0, 0]", "[1:, ::2]", "[1]"} < set(shown)
    assert any(text.endswith(", labels]") for text in shown)


def test_every_result_of_a_block_leaves_from_its_outline() -> None:
    root = ET.fromstring(clearprop.explain(turned, 1.0, 2.0).svg())
    (block,) = (e for e in root.iter(f"{SVG}rect") if e.get("class") == "gate block")
    right = float(block.get("x", 0)) + float(block.get("width", 0))
    top, height = float(block.get("y", 0)), float(block.get("height", 0))
    starts = [re.match(r"M([\d.]+) ([\d.]+)H", e.get("d", "")) for e in root.iter(f"{SVG}path")]
    leaving = [float(m[2]) for m in starts if m and float(m[1]) == pytest.approx(right, abs=0.2)]
    assert len(leaving) == 2
    assert all(top < y < top + height for y in leaving)


def skipping(x, y):
    a = np.tanh(x)
    for _ in range(4):
        a = np.tanh(a) + y
    return a * x


def fanned(x):
    return np.exp(x) * np.sin(x) + x * x + x


def neurons(x1, x2, a, b, c, d, u, v):
    h1 = np.tanh(a * x1 + b * x2)
    h2 = np.tanh(c * x1 + d * x2)
    return 1 / (1 + np.exp(-(u * h1 + v * h2)))


def regression(x, w, b):
    prediction = np.maximum(x @ w + b, 0)
    return (prediction**2).mean()


def extents(svg: str) -> list[tuple[str, float, float, float, float]]:
    """Left, top, right and bottom of each label and each gate."""
    found = []
    for e in ET.fromstring(svg).iter():
        kind, x, y = e.get("class", ""), float(e.get("x", 0)), float(e.get("y", 0))
        if kind in ("value", "gradient", "input"):
            text, size = "".join(e.itertext()), 15 if kind == "input" else 12
            width = text_width(text, size) + (4 if "=" in text else 0)
            left = x if kind == "input" else x - width / 2
            found.append((text, left, y - 0.75 * size, left + width, y + 0.2 * size))
        elif kind.startswith("gate"):
            right, bottom = x + float(e.get("width", 0)), y + float(e.get("height", 0))
            found.append((kind, x, y, right, bottom))
    return found


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (product, (-2.0, 5.0, -4.0)),
        (turned, (1.0, 2.0)),
        (skipping, (0.3, 0.2)),
        (fanned, (0.5,)),
        (neurons, (0.13, -0.13, 0.64, 0.1, -0.54, 0.36, 1.3, 0.95)),
        (regression, (np.ones((32, 8)), np.full((8, 4), 0.123456), np.full(4, -0.001234567))),
    ],
)
def test_labels_and_gates_keep_apart(function, inputs) -> None:
    found = extents(clearprop.explain(function, *inputs).svg())
    for (a, left, top, right, bottom), (b, x0, y0, x1, y1) in itertools.combinations(found, 2):
        assert right <= x0 or x1 <= left or bottom <= y0 or y1 <= top, f"{a} and {b} overlap"


def test_a_copy_forks_where_its_lines_part() -> None:
    # the gate before y's layer is wider than y: the lines run on together below it
    root = ET.fromstring(clearprop.explain(skipping, 0.3, 0.2).svg())
    lines = [e.get("d", "") for e in root.iter(f"{SVG}path") if e.get("class") == "wire"]
    for fork in root.iter(f"{SVG}circle"):
        x, y = fork.get("cx"), fork.get("cy")
        assert any(re.search(rf"(M{x} {y}|H{x})C", line) for line in lines)


def test_the_style_holds_for_the_picture_alone() -> None:
    style = ET.fromstring(clearprop.explain(product, -2.0, 5.0, -4.0).svg()).find(f"{SVG}style")
    selectors = re.findall(r"([^{}]+)\{", style.text)  # type: ignore[union-attr, arg-type]
    assert selectors
    assert all(selector.strip().startswith(".clearprop-picture ") for selector in selectors)


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
    values = dict.fromkeys(graph.wires(), 1.0)
    svg = draw(graph, values, {})
    ET.fromstring(svg)
    assert "x&lt;1&gt;" in svg
    graph.inputs[0].name = "x\x01"
    ET.fromstring(draw(graph, values, {}))
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
        (np.ones((3, 4)), "3×4"),
        (np.array([[1.0, 2.0], [3.0, -4.0]]), "[[1, 2], [3, −4]]"),
        (np.zeros((0, 2)), "0×2"),
        (np.True_, "True"),
        (np.conj(1 + 0j), "1+0j"),
        (np.nan, "nan"),
    ],
)
def test_numbers(value: object, text: str) -> None:
    assert number_text(value) == text


def test_a_large_gradient_shows_its_norm() -> None:
    assert gradient_text(np.ones((3, 4))) == "3×4 ‖·‖ 3.464"
    assert gradient_text(np.full((3, 3), 1j)) == "3×3 ‖·‖ 3"
    assert gradient_text(np.array([1.0, -2.0])) == "[1, −2]"


def test_text_width_grows_with_the_text() -> None:
    assert 0 < text_width("i", 12) < text_width("m", 12) < text_width("mm", 12)
    assert text_width("x", 24) == 2 * text_width("x", 12)
