"""A choice as one operation: branches are graphs, of which a number picks the one that is computed.

The inputs are the number (or a truth value) and what the branches read; each branch has an input for all of
that, whether it reads it or not. A number beyond the last branch picks the last one, one below zero the
first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.backprop import conjugate
from ..engine.bundle import alone
from ..engine.primitive import Call, Primitive, together
from ..engine.spec import is_floating
from ..graph.graph import Graph, Node, Wire
from ..ops.bundles import results_of
from ..passes.backward import with_backward
from .loop_gradient import asks_gradient


def _forward(index: AnyArray, *inputs: AnyArray, branches: tuple[Graph, ...]) -> AnyArray:
    body = branches[min(max(int(index), 0), len(branches) - 1)]
    env = body.run(
        [np.asarray(x, w.spec.dtype)[()] for x, w in zip(inputs, body.inputs, strict=True)]
    )
    made = {wire for node in body.nodes for wire in node.outputs}
    results = [(np.asarray(env[w], w.spec.dtype), w in made) for w in body.outputs]
    return alone([y[()] if is_new and y.base is None else y.copy()[()] for y, is_new in results])


def _spec(index: AnyArray, *inputs: AnyArray, branches: tuple[Graph, ...]) -> AnyArray:
    return alone([w.spec for w in branches[0].outputs])


def _vjp(
    g: AnyArray, out: AnyArray, index: AnyArray, *inputs: AnyArray, branches: tuple[Graph, ...]
) -> tuple[AnyArray, ...]:
    """Return the gradient of each input: a choice among the backward passes of the branches."""
    upstream = {i: gy for i, gy in enumerate(results_of(g)) if gy is not None}
    found: list[AnyArray] = [None] * (1 + len(inputs))
    wires = branches[0].inputs
    wanted = [
        i for i, x in enumerate(inputs) if is_floating(wires[i].spec.dtype) and asks_gradient(x)
    ]
    if not upstream or not wanted:
        return tuple(found)
    bodies = [_backward(branch.open(), wanted, list(upstream)) for branch in branches]
    given = [*inputs, *map(conjugate, upstream.values())]
    used = used_inputs(bodies)
    made = choice(
        index, *(given[i] for i in used), branches=tuple(_reading(body, used) for body in bodies)
    )
    for i, d in zip(wanted, results_of(made), strict=True):
        found[1 + i] = conjugate(d)
    return tuple(found)


def _backward(branch: Graph, wanted: Sequence[int], seeded: Sequence[int]) -> Graph:
    """Return the backward pass of a branch, which computes again what it needs of the forward pass."""
    joint = with_backward(branch, wanted, seeded)
    joint.mark_gradients()
    whole = replace(joint.graph, name=f"{branch.name}_backward", outputs=joint.gradients)
    body = whole.without_unread()
    body.name_rest()
    return body


def used_inputs(branches: Sequence[Graph]) -> list[int]:
    """Return the numbers of the inputs that any of the branches reads."""
    used = set[int]()
    for branch in branches:
        read = {w for node in branch.nodes for w in node.inputs}.union(branch.outputs)
        used.update(i for i, w in enumerate(branch.inputs) if w in read)
    return sorted(used)


def _reading(branch: Graph, used: Sequence[int]) -> Graph:
    """Return a branch with these of its inputs only."""
    return replace(branch, inputs=tuple(branch.inputs[i] for i in used))


def _pruned(node: Node, read: Collection[Wire]) -> Node:
    """Return the choice without results that nobody reads, and without what is needed for those alone."""
    kept = [i for i, w in enumerate(node.outputs) if w in read]
    smaller = [
        replace(branch, outputs=tuple(branch.outputs[i] for i in kept)).without_unread()
        for branch in node.params["branches"]
    ]
    used = used_inputs(smaller)
    index, *inputs = node.inputs
    return replace(
        node,
        inputs=(index, *(inputs[i] for i in used)),
        outputs=tuple(node.outputs[i] for i in kept),
        params={"branches": tuple(_reading(branch, used) for branch in smaller)},
    )


def _itself() -> Primitive:
    return choice


choice = Primitive(
    "switch",
    _forward,
    _spec,
    together(_vjp),
    "mixes",
    "The gradient goes back through the branch that was taken; what the others read gets none from them.",
    Call("switch"),
    found_by=lambda: (_itself, ()),
    pruned=_pruned,
)
