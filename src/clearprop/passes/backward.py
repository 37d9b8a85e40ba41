"""A forward graph and its backward pass as one graph, which knows whose gradient each wire is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..callsite import user_line
from ..engine.recorder import Origin
from ..engine.spec import ArraySpec
from ..engine.tensor import apply
from ..graph.graph import Graph, Node, Wire
from ..graph.tracing import whole_trace
from ..transforms.derivatives import vjp

_TOKEN = re.compile(r"(d?)@(\d+)(_\d+)?")


@dataclass
class Joint:
    """Forward and backward pass in one graph.

    The inputs are those of the function and then the upstream gradients, `seeds`; the outputs are
    those of the function and then `gradients`, one for each input that was asked for.
    """

    graph: Graph
    seeds: tuple[Wire, ...]
    outputs: tuple[Wire, ...]
    gradients: tuple[Wire, ...]
    gradient_of: dict[Wire, Wire] = field(default_factory=dict)
    """The forward wire whose gradient a wire is, where it is one's."""

    def mark_gradients(self) -> None:
        """Note on the wires themselves whose gradients they are: a body of a loop has no joint graph."""
        for wire, of in self.gradient_of.items():
            mark_gradient(wire, of)


def mark_gradient(wire: Wire, of: Wire) -> None:
    """Note whose gradient a wire is, if that has a name."""
    if of.is_named:
        wire.gradient_of = of.called or of.name


def with_backward(
    forward: Graph, wanted: Sequence[int], seeded: Sequence[int], read_as: Graph | None = None
) -> Joint:
    """Return the backward pass of `forward`, to the inputs `wanted` from the outputs `seeded`.

    `read_as` may say the same as `forward` with other primitives on the same wires: then its rules are
    taken, and what they leave out is left out. Blocks must be open.
    """
    read_as = read_as or forward
    wires = list(dict.fromkeys([*read_as.wires(), *forward.wires()]))
    number = {wire: i for i, wire in enumerate(wires)}
    seeds = tuple(Wire("", forward.outputs[i].spec) for i in seeded)

    def both(*leaves: Any) -> list[Any]:
        given = list(leaves[: len(forward.inputs)])

        def run(*chosen: Any) -> list[Any]:
            env: dict[Wire, Any] = {w: w.constant for w in wires if w.is_constant}
            env.update(zip(forward.inputs, given, strict=True))
            for i, x in zip(wanted, chosen, strict=True):
                env[forward.inputs[i]] = x
                x.origin = Origin(f"@{number[forward.inputs[i]]}")
            for node in read_as.nodes:
                inputs = tuple(env[w] for w in node.inputs)  # constants alone, too, are recorded
                result = apply(node.primitive, inputs, node.params)
                results = list(result) if len(node.outputs) > 1 else [result]
                for wire, value in zip(node.outputs, results, strict=True):
                    value.origin = Origin(f"@{number[wire]}", node.line)
                    env[wire] = value
                if len(node.outputs) > 1:
                    result.origin = Origin(None, node.line)
            return [env[forward.outputs[i]] for i in seeded]

        _, pullback = vjp(run, *(given[i] for i in wanted))
        return list(pullback(list(leaves[len(forward.inputs) :])))

    specs: list[ArraySpec] = [wire.spec for wire in (*forward.inputs, *seeds)]
    traced = whole_trace(both, *specs)
    return _joined(forward, read_as, traced, wires, seeds)


def _body_key(node: Node) -> tuple[Any, ...]:
    """Return what tells apart loops and choices: none but those of the forward pass have its bodies."""
    return node.primitive, *map(id, node.bodies)


def _joined(
    forward: Graph, read_as: Graph, traced: Graph, wires: list[Wire], seeds: tuple[Wire, ...]
) -> Joint:
    """Return the forward nodes as they were, followed by the backward ones of a trace."""
    known = dict(zip(traced.inputs, (*forward.inputs, *seeds), strict=True))
    constants = {id(w.constant): w for w in wires if w.is_constant and np.ndim(w.constant)}
    gradient_of: dict[Wire, Wire] = {}
    maker = {wire: node for node in read_as.nodes for wire in node.outputs}
    loops = {_body_key(node): node for node in read_as.nodes if node.bodies}
    again: set[int] = set()  # nodes of the forward pass, which the trace holds once more
    for node in traced.nodes:
        if twin := loops.get(_body_key(node)) if node.bodies else None:
            known.update(zip(node.outputs, twin.outputs, strict=True))
            again.add(
                id(node)
            )  # its results have no names where the backward pass alone reads them
            continue
        for wire in node.outputs:
            found = _TOKEN.fullmatch(wire.name)
            if found and not found[1]:
                known.update(zip(node.outputs, maker[wires[int(found[2])]].outputs, strict=True))
                again.add(id(node))
                break
    for wire in traced.wires():
        if wire in known:
            continue
        found = _TOKEN.fullmatch(wire.name)
        if found and not found[1]:
            known[wire] = wires[int(found[2])]
        elif wire.is_constant:
            known[wire] = constants.get(id(wire.constant), wire)
        else:
            new = known[wire] = Wire("", wire.spec)
            if found:
                gradient_of[new] = wires[int(found[2])]
    asked = (
        user_line()
    )  # what the sweep adds up has the line of the call that led here: none of its own
    backward = [
        replace(
            node,
            line=None if node.line == asked else node.line,
            inputs=tuple(known[w] for w in node.inputs),
            outputs=tuple(known[w] for w in node.outputs),
            is_backward=True,
        )
        for node in traced.nodes
        if id(node) not in again
    ]
    gradients = tuple(known[w] for w in traced.outputs)
    graph = replace(
        forward,
        inputs=(*forward.inputs, *seeds),
        nodes=(*forward.nodes, *backward),
        outputs=(*forward.outputs, *gradients),
        pack=None,
        unpack=None,
    )
    return Joint(graph, seeds, forward.outputs, gradients, gradient_of)
