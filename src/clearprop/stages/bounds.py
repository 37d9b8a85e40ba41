"""Checks that index arrays are in range, before anything is written: there NumPy raises an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..graph.graph import Graph, Node, Wire
from ..graph.tracing import trace
from .indexed_access import lookup


def with_bounds(graph: Graph) -> tuple[Graph, list[Wire], bool]:
    """Return the graph with the question for each index array and axis, as early as can be; and the answers.

    An answer is true where an index is out of range: whoever runs the graph stops there. The last result
    is whether this is known already, of constants.
    """
    maker = {wire: node for node in graph.nodes for wire in node.outputs}
    asked: dict[tuple[Wire, int], None] = {}
    for node in graph.nodes:
        for wire, count in _indexed(node):
            asked[_source(wire, maker), count] = None
    questions: dict[Wire, list[Graph]] = {}
    is_refused = False
    for wire, count in asked:
        question = _question(wire, count) if wire.spec.size else None
        if question is None:
            continue
        if wire.is_constant:
            is_refused |= bool(question.evaluate(np.asarray(wire.constant)))
        else:
            questions.setdefault(wire, []).append(question)
    nodes: list[Node] = []
    flags: list[Wire] = []

    def ask(wires: tuple[Wire, ...]) -> None:
        for wire in wires:
            for question in questions.get(wire, ()):
                (own,) = question.inputs
                nodes.extend(
                    replace(node, inputs=tuple(wire if w is own else w for w in node.inputs))
                    for node in question.nodes
                )
                flags.extend(question.outputs)

    ask(graph.inputs)
    for node in graph.nodes:
        nodes.append(node)
        ask(node.outputs)
    return replace(graph, nodes=tuple(nodes)), flags, is_refused


def _indexed(node: Node) -> Iterator[tuple[Wire, int]]:
    """Yield the index arrays of a node, each with the size of the axis that it goes through, in entries."""
    if not node.primitive.is_registered:
        return
    if node.primitive.name == "one_hot":
        yield node.inputs[0], node.params["classes"]
    if node.primitive.name in ("gather", "scatter") and len(node.inputs) > 1:
        found = lookup(node)
        yield from (
            ()
            if found is None
            else ((node.inputs[1 + number], found.shape[axis]) for axis, number in found.numbers)
        )


def _source(wire: Wire, maker: dict[Wire, Node]) -> Wire:
    """Return the wire that a wire shows all entries of, perhaps several times."""
    while (node := maker.get(wire)) is not None and "view" in node.primitive.traits:
        if node.inputs[0].spec.size > wire.spec.size:
            break
        wire = node.inputs[0]
    return wire


def _question(wire: Wire, count: int) -> Graph | None:
    """Return a graph that says whether any index is out of range for an axis of this size; None where
    its dtype has no such number.
    """
    limits = np.iinfo(wire.spec.dtype)
    low, high = limits.min < -count, limits.max >= count
    if not low and not high:
        return None

    def out_of_range(index: Any) -> Any:
        found: Any = index >= count if high else index < -count
        if low and high:
            found = found | (index < -count)
        return found.any() if index.size > 1 else found

    return trace(out_of_range, wire.spec)
