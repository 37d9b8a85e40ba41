"""Facts about nodes and texts that statements are written with."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import Custom, Primitive, primitives
from ..graph.graph import Graph, Node, Wire
from ..ops.indexing import Slot
from ..passes.matching import number
from ..passes.person.index_spelling import constant_places, place
from ..passes.person.rules.gather_scatter import picks_one_in_each_row


def shape_comment(wire: Wire) -> str:
    shape = wire.spec.shape
    return str(shape) if shape else ""


def may_repeat(node: Node) -> bool:
    """Return whether an index may name a place more than once."""
    if node.primitive is not primitives.scatter or picks_one_in_each_row(node):
        return False
    slots = [p for p in node.params["index"] if isinstance(p, Slot)]
    if found := constant_places(node):
        places = np.stack(np.broadcast_arrays(*found), -1).reshape(-1, len(found))
        return len(np.unique(places, axis=0)) < len(places)
    return any(node.inputs[1 + p.number].spec.dtype.kind in "iu" for p in slots)


def is_one_term(text: str) -> bool:
    """Return whether an expression adds nothing up outside its brackets."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if not depth and text[i : i + 3] in (" + ", " - "):
            return False
    return True


def place_of(node: Node) -> list[tuple[int, int]]:
    """Return where a part begins, to sort by."""
    places = []
    for part in place(node):
        if isinstance(part, int):
            places.append((part, 0))
        elif isinstance(part, range):
            places.append((part.start, part.stop))
        else:
            places.append((0, 0))
    return places


def disjoint(nodes: list[Node]) -> bool:
    """Return whether parts are given by whole numbers alone, and none is another one or lies in it."""
    if not all(isinstance(part, int) for node in nodes for part in node.params["index"]):
        return False
    places = sorted(tuple(i for i in place(node) if isinstance(i, int)) for node in nodes)
    # What lies in a part comes right after it.
    return all(inner[: len(outer)] != outer for outer, inner in pairwise(places))


def stretched_values(graph: Graph) -> dict[Wire, tuple[int, ...]]:
    """Return forward values that an operation stretched, and along which axes of the result."""
    found: dict[Wire, tuple[int, ...]] = {}
    for node in graph.nodes:
        if node.is_backward or "elementwise" not in node.primitive.traits or len(node.outputs) != 1:
            continue
        shape = node.out.spec.shape
        for wire in node.inputs:
            if wire.is_constant or wire.spec.shape == shape:
                continue
            own = (1,) * (len(shape) - wire.spec.ndim) + wire.spec.shape
            axes = tuple(i for i, (a, b) in enumerate(zip(own, shape, strict=True)) if a != b)
            if axes:
                found.setdefault(wire, axes)
    return found


def shape_together(wires: Iterable[Wire]) -> tuple[int, ...]:
    """Return the shape of a sum; of constants that are alike everywhere the number is written."""
    return broadcast_shapes(*(() if number(w) is not None else w.spec.shape for w in wires))


def gives_axes(node: Node) -> bool:
    """Return whether a node gives a number axes, which it does not need beside arrays that have them."""
    return (
        "keeps" in node.primitive.traits
        and node.primitive is not primitives.broadcast_to
        and not node.inputs[0].spec.shape
        and bool(node.out.spec.shape)
    )


def may_share(primitive: Primitive) -> bool:
    """Return whether a result may be the memory of what it is made of."""
    return "view" in primitive.traits or primitive is primitives.astype


def is_short_view(primitive: Primitive) -> bool:
    """Return whether it is a view that takes few letters: an index, a transpose, another shape."""
    short = "keeps" in primitive.traits or isinstance(primitive.notation, Custom)
    return short and "view" in primitive.traits
