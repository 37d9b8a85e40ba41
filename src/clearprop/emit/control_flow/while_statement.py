"""``while condition:``, and the way back through it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...engine.spec import ArraySpec
from ...graph.graph import Graph, Node, Wire
from ..program import INDENT, Statement
from ..statements import Author
from .body_author import BodyAuthor
from .control import Carry, Control, carries_of, indented, plural


class WhileLoop(Control):
    """``while condition:``; the way back goes through what the way there has kept in lists."""

    def there(self, ends: Mapping[int, Wire], *, keeping: bool) -> tuple[list[str], dict[str, str]]:
        """Return the lines of the way there, and the lists in which values are kept, with what one
        of them is called.
        """
        author, p = self.author, self.node.params
        count = p["closed"]
        condition, body = p["condition"], p["body"]
        closed = dict(zip(body.inputs[:count], self.node.inputs, strict=False))
        inner = BodyAuthor(author, body, closed)
        carries = {}
        for carry in carries_of(self.node, inner, count, ends):
            carries[self.variable(inner, carry)] = carry
        lists: dict[str, str] = {}
        for wire in inner.graph.outputs[p["carried"] :]:
            one = inner.names.suggestion(wire)
            many = self.give(Wire("", wire.spec), plural(one))
            lists[many] = one
            inner.stores.setdefault(wire, []).append((f"{many}.append({{}})", many))
        if keeping and not lists:
            steps = self.give(Wire("", ArraySpec((), np.dtype(int))), "steps")
            lists[steps] = "_"
            inner.statements.append(Statement([f"{steps}.append(None)"], (steps,), {steps}))
        self.before += [f"{name} = []" for name in lists]
        known = frozenset(self.names.taken)
        closed = dict(zip(condition.inputs[:count], self.node.inputs, strict=False))
        asked = BodyAuthor(author, condition, closed)
        asked.names.given.update(zip(condition.inputs[count:], carries, strict=True))
        asked.results = set()
        asked.write_all()
        test, reads = self.value(asked, asked.graph.outputs[0])
        self.reads |= reads | asked.reads(known)
        inner.results = set(inner.stores).union(c.after for c in carries.values())
        inner.write_all()
        self.settle(inner, carries)
        self.reads |= inner.reads(known)
        if keeping:
            self.names.taken -= carries.keys()  # the way back may use them again
        head = [f"while {test}:"]
        if asked.statements:
            stop = [f"if not ({test}):", f"{INDENT}break"]
            head = ["while True:", *indented([*asked.lines(), *stop])]
        return [*head, *indented([*self._limit(), *inner.lines()])], lists

    def _limit(self) -> list[str]:
        """Return lines that count the steps, where there is a limit."""
        limit = self.node.params["limit"]
        if limit is None:
            return []
        count = self.give(Wire("", ArraySpec((), np.dtype(int))), "count")
        self.before.append(f"{count} = 0")
        told = f"the loop did not end within {limit} steps"
        return [f"if {count} == {limit}:", f'{INDENT}raise RuntimeError("{told}")', f"{count} += 1"]

    def back(self, lists: Mapping[str, str]) -> list[str]:
        """Return the lines of the way back."""
        node, p = self.node, self.node.params
        first = p["closed"] + p["carried"]
        last = first + p["back_closed"]
        back: Graph = p["back"]
        closed = dict(zip(back.inputs[: p["back_closed"]], node.inputs[first:], strict=False))
        inner = BodyAuthor(self.author, back, closed)
        starts = node.inputs[last:]
        ends = dict(zip(p["finals"], node.outputs, strict=True))
        befores = back.inputs[p["back_closed"] :][: len(starts)]
        carries = {}
        for i, found in enumerate(zip(befores, inner.graph.outputs, starts, strict=True)):
            carry = Carry(*found, ends.get(i))
            carries[self.variable(inner, carry)] = carry
        inner.results = {c.after for c in carries.values()}
        known = frozenset(self.names.taken)
        kept = back.inputs[p["back_closed"] + len(starts) :]
        each = [inner.names.give(*pair) for pair in zip(kept, lists.values(), strict=False)]
        inner.write_all()
        self.settle(inner, carries)
        self.reads |= inner.reads(known)
        ways = [f"reversed({name})" for name in lists]
        over = ways[0] if len(ways) == 1 else f"zip({', '.join(ways)})"
        return [
            f"for {', '.join(each or ['_'])} in {over}:",
            *indented(inner.lines(headed=True, under=self.answers)),
        ]


def while_loop(author: Author, node: Node) -> None:
    """Write a loop without a count."""
    control = WhileLoop(author, node)
    ends = dict(zip(node.params["finals"], node.outputs, strict=True))
    lines, _ = control.there(ends, keeping=False)
    control.state(lines)


def while_loop_backward(author: Author, node: Node) -> None:
    """Write the way there, which keeps what the way back reads, and the way back."""
    control = WhileLoop(author, node)
    lines, lists = control.there({}, keeping=True)
    there = [*control.above(), *lines]
    back = control.back(lists)
    control.state([*there, *control.above(), *back])
