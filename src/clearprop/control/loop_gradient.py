"""The backward pass of a loop: a loop in the other direction, over what the forward loop has kept.

Derived from the body's joint graph. A step of the backward loop reads the values of its forward step: those
that are dear were collected by the forward loop, the others it computes again. It carries the gradients of
the carried values, and the sums of the gradients of what all steps read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.primitive import primitives
from ..engine.spec import is_floating
from ..engine.tensor import Tensor
from ..graph.graph import Graph, Node, Wire
from ..passes.backward import mark_gradient, with_backward


class Gradient:
    """The body of a backward loop, and what its inputs and outputs are."""

    def __init__(
        self,
        body: Graph,
        closed: int,
        carried: int,
        inputs: Sequence[AnyArray],
        ends: Collection[int],
        stacked: Collection[int],
        recompute: bool,
    ) -> None:
        self.forward = body
        self.recompute = recompute
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
            and (i - closed in live if closed <= i < closed + carried else asks_gradient(x))
        ]
        self.stacked = list(stacked)
        joint = with_backward(body, wanted, [*live, *self.stacked])
        joint.mark_gradients()
        gradients = dict(zip(wanted, joint.gradients, strict=True))
        seeds = dict(zip([*live, *self.stacked], joint.seeds, strict=True))
        self.carries = {i: seeds[i] for i in live}
        """The seed of each carried value whose gradient is carried back."""
        gains = {i: w for i, w in gradients.items() if i < closed and not is_zero(w)}
        self.products = {} if recompute else products_of(joint.graph, gains, body.inputs[:closed])
        """By input: gradients that are matrix products of what the steps make, taken once for all steps."""
        entries = {i: w for i, w in gradients.items() if i >= closed + carried and not is_zero(w)}
        totals = {
            i: Wire(f"d{body.inputs[i].name}", w.spec)
            for i, w in gains.items()
            if i not in self.products
        }
        self.summed = {w: i for i, w in totals.items()}
        """The sum so far of each other gradient of what all steps read."""
        added = [
            Node(primitives.add, (totals[i], gains[i]), (Wire("", w.spec),), is_backward=True)
            for i, w in totals.items()
        ]
        for i, seed in self.carries.items():
            mark_gradient(seed, starts[i])
            mark_gradient(seed, body.outputs[i])
        for w, i in self.summed.items():
            mark_gradient(w, body.inputs[i])
        backward = (*joint.graph.nodes[len(body.nodes) :], *added)
        factors = dict.fromkeys(w for product in self.products.values() for w in product.factors)
        read_entries = body.inputs[closed + carried :]
        kept = [w for w in factors if w in starts or w in body.outputs[carried:]]
        handed_out = (w for w in factors if w not in kept and w not in read_entries)
        self.collected = [*entries.values(), *handed_out]
        """What each step hands out: gradients of entries, then factors of products."""
        self.entry_gradients = list(entries)
        outputs = [gradients[closed + i] for i in live] + [node.out for node in added]
        outputs += self.collected
        needed = replace(joint.graph, nodes=backward, outputs=tuple(outputs)).without_unread().nodes
        again, self.saved, read = self._partition(needed, outputs, starts, kept)
        self.closed = [i for i in range(closed) if body.inputs[i] in read]
        self.entries = [i for i in range(closed + carried, len(inputs)) if body.inputs[i] in read]
        arguments = [body.inputs[i] for i in self.closed]
        arguments += [*self.carries.values(), *totals.values(), *self.saved]
        arguments += [*(body.inputs[i] for i in self.entries), *(seeds[i] for i in self.stacked)]
        nodes, name = (*again, *needed), f"{body.name}_backward"
        self.body = Graph(name, tuple(arguments), nodes, tuple(outputs)).open(0)
        self.body.name_rest()

    def _partition(
        self,
        backward: Sequence[Node],
        ends: Sequence[Wire],
        starts: Sequence[Wire],
        factors: Sequence[Wire],
    ) -> tuple[list[Node], list[Wire], set[Wire]]:
        """Return the forward nodes to compute again, the values to keep, and all forward values read.

        Factors are wanted for all steps at once, so they are kept.
        """
        read = {w for n in backward for w in n.inputs}.union(ends)
        kept: list[Wire] = []
        again: list[Node] = []
        observable = set(self.forward.outputs)
        for node in reversed(self.forward.nodes):
            wanted = {w for w in node.outputs if w in read or w in factors}
            if not wanted:
                continue
            is_kept = not (is_cheap(node) or self.recompute) or not wanted.isdisjoint(factors)
            if is_kept and observable.issuperset(wanted):
                kept += [w for w in node.outputs if w in wanted]
            else:
                again.append(node)
                read.update(node.inputs)
        kept += [w for w in starts if w in read or w in factors]
        return again[::-1], kept, read


class Product(NamedTuple):
    """Factors in each step of a matrix product that is added up over all steps.

    `left` is (m,) and `right` (n,) for an outer product; else (m, k), or its transpose, and (k, n).
    """

    left: Wire
    right: Wire
    is_transposed: bool

    @property
    def factors(self) -> tuple[Wire, Wire]:
        return self.left, self.right

    def over_all_steps(self, left: AnyArray, right: AnyArray) -> AnyArray:
        """Return the sum over the first axis of both, which the steps have collected."""
        if left.ndim == 2:
            return np.matmul(np.transpose(left), right)
        rows, columns = left.shape[-2:] if self.is_transposed else left.shape[:0:-1]
        if not self.is_transposed:
            left = np.transpose(left, (0, 2, 1))
        steps = left.shape[0]
        left = np.reshape(left, (steps * rows, columns))
        return np.matmul(np.transpose(left), np.reshape(right, (steps * rows, right.shape[-1])))


def products_of(
    graph: Graph, gains: dict[int, Wire], fixed: Collection[Wire]
) -> dict[int, Product]:
    """Return those gradients that are outer products, or products of two matrices, of real numbers, none of
    them `fixed` for all steps.
    """
    maker = {w: n for n in graph.nodes for w in n.outputs}

    def vector(wire: Wire, axis: int) -> Wire | None:
        node = maker.get(wire)
        if node is None or node.primitive is not primitives.expand_dims:
            return None
        (x,) = node.inputs
        return x if x.spec.ndim == 1 and node.params["axis"] == (axis,) else None

    found: dict[int, Product] = {}
    for i, wire in gains.items():
        node = maker.get(wire)
        if node is None or wire.spec.ndim != 2 or wire.spec.dtype.kind != "f":
            continue
        if any(w.spec.dtype != wire.spec.dtype or w.is_constant for w in node.inputs):
            continue
        if node.primitive is primitives.multiply:
            left, right = (vector(w, axis) for w, axis in zip(node.inputs, (1, 0), strict=True))
            if left is not None and right is not None:
                found[i] = Product(left, right, True)
        elif node.primitive is primitives.matmul:
            x, y = node.inputs
            turned = maker.get(x)
            if turned is not None and turned.primitive is primitives.transpose:
                found[i] = Product(turned.inputs[0], y, True)
            else:
                found[i] = Product(x, y, False)
    return {
        i: p for i, p in found.items() if not any(w.is_constant or w in fixed for w in p.factors)
    }


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


def asks_gradient(x: AnyArray) -> bool:
    """Return whether a gradient of an input may be asked for: a rule that gets plain values cannot tell."""
    return not isinstance(x, Tensor) or x.requires_grad


def is_cheap(node: Node) -> bool:
    """Return whether to compute a node again costs less than to keep its result in memory."""
    traits = node.primitive.traits
    if "view" in traits or "keeps" in traits:
        return True
    return "elementwise" in traits and ("linear" in traits or node.out.spec.dtype.kind == "b")


def is_zero(wire: Wire) -> bool:
    """Return whether a wire is known to hold nothing but zeros."""
    return wire.is_constant and not np.any(wire.constant)
