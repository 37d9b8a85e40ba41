"""Simplification: numbers, signs and shapes, in rules that leave less to be done whoever reads the graph.

The rules treat ``x * 0`` and ``0 / x`` as what they are: NaN for infinite or zero x, so they stay.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..engine.primitive import primitives
from ..engine.spec import is_floating
from ..graph.graph import Graph, Node, Wire
from .matching import Context, common_value
from .rewriting import Rewriter
from .rule import Contract, Found, RuleBook, full, if_fits, made_anew, rule, with_input

_CONTRACTS: tuple[Contract, ...] = ("exact", "rounding")
"""The only rule that is not exact divides once, where a reciprocal was multiplied by."""


def simplify(graph: Graph) -> Graph:
    """Return the same computation with every rule applied, equal nodes merged and unread nodes dropped.

    >>> import clearprop
    >>> print(simplify(clearprop.trace(lambda x: -(-(1 * x)), 2.0)))
    <lambda>(x: f64) {
      return x
    }
    """
    simple = Rewriter(graph, RuleBook("program", _CONTRACTS)).run()
    simple.name_rest()
    return simple


def _negated(wire: Wire, context: Context) -> Wire | None:
    """Return x if `wire` is -x; not for integers, where a minus may wrap around."""
    node = context.by(wire, "negative")
    return node.inputs[0] if node and is_floating(wire.spec.dtype) else None


def _beside(node: Node, value: float) -> Wire | None:
    """Return what stands beside a constant of this value."""
    x, y = node.inputs
    return x if common_value(y) == value else y if common_value(x) == value else None


@rule("exact", "program")
def fold_constants(node: Node, context: Context) -> Wire | None:
    """f(2, 3) -> its value, for scalars."""
    if node.body is not None or not node.inputs or node.out.spec.shape != ():
        return None
    if all(w.is_constant and np.ndim(w.constant) == 0 for w in node.inputs):
        with np.errstate(all="ignore"):  # the warning is due when the graph is evaluated, if at all
            value = node.primitive(*(w.constant for w in node.inputs), **node.params)
            value = np.asarray(value, node.out.spec.dtype)[()]  # Python's numbers have no dtype
        return Wire("", node.out.spec, value)
    return None


@rule("exact", "program", "backward", "forward", at="multiply")
def multiply_by_one(node: Node, context: Context) -> Found:
    """x * 1 -> x."""
    x = _beside(node, 1)
    return if_fits(node, x) if x else None


@rule("exact", "program", "backward", at="multiply")
def multiply_by_minus_one(node: Node, context: Context) -> Found:
    """x * -1 -> -x."""
    x = _beside(node, -1)
    return made_anew(node, primitives.negative, x) if x and if_fits(node, x) else None


@rule("exact", "program", "backward", "forward", at="divide")
def divide_by_one(node: Node, context: Context) -> Found:
    """x / 1 -> x."""
    x, y = node.inputs
    return if_fits(node, x) if common_value(y) == 1 else None


@rule("exact", "program", "backward", "forward", at="add")
def add_zero(node: Node, context: Context) -> Found:
    """x + 0 -> x (the sign of a zero may change)."""
    x = _beside(node, 0)
    return if_fits(node, x) if x else None


@rule("exact", "program", "backward", "forward", at="power")
def power_of_one(node: Node, context: Context) -> Found:
    """x ** 1 -> x."""
    x, y = node.inputs
    return if_fits(node, x) if common_value(y) == 1 else None


@rule("exact", "program", "backward", at="negative")
def negate_twice(node: Node, context: Context) -> Found:
    """-(-x) -> x."""
    inner = context.by(node.inputs[0], "negative")
    return if_fits(node, inner.inputs[0]) if inner else None


@rule("exact", "program", at="multiply divide")
def sign_outward(node: Node, context: Context) -> Found:
    """(-x) * y -> -(x * y), x / (-y) -> -(x / y), and so on."""
    for position, wire in enumerate(node.inputs):
        if (positive := _negated(wire, context)) is not None:
            return _with_sign(node, with_input(node, position, positive))
    return None


@rule("exact", "program", at="sum")
def sum_of_negative(node: Node, context: Context) -> Found:
    """sum(-x) -> -sum(x)."""
    positive = _negated(node.inputs[0], context)
    return _with_sign(node, with_input(node, 0, positive)) if positive else None


def _with_sign(node: Node, positive: Node) -> tuple[Node, Node]:
    """Return what makes the node's output out of the same value with the other sign."""
    inner = replace(positive, outputs=(Wire("", node.out.spec),))
    return inner, made_anew(node, primitives.negative, inner.out)


@rule("exact", "program", "backward", at="add subtract")
def add_negative(node: Node, context: Context) -> Found:
    """x + (-y) -> x - y, and x - (-y) -> x + y."""
    x, y = node.inputs
    is_sum = node.primitive is primitives.add
    if (positive := _negated(y, context)) is not None:
        other = primitives.subtract if is_sum else primitives.add
        return made_anew(node, other, x, positive)
    if is_sum and (positive := _negated(x, context)) is not None:
        return made_anew(node, primitives.subtract, y, positive)
    return None


@rule("rounding", "program", at="multiply")
def multiply_by_reciprocal(node: Node, context: Context) -> Found:
    """x * (1 / y) -> x / y, in the same dtype."""
    for x, y in (node.inputs, node.inputs[::-1]):
        inner = context.by(y, "divide")
        if inner is None or common_value(inner.inputs[0]) != 1:
            continue
        quotient = if_fits(node, made_anew(node, primitives.divide, x, inner.inputs[1]))
        if quotient is not None and y.spec.dtype == node.out.spec.dtype:
            return quotient
    return None


@rule("exact", "program", "backward", "forward", at="reshape broadcast_to astype copy")
def keep_shape(node: Node, context: Context) -> Found:
    """A reshape, stretch or conversion to what the value already is -> the value."""
    return if_fits(node, node.inputs[0])


@rule("exact", "program", "backward", at="broadcast_to reshape")
def stretch_constant(node: Node, context: Context) -> Found:
    """A stretched constant whose entries are all equal -> a constant that is read stretched."""
    value = common_value(node.inputs[0])
    return full(node, value) if value is not None else None


@rule("exact", "program", "backward", at="transpose")
def transpose_twice(node: Node, context: Context) -> Found:
    """x.T.T -> x."""
    inner = context.by(node.inputs[0], "transpose")
    if inner is not None:
        first, second = inner.params["axes"], node.params["axes"]
        if tuple(first[i] for i in second) == tuple(range(len(first))):
            return inner.inputs[0]
    return None


@rule("exact", "program", "backward")
def stretch_number(node: Node, context: Context) -> Found:
    """A number reshaped and then stretched, or read by an elementwise gate -> without the reshape."""
    if not ("elementwise" in node.primitive.traits or node.primitive is primitives.broadcast_to):
        return None
    for position, wire in enumerate(node.inputs):
        inner = context.by(wire, "reshape")
        if inner is not None and inner.inputs[0].spec.shape == ():
            shorter = if_fits(node, with_input(node, position, inner.inputs[0]))
            if shorter is not None:
                return shorter
    return None
