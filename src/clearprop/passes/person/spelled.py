"""Operations that NumPy, or another library, has no function for, spelled out with those that it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any

import numpy as np

from ...errors import ClearpropError
from ...graph.graph import Graph, Node, Wire
from ...ops.indexing import Slot
from ..backward import Joint
from ..decompositions import Reader, decomposition_of
from ..decompositions.node_parts import with_body

_DEEPEST = 6


def readable(graph: Graph, *names: str) -> Graph:
    """The same computation with these primitives, or all, written out as a person writes them in NumPy."""
    nodes = tuple(
        _written_out(node, "person") if not names or node.primitive.name in names else node
        for node in (node.with_bodies(lambda body: readable(body, *names)) for node in graph.nodes)
    )
    if all(new is old for new, old in zip(nodes, graph.nodes, strict=True)):
        return graph
    return _inlined(replace(graph, nodes=nodes))


def spelled(joint: Joint, has: Callable[[Node], bool]) -> Joint:
    """The same computation in operations for which `has` is true, as far as others can be spelled out."""
    graph = _spelled(joint.graph, has)
    if graph is joint.graph:
        return joint
    count = len(joint.outputs)
    return replace(
        joint, graph=graph, outputs=graph.outputs[:count], gradients=graph.outputs[count:]
    )


def _spelled(graph: Graph, has: Callable[[Node], bool]) -> Graph:
    graph = _folded(graph)
    for _ in range(_DEEPEST):
        nodes = tuple(node if has(node) else _written_out(node, "source") for node in graph.nodes)
        if all(node.body is None for node in nodes):
            break
        graph = _folded(_inlined(replace(graph, nodes=nodes)))
    nodes = tuple(node.with_bodies(lambda body: _spelled(body, has)) for node in graph.nodes)
    if all(new is old for new, old in zip(nodes, graph.nodes, strict=True)):
        return graph
    return replace(graph, nodes=nodes)


def _inlined(graph: Graph) -> Graph:
    """Decompositions in place of their nodes; what they call their values is no name of the user's."""
    mine = set(graph.wires())
    graph = graph.in_parts(attrgetter("body"))
    for wire in graph.wires():
        if wire not in mine and not wire.is_constant:
            wire.is_named = False
    return graph


_OF_NUMBERS = ("astype", "real", "imag", "conj", "negative")


def _folded(graph: Graph) -> Graph:
    """Numbers that are converted, as what they become: libraries' numbers have no methods."""
    known: dict[Wire, Wire] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        node = replace(node, inputs=tuple(known.get(w, w) for w in node.inputs))
        name = node.primitive.name
        folds = name in _OF_NUMBERS or (
            "elementwise" in node.primitive.traits and node.outputs[0].spec.dtype.kind in "bc"
        )
        if folds and all(w.is_constant and not w.spec.shape for w in node.inputs):
            value = node.primitive.forward(
                *(np.asarray(w.constant)[()] for w in node.inputs), **node.params
            )
            known[node.out] = Wire("", node.out.spec, value)
        else:
            nodes.append(node)
    if not known:
        return graph
    outputs = tuple(known.get(w, w) for w in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def can_be_spelled(node: Node, has: Callable[[Node], bool], deepest: int = _DEEPEST) -> bool:
    """Whether an operation can be written with those for which `has` is true."""
    if has(node):
        return True
    body = _written_out(node, "source").body if deepest else None
    return body is not None and all(can_be_spelled(n, has, deepest - 1) for n in body.nodes)


def _with_numbers(function: Callable[..., Any], node: Node) -> Callable[..., Any]:
    """The function with the numbers that are known, such as an order, and index arrays in their places."""
    numbers = {
        i: w.constant
        for i, w in enumerate(node.inputs)
        if w.is_constant
        and (not w.spec.shape or (w.spec.dtype.kind in "biu" and _is_index(node, i)))
    }

    def filled(*inputs: Any, **params: Any) -> Any:
        return function(*(numbers.get(i, x) for i, x in enumerate(inputs)), **params)

    return filled if numbers else function


def _is_index(node: Node, number: int) -> bool:
    """Whether an input is an array that an index names."""
    slots = [part for part in node.params.get("index", ()) if isinstance(part, Slot)]
    return number >= len(node.inputs) - len(slots)


def _written_out(node: Node, reader: Reader) -> Node:
    function = decomposition_of(node, reader)
    if function is None:
        return node
    examples = [w.constant if w.is_constant else w.spec for w in node.inputs]
    try:
        return with_body(node, _with_numbers(function, node), examples)
    except (ClearpropError, NotImplementedError):
        return node  # it does not apply to these
