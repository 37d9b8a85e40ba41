"""Recognising what people know by name, so that its gradient is the one they know.

Each rule looks at one node of the forward pass and answers with a composite that gives the same value;
the backward pass is then derived from the composite. The forward pass stays as it was written.
"""

from __future__ import annotations

from ...engine.primitive import Primitive, primitives
from ...graph.graph import Node, Wire
from ..matching import Context, Spread, is_one
from ..rule import made_anew, rule
from . import composite_gradients


@rule("rounding", "known", at="multiply divide")
def standardised(node: Node, context: Context) -> Node | None:
    """(x - mean) * (variance + eps)**-0.5, or / sqrt(variance + eps), is x standardised."""
    is_product = node.primitive is primitives.multiply
    for c, r in (node.inputs, node.inputs[::-1])[: 2 if is_product else 1]:
        of = context.centred(c)
        found = context.inverse_deviation(r) if is_product else context.deviation(r)
        if (
            of
            and found
            and found.of is of[0]
            and found.axes == of[1]
            and context.stands_for(r, *of)
        ):
            kind = (
                composite_gradients.standardised
                if is_product
                else composite_gradients.standardised_by
            )
            return made_anew(node, kind, of[0], r, axis=of[1], divisor=found.divisor)
    return None


@rule("rounding", "known")
def variance(node: Node, context: Context) -> Node | None:
    """The mean of the squares of x - mean is the variance of x: the mean's own gradient cancels."""
    if context.base(node.out) is not node.out:
        return None
    found = context.spread(node.out)
    if found is None:
        return None
    if found.centred is None:
        return _spread(node, composite_gradients.variance_of, found)
    params = {"axis": found.axes, "divisor": found.divisor, "spec": node.out.spec}
    return made_anew(node, composite_gradients.variance, found.of, found.centred, **params)


@rule("kink", "known", at="std")
def deviation(node: Node, context: Context) -> Node | None:
    """The deviation of x, where it is not zero."""
    found = context.deviation(node.out)
    return _spread(node, composite_gradients.deviation, found) if found else None


def _spread(node: Node, kind: Primitive, found: Spread) -> Node:
    params = {"axis": found.axes, "divisor": found.divisor, "spec": node.out.spec}
    return made_anew(node, kind, found.of, **params)


@rule("rounding", "known", at="divide multiply")
def softmax(node: Node, context: Context) -> Node | None:
    """exp(x - m) / sum(exp(x - m)) is softmax(x), whatever m is."""
    parts = context.quotient(node.out)
    if parts is None:
        return None
    z, total = context.exponent(parts[0]), context.sum_of_exponentials(parts[1])
    if (
        z is None
        or total is None
        or total[0] is not z
        or not context.stands_for(parts[1], z, total[1])
    ):
        return None
    return made_anew(node, primitives.softmax, context.shift(z, total[1])[0], axis=total[1])


@rule("rounding", "known", at="log subtract")
def log_softmax(node: Node, context: Context) -> Node | None:
    """log(softmax(x)), and z - log(sum(exp(z))), are log_softmax(x)."""
    if node.primitive is primitives.log:
        p = context.made.get(node.inputs[0])
        found = p and (p if p.primitive is primitives.softmax else softmax(p, context))
        return (
            made_anew(node, primitives.log_softmax, *found.inputs, **found.params)
            if found
            else None
        )
    z, below = node.inputs
    log = context.by(context.base(below), "log")
    total = context.sum_of_exponentials(log.inputs[0]) if log else None
    if total is None or total[0] is not z or not context.stands_for(below, z, total[1]):
        return None
    return made_anew(node, primitives.log_softmax, context.shift(z, total[1])[0], axis=total[1])


@rule("rounding", "known", at="logsumexp add")
def log_sum_exp(node: Node, context: Context) -> Node | None:
    """m + log(sum(exp(x - m))) is log(sum(exp(x))), whatever m is."""
    if node.primitive is primitives.logsumexp:
        params = {"axis": node.params["axis"], "spec": node.out.spec}
        return made_anew(node, composite_gradients.log_sum_exp, node.inputs[0], **params)
    for m, other in (node.inputs, node.inputs[::-1]):
        log = context.by(context.base(other), "log")
        total = context.sum_of_exponentials(log.inputs[0]) if log else None
        if total:
            x, shift = context.shift(*total)
            size = node.out.spec.size
            if shift is not None and context.base(shift) is context.base(m) and m.spec.size == size:
                params = {"axis": total[1], "spec": node.out.spec}
                return made_anew(node, composite_gradients.log_sum_exp, x, **params)
    return None


def _logistic_of(node: Node | None, context: Context) -> tuple[Wire, int] | None:
    """x and its sign where the node makes 1 / (1 + exp(-x)), or exp(x) / (1 + exp(x))."""
    if node is None:
        return None
    if node.primitive is primitives.sigmoid:
        return node.inputs[0], 1
    if (below := context.inverse(node.out)) is not None:
        z = context.exponent(context.one_plus(below) or below)
        if z is None or below.spec != node.out.spec or context.one_plus(below) is None:
            return None
        factor, x = context.scaled(z)
        return (x, 1) if is_one(-factor) else (z, -1)
    parts = context.quotient(node.out)
    if parts and context.exponent(parts[0]) and context.one_plus(parts[1]) is parts[0]:
        z = context.exponent(parts[0])
        return (z, 1) if z is not None else None
    return None


@rule("rounding", "known", at="divide multiply power reciprocal")
def logistic(node: Node, context: Context) -> Node | None:
    """1 / (1 + exp(-x)) is the logistic function, whose slope is s * (1 - s)."""
    found = _logistic_of(node, context)
    return made_anew(node, composite_gradients.logistic, found[0], sign=found[1]) if found else None


@rule("rounding", "known", at="log")
def log_logistic(node: Node, context: Context) -> Node | None:
    """log(s) has the slope 1 - s, and log(1 - s) the slope -s, where s is a logistic function of x."""
    (p,) = node.inputs
    found = _logistic_of(context.made.get(p), context)
    if found and found[1] == 1:
        return made_anew(node, composite_gradients.log_logistic, found[0], p)
    other = context.one_minus(p)
    found = _logistic_of(context.made.get(other), context) if other else None
    if found and other and found[1] == 1:
        return made_anew(node, composite_gradients.log_one_minus_logistic, found[0], other)
    return None


@rule("rounding", "known", at="log log1p")
def softplus(node: Node, context: Context) -> Node | None:
    """log(1 + exp(x)) has the logistic function as its slope."""
    below = node.inputs[0]
    power = context.one_plus(below) if node.primitive is primitives.log else below
    x = power and context.exponent(power)
    return made_anew(node, composite_gradients.softplus, x) if x else None
