"""Arrays put together from parts: concatenate, stack, and assignment to slices.

The parts are boxes that together cover the whole, each once, so they can be written in any order and by
whoever makes their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..engine.primitive import primitives
from ..graph.graph import Node, Wire
from .views import View

Box = tuple[tuple[int, int], ...]
"""For each axis: the first position, and the one after the last."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an array: where it lies, and the wire (or zero) whose numbers, stretched, go there.

    With a `box`, the numbers are those of that part of the wire.
    """

    place: View
    source: Wire | None
    box: Box | None = None


def pieces(node: Node) -> list[Piece] | None:
    """Return the parts of a node's result; None if it is not put together from boxes."""
    name = node.primitive.name
    if name == "concatenate":
        return list(_concatenated(node))
    if name == "stack":
        return list(_stacked(node))
    if name == "scatter" and len(node.inputs) == 1:
        return _written(node, node.inputs[0], None)
    if name == "assign" and len(node.inputs) == 2:
        return _written(node, node.inputs[1], node.inputs[0])
    return None


def _concatenated(node: Node) -> Iterator[Piece]:
    axis, start = node.params["axis"], 0
    for wire in node.inputs:
        box = [(0, n) for n in wire.spec.shape]
        box[axis] = (start, start + wire.spec.shape[axis])
        start = box[axis][1]
        yield Piece(part(View.whole(node.out), tuple(box)), wire)


def _stacked(node: Node) -> Iterator[Piece]:
    axis = node.params["axis"]
    for number, wire in enumerate(node.inputs):
        box = [(0, n) for n in node.out.spec.shape]
        box[axis] = (number, number + 1)
        place = part(View.whole(node.out), tuple(box))
        shape = (*place.shape[:axis], *place.shape[axis + 1 :])
        strides = (*place.strides[:axis], *place.strides[axis + 1 :])
        yield Piece(View(place.root, shape, strides, place.offset), wire)


def _written(node: Node, value: Wire, rest: Wire | None) -> list[Piece] | None:
    """Return `value` where the index points to, the numbers of `rest` (or zeros) around it."""
    shape, index = node.out.spec.shape, node.params["index"]
    inside = box_of(shape, index)
    if inside is None:
        return None
    whole = View.whole(node.out)
    cut = Node(primitives.slice, (node.out,), (), {"index": index})
    place = whole.through(cut)
    assert place is not None
    found = [Piece(place, value)]
    for box in _around(shape, inside):
        found.append(Piece(part(whole, box), rest, box))
    return found


def box_of(shape: tuple[int, ...], index: tuple[Any, ...]) -> Box | None:
    """Return what an index of slices and numbers covers; None if it leaves gaps."""
    wanted = sum(item is not None and item is not Ellipsis for item in index)
    items: list[Any] = []
    for item in index:
        if item is Ellipsis:
            items += [slice(None)] * (len(shape) - wanted)
        elif item is not None:
            items.append(item)
    items += [slice(None)] * (len(shape) - len(items))
    box = []
    for item, n in zip(items, shape, strict=True):
        steps = range(n)[item] if isinstance(item, slice) else range(n)[item : item + 1 or None]
        if abs(steps.step) != 1 and len(steps) > 1:
            return None
        if not len(steps):
            return None
        box.append((min(steps), max(steps) + 1))
    return tuple(box)


def _around(shape: tuple[int, ...], inside: Box) -> Iterator[Box]:
    """Yield boxes that together cover all of an array of this shape but the box `inside`, each entry once."""
    for axis, (start, stop) in enumerate(inside):
        before, after = inside[:axis], tuple((0, n) for n in shape[axis + 1 :])
        if start:
            yield (*before, (0, start), *after)
        if stop < shape[axis]:
            yield (*before, (stop, shape[axis]), *after)


def part(view: View, box: Box) -> View:
    """Return the part of a view that a box covers."""
    offset = sum(start * s for (start, _), s in zip(box, view.strides, strict=True))
    shape = tuple(stop - start for start, stop in box)
    strides = tuple(s if n != 1 else 0 for n, s in zip(shape, view.strides, strict=True))
    return View(view.root, shape, strides, view.offset + offset)
