"""Sums of products, collected as one does on paper: like terms added up, common factors taken out.

A part of the backward pass that adds, multiplies and divides is read as a sum of terms, each a number
times powers of values. It is written anew if that takes less work: fewer operations, small arrays and
numbers before large ones. Exact where the operations are defined: what is divided by is not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...engine.primitive import primitives
from ...engine.spec import is_floating, spec_of
from ...graph.graph import Graph, Node, Wire
from ..matching import Context, number
from ..rewriting import Note
from ..rule import part_of
from .rationals import ONE, Ratio, is_narrow, is_whole, strong

_MOST_TERMS = 12
_MOST_GROUPED = 40
"""In longer sums only factors that all terms share are taken out: others take a round each."""
_DEEPEST = 40
"""How many products and sums within each other are read; the rest is a factor like any other."""
_SUMS = (primitives.add, primitives.subtract)
_OPERATION = 0.25
"""What an operation costs by itself; 1 is what it costs for each entry of the result."""

Monomial = tuple[tuple[Wire, int], ...]
Polynomial = dict[Monomial, Ratio]


def collect(
    graph: Graph, note: Note, written: set[Wire], gradient_of: Mapping[Wire, Wire]
) -> tuple[Graph, bool]:
    """Write every sum of products of the backward pass in the form that takes the least work, and say
    if any changed.

    `written` remembers from round to round which are in that form already.
    """
    context = Context(graph)
    order = {wire: i for i, wire in enumerate(graph.wires())}
    for node in graph.nodes:
        context.add(node)
    slopes: set[Wire] = set()  # of forward values alone, and the gradient of none
    for node in graph.nodes:
        if node.is_backward and all(
            w in context.forward or w in slopes or w.is_constant for w in node.inputs
        ):
            slopes.update(w for w in node.outputs if w not in gradient_of)
    rank = {wire: (2 if wire in slopes else 1 if wire in context.forward else 0) for wire in order}
    instead: dict[Node, list[Node]] = {}
    absorbed: set[Node] = set()
    for node in reversed(graph.nodes):
        if node in absorbed or not _is_arithmetic(node) or not is_floating(node.out.spec.dtype):
            continue
        if node.primitive is primitives.broadcast_to or node.out.spec.dtype.kind == "c":
            continue
        found = _best(node, context, order, rank, written)
        if found is not None:
            tree, nodes = found
            absorbed.update(tree)
            if not nodes:
                continue
            instead[node] = nodes
            note("collect", node, tuple(nodes), context.made)
    if not instead:
        return graph, False
    new = [part for node in graph.nodes for part in instead.get(node, [node])]
    return replace(graph, nodes=tuple(new)).without_unread(), True


def _is_arithmetic(node: Node | None) -> bool:
    if node is None or not node.is_backward or len(node.outputs) != 1:
        return False
    p = primitives
    if node.primitive is p.power:
        exponent = number(node.inputs[1])
        return exponent is not None and float(exponent).is_integer() and abs(exponent) <= 4
    return node.primitive in (p.add, p.subtract, p.multiply, p.divide, p.negative, p.broadcast_to)


def _best(
    node: Node,
    context: Context,
    order: dict[Wire, int],
    rank: dict[Wire, int],
    written: set[Wire],
) -> tuple[set[Node], list[Node]] | None:
    best = None
    for expand in (False, True):
        reader = _Reader(context, expand)
        polynomial = reader.read_root(node)
        if polynomial is None or not polynomial:
            continue
        writer = _Writer(node, order, rank, context.made)
        try:
            nodes = writer.write(polynomial)
        except (ValueError, OverflowError):
            continue  # factors that do not broadcast against each other alone, numbers beyond floats
        if nodes is None:
            continue
        old = [part for part in reader.nodes if part.primitive is not primitives.broadcast_to]
        before, after = _cost(reader.nodes, node), _cost(nodes, node)
        before += sum(_cost([part], node) / readers for part, readers in reader.shared)
        if best is None or after - before < best[0] - 1e-9:
            best = after - before, set(old), nodes, _shape_of(old, node), _shape_of(nodes, node)
    if best is None or best[0] > 1e-9:
        return None
    gain, tree, nodes, was, becomes = best
    if was == becomes or (node.out in written and gain > -1e-9):
        return tree, []  # as it is wanted, and so are its parts
    written.add(node.out)
    return tree, nodes


def _cost(nodes: Iterable[Node], root: Node) -> float:
    whole = max(root.out.spec.size, 1)
    return sum(_OPERATION + part.out.spec.size / whole for part in nodes)


def _shape_of(nodes: Iterable[Node], root: Node) -> list[Any]:
    """Return the form of an expression, to be compared: operations before their operands."""
    made = {part.out: part for part in nodes}
    form: list[Any] = []
    stack = [root.out]
    while stack:
        wire = stack.pop()
        part = made.get(wire)
        if part is not None:
            form.append(part.primitive)
            stack += reversed(part.inputs)
        else:
            form.append((wire.name, repr(wire.constant)) if wire.is_constant else wire)
    return form


# ---- reading


@dataclass
class _Reader:
    context: Context
    expand: bool
    """Whether sums are multiplied out, rather than taken as they are."""
    nodes: list[Node] = field(default_factory=list)
    shared: list[tuple[Node, int]] = field(default_factory=list)
    """Small values that others read, too, and by how many they are read."""
    depth: int = 0

    def read_root(self, node: Node) -> Polynomial | None:
        self.dtype, self.whole = node.out.spec.dtype, node.out.spec.size
        return self._read_node(node)

    def read(self, wire: Wire) -> Polynomial:
        value = number(wire)
        if value is not None:
            ratio = Ratio.on(wire)
            if ratio is not None:
                return {(): ratio} if ratio.above else {}
        node = self.context.made.get(wire)
        if node is not None and self.expand and self._is_small_print(node):
            count = len(self.nodes)
            found = self._read_node(node)
            del self.nodes[count:]
            return found or {((wire, 1),): ONE}
        if node is None or not _is_arithmetic(node) or wire.spec.dtype != self.dtype:
            return {((wire, 1),): ONE}
        if (readers := self.context.readers.get(wire, 1)) > 1:
            if not self.expand or self.whole == 1 or wire.spec.size > 1 or readers > 3:
                return {((wire, 1),): ONE}
            mark = len(self.nodes)
            found = self._read_node(node)
            if found is None or len(found) > 1:
                del self.nodes[mark:]
                return {((wire, 1),): ONE}
            self.shared += [(part, readers) for part in self.nodes[mark:]]
            del self.nodes[mark:]
            return found
        mark = len(self.nodes)
        found = self._read_node(node)
        if found is None:
            del self.nodes[mark:]
            return {((wire, 1),): ONE}
        return found

    def _is_small_print(self, node: Node) -> bool:
        """Return whether it is a nameless sum with a number in the forward pass, like 1 - p."""
        if node.is_backward or node.primitive not in (primitives.add, primitives.subtract):
            return False
        return node.out.spec.dtype == self.dtype and any(number(w) is not None for w in node.inputs)

    def _read_node(self, node: Node) -> Polynomial | None:
        if self.depth > _DEEPEST:
            return None
        self.depth += 1
        found = self._read_operation(node)
        self.depth -= 1
        return found

    def _read_operation(self, node: Node) -> Polynomial | None:
        p = primitives
        self.nodes.append(node)
        if node.primitive is p.broadcast_to:
            return self.read(node.inputs[0])
        if node.primitive is p.negative:
            return _scaled(self.read(node.inputs[0]), Ratio(-1))
        if node.primitive is p.power:
            return self._power(node.inputs[0], int(number(node.inputs[1]) or 0))
        if node.primitive in _SUMS:
            return self._total(node)
        x, y = node.inputs
        if node.primitive is p.multiply:
            return self._product(self._factor(x), self._factor(y))
        below = self._factor(y, single=True)
        return self._product(self._factor(x), _inverse(below))

    def _total(self, node: Node) -> Polynomial:
        """Return the terms of a sum, and of the sums in it that nothing else reads, in one loop."""
        total: Polynomial = {}
        stack = _terms(node)
        while stack:
            wire, sign = stack.pop()
            inner = self.context.made.get(wire)
            if inner is not None and inner.primitive in _SUMS and self._is_inner(inner):
                self.nodes.append(inner)
                stack += _terms(inner, sign)
            else:
                _add(total, _scaled(self.read(wire), Ratio(sign)))
        return total

    def _is_inner(self, node: Node) -> bool:
        """Return whether a sum is a part of this expression, and of no other."""
        alone = self.context.readers.get(node.out, 1) <= 1
        return alone and _is_arithmetic(node) and node.out.spec.dtype == self.dtype

    def _factor(self, wire: Wire, *, single: bool = False) -> Polynomial:
        """Return a factor's terms; where there are several, the factor as it is, unless they are
        multiplied out.
        """
        mark = len(self.nodes)
        found = self.read(wire)
        if len(found) == 1 or (self.expand and not single and 0 < len(found) <= _MOST_TERMS):
            return found
        del self.nodes[mark:]
        return {((wire, 1),): ONE}

    def _power(self, wire: Wire, exponent: int) -> Polynomial | None:
        base = self._factor(wire, single=True)
        if not exponent:
            return None
        result: Polynomial = {(): ONE}
        for _ in range(abs(exponent)):
            result = self._product(result, base if exponent > 0 else _inverse(base))
        return result

    def _product(self, x: Polynomial, y: Polynomial) -> Polynomial:
        found: Polynomial = {}
        for a, c in x.items():
            for b, d in y.items():
                _add(found, {_merged(a, b): c.times(d)})
        return found


def _terms(node: Node, sign: int = 1) -> list[tuple[Wire, int]]:
    """Return what a sum or difference adds up, each with its sign, the last one first."""
    x, y = node.inputs
    return [(y, -sign if node.primitive is primitives.subtract else sign), (x, sign)]


def _merged(a: Monomial, b: Monomial) -> Monomial:
    powers: dict[Wire, int] = {}
    for wire, power in (*a, *b):
        powers[wire] = powers.get(wire, 0) + power
    return tuple(sorted(((w, p) for w, p in powers.items() if p), key=lambda pair: id(pair[0])))


def _add(total: Polynomial, terms: Polynomial) -> None:
    """Add terms to a sum in place."""
    for monomial, ratio in terms.items():
        total[monomial] = total[monomial].plus(ratio) if monomial in total else ratio
        if not total[monomial].above:
            del total[monomial]


def _scaled(x: Polynomial, by: Ratio) -> Polynomial:
    return {monomial: ratio.times(by) for monomial, ratio in x.items()}


def _inverse(x: Polynomial) -> Polynomial:
    ((monomial, ratio),) = x.items()
    return {tuple((wire, -power) for wire, power in monomial): ratio.inverse()}


# ---- writing


class _Writer:
    def __init__(
        self, root: Node, order: dict[Wire, int], rank: dict[Wire, int], made: dict[Wire, Node]
    ) -> None:
        self.root = root
        self.order = order
        self.beside: set[Wire] = set()
        self.made = made
        self.rank = rank
        """Gradients come first in a product, then values, then slopes."""
        self.nodes: list[Node] = []
        self.whole = root.out.spec.size

    def write(self, polynomial: Polynomial) -> list[Node] | None:
        """Return nodes of which the last has the root's output, or None where nothing is left to be done."""
        wire = self.total(polynomial)
        if not self.nodes or self.nodes[-1].out is not wire or wire.spec != self.root.out.spec:
            return None
        self.nodes[-1] = replace(self.nodes[-1], outputs=self.root.outputs)
        return self.nodes

    def _apply(self, primitive: Any, *inputs: Wire, **params: Any) -> Wire:
        if primitive is primitives.multiply or primitive in _SUMS:
            inputs = self._wide(*inputs)
        node = part_of(self.root, primitive, *inputs, **params)
        self.nodes.append(node)
        return node.out

    def _wide(self, x: Wire, y: Wire) -> tuple[Wire, Wire]:
        """Return two operands, one of them floating where whole numbers might not hold the result."""
        if is_narrow(x) or is_narrow(y) or (is_whole(x) and is_whole(y)):
            x, y = (strong(wire, self.root.out.spec.dtype) for wire in (x, y))
        return self._number(x) if is_whole(x) and is_whole(y) else x, y

    # ---- sums

    def total(self, polynomial: Polynomial) -> Wire:
        """Return a sum of terms."""
        common, ratio = _common(polynomial)
        if len(polynomial) == 1 or common or ratio != ONE:
            rest = _divided(polynomial, common, ratio)
            if rest == {(): ONE}:
                return self.product(ratio, common)
            return self.product(ratio, common, self.total(rest))
        shared = self._most_shared(polynomial)
        if shared is None:
            return self._added([(r.above > 0, {m: r}) for m, r in self._sorted(polynomial)])
        inside = {m: r for m, r in polynomial.items() if shared in _factors(m)}
        outside = {m: r for m, r in polynomial.items() if m not in inside}
        parts = [(True, inside)] + [(r.above > 0, {m: r}) for m, r in self._sorted(outside)]
        if all(r.above < 0 for r in inside.values()):
            parts[0] = (False, inside)
        return self._added(parts)

    def _added(self, parts: list[tuple[bool, Polynomial]]) -> Wire:
        parts.sort(key=lambda part: not part[0])
        result: Wire | None = None
        for positive, terms in parts:
            wire = self.total(terms if positive else _scaled(terms, Ratio(-1)))
            if wire.spec.dtype.kind == "b":  # masks cannot be subtracted
                wire = self._number(wire)
            if result is None:
                result = wire if positive else self._apply(primitives.negative, wire)
            else:
                kind = primitives.add if positive else primitives.subtract
                result = self._apply(kind, result, wire)
        assert result is not None
        return result

    def _number(self, wire: Wire) -> Wire:
        """Return a mask, or whole numbers, as numbers of the result's dtype."""
        return self._apply(primitives.astype, wire, dtype=self.root.out.spec.dtype)

    def _sorted(self, polynomial: Polynomial) -> list[tuple[Monomial, Ratio]]:
        def place(item: tuple[Monomial, Ratio]) -> int:
            return max((self.order.get(wire, 0) for wire, _ in item[0]), default=-1)

        return sorted(polynomial.items(), key=place)

    def _most_shared(self, polynomial: Polynomial) -> tuple[Wire, bool] | None:
        if len(polynomial) > _MOST_GROUPED:
            return None
        counts: dict[tuple[Wire, bool], int] = {}
        for monomial in polynomial:
            for factor in _factors(monomial):
                counts[factor] = counts.get(factor, 0) + 1
        found = [f for f, n in counts.items() if n > 1]
        return max(
            found, key=lambda f: (counts[f], f[0].spec.size, self.order.get(f[0], 0)), default=None
        )

    # ---- products

    def product(self, ratio: Ratio, monomial: Monomial, group: Wire | None = None) -> Wire:
        """Return a number times powers of values, small ones first, and a sum in the end."""
        sign, ratio = ratio.above < 0, ratio.magnitude
        first, divisor = (
            (ratio, 1) if ratio.is_short_as_digits else (Ratio(ratio.above), ratio.below)
        )
        slopes = [w for w, _ in monomial if self.rank.get(w) == 2] + ([group] if group else [])
        self.beside = {value for slope in slopes for value in self._within(slope)}
        factors = sorted(((w, p) for w, p in monomial if p > 0), key=self._place)
        above = [self._raised(w, p) for w, p in factors] + ([group] if group is not None else [])
        above.sort(
            key=lambda w: (w.spec.size > 1, w.spec.size == self.whole, w.spec.dtype.kind == "b")
        )
        below = [self._raised(w, -p) for w, p in sorted(monomial, key=self._place) if p < 0]
        large = len(above) and above[0].spec.size > 1
        if not above:
            above = [first.constant()]
        elif first != ONE or (sign and divisor != 1 and large):
            if not below or any(w.spec.size > 1 for w in below):
                first, divisor = ratio, 1
            # otherwise numbers are divided by numbers
            above.insert(0, (first.times(Ratio(-1)) if sign else first).constant())
            sign = False
        if sign:
            if number(above[0]) is not None and np.ndim(above[0].constant) == 0:
                value = -above[0].constant
                above[0] = Wire("", spec_of(value), value)
            elif above[0].spec.dtype.kind == "b" or is_narrow(above[0]):
                above.insert(0, Ratio(-1).constant(self.root.out.spec.dtype))
            else:
                above[0] = self._apply(primitives.negative, above[0])
        return self._quotient(above, below, divisor)

    def _quotient(self, above: list[Wire], below: list[Wire], divisor: int) -> Wire:
        small = [w for w in above if w.spec.size == 1]
        large = above[len(small) :]
        divisors = [Ratio(divisor).constant()] if divisor != 1 else []
        small_below = divisors + [w for w in below if w.spec.size < self.whole]
        large_below = [w for w in below if w.spec.size == self.whole and w.spec.size > 1]
        if self.whole == 1:
            small_below, large_below = divisors + below, []
        result = self._multiplied(small or large)
        rest = large if small else []
        if small_below and (small or not rest):
            result = self._apply(primitives.divide, result, self._multiplied(small_below))
            small_below = []
        for wire in rest:
            result = self._apply(primitives.multiply, result, wire)
        for wires in (small_below, large_below):
            if wires:
                result = self._apply(primitives.divide, result, self._multiplied(wires))
        return result

    def _multiplied(self, wires: list[Wire]) -> Wire:
        result = wires[0]
        for wire in wires[1:]:
            result = self._apply(primitives.multiply, result, wire)
        return result

    def _raised(self, wire: Wire, power: int) -> Wire:
        if power == 1:
            return wire
        base = self._number(wire) if is_whole(wire) else wire
        return self._apply(primitives.power, base, Ratio(power).constant())

    def _place(self, factor: tuple[Wire, int]) -> Any:
        wire, _ = factor
        rank = self.rank.get(wire, 2)
        beside = rank == 1 and wire in self.beside
        return wire.spec.dtype.kind == "b", rank, beside, self.order.get(wire, 0)

    def _within(self, slope: Wire) -> list[Wire]:
        """Return the values that a slope is written with: they stand beside it, as in s * (1 - s)."""
        new = {node.out: node for node in self.nodes}
        node = new.get(slope) or self.made.get(slope)
        return list(node.inputs) if node is not None else []


