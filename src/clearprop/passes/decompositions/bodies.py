"""Nodes that hold their parts, and graphs with the parts in place of such nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ...graph.graph import Graph, Node, Wire
from ...graph.tracing import trace_parts


def with_body(node: Node, function: Callable[..., Any], examples: Sequence[Any]) -> Node:
    """The node with a function, traced on inputs like these, as its parts; they answer the node's line."""
    body = trace_parts(node.primitive.name, function, examples, node.params)
    body.nodes = tuple(
        replace(part, line=node.line, is_backward=node.is_backward) for part in body.nodes
    )
    return replace(node, body=body)


def inlined(graph: Graph) -> Graph:
    """Bodies in place of their nodes; the wires of the graph stay the same."""
    nodes: list[Node] = []
    stand_in: dict[Wire, Wire] = {}
    for node in graph.nodes:
        node = replace(node, inputs=tuple(stand_in.get(w, w) for w in node.inputs))
        if node.body is None:
            nodes.append(node)
            continue
        known = dict(zip(node.body.inputs, node.inputs, strict=True))
        for inside, outside in zip(node.body.outputs, node.outputs, strict=True):
            if inside in known or inside.is_constant:
                stand_in[outside] = known.get(inside, inside)
            else:
                known[inside] = outside
        for part in node.body.nodes:
            for wire in (*part.inputs, *part.outputs):
                if wire not in known:
                    known[wire] = wire.copy()
                    known[wire].is_named = known[wire].is_named and wire.is_constant
            inputs = tuple(known[w] for w in part.inputs)
            outputs = tuple(known[w] for w in part.outputs)
            nodes.append(replace(part, inputs=inputs, outputs=outputs))
    outputs = tuple(stand_in.get(w, w) for w in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)
