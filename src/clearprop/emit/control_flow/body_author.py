"""Writes what a loop does in each step, or a branch, as statements within those of what surrounds it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from ...engine.primitive import primitives
from ...graph.graph import Graph, Node, Wire
from ...passes.backward import Joint
from ...passes.matching import number
from ..array_expressions import ATOM
from ..languages import Written
from ..naming.names import Names
from ..node_facts import is_short_view
from ..program import Statement, written
from ..statements import Author

_SIGNS = {primitives.add: "+=", primitives.subtract: "-="}


class BodyAuthor(Author):
    """Writes the nodes of a body; what it reads from outside goes by the names that it has there."""

    def __init__(self, outer: Author, body: Graph, closed: Mapping[Wire, Wire]) -> None:
        nodes = tuple(
            node.on(tuple(closed.get(w, w) for w in node.inputs), node.outputs)
            for node in body.nodes
        )
        outputs = tuple(closed.get(w, w) for w in body.outputs)
        of = {w: Wire(w.gradient_of, w.spec) for w in body.wires() if w.gradient_of}
        graph = replace(body, nodes=nodes, outputs=outputs)
        made = {wire: node for node in nodes for wire in node.outputs}
        names = Names(made, of, outer.names.pattern, (), outer.names.spelling, outputs)
        names.taken = outer.names.taken  # `reads` hands back those of the body alone
        super().__init__(
            Joint(graph, outer.joint.seeds, outputs, (), of), outer.language, names, ()
        )
        self.outer = outer
        self.place_of = {node: i for i, node in enumerate(nodes)}
        self.now = -1
        """The place of the node that is being written."""
        self.variables: dict[str, Wire] = {}
        """What each variable that goes from step to step holds."""
        self.heirs: dict[Wire, str] = {}
        """Values that may take over a variable once nothing reads what it holds."""
        self.kept: set[Wire] = set()
        """Values that somebody needs when the step is done."""
        self.sums: set[Wire] = set()
        """Carried values that start as zeros of their own, which may be added to in place."""
        self.stores: dict[Wire, list[tuple[str, str]]] = {}
        """How values that are collected are stored: lines with ``{}`` for the value, and what they change."""
        self.stays: dict[Wire, str] = {}
        """Those that are read where they are stored, rather than under a name of their own."""
        for seed in outer.joint.seeds:
            if seed in outer.names.given:
                names.given[seed] = outer.names.given[seed]
        for wire in closed.values():
            if not wire.is_constant:
                self._take_over(wire)

    def _take_over(self, wire: Wire) -> None:
        """Let a value from outside be read: by its name, so that no expression is computed in each step."""
        outer = self.outer
        if wire in outer.rows:
            self.rows[wire] = outer.rows[wire]
        if wire in outer.places:
            self.places[wire] = outer.places[wire]
            return
        if wire in outer.pending:
            found = outer.pending[wire]
            if is_short_view(found.node.primitive):
                self.pending[wire] = found
                self.names.made[wire] = found.node
                return
            outer.materialise(wire)
        self.names.given[wire] = outer.names.of(wire)

    def constant(self, wire: Wire, reader: Node | None) -> tuple[Written, set[str]]:
        is_array = np.ndim(wire.constant) and number(wire) is None
        return self.outer.constant(wire, None) if is_array else super().constant(wire, reader)

    def carry(self, name: str, before: Wire, after: Wire) -> None:
        """Let a variable hold a carried value, and what it becomes where that can be."""
        self.names.given[before] = name
        self.variables[name] = before
        self.heirs.setdefault(after, name)
        if before.gradient_of:
            for wire in self.joint.gradient_of:
                if wire.gradient_of == before.gradient_of and wire.spec == before.spec:
                    self.heirs.setdefault(wire, name)

    def write_all(self) -> None:
        """Write all nodes, and store what is collected."""
        for wire in list(self.stores):
            if wire not in self.names.made:  # it is there from the start
                self._store(wire)
        for node in self.graph.nodes:
            self.now = self.place_of[node]
            self.node(node)
            for wire in node.outputs:
                self._store(wire)
        self.now = len(self.graph.nodes)

    def node(self, node: Node) -> None:
        if len(node.outputs) == 1 and self._is_simple(node):
            name = self.heirs.get(node.out, "")
            if name and self.is_named(node.out) and node.out not in self.stays:
                old = self.variables[name]
                if self._is_over(old):
                    if self._adds_in_place(node, old, name):
                        return
                    self.names.given[node.out] = name
        super().node(node)

    def is_named(self, wire: Wire) -> bool:
        readers = self.readers.get(wire, [])
        if (
            len(readers) == 1
            and wire not in self.results
            and not self.sums.isdisjoint(readers[0].inputs)
        ):
            return wire.is_named and not self.names.made[wire].is_backward  # total += it
        return super().is_named(wire)

    def _is_simple(self, node: Node) -> bool:
        """Return whether it takes one line to make a value."""
        parts = (primitives.scatter, primitives.assign)
        sums = (primitives.add, primitives.subtract)
        return (
            node.primitive not in parts
            and not (node.primitive in sums and self.adds_parts(node))
            and not self.language.lines_of(node)
            and node.primitive.name not in self.language.control
        )

    def _is_over(self, wire: Wire) -> bool:
        """Return whether nothing but the node that is being written reads a value."""
        return wire not in self.kept and not self._is_read_later(wire)

    def _is_read_later(self, wire: Wire) -> bool:
        return any(self.place_of[n] > self.now for n in self.readers.get(wire, ()))

    def _adds_in_place(self, node: Node, old: Wire, name: str) -> bool:
        """Write ``total += x`` where a sum is its own array."""
        sign = _SIGNS.get(node.primitive)
        if (
            sign is None
            or old not in self.sums
            or node.out.spec != old.spec
            or len(self.readers[old]) != 1
            or old not in (node.inputs if sign == "+=" else node.inputs[:1])
        ):
            return False
        x = node.inputs[1] if node.inputs[0] is old else node.inputs[0]
        text, reads = self.operand(x, node)
        self._settle(name)
        self.names.given[node.out] = name
        self.variables[name] = node.out
        self.state([f"{name} {sign} {text[0]}"], (name,), {*reads, name}, node)
        return True

    def assign(self, node: Node, written: Written, reads: set[str]) -> None:
        wire = node.out
        stores = self.stores.get(wire, [])
        alone = len(stores) == 1 and not self.readers.get(wire) and wire not in self.kept
        if wire in self.stays or alone:
            line, array = stores.pop(0)
            self.state([line.format(written[0])], (array,), {*reads, array}, node)
            if wire in self.stays:
                self.places[wire] = (self.stays[wire], ATOM), {array}
            return
        name = self.names.given.get(wire, "")
        if name in self.variables:
            self._settle(name)
            self.variables[name] = wire
        super().assign(node, written, reads)

    def _settle(self, name: str) -> None:
        """Give names to expressions that read a variable and are needed after it is bound again."""
        for wire, found in list(self.pending.items()):
            if name in found.reads and (self._is_read_later(wire) or wire in self.graph.outputs):
                self.materialise(wire)

    def _store(self, wire: Wire) -> None:
        for line, array in self.stores.pop(wire, ()):
            text, reads = self.operand(wire)
            self.statements.append(Statement([line.format(text[0])], (array,), {*reads, array}))

    # ---- when all is written

    def lines(self, *, headed: bool = False, under: Collection[str] = ()) -> list[str]:
        """Return the lines of the body, `under` a comment that names the lines it answers."""
        statements = [
            replace(s, answers=()) if set(s.answers).issubset(under) else s for s in self.statements
        ]
        return written(statements, headed=headed) or ["pass"]

    def reads(self, known: Collection[str]) -> set[str]:
        """Return the names from outside that the body reads; others may use its own, which are not among
        those `known` before it was written.
        """
        own = {name for name in self.names.given.values() if name not in known}
        self.names.taken -= own
        return {name for s in self.statements for name in s.reads} - own
