"""Logarithms of logistic functions, and of 1 + exp(x), without overflow and loss of digits."""

from __future__ import annotations

from dataclasses import replace

from ...engine.primitive import Primitive, primitives
from ...graph.graph import Node, Wire
from ..matching import Context
from ..rule import Found, rule
from . import composite_gradients, recognise

_NEGATIVE, _LOGADDEXP = primitives.negative, primitives.logaddexp
_CHAINS: dict[Primitive, tuple[Primitive, ...]] = {
    composite_gradients.softplus: (_LOGADDEXP,),
    composite_gradients.log_logistic: (_NEGATIVE, _LOGADDEXP, _NEGATIVE),
    composite_gradients.log_one_minus_logistic: (_LOGADDEXP, _NEGATIVE),
}
"""What each does to x, one operation after the other; logaddexp adds exp(0)."""


@rule("range", "stable", at="log")
def stable_log_logistic(node: Node, context: Context) -> Found:
    """log(1 / (1 + exp(-x))) -> -logaddexp(0, -x)."""
    return _chain(node, recognise.log_logistic(node, context))


@rule("range", "stable", at="log log1p")
def stable_softplus(node: Node, context: Context) -> Found:
    """log(1 + exp(x)) -> logaddexp(0, x)."""
    return _chain(node, recognise.softplus(node, context))


def _chain(node: Node, known: Node | None) -> Found:
    """Return what computes the value that is known by name, of real numbers."""
    if known is None or node.out.spec.dtype.kind == "c":
        return None
    x = known.inputs[0]
    zero = Wire("", x.spec, 0)
    parts: list[Node] = []
    for primitive in _CHAINS[known.primitive]:
        inputs = (zero, x) if primitive is _LOGADDEXP else (x,)
        x = Wire("", x.spec)
        parts.append(Node(primitive, inputs, (x,), {}, node.line))
    parts[-1] = replace(parts[-1], outputs=node.outputs)
    return tuple(parts)
