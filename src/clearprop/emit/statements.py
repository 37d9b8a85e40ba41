"""Graph -> statements: what gets a name, what stands within the expression that needs it, and why.

Values with several readers, the user's own variables, gradients of those and results get names; everything
else is written where it is read, as long as the line stays readable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import primitives
from ..graph.graph import Graph, Node, Wire
from ..passes.backward import Joint
from ..passes.matching import number
from .array_expressions import ATOM
from .comments import Comments
from .forward_lines import Answers
from .languages import Language, Written, filled_in, wrap
from .naming.names import Names
from .node_facts import (
    disjoint,
    gives_axes,
    is_short_view,
    may_share,
    place_of,
    shape_comment,
    shape_together,
)
from .number_literals import number_in
from .program import Pending, Program, Statement
from .scatter import part_lines

LONGEST = 96


class Author:
    """Writes the nodes of a joint graph one after the other."""

    def __init__(
        self, joint: Joint, language: Language, names: Names, wanted: Sequence[Wire]
    ) -> None:
        self.joint = joint
        self.wanted = wanted
        """The inputs whose gradients the joint graph gives, in order."""
        self.graph: Graph = joint.graph
        self.language = language
        self.names = names
        self.readers: dict[Wire, list[Node]] = {}
        for node in self.graph.nodes:
            for wire in node.inputs:
                self.readers.setdefault(wire, []).append(node)
        self.results = set(self.graph.outputs)
        self.pending: dict[Wire, Pending] = {}
        self.places: dict[Wire, tuple[Written, set[str]]] = {}
        """Values that stand in an entry of an array: its text, and the names that it reads."""
        self.rows: dict[Wire, tuple[Callable[[str], str], set[str]]] = {}
        """How the entries of arrays are written, given the text of their number, and the names read."""
        self.statements: list[Statement] = []
        self.constants: dict[Wire, str] = {}
        self.answers = Answers(joint)
        self.comments = Comments(joint, names)

    def write(self) -> Program:
        for node in self.graph.nodes:
            self.node(node)
        outputs = [self.result(w, "") for w in self.joint.outputs]
        gradients: list[str] = []
        for wire, of in zip(self.joint.gradients, self.wanted, strict=True):
            gradients.append(self.result(wire, self.names.gradient(of), taken=gradients, of=of))
        reads = {*outputs, *gradients}
        return Program(self.statements, outputs, gradients, self.names, reads)

    # ---- operands

    def operand(self, wire: Wire, reader: Node | None = None) -> tuple[Written, set[str]]:
        if wire.is_constant:
            return self.constant(wire, reader)
        if wire in self.places:
            return self.places[wire]
        if wire in self.pending:
            found = self.pending[wire]
            return found.written, found.reads
        name = self.names.of(wire)
        return (name, ATOM), {name}

    def constant(self, wire: Wire, reader: Node | None) -> tuple[Written, set[str]]:
        value = np.asarray(wire.constant)
        uniform = number(wire)
        if uniform is not None and (
            value.ndim == 0 or (reader is not None and self._alone(wire, reader))
        ):
            return number_in(self.language, wire, uniform, reader), set()
        if value.ndim == 0:
            return self.language.number(np.asarray(wire.constant)), set()
        if uniform is not None:
            return self.language.filled(
                value.shape, self.language.number(np.asarray(uniform)), wire
            ), set()
        if wire in self.constants:
            return (self.constants[wire], ATOM), {self.constants[wire]}
        written = self.language.constant(value)
        if len(written[0]) <= 30 and not (wire.is_named and len(self.readers.get(wire, ())) > 1):
            return written, set()
        name = self.constants[wire] = self.names.of(wire)
        comment = shape_comment(wire)
        self.statements.insert(
            len(self.constants) - 1, Statement([f"{name} = {written[0]}"], (name,), comment=comment)
        )
        return (name, ATOM), {name}

    def _alone(self, wire: Wire, reader: Node) -> bool:
        """Return whether a number can stand for a constant of equal entries."""
        if reader.primitive is primitives.scatter and wire is reader.inputs[0]:
            return True
        if "elementwise" not in reader.primitive.traits:
            return False
        shapes = [w.spec.shape for w in reader.inputs if w is not wire]
        return bool(shapes) and broadcast_shapes(*shapes) == reader.out.spec.shape

    # ---- nodes

    def node(self, node: Node) -> None:
        if write := self.language.control.get(node.primitive.name):
            write(self, node)
            return
        if node.primitive is primitives.scatter or node.primitive is primitives.assign:
            self.parts(node)
            return
        if node.primitive in (primitives.add, primitives.subtract) and self.adds_parts(node):
            self.added_parts(node)
            return
        if node.primitive is primitives.broadcast_to and self.is_named(node.out):
            self.spread(node)
            return
        if self.language.lines_of(node):
            self.by_lines(node)
            return
        if len(node.outputs) > 1:
            written, reads = self.compose(node, 20)
            named = tuple(self.names.of(w) for w in node.outputs)
            self.state([f"{', '.join(named)} = {written[0]}"], named, reads, node)
            return
        must = self.is_named(node.out)
        room = len(self.names.of(node.out)) + 3 if must else 18
        written, reads = self.compose(node, room)
        if must:
            self.assign(node, written, reads)
        else:
            self.pending[node.out] = Pending(node, written, reads)

    def by_lines(self, node: Node) -> None:
        """Write a value that takes several lines to make."""
        operands, reads = self._values(node)
        name = self.names.of(node.out)
        lines = [
            filled_in(text, self.language, node, operands, name)
            for text in self.language.lines_of(node)
        ]
        self.state(lines, (name,), reads, node)

    def compose(self, node: Node, room: int) -> tuple[Written, set[str]]:
        """Return an operation on its operands; the longest of them get names while the line is too long."""
        while True:
            operands, reads = [], set()
            for wire in node.inputs:
                written, read = self.operand(wire, node)
                operands.append(written)
                reads |= read
            spreads = node.primitive is primitives.broadcast_to
            grows = gives_axes(node)
            if (spreads or grows) and self.readers.get(node.out) and self._broadcasts(node):
                return operands[0], reads
            if spreads or (grows and node.inputs[0].is_constant):
                return self.language.filled(node.out.spec.shape, operands[0], node.inputs[0]), reads
            written = self.language.write(node, self.language.promoted(node, operands))
            if len(written[0]) + room <= LONGEST:
                return written, reads
            long = {w: None for w in node.inputs if w in self.pending and self._length(w) > 12}
            if not long:
                return written, reads
            waiting = sorted(long, key=self._length, reverse=True)
            named = [("x", ATOM) if w in long else operands[i] for i, w in enumerate(node.inputs)]
            shortest = self.language.write(node, self.language.promoted(node, named))
            fits = len(shortest[0]) + room <= LONGEST
            for wire in waiting[:1] if fits else waiting:
                self.materialise(wire)

    def _broadcasts(self, node: Node) -> bool:
        """Return whether all readers would stretch the value by themselves."""
        for reader in self.readers[node.out]:
            others = {w.spec.dtype for w in reader.inputs if w is not node.out}
            if "elementwise" not in reader.primitive.traits:
                return False
            if node.inputs[0].is_constant and others and reader.out.spec.dtype not in others:
                return False  # a number alone would not say its dtype
            shapes = [
                w.spec.shape if w is not node.out else node.inputs[0].spec.shape
                for w in reader.inputs
            ]
            if broadcast_shapes(*shapes) != reader.out.spec.shape:
                return False
        return True

    def _length(self, wire: Wire) -> int:
        return len(self.pending[wire].written[0])

    def materialise(self, wire: Wire) -> None:
        found = self.pending.pop(wire)
        self.assign(found.node, found.written, found.reads)

    def is_named(self, wire: Wire) -> bool:
        node = self.names.made[wire]
        readers = self.readers.get(wire, [])
        if wire in self.results:
            return True
        if not node.is_backward and wire.is_named:
            return True
        if is_short_view(node.primitive) and self._is_plain(node):
            return False  # it costs nothing, so it is written where it is read, however often
        if len(readers) > 1:
            return True
        if node.is_backward and wire in self.joint.gradient_of:
            of = self.joint.gradient_of[wire]
            return of.is_named and self._is_work(node)
        return False

    def _is_plain(self, node: Node) -> bool:
        source = node.inputs[0]
        return source.is_constant or source not in self.pending

    def _is_work(self, node: Node) -> bool:
        """Return whether an expression is too much to stand within another one."""
        return node.primitive.role == "mixes" or node.primitive is primitives.where

    def assign(self, node: Node, written: Written, reads: set[str]) -> None:
        name = self.names.of(node.out)
        text = written[0]
        is_result = node.out in self.results and node.is_backward and node.out.spec.ndim
        if is_result and may_share(node.primitive) and text.isidentifier():
            text = f"{text}.{self.language.copier}()"
        self.state([f"{name} = {text}"], (name,), reads, node)

    def state(self, lines: list[str], names: tuple[str, ...], reads: set[str], node: Node) -> None:
        answers = self.answers.of(node) if node.is_backward else ()
        self.statements.append(
            Statement(
                lines,
                names,
                set(reads),
                self.comments.of(node),
                tuple(map(self.names.spelling.comment, answers)),
                node.is_backward,
            )
        )

    def spread(self, node: Node) -> None:
        """Write a result that is one number, or row, everywhere."""
        written, reads = self.operand(node.inputs[0])
        filled = self.language.filled(node.out.spec.shape, written, node.inputs[0])
        self.assign(node, filled, reads)

    # ---- parts of arrays

    def adds_parts(self, node: Node) -> bool:
        """Return whether an operand is an array that is zero but for a part, and needed nowhere else."""
        second = node.inputs[1]
        either = node.inputs if node.primitive is primitives.add else (second,)
        return any(self._is_loose_part(w) or self._is_sum_of_parts(w) for w in either)

    def _is_loose_part(self, wire: Wire) -> bool:
        return wire in self.pending and self.pending[wire].node.primitive is primitives.scatter

    def _is_sum_of_parts(self, wire: Wire) -> bool:
        return wire in self.pending and not self.pending[wire].written[0]

    def parts(self, node: Node) -> None:
        """Write a scatter or an assignment: a statement of its own, unless it only joins a sum."""
        readers = self.readers.get(node.out, [])
        joins = (
            node.primitive is primitives.scatter
            and len(readers) == 1
            and node.out not in self.results
            and (
                readers[0].primitive is primitives.add
                or (
                    readers[0].primitive is primitives.subtract and readers[0].inputs[1] is node.out
                )
            )
            and readers[0].out.spec.shape == node.out.spec.shape  # else it is stretched
        )
        if joins:
            _, reads = self._values(node)
            self.pending[node.out] = Pending(node, ("", ATOM), reads)
            return
        name = self.names.of(node.out)
        if node.primitive is primitives.assign:
            (x, value, *index), reads = self._values(node)
            lines = part_lines(
                self.language,
                name,
                f"{wrap(x)}.{self.language.copier}()",
                [("=", node, value[0], index)],
            )
        else:
            (value, *index), reads = self._values(node)
            lines = part_lines(
                self.language, name, self.zeros(node), [("=", node, value[0], index)]
            )
            reads |= self.zeros_reads(node)
        self.state(lines, (name,), reads, node)

    def added_parts(self, node: Node) -> None:
        """Write a sum with such parts: the rest first, and then add each part in its place."""
        readers = self.readers.get(node.out, [])
        if (
            len(readers) == 1
            and readers[0].primitive is primitives.add
            and readers[0].out.spec.shape == node.out.spec.shape
            and node.out not in self.results
        ):
            self.pending[node.out] = Pending(node, ("", ATOM), set())
            return
        rest, parts = self._gather(node)
        name = self.names.of(node.out)
        reads: set[str] = set()
        base, atom = "", len(rest) < 2
        for i, (sign, wire) in enumerate(rest):
            written, read = self.operand(wire, node)
            reads |= read
            atom = atom and written[1] >= ATOM and sign == "+"
            text = written[0] if i == 0 or written[1] > 10 else f"({written[0]})"
            base = (
                f"{base} {sign} {text}" if base else (text if sign == "+" else f"-{wrap(written)}")
            )
        if not rest:
            base = self.zeros(node)
            reads |= self.zeros_reads(node)
        elif shape_together(w for _, w in rest) != node.out.spec.shape:
            whole = Wire("", node.out.spec)
            if len(rest) == 1 and rest[0][1].is_constant:
                whole = Wire("", node.out.spec, rest[0][1].constant)
            base = self.language.filled(node.out.spec.shape, (base, ATOM if atom else 0), whole)[0]
            atom = True
        elif len(rest) == 1 and self._is_shared(rest[0][1]):
            base = f"{base}.{self.language.copier}()"
        writes = []
        parts.sort(key=lambda item: place_of(item[1]))
        if not rest and disjoint([part for _, part in parts]):
            parts = [("" if sign == "+" else sign, part) for sign, part in parts]
        for sign, part in parts:
            (value, *index), read = self._values(part)
            reads |= read
            writes.append((f"{sign}=", part, value[0], index))
        lines = part_lines(self.language, name, base, writes, atom=atom)
        self.state(lines, (name,), reads, node)

    def _is_shared(self, wire: Wire) -> bool:
        """Return whether writing into what stands for a value would change another one."""
        if wire not in self.pending:
            return True
        return may_share(self.pending[wire].node.primitive)

    def _gather(self, node: Node) -> tuple[list[tuple[str, Wire]], list[tuple[str, Node]]]:
        """Return what a sum adds up beside parts, and the parts, each with its sign."""
        rest: list[tuple[str, Wire]] = []
        parts: list[tuple[str, Node]] = []
        stack = _signed(node, "+")
        while stack:
            sign, wire = stack.pop()
            if self._is_loose_part(wire):
                parts.append((sign, self.pending[wire].node))
            elif self._is_sum_of_parts(wire):
                stack += _signed(self.pending[wire].node, sign)
            else:
                rest.append((sign, wire))
        return rest, parts

    def _values(self, node: Node) -> tuple[list[Written], set[str]]:
        operands, reads = [], set()
        for wire in node.inputs:
            if wire in self.pending and not self.pending[wire].written[0]:
                self.materialise(wire)
            down = any(
                isinstance(p, slice) and (p.step or 1) < 0 for p in node.params.get("index", ())
            )
            if node.primitive is primitives.scatter and wire is node.inputs[0] and not down:
                maker = self.names.made.get(wire)
                if (
                    maker is not None
                    and maker.primitive is primitives.broadcast_to
                    and wire in self.pending
                ):
                    wire = maker.inputs[0]
            written, read = self.operand(wire, node)
            operands.append(written)
            reads |= read
        return operands, reads

    def zeros_reads(self, node: Node) -> set[str]:
        """Return the names that `zeros` needs."""
        return {self.names.of(seed) for seed in self.joint.seeds[:1] if node.is_backward}

    def zeros(self, node: Node) -> str:
        """Write zeros in place of a node's result."""
        wire = node.out
        if self.zeros_reads(node):
            seed = self.joint.seeds[0]
            alike = wire.spec.dtype == seed.spec.dtype
            if text := self.language.zeros_for(self.names.of(seed), alike, wire):
                return text
        for source in self.graph.inputs:
            if source.spec == wire.spec and self.joint.gradient_of.get(wire) is source:
                return self.language.zeros_like(self.names.of(source))
        return self.language.filled(wire.spec.shape, ("0", ATOM), wire)[0]

    # ---- results

    def result(
        self, wire: Wire, name: str, taken: list[str] | None = None, of: Wire | None = None
    ) -> str:
        """Return the name, or literal, of a result."""
        copies = taken is not None and wire.spec.ndim > 0
        if wire.is_constant:
            written, reads = self.constant(wire, None)
            if not wire.spec.ndim:
                return self.language.scalar(written[0], wire.spec.dtype)
            fresh = self.names.give(Wire("", wire.spec), name)
            text = written[0]
            zeros = number(wire) == 0 and of is not None
            if zeros and of is not None and self.language.takes_numbers:
                text = self.language.zeros_like(self.names.of(of))
                reads = set()
            comment = "nothing depends on it" if zeros else shape_comment(wire)
            self.statements.append(
                Statement([f"{fresh} = {text}"], (fresh,), reads, comment, is_backward=True)
            )
            return fresh
        found = self.names.of(wire)
        forward = wire in self.graph.inputs or not self.names.made[wire].is_backward
        if copies and taken is not None and (found in taken or forward):
            fresh = self.names.give(Wire("", wire.spec), name)
            if not self.language.in_place:
                return found
            line = f"{fresh} = {found}.{self.language.copier}()"
            self.statements.append(
                Statement([line], (fresh,), {found}, shape_comment(wire), is_backward=True)
            )
            return fresh
        return found


def _signed(node: Node, sign: str) -> list[tuple[str, Wire]]:
    """Return what a sum or difference adds up, each with its sign, the last one first."""
    x, y = node.inputs
    turned = {"+": "-", "-": "+"}[sign] if node.primitive is primitives.subtract else sign
    return [(turned, y), (sign, x)]
