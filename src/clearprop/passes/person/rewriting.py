"""Applying rules to a backward pass until none fits any more.

A rule looks at one node of the backward pass and answers as those of `algebra` do; it may also ask how
many read a wire, since what one reader alone needs can be written in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.primitive import Primitive, primitives
from ...graph.graph import Graph, Node, Wire
from ..algebra import (
    RULES,
    Found,
    Made,
    add_zero,
    divide_by_one,
    fold_constants,
    keep_shape,
    multiply_by_one,
    multiply_by_reciprocal,
    node_key,
    power_of_one,
    sign_outward,
    sum_of_negative,
)
from .matching import Matcher
from .recognise import without_unread

Note = Callable[[str, Node, Found, Made], None]
"""Told about each rule that was applied: its name, the node, what stands in its place, and the makers."""


class RewriteContext(Matcher):
    """What a rule may know: who made a wire, how many read it, and whether it is of the forward pass."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        users = graph.users()
        self.readers = {wire: len(found) for wire, found in users.items()}
        for wire in graph.outputs:
            self.readers[wire] = self.readers.get(wire, 0) + 1
        self.inner_sums = {
            wire
            for wire, found in users.items()
            if len(found) == 1 and found[0][0].primitive is primitives.add
        }
        """What one other sum alone adds up."""
        self.forward = set(graph.inputs)
        for node in graph.nodes:
            if not node.is_backward:
                self.forward.update(node.outputs)
        self.forward_readers: dict[Wire, list[Node]] = {}
        """The nodes of the forward pass that read a wire, among those seen."""

    def add(self, node: Node) -> None:
        """See one more node."""
        self.made.update((wire, node) for wire in node.outputs)
        if self.forward.issuperset(node.outputs):
            for wire in dict.fromkeys(node.inputs):
                self.forward_readers.setdefault(wire, []).append(node)

    def only(self, wire: Wire, *names: str) -> Node | None:
        """Return the backward node that made `wire` with one of these primitives, if one reader alone
        needs it.
        """
        node = self.by(wire, *names)
        if node is None or not node.is_backward or self.readers.get(wire, 1) > 1:
            return None
        return node


PersonRule = Callable[[Node, RewriteContext], Found]


_LEFT_OUT = (fold_constants, sign_outward, sum_of_negative, multiply_by_reciprocal)
"""`collect` decides where signs stand, what is divided by what, and how numbers are written."""


_EVERYWHERE = (add_zero, multiply_by_one, divide_by_one, power_of_one, keep_shape)
"""Rules for the forward pass, too, which otherwise stays as its author wrote it."""


class Rewriter:
    """One walk over a graph, from inputs to outputs, so that each rule sees operands already simple."""

    def __init__(
        self, graph: Graph, rules: Sequence[PersonRule], note: Note, gradient_of: dict[Wire, Wire]
    ) -> None:
        self.graph = graph
        self.context = RewriteContext(graph)
        self.rules = rules
        self.note = note
        self.gradient_of = gradient_of
        self.nodes: list[Node] = []
        self.stand_in: dict[Wire, Wire] = {}
        self.known: dict[Any, tuple[Wire, ...]] = {}
        self.changed = False

    def run(self) -> Graph:
        for node in self.graph.nodes:
            self.add(node)
        outputs = tuple(self.stand_in.get(w, w) for w in self.graph.outputs)
        return without_unread(replace(self.graph, nodes=tuple(self.nodes), outputs=outputs))

    def add(self, node: Node) -> None:
        """Add what a node comes to: parts of what stands in its place may be rewritten, too."""
        waiting = [node]
        while waiting:
            waiting += reversed(self._add(waiting.pop()))

    def _add(self, node: Node) -> tuple[Node, ...]:
        """Add a node, or say what is to be added in its place."""
        inputs = tuple(self.stand_in.get(w, w) for w in node.inputs)
        node = replace(node, inputs=inputs)
        found, name = self._find(node) if len(node.outputs) == 1 else (None, "")
        if found is not None:
            self.changed = True
            self.note(name, node, found, self.context.made)
            if isinstance(found, Wire):
                self._replace(node.out, found)
                return ()
            return found if isinstance(found, tuple) else (found,)
        key = node_key(node)
        if key in self.known:
            for wire, twin in zip(node.outputs, self.known[key], strict=True):
                self._replace(wire, twin)
            return ()
        self.known[key] = node.outputs
        self.nodes.append(node)
        self.context.add(node)
        return ()

    def _find(self, node: Node) -> tuple[Found, str]:
        for base in RULES:
            if base in _LEFT_OUT or not (node.is_backward or base in _EVERYWHERE):
                continue
            if (found := base(node, self.context.made)) is not None:
                return found, base.__name__
        for rule in self.rules if node.is_backward else ():
            if (found := rule(node, self.context)) is not None:
                return found, rule.__name__
        return None, ""

    def _replace(self, wire: Wire, other: Wire) -> None:
        """Let `other` stand for `wire`, and take over whose gradient that was."""
        self.stand_in[wire] = other
        if wire.is_named and not other.is_named and not other.is_constant:
            other.name, other.is_named = wire.name, True
        readers = self.context.readers
        readers[other] = readers.get(other, 1) + readers.get(wire, 1) - 1
        if wire in self.gradient_of and other not in self.context.forward and not other.is_constant:
            self.gradient_of.setdefault(other, self.gradient_of[wire])


def made_anew(node: Node, primitive: Primitive, *inputs: Wire, **params: Any) -> Node:
    """Return `node` with another operation, keeping its output."""
    return replace(node, primitive=primitive, inputs=inputs, params=params, body=None)


def part_of(node: Node, primitive: Primitive, *inputs: Wire, **params: Any) -> Node:
    """Return a new node for the same line, with an output of its own."""
    out = Wire("", primitive.spec(*_specs(primitive, inputs), **params))
    return replace(
        node, primitive=primitive, inputs=inputs, outputs=(out,), params=params, body=None
    )


def _specs(primitive: Primitive, inputs: Sequence[Wire]) -> list[Any]:
    """Return what a primitive is asked about: Python's numbers, which are weak, where it works entry
    by entry.
    """
    return [
        w.constant
        if w.is_constant and ("elementwise" in primitive.traits or np.ndim(w.constant))
        else w.spec
        for w in inputs
    ]


def fits(node: Node, other: Node) -> bool:
    """Return whether `other`, which keeps the output of `node`, gives what `node` gives."""
    specs = _specs(other.primitive, other.inputs)
    try:
        return bool(other.primitive.spec(*specs, **other.params) == node.out.spec)
    except ValueError:
        return False
