"""Parts of arrays: what was picked, and where its gradient goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ....engine.primitive import primitives
from ....graph.graph import Node, Wire
from ....ops.indexing import Slot
from ...matching import Context, number
from ...rule import Found, constant, full, if_fits, made_anew, part_of, rule
from ..index_spelling import place


@rule("exact", "backward", at="slice")
def part_of_part(node: Node, context: Context) -> Found:
    """x[i][j] -> x[i, j]."""
    inner = context.by(node.inputs[0], "slice")
    if inner is None or not inner.is_backward:
        return None
    index = (*inner.params["index"], *node.params["index"])
    if not all(isinstance(i, int) for i in inner.params["index"]) or Ellipsis in index:
        return None
    return made_anew(node, primitives.slice, *inner.inputs, index=index)


def _uniform(wire: Wire) -> Wire:
    """A constant of equal entries as one number."""
    value = number(wire)
    if value is None or wire.spec.shape == ():
        return wire
    return constant(wire.spec.dtype.type(value))


def picks_one_in_each_row(node: Node) -> bool:
    """Return whether a scatter puts one number into each row of a matrix: at [arange(n), labels]."""
    index, shape = node.params["index"], node.params["shape"]
    if len(shape) != 2 or index != (Slot(0), Slot(1)):
        return False
    rows = node.inputs[1]
    return bool(rows.is_constant and np.array_equal(rows.constant, np.arange(shape[0])))


@rule("exact", "backward", at="sum")
def sum_of_picked(node: Node, context: Context) -> Found:
    """The sum of each row of a matrix that has one number in each row, is that number."""
    if node.params["axis"] != (1,):
        return None
    inner = context.by(node.inputs[0], "scatter")
    if inner is None or not picks_one_in_each_row(inner):
        return None
    g = inner.inputs[0]
    if (value := number(g)) is not None:
        return full(node, value)
    return if_fits(node, g) or made_anew(node, primitives.reshape, g, shape=node.out.spec.shape)


@rule("range", "backward", at="multiply divide negative")
def number_into_scatter(node: Node, context: Context) -> Found:
    """c * scatter(g) -> scatter(c * g), c being one number."""
    for position, wire in enumerate(node.inputs):
        inner = context.only(wire, "scatter")
        others = [w for i, w in enumerate(node.inputs) if i != position]
        if inner is None or any(w.spec.shape != () for w in others):
            continue
        if node.primitive is primitives.divide and position:
            continue
        operands = [
            _uniform(inner.inputs[0]) if i == position else w for i, w in enumerate(node.inputs)
        ]
        part = part_of(node, node.primitive, *operands)
        parts, shape = [part], inner.inputs[0].spec.shape
        if part.out.spec.shape != shape:
            parts.append(part_of(node, primitives.broadcast_to, part.out, shape=shape))
        put = made_anew(node, inner.primitive, parts[-1].out, *inner.inputs[1:], **inner.params)
        return if_fits(node, *parts, put)
    return None


@rule("exact", "backward", at="scatter")
def axes_taken_back(node: Node, context: Context) -> Found:
    """The gradient of x[:, None] is reshaped, not put into zeros."""
    if len(node.inputs) != 1:
        return None
    plain = (slice(None), None, Ellipsis)
    if not all(part in plain for part in node.params["index"]):
        return None
    x = node.inputs[0]
    return if_fits(node, x) or made_anew(node, primitives.reshape, x, shape=node.params["shape"])


def _unsigned(wire: Wire, context: Context) -> tuple[tuple[Node, ...], Wire] | None:
    """A wire of the numbers with the other sign, where that is simpler, and the nodes that make it."""
    way: list[Node] = []
    kinds = ("negative", "multiply", "divide", "broadcast_to")
    while (node := context.by(wire, *kinds)) is not None and node.is_backward:
        if node.primitive is primitives.negative:
            wire = node.inputs[0]
            break
        way.append(node)
        wire = node.inputs[0]
    else:
        value = number(wire)
        if value is None or value >= 0:
            return None
        name = wire.name[1:] if wire.name.startswith("-") else ""
        wire = Wire(name, wire.spec, -np.asarray(wire.constant)[()])
    parts: list[Node] = []
    for node in reversed(way):
        parts.append(part_of(node, node.primitive, wire, *node.inputs[1:], **node.params))
        wire = parts[-1].out
    return tuple(parts), wire


@rule("exact", "backward", late=True, at="add subtract")
def part_with_sign(node: Node, context: Context) -> Found:
    """x + scatter(-g) -> x - scatter(g), and scatter(-g) - (-x) -> x - scatter(g)."""
    if node.primitive is primitives.add:
        for x, wire in (node.inputs, node.inputs[::-1]):
            piece = context.only(wire, "scatter")
            found = piece and _unsigned(piece.inputs[0], context)
            if piece is None or len(piece.inputs) == 1 or not found or context.only(x, "scatter"):
                continue
            put = part_of(piece, primitives.scatter, found[1], *piece.inputs[1:], **piece.params)
            return (*found[0], put, made_anew(node, primitives.subtract, x, put.out))
    if node.primitive is primitives.subtract:
        piece = context.only(node.inputs[0], "scatter")
        found = piece and _unsigned(piece.inputs[0], context)
        other = _unsigned(node.inputs[1], context)
        if piece is not None and found and other:
            put = part_of(piece, primitives.scatter, found[1], *piece.inputs[1:], **piece.params)
            return (
                *found[0],
                *other[0],
                put,
                made_anew(node, primitives.subtract, other[1], put.out),
            )
    return None


def _pieces(node: Node, context: Context) -> list[Node] | None:
    """The scatters that a sum adds up, if it adds up nothing else and stretches none."""
    found: list[Node] = []
    stack = list(node.inputs)
    while stack:
        wire = stack.pop()
        if wire.spec.shape != node.out.spec.shape:
            return None
        if (piece := context.only(wire, "scatter")) is not None and len(piece.inputs) == 1:
            found.append(piece)
        elif (inner := context.only(wire, "add")) is not None:
            stack += inner.inputs
        else:
            return None
    return found[::-1]


def _box(index: tuple[Any, ...], shape: tuple[int, ...]) -> list[tuple[int, int]] | None:
    """The first and last place that a plain index covers along each axis."""
    if any(not isinstance(part, int | slice) for part in index) or len(index) > len(shape):
        return None
    box = []
    for part, n in zip((*index, *[slice(None)] * (len(shape) - len(index))), shape, strict=True):
        if isinstance(part, int):
            box.append((part % n, part % n + 1))
            continue
        start, stop, step = part.indices(n)
        if step != 1:
            return None
        box.append((start, stop))
    return box


@rule("rounding", "backward", late=True, at="add")
def same_part(node: Node, context: Context) -> Found:
    """Gradients of the same part are added up before they are put in its place."""
    if _is_inner(node, context):
        return None
    places: dict[Any, Wire] = {}
    puts: dict[Wire, Node] = {}  # by the first piece at the same place, for which it stands
    news: list[Node] = []
    kept: list[Wire] = []
    for wire in _leaves(node, context):
        piece = context.only(wire, "scatter")
        if piece is not None and len(piece.inputs) == 1:
            first = places.setdefault((place(piece), piece.out.spec.shape), wire)
            value = puts.get(first, context.made[first]).inputs[0]
            both = part_of(node, primitives.add, value, piece.inputs[0])
            if first is not wire and both.out.spec == value.spec:
                news.append(both)
                context.inner_sums.update([value] if first in puts else [])
                puts[first] = part_of(node, primitives.scatter, both.out, **piece.params)
                continue
        kept.append(wire)
    if not puts:
        return None
    news += puts.values()
    total, *rest = [puts[w].out if w in puts else w for w in kept]
    if not rest:
        return (*news[:-1], replace(news[-1], outputs=node.outputs))
    for wire in rest:
        news.append(part_of(node, primitives.add, total, wire))
        total = news[-1].out
        context.inner_sums.add(total)
    return (*news[:-1], made_anew(node, primitives.add, *news[-1].inputs))


def _leaves(node: Node, context: Context) -> list[Wire]:
    """Return what a sum adds up, in order, through the sums that it alone reads."""
    found: list[Wire] = []
    stack = list(node.inputs)[::-1]
    while stack:
        wire = stack.pop()
        inner = context.only(wire, "add")
        if inner is not None:
            stack += inner.inputs[::-1]
        else:
            found.append(wire)
    return found


@rule("exact", "backward", late=True, at="add")
def parts_side_by_side(node: Node, context: Context) -> Found:
    """Zeros with parts that cover everything -> the parts, joined."""
    if _is_inner(node, context):
        return None
    pieces = _pieces(node, context)
    if pieces is None:
        return None
    shape = node.out.spec.shape
    boxes = [_box(piece.params["index"], shape) for piece in pieces]
    if any(box is None for box in boxes):
        return None
    known = [box for box in boxes if box is not None]
    cut = [
        axis for axis in range(len(shape)) if any(box[axis] != (0, shape[axis]) for box in known)
    ]
    if len(cut) != 1:
        return None
    (axis,) = cut
    order = sorted(range(len(known)), key=lambda i: known[i][axis])
    ends = [0] + [known[i][axis][1] for i in order]
    if ends[-1] != shape[axis] or any(
        known[i][axis][0] != e for i, e in zip(order, ends, strict=False)
    ):
        return None
    parts = [pieces[i] for i in order]
    whole = [
        isinstance((*p.params["index"], *[slice(None)] * len(shape))[axis], int) for p in parts
    ]
    values = [p.inputs[0] for p in parts]
    news: list[Node] = []
    for i, (value, single) in enumerate(zip(values, whole, strict=True)):
        if single and not all(whole):
            news.append(part_of(node, primitives.expand_dims, value, axis=(axis,)))
            values[i] = news[-1].out
    kind = primitives.stack if all(whole) else primitives.concatenate
    return if_fits(node, *news, made_anew(node, kind, *values, axis=axis))


def _is_inner(node: Node, context: Context) -> bool:
    return node.out in context.inner_sums
