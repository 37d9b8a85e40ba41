"""The engine that applies rules to graphs.

`Rewriter` goes from inputs to outputs until no rule fits: each rule sees operands that are already simple,
equal nodes are merged, and nodes that nobody reads any more are dropped. `read_as` applies rules to
a graph as it is: each sees its operands as they were written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.arrays import is_array
from ..graph.graph import Graph, Node, Wire, graphs_in
from .matching import Context
from .rule import Found, RuleBook

Note = Callable[[str, Node, Found, dict[Wire, Node]], None]
"""Told about each rule that was applied: its name, the node, what stands in its place, and the makers."""


def unnoted(name: str, node: Node, found: Found, made: dict[Wire, Node]) -> None:
    """Take no note of a rule."""


class Rewriter:
    """One walk over a graph, from inputs to outputs."""

    def __init__(self, graph: Graph, rules: RuleBook, note: Note = unnoted) -> None:
        self.graph = graph
        self.context = Context(graph)
        self.rules = rules
        self.note = note
        self.nodes: list[Node] = []
        self.stand_in: dict[Wire, Wire] = {}
        self.known: dict[Any, tuple[Wire, ...]] = {}
        self.changed = False

    def run(self) -> Graph:
        """Return the graph rewritten; `changed` and `stand_in` say what was done."""
        for node in self.graph.nodes:
            self.add(node)
        outputs = tuple(self.stand_in.get(w, w) for w in self.graph.outputs)
        return replace(self.graph, nodes=tuple(self.nodes), outputs=outputs).without_unread()

    def add(self, node: Node) -> None:
        """Add what a node comes to: parts of what stands in its place may be rewritten, too."""
        waiting = [node]
        while waiting:
            waiting += reversed(self._add(waiting.pop()))

    def _add(self, node: Node) -> tuple[Node, ...]:
        """Add a node, or say what is to be added in its place."""
        if any(w in self.stand_in for w in node.inputs):
            inputs = tuple(self.stand_in.get(w, w) for w in node.inputs)
            node = node.on(inputs, node.outputs)
        found, name = self.find(node)
        if found is not None:
            self.changed = True
            self.note(name, node, found, self.context.made)
            if isinstance(found, Wire):
                self.replace(node.out, found)
                return ()
            return found if isinstance(found, tuple) else (found,)
        key = node_key(node)
        if key in self.known:
            for wire, twin in zip(node.outputs, self.known[key], strict=True):
                self.replace(wire, twin)
            return ()
        self.known[key] = node.outputs
        self.nodes.append(node)
        self.context.add(node)
        return ()

    def find(self, node: Node) -> tuple[Found, str]:
        """Return what a rule says of a node, and the rule's name."""
        return self.rules.first_fit(node, self.context)

    def replace(self, wire: Wire, other: Wire) -> None:
        """Let `other` stand for `wire`."""
        self.stand_in[wire] = other
        readers = self.context.readers
        readers[other] = readers.get(other, 1) + readers.get(wire, 1) - 1


def read_as(graph: Graph, rules: RuleBook, note: Note) -> Graph:
    """Return the graph with each node as the first rule that fits says; others see it as it was."""
    context = Context(graph)
    nodes: list[Node] = []
    for node in graph.nodes:
        context.add(node)
        found, name = rules.first_fit(node, context)
        if found is None:
            nodes.append(node)
            continue
        assert not isinstance(found, Wire)  # each value stays on its wire
        note(name, node, found, context.made)
        nodes += found if isinstance(found, tuple) else (found,)
    return replace(graph, nodes=tuple(nodes)).without_unread()


def node_key(node: Node) -> Any:
    """Return a key that is equal for nodes that compute the same; scalar constants count by value and
    sign of zero.

    Calls of one block may differ in what its numbers were fixed to, so its parts count, too.
    """
    operands = tuple(
        (type(w.constant).__name__, str(w.spec), np.asarray(w.constant).tobytes())
        if w.is_constant and np.ndim(w.constant) == 0
        else w
        for w in node.inputs
    )
    params = tuple(
        (name, tuple(map(id, graphs_in(value))) or (id(value) if is_array(value) else repr(value)))
        for name, value in sorted(node.params.items())
    )
    return (node.primitive, operands, params, id(node.body))
