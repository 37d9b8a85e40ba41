"""Sums, means and stretched values."""

from __future__ import annotations

from ....engine.primitive import primitives
from ....engine.spec import is_floating
from ....graph.graph import Node, Wire
from ...matching import Context, count, factor_of, is_one, number
from ...rule import Found, constant, full, if_fits, made_anew, part_of, rule, with_input


@rule("rounding", "backward", at="multiply divide")
def mean_of_sum(node: Node, context: Context) -> Found:
    """sum(x) / n -> mean(x), n being how many were added."""
    found = factor_of(node)
    total = found and context.only(found[1], "sum")
    if found is None or total is None:
        return None
    x, axes = total.inputs[0], total.params["axis"]
    if not axes or not is_one(found[0] * count(x, axes)):
        return None
    return made_anew(node, primitives.mean, x, **total.params)


@rule("rounding", "backward", at="sum mean")
def number_out_of_sum(node: Node, context: Context) -> Found:
    """sum(c * x) -> c * sum(x), c being one number or constant along the axes."""
    inner = context.only(node.inputs[0], "multiply", "divide")
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
        return if_fits(node, total, outer)
    return None


def _leading(node: Node) -> tuple[int, ...]:
    return tuple(range(len(node.params["axis"])))


def _constant_along(c: Wire, node: Node) -> bool:
    """Return whether `c` has size one along the axes that `node` reduces, or lacks them."""
    x = node.inputs[0]
    shape = (1,) * (x.spec.ndim - c.spec.ndim) + c.spec.shape
    if not node.params["keepdims"] and c.spec.ndim > x.spec.ndim - len(node.params["axis"]):
        return False
    return all(shape[i] == 1 for i in node.params["axis"])


@rule("rounding", "backward", at="sum mean")
def sum_of_copies(node: Node, context: Context) -> Found:
    """sum(stretched x) -> n * x, and mean(stretched x) -> x."""
    x = node.inputs[0]
    value = number(x) if x.is_constant else None
    inner = context.by(x, "broadcast_to")
    copies = count(x, node.params["axis"]) if node.primitive is primitives.sum else 1
    if value is not None and is_floating(x.spec.dtype) and x.spec.size:
        return full(node, copies * value)
    if inner is None or not inner.is_backward or inner.inputs[0].spec.size != 1:
        return None
    one = inner.inputs[0]
    if one.spec.shape != ():
        return None
    scaled = part_of(node, primitives.multiply, constant(copies), one) if copies != 1 else None
    source = scaled.out if scaled else one
    if node.out.spec.shape == ():
        return made_anew(node, primitives.multiply, *scaled.inputs) if scaled else source
    spread = made_anew(node, primitives.broadcast_to, source, shape=node.out.spec.shape)
    return (scaled, spread) if scaled else spread


@rule("rounding", "backward", at="sum")
def sum_of_products(node: Node, context: Context) -> Found:
    """sum(x * y) -> x @ y for vectors."""
    if node.out.spec.shape != ():
        return None
    inner = context.only(node.inputs[0], "multiply")
    if inner is None or any(w.spec.ndim != 1 or w.spec != inner.out.spec for w in inner.inputs):
        return None
    return made_anew(node, primitives.matmul, *inner.inputs)


@rule("exact", "backward")
def unstretched(node: Node, context: Context) -> Found:
    """A stretched value beside one of the full shape need not be stretched."""
    if "elementwise" not in node.primitive.traits:
        return None
    for position, wire in enumerate(node.inputs):
        inner = context.by(wire, "broadcast_to")
        if inner is None or not inner.is_backward:
            continue
        shorter = if_fits(node, with_input(node, position, inner.inputs[0]))
        if shorter is not None:
            return shorter
    return None


@rule("exact", "backward", at="reshape expand_dims squeeze")
def reshaped_once(node: Node, context: Context) -> Found:
    """x.reshape(a).reshape(b) -> x.reshape(b)."""
    inner = context.by(node.inputs[0], "reshape", "expand_dims", "squeeze")
    if inner is None or not inner.is_backward:
        return None
    (x,) = inner.inputs
    return if_fits(node, x) or made_anew(node, primitives.reshape, x, shape=node.out.spec.shape)


@rule("exact", "backward", at="reshape expand_dims squeeze")
def kept_by_sum(node: Node, context: Context) -> Found:
    """sum(x, axis).reshape(...) -> sum(x, axis, keepdims=True), and the other way round."""
    inner = context.only(node.inputs[0], "sum", "mean", "max", "min")
    if inner is None:
        return None
    for keepdims in (True, False):
        params = {**inner.params, "keepdims": keepdims}
        other = if_fits(node, made_anew(node, inner.primitive, *inner.inputs, **params))
        if other is not None:
            return other
    return None


@rule("exact", "backward", at="reshape expand_dims squeeze transpose")
def number_reshaped(node: Node, context: Context) -> Found:
    """A stretched number in another shape is a number stretched to that shape."""
    inner = context.by(node.inputs[0], "broadcast_to")
    if inner is None or inner.inputs[0].spec.shape != ():
        return None
    if node.out.spec.shape == ():
        return inner.inputs[0]
    return made_anew(node, primitives.broadcast_to, inner.inputs[0], shape=node.out.spec.shape)


@rule("exact", "backward")
def kept_for_nothing(node: Node, context: Context) -> Found:
    """x - mean(x, keepdims=True) -> x - mean(x), where the mean broadcasts without."""
    if "elementwise" not in node.primitive.traits:
        return None
    for position, wire in enumerate(node.inputs):
        inner = context.only(wire, "sum", "mean")
        if inner is None or not inner.params["keepdims"]:
            continue
        axes, x = inner.params["axis"], inner.inputs[0]
        if len(axes) != x.spec.ndim:
            continue
        short = part_of(node, inner.primitive, x, axis=axes, keepdims=False)
        found = if_fits(node, short, with_input(node, position, short.out))
        if found is not None:
            return found
    return None
