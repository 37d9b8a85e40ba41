"""The backward pass of a loop: a loop in the other direction, over what the forward loop has kept.

Derived from the body's joint graph. A step of the backward loop reads the values of its forward step: those
that are dear were collected by the forward loop, the others it computes again. It carries the gradients of
the carried values, and the sums of the gradients of what all steps read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from ..engine.primitive import primitives
from ..engine.spec import is_floating
from ..engine.tensor import Tensor
from ..graph.graph import Graph, Node, Wire
from ..passes.backward import Joint, with_backward


class Gradient:
    """The body of a backward loop, and what its inputs and outputs are."""

    def __init__(
        self,
        body: Graph,
        closed: int,
        carried: int,
        inputs: Sequence[Any],
        ends: Collection[int],
        stacked: Collection[int],
    ) -> None:
        self.forward = body
        starts = body.inputs[closed : closed + carried]
        wires = [body.outputs[i] for i in stacked]
        live = [
            i
            for i in reached(body, closed, carried, ends, wires)
            if is_floating(starts[i].spec.dtype)
        ]
        wanted = [
            i
            for i, x in enumerate(inputs)
            if is_floating(body.inputs[i].spec.dtype)
            and (
                i - closed in live
                if closed <= i < closed + carried
                else isinstance(x, Tensor) and x.requires_grad
            )
        ]
        self.stacked = list(stacked)
        self.joint: Joint = with_backward(body, wanted, [*live, *self.stacked])
        gradients = dict(zip(wanted, self.joint.gradients, strict=True))
        seeds = dict(zip([*live, *self.stacked], self.joint.seeds, strict=True))
        self.carries = {i: seeds[i] for i in live}
        """The seed of each carried value whose gradient is carried back."""
        gains = {i: w for i, w in gradients.items() if i < closed and not _is_zero(w)}
        slices = {i: w for i, w in gradients.items() if i >= closed + carried and not _is_zero(w)}
        self.collected = list(slices)
        backward = self.joint.graph.nodes[len(body.nodes) :]
        ends_of = [*(gradients[closed + i] for i in live), *gains.values(), *slices.values()]
        again, self.saved, read = self._partition(backward, ends_of, starts)
        self.closed = [i for i in range(closed) if body.inputs[i] in read]
        self.entries = [i for i in range(closed + carried, len(inputs)) if body.inputs[i] in read]
        totals = {i: Wire(f"d{body.inputs[i].name}", w.spec) for i, w in gains.items()}
        self.summed = {w: i for i, w in totals.items()}
        """The sum so far of each gradient of what all steps read."""
        added = [
            Node(primitives.add, (totals[i], w), (Wire("", w.spec),), is_backward=True)
            for i, w in gains.items()
        ]
        outputs = [gradients[closed + i] for i in live]
        outputs += [node.out for node in added] + list(slices.values())
        arguments = [body.inputs[i] for i in self.closed]
        arguments += [*self.carries.values(), *totals.values(), *self.saved]
        arguments += [*(body.inputs[i] for i in self.entries), *(seeds[i] for i in self.stacked)]
        whole = Graph(
            f"{body.name}_backward",
            tuple(arguments),
            (*again, *backward, *added),
            tuple(outputs),
        ).without_unread()
        self.body = whole.open(0)
        self.body.name_rest()

    def _partition(
        self, backward: Sequence[Node], ends: Sequence[Wire], starts: Sequence[Wire]
    ) -> tuple[list[Node], list[Wire], set[Wire]]:
        """Return the forward nodes to compute again, the values to keep, and all forward values read."""
        read = {w for n in backward for w in n.inputs}.union(ends)
        kept: list[Wire] = []
        again: list[Node] = []
        observable = set(self.forward.outputs)
        for node in reversed(self.forward.nodes):
            if read.isdisjoint(node.outputs):
                continue
            if is_cheap(node) or not observable.issuperset(read.intersection(node.outputs)):
                again.append(node)
                read.update(node.inputs)
            else:
                kept += [w for w in node.outputs if w in read]
        kept += [w for w in starts if w in read]
        return again[::-1], kept, read


def reached(
    body: Graph, closed: int, carried: int, ends: Collection[int], wires: Iterable[Wire] = ()
) -> list[int]:
    """Return the carried values that those numbered in `ends`, and `wires`, depend on, in this step or in any
    before it; `ends` among them.
    """
    maker = {w: n for n in body.nodes for w in n.outputs}
    start = {w: i for i, w in enumerate(body.inputs[closed : closed + carried])}
    found = set(ends)
    waiting = [*wires, *(body.outputs[i] for i in found)]
    seen: set[Wire] = set()
    while waiting:
        wire = waiting.pop()
        if wire in seen:
            continue
        seen.add(wire)
        if wire in maker:
            waiting += maker[wire].inputs
        elif wire in start and start[wire] not in found:
            found.add(start[wire])
            waiting.append(body.outputs[start[wire]])
    return sorted(found)


def is_cheap(node: Node) -> bool:
    """Return whether to compute a node again costs less than to keep its result in memory."""
    traits = node.primitive.traits
    if "view" in traits or "keeps" in traits:
        return True
    return "elementwise" in traits and ("linear" in traits or node.out.spec.dtype.kind == "b")


def _is_zero(wire: Wire) -> bool:
    return wire.is_constant and not np.any(wire.constant)
