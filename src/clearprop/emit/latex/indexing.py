"""Parts of arrays: how indices are written, and what they pick."""

from __future__ import annotations

import numpy as np

from ...graph.graph import Node
from ...ops.indexing import Slot
from ...passes.person.index_spelling import full_index, is_count, slot_wire
from .symbols import subscripted
from .tex import ATOM, Tex, called, multiplied, operator
from .writer import Expressions, Index, extent, laid_out, writes


def index_tokens(w: Expressions, node: Node, ndim: int) -> list[str]:
    """Return a node's index as subscripts: ``i`` and ``y_i`` where rows are counted, else as in Python."""
    parts = full_index(node, ndim)
    slots = [slot_wire(node, p) for p in parts if isinstance(p, Slot)]
    counted = any(is_count(wire) for wire in slots) and all(wire.spec.ndim == 1 for wire in slots)
    letter = w.fresh(1)[0] if w.letters else "i"
    tokens = []
    for part in parts:
        if isinstance(part, Slot):
            wire = slot_wire(node, part)
            if counted:
                tokens.append(letter if is_count(wire) else w.write(wire, (letter,)).text)
            else:
                tokens.append(w.write(wire).text)
        elif isinstance(part, slice):
            start, stop = ("" if n is None else str(n) for n in (part.start, part.stop))
            tokens.append(f"{start}:{stop}" + ("" if part.step in (None, 1) else f":{part.step}"))
        elif part is not None:
            tokens.append(str(part))
    return tokens


def counts_rows(node: Node, ndim: int) -> bool:
    """Return whether an index picks one entry of each row: ``x[np.arange(n), y]``."""
    parts = full_index(node, ndim)
    slots = [slot_wire(node, p) for p in parts if isinstance(p, Slot)]
    return (
        bool(slots)
        and len(slots) == len(parts) == ndim
        and any(map(is_count, slots))
        and all(wire.spec.ndim == 1 for wire in slots)
    )


def is_one_hot(node: Node) -> bool:
    """Return whether one and the same number is put into each row: ``x[np.arange(n), y] = 1``."""
    value = node.inputs[0]
    if node.out.spec.ndim != 2 or not value.is_constant or not counts_rows(node, 2):
        return False
    first, second = (slot_wire(node, p) for p in full_index(node, 2) if isinstance(p, Slot))
    same = np.all(np.asarray(value.constant) == np.ravel(value.constant)[0])
    return bool(same) and is_count(first) and not is_count(second)


@writes("slice", "gather")
def _part(w: Expressions, node: Node, index: Index) -> Tex:
    x = node.inputs[0]
    ndim = x.spec.ndim
    parts = full_index(node, ndim)
    if x in w.rows and isinstance(parts[0], int):
        return _row(w, node, index)
    if index is not None and counts_rows(node, ndim):
        (letter,) = index
        tokens = []
        for part in parts:
            assert isinstance(part, Slot)
            wire = slot_wire(node, part)
            tokens.append(letter if is_count(wire) else w.write(wire, (letter,)).text)
        return w.write(x, tuple(tokens))
    if index is not None and all(
        part is None or isinstance(part, int) or part == slice(None) for part in parts
    ):
        left = iter(index)
        tokens = []
        for part in parts:
            if isinstance(part, int):
                tokens.append(str(part))
            else:
                token = next(left)
                tokens += [] if part is None else [token]
        own = tuple(tokens)
        return laid_out(w.write(x, own), extent(x, own), extent(node.out, index))
    tokens = [
        t
        for t, n in zip(index_tokens(w, node, ndim), x.spec.shape, strict=False)
        if n != 1 or t not in ("0", ":")
    ]
    if all(token == ":" for token in tokens):
        return laid_out(w.write(x), x.spec.shape, node.out.spec.shape)
    whole, entry = w.symbols.get(x, (w.write(x), None)) if not x.is_constant else (w.write(x), None)
    base = entry if entry is not None and node.out.spec.ndim == 0 else whole
    picked = Tex(subscripted(base.within(ATOM), tokens))
    return w.entries(node.out, index, picked)


def _row(w: Expressions, node: Node, index: Index) -> Tex:
    """Write a part of an entry of what a loop has collected: its steps count from 1."""
    x = node.inputs[0]
    tokens = index_tokens(w, node, x.spec.ndim)[1:]
    whole, entry = w.rows[x](full_index(node, x.spec.ndim)[0])
    if any(token != ":" for token in tokens):
        base = entry if node.out.spec.ndim == 0 else whole
        whole = entry = Tex(subscripted(base.within(ATOM), tokens))
    if index is None or ":" in index:
        return w.entries(node.out, index, whole)
    return w.entries(node.out, index, entry)


@writes("scatter")
def _scatter(w: Expressions, node: Node, index: Index) -> Tex:
    value = node.inputs[0]
    ndim = node.out.spec.ndim
    parts = full_index(node, ndim)
    text = w.write(value)
    whole = [part for part in parts if isinstance(part, int)]
    if 1 <= ndim <= 2 and len(parts) == ndim == len(whole):
        place = [str(part % n) for part, n in zip(whole, node.out.spec.shape, strict=True)]
        unit = Tex(subscripted("\\mathbf{e}" if ndim == 1 else "\\mathbf{E}", place))
        return w.entries(node.out, index, multiplied(text, unit))
    if is_one_hot(node):
        (labels,) = [
            x for x in (slot_wire(node, p) for p in parts if isinstance(p, Slot)) if not is_count(x)
        ]
        ones = called(operator("onehot"), w.write(labels).text)
        return w.entries(node.out, index, multiplied(text, ones))
    if all(part is None or part == slice(None) for part in parts):
        return w.entries(node.out, index, text)
    tokens = ",".join(index_tokens(w, node, ndim))
    return w.entries(node.out, index, called(f"{operator('scatter')}_{{{tokens}}}", text.text))


@writes("one_hot")
def _one_hot(w: Expressions, node: Node, index: Index) -> Tex:
    return w.entries(node.out, index, called(operator("onehot"), w.write(node.inputs[0]).text))
