"""Seeing what a chain of gates computes: means, variances, softmax, however they were spelled.

Each function answers whether a wire is such a thing, and of what. Rules get a `Context`, which also knows
who reads a wire.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..engine.primitive import primitives
from ..engine.spec import first_entry
from ..graph.graph import Graph, Node, Wire

Axes = tuple[int, ...]


class Reduced(NamedTuple):
    """A multiple of the sum of `of` over `axes`."""

    of: Wire
    axes: Axes
    factor: float


class Spread(NamedTuple):
    """The sum of the squares of `centred`, which is `of` less its mean, divided by `divisor`."""

    of: Wire
    centred: Wire | None
    axes: Axes
    divisor: float


def common_value(wire: Wire) -> Any:
    """Return what all entries of a constant wire are, if they are equal, else None."""
    if not wire.is_constant or np.size(wire.constant) == 0:
        return None
    value = np.asarray(wire.constant)
    first = first_entry(value)
    return first.item() if value.ndim == 0 or (value == first).all() else None


def number(wire: Wire) -> float | None:
    """Return the real number on a constant wire if all its entries are equal, else None; also for NaN."""
    if not wire.is_constant or np.asarray(wire.constant).dtype.kind not in "fiub":
        return None
    value: float | None = common_value(wire)
    return value if value == value else None


def is_zero(wire: Wire) -> bool:
    """Return whether all entries of a constant are 0."""
    return number(wire) == 0


class Matcher:
    """The nodes that made the wires seen so far."""

    def __init__(self) -> None:
        self.made: dict[Wire, Node] = {}
        self._scaled: dict[Wire, tuple[float, Wire]] = {}
        """What was found for wires by `scaled`."""

    def by(self, wire: Wire, *names: str) -> Node | None:
        """Return the node that made `wire`, if it applies one of these primitives."""
        node = self.made.get(wire)
        if node is not None and len(node.outputs) == 1:
            for name in names:
                if node.primitive is getattr(primitives, name, None):
                    return node
        return None

    def base(self, wire: Wire) -> Wire:
        """Return what `wire` shows in another shape."""
        while (node := self.made.get(wire)) is not None and _in_order(node):
            source = node.inputs[0].spec
            if (source.size, source.dtype) != (wire.spec.size, wire.spec.dtype):
                break
            wire = node.inputs[0]
        return wire

    def stands_for(self, wire: Wire, x: Wire, axes: Axes) -> bool:
        """Return whether `wire` broadcasts against `x` as what is constant along `axes` and whole
        elsewhere.
        """
        shape = (1,) * (x.spec.ndim - wire.spec.ndim) + wire.spec.shape
        wanted = tuple(1 if i in axes else n for i, n in enumerate(x.spec.shape))
        return shape == wanted

    def scaled(self, wire: Wire) -> tuple[float, Wire]:
        """Return a number and a wire whose product `wire` is."""
        way: list[tuple[Wire, float]] = []
        while wire not in self._scaled and (step := self._scaled_once(wire)) is not None:
            way.append((wire, step[0]))
            wire = step[1]
        factor, of = self._scaled.get(wire, (1.0, wire))
        for part, own in reversed(way):
            factor *= own
            self._scaled[part] = factor, of
        return factor, of

    def _scaled_once(self, wire: Wire) -> tuple[float, Wire] | None:
        """Return the same for the last operation alone, if it is such a product."""
        node = self.by(wire, "multiply", "divide", "negative")
        return factor_of(node) if node else None

    def reduced(self, wire: Wire) -> Reduced | None:
        """Return a sum or mean, perhaps times a number."""
        factor, wire = self.scaled(self.base(wire))
        node = self.by(self.base(wire), "sum", "mean")
        if node is None:
            return None
        x, axes = node.inputs[0], node.params["axis"]
        if not x.spec.size:
            return None
        if node.primitive is primitives.mean:
            factor /= count(x, axes)
        return Reduced(x, axes, factor)

    def centred(self, wire: Wire) -> tuple[Wire, Axes] | None:
        """Return x and axes where `wire` is x less its mean over the axes."""
        node = self.by(wire, "subtract")
        if node is None:
            return None
        x, m = node.inputs
        found = self.reduced(m)
        if found is None or found.of is not x or not self.stands_for(m, x, found.axes):
            return None
        return (x, found.axes) if is_one(found.factor * count(x, found.axes)) else None

    def squared(self, wire: Wire) -> Wire | None:
        """Return x where `wire` is its square."""
        node = self.by(wire, "power", "multiply", "square")
        if node is None:
            return None
        if node.primitive is primitives.power:
            return node.inputs[0] if number(node.inputs[1]) == 2 else None
        return node.inputs[0] if len(set(node.inputs)) == 1 else None

    def spread(self, wire: Wire) -> Spread | None:
        """Return a variance, of real numbers."""
        node = self.by(self.base(wire), "var")
        if node is not None and node.inputs[0].spec.dtype.kind != "c":
            x, axes = node.inputs[0], node.params["axis"]
            return Spread(x, None, axes, count(x, axes) - node.params["ddof"])
        found = self.reduced(wire)
        if found is None or found.factor <= 0:
            return None
        centred = self.squared(found.of)
        of = centred and self.centred(centred)
        if not of or of[1] != found.axes:
            return None
        divisor = 1 / found.factor
        near = round(divisor)
        return Spread(of[0], centred, of[1], near if is_one(divisor / near) else divisor)

    def deviation(self, wire: Wire) -> Spread | None:
        """Return the root of a variance, to which a positive number may have been added."""
        node = self.by(self.base(wire), "std")
        if node is not None and node.inputs[0].spec.dtype.kind != "c":
            x, axes = node.inputs[0], node.params["axis"]
            return Spread(x, None, axes, count(x, axes) - node.params["ddof"])
        root = self.by(self.base(wire), "sqrt", "power")
        if root is None or (root.primitive is primitives.power and number(root.inputs[1]) != 0.5):
            return None
        return self.spread(self.without_number(root.inputs[0]))

    def inverse_deviation(self, wire: Wire) -> Spread | None:
        """Return one over such a root."""
        node = self.by(self.base(wire), "power")
        if node is not None and number(node.inputs[1]) == -0.5:
            return self.spread(self.without_number(node.inputs[0]))
        below = self.inverse(self.base(wire))
        return None if below is None else self.deviation(below)

    def without_number(self, wire: Wire) -> Wire:
        """Return x where `wire` is x plus a number."""
        if node := self.by(wire, "add"):
            x, y = node.inputs
            if number(y) is not None and x.spec == wire.spec:
                return x
            if number(x) is not None and y.spec == wire.spec:
                return y
        return wire

    def inverse(self, wire: Wire) -> Wire | None:
        """Return x where `wire` is 1 / x."""
        if node := self.by(wire, "divide"):
            return node.inputs[1] if number(node.inputs[0]) == 1 else None
        if (node := self.by(wire, "power")) and number(node.inputs[1]) == -1:
            return node.inputs[0]
        if node := self.by(wire, "reciprocal"):
            return node.inputs[0]
        return None

    def quotient(self, wire: Wire) -> tuple[Wire, Wire] | None:
        """Return x and y where `wire` is x / y, also as a product with the inverse."""
        if node := self.by(wire, "divide"):
            return node.inputs[0], node.inputs[1]
        if node := self.by(wire, "multiply"):
            x, y = node.inputs
            if (below := self.inverse(y)) is not None:
                return x, below
            if (below := self.inverse(x)) is not None:
                return y, below
        return None

    def exponent(self, wire: Wire) -> Wire | None:
        """Return x where `wire` is exp(x)."""
        node = self.by(wire, "exp")
        return node.inputs[0] if node else None

    def one_plus(self, wire: Wire) -> Wire | None:
        """Return x where `wire` is 1 + x."""
        if node := self.by(wire, "add"):
            x, y = node.inputs
            if number(x) == 1:
                return y
            if number(y) == 1:
                return x
        return None

    def one_minus(self, wire: Wire) -> Wire | None:
        """Return x where `wire` is 1 - x."""
        node = self.by(wire, "subtract")
        return node.inputs[1] if node and number(node.inputs[0]) == 1 else None

    def sum_of_exponentials(self, wire: Wire) -> tuple[Wire, Axes] | None:
        """Return z and axes where `wire` is the sum of exp(z)."""
        node = self.by(self.base(wire), "sum")
        z = node and self.exponent(node.inputs[0])
        return (z, node.params["axis"]) if node and z else None

    def shift(self, z: Wire, axes: Axes) -> tuple[Wire, Wire | None]:
        """Return x and m where z is x - m, and m is constant along the axes; else z itself."""
        node = self.by(z, "subtract")
        if node is not None:
            x, m = node.inputs
            shape = (1,) * (x.spec.ndim - m.spec.ndim) + m.spec.shape
            if x.spec == z.spec and all(shape[i] == 1 for i in axes):
                return x, m
        return z, None


class Context(Matcher):
    """What a rule may know: who made a wire, how many read it, and whether it is of the forward pass."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        users = graph.users()
        self.readers = {wire: len(found) for wire, found in users.items()}
        for wire in graph.outputs:
            self.readers[wire] = self.readers.get(wire, 0) + 1
        self.inner_sums = {
            wire
            for wire, found in users.items()
            if len(found) == 1 and found[0][0].primitive is primitives.add
        }
        """What one other sum alone adds up."""
        self.forward = set(graph.inputs)
        for node in graph.nodes:
            if not node.is_backward:
                self.forward.update(node.outputs)
        self.forward_readers: dict[Wire, list[Node]] = {}
        """The nodes of the forward pass that read a wire, among those seen."""

    def add(self, node: Node) -> None:
        """See one more node."""
        self.made.update((wire, node) for wire in node.outputs)
        if self.forward.issuperset(node.outputs):
            for wire in dict.fromkeys(node.inputs):
                self.forward_readers.setdefault(wire, []).append(node)

    def only(self, wire: Wire, *names: str) -> Node | None:
        """Return the backward node that made `wire` with one of these primitives, if one reader alone
        needs it.
        """
        node = self.by(wire, *names)
        if node is None or not node.is_backward or self.readers.get(wire, 1) > 1:
            return None
        return node


def _in_order(node: Node) -> bool:
    """Return whether a node gives entries in the order in which it gets them."""
    if node.primitive is not primitives.slice:
        return "keeps" in node.primitive.traits
    index = node.params["index"]
    return not any(isinstance(part, slice) and part.step not in (None, 1) for part in index)


def factor_of(node: Node) -> tuple[float, Wire] | None:
    """Return a number and a wire of the output's shape whose product a node makes."""
    if node.primitive is primitives.negative:
        return -1.0, node.inputs[0]
    is_product = node.primitive is primitives.multiply
    if not is_product and node.primitive is not primitives.divide:
        return None
    x, y = node.inputs
    value = number(y)
    if value is not None and x.spec == node.out.spec and (is_product or value):
        return value if is_product else 1 / value, x
    if is_product and (value := number(x)) is not None and y.spec == node.out.spec:
        return value, y
    return None


def count(x: Wire, axes: Axes) -> int:
    return math.prod(x.spec.shape[i] for i in axes)


def is_one(value: float) -> bool:
    return abs(value - 1) < 1e-12
