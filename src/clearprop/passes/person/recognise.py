"""Recognising what people know by name, so that its gradient is the one they know.

Each rule looks at one node of the forward pass and answers with a composite that gives the same value;
the backward pass is then derived from the composite. The forward pass stays as it was written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...engine.primitive import Primitive, primitives
from ...graph.graph import Graph, Node, Wire
from ..algebra import Made
from . import composite_gradients
from .matching import Sight, Spread, is_one

Note = Callable[[str, Node, Node, Made], None]
Known = Callable[[Node, Sight], Node | None]

_KNOWN: list[Known] = []


def known(function: Known) -> Known:
    """Add the decorated function as a rule."""
    _KNOWN.append(function)
    return function


def read_as_known(graph: Graph, note: Note, *, ties: bool = True) -> Graph:
    """Return the same values on the same wires, with chains of gates read as what people call them.

    With `ties`, also where that differs at a kink.
    """
    sight = Sight()
    nodes = []
    for node in graph.nodes:
        found = None
        if not node.is_backward and len(node.outputs) == 1:
            sight.made[node.out] = node
            for rule in _KNOWN:
                if rule is deviation and not ties:
                    continue
                if (found := rule(node, sight)) is not None:
                    note(rule.__name__, node, found, sight.made)
                    break
        nodes.append(found or node)
    return without_unread(replace(graph, nodes=tuple(nodes)))


def without_unread(graph: Graph) -> Graph:
    """Return the graph without nodes that nobody reads."""
    read = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if any(wire in read for wire in node.outputs):
            kept.append(node)
            read.update(node.inputs)
    return replace(graph, nodes=tuple(reversed(kept)))


def _as(node: Node, primitive: Primitive, *inputs: Wire, **params: object) -> Node:
    return replace(node, primitive=primitive, inputs=inputs, params=params, body=None)


@known
def standardised(node: Node, sight: Sight) -> Node | None:
    """(x - mean) * (variance + eps)**-0.5, or / sqrt(variance + eps), is x standardised."""
    if node.primitive not in (primitives.multiply, primitives.divide):
        return None
    is_product = node.primitive is primitives.multiply
    for c, r in (node.inputs, node.inputs[::-1])[: 2 if is_product else 1]:
        of = sight.centred(c)
        found = sight.inverse_deviation(r) if is_product else sight.deviation(r)
        if of and found and found.of is of[0] and found.axes == of[1] and sight.stands_for(r, *of):
            kind = (
                composite_gradients.standardised
                if is_product
                else composite_gradients.standardised_by
            )
            return _as(node, kind, of[0], r, axis=of[1], divisor=found.divisor)
    return None


@known
def variance(node: Node, sight: Sight) -> Node | None:
    """The mean of the squares of x - mean is the variance of x: the mean's own gradient cancels."""
    if sight.base(node.out) is not node.out:
        return None
    found = sight.spread(node.out)
    if found is None:
        return None
    if found.centred is None:
        return _spread(node, composite_gradients.variance_of, found)
    params = {"axis": found.axes, "divisor": found.divisor, "spec": node.out.spec}
    return _as(node, composite_gradients.variance, found.of, found.centred, **params)


@known
def deviation(node: Node, sight: Sight) -> Node | None:
    """The deviation of x, where it is not zero."""
    if node.primitive is not primitives.std:
        return None
    found = sight.deviation(node.out)
    return _spread(node, composite_gradients.deviation, found) if found else None


def _spread(node: Node, kind: Primitive, found: Spread) -> Node:
    params = {"axis": found.axes, "divisor": found.divisor, "spec": node.out.spec}
    return _as(node, kind, found.of, **params)


@known
def softmax(node: Node, sight: Sight) -> Node | None:
    """exp(x - m) / sum(exp(x - m)) is softmax(x), whatever m is."""
    parts = sight.quotient(node.out)
    if parts is None:
        return None
    z, total = sight.exponent(parts[0]), sight.sum_of_exponentials(parts[1])
    if (
        z is None
        or total is None
        or total[0] is not z
        or not sight.stands_for(parts[1], z, total[1])
    ):
        return None
    return _as(node, primitives.softmax, sight.shift(z, total[1])[0], axis=total[1])


