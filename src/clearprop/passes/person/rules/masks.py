"""`where`, masks, and the winners of maxima."""

from __future__ import annotations

from ....engine.primitive import primitives
from ....graph.graph import Node, Wire
from ...algebra import Found
from ..matching import number
from ..rewriting import RewriteContext, fits, made_anew, part_of
from .order import EARLY, LATE, TIES, rule, zero


@rule(EARLY)
def two_halves(node: Node, context: RewriteContext) -> Found:
    """where(c, x, 0) + where(c, 0, y) -> where(c, x, y)."""
    if node.primitive is not primitives.add:
        return None
    first, second = (context.only(w, "where") for w in node.inputs)
    if first is None or second is None or first.inputs[0] is not second.inputs[0]:
        return None
    if zero(first.inputs[1]):
        first, second = second, first
    if not (zero(first.inputs[2]) and zero(second.inputs[1])):
        return None
    both = made_anew(node, primitives.where, first.inputs[0], first.inputs[1], second.inputs[2])
    return both if fits(node, both) else None


@rule(EARLY)
def product_into_choice(node: Node, context: RewriteContext) -> Found:
    """where(c, x, 0) * y -> where(c, x * y, 0)."""
    if node.primitive not in (primitives.multiply, primitives.divide, primitives.negative):
        return None
    for position, wire in enumerate(node.inputs):
        inner = context.only(wire, "where")
        if inner is None or (node.primitive is primitives.divide and position):
            continue
        condition, x, y = inner.inputs
        if zero(x) == zero(y):
            continue
        value = y if zero(x) else x
        operands = [value if i == position else w for i, w in enumerate(node.inputs)]
        part = part_of(node, node.primitive, *operands)
        branches = (x, part.out) if zero(x) else (part.out, y)
        choice = made_anew(node, primitives.where, condition, *branches)
        return (part, choice) if fits(node, choice) else None
    return None


def _same_pair(a: Node, b: Node) -> bool:
    def same(x: Wire, y: Wire) -> bool:
        return x is y or (number(x) is not None and number(x) == number(y))

    (p, q), (r, s) = a.inputs, b.inputs
    return (same(p, r) and same(q, s)) or (same(p, s) and same(q, r))


@rule(TIES)
def one_winner(node: Node, context: RewriteContext) -> Found:
    """where(x == y, g / 2, where(x > y, g, 0)) -> where(x > y, g, 0): no ties."""
    if node.primitive is not primitives.where or not context.by(node.inputs[0], "equal"):
        return None
    equal = context.by(node.inputs[0], "equal")
    inner = context.by(node.inputs[2], "where")
    if inner is None or equal is None or not zero(inner.inputs[2]):
        return None
    greater = context.by(inner.inputs[0], "greater")
    if greater is None or not _same_pair(greater, equal):
        return None
    alone = made_anew(node, primitives.where, *inner.inputs)
    return alone if fits(node, alone) else None


@rule(TIES)
def one_extreme(node: Node, context: RewriteContext) -> Found:
    """g / count(x == max) -> g: no ties."""
    if node.primitive is not primitives.divide:
        return None
    total = context.reduced(node.inputs[1])
    winners = context.by(total.of, "astype") if total and total.factor == 1 else None
    if not winners or not context.by(winners.inputs[0], "equal"):
        return None
    return node.inputs[0] if node.inputs[0].spec == node.out.spec else None


@rule(LATE)
def mask_of_output(node: Node, context: RewriteContext) -> Found:
    """x > 0 -> h > 0, where h = max(x, 0) is in the forward pass."""
    x, bound = node.inputs if node.primitive is primitives.greater else (None, None)
    if x is None or bound is None or not zero(bound) or x.is_named:
        return None
    for maker in context.forward_readers.get(x, ()):
        other = [w for w in maker.inputs if w is not x]
        if maker.outputs[0].is_named and (
            maker.primitive is primitives.relu
            or (maker.primitive is primitives.maximum and other and zero(other[0]))
        ):
            return made_anew(node, primitives.greater, maker.out, bound)
    return None


@rule(LATE)
def mask(node: Node, context: RewriteContext) -> Found:
    """where(c, g, 0) -> g * c, for finite g."""
    if node.primitive is not primitives.where:
        return None
    condition, x, y = node.inputs
    if zero(y) and not zero(x):
        product = made_anew(node, primitives.multiply, x, condition)
        return product if condition.spec.dtype == bool and fits(node, product) else None
    if zero(x) and not zero(y):
        product = made_anew(node, primitives.multiply, y, condition)
        if condition.spec.dtype == bool and fits(node, product):
            other = part_of(node, primitives.invert, condition)
            return other, made_anew(node, primitives.multiply, y, other.out)
    return None
