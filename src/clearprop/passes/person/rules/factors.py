"""Products of vectors and matrices, powers, and numbers that can be taken out of them."""

from __future__ import annotations

from ....engine.primitive import primitives
from ....engine.spec import is_floating
from ....graph.graph import Node, Wire
from ...matching import Context, number
from ...rule import Found, constant, if_fits, made_anew, part_of, rule


@rule("rounding", "backward")
def number_out_of_linear(node: Node, context: Context) -> Found:
    """(c * x) @ y -> c * (x @ y), and so for sums, reshapes and the like, where it is no more work."""
    if not _is_view_or_sum(node):
        return None
    for position, wire in enumerate(node.inputs):
        inner = context.only(wire, "multiply", "divide", "negative")
        if inner is None or node.out.spec.size > wire.spec.size or not is_floating(wire.spec.dtype):
            continue
        for x, c in _with_number(inner, context):
            operands = [x if i == position else w for i, w in enumerate(node.inputs)]
            core = part_of(node, node.primitive, *operands, **node.params)
            order = [core.out if w is x else w for w in inner.inputs]
            outer = made_anew(node, inner.primitive, *order)
            if c is None or c.spec.shape == ():
                return if_fits(node, core, outer)
    return None


def _is_view_or_sum(node: Node) -> bool:
    """Return whether a node is a view, or adds up products; a running sum reads better with the number
    inside.
    """
    primitive, traits = node.primitive, node.primitive.traits
    if "linear" not in traits or "elementwise" in traits or primitive is primitives.cumsum:
        return False
    return "view" in traits or primitive.role in ("spreads", "swaps", "mixes")


def _with_number(inner: Node, context: Context) -> list[tuple[Wire, Wire | None]]:
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


@rule("rounding", "backward", at="transpose")
def transposed_product(node: Node, context: Context) -> Found:
    """(x.T @ g).T -> g.T @ x."""
    if node.params["axes"] != (1, 0):
        return None
    inner = context.only(node.inputs[0], "matmul")
    if inner is None or any(w.spec.ndim != 2 for w in inner.inputs):
        return None
    x, y = inner.inputs
    left = part_of(node, primitives.transpose, y, axes=(1, 0))
    undone = context.by(x, "transpose")
    if undone is None:  # it would only move the transposes about
        return None
    return left, made_anew(node, primitives.matmul, left.out, undone.inputs[0])


@rule("rounding", "backward", at="slice")
def product_with_column(node: Node, context: Context) -> Found:
    """(A @ v[:, None])[:, 0] -> A @ v."""
    if node.params["index"] != (Ellipsis, 0):
        return None
    inner = context.only(node.inputs[0], "matmul")
    column = inner and context.by(inner.inputs[1], "expand_dims", "reshape")
    if inner is None or column is None or column.inputs[0].spec.ndim != 1:
        return None
    if inner.inputs[1].spec.shape != (column.inputs[0].spec.size, 1):
        return None
    return made_anew(node, primitives.matmul, inner.inputs[0], column.inputs[0])


@rule("exact", "backward", at="multiply")
def outer_product(node: Node, context: Context) -> Found:
    """x[:, None] * y -> outer(x, y) for vectors."""
    if node.out.spec.ndim != 2:
        return None
    vectors = []
    for wire, column in zip(node.inputs, (True, False), strict=True):
        n = wire.spec.size
        if wire.spec.shape != ((n, 1) if column else (1, n)) and (
            column or wire.spec.shape != (n,)
        ):
            return None
        shaped = context.by(wire, "expand_dims", "reshape")
        inner = shaped.inputs[0] if shaped else wire
        if inner.spec.ndim != 1:
            return None
        vectors.append(inner)
    return made_anew(node, primitives.outer, *vectors)


@rule("range", "backward", at="exp")
def exp_of_log(node: Node, context: Context) -> Found:
    """exp(log(x)) -> x."""
    inner = context.by(node.inputs[0], "log")
    return if_fits(node, inner.inputs[0]) if inner else None


@rule("rounding", "backward", at="power")
def power_of_forward_value(node: Node, context: Context) -> Found:
    """x**-2 -> r**2, where r = 1 / x is in the forward pass; x**0.5 - 1 and the like, too."""
    if (k := number(node.inputs[1])) is None:
        return None
    x = node.inputs[0]
    for maker in context.forward_readers.get(x, ()):
        if maker.primitive is not primitives.power or maker.inputs[0] is not x:
            continue
        base = number(maker.inputs[1])
        if base and base not in (0, 1, 2) and k / base in (1, 2, 3, 4):
            if k == base:
                return maker.out
            return made_anew(node, primitives.power, maker.out, constant(int(k / base)))
    return None


@rule("exact", "backward", at="multiply")
def one_times(node: Node, context: Context) -> Found:
    """1 * x -> x as numbers of another dtype, such as a mask or a table of whole numbers."""
    shape = node.out.spec.shape
    for one, x in (node.inputs, node.inputs[::-1]):
        if number(one) == 1 and x.spec.shape == shape != () and x.spec != node.out.spec:
            return made_anew(node, primitives.astype, x, dtype=node.out.spec.dtype)
    return None