def _factors(monomial: Monomial) -> list[tuple[Wire, bool]]:
    return [(wire, power > 0) for wire, power in monomial]


def _common(polynomial: Polynomial) -> tuple[Monomial, Ratio]:
    """Return the factors and the number that all terms share."""
    shared: dict[Wire, int] | None = None
    for monomial in polynomial:
        powers = dict(monomial)
        if shared is None:
            shared = powers
            continue
        both = {w: p for w, p in shared.items() if w in powers and (p > 0) == (powers[w] > 0)}
        shared = {w: min(p, powers[w], key=abs) for w, p in both.items()}
    ratios = list(polynomial.values())
    if len(ratios) == 1:
        return tuple((shared or {}).items()), ratios[0]
    sign = -1 if all(r.above < 0 for r in ratios) else 1
    if len({(abs(r.above), r.below) for r in ratios}) == 1:
        return tuple((shared or {}).items()), Ratio(sign * abs(ratios[0].above), ratios[0].below)
    below = ratios[0].below if len({r.below for r in ratios}) == 1 else 1
    return tuple((shared or {}).items()), Ratio(sign, below)


def _divided(polynomial: Polynomial, common: Monomial, ratio: Ratio) -> Polynomial:
    inverse = tuple((wire, -power) for wire, power in common)
    by = ratio.inverse()
    return {_merged(m, inverse): r.times(by) for m, r in polynomial.items()}
