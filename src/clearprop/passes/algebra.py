"""Simplification by named rules, each exact wherever both sides are defined.

A rule looks at one node and answers with what can stand in its place: a wire, a node, or several
nodes of which the later read the earlier; or with None.
Rules run over the graph from inputs to outputs, so each sees operands that are already simple; nodes
that nobody reads any more are dropped, and equal nodes are merged.

The rules treat ``x * 0`` and ``0 / x`` as what they are: NaN for infinite or zero x, so they stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.arrays import is_array
from ..engine.primitive import Primitive, primitives
from ..engine.spec import first_entry, is_floating
from ..graph.graph import Graph, Node, Wire

Made = dict[Wire, Node]
"""The node that made each wire, among those already simplified."""
Found = Wire | Node | tuple[Node, ...] | None
Rule = Callable[[Node, Made], Found]

RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    """Add the decorated function as a rule."""
    RULES.append(function)
    return function


def simplify(graph: Graph) -> Graph:
    """Return the same computation with every rule applied, equal nodes merged and unread nodes dropped.

    >>> import clearprop
    >>> print(simplify(clearprop.trace(lambda x: -(-(1 * x)), 2.0)))
    <lambda>(x: f64) {
      return x
    }
    """
    work = _Simplifier()
    for node in graph.nodes:
        work.add(node)
    outputs = tuple(work.stand_in.get(w, w) for w in graph.outputs)
    simple = replace(graph, nodes=tuple(work.nodes), outputs=outputs).without_unread()
    simple.name_rest()
    return simple


class _Simplifier:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.stand_in: dict[Wire, Wire] = {}
        self.made: Made = {}
        self.known: dict[Any, tuple[Wire, ...]] = {}

    def add(self, node: Node) -> None:
        """Add what a node comes to: parts of what stands in its place may be simplified, too."""
        waiting = [node]
        while waiting:
            waiting += reversed(self._add(waiting.pop()))

    def _add(self, node: Node) -> tuple[Node, ...]:
        """Add a node, or say what is to be added in its place."""
        inputs = tuple(self.stand_in.get(w, w) for w in node.inputs)
        node = replace(node, inputs=inputs)
        for try_rule in RULES if len(node.outputs) == 1 else ():
            found = try_rule(node, self.made)
            if isinstance(found, Wire):
                self.stand_in[node.out] = found
                return ()
            if found is not None:  # simpler, and perhaps not yet simplest
                return found if isinstance(found, tuple) else (found,)
        key = node_key(node)
        if key in self.known:
            self.stand_in.update(zip(node.outputs, self.known[key], strict=True))
            return ()
        self.known[key] = node.outputs
        self.nodes.append(node)
        self.made.update((wire, node) for wire in node.outputs)
        return ()


def node_key(node: Node) -> Any:
    """Return a key that is equal for nodes that compute the same; scalar constants count by value and
    sign of zero.

    Calls of one block may differ in what its numbers were fixed to, so its parts count, too.
    """
    operands = tuple(
        (type(w.constant).__name__, str(w.spec), np.asarray(w.constant).tobytes())
        if w.is_constant and np.ndim(w.constant) == 0
        else w
        for w in node.inputs
    )
    params = tuple(
        (name, id(value) if is_array(value) or isinstance(value, Graph) else repr(value))
        for name, value in sorted(node.params.items())
    )
    return (node.primitive, operands, params, id(node.body))


# ---- what rules are made of


def _is(node: Node | None, *names: str) -> bool:
    return node is not None and node.primitive in [getattr(primitives, name) for name in names]


def _constant(wire: Wire) -> Any:
    """Return the number on a constant wire if all its entries are equal, else None."""
    if not wire.is_constant or np.size(wire.constant) == 0:
        return None
    value = np.asarray(wire.constant)
    first = first_entry(value)
    return first.item() if value.ndim == 0 or (value == first).all() else None


def _fits(wire: Wire, node: Node) -> Wire | None:
    """Return `wire` if it can stand for the node's output: the same shape and dtype."""
    return wire if wire.spec == node.out.spec else None


def _negated(wire: Wire, made: Made) -> Wire | None:
    """Return x if `wire` is -x; not for integers, where a minus may wrap around."""
    node = made.get(wire)
    if node is None or not _is(node, "negative") or not is_floating(wire.spec.dtype):
        return None
    return node.inputs[0]


def _make(node: Node, primitive: Primitive, *inputs: Wire) -> Node:
    """Return `node` with another operation, keeping its output."""
    return replace(node, primitive=primitive, inputs=inputs, params={}, body=None)


# ---- the rules


@rule
def fold_constants(node: Node, made: Made) -> Wire | None:
    """f(2, 3) -> its value, for scalars."""
    if node.body is not None or not node.inputs or node.out.spec.shape != ():
        return None
    if all(w.is_constant and np.ndim(w.constant) == 0 for w in node.inputs):
        with np.errstate(all="ignore"):  # the warning is due when the graph is evaluated, if at all
            value = node.primitive(*(w.constant for w in node.inputs), **node.params)
            value = np.asarray(value, node.out.spec.dtype)[()]  # Python's numbers have no dtype
        return Wire("", node.out.spec, value)
    return None


@rule
def multiply_by_one(node: Node, made: Made) -> Wire | None:
    """x * 1 -> x."""
    if _is(node, "multiply"):
        x, y = node.inputs
        if _constant(y) == 1:
            return _fits(x, node)
        if _constant(x) == 1:
            return _fits(y, node)
    return None


