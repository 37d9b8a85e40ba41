"""``for t in range(n):``, with arrays of which each step reads, and writes, one entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...engine.primitive import Infix, primitives
from ...engine.spec import ArraySpec
from ...graph.graph import Graph, Node, Wire
from ...ops.indexing import Slot
from ...passes.matching import number
from ..array_expressions import ATOM
from ..program import Pending, Statement
from ..statements import Author
from .body_author import BodyAuthor
from .control import Carry, Control, carries_of, indented, is_zero, plural, plus, variable_name

_COUNTERS = ("t", "i", "j", "k")


class ForLoop(Control):
    """``for t in range(n):``, with arrays of which each step reads, and writes, one entry."""

    def __init__(self, author: Author, node: Node) -> None:
        super().__init__(author, node)
        p = node.params
        self.length, self.is_reversed = p["length"], p["reverse"]
        first, carried = p["closed"], p["closed"] + p["carried"]
        body: Graph = p["body"]
        closed = dict(zip(body.inputs[:first], node.inputs, strict=False))
        self.arrays: dict[Wire, Wire] = {}
        """What each entry is one of."""
        for entry, array in zip(body.inputs[carried:], node.inputs[carried:], strict=True):
            alike = self.alike(entry, array)
            if alike is None:
                self.arrays[entry] = array
            else:
                closed[entry] = alike
        self.inner = BodyAuthor(author, body, closed)
        ends = dict(zip(p["finals"], node.outputs, strict=False))
        self.carries = carries_of(node, self.inner, first, ends)
        outputs = self.inner.graph.outputs[p["carried"] :]
        self.collected: dict[Wire, list[Wire]] = {}
        """The arrays that are collected from each value."""
        for inside, outside in zip(outputs, node.outputs[len(p["finals"]) :], strict=True):
            self.collected.setdefault(inside, []).append(outside)
        free = next((n for n in _COUNTERS if n not in self.names.taken), _COUNTERS[0])
        self.counter = self.names.give(Wire("", ArraySpec((), np.dtype(int))), free)
        self.variables: dict[str, Carry] = {}

    def write(self) -> None:
        inner, t = self.inner, self.counter
        for carry in self.carries:
            if self._counts(carry):
                self._count(carry)
            elif carry.before in self.collected:
                self._keep_states(carry)
            else:
                self.variables[self.variable(inner, carry)] = carry
        for inside, outsides in self.collected.items():
            self._collect(inside, outsides)
        known = frozenset(self.names.taken) - {t}
        inner.results = set(inner.stores).union(c.after for c in self.variables.values())
        for entry, array in self.arrays.items():
            self._read(entry, array)
        inner.write_all()
        self.settle(inner, self.variables)
        self.reads |= inner.reads(known)
        self.names.taken.discard(t)
        steps = f"reversed(range({self.length}))" if self.is_reversed else f"range({self.length})"
        lines = inner.lines(headed=self.node.is_backward, under=self.answers)
        self.state([f"for {t} in {steps}:", *indented(lines)])

    # ---- what a step reads

    def _read(self, entry: Wire, array: Wire) -> None:
        """Let an entry be written where it is read; if that is several times, under its user's name."""
        inner, author = self.inner, self.author
        if array in author.rows and array not in self.names.given:
            row, reads = author.rows[array]
            text = row(self.counter)
        else:
            name = self.array(array)
            text, reads = f"{name}[{self.counter}]", {name}
        self.reads |= reads
        count = len(inner.readers.get(entry, ())) + (entry in inner.graph.outputs)
        name = entry.called or entry.name
        if count > 1 and entry.is_named and name.isidentifier() and name not in self.names.taken:
            name = inner.names.give(entry, name)
            inner.statements.append(Statement([f"{name} = {text}"], (name,), set(reads)))
        else:
            inner.places[entry] = (text, ATOM if text[-1] == "]" else 0), set(reads)

    # ---- what goes from step to step

    def _counts(self, carry: Carry) -> bool:
        """Return whether a carried value is the loop's own counter, plus a fixed number."""
        inner, language = self.inner, self.author.language
        maker = inner.names.made.get(carry.after)
        if self.is_reversed or carry.end is not None or not carry.start.is_constant:
            return False
        if maker is None or maker.primitive is not primitives.add or carry.after in self.collected:
            return False
        if carry.start.spec != ArraySpec((), np.dtype(np.int64)):
            return False
        if carry.before not in maker.inputs or not any(number(w) == 1 for w in maker.inputs):
            return False
        readers = [n for n in inner.readers.get(carry.before, ()) if n is not maker]
        others = [c for c in self.carries if c is not carry and c.after is carry.before]
        return not others and all(
            _takes_counter(n, carry.before, language.takes_numbers) for n in readers
        )

    def _count(self, carry: Carry) -> None:
        first = int(carry.start.constant)
        text = plus(self.counter, first)
        self.inner.places[carry.before] = (text, 10 if first else ATOM), set()
        for wire in self.collected.pop(carry.before, ()):
            whole = f"{self.author.language.module}.arange({first}, {first + self.length})"
            node = Node(self.node.primitive, (), (wire,), is_backward=self.node.is_backward)
            self.author.pending[wire] = Pending(node, (whole, ATOM), set())
            self.names.made[wire] = node
            self.author.rows[wire] = lambda t: plus(t, first), set()

    def _keep_states(self, carry: Carry) -> None:
        """Write each state into an array of all of them, from which the next step reads it."""
        inner, t = self.inner, self.counter
        before, after = (f"{t} + 1", t) if self.is_reversed else (t, f"{t} + 1")
        befores = self.collected.pop(carry.before)
        afters = self.collected.pop(carry.after, [])
        named = {w.name for w in (*befores, *afters) if w.is_named}
        one = variable_name(self.author, carry)
        whole = Wire(
            "", ArraySpec((self.length + 1, *carry.before.spec.shape), carry.before.spec.dtype)
        )
        is_free = plural(one) not in named | self.names.taken
        states = self.give(whole, plural(one) if is_free else f"{one}_states")
        if is_zero(carry.start):
            self.before.append(f"{states} = {self.zeros(carry.before, steps=self.length + 1)}")
        else:
            text = self.zeros(carry.before, steps=self.length + 1, empty=True)
            first = self.length if self.is_reversed else 0
            self.before.append(f"{states} = {text}")
            self.before.append(f"{states}[{first}] = {self.start(carry.start)}")
        inner.places[carry.before] = (f"{states}[{before}]", ATOM), {states}
        self._store(carry.after, states, after)
        if carry.after in inner.names.made and carry.after not in inner.stays:
            inner.stays[carry.after] = f"{states}[{after}]"
        for wires, up in ((befores, False), (afters, True)):
            later = up is not self.is_reversed
            part = slice(1, None) if later else slice(None, -1)
            for wire in wires:
                self._follow(wire, whole, part)
                self.author.rows[wire] = _row(states, int(later)), {states}
        if carry.end is not None:
            self._follow(carry.end, whole, 0 if self.is_reversed else -1)

    def _follow(self, wire: Wire, whole: Wire, part: slice | int) -> None:
        node = Node(
            primitives.slice,
            (whole,),
            (wire,),
            {"index": (part,)},
            self.node.line,
            is_backward=self.node.is_backward,
        )
        self.names.made[wire] = node
        self.follow.append(node)

    # ---- what is collected

    def _collect(self, inside: Wire, outsides: Sequence[Wire]) -> None:
        own = (w for w in outsides if self.names.gradient_of.get(w, w).is_named)
        if (wire := next(own, None)) is not None:
            array = self.result(wire)
        else:
            array = self.give(outsides[0], plural(self.inner.names.suggestion(inside)))
        for outside in outsides:
            self.names.given.setdefault(outside, array)
        text = self.zeros(inside, steps=self.length, empty=True)
        self.before.append(f"{array} = {text}")
        self._store(inside, array, self.counter)

    def _store(self, wire: Wire, array: str, place: str) -> None:
        self.inner.stores.setdefault(wire, []).append((f"{array}[{place}] = {{}}", array))


def _row(array: str, later: int) -> Callable[[str], str]:
    return lambda t: f"{array}[{plus(t, later)}]"


def _takes_counter(node: Node, counter: Wire, takes_numbers: bool) -> bool:
    """Return whether an operation does with Python's whole number what it does with an int64."""
    others = [w for w in node.inputs if w is not counter and not w.is_constant]
    if node.primitive is primitives.gather:
        return (
            all(isinstance(part, Slot) for part in node.params["index"])
            and node.inputs[0] in others
        )
    arithmetic = isinstance(node.primitive.notation, Infix)
    exact = all(w.spec.dtype.str[1:] in ("f8", "i8") for w in others)
    beside = any(w.spec.dtype.kind == "f" for w in others)
    return (
        "elementwise" in node.primitive.traits
        and arithmetic
        and exact
        and (takes_numbers or beside)
    )


def for_loop(author: Author, node: Node) -> None:
    """Write a loop over a range."""
    ForLoop(author, node).write()