@known
def log_softmax(node: Node, sight: Sight) -> Node | None:
    """log(softmax(x)), and z - log(sum(exp(z))), are log_softmax(x)."""
    if node.primitive is primitives.log:
        p = sight.made.get(node.inputs[0])
        found = p and (p if p.primitive is primitives.softmax else softmax(p, sight))
        return _as(node, primitives.log_softmax, *found.inputs, **found.params) if found else None
    if node.primitive is not primitives.subtract:
        return None
    z, below = node.inputs
    log = sight.by(sight.base(below), "log")
    total = sight.sum_of_exponentials(log.inputs[0]) if log else None
    if total is None or total[0] is not z or not sight.stands_for(below, z, total[1]):
        return None
    return _as(node, primitives.log_softmax, sight.shift(z, total[1])[0], axis=total[1])


@known
def log_sum_exp(node: Node, sight: Sight) -> Node | None:
    """m + log(sum(exp(x - m))) is log(sum(exp(x))), whatever m is."""
    if node.primitive is primitives.logsumexp:
        params = {"axis": node.params["axis"], "spec": node.out.spec}
        return _as(node, composite_gradients.log_sum_exp, node.inputs[0], **params)
    if node.primitive is not primitives.add:
        return None
    for m, other in (node.inputs, node.inputs[::-1]):
        log = sight.by(sight.base(other), "log")
        total = sight.sum_of_exponentials(log.inputs[0]) if log else None
        if total:
            x, shift = sight.shift(*total)
            size = node.out.spec.size
            if shift is not None and sight.base(shift) is sight.base(m) and m.spec.size == size:
                params = {"axis": total[1], "spec": node.out.spec}
                return _as(node, composite_gradients.log_sum_exp, x, **params)
    return None


def _logistic_of(node: Node | None, sight: Sight) -> tuple[Wire, int] | None:
    """x and its sign where the node makes 1 / (1 + exp(-x)), or exp(x) / (1 + exp(x))."""
    if node is None:
        return None
    if node.primitive is primitives.sigmoid:
        return node.inputs[0], 1
    if (below := sight.inverse(node.out)) is not None:
        z = sight.exponent(sight.one_plus(below) or below)
        if z is None or below.spec != node.out.spec or sight.one_plus(below) is None:
            return None
        factor, x = sight.scaled(z)
        return (x, 1) if is_one(-factor) else (z, -1)
    parts = sight.quotient(node.out)
    if parts and sight.exponent(parts[0]) and sight.one_plus(parts[1]) is parts[0]:
        z = sight.exponent(parts[0])
        return (z, 1) if z is not None else None
    return None


@known
def logistic(node: Node, sight: Sight) -> Node | None:
    """1 / (1 + exp(-x)) is the logistic function, whose slope is s * (1 - s)."""
    if node.primitive is primitives.sigmoid:
        return None
    found = _logistic_of(node, sight)
    return _as(node, composite_gradients.logistic, found[0], sign=found[1]) if found else None


@known
def log_logistic(node: Node, sight: Sight) -> Node | None:
    """log(s) has the slope 1 - s, and log(1 - s) the slope -s, where s is a logistic function of x."""
    if node.primitive is not primitives.log:
        return None
    (p,) = node.inputs
    found = _logistic_of(sight.made.get(p), sight)
    if found and found[1] == 1:
        return _as(node, composite_gradients.log_logistic, found[0], p)
    other = sight.one_minus(p)
    found = _logistic_of(sight.made.get(other), sight) if other else None
    if found and other and found[1] == 1:
        return _as(node, composite_gradients.log_one_minus_logistic, found[0], other)
    return None


@known
def softplus(node: Node, sight: Sight) -> Node | None:
    """log(1 + exp(x)) has the logistic function as its slope."""
    x = None
    if node.primitive is primitives.log:
        inner = sight.one_plus(node.inputs[0])
        x = inner and sight.exponent(inner)
    elif node.primitive is primitives.log1p:
        x = sight.exponent(node.inputs[0])
    return _as(node, composite_gradients.softplus, x) if x else None
