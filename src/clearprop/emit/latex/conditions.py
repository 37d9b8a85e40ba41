"""Comparisons, what joins them, and choices."""

from __future__ import annotations

import numpy as np

from ...engine.primitive import primitives
from ...graph.graph import Node
from .tex import ATOM, CLOSED, COMPARISON, Tex
from .writer import Expressions, Index, writes

_SIGNS = {
    "greater": ">",
    "greater_equal": "\\geq",
    "less": "<",
    "less_equal": "\\leq",
    "equal": "=",
    "not_equal": "\\ne",
}
_JOINED = {
    "logical_and": "\\land",
    "logical_or": "\\lor",
    "bitwise_and": "\\land",
    "bitwise_or": "\\lor",
}


@writes(*_SIGNS)
def _compare(w: Expressions, node: Node, index: Index) -> Tex:
    x, y = w.operands(node, index)
    sign = _SIGNS[node.primitive.name]
    return Tex(f"\\left[{x.text} {sign} {y.text}\\right]", ATOM)


@writes(*_JOINED)
def _join(w: Expressions, node: Node, index: Index) -> Tex:
    x, y = w.operands(node, index)
    return Tex(f"{x.within(CLOSED)} {_JOINED[node.primitive.name]} {y.within(CLOSED)}", COMPARISON)


@writes("logical_not", "invert")
def _not(w: Expressions, node: Node, index: Index) -> Tex:
    return Tex(f"\\neg {w.operands(node, index)[0].within(CLOSED)}", CLOSED)


@writes("where")
def _where(w: Expressions, node: Node, index: Index) -> Tex:
    kept = _guarded(w, node)
    if kept is not None:
        return w.operands(node, index)[kept]
    condition, x, y = (t.text for t in w.operands(node, index))
    condition = unbracketed(condition)
    rows = f"{x} & \\text{{if }} {condition} \\\\ {y} & \\text{{otherwise}}"
    return Tex(f"\\begin{{cases}} {rows} \\end{{cases}}", ATOM)


def unbracketed(condition: str) -> str:
    """Return a comparison without the brackets around it."""
    alone = condition.startswith("\\left[") and condition.endswith("\\right]")
    return condition[6:-7] if alone and condition.count("\\left[") == 1 else condition


def _guarded(w: Expressions, node: Node) -> int | None:
    """Return the input that is meant by a choice which only keeps infinities or zeros out."""
    condition, x, y = node.inputs
    made = w.makers.get(condition)
    if made is None or condition in w.symbols:
        return None
    if made.primitive is primitives.isfinite and y.is_constant and not np.any(y.constant):
        return 1
    zero = made.inputs[-1]
    compared = made.primitive is primitives.equal and made.inputs[0] is y and zero.is_constant
    return 2 if compared and x.is_constant and not np.any(zero.constant) else None
