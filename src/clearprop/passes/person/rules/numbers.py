"""Numbers among themselves, written as in a derivation."""

from __future__ import annotations

import numpy as np

from ....engine.primitive import primitives
from ....engine.spec import is_floating
from ....graph.graph import Node, Wire
from ...matching import Context
from ...rule import rule
from ..rationals import Ratio


@rule("rounding", "backward", at="multiply divide negative add subtract")
def fold_ratio(node: Node, context: Context) -> Wire | None:
    """Fold 2 * (1 / 64) -> 2 / 64, and 0.7 - 0.3 -> 0.4."""
    p = primitives
    ratios = [Ratio.on(w) if w.is_constant else None for w in node.inputs]
    if any(r is None for r in ratios) or not is_floating(node.out.spec.dtype):
        return None
    first, *rest = [r for r in ratios if r is not None]
    if node.primitive is p.negative:
        return _uniform(first.times(Ratio(-1)), node)
    if node.primitive is p.add:
        return _uniform(first.plus(rest[0]), node)
    if node.primitive is p.subtract:
        return _uniform(first.plus(rest[0].times(Ratio(-1))), node)
    if node.primitive is p.divide and not rest[0].above:
        return None
    other = rest[0] if node.primitive is p.multiply else rest[0].inverse()
    return _uniform(first.times(other), node)


def _uniform(ratio: Ratio, node: Node) -> Wire | None:
    try:
        wire = ratio.constant(node.out.spec.dtype)
    except OverflowError:
        return None
    if node.out.spec.shape == ():
        return wire
    full = Wire(wire.name, node.out.spec, np.full(node.out.spec.shape, wire.constant))
    full.is_named = wire.is_named
    return full
