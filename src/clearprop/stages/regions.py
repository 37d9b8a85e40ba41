"""Sums of arrays that are zero but for a box, such as the gradients of stencils: region by region.

Written one by one, each of the arrays would fill memory with zeros to be added. The borders of the boxes cut
the sum into regions, and in each only those terms are added that are not zero there, in the same order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import prod
from typing import NamedTuple

from ..engine.primitive import Primitive, primitives
from ..engine.spec import ArraySpec
from ..graph.graph import Graph, Node, Wire
from .assembly import Box, Piece, box_of, part
from .grouping import Grouping
from .views import View

_MOST = 32
"""Regions of a sum, and those that a term lies in, on average: a stencil along two axes has 25."""
_SUMS = (primitives.add, primitives.subtract)


@dataclass(frozen=True)
class PaddedSum:
    """Nodes that add up, the last of which gives the sum: sums, and the terms that are zero but for a box."""

    nodes: list[Node]
    boxes: dict[Node, Box]
    """Of the terms."""
    borders: list[list[int]]
    """Where regions begin and end, along each axis."""

    @property
    def regions(self) -> list[Box]:
        return list(product(*(pairwise(b) for b in self.borders)))

    def covered(self, box: Box) -> Iterator[int]:
        """Yield the numbers of the regions that a box consists of."""
        found = [0]
        for (start, stop), cuts in zip(box, self.borders, strict=True):
            along = range(bisect_left(cuts, start), bisect_left(cuts, stop))
            found = [number * (len(cuts) - 1) + i for number in found for i in along]
        yield from found

    def is_worth_it(self) -> bool:
        """Return whether the regions are few enough, beside the terms."""
        terms, regions = len(self.boxes), prod(len(cuts) - 1 for cuts in self.borders)
        if terms < 2 or regions > max(_MOST, 2 * terms + 1):
            return False
        others = len(self.nodes) - terms - (terms - 1)  # each sum has two terms
        places = sum(len(list(self.covered(box))) for box in self.boxes.values())
        return others * regions + places <= _MOST * (terms + others)


def padded_sums(graph: Graph) -> list[PaddedSum]:
    """Return the sums of a graph that have several terms which are zero but for a box."""
    readers = Counter(w for node in graph.nodes for w in node.inputs)
    readers.update(graph.outputs)
    order = {node: i for i, node in enumerate(graph.nodes)}
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
        nodes = sorted(inner, key=order.__getitem__)
        own = {n: boxes[n] for n in nodes if n in boxes}
        whole = PaddedSum(nodes, own, _borders(node.out.spec.shape, list(own.values())))
        if whole.is_worth_it():
            found.append(whole)
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


def _borders(shape: tuple[int, ...], boxes: list[Box]) -> list[list[int]]:
    """Return where the borders of boxes cut an array, along each axis."""
    return [
        sorted({0, n, *(border for box in boxes for border in box[axis])})
        for axis, n in enumerate(shape)
    ]


def _within(region: Box, box: Box) -> Box:
    """Return where a region lies in a box that it is a part of."""
    pairs = zip(region, box, strict=True)
    return tuple((a - start, b - start) for (a, b), (start, _) in pairs)


def add_by_region(grouping: Grouping, whole: PaddedSum) -> None:
    """Group a sum as an array that is assembled from its regions."""
    *_, last = whole.nodes
    regions = whole.regions
    adding = _Adding(len(regions))
    values: dict[Wire, _Term] = {}
    for node in whole.nodes:
        if node in whole.boxes:
            box = whole.boxes[node]
            view = _with_all_axes(grouping.view(node.inputs[0]), box, node.params["index"])
            places = {i: part(view, _within(regions[i], box)) for i in whole.covered(box)}
            source = node.inputs[0]
            parts = {i: grouping.seen_as(source, place) for i, place in places.items()}
            values[node.out] = _Term(parts)
            continue
        first, second = (
            values.pop(w)
            if w in values
            else _Term({i: grouping.part_of(w, region) for i, region in enumerate(regions)})
            for w in node.inputs
        )
        values[node.out] = adding.sum(node, first, second)
    found = []
    total = values[last.out]
    for i, region in enumerate(regions):
        value = adding.value(total, i, last) if i in total.found else None
        for node in adding.steps[i]:
            grouping.join(node)
        found.append(Piece(part(View.whole(last.out), region), value))
    grouping.assemble(last, found)


class _Found(NamedTuple):
    """What a term is in a region, before what is noted for all of its regions since."""

    wire: Wire
    zeros: int
    is_negative: bool


class _Term:
    """A term of a sum in the regions in which it is not zero.

    Where the other term of a sum is zero, a zero is added to this one, which makes -0 a 0, or it is taken
    from zero. That is noted once for all regions, since there may be as many of them as there are sums.
    """

    def __init__(self, parts: dict[int, Wire]) -> None:
        self.found = {i: _Found(wire, 0, False) for i, wire in parts.items()}
        self.zeros = 0
        """How often a zero was added."""
        self.is_negative = False


class _Adding:
    """The nodes that add up terms, for each region in order."""

    def __init__(self, regions: int) -> None:
        self.steps: list[list[Node]] = [[] for _ in range(regions)]

    def sum(self, node: Node, first: _Term, second: _Term) -> _Term:
        """Return the sum (or the difference) of two terms, one of which becomes it."""
        subtracts = node.primitive is primitives.subtract
        turned = len(first.found) < len(second.found)
        most, least = (second, first) if turned else (first, second)
        both = {i: self._joint(node, first, second, i) for i in least.found if i in most.found}
        alone = {i: f for i, f in least.found.items() if i not in most.found}
        if not subtracts or turned:
            most.zeros += 1
        most.is_negative ^= subtracts and turned
        for i, wire in both.items():
            most.found[i] = _Found(wire, most.zeros, most.is_negative)
        for i, (wire, zeros, negative) in alone.items():
            has_zeros = least.zeros > zeros or not subtracts or not turned
            turns = negative ^ least.is_negative ^ (subtracts and not turned)
            most.found[i] = _Found(wire, most.zeros - has_zeros, most.is_negative ^ turns)
        return most

    def value(self, term: _Term, i: int, node: Node) -> Wire:
        """Return what a term is in a region."""
        wire, zeros, is_negative = term.found[i]
        if is_negative != term.is_negative:
            return self._step(node, primitives.subtract, i, _zero(wire), wire)
        return (
            self._step(node, primitives.add, i, wire, _zero(wire)) if zeros < term.zeros else wire
        )

    def _joint(self, node: Node, first: _Term, second: _Term, i: int) -> Wire:
        terms = self.value(first, i, node), self.value(second, i, node)
        return self._step(node, node.primitive, i, *terms)

    def _step(self, node: Node, primitive: Primitive, i: int, *terms: Wire) -> Wire:
        shape = next(w.spec.shape for w in terms if not w.is_constant or w.spec.shape)
        out = Wire(f"{node.out.name}_part", ArraySpec(shape, node.out.spec.dtype))
        self.steps[i].append(replace(node, primitive=primitive, inputs=terms, outputs=(out,)))
        return out


def _zero(wire: Wire) -> Wire:
    dtype = wire.spec.dtype
    return Wire("", ArraySpec((), dtype), dtype.type(0))


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
