"""Names for values: the user's own, `d` and the name for gradients, and for the rest what they mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from ...engine.primitive import primitives
from ...graph.graph import Node, Wire
from ...passes.matching import number
from ..spelling import Spelling
from .meaning import Meanings, is_short

_FAR = 6
"""How many operations away a value may be that another one is a part of."""


class Names:
    """Names given so far; each is given once, but for variables that are bound again as their user did."""

    def __init__(
        self,
        made: Mapping[Wire, Node],
        gradient_of: Mapping[Wire, Wire],
        pattern: str,
        taken: Iterable[str],
        spelling: Spelling,
        results: Collection[Wire] | None = None,
    ) -> None:
        """Begin with nothing named; `results` is None where no name may be bound twice."""
        self.spelling = spelling
        self.made = dict(made)
        self.gradient_of = gradient_of
        self.pattern = pattern
        self.taken = set(taken)
        self.given: dict[Wire, str] = {}
        self.readers: dict[Wire, list[Node]] = {}
        nodes = list(dict.fromkeys(made.values()))
        for node in nodes:
            for wire in node.inputs:
                self.readers.setdefault(wire, []).append(node)
        self.meanings = Meanings(made, self._known)
        self.binds_again: dict[Wire, Wire] = {}
        """Values that take over the name of an earlier one, which nothing reads any more."""
        self.results = set(results or ())
        self._numbers: dict[str, int] = {}
        """The number from which on a name may be free."""
        self._sums_for: dict[Wire, Wire | None] = {}
        """What was found for wires by `_sum_for`."""
        self.sums: dict[Wire, Wire] = {}
        """For gradients whose sum takes several lines: what is added up so far."""
        self._in_parts: set[Wire] = set()
        if results is not None:
            self._find_parts(nodes)
            self._find_rebound(nodes)

    def give(self, wire: Wire, name: str) -> str:
        """Return this very name, or one like it that is free."""
        free = name = self.spelling.identifier(name)
        i = self._numbers.get(name, 2)
        while free in self.taken:
            free, i = f"{name}_{i}", i + 1
        self._numbers[name] = i
        self.taken.add(free)
        self.given[wire] = free
        return free

    def of(self, wire: Wire) -> str:
        """Return the name of a value; the first time it is asked for, one is found."""
        way: list[Wire] = []
        while wire not in self.given and wire in self.binds_again:
            way.append(wire)
            wire = self.binds_again[wire]
        if wire not in self.given and not self._adds_up(wire):
            self.give(wire, self._find(wire))
        self.given.update(dict.fromkeys(way, self.given[wire]))
        return self.given[wire]

    def suggestion(self, wire: Wire) -> str:
        """Return the name that a value would get if that is free."""
        return self.given.get(wire) or self._find(wire)

    def gradient(self, wire: Wire) -> str:
        """Return the name of the gradient of a forward value."""
        wire = self._passed_on(wire)
        return self.pattern.format(self.given.get(wire) or self._find(wire))

    def _known(self, wire: Wire) -> str:
        """Return the name that a value has or will have, as far as that is settled."""
        if wire in self.given:
            return self.given[wire]
        node = self.made.get(wire)
        if node is not None and node.is_backward:
            of = self.gradient_of.get(wire)
            name = self._known(self._passed_on(of)) if of is not None else ""
            return self.pattern.format(name) if name else ""
        return _user_name(wire)

    def _find(self, wire: Wire) -> str:
        node = self.made.get(wire)
        if wire in self.gradient_of and (node is None or node.is_backward):
            return self.gradient(self.gradient_of[wire])
        if (name := _user_name(wire)) and not (node is not None and node.is_backward):
            return name
        if wire.is_constant:
            return _constant_name(np.asarray(wire.constant))
        meaning = self.meanings.name(wire)
        before = self._before(wire)
        mixes = node is not None and node.primitive.role == "mixes"
        plain = meaning.count("_") < 2 and len(meaning) < 13 and not meaning.endswith("_part")
        if before and before not in self.taken and (mixes or not plain):
            return before
        if is_short(meaning):
            return meaning
        noun = node.primitive.noun if node else "part"
        return before or self._part(wire) or self._scaled(node) or noun

    # ---- names after what is made of a value

    def _before(self, wire: Wire) -> str:
        """Return the name of what is made of it entry by entry, as in `h_pre`, or that it is an entry of."""
        node = self.made.get(wire)
        if node is None or node.is_backward:
            return ""
        start = wire
        for _ in range(_FAR - 1):
            readers = [r for r in self.readers.get(wire, []) if not r.is_backward]
            if not readers or len(readers[0].outputs) != 1:
                return ""
            reader, name = readers[0], _user_name(readers[0].out)
            if (
                reader.primitive is primitives.stack
                and len(readers) == 1
                and name
                and wire is start
            ):
                return f"{name}{reader.inputs.index(wire)}"
            others = [w for w in reader.inputs if w is not wire and number(w) is None]
            if (
                "elementwise" not in reader.primitive.traits
                or others
                or reader.out.spec != start.spec
            ):
                return ""
            wire = reader.out
            if name:
                return f"{self.given.get(wire, name)}_pre"
        return ""

    def _part(self, wire: Wire) -> str:
        """Return the gradient, or value, that it is a part of, and of no other: `dH_part`."""
        found = self._made_of(wire, _FAR)
        return f"{found.pop()}_part" if len(found) == 1 and "" not in found else ""

    def _made_of(self, wire: Wire, far: int) -> set[str]:
        """Return the names of what is made of a value next."""
        found: set[str] = set()
        for reader in self.readers.get(wire, []):
            out = reader.outputs[0]
            if len(found) > 1:
                break
            if name := self._known(out):
                found.add(name)
            elif far:
                found |= self._made_of(out, far - 1) or {""}
            else:
                found.add("")
        return found

    def _scaled(self, node: Node | None) -> str:
        """Return what a product or quotient is a multiple of."""
        if node is None or node.primitive not in (primitives.multiply, primitives.divide):
            return ""
        words = self.meanings.of(node.inputs[0])
        return f"{words}_scaled" if is_short(f"{words}_scaled") and words else ""

    def _passed_on(self, of: Wire) -> Wire:
        """Return a term of a nameless sum that nothing else reads: they have the same gradient."""
        while not self._known(of) and (node := self.made.get(of)) is not None:
            terms = {primitives.add: node.inputs, primitives.subtract: node.inputs[:1]}
            alone = [
                w
                for w in terms.get(node.primitive, ())
                if w.spec == of.spec and w in self.made and self._is_read_once(w)
            ]
            if not alone or self._before(of):
                break
            of = next(filter(_user_name, alone), alone[0])
        return of

    def _is_read_once(self, wire: Wire) -> bool:
        return sum(not node.is_backward for node in self.readers.get(wire, [])) == 1

    # ---- variables that are bound again

    def _adds_up(self, wire: Wire) -> bool:
        """Give a part of a long sum the name of the gradient, which is bound again with each line."""
        total = self._sum_for(wire)
        if total is None:
            return False
        last = self.sums.get(total)
        if last is not None and not self._goes_on(last, wire):
            return False
        name = self.given.get(total) or (self.given[last] if last else "")
        if name:
            self.given[wire] = name
        else:
            self.give(wire, self._find(total))
        if wire is not total:
            self.sums[total] = wire
        return True

    def _sum_for(self, wire: Wire) -> Wire | None:
        """Return the gradient that a sum goes into by further additions alone."""
        way: list[Wire] = []
        total: Wire | None = wire
        while total is not None and total not in self._sums_for:
            if total in self.results and total in self.gradient_of and self._is_sum(total):
                self._sums_for[total] = total
            else:
                way.append(total)
                total = self._next_sum(total)
        found = self._sums_for[total] if total is not None else None
        self._sums_for.update((part, found) for part in way)
        return found

    def _goes_on(self, wire: Wire, target: Wire) -> bool:
        """Return whether a sum goes into another one by further additions alone."""
        found: Wire | None = wire
        while found is not None and found is not target:
            found = self._next_sum(found)
        return found is not None

    def _is_sum(self, wire: Wire) -> bool:
        """Return whether a value of the backward pass is a sum."""
        node = self.made.get(wire)
        sums = (primitives.add, primitives.subtract)
        return node is not None and node.is_backward and node.primitive in sums

    def _next_sum(self, wire: Wire) -> Wire | None:
        """Return the sum that a sum goes into, if that alone reads it, and does not take it away."""
        readers = self.readers.get(wire, [])
        if not self._is_sum(wire) or wire in self.results or len(readers) != 1:
            return None
        reader = readers[0]
        if reader.inputs.count(wire) != 1 or not self._is_sum(reader.outputs[0]):
            return None
        is_taken_away = reader.primitive is primitives.subtract and reader.inputs[0] is not wire
        return None if is_taken_away else reader.out

    def _find_rebound(self, nodes: Iterable[Node]) -> None:
        """Find where code may write ``out = out + ...``: where the user did, and nothing else reads
        the old one.
        """
        gradients = {of: wire for wire, of in self.gradient_of.items() if wire in self.made}
        last: dict[str, Wire] = {}
        for node in nodes:
            for wire in node.outputs:
                name = "" if node.is_backward else _user_name(wire)
                if not name:
                    continue
                old, last[name] = last.get(name), wire
                if (
                    old is None
                    or wire in self._in_parts
                    or old in self.results
                    or not self._goes_only_into(old, wire)
                ):
                    continue
                new, older = gradients.get(wire), gradients.get(old)
                if older is not None and new is not None:
                    if (
                        new in self.results
                        or older in self._in_parts
                        or not self._goes_only_into(new, older)
                    ):
                        continue
                    self.binds_again[older] = new
                self.binds_again[wire] = old

    def _find_parts(self, nodes: Iterable[Node]) -> None:
        """Find values that are made by several lines, the last of which may still read what it is made of."""
        for node in nodes:
            if node.primitive in (primitives.scatter, primitives.assign) or (
                node.primitive in (primitives.add, primitives.subtract)
                and any(w in self._in_parts and not self._is_read_again(w) for w in node.inputs)
            ):
                self._in_parts.update(node.outputs)

    def _is_read_again(self, wire: Wire) -> bool:
        return len(self.readers.get(wire, ())) > 1

    def _goes_only_into(self, wire: Wire, target: Wire) -> bool:
        """Return whether all that reads a value makes a later one, and nothing that stays."""
        back = self.made[target].is_backward
        stack, seen = [wire], {wire, target}
        while stack:
            for reader in self.readers.get(stack.pop(), []):
                out = reader.outputs[0]
                if out in seen:
                    continue
                if len(reader.outputs) != 1 or reader.is_backward != back:
                    return False
                if out in self.results or _user_name(out):
                    return False
                seen.add(out)
                stack.append(out)
        return True


def _constant_name(value: np.ndarray[Any, Any]) -> str:
    if value.ndim == 2 and np.array_equal(value, np.eye(len(value))):
        return "identity"
    return "mask" if value.dtype.kind == "b" else "constant"


def _user_name(wire: Wire) -> str:
    """Return what the user calls a value, if it is a name."""
    name = wire.called or wire.name
    return name if wire.is_named and name.isidentifier() else ""
