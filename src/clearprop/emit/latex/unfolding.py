"""Loops and branches unfolded: what their bodies do, on the wires of the graph around them.

What a body reads from outside is the outer wire itself. A backward loop reads the wires of the forward loop
that it answers: an entry of what that has collected is the value of the same step. A loop that is gone
through again for the backward pass is the first one, and what a body computes again is what it was.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ...errors import UnsupportedError
from ...graph.graph import Graph, Node, Wire
from .scopes import Carried, Choice, Loop, Part, Scope, called, read_by


class _Again(NamedTuple):
    """A loop that is gone through again."""

    loop: Loop
    made: list[Wire]
    carried: list[Carried]


class Unfolded:
    """A graph with its loops and branches unfolded."""

    def __init__(self, graph: Graph) -> None:
        self.same: dict[Wire, Wire] = {}
        """Wires of bodies, and results that are computed twice, with those that equations are written on."""
        self.loops: list[Loop] = []
        self.choices: list[tuple[Choice, Scope]] = []
        self.root = Scope()
        self._wires = dict.fromkeys(graph.wires())
        self._names = {w.name for w in self._wires}
        self._arrays = {_value(w): w for w in self._wires if w.is_constant and w.spec.ndim}
        self.repeating = 0
        """How many loops around the present place are gone through again."""
        self._visit(graph.nodes, self.root)

    def wire(self, wire: Wire) -> Wire:
        while wire in self.same:
            wire = self.same[wire]
        return wire

    def forward(self) -> set[Part]:
        """Return what the forward pass consists of; loops of gradients that the function takes among it."""
        found: set[Part] = set()
        read: set[Wire] = set()
        for part in reversed(self.root.parts):
            opened = not isinstance(part, Node)
            if not part.is_backward or (opened and not read.isdisjoint(part.outputs)):
                found.add(part)
            elif read.isdisjoint(part.outputs):
                continue
            read.update(read_by(part))
        return found

    def _visit(self, nodes: Sequence[Node], scope: Scope) -> None:
        opened = {
            "loop": self._loop,
            "while_loop": self._while,
            "while_loop_backward": self._way_back,
            "switch": self._choice,
        }
        for node in nodes:
            node = node.on(tuple(map(self.wire, node.inputs)), node.outputs)
            if node.bodies:
                if node.primitive.pruned is not None:
                    node = node.primitive.pruned(node, node.outputs)
                opened.get(node.primitive.name, _refuse)(node, scope)
                continue
            key = (node.primitive.name, tuple(map(_value, node.inputs)), repr(dict(node.params)))
            found = [s.known[key] for s in scope.visible() if key in s.known]
            if found and scope is not self.root:
                self.same.update(zip(node.outputs, found[0], strict=True))
            else:
                scope.known[key] = node.outputs
                scope.parts.append(node)

    def _body(self, body: Graph, given: Sequence[Wire], scope: Scope) -> list[Wire]:
        """Do in a scope what a body does with these inputs; return its outputs."""
        body = body.open()
        own = dict(zip(body.inputs, given, strict=True))
        own |= {w: self._own(w) for w in body.wires() if w not in own}
        self._visit(
            [
                node.on(tuple(own[w] for w in node.inputs), tuple(own[w] for w in node.outputs))
                for node in body.nodes
            ],
            scope,
        )
        return [self.wire(own[w]) for w in body.outputs]

    def _own(self, wire: Wire) -> Wire:
        """Return a wire for one of a body's; an array that is a constant has one wire, of one name."""
        own = wire.copy()
        if not wire.is_constant or not wire.spec.ndim:
            return own
        if own.name in self._names and _value(wire) not in self._arrays:
            own.name = next(
                n for i in itertools.count(2) if (n := f"{wire.name}_{i}") not in self._names
            )
        self._names.add(own.name)
        return self._arrays.setdefault(_value(wire), own)

    def wires(self) -> Iterator[Wire]:
        """Yield every wire once, those within loops and branches after the others."""
        inner = (w for node in self.root.nodes() for w in (*node.inputs, *node.outputs))
        yield from dict.fromkeys([*self._wires, *inner])

    # ---- loops

    def _loop(self, node: Node, scope: Scope) -> None:
        p = node.params
        closed, start = p["closed"], p["closed"] + p["carried"]
        loop = Loop(scope, node=node, length=p["length"], reverse=p["reverse"])
        if self._again(loop, node.inputs, p["body"], closed, start):
            return
        loop.twin = self._there(loop, node.inputs[start:])
        carried = self._carried(loop, node.inputs[closed:start], p["body"].inputs[closed:])
        entries = [
            self._entry(loop, outer, inner)
            for outer, inner in zip(node.inputs[start:], p["body"].inputs[start:], strict=True)
        ]
        self._end(loop, self._body(p["body"], [*node.inputs[:closed], *carried, *entries], loop))

    def _while(self, node: Node, scope: Scope) -> None:
        p, loop = node.params, Loop(scope, node=node)
        if self._again(loop, node.inputs, p["body"], p["closed"], len(node.inputs)):
            return
        carried = self._carried(loop, node.inputs[p["closed"] :], p["body"].inputs[p["closed"] :])
        given = [*node.inputs[: p["closed"]], *carried]
        (loop.condition,) = self._body(p["condition"], given, loop)
        self._end(loop, self._body(p["body"], given, loop))

    def _way_back(self, node: Node, scope: Scope) -> None:
        """Write a way there, which is that of a loop before, and back."""
        p = node.params
        closed, start, back = p["closed"], p["closed"] + p["carried"], p["back"]
        there = self._again(
            Loop(scope, node=node), node.inputs[:start], p["body"], closed, start, hands_out=False
        )
        if there is None:
            _refuse(node, scope)
        loop = Loop(scope, there.loop, node=node, reverse=True)
        given = node.inputs[start:]
        free = p["back_closed"]
        carried = self._carried(loop, given[free:], back.inputs[free:])
        for carry, i in zip(loop.carried, p["of"], strict=True):
            if i >= closed:
                loop.pairs[carry] = there.carried[i - closed]
        self._end(
            loop, self._body(back, [*given[:free], *carried, *there.made[p["carried"] :]], loop)
        )

    def _carried(self, loop: Loop, starts: Sequence[Wire], inner: Sequence[Wire]) -> list[Wire]:
        own = [w.copy() for _, w in zip(starts, inner, strict=False)]
        loop.carried = [Carried(s, w, w) for s, w in zip(starts, own, strict=True)]
        return own

    def _entry(self, loop: Loop, outer: Wire, inner: Wire) -> Wire:
        """Return the entry of an array that a step reads: where it can, a wire of the step there."""
        if isinstance(loop.twin, Loop):
            read = dict(loop.twin.entries)
            read |= {array: made for made, array in loop.twin.collected}
            if outer in read:
                return read[outer]
        if (
            outer.is_constant
            and (value := np.asarray(outer.constant)).size
            and np.all(value == value[:1])
        ):
            return self._own(Wire(inner.name, inner.spec, value[0]))
        loop.entries.append((outer, inner.copy()))
        return loop.entries[-1][1]

    def _end(self, loop: Loop, made: Sequence[Wire]) -> None:
        """Note what a step makes, and which results of the loop that is."""
        assert loop.node is not None
        assert loop.parent is not None
        finals = loop.node.params["finals"]
        for carry, after in zip(loop.carried, made, strict=False):
            carry.after = after
        for i, out in zip(finals, loop.node.outputs, strict=False):
            self._is_final(loop.carried[i], out)
        self._pair(loop)
        rest = loop.node.outputs[len(finals) :]
        loop.collected = list(zip(made[len(loop.carried) :], rest, strict=True))
        loop.parent.parts.append(loop)
        self.loops.append(loop)

    def _pair(self, loop: Loop) -> None:
        """Note whose gradients a backward loop carries, as names tell."""
        if not isinstance(loop.twin, Loop) or loop.pairs:
            return
        passed_on = {c.before for c in loop.carried}
        for carry in loop.carried:
            if carry.after not in passed_on and carry.after.gradient_of:
                name = carry.after.gradient_of
                found = [c for c in loop.twin.carried if called(c.before) == name]
            else:
                name = carry.before.gradient_of
                found = [c for c in loop.twin.carried if name and called(c.after) == name]
            if len(found) == 1:
                loop.pairs[carry] = found[0]

    def _again(
        self,
        loop: Loop,
        inputs: Sequence[Wire],
        body: Graph,
        closed: int,
        start: int,
        *,
        hands_out: bool = True,
    ) -> _Again | None:
        """Return the loop before that does the same, if the backward pass goes through it again."""
        if not (loop.is_backward or self.repeating or loop.goes_back):
            return None
        assert loop.node is not None
        for first in self.loops:
            same_way = (first.length, first.reverse) == (loop.length, loop.reverse)
            if not (same_way and _on_one_line(loop, first) and _sees(loop, first)):
                continue
            undo = self._undo()
            found = self._as_before(first, inputs, body, closed, start)
            if found is None:
                undo()
                continue
            if hands_out:
                finals = loop.node.params["finals"]
                for i, out in zip(finals, loop.node.outputs, strict=False):
                    self._is_final(found.carried[i], out)
                self._hand_out(
                    first, found.made[start - closed :], loop.node.outputs[len(finals) :]
                )
            return found
        return None

    def _undo(self) -> Callable[[], None]:
        """Return what brings back the present state, for what is only tried."""
        loops, choices, same = list(self.loops), list(self.choices), dict(self.same)
        scopes = [
            self.root,
            *loops,
            *(branch for choice, _ in choices for branch in choice.branches),
        ]
        held = [(scope, list(scope.parts), dict(scope.known)) for scope in scopes]
        given = [(loop, list(loop.collected)) for loop in loops]
        finals = [(carry, list(carry.finals)) for loop in loops for carry in loop.carried]

        def undo() -> None:
            self.loops, self.choices, self.same = loops, choices, same
            for scope, parts, known in held:
                scope.parts, scope.known = parts, known
            for loop, collected in given:
                loop.collected = collected
            for carry, results in finals:
                carry.finals = results

        return undo

    def _as_before(
        self, first: Loop, inputs: Sequence[Wire], body: Graph, closed: int, start: int
    ) -> _Again | None:
        left = list(first.carried)
        carried: list[Carried] = []
        for x, inner in zip(inputs[closed:start], body.inputs[closed:], strict=False):
            same = [
                c
                for c in left
                if _value(c.start) == _value(x) and called(c.before) == called(inner)
            ]
            if not same:
                return None
            carried.append(same[0])
            left.remove(same[0])
        read = dict(first.entries)
        if not all(outer in read for outer in inputs[start:]):
            return None
        entries = [read[outer] for outer in inputs[start:]]
        before = len(first.parts)
        self.repeating += 1
        made = self._body(body, [*inputs[:closed], *(c.before for c in carried), *entries], first)
        self.repeating -= 1
        if any(c.after is not w for c, w in zip(carried, made, strict=False)):
            return None
        if not carried and not entries and len(first.parts) > before:
            return None  # nothing but the line says that it is this loop
        return _Again(first, made, carried)

    def _is_final(self, carry: Carried, out: Wire) -> None:
        if carry.finals:
            self.same[out] = carry.finals[0]
        else:
            carry.finals.append(out)

    def _hand_out(self, first: Loop, made: Sequence[Wire], arrays: Sequence[Wire]) -> None:
        for inner, outer in zip(made, arrays, strict=True):
            known = dict(first.collected).get(inner)
            if known is None:
                first.collected.append((inner, outer))
            else:
                self.same[outer] = known

    def _there(self, loop: Loop, entries: Sequence[Wire]) -> Loop | None:
        """Return the forward loop that a backward loop answers, if that can be told."""
        if not loop.is_backward:
            return None
        assert loop.node is not None
        opposite = [
            first
            for first in self.loops
            if first.twin is None
            and (first.length, first.reverse) == (loop.length, not loop.reverse)
            and _on_one_line(loop, first)
            and _sees(loop, first)
        ]
        linked = [x for x in opposite if any(outer in entries for _, outer in x.collected)]
        found = linked if len(linked) == 1 else opposite
        return found[0] if len(found) == 1 else None

    # ---- branches

    def _choice(self, node: Node, scope: Scope) -> None:
        index, *inputs = node.inputs
        around = list(scope.visible())
        before = [
            c
            for c, s in self.choices
            if s in around and c.node.inputs[0] is index and c.node.line == node.line
        ]
        again = self.repeating or scope.goes_back
        if again and len(before) == 1 and self._same_choice(node, before[0]):
            return
        choice = Choice(node, [], [])
        for i, branch in enumerate(node.params["branches"]):
            twin = before[0].branches[i] if node.is_backward and len(before) == 1 else None
            step = Scope(scope, twin)
            choice.branches.append(step)
            choice.results.append(self._body(branch, inputs, step))
        scope.parts.append(choice)
        self.choices.append((choice, scope))

    def _same_choice(self, node: Node, first: Choice) -> bool:
        """Return whether each branch gives what it gave the first time; what it gives then is that."""
        undo = self._undo()
        made = [
            self._body(branch, node.inputs[1:], step)
            for branch, step in zip(node.params["branches"], first.branches, strict=True)
        ]
        if made != first.results:
            undo()
            return False
        self.same.update(zip(node.outputs, first.outputs, strict=True))
        return True


def _on_one_line(loop: Loop, first: Loop) -> bool:
    """Return whether both stand for the same line of the user's."""
    assert loop.node is not None
    return first.node is not None and first.node.line == loop.node.line


def _sees(loop: Loop, first: Loop) -> bool:
    """Return whether a loop may read what is around another one."""
    assert loop.parent is not None
    return first.parent in list(loop.parent.visible())


def _value(wire: Wire) -> Any:
    """Return what tells a wire from others: of constants, their numbers."""
    if not wire.is_constant:
        return wire
    value = np.asarray(wire.constant)
    return (value.dtype.str, value.shape, value.tobytes())


def _refuse(node: Node, scope: Scope) -> NoReturn:
    where = f" ({node.line}: {node.line.text})" if node.line else ""
    raise UnsupportedError(f"{node.primitive.name} has no form in latex{where}")