@rule
def multiply_by_minus_one(node: Node, made: Made) -> Node | None:
    """x * -1 -> -x."""
    if _is(node, "multiply"):
        x, y = node.inputs
        if _constant(x) == -1:
            x, y = y, x
        if _constant(y) == -1 and _fits(x, node):
            return _make(node, primitives.negative, x)
    return None


@rule
def divide_by_one(node: Node, made: Made) -> Wire | None:
    """x / 1 -> x."""
    if _is(node, "divide") and _constant(node.inputs[1]) == 1:
        return _fits(node.inputs[0], node)
    return None


@rule
def add_zero(node: Node, made: Made) -> Wire | None:
    """x + 0 -> x (the sign of a zero may change)."""
    if _is(node, "add"):
        x, y = node.inputs
        if _constant(y) == 0:
            return _fits(x, node)
        if _constant(x) == 0:
            return _fits(y, node)
    return None


@rule
def power_of_one(node: Node, made: Made) -> Wire | None:
    """x ** 1 -> x."""
    if _is(node, "power") and _constant(node.inputs[1]) == 1:
        return _fits(node.inputs[0], node)
    return None


@rule
def negate_twice(node: Node, made: Made) -> Wire | None:
    """-(-x) -> x."""
    if _is(node, "negative") and _is(inner := made.get(node.inputs[0]), "negative"):
        return _fits(inner.inputs[0], node)  # type: ignore[union-attr]
    return None


@rule
def sign_outward(node: Node, made: Made) -> tuple[Node, Node] | None:
    """(-x) * y -> -(x * y), x / (-y) -> -(x / y), and so on."""
    if _is(node, "multiply", "divide"):
        for position, wire in enumerate(node.inputs):
            positive = _negated(wire, made)
            if positive is not None:
                operands = list(node.inputs)
                operands[position] = positive
                product = replace(node, inputs=tuple(operands), outputs=(Wire("", node.out.spec),))
                return product, _make(node, primitives.negative, product.out)
    return None


@rule
def sum_of_negative(node: Node, made: Made) -> tuple[Node, Node] | None:
    """sum(-x) -> -sum(x)."""
    if _is(node, "sum") and (positive := _negated(node.inputs[0], made)) is not None:
        total = replace(node, inputs=(positive,), outputs=(Wire("", node.out.spec),))
        return total, _make(node, primitives.negative, total.out)
    return None


@rule
def add_negative(node: Node, made: Made) -> Node | None:
    """x + (-y) -> x - y, and x - (-y) -> x + y."""
    if _is(node, "add", "subtract"):
        x, y = node.inputs
        other = primitives.subtract if node.primitive is primitives.add else primitives.add
        if (positive := _negated(y, made)) is not None:
            return _make(node, other, x, positive)
        if node.primitive is primitives.add and (positive := _negated(x, made)) is not None:
            return _make(node, other, y, positive)
    return None


@rule
def multiply_by_reciprocal(node: Node, made: Made) -> Node | None:
    """x * (1 / y) -> x / y, in the same dtype."""
    if _is(node, "multiply"):
        for x, y in (node.inputs, node.inputs[::-1]):
            inner = made.get(y)
            if inner is None or not _is(inner, "divide") or _constant(inner.inputs[0]) != 1:
                continue
            quotient = _make(node, primitives.divide, x, inner.inputs[1])
            specs = [w.constant if w.is_constant else w.spec for w in quotient.inputs]
            if (
                y.spec.dtype == node.out.spec.dtype
                and quotient.primitive.spec(*specs) == node.out.spec
            ):
                return quotient
    return None


@rule
def keep_shape(node: Node, made: Made) -> Wire | None:
    """A reshape, stretch or conversion to what the value already is -> the value."""
    if _is(node, "reshape", "broadcast_to", "astype", "copy"):
        return _fits(node.inputs[0], node)
    return None


@rule
def stretch_constant(node: Node, made: Made) -> Wire | None:
    """A stretched constant whose entries are all equal -> a constant that is read stretched."""
    if _is(node, "broadcast_to", "reshape"):
        value = _constant(node.inputs[0])
        if value is not None:
            return Wire("", node.out.spec, np.full(node.out.spec.shape, value, node.out.spec.dtype))
    return None


@rule
def transpose_twice(node: Node, made: Made) -> Wire | None:
    """x.T.T -> x."""
    if _is(node, "transpose") and _is(inner := made.get(node.inputs[0]), "transpose"):
        first, second = inner.params["axes"], node.params["axes"]  # type: ignore[union-attr]
        if tuple(first[i] for i in second) == tuple(range(len(first))):
            return inner.inputs[0]  # type: ignore[union-attr]
    return None


@rule
def stretch_number(node: Node, made: Made) -> Node | None:
    """A number reshaped and then stretched, or read by an elementwise gate -> without the reshape."""
    if not ("elementwise" in node.primitive.traits or _is(node, "broadcast_to")):
        return None
    for position, wire in enumerate(node.inputs):
        inner = made.get(wire)
        if inner is None or not _is(inner, "reshape") or inner.inputs[0].spec.shape != ():
            continue
        inputs = (*node.inputs[:position], inner.inputs[0], *node.inputs[position + 1 :])
        specs = [w.constant if w.is_constant else w.spec for w in inputs]
        if node.primitive.spec(*specs, **node.params) == node.out.spec:
            return replace(node, inputs=inputs)
    return None
