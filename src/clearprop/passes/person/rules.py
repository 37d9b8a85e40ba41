"""Rules for a backward pass: what a person would write instead of what the gates' rules give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph import Node, Wire
from ...ops.indexing import Slot
from ...primitive import primitives
from ...spec import is_floating, spec_of
from ..algebra import Found
from .rewriting import Facts, PersonRule, fits, made_anew, part_of
from .seeing import count, is_one, number

EARLY: list[PersonRule] = []
"""Applied until none fits."""
LATE: list[PersonRule] = []
"""Applied when no early one fits any more, since they hide what early ones look at."""
TIES: list[PersonRule] = []
"""Exact but where a function has a kink: there they give the gradient to one winner."""


def rule(where: list[PersonRule]) -> Callable[[PersonRule], PersonRule]:
    """Decorator: add a rule."""

    def note(function: PersonRule) -> PersonRule:
        where.append(function)
        return function

    return note


def _constant(value: Any) -> Wire:
    return Wire("", spec_of(value), value)


# ---- sums


@rule(EARLY)
def mean_of_sum(node: Node, facts: Facts) -> Found:
    """sum(x) / n -> mean(x), n being how many were added."""
    if node.primitive not in (primitives.divide, primitives.multiply):
        return None
    factor, total = facts.scaled(node.out) if node.out in facts.made else _scaled(node, facts)
    found = facts.only(total, "sum")
    if found is None or total.spec != node.out.spec:
        return None
    x, axes = found.inputs[0], found.params["axis"]
    if not axes or not is_one(factor * count(x, axes)):
        return None
    return made_anew(node, primitives.mean, x, **found.params)


def _scaled(node: Node, facts: Facts) -> tuple[float, Wire]:
    x, y = node.inputs
    if (value := number(y)) is not None:
        return (value if node.primitive is primitives.multiply else 1 / value if value else 0), x
    if (value := number(x)) is not None and node.primitive is primitives.multiply:
        return value, y
    return 0.0, x


@rule(EARLY)
def number_out_of_sum(node: Node, facts: Facts) -> Found:
    """sum(c * x) -> c * sum(x), c being one number or constant along the axes."""
    if node.primitive not in (primitives.sum, primitives.mean):
        return None
    inner = facts.only(node.inputs[0], "multiply", "divide")
    if inner is None or not is_floating(inner.out.spec.dtype):
        return None
    x, y = inner.inputs
    for c, rest in ((x, y), (y, x)):
        if inner.primitive is primitives.divide and c is x:
            continue
        if rest.spec != inner.out.spec or (c.spec.size > 1 and not _constant_along(c, node)):
            continue
        if (
            c.spec.size > 1
            and not node.params["keepdims"]
            and node.params["axis"] != _leading(node)
        ):
            continue
        if c.spec.ndim > node.out.spec.ndim and c.spec.size == 1:
            continue
        total = part_of(node, node.primitive, rest, **node.params)
        operands = (total.out, c) if inner.primitive is primitives.divide else (c, total.out)
        outer = made_anew(node, inner.primitive, *operands)
        return (total, outer) if fits(node, outer) else None
    return None


def _leading(node: Node) -> tuple[int, ...]:
    return tuple(range(len(node.params["axis"])))


def _constant_along(c: Wire, node: Node) -> bool:
    """Whether `c` has size one along the axes that `node` reduces, or lacks them."""
    x = node.inputs[0]
    shape = (1,) * (x.spec.ndim - c.spec.ndim) + c.spec.shape
    if not node.params["keepdims"] and c.spec.ndim > x.spec.ndim - len(node.params["axis"]):
        return False
    return all(shape[i] == 1 for i in node.params["axis"])


@rule(EARLY)
def sum_of_copies(node: Node, facts: Facts) -> Found:
    """sum(stretched x) -> n * x, and mean(stretched x) -> x."""
    if node.primitive not in (primitives.sum, primitives.mean):
        return None
    x = node.inputs[0]
    value = number(x) if x.is_constant else None
    inner = facts.by(x, "broadcast_to")
    copies = count(x, node.params["axis"]) if node.primitive is primitives.sum else 1
    if value is not None and is_floating(x.spec.dtype) and x.spec.size:
        full = np.full(node.out.spec.shape, copies * value, node.out.spec.dtype)[()]
        return Wire("", node.out.spec, full)
    if inner is None or not inner.is_backward or inner.inputs[0].spec.size != 1:
        return None
    one = inner.inputs[0]
    if one.spec.shape != ():
        return None
    scaled = part_of(node, primitives.multiply, _constant(copies), one) if copies != 1 else None
    source = scaled.out if scaled else one
    if node.out.spec.shape == ():
        return made_anew(node, primitives.multiply, *scaled.inputs) if scaled else source
    spread = made_anew(node, primitives.broadcast_to, source, shape=node.out.spec.shape)
    return (scaled, spread) if scaled else spread


@rule(EARLY)
def sum_of_products(node: Node, facts: Facts) -> Found:
    """sum(x * y) -> x @ y for vectors."""
    if node.primitive is not primitives.sum or node.out.spec.shape != ():
        return None
    inner = facts.only(node.inputs[0], "multiply")
    if inner is None or any(w.spec.ndim != 1 or w.spec != inner.out.spec for w in inner.inputs):
        return None
    return made_anew(node, primitives.matmul, *inner.inputs)


@rule(EARLY)
def unstretched(node: Node, facts: Facts) -> Found:
    """A stretched value beside one of the full shape need not be stretched."""
    if not node.primitive.elementwise:
        return None
    for position, wire in enumerate(node.inputs):
        inner = facts.by(wire, "broadcast_to")
        if inner is None or not inner.is_backward:
            continue
        inputs = (*node.inputs[:position], inner.inputs[0], *node.inputs[position + 1 :])
        shorter = made_anew(node, node.primitive, *inputs, **node.params)
        if fits(node, shorter):
            return shorter
    return None


@rule(EARLY)
def reshaped_once(node: Node, facts: Facts) -> Found:
    """x.reshape(a).reshape(b) -> x.reshape(b)."""
    if node.primitive not in (primitives.reshape, primitives.expand_dims, primitives.squeeze):
        return None
    inner = facts.by(node.inputs[0], "reshape", "expand_dims", "squeeze")
    if inner is None or not inner.is_backward:
        return None
    (x,) = inner.inputs
    if x.spec == node.out.spec:
        return x
    return made_anew(node, primitives.reshape, x, shape=node.out.spec.shape)


@rule(EARLY)
def kept_by_sum(node: Node, facts: Facts) -> Found:
    """sum(x, axis).reshape(...) -> sum(x, axis, keepdims=True), and the other way round."""
    if node.primitive not in (primitives.reshape, primitives.expand_dims, primitives.squeeze):
        return None
    inner = facts.only(node.inputs[0], "sum", "mean", "max", "min")
    if inner is None:
        return None
    for keepdims in (True, False):
        params = {**inner.params, "keepdims": keepdims}
        other = made_anew(node, inner.primitive, *inner.inputs, **params)
        if fits(node, other):
            return other
    return None


@rule(EARLY)
def number_reshaped(node: Node, facts: Facts) -> Found:
    """A stretched number in another shape is a number stretched to that shape."""
    if node.primitive not in (
        primitives.reshape,
        primitives.expand_dims,
        primitives.squeeze,
        primitives.transpose,
    ):
        return None
    inner = facts.by(node.inputs[0], "broadcast_to")
    if inner is None or inner.inputs[0].spec.shape != ():
        return None
    if node.out.spec.shape == ():
        return inner.inputs[0]
    return made_anew(node, primitives.broadcast_to, inner.inputs[0], shape=node.out.spec.shape)


_LINEAR = (
    "sum",
    "mean",
    "matmul",
    "outer",
    "reshape",
    "transpose",
    "expand_dims",
    "squeeze",
    "window",
)


@rule(EARLY)
def number_out_of_linear(node: Node, facts: Facts) -> Found:
    """(c * x) @ y -> c * (x @ y), and so for sums, reshapes and the like, where it is no more work."""
    if node.primitive.name not in _LINEAR or node.primitive is not getattr(
        primitives, node.primitive.name
    ):
        return None
    for position, wire in enumerate(node.inputs):
        inner = facts.only(wire, "multiply", "divide", "negative")
        if inner is None or node.out.spec.size > wire.spec.size or not is_floating(wire.spec.dtype):
            continue
        for x, c in _with_number(inner, facts):
            operands = [x if i == position else w for i, w in enumerate(node.inputs)]
            core = part_of(node, node.primitive, *operands, **node.params)
            order = [core.out if w is x else w for w in inner.inputs]
            outer = made_anew(node, inner.primitive, *order)
            if c is None or c.spec.shape == ():
                return (core, outer) if fits(node, outer) else None
    return None


def _with_number(inner: Node, facts: Facts) -> list[tuple[Wire, Wire | None]]:
    """The large operand of a product with one number, and the number."""
    if inner.primitive is primitives.negative:
        return [(inner.inputs[0], None)]
    x, y = inner.inputs
    pairs: list[tuple[Wire, Wire | None]] = [(x, y)]
    if inner.primitive is primitives.multiply:
        pairs.append((y, x))
    return [
        (a, b)
        for a, b in pairs
        if a.spec == inner.out.spec and b is not None and b.spec.shape == ()
    ]


@rule(EARLY)
def part_of_part(node: Node, facts: Facts) -> Found:
    """x[i][j] -> x[i, j]."""
    if node.primitive is not primitives.window:
        return None
    inner = facts.by(node.inputs[0], "window")
    if inner is None or not inner.is_backward:
        return None
    index = (*inner.params["index"], *node.params["index"])
    if not all(isinstance(i, int) for i in inner.params["index"]) or Ellipsis in index:
        return None
    return made_anew(node, primitives.window, *inner.inputs, index=index)


@rule(EARLY)
def kept_for_nothing(node: Node, facts: Facts) -> Found:
    """x - mean(x, keepdims=True) -> x - mean(x), where the mean broadcasts without."""
    if not node.primitive.elementwise:
        return None
    for position, wire in enumerate(node.inputs):
        inner = facts.only(wire, "sum", "mean")
        if inner is None or not inner.params["keepdims"]:
            continue
        axes, x = inner.params["axis"], inner.inputs[0]
        if len(axes) != x.spec.ndim:
            continue
        short = part_of(node, inner.primitive, x, axis=axes, keepdims=False)
        operands = [short.out if i == position else w for i, w in enumerate(node.inputs)]
        other = made_anew(node, node.primitive, *operands, **node.params)
        if fits(node, other):
            return short, other
    return None


# ---- products of matrices


@rule(EARLY)
def transposed_product(node: Node, facts: Facts) -> Found:
    """(x.T @ g).T -> g.T @ x."""
    if node.primitive is not primitives.transpose or node.params["axes"] != (1, 0):
        return None
    inner = facts.only(node.inputs[0], "matmul")
    if inner is None or any(w.spec.ndim != 2 for w in inner.inputs):
        return None
    x, y = inner.inputs
    left = part_of(node, primitives.transpose, y, axes=(1, 0))
    undone = facts.by(x, "transpose")
    if undone is None:  # it would only move the transposes about
        return None
    return left, made_anew(node, primitives.matmul, left.out, undone.inputs[0])


@rule(EARLY)
def product_with_column(node: Node, facts: Facts) -> Found:
    """(A @ v[:, None])[:, 0] -> A @ v."""
    if node.primitive is not primitives.window or node.params["index"] != (Ellipsis, 0):
        return None
    inner = facts.only(node.inputs[0], "matmul")
    column = inner and facts.by(inner.inputs[1], "expand_dims", "reshape")
    if inner is None or column is None or column.inputs[0].spec.ndim != 1:
        return None
    if inner.inputs[1].spec.shape != (column.inputs[0].spec.size, 1):
        return None
    return made_anew(node, primitives.matmul, inner.inputs[0], column.inputs[0])


@rule(EARLY)
def outer_product(node: Node, facts: Facts) -> Found:
    """x[:, None] * y -> outer(x, y) for vectors."""
    if node.primitive is not primitives.multiply or node.out.spec.ndim != 2:
        return None
    vectors = []
    for wire, column in zip(node.inputs, (True, False), strict=True):
        n = wire.spec.size
        if wire.spec.shape != ((n, 1) if column else (1, n)) and (
            column or wire.spec.shape != (n,)
        ):
            return None
        shaped = facts.by(wire, "expand_dims", "reshape")
        inner = shaped.inputs[0] if shaped else wire
        if inner.spec.ndim != 1:
            return None
        vectors.append(inner)
    return made_anew(node, primitives.outer, *vectors)


# ---- powers and forward values


@rule(EARLY)
def exp_of_log(node: Node, facts: Facts) -> Found:
    """exp(log(x)) -> x."""
    if node.primitive is primitives.exp and (inner := facts.by(node.inputs[0], "log")):
        return inner.inputs[0] if inner.inputs[0].spec == node.out.spec else None
    return None


@rule(EARLY)
def power_of_forward_value(node: Node, facts: Facts) -> Found:
    """x**-2 -> r**2, where r = 1 / x is in the forward pass; x**0.5 - 1 and the like, too."""
    if node.primitive is not primitives.power or (k := number(node.inputs[1])) is None:
        return None
    x = node.inputs[0]
    for wire, maker in facts.made.items():
        if (
            wire not in facts.forward
            or maker.primitive is not primitives.power
            or maker.inputs[0] is not x
        ):
            continue
        base = number(maker.inputs[1])
        if base and base not in (0, 1, 2) and k / base in (1, 2, 3, 4):
            if k == base:
                return wire
            return made_anew(node, primitives.power, wire, _constant(int(k / base)))
    return None


# ---- choices


def _zero(wire: Wire) -> bool:
    return number(wire) == 0


@rule(EARLY)
def two_halves(node: Node, facts: Facts) -> Found:
    """where(c, x, 0) + where(c, 0, y) -> where(c, x, y)."""
    if node.primitive is not primitives.add:
        return None
    first, second = (facts.only(w, "where") for w in node.inputs)
    if first is None or second is None or first.inputs[0] is not second.inputs[0]:
        return None
    if _zero(first.inputs[1]):
        first, second = second, first
    if not (_zero(first.inputs[2]) and _zero(second.inputs[1])):
        return None
    both = made_anew(node, primitives.where, first.inputs[0], first.inputs[1], second.inputs[2])
    return both if fits(node, both) else None


@rule(EARLY)
def product_into_choice(node: Node, facts: Facts) -> Found:
    """where(c, x, 0) * y -> where(c, x * y, 0)."""
    if node.primitive not in (primitives.multiply, primitives.divide, primitives.negative):
        return None
    for position, wire in enumerate(node.inputs):
        inner = facts.only(wire, "where")
        if inner is None or (node.primitive is primitives.divide and position):
            continue
        condition, x, y = inner.inputs
        if _zero(x) == _zero(y):
            continue
        value = y if _zero(x) else x
        operands = [value if i == position else w for i, w in enumerate(node.inputs)]
        part = part_of(node, node.primitive, *operands)
        branches = (x, part.out) if _zero(x) else (part.out, y)
        choice = made_anew(node, primitives.where, condition, *branches)
        return (part, choice) if fits(node, choice) else None
    return None


def _same_pair(a: Node, b: Node) -> bool:
    def same(x: Wire, y: Wire) -> bool:
        return x is y or (number(x) is not None and number(x) == number(y))

    (p, q), (r, s) = a.inputs, b.inputs
    return (same(p, r) and same(q, s)) or (same(p, s) and same(q, r))


@rule(TIES)
def one_winner(node: Node, facts: Facts) -> Found:
    """where(x == y, g / 2, where(x > y, g, 0)) -> where(x > y, g, 0): no ties."""
    if node.primitive is not primitives.where or not facts.by(node.inputs[0], "equal"):
        return None
    equal = facts.by(node.inputs[0], "equal")
    inner = facts.by(node.inputs[2], "where")
    if inner is None or equal is None or not _zero(inner.inputs[2]):
        return None
    greater = facts.by(inner.inputs[0], "greater")
    if greater is None or not _same_pair(greater, equal):
        return None
    alone = made_anew(node, primitives.where, *inner.inputs)
    return alone if fits(node, alone) else None


@rule(TIES)
def one_extreme(node: Node, facts: Facts) -> Found:
    """g / count(x == max) -> g: no ties."""
    if node.primitive is not primitives.divide:
        return None
    total = facts.by(node.inputs[1], "sum")
    winners = total and facts.by(total.inputs[0], "astype")
    if not winners or not facts.by(winners.inputs[0], "equal"):
        return None
    return node.inputs[0] if node.inputs[0].spec == node.out.spec else None


@rule(TIES)
def deviation_above_zero(node: Node, facts: Facts) -> Found:
    """where(s == 0, 1, s) -> s."""
    if node.primitive is not primitives.where or number(node.inputs[1]) != 1:
        return None
    equal = facts.by(node.inputs[0], "equal")
    s = node.inputs[2]
    if equal is None or equal.inputs[0] is not s or not _zero(equal.inputs[1]):
        return None
    return s if s.spec == node.out.spec else None


@rule(EARLY)
def finite_top(node: Node, facts: Facts) -> Found:
    """where(isfinite(x), x, 0) -> x, for finite x."""
    if node.primitive is not primitives.where or not _zero(node.inputs[2]):
        return None
    test = facts.by(node.inputs[0], "isfinite")
    x = node.inputs[1]
    return x if test and test.inputs[0] is x and x.spec == node.out.spec else None


@rule(LATE)
def mask_of_output(node: Node, facts: Facts) -> Found:
    """x > 0 -> h > 0, where h = max(x, 0) is in the forward pass."""
    x, bound = node.inputs if node.primitive is primitives.greater else (None, None)
    if x is None or bound is None or not _zero(bound) or x.is_named:
        return None
    for wire, maker in facts.made.items():
        if wire in facts.forward and maker.inputs and x in maker.inputs and wire.is_named:
            other = [w for w in maker.inputs if w is not x]
            if maker.primitive is primitives.relu or (
                maker.primitive is primitives.maximum and other and _zero(other[0])
            ):
                return made_anew(node, primitives.greater, wire, bound)
    return None


@rule(LATE)
def mask(node: Node, facts: Facts) -> Found:
    """where(c, g, 0) -> g * c, for finite g."""
    if node.primitive is not primitives.where:
        return None
    condition, x, y = node.inputs
    if _zero(y) and not _zero(x):
        product = made_anew(node, primitives.multiply, x, condition)
        return product if condition.spec.dtype == bool and fits(node, product) else None
    if _zero(x) and not _zero(y):
        product = made_anew(node, primitives.multiply, y, condition)
        if condition.spec.dtype == bool and fits(node, product):
            other = part_of(node, primitives.invert, condition)
            return other, made_anew(node, primitives.multiply, y, other.out)
    return None


# ---- parts of arrays


def _uniform(wire: Wire) -> Wire:
    """A constant of equal entries as one number."""
    value = number(wire)
    if value is None or wire.spec.shape == ():
        return wire
    return Wire("", spec_of(wire.spec.dtype.type(value)), wire.spec.dtype.type(value))


def picks_one_in_each_row(node: Node) -> bool:
    """Whether a scatter puts one number into each row of a matrix: at [arange(n), labels]."""
    index, shape = node.params["index"], node.params["shape"]
    if len(shape) != 2 or index != (Slot(0), Slot(1)):
        return False
    rows = node.inputs[1]
    return bool(rows.is_constant and np.array_equal(rows.constant, np.arange(shape[0])))


@rule(EARLY)
def sum_of_picked(node: Node, facts: Facts) -> Found:
    """The sum of each row of a matrix that has one number in each row, is that number."""
    if node.primitive is not primitives.sum or node.params["axis"] != (1,):
        return None
    inner = facts.by(node.inputs[0], "scatter")
    if inner is None or not picks_one_in_each_row(inner):
        return None
    g = inner.inputs[0]
    if (value := number(g)) is not None:
        return Wire("", node.out.spec, np.full(node.out.spec.shape, value, node.out.spec.dtype))
    if g.spec == node.out.spec:
        return g
    return made_anew(node, primitives.reshape, g, shape=node.out.spec.shape)


@rule(EARLY)
def number_into_scatter(node: Node, facts: Facts) -> Found:
    """c * scatter(g) -> scatter(c * g), c being one number."""
    if node.primitive not in (primitives.multiply, primitives.divide, primitives.negative):
        return None
    for position, wire in enumerate(node.inputs):
        inner = facts.only(wire, "scatter")
        others = [w for i, w in enumerate(node.inputs) if i != position]
        if inner is None or any(w.spec.shape != () for w in others):
            continue
        if node.primitive is primitives.divide and position:
            continue
        operands = [
            _uniform(inner.inputs[0]) if i == position else w for i, w in enumerate(node.inputs)
        ]
        part = part_of(node, node.primitive, *operands)
        if part.out.spec.shape != inner.inputs[0].spec.shape:
            spread = part_of(
                node, primitives.broadcast_to, part.out, shape=inner.inputs[0].spec.shape
            )
            put = made_anew(node, inner.primitive, spread.out, *inner.inputs[1:], **inner.params)
            if not fits(node, put):
                return None
            return (part, spread, put)
        put = made_anew(node, inner.primitive, part.out, *inner.inputs[1:], **inner.params)
        return (part, put) if fits(node, put) else None
    return None


@rule(EARLY)
def axes_taken_back(node: Node, facts: Facts) -> Found:
    """The gradient of x[:, None] is reshaped, not put into zeros."""
    if node.primitive is not primitives.scatter or len(node.inputs) != 1:
        return None
    plain = (slice(None), None, Ellipsis)
    if not all(part in plain for part in node.params["index"]):
        return None
    if node.inputs[0].spec == node.out.spec:
        return node.inputs[0]
    return made_anew(node, primitives.reshape, node.inputs[0], shape=node.params["shape"])


def _unsigned(wire: Wire, facts: Facts) -> tuple[tuple[Node, ...], Wire] | None:
    """A wire of the numbers with the other sign, where that is simpler, and the nodes that make it."""
    if (value := number(wire)) is not None:
        if value >= 0:
            return None
        name = wire.name[1:] if wire.name.startswith("-") else ""
        return (), Wire(name, wire.spec, -np.asarray(wire.constant)[()])
    node = facts.by(wire, "negative", "multiply", "divide", "broadcast_to")
    if node is None or not node.is_backward:
        return None
    if node.primitive is primitives.negative:
        return (), node.inputs[0]
    found = _unsigned(node.inputs[0], facts)
    if found is None:
        return None
    part = part_of(node, node.primitive, found[1], *node.inputs[1:], **node.params)
    return (*found[0], part), part.out


@rule(LATE)
def part_with_sign(node: Node, facts: Facts) -> Found:
    """x + scatter(-g) -> x - scatter(g), and scatter(-g) - (-x) -> x - scatter(g)."""
    if node.primitive is primitives.add:
        for x, wire in (node.inputs, node.inputs[::-1]):
            piece = facts.only(wire, "scatter")
            found = piece and _unsigned(piece.inputs[0], facts)
            if piece is None or len(piece.inputs) == 1 or not found or facts.only(x, "scatter"):
                continue
            put = part_of(piece, primitives.scatter, found[1], *piece.inputs[1:], **piece.params)
            return (*found[0], put, made_anew(node, primitives.subtract, x, put.out))
    if node.primitive is primitives.subtract:
        piece = facts.only(node.inputs[0], "scatter")
        found = piece and _unsigned(piece.inputs[0], facts)
        other = _unsigned(node.inputs[1], facts)
        if piece is not None and found and other:
            put = part_of(piece, primitives.scatter, found[1], *piece.inputs[1:], **piece.params)
            return (
                *found[0],
                *other[0],
                put,
                made_anew(node, primitives.subtract, other[1], put.out),
            )
    return None


def _pieces(node: Node, facts: Facts) -> list[Node] | None:
    """The scatters that a sum adds up, if it adds up nothing else."""
    found: list[Node] = []
    stack = list(node.inputs)
    while stack:
        wire = stack.pop()
        if (piece := facts.only(wire, "scatter")) is not None and len(piece.inputs) == 1:
            found.append(piece)
        elif (inner := facts.only(wire, "add")) is not None:
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


@rule(LATE)
def same_part(node: Node, facts: Facts) -> Found:
    """Two gradients of the same part are added up before they are put in its place."""
    if node.primitive is not primitives.add or _is_inner(node, facts):
        return None
    leaves: list[Wire] = []
    stack = list(node.inputs)[::-1]
    while stack:
        wire = stack.pop()
        inner = facts.only(wire, "add")
        if inner is not None:
            stack += inner.inputs[::-1]
        else:
            leaves.append(wire)
    places: dict[str, Wire] = {}
    for wire in leaves:
        piece = facts.only(wire, "scatter")
        if piece is None or len(piece.inputs) != 1:
            continue
        other = places.get(repr(piece.params["index"]))
        if other is None:
            places[repr(piece.params["index"])] = wire
            continue
        first = facts.made[other]
        both = part_of(node, primitives.add, first.inputs[0], piece.inputs[0])
        put = part_of(node, primitives.scatter, both.out, **piece.params)
        if both.out.spec != first.inputs[0].spec:
            continue
        rest = [put.out if w is other else w for w in leaves if w is not wire]
        news = [both, put]
        total = rest[0]
        for wire_ in rest[1:]:
            news.append(part_of(node, primitives.add, total, wire_))
            total = news[-1].out
        if len(rest) == 1:
            news = [both, made_anew(node, primitives.scatter, both.out, **piece.params)]
        else:
            news[-1] = made_anew(node, primitives.add, *news[-1].inputs)
        return tuple(news)
    return None


@rule(LATE)
def parts_side_by_side(node: Node, facts: Facts) -> Found:
    """Zeros with parts that cover everything -> the parts, joined."""
    if node.primitive is not primitives.add or _is_inner(node, facts):
        return None
    pieces = _pieces(node, facts)
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
    if all(whole):
        joined = made_anew(node, primitives.stack, *values, axis=axis)
        return joined if fits(node, joined) else None
    if any(whole):
        news = []
        for i, (value, single) in enumerate(zip(values, whole, strict=True)):
            if single:
                wide = part_of(node, primitives.expand_dims, value, axis=(axis,))
                news.append(wide)
                values[i] = wide.out
        joined = made_anew(node, primitives.concatenate, *values, axis=axis)
        return (*news, joined) if fits(node, joined) else None
    joined = made_anew(node, primitives.concatenate, *values, axis=axis)
    return joined if fits(node, joined) else None


def _is_inner(node: Node, facts: Facts) -> bool:
    return node.out in facts.inner_sums
