"""Nodes that hold what they decompose into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ...graph.graph import Node
from ...graph.tracing import trace_parts


def with_body(node: Node, function: Callable[..., Any], examples: Sequence[Any]) -> Node:
    """The node with a function, traced on inputs like these, as its parts; they answer the node's line."""
    body = trace_parts(node.primitive.name, function, examples, node.params)
    body.nodes = tuple(
        replace(part, line=node.line, is_backward=node.is_backward) for part in body.nodes
    )
    return replace(node, body=body)
