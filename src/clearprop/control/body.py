"""The body of a loop as a graph: a function traced on one step, and what it reads from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..engine.array_types import AnyArray, Tree
from ..engine.in_place import next_number, version_at
from ..engine.settings import sealed, switched
from ..engine.spec import ArraySpec
from ..engine.tensor import Tensor
from ..graph.graph import Graph
from ..graph.tracing import argument_names, argument_tensor, as_passed, build, function_name, record
from ..transforms.trees import flatten, paths


@dataclass(frozen=True)
class Body:
    """A function of containers, traced.

    The graph's inputs are what the function closes over and then the leaves of its arguments.
    """

    graph: Graph
    closed: tuple[Tensor, ...]
    """The Tensors that the function reads besides its arguments, oldest first."""
    result: Tree
    """What the function returned, with Tensors for arrays."""


def trace_body(f: Callable[..., Tree], args: Sequence[Tree]) -> Body:
    """Return the graph of `f` at arguments whose arrays are given as `ArraySpec`.

    Other leaves, such as Python's numbers, are fixed.
    """
    start = next_number()
    leaves, unflatten = flatten(tuple(args))
    places = [i for i, leaf in enumerate(leaves) if type(leaf) is ArraySpec]
    names = argument_names(f, args, [(0, *path) for path in paths(tuple(args))])
    tensors = [argument_tensor(names[i], leaves[i]) for i in places]
    for i, t in zip(places, tensors, strict=True):
        leaves[i] = t
    since = next_number()
    with switched(sealed, start):
        result, recorder = record(f, (unflatten(leaves), {}), tracing=True)
    outputs, _ = flatten(result)
    passed = as_passed(tensors, [names[i] for i in places])
    closed = closed_over(outputs, {*tensors, *passed}, since)
    graph = build(function_name(f), [*closed, *passed], outputs, recorder.array_names)
    return Body(graph, closed, result)


def united(bodies: Sequence[Body]) -> tuple[tuple[Tensor, ...], tuple[Graph, ...]]:
    """Return the Tensors that any of several functions closes over, and their graphs with inputs for all of
    these.
    """
    wires = {t: w for b in bodies for t, w in zip(b.closed, b.graph.inputs, strict=False)}
    closed = sorted(wires, key=lambda t: t.number)
    graphs = []
    for body in bodies:
        own = dict(zip(body.closed, body.graph.inputs, strict=False))
        free = [own.get(t) or wires[t].copy() for t in closed]
        arguments = body.graph.inputs[len(body.closed) :]
        graph = replace(body.graph, inputs=(*free, *arguments))
        graph.name_rest()
        graphs.append(graph)
    return tuple(closed), tuple(graphs)


def closed_over(
    outputs: Sequence[AnyArray], arguments: set[Tensor], since: int
) -> tuple[Tensor, ...]:
    """Return the Tensors made before `since`, of unknown value or with a gradient, that outputs are made
    from.
    """
    found: dict[Tensor, None] = {}
    seen: set[Tensor] = set()
    waiting = [y for y in outputs if isinstance(y, Tensor)]
    while waiting:
        t = waiting.pop()
        if t in seen or t in arguments:
            continue
        seen.add(t)
        if t.number < since:
            if t.requires_grad or type(t._value) is ArraySpec:
                found[t] = None
            continue
        waiting += [version_at(x, t.number) for x in t.inputs if isinstance(x, Tensor)]
    return tuple(sorted(found, key=lambda t: t.number))
