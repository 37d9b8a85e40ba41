"""`where`, masks, and the winners of maxima."""

from __future__ import annotations

from ....engine.primitive import primitives
from ....graph.graph import Node, Wire
from ...matching import Context, is_zero, number
from ...rule import Found, if_fits, made_anew, part_of, rule


@rule("exact", "backward", at="add")
def two_halves(node: Node, context: Context) -> Found:
    """where(c, x, 0) + where(c, 0, y) -> where(c, x, y)."""
    first, second = (context.only(w, "where") for w in node.inputs)
    if first is None or second is None or first.inputs[0] is not second.inputs[0]:
        return None
    if is_zero(first.inputs[1]):
        first, second = second, first
    if not (is_zero(first.inputs[2]) and is_zero(second.inputs[1])):
        return None
    both = made_anew(node, primitives.where, first.inputs[0], first.inputs[1], second.inputs[2])
    return if_fits(node, both)


@rule("range", "backward", at="multiply divide negative")
def product_into_choice(node: Node, context: Context) -> Found:
    """where(c, x, 0) * y -> where(c, x * y, 0)."""
    for position, wire in enumerate(node.inputs):
        inner = context.only(wire, "where")
        if inner is None or (node.primitive is primitives.divide and position):
            continue
        condition, x, y = inner.inputs
        if is_zero(x) == is_zero(y):
            continue
        value = y if is_zero(x) else x
        operands = [value if i == position else w for i, w in enumerate(node.inputs)]
        part = part_of(node, node.primitive, *operands)
        branches = (x, part.out) if is_zero(x) else (part.out, y)
        choice = made_anew(node, primitives.where, condition, *branches)
        return if_fits(node, part, choice)
    return None


def _same_pair(a: Node, b: Node) -> bool:
    def same(x: Wire, y: Wire) -> bool:
        return x is y or (number(x) is not None and number(x) == number(y))

    (p, q), (r, s) = a.inputs, b.inputs
    return (same(p, r) and same(q, s)) or (same(p, s) and same(q, r))


@rule("kink", "backward", at="where")
def one_winner(node: Node, context: Context) -> Found:
    """where(x == y, g / 2, where(x > y, g, 0)) -> where(x > y, g, 0): no ties."""
    equal = context.by(node.inputs[0], "equal")
    inner = context.by(node.inputs[2], "where")
    if inner is None or equal is None or not is_zero(inner.inputs[2]):
        return None
    greater = context.by(inner.inputs[0], "greater")
    if greater is None or not _same_pair(greater, equal):
        return None
    return if_fits(node, made_anew(node, primitives.where, *inner.inputs))


@rule("kink", "backward", at="divide")
def one_extreme(node: Node, context: Context) -> Found:
    """g / count(x == max) -> g: no ties."""
    total = context.reduced(node.inputs[1])
    winners = context.by(total.of, "astype") if total and total.factor == 1 else None
    if not winners or not context.by(winners.inputs[0], "equal"):
        return None
    return if_fits(node, node.inputs[0])


@rule("exact", "backward", late=True, at="greater")
def mask_of_output(node: Node, context: Context) -> Found:
    """x > 0 -> h > 0, where h = max(x, 0) is in the forward pass."""
    x, bound = node.inputs
    if not is_zero(bound) or x.is_named:
        return None
    for maker in context.forward_readers.get(x, ()):
        other = [w for w in maker.inputs if w is not x]
        if maker.outputs[0].is_named and (
            maker.primitive is primitives.relu
            or (maker.primitive is primitives.maximum and other and is_zero(other[0]))
        ):
            return made_anew(node, primitives.greater, maker.out, bound)
    return None


@rule("range", "backward", late=True, at="where")
def mask(node: Node, context: Context) -> Found:
    """where(c, g, 0) -> g * c, for finite g."""
    condition, x, y = node.inputs
    if is_zero(x) == is_zero(y) or condition.spec.dtype != bool:
        return None
    if is_zero(y):
        return if_fits(node, made_anew(node, primitives.multiply, x, condition))
    other = part_of(node, primitives.invert, condition)
    return if_fits(node, other, made_anew(node, primitives.multiply, y, other.out))
