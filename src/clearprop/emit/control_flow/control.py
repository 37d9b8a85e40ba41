"""What the statements of loops and choices have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...engine.primitive import primitives
from ...engine.spec import ArraySpec
from ...graph.graph import Node, Wire
from ...passes.matching import number
from ..array_expressions import ATOM
from ..node_facts import is_short_view
from ..program import INDENT, Statement
from ..statements import Author
from .body_author import BodyAuthor


@dataclass(frozen=True)
class Carry:
    """A carried value: before and after a step, at the start and, where somebody reads it, at the end."""

    before: Wire
    after: Wire
    start: Wire
    end: Wire | None


def variable_name(author: Author, carry: Carry) -> str:
    """Return what a person calls a carried value."""
    if carry.before.gradient_of:
        return author.names.pattern.format(carry.before.gradient_of)
    wires = [carry.before, carry.after, *([carry.end] if carry.end is not None else ())]
    names = [name for w in wires if w.is_named and (name := w.called or w.name).isidentifier()]
    plain = (name for name in names if not re.search(r"_\d+$", name))
    return next(plain, names[0] if names else "state")


def plural(name: str) -> str:
    """Return the name of an array of such values, be they called x or x_2."""
    name = re.sub(r"_([2-9]|\d\d+)$", "", name)
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"


def plus(text: str, count: int) -> str:
    """Return a sum with a whole number."""
    return f"{text} + {count}" if count else text


class Control:
    """The statement that one loop or choice becomes, and what follows from it."""

    def __init__(self, author: Author, node: Node) -> None:
        self.author = author
        self.node = node
        self.names = author.names
        self.before: list[str] = []
        """Lines above it."""
        self.rebound: dict[str, str] = {}
        """What variables hold at first that stood for something else until then."""
        self.reads: set[str] = set()
        self.made: dict[str, None] = {}
        """The names of what it makes."""
        self.follow: list[Node] = []
        """Results that are parts of what it makes."""
        self.again: list[tuple[Wire, str]] = []
        """Results that have another name than the variable that holds them at the end."""

    def give(self, wire: Wire, name: str) -> str:
        """Give a name to what is made."""
        found = self.names.give(wire, name)
        self.made[found] = None
        return found

    def result(self, wire: Wire) -> str:
        """Return the name of a result."""
        found = self.names.of(wire)
        self.made[found] = None
        return found

    def operand(self, wire: Wire) -> str:
        """Write a value from outside, under a name if it is more than that."""
        author = self.author
        if wire in author.pending and not is_short_view(author.pending[wire].node.primitive):
            author.materialise(wire)
        (text, binds), reads = author.operand(wire)
        self.reads |= reads
        if wire.is_constant and not wire.spec.shape:
            return self.number(wire, text)
        return text if binds >= ATOM else f"({text})"

    def number(self, wire: Wire, text: str) -> str:
        """Write a number as the library computes with it."""
        language, value = self.author.language, np.asarray(wire.constant).item()
        own = language.takes_numbers and wire.spec.dtype.str[1:] in ("f8", "i8", "b1")
        return repr(value) if own and np.isfinite(value) else language.scalar(text, wire.spec.dtype)

    def array(self, wire: Wire) -> str:
        """Write an array from outside of which entries are read."""
        text = self.operand(wire)
        if wire.is_constant and not text.isidentifier():
            name = self.give(Wire("", wire.spec), "constant")
            self.before.append(f"{name} = {text}")
            return name
        return text

    def start(self, wire: Wire) -> str:
        """Write what a carried value is at the start."""
        if is_zero(wire) and wire.spec.shape:
            return self.zeros(wire)
        return self.operand(wire)

    def zeros(self, wire: Wire, *, steps: int | None = None, empty: bool = False) -> str:
        """Write zeros of a value's kind, or memory for one in each of several steps."""
        shape = wire.spec.shape if steps is None else (steps, *wire.spec.shape)
        whole = Wire("", ArraySpec(shape, wire.spec.dtype))
        if empty:
            return self.author.language.empty(whole)
        node = Node(self.node.primitive, (), (whole,), is_backward=self.node.is_backward)
        self.reads |= self.author.zeros_reads(node)
        return self.author.zeros(node)

    def variable(self, inner: BodyAuthor, carry: Carry) -> str:
        """Begin with the variable of a carried value, and return its name."""
        end, wish = carry.end, variable_name(self.author, carry)
        again = end is not None and end in self.names.binds_again  # as in h = scan(step, h, xs)[0]
        if end is not None and (again or end in self.names.given):
            name = self.result(end)
        elif self._is_free(carry.start, wish):
            name = self.result(carry.start)
        else:
            name = self.give(Wire("", carry.before.spec), wish)
        start = self.start(carry.start)
        if start != name and again:
            self.rebound[name] = start
        elif start != name:
            self.before.append(f"{name} = {start}")
        inner.carry(name, carry.before, carry.after)
        inner.kept.add(carry.after)
        if is_zero(carry.start) and carry.before not in inner.graph.outputs:
            inner.sums.add(carry.before)
        if end is not None and end not in self.names.given:
            known = end.is_named or end in self.author.joint.gradients
            if known and self.names.suggestion(end) != name:
                self.again.append((end, name))
            else:
                self.names.given[end] = name
            self._name_sum(end, name)
        return name

    def _is_free(self, wire: Wire, name: str) -> bool:
        """Return whether a value has this name and the loop may take it over: nothing else reads it."""
        author = self.author
        if len(author.readers.get(wire, ())) != 1 or wire in author.results:
            return False
        if wire in author.pending:
            if self.names.suggestion(wire) != name:
                return False
            author.materialise(wire)
        return wire in self.names.made and self.names.given.get(wire) == name

    def _name_sum(self, wire: Wire, name: str) -> None:
        """Let a gradient that has this part, and is called like it, take over its name."""
        readers = self.author.readers.get(wire, [])
        if len(readers) == 1 and readers[0].primitive is primitives.add:
            total = readers[0].out
            of = self.names.gradient_of.get(total)
            if of is not None and total not in self.names.given and self.names.gradient(of) == name:
                self.names.given[total] = name

    def alike(self, entry: Wire, array: Wire) -> Wire | None:
        """Return what all entries of an array are, where that is known."""
        if not self.node.params["length"]:
            return None
        if array.is_constant and number(array) is not None:
            return Wire("", entry.spec, np.asarray(array.constant)[0])
        maker = self.names.made.get(array)
        spread = maker is not None and maker.primitive is primitives.broadcast_to
        if maker is None or not spread or array not in self.author.pending:
            return None
        return maker.inputs[0] if maker.inputs[0].spec == entry.spec else None

    def above(self) -> list[str]:
        """Return the lines above, once; what they read keeps its names until the last of them."""
        lines, self.before = self.before, []
        if self.rebound:
            lines.append(f"{', '.join(self.rebound)} = {', '.join(self.rebound.values())}")
            self.rebound = {}
        return lines

    def settle(self, inner: BodyAuthor, carries: dict[str, Carry]) -> None:
        """Bind those variables to their next values that do not hold them yet."""
        left = {n: c.after for n, c in carries.items() if inner.variables[n] is not c.after}
        if left:
            found = [self.value(inner, wire) for wire in left.values()]
            line = f"{', '.join(left)} = {', '.join(text for text, _ in found)}"
            reads = set(left).union(*(read for _, read in found))
            inner.statements.append(Statement([line], tuple(left), reads))

    def value(self, inner: BodyAuthor, wire: Wire) -> tuple[str, set[str]]:
        """Write what a body hands out, and say what that reads."""
        if wire.is_constant:
            return self.start(wire), set()
        (text, _), reads = inner.operand(wire)
        return text, reads

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """The forward lines that it answers, if it is of the backward pass."""
        author, node = self.author, self.node
        found = author.answers.of(node) if node.is_backward else ()
        return tuple(map(author.names.spelling.comment, found))

    def state(self, lines: Iterable[str]) -> None:
        """Add the whole to the statements of what surrounds it."""
        author, node = self.author, self.node
        author.statements.append(
            Statement(
                [*self.above(), *lines],
                tuple(self.made),
                self.reads - self.made.keys(),
                answers=self.answers,
                is_backward=node.is_backward,
            )
        )
        for part in self.follow:
            author.node(part)
        for wire, held in self.again:
            name = self.names.of(wire)
            line = Statement([f"{name} = {held}"], (name,), {held}, is_backward=node.is_backward)
            author.statements.append(line)


def is_zero(wire: Wire) -> bool:
    """Return whether a value is known to be zero everywhere."""
    return wire.is_constant and number(wire) == 0


def indented(lines: Iterable[str]) -> list[str]:
    return [f"{INDENT}{line}".rstrip() for line in lines]


def carries_of(node: Node, inner: BodyAuthor, closed: int, ends: Mapping[int, Wire]) -> list[Carry]:
    """Return what a loop carries, whose first inputs are what all steps read."""
    last = closed + node.params["carried"]
    befores, starts = inner.graph.inputs[closed:last], node.inputs[closed:last]
    triples = zip(befores, inner.graph.outputs, starts, strict=False)
    return [Carry(*found, ends.get(i)) for i, found in enumerate(triples)]
