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
from .matching import Matcher, Spread, is_one

Note = Callable[[str, Node, Node, Made], None]
Known = Callable[[Node, Matcher], Node | None]

_KNOWN: list[Known] = []


def known(function: Known) -> Known:
    """Add the decorated function as a rule."""
    _KNOWN.append(function)
    return function


def read_as_known(graph: Graph, note: Note, *, ties: bool = True) -> Graph:
    """Return the same values on the same wires, with chains of gates read as what people call them.

    With `ties`, also where that differs at a kink.
    """
    matcher = Matcher()
    nodes = []
    for node in graph.nodes:
        found = None
        if not node.is_backward and len(node.outputs) == 1:
            matcher.made[node.out] = node
            for rule in _KNOWN:
                if rule is deviation and not ties:
                    continue
                if (found := rule(node, matcher)) is not None:
                    note(rule.__name__, node, found, matcher.made)
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
def standardised(node: Node, matcher: Matcher) -> Node | None:
    """(x - mean) * (variance + eps)**-0.5, or / sqrt(variance + eps), is x standardised."""
    if node.primitive not in (primitives.multiply, primitives.divide):
        return None
    is_product = node.primitive is primitives.multiply
    for c, r in (node.inputs, node.inputs[::-1])[: 2 if is_product else 1]:
        of = matcher.centred(c)
        found = matcher.inverse_deviation(r) if is_product else matcher.deviation(r)
        if (
            of
            and found
            and found.of is of[0]
            and found.axes == of[1]
            and matcher.stands_for(r, *of)
        ):
            kind = (
                composite_gradients.standardised
                if is_product
                else composite_gradients.standardised_by
            )
            return _as(node, kind, of[0], r, axis=of[1], divisor=found.divisor)
    return None


@known
def variance(node: Node, matcher: Matcher) -> Node | None:
    """The mean of the squares of x - mean is the variance of x: the mean's own gradient cancels."""
    if matcher.base(node.out) is not node.out:
        return None
    found = matcher.spread(node.out)
    if found is None:
        return None
    if found.centred is None:
        return _spread(node, composite_gradients.variance_of, found)
    params = {"axis": found.axes, "divisor": found.divisor, "spec": node.out.spec}
    return _as(node, composite_gradients.variance, found.of, found.centred, **params)


@known
def deviation(node: Node, matcher: Matcher) -> Node | None:
    """The deviation of x, where it is not zero."""
    if node.primitive is not primitives.std:
        return None
    found = matcher.deviation(node.out)
    return _spread(node, composite_gradients.deviation, found) if found else None


def _spread(node: Node, kind: Primitive, found: Spread) -> Node:
    params = {"axis": found.axes, "divisor": found.divisor, "spec": node.out.spec}
    return _as(node, kind, found.of, **params)


@known
def softmax(node: Node, matcher: Matcher) -> Node | None:
    """exp(x - m) / sum(exp(x - m)) is softmax(x), whatever m is."""
    parts = matcher.quotient(node.out)
    if parts is None:
        return None
    z, total = matcher.exponent(parts[0]), matcher.sum_of_exponentials(parts[1])
    if (
        z is None
        or total is None
        or total[0] is not z
        or not matcher.stands_for(parts[1], z, total[1])
    ):
        return None
    return _as(node, primitives.softmax, matcher.shift(z, total[1])[0], axis=total[1])


@known
def log_softmax(node: Node, matcher: Matcher) -> Node | None:
    """log(softmax(x)), and z - log(sum(exp(z))), are log_softmax(x)."""
    if node.primitive is primitives.log:
        p = matcher.made.get(node.inputs[0])
        found = p and (p if p.primitive is primitives.softmax else softmax(p, matcher))
        return _as(node, primitives.log_softmax, *found.inputs, **found.params) if found else None
    if node.primitive is not primitives.subtract:
        return None
    z, below = node.inputs
    log = matcher.by(matcher.base(below), "log")
    total = matcher.sum_of_exponentials(log.inputs[0]) if log else None
    if total is None or total[0] is not z or not matcher.stands_for(below, z, total[1]):
        return None
    return _as(node, primitives.log_softmax, matcher.shift(z, total[1])[0], axis=total[1])


@known
def log_sum_exp(node: Node, matcher: Matcher) -> Node | None:
    """m + log(sum(exp(x - m))) is log(sum(exp(x))), whatever m is."""
    if node.primitive is primitives.logsumexp:
        params = {"axis": node.params["axis"], "spec": node.out.spec}
        return _as(node, composite_gradients.log_sum_exp, node.inputs[0], **params)
    if node.primitive is not primitives.add:
        return None
    for m, other in (node.inputs, node.inputs[::-1]):
        log = matcher.by(matcher.base(other), "log")
        total = matcher.sum_of_exponentials(log.inputs[0]) if log else None
        if total:
            x, shift = matcher.shift(*total)
            size = node.out.spec.size
            if shift is not None and matcher.base(shift) is matcher.base(m) and m.spec.size == size:
                params = {"axis": total[1], "spec": node.out.spec}
                return _as(node, composite_gradients.log_sum_exp, x, **params)
    return None


def _logistic_of(node: Node | None, matcher: Matcher) -> tuple[Wire, int] | None:
    """x and its sign where the node makes 1 / (1 + exp(-x)), or exp(x) / (1 + exp(x))."""
    if node is None:
        return None
    if node.primitive is primitives.sigmoid:
        return node.inputs[0], 1
    if (below := matcher.inverse(node.out)) is not None:
        z = matcher.exponent(matcher.one_plus(below) or below)
        if z is None or below.spec != node.out.spec or matcher.one_plus(below) is None:
            return None
        factor, x = matcher.scaled(z)
        return (x, 1) if is_one(-factor) else (z, -1)
    parts = matcher.quotient(node.out)
    if parts and matcher.exponent(parts[0]) and matcher.one_plus(parts[1]) is parts[0]:
        z = matcher.exponent(parts[0])
        return (z, 1) if z is not None else None
    return None


@known
def logistic(node: Node, matcher: Matcher) -> Node | None:
    """1 / (1 + exp(-x)) is the logistic function, whose slope is s * (1 - s)."""
    if node.primitive is primitives.sigmoid:
        return None
    found = _logistic_of(node, matcher)
    return _as(node, composite_gradients.logistic, found[0], sign=found[1]) if found else None


@known
def log_logistic(node: Node, matcher: Matcher) -> Node | None:
    """log(s) has the slope 1 - s, and log(1 - s) the slope -s, where s is a logistic function of x."""
    if node.primitive is not primitives.log:
        return None
    (p,) = node.inputs
    found = _logistic_of(matcher.made.get(p), matcher)
    if found and found[1] == 1:
        return _as(node, composite_gradients.log_logistic, found[0], p)
    other = matcher.one_minus(p)
    found = _logistic_of(matcher.made.get(other), matcher) if other else None
    if found and other and found[1] == 1:
        return _as(node, composite_gradients.log_one_minus_logistic, found[0], other)
    return None


@known
def softplus(node: Node, matcher: Matcher) -> Node | None:
    """log(1 + exp(x)) has the logistic function as its slope."""
    x = None
    if node.primitive is primitives.log:
        inner = matcher.one_plus(node.inputs[0])
        x = inner and matcher.exponent(inner)
    elif node.primitive is primitives.log1p:
        x = matcher.exponent(node.inputs[0])
    return _as(node, composite_gradients.softplus, x) if x else None
