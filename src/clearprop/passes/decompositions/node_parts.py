"""Nodes that hold what they decompose into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ...graph.graph import Graph, Node
from ...graph.tracing import trace_parts


def with_body(node: Node, function: Callable[..., Any], examples: Sequence[Any]) -> Node:
    """The node with a function, traced on inputs like these, as its parts; they answer the node's line."""
    body = trace_parts(node.primitive.name, function, examples, node.params)
    return replace(node, body=answering(body, node))


def answering(body: Graph, node: Node) -> Graph:
    """The same graph, its nodes answering the line of a node that it is the parts of."""
    parts = tuple(
        replace(part, line=node.line, is_backward=node.is_backward) for part in body.nodes
    )
    return replace(body, nodes=parts)
