"""Wires of a graph as expressions, written as NumPy code with the user's names.

Each primitive says in its record how it is written; this module adds parentheses where they are needed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any

import numpy as np

from ..engine.primitive import Call, Custom, Infix, Prefix
from ..engine.spec import first_entry
from ..graph.graph import Graph, Node, Wire

ATOM = 100
_RIGHT_SAFE = {"+", "*"}
"""Operators whose right operand of the same strength needs no parentheses, unless it divides."""
_DIVIDES = re.compile(r" (@|/|//|%) ")
_CHAINS = {"+", "-", "*", "/", "@"}
"""Operators whose left operand of the same strength needs no parentheses; comparisons mean another thing."""


def expression(graph: Graph, wire: Wire, *, stop: Collection[Wire] = ()) -> str:
    """Write `wire` in terms of the inputs of `graph`, or of the wires in `stop`.

    >>> import clearprop
    >>> graph = clearprop.trace(lambda x, y, z: (x + y) * z, 1.0, 2.0, 3.0)
    >>> expression(graph, graph.outputs[0])
    '(x + y) * z'
    """
    makers = {out: node for node in graph.nodes for out in node.outputs}
    texts: dict[Wire, tuple[str, int]] = {}
    stack = [wire]
    while stack:  # operands first, without recursion
        top = stack[-1]
        node = makers.get(top)
        if top in texts:
            stack.pop()
        elif node is None or (top in stop and top is not wire):
            texts[top] = _name(top)
            stack.pop()
        else:
            missing = [w for w in node.inputs if w not in texts]
            if missing:
                stack += reversed(missing)
            else:
                text, binds = write(node, [_operand(node, w, texts[w]) for w in node.inputs])
                for i, out in enumerate(node.outputs):
                    texts[out] = (f"{text}[{i}]", ATOM) if len(node.outputs) > 1 else (text, binds)
                stack.pop()
    return texts[wire][0]


def write(node: Node, operands: list[tuple[str, int]]) -> tuple[str, int]:
    """Return a node applied to written operands: the text, and how tightly it binds."""
    notation = node.primitive.notation
    texts = [text for text, _ in operands]
    if isinstance(notation, Infix):
        (x, left), (y, right) = operands
        binds = notation.binds
        if notation.symbol == "**":
            x, y = _wrap(x, left <= binds), _wrap(y, right < ATOM)
            return f"{x}**{y}", binds
        regroups = notation.symbol in _RIGHT_SAFE and not _DIVIDES.search(y)
        x = _wrap(x, left < binds or (left == binds and notation.symbol not in _CHAINS))
        y = _wrap(y, right < binds or (right == binds and not regroups))
        return f"{x} {notation.symbol} {y}", binds
    if isinstance(notation, Prefix):
        ((x, binds),) = operands
        return f"{notation.symbol}{_wrap(x, binds < notation.binds)}", notation.binds
    if isinstance(notation, Custom):
        if notation.wraps:
            texts = [_wrap(text, binds < ATOM) for text, binds in operands]
        return notation.write(*texts, **node.params), ATOM
    assert isinstance(notation, Call)
    arguments = texts + [f"{key}={value}" for key, value in _shown(node)]
    return f"{notation.name}({', '.join(arguments)})", ATOM


def _shown(node: Node) -> list[tuple[str, Any]]:
    """Return the parameters worth writing: not those that say what NumPy does anyway."""
    shown = []
    for key, value in node.params.items():
        if value is False or (key == "ddof" and value == 0):
            continue
        if key == "axis" and isinstance(value, tuple):
            if len(value) == node.inputs[0].spec.ndim and node.primitive.role != "passes":
                continue
            value = value[0] if len(value) == 1 else value
        shown.append((key, value))
    return shown


def _wrap(text: str, needed: bool) -> str:
    return f"({text})" if needed else text


def _name(wire: Wire) -> tuple[str, int]:
    if wire.is_constant:
        value = np.asarray(wire.constant)
        if value.ndim == 0 or (
            value.size and not wire.is_named and (value == first_entry(value)).all()
        ):
            return number_text(first_entry(value))
    return wire.name, ATOM


def _operand(node: Node, wire: Wire, written: tuple[str, int]) -> tuple[str, int]:
    """Return a constant of equal entries: for an elementwise gate the number alone, else in its shape."""
    if (
        "elementwise" in node.primitive.traits
        or not wire.is_constant
        or written == (wire.name, ATOM)
    ):
        return written
    shape, (number, _) = wire.spec.shape, written
    if shape == ():
        return written
    short = {"0": "zeros", "1": "ones"}.get(number)
    return f"{short}({shape})" if short else f"full({shape}, {number})", ATOM


def number_text(value: Any) -> tuple[str, int]:
    """Return a number as Python writes it; None, where a bound is open, as None."""
    number = value.item() if value is not None else None
    text = repr(number)
    if isinstance(number, float):
        if not math.isfinite(number):
            text = text.replace("inf", "np.inf").replace("nan", "np.nan")
        elif text != "-0.0":  # which is a float alone
            text = text.removesuffix(".0")
    return text, 30 if text.startswith("-") else ATOM
