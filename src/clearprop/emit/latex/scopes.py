"""Where wires have values: a graph, one step of a loop, or one branch, and what stands in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...engine.primitive import primitives
from ...graph.graph import Node, Wire


@dataclass(eq=False)
class Carried:
    """One of the values that a loop carries."""

    start: Wire
    """The value around the loop that it starts from."""
    before: Wire
    """What a step gets."""
    after: Wire
    """What the step makes of it."""
    finals: list[Wire] = field(default_factory=list)
    """The results of the loop that are its last value."""


@dataclass(eq=False)
class Scope:
    """Where wires have values: the graph itself, one step of a loop, or one branch."""

    parent: Scope | None = None
    twin: Scope | None = None
    """Of a step back: the step there."""
    parts: list[Part] = field(default_factory=list)
    known: dict[Any, tuple[Wire, ...]] = field(default_factory=dict)
    """The results of each operation so far."""

    def visible(self) -> Iterator[Scope]:
        """Yield the scopes whose wires may be read here."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            if scope.twin is not None:
                yield scope.twin
            scope = scope.parent

    @property
    def goes_back(self) -> bool:
        """Whether it is part of a backward pass: what is not a gradient there has been computed before."""
        is_step = isinstance(self, Loop) and self.is_backward
        return (
            is_step or self.twin is not None or (self.parent is not None and self.parent.goes_back)
        )

    def nodes(self) -> Iterator[Node]:
        """Yield all operations, also those within loops and branches."""
        for part in self.parts:
            if isinstance(part, Node):
                yield part
            for scope in part.scopes() if not isinstance(part, Node) else ():
                yield from scope.nodes()

    def reads(self) -> Iterator[Wire]:
        """Yield what is read here and within, as often as it is."""
        for part in self.parts:
            yield from read_by(part)


@dataclass(eq=False)
class Loop(Scope):
    """A loop; as a scope it is one step."""

    carried: list[Carried] = field(default_factory=list)
    entries: list[tuple[Wire, Wire]] = field(default_factory=list)
    """Arrays around the loop, and the entry of each that a step reads."""
    collected: list[tuple[Wire, Wire]] = field(default_factory=list)
    """What a step makes, and the array of it around the loop."""
    length: int | None = None
    """The number of steps, if it is known."""
    reverse: bool = False
    pairs: dict[Carried, Carried] = field(default_factory=dict)
    """Of what a backward loop carries: the forward values whose gradients these are, where that is known."""
    condition: Wire | None = None
    """Whether there is another step."""
    node: Node | None = None

    def scopes(self) -> list[Scope]:
        return [self]

    def read_around(self) -> Iterator[Wire]:
        for carry in self.carried:
            yield from (carry.start, carry.after)
        yield from (outer for outer, _ in self.entries)
        yield from (inner for inner, _ in self.collected)
        if self.condition is not None:
            yield self.condition

    @property
    def is_backward(self) -> bool:
        return self.node is not None and self.node.is_backward

    def makes(self, carry: Carried) -> bool:
        """Return whether an operation of the step makes what is carried on, for this alone."""
        first = next(c for c in self.carried if c.after is carry.after)
        return first is carry and any(carry.after in part.outputs for part in self.parts)

    def names_around(self) -> set[str]:
        """Return what a step calls the values that it gets."""
        assert self.node is not None
        p = self.node.params
        return {called(w) for w in p["body"].inputs[: p["closed"] + p["carried"]]}

    @property
    def outputs(self) -> list[Wire]:
        finals = [w for carry in self.carried for w in carry.finals]
        return [*finals, *(outer for _, outer in self.collected)]

    def counter(self) -> Carried | None:
        """Return the whole number that a loop over a range counts with."""
        if self.entries or self.length is None:
            return None
        return next((c for c in self.carried if self._counts(c)), None)

    def _counts(self, carry: Carried) -> bool:
        if not carry.start.is_constant or carry.before.spec.dtype.kind != "i":
            return False
        made = [n for n in self.parts if isinstance(n, Node) and carry.after in n.outputs]
        if not made or carry.before.spec.ndim or made[0].primitive is not primitives.add:
            return False
        x, y = made[0].inputs
        return x is carry.before and y.is_constant and int(y.constant) == 1


@dataclass(eq=False)
class Choice:
    """A choice among branches by a number or a truth value."""

    node: Node
    branches: list[Scope]
    results: list[list[Wire]]
    """What each branch gives."""

    def scopes(self) -> list[Scope]:
        return self.branches

    def read_around(self) -> Iterator[Wire]:
        yield self.node.inputs[0]
        for result in self.results:
            yield from result

    @property
    def is_backward(self) -> bool:
        return self.node.is_backward

    @property
    def outputs(self) -> tuple[Wire, ...]:
        return self.node.outputs


Part = Node | Loop | Choice


def read_by(part: Part) -> Iterator[Wire]:
    """Yield what a node, a loop or a choice reads, also what is within."""
    if isinstance(part, Node):
        yield from part.inputs
        return
    yield from part.read_around()
    for scope in part.scopes():
        yield from scope.reads()


def called(wire: Wire) -> str:
    """Return what the user calls it."""
    return wire.called or (wire.name if wire.is_named else "")
