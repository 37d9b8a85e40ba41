"""Logarithms of logistic functions, and of 1 + exp(x), without overflow and loss of digits."""

from __future__ import annotations

from dataclasses import replace

from ...engine.primitive import primitives
from ...graph.graph import Graph, Node, Wire
from . import composite_gradients
from .matching import Matcher
from .recognise import log_logistic, softplus
from .rewriting import Note

_NEGATIVE, _LOGADDEXP = primitives.negative, primitives.logaddexp
_CHAINS = {
    composite_gradients.softplus: (_LOGADDEXP,),
    composite_gradients.log_logistic: (_NEGATIVE, _LOGADDEXP, _NEGATIVE),
    composite_gradients.log_one_minus_logistic: (_LOGADDEXP, _NEGATIVE),
}
"""What each does to x, one operation after the other; logaddexp adds exp(0)."""


def stable(graph: Graph, note: Note) -> Graph:
    """The same computation with the stable forms."""
    matcher = Matcher()
    nodes: list[Node] = []
    for node in graph.nodes:
        found = None
        if len(node.outputs) == 1:
            matcher.made[node.out] = node
            found = log_logistic(node, matcher) or softplus(node, matcher)
        if found is None:
            nodes.append(node)
            continue
        parts = _parts(node, found)
        kind = "softplus" if found.primitive is composite_gradients.softplus else "log_logistic"
        note(f"stable_{kind}", node, parts, matcher.made)
        nodes += parts
    return replace(graph, nodes=tuple(nodes))


def _parts(node: Node, found: Node) -> tuple[Node, ...]:
    x = found.inputs[0]
    zero = Wire("", x.spec, 0)
    parts: list[Node] = []
    for primitive in _CHAINS[found.primitive]:
        inputs = (zero, x) if primitive is _LOGADDEXP else (x,)
        x = Wire("", x.spec)
        parts.append(Node(primitive, inputs, (x,), {}, node.line))
    parts[-1] = replace(parts[-1], outputs=node.outputs)
    return tuple(parts)
