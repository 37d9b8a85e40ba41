"""Sums of arrays that are zero but for a box, such as the gradients of stencils: region by region.

Written one by one, each of the arrays would fill memory with zeros to be added. The borders of the boxes cut
the sum into regions, and in each only those terms are added that are not zero there, in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import prod

from ..engine.primitive import primitives
from ..engine.spec import ArraySpec
from ..graph.graph import Graph, Node, Wire
from .assembly import Box, Piece, box_of, part
from .grouping import Grouping
from .views import View

_MOST = 32
"""Regions of a sum: those of a stencil along two axes are 25."""
_SUMS = (primitives.add, primitives.subtract)


@dataclass(frozen=True)
class PaddedSum:
    """Nodes that add up, the last of which gives the sum: sums, and the terms that are zero but for a box."""

    nodes: list[Node]
    boxes: dict[Node, Box]
    """Of the terms."""
    regions: list[Box]


def padded_sums(graph: Graph) -> list[PaddedSum]:
    """Return the sums of a graph that have several terms which are zero but for a box."""
    readers = Counter(w for node in graph.nodes for w in node.inputs)
    readers.update(graph.outputs)
    parts: dict[Wire, Node] = {}
    boxes: dict[Node, Box] = {}
    for node in graph.nodes:
        if readers[node.outputs[0]] == 1 and (box := _padding(node)):
            boxes[node], parts[node.out] = box, node
        elif _is_sum(node) and not parts.keys().isdisjoint(node.inputs):
            parts[node.out] = node
    found: list[PaddedSum] = []
    taken: set[Wire] = set()
    for node in reversed(graph.nodes):  # so that the longest sums are seen first
        if node.outputs[0] not in parts or node.outputs[0] in taken or node in boxes:
            continue
        inner, waiting = {node}, [node]
        while waiting:
            for wire in waiting.pop().inputs:
                part = parts.get(wire)
                if part is not None and readers[wire] == 1:
                    inner.add(part)
                    if part not in boxes:  # what is in a box has another shape
                        waiting.append(part)
        taken.update(n.out for n in inner)
        own = {n: boxes[n] for n in inner if n in boxes}
        cuts = _cut(node.out.spec.shape, list(own.values()))
        if len(own) > 1 and len(cuts) <= _MOST:
            found.append(PaddedSum([n for n in graph.nodes if n in inner], own, cuts))
    return found


def _is_sum(node: Node) -> bool:
    return node.primitive in _SUMS and all(
        w.spec.shape == node.out.spec.shape and w.spec.dtype == node.out.spec.dtype
        for w in node.inputs
    )


def _padding(node: Node) -> Box | None:
    """Return the box that a node fills with numbers, zeros being around it; None of another node."""
    if node.primitive is not primitives.scatter or len(node.inputs) > 1:
        return None
    if any(isinstance(item, slice) and (item.step or 1) < 0 for item in node.params["index"]):
        return None
    if None in node.params["index"]:
        return None
    return box_of(node.out.spec.shape, node.params["index"])


def _cut(shape: tuple[int, ...], boxes: list[Box]) -> list[Box]:
    """Return the regions into which the borders of boxes cut an array."""
    borders = [
        sorted({0, n, *(border for box in boxes for border in box[axis])})
        for axis, n in enumerate(shape)
    ]
    if prod(len(b) - 1 for b in borders) > _MOST:
        return [()] * (_MOST + 1)
    return list(product(*(list(pairwise(b)) for b in borders)))


def _within(region: Box, box: Box) -> Box | None:
    """Return where a region lies in a box; None if it lies outside."""
    pairs = list(zip(region, box, strict=True))
    if any(a < start or b > stop for (a, b), (start, stop) in pairs):
        return None
    return tuple((a - start, b - start) for (a, b), (start, _) in pairs)


def add_by_region(grouping: Grouping, whole: PaddedSum) -> None:
    """Group a sum as an array that is assembled from its regions."""
    *_, last = whole.nodes
    found = []
    for region in whole.regions:
        values: dict[Wire, Wire | None] = {}
        for node in whole.nodes:
            if node in whole.boxes:
                values[node.out] = _padded(grouping, node, whole.boxes[node], region)
                continue
            terms = [values[w] if w in values else grouping.part_of(w, region) for w in node.inputs]
            values[node.out] = _sum(grouping, node, terms)
        found.append(Piece(part(View.whole(last.out), region), values[last.out]))
    grouping.assemble(last, found)


def _padded(grouping: Grouping, node: Node, box: Box, region: Box) -> Wire | None:
    inside = _within(region, box)
    if inside is None:
        return None
    (source,) = node.inputs
    view = _with_all_axes(grouping.view(source), box, node.params["index"])
    return grouping.seen_as(source, part(view, inside))


def _sum(grouping: Grouping, node: Node, terms: Sequence[Wire | None]) -> Wire | None:
    """Return the sum of terms, None being zero: a zero that is added makes -0 a 0."""
    first, second = terms
    known = first or second
    if known is None or (second is None and node.primitive is primitives.subtract):
        return first
    dtype = node.out.spec.dtype
    zero = Wire("", ArraySpec((), dtype), dtype.type(0))
    out = Wire(f"{node.out.name}_part", known.spec)
    grouping.join(replace(node, inputs=(first or zero, second or zero), outputs=(out,)))
    return out


def _with_all_axes(source: View, box: Box, index: tuple[object, ...]) -> View:
    """Return the view of a term's numbers that has all axes of its box: a whole number in an index drops
    one.
    """
    items = list(_expanded(index, len(box)))
    kept = [not isinstance(item, int) for item in items]
    shape = [stop - start for (start, stop), keep in zip(box, kept, strict=True) if keep]
    seen = source.broadcast(tuple(shape))
    strides, sizes = iter(seen.strides), iter(seen.shape)
    return View(
        seen.root,
        tuple(next(sizes) if keep else 1 for keep in kept),
        tuple(next(strides) if keep else 0 for keep in kept),
        seen.offset,
    )


def _expanded(index: tuple[object, ...], ndim: int) -> Iterator[object]:
    """Yield the items of an index, one for each axis."""
    left = ndim - sum(item is not Ellipsis for item in index)
    for item in index:
        if item is Ellipsis:
            yield from [slice(None)] * left
            left = 0
        else:
            yield item
    yield from [slice(None)] * left
