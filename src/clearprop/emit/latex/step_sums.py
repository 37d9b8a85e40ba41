"""Sums over all steps: what a backward loop adds up, and products of what steps have collected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ...engine.primitive import primitives
from ...graph.graph import Node, Wire
from .notation import is_product_of_matrices
from .scopes import Carried, Loop, Scope

Term = tuple[bool, Wire]
"""Of a sum, with whether it is taken away."""
_SUMS = (primitives.add, primitives.subtract)


def terms_added(loop: Loop, carry: Carried, uses: Mapping[Wire, int]) -> list[Term] | None:
    """Return what each step of a backward loop adds to a carried value, if it does only that with it."""
    if not loop.is_backward:
        return None
    wires = chain(loop, carry)
    if not wires or any(uses[w] != 1 for w in (carry.before, *wires)):
        return None
    makers = _makers(loop)
    terms = list[Term]()
    for wire, before in zip(wires, [*wires[1:], carry.before], strict=True):
        node = makers[wire]
        place = node.inputs.index(before)
        is_taken = node.primitive is primitives.subtract
        if is_taken and place == 1:
            return None
        terms.append((is_taken, node.inputs[1 - place]))
    return terms[::-1]


def chain(loop: Loop, carry: Carried) -> list[Wire]:
    """Return what a step makes of a carried value by sums alone, the last first."""
    makers = _makers(loop)
    found = list[Wire]()
    wire = carry.after
    while wire is not carry.before:
        node = makers.get(wire)
        ways = [w for w in node.inputs if _leads(w, carry, makers)] if node is not None else []
        if node is None or node.primitive not in _SUMS or len(ways) != 1:
            return []
        found.append(wire)
        wire = ways[0]
    return found


def _makers(loop: Loop) -> dict[Wire, Node]:
    return {w: part for part in loop.parts if isinstance(part, Node) for w in part.outputs}


def _leads(wire: Wire, carry: Carried, makers: Mapping[Wire, Node]) -> bool:
    """Return whether a value is made from what is carried, by sums alone."""
    seen = set[Wire]()
    waiting = [wire]
    while waiting:
        w = waiting.pop()
        if w is carry.before:
            return True
        node = makers.get(w)
        if node is not None and node.primitive in _SUMS and w not in seen:
            seen.add(w)
            waiting += node.inputs
    return False


class Product(NamedTuple):
    """A product of matrices that is the sum over all steps of the product of what each step has."""

    out: Wire
    loop: Loop
    left: Wire
    """A column, whose product with the row `right` is meant, or a matrix, which is turned."""
    right: Wire
    passed: list[Node]
    """The operations that it stands for."""


def products_over_steps(
    root: Scope, makers: Mapping[Wire, Node], uses: Mapping[Wire, int]
) -> list[Product]:
    """Return those that there are in a graph and in its loops and branches."""
    rows: dict[Wire, tuple[Loop, Wire]] = {}
    found = (_product(part, makers, uses, rows) for part in _parts(root, rows))
    return [product for product in found if product is not None]


def _parts(scope: Scope, rows: dict[Wire, tuple[Loop, Wire]]) -> Iterator[Node]:
    """Yield all operations; note arrays with an entry for each step, and what stands for it."""
    for part in scope.parts:
        if isinstance(part, Node):
            yield part
            continue
        for inner in part.scopes():
            yield from _parts(inner, rows)
        if isinstance(part, Loop):
            rows |= {outer: (part, own) for outer, own in part.entries}
            rows |= {outer: (part, own) for own, outer in part.collected}


def _product(
    node: Node,
    makers: Mapping[Wire, Node],
    uses: Mapping[Wire, int],
    rows: Mapping[Wire, tuple[Loop, Wire]],
) -> Product | None:
    if not is_product_of_matrices(node):
        return None
    turned = makers.get(node.inputs[0])
    if turned is None or turned.primitive is not primitives.transpose:
        return None
    factors = []
    passed = [node, turned]
    for wire in (turned.inputs[0], node.inputs[1]):
        made = makers.get(wire)
        if made is not None and made.primitive is primitives.reshape:
            passed.append(made)
            (wire,) = made.inputs
            if wire.spec.ndim != 3 or wire.spec.shape[2:] != made.out.spec.shape[1:]:
                return None
        if wire not in rows:
            return None
        factors.append(rows[wire])
    (first, left), (second, right) = factors
    of_same_steps = first is second or first.twin is second or second.twin is first
    if left.spec.ndim != right.spec.ndim or not of_same_steps:
        return None
    if any(uses[made.out] > 1 for made in passed[1:]):
        return None
    return Product(node.out, first, left, right, passed)
