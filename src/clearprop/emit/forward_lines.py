"""Which forward lines a statement of the backward pass answers."""

from __future__ import annotations

from collections.abc import Iterable

from ..graph.graph import Node, Wire
from ..passes.backward import Joint

_MOST_LINES = 3
_MOST_STEPS = 200
"""How many operations are followed; where more lie between, the line of the operation itself says enough."""


class Answers:
    """Follows the forward pass from what a gradient is of to the values whose gradients it is made from."""

    def __init__(self, joint: Joint) -> None:
        self.joint = joint
        self.made = {wire: node for node in joint.graph.nodes for wire in node.outputs}
        self.place = {node: i for i, node in enumerate(joint.graph.nodes)}
        self.readers: dict[Wire, list[Node]] = {}
        for node in joint.graph.nodes:
            for wire in node.inputs:
                self.readers.setdefault(wire, []).append(node)

    def of(self, node: Node) -> tuple[str, ...]:
        """Return the text of the lines, in order; where there are many, the first and the last."""
        of = self._whose(node.outputs[0])
        texts = [] if of is None else self._between(of, self._sources(node))
        if not texts:
            texts = [node.line.text] if node.line and node.line.text else []
        if len(texts) > _MOST_LINES:
            return texts[0], "...", texts[-1]
        return tuple(texts)

    def _whose(self, wire: Wire) -> Wire | None:
        """Return the value whose gradient a wire is, or is a part of and of no other."""
        while wire not in self.joint.gradient_of:
            readers = self.readers.get(wire, [])
            if len(readers) != 1 or len(readers[0].outputs) != 1:
                return None
            wire = readers[0].out
        return self.joint.gradient_of[wire]

    def _sources(self, node: Node) -> set[Wire]:
        """Return the values whose gradients a statement reads; the results, where it begins the
        backward pass.
        """
        found: set[Wire] = set()
        stack, seen = list(node.inputs), set(node.inputs)
        while stack:
            wire = stack.pop()
            maker = self.made.get(wire)
            if wire in self.joint.gradient_of:
                found.add(self.joint.gradient_of[wire])
            elif wire in self.joint.seeds:
                found.add(self.joint.outputs[self.joint.seeds.index(wire)])
            elif maker is not None and maker.is_backward:
                stack += [w for w in maker.inputs if w not in seen]
                seen.update(maker.inputs)
        return found or set(self.joint.outputs)

    def _between(self, start: Wire, ends: Iterable[Wire]) -> list[str]:
        """Return the lines of the operations that lead from a value to others; none where these are
        far away.
        """
        ends = set(ends) - {start}
        last = max((self.place[self.made[w]] for w in ends if w in self.made), default=-1)
        stack, seen = [start], {start}
        met: list[Node] = []
        while stack:
            for node in self.readers.get(stack.pop(), []):
                if self.place[node] > last:
                    break
                if not node.is_backward and seen.isdisjoint(node.outputs):
                    seen.update(node.outputs)
                    met.append(node)
                    stack += [w for w in node.outputs if w not in ends]
            if len(met) > _MOST_STEPS:
                return []
        met.sort(key=self.place.__getitem__, reverse=True)
        texts: list[str] = []
        for node in met:
            if not ends.isdisjoint(node.outputs):
                ends.update(node.inputs)
                texts += [node.line.text] if node.line and node.line.text else []
        return list(dict.fromkeys(reversed(texts)))
