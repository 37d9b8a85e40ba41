"""The picture of a computation: gates as nodes, forward values in green above the wires, gradients in
red below them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from ..callsite import printable
from ..emit.array_expressions import ATOM, write
from ..engine.primitive import ROLES, Infix, Prefix, primitives
from ..graph.graph import Graph, Node, Wire
from .labels import gradient_text, number_text, text_width
from .layout import Box, Edge, Layout, Point, arrange

_MARGIN = 18.0
_ROW = 46.0
"""Height of a wire with its two labels."""
_ROUND = 36.0
"""Width and height of a gate with a short symbol."""
_LONGEST_INDEX = 20
_SMALL, _LARGE = 12.0, 15.0
_STUB_PADDING = 14.0
_SIGNS = {"*": "×", "-": "−", "/": "÷", "**": "^"}
_STYLE = """
.clearprop-picture text {
  font-family: -apple-system, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif;
}
.clearprop-picture .gate { fill: #f8fafc; stroke: #334155; stroke-width: 1.5; }
.clearprop-picture .block { fill: #eef2ff; }
.clearprop-picture .inner { fill: none; stroke: #334155; stroke-width: 0.8; }
.clearprop-picture .symbol { font-size: 15px; fill: #0f172a; text-anchor: middle; }
.clearprop-picture .input { font-size: 15px; fill: #0f172a; font-style: italic; }
.clearprop-picture .wire { fill: none; stroke: #94a3b8; stroke-width: 1.5; }
.clearprop-picture .fork { fill: #94a3b8; }
.clearprop-picture .value { font-size: 12px; fill: #15803d; text-anchor: middle; }
.clearprop-picture .gradient { font-size: 12px; fill: #b91c1c; text-anchor: middle; }
.clearprop-picture .name { fill: #64748b; font-style: italic; }
"""
"""Each rule names the picture, as the style of an inlined picture holds for the whole page."""


@dataclass(slots=True)
class _Item:
    """An input or a gate, with the beginning of the wires that leave it."""

    text: str
    wires: tuple[Wire, ...]
    node: Node | None
    head: float
    """Width of the gate, or of the input's name."""
    stub: float
    """Width of the labels on the leaving wires."""
    tail: float
    """Width of the names at the ends of wires that leave the graph."""

    @property
    def box(self) -> Box:
        return Box(self.head + self.stub + self.tail, max(_ROUND, _ROW * len(self.wires)))

    @property
    def height(self) -> float:
        """Height of the gate: every leaving wire touches it."""
        return _ROUND + _ROW * (len(self.wires) - 1)

    def row(self, wire: Wire) -> float:
        """Return the height at which a wire leaves, relative to the middle."""
        return (self.wires.index(wire) - (len(self.wires) - 1) / 2) * _ROW


def draw(graph: Graph, values: Mapping[Wire, Any], gradients: Mapping[Wire, Any]) -> str:
    """Return the picture as an SVG document.

    Parameters
    ----------
    graph : what to draw
    values : the forward value of each wire
    gradients : the gradient of each wire; a wire that gets none is absent
    """
    picture = _Picture(graph, values, gradients)
    return picture.document()


class _Picture:
    def __init__(
        self, graph: Graph, values: Mapping[Wire, Any], gradients: Mapping[Wire, Any]
    ) -> None:
        self.graph, self.values, self.gradients = graph, values, gradients
        read = {wire for node in graph.nodes for wire in node.inputs}
        self.ends = {wire for wire in graph.outputs if wire not in read}
        self.items = [self._input(wire) for wire in graph.inputs]
        self.items += [self._gate(node) for node in graph.nodes]
        self.maker = {wire: i for i, item in enumerate(self.items) for wire in item.wires}
        self.reads = self._reads()
        self.layout = self._arrange()

    # ---- measuring

    def _input(self, wire: Wire) -> _Item:
        head = text_width(wire.name, _LARGE) + 6
        return _Item(
            wire.name, (wire,), None, head, self._stub((wire,), False), self._tail((wire,))
        )

    def _gate(self, node: Node) -> _Item:
        text = _symbol(node)
        head = max(_ROUND, text_width(text, _LARGE) + 20)
        if node.body is not None:
            head += 8
        stub = self._stub(node.outputs, True)
        return _Item(text, node.outputs, node, head, stub, self._tail(node.outputs))

    def _stub(self, wires: tuple[Wire, ...], named: bool) -> float:
        widths = [
            max(text_width(f"{name} {above}", _SMALL), text_width(below, _SMALL))
            for name, above, below in (self._labels(wire, named) for wire in wires)
        ]
        return max(widths) + 2 * _STUB_PADDING

    def _tail(self, wires: tuple[Wire, ...]) -> float:
        names = [text_width(wire.name, _LARGE) + 6 for wire in wires if wire in self.ends]
        return max(names, default=0.0)

    def _labels(self, wire: Wire, named: bool) -> tuple[str, str, str]:
        """Return the wire's name, its value, its gradient, as they stand on it."""
        name = f"{wire.name} =" if named and wire.is_named and wire not in self.ends else ""
        gradient = self.gradients.get(wire)
        below = "" if gradient is None else gradient_text(gradient)
        return name, number_text(self.values[wire]), below

    def _reads(self) -> list[tuple[int, Wire]]:
        """Return (gate, wire) for each line to draw; a gate that reads a wire twice gets two lines."""
        first = len(self.graph.inputs)
        return [
            (first + i, wire)
            for i, node in enumerate(self.graph.nodes)
            for wire in node.inputs
            if wire in self.maker
        ]

    def _arrange(self) -> Layout:
        boxes = [item.box for item in self.items]
        edges = [Edge(self.maker[w], i, self.items[self.maker[w]].row(w)) for i, w in self.reads]
        layout = arrange(boxes, edges)
        # Lines enter a gate in the order in which they arrive, so that they do not cross there.
        arriving: dict[int, list[int]] = {}
        for number, (i, _) in enumerate(self.reads):
            arriving.setdefault(i, []).append(number)
        for i, numbers in arriving.items():
            numbers.sort(key=lambda n: layout.routes[n][-2][1])
            room = min(_ROUND * 0.5, 8.0 * (len(numbers) - 1))
            for place, n in enumerate(numbers):
                share = place / (len(numbers) - 1) - 0.5 if len(numbers) > 1 else 0.0
                x, y = layout.routes[n][-1]
                layout.routes[n][-1] = (x + _inset(self.items[i], share * room), y + share * room)
        return layout

    # ---- drawing

    def document(self) -> str:
        width = self.layout.width + 2 * _MARGIN
        height = self.layout.height + 2 * _MARGIN
        parts = [*self._lines()]
        for item, place in zip(self.items, self.layout.places, strict=True):
            parts += self._item(item, place)
        body = "\n".join(parts)
        summary = _escaped(
            f"The graph of {self.graph.name}: {len(self.graph.inputs)} inputs, "
            f"{len(self.graph.nodes)} gates. Forward values above the wires, gradients below."
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="clearprop-picture" role="img" '
            f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}">\n'
            f"<title>{_escaped(self.graph.name)}</title>\n<desc>{summary}</desc>\n"
            f"<style>{_STYLE}</style>\n"
            f'<rect width="100%" height="100%" rx="8" fill="#ffffff"/>\n'
            f'<g transform="translate({_n(_MARGIN)} {_n(_MARGIN)})">\n{body}\n</g>\n</svg>\n'
        )

    def _lines(self) -> list[str]:
        parts = [f'<path class="wire" d="{_curve(route)}"/>' for route in self.layout.routes]
        ways: dict[Wire, list[list[Point]]] = {}
        for (_, wire), route in zip(self.reads, self.layout.routes, strict=True):
            ways.setdefault(wire, []).append(route)
        for routes in ways.values():
            if len(routes) > 1:
                x, y = _parting(routes)
                parts.append(f'<circle class="fork" cx="{_n(x)}" cy="{_n(y)}" r="3"/>')
        return parts

    def _item(self, item: _Item, place: Point) -> list[str]:
        x, y = place
        parts = []
        for wire in item.wires:
            parts += self._wire_start(item, wire, x + item.head, y + item.row(wire))
        if item.node is None:
            parts.append(
                f'<text class="input" x="{_n(x)}" y="{_n(y + 5)}">{_escaped(item.text)}</text>'
            )
        else:
            parts += _gate_shape(item, item.node, x, y)
        return parts

    def _wire_start(self, item: _Item, wire: Wire, x: float, y: float) -> list[str]:
        """Return the straight beginning of a wire, with its labels; an arrow where it leaves the graph."""
        end, middle = x + item.stub, x + item.stub / 2
        name, above, below = self._labels(wire, item.node is not None)
        ends = wire in self.ends
        parts = [
            f'<path class="wire" d="M{_n(x)} {_n(y)}H{_n(end if ends else end + item.tail)}"/>'
        ]
        if wire in self.graph.outputs:
            parts.append(f'<path class="fork" d="M{_n(end)} {_n(y)}l-9 -4.5v9z"/>')
        if ends:
            parts.append(
                f'<text class="input" x="{_n(end + 6)}" y="{_n(y + 5)}">{_escaped(wire.name)}</text>'
            )
        shown = _escaped(above)
        if name:
            shown = f'<tspan class="name">{_escaped(name)}</tspan><tspan dx="4">{shown}</tspan>'
        parts.append(f'<text class="value" x="{_n(middle)}" y="{_n(y - 6)}">{shown}</text>')
        if below:
            parts.append(
                f'<text class="gradient" x="{_n(middle)}" y="{_n(y + 16)}">{_escaped(below)}</text>'
            )
        return parts


def _gate_shape(item: _Item, node: Node, x: float, y: float) -> list[str]:
    middle, half = x + item.head / 2, item.height / 2
    why = f"{node.primitive.name} {ROLES[node.primitive.role]}. {node.primitive.why}"
    parts = [f"<g><title>{_escaped(why)}</title>"]
    kind = "gate block" if node.body is not None else "gate"
    radius = 6.0 if node.body is not None else _ROUND / 2
    parts.append(
        f'<rect class="{kind}" x="{_n(x)}" y="{_n(y - half)}" width="{_n(item.head)}" '
        f'height="{_n(item.height)}" rx="{_n(radius)}"/>'
    )
    if node.body is not None:
        parts.append(
            f'<rect class="inner" x="{_n(x + 3)}" y="{_n(y - half + 3)}" width="{_n(item.head - 6)}" '
            f'height="{_n(item.height - 6)}" rx="4"/>'
        )
    parts.append(
        f'<text class="symbol" x="{_n(middle)}" y="{_n(y + 5)}">{_escaped(item.text)}</text></g>'
    )
    return parts


def _symbol(node: Node) -> str:
    """Return what stands in a gate: its sign, with a constant operand where it has one, or its name."""
    notation = node.primitive.notation
    if isinstance(notation, Prefix):
        return _SIGNS.get(notation.symbol, notation.symbol)
    if node.primitive in (primitives.slice, primitives.gather):
        index, _ = write(node, [("", ATOM), *((str(w), ATOM) for w in node.inputs[1:])])
        return index if len(index) <= _LONGEST_INDEX else node.primitive.name
    constants = [number_text(w.constant) if w.is_constant else "" for w in node.inputs]
    if isinstance(notation, Infix):
        sign = _SIGNS.get(notation.symbol, notation.symbol)
        left, right = constants
        return f"{left} {sign} {right}".strip()
    if any(constants):
        return f"{node.primitive.name}({', '.join(text or '·' for text in constants)})"
    return node.primitive.name


def _escaped(text: str) -> str:
    return escape(printable(text))


def _parting(routes: list[list[Point]]) -> Point:
    """Return where the lines of a copied value part: the last corner that all of them share."""
    start = routes[0][0]
    for corners in zip(*routes, strict=False):
        if any(corner != corners[0] for corner in corners):
            break
        start = corners[0]
    return start


def _inset(item: _Item, dy: float) -> float:
    """Return how far right of a gate's left end its outline is, `dy` off the middle (gates have round
    ends).
    """
    if item.node is None or item.node.body is not None:
        return 0.0
    radius = _ROUND / 2
    return float(radius - (radius**2 - dy**2) ** 0.5)


def _curve(route: list[Point]) -> str:
    """Return a path through the corners that is level at each."""
    (x, y), *rest = route
    path = [f"M{_n(x)} {_n(y)}"]
    for to_x, to_y in rest:
        if to_y == y:
            path.append(f"H{_n(to_x)}")
        else:
            half = (x + to_x) / 2
            path.append(f"C{_n(half)} {_n(y)} {_n(half)} {_n(to_y)} {_n(to_x)} {_n(to_y)}")
        x, y = to_x, to_y
    return "".join(path)


def _n(number: float) -> str:
    """Return a coordinate, to a tenth."""
    return f"{number + 0.0:.1f}".removesuffix(".0")
