"""The picture of a compiled program: stages as boxes, the arrays between them as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ..callsite import printable
from ..stages.ir import Buffer, Program, read_by, written_by
from .labels import text_width
from .layout import Box, Edge, Point, arrange

_MARGIN = 18.0
_SIZE = 13.0
_STYLE = """
.clearprop-stages text {
  font-family: -apple-system, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; font-size: 13px;
}
.clearprop-stages .stage { fill: #f8fafc; stroke: #334155; stroke-width: 1.5; }
.clearprop-stages .numpy { fill: #fff7ed; stroke: #c2410c; }
.clearprop-stages .title { fill: #0f172a; text-anchor: middle; }
.clearprop-stages .fused { fill: #64748b; text-anchor: middle; font-size: 11px; }
.clearprop-stages .array { fill: #0f172a; font-style: italic; }
.clearprop-stages .line { fill: none; stroke: #94a3b8; stroke-width: 1.5; }
"""


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in a stage's box."""

    title: str
    fused: str
    is_numpy: bool


def draw_stages(name: str, program: Program, items: Sequence[Item]) -> str:
    """Return an SVG document: inputs at the left, then the stages, outputs at the right."""
    ends = [*program.inputs, *program.outputs]
    boxes = [Box(text_width(b.name, _SIZE) + 6, 22) for b in program.inputs]
    first = len(boxes)
    boxes += [Box(max(text_width(i.title, _SIZE), text_width(i.fused, 11)) + 24, 44) for i in items]
    last = len(boxes)
    boxes += [Box(text_width(b.name, _SIZE) + 6, 22) for b in program.outputs]
    edges = _edges(program, first, last)
    layout = arrange(boxes, edges)
    parts = [_line(route) for route in layout.routes]
    places = [*layout.places[:first], *layout.places[last:]]
    for (x, y), buffer in zip(places, ends, strict=True):
        parts.append(
            f'<text class="array" x="{x + 3:.1f}" y="{y + 4.5:.1f}">{_text(buffer.name)}</text>'
        )
    for item, box, (x, y) in zip(items, boxes[first:last], layout.places[first:last], strict=True):
        kind = "stage numpy" if item.is_numpy else "stage"
        middle = x + box.width / 2
        parts += [
            f'<rect class="{kind}" x="{x:.1f}" y="{y - 22:.1f}" width="{box.width:.1f}" height="44" rx="8"/>',
            f'<text class="title" x="{middle:.1f}" y="{y - 3:.1f}">{_text(item.title)}</text>',
            f'<text class="fused" x="{middle:.1f}" y="{y + 13:.1f}">{_text(item.fused)}</text>',
        ]
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="clearprop-stages" width="{width:.0f}" '
            f'height="{height:.0f}" viewBox="{-_MARGIN} {-_MARGIN} {width:.0f} {height:.0f}" role="img">',
            f"<title>{_text(name)}</title>",
            f"<style>{_STYLE}</style>",
            *parts,
            "</svg>",
        ]
    )


def _edges(program: Program, first: int, last: int) -> list[Edge]:
    """Return one line from each maker of an array to each stage that reads it."""
    maker: dict[Buffer, int] = {b: i for i, b in enumerate(program.inputs)}
    found: dict[tuple[int, int], None] = {}
    for number, stage in enumerate(program.stages, first):
        for b in read_by(stage):
            if b in maker and maker[b] != number:
                found[maker[b], number] = None
        maker.update((b, number) for b in written_by(stage))
    for place, b in enumerate(program.outputs, last):
        if b in maker:
            found[maker[b], place] = None
    return [Edge(source, target) for source, target in found]


def _line(corners: Sequence[Point]) -> str:
    """Return a route as a curve that is level at its corners."""
    (x, y), *rest = corners
    path = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        bend = (to_x - x) / 2
        path.append(f"C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return f'<path class="line" d="{" ".join(path)}"/>'


def _text(text: str) -> str:
    return escape(printable(text))
