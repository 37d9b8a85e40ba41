"""How primitives become expressions: one entry each. What has no entry here, NumPy computes.

An entry gets the node and the expressions of its inputs, and gives the expression of its output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.primitive import primitives
from ..graph.graph import Node
from .ir import Compute, Expression, Literal
from .operations import ARITHMETIC, COSTS, ELEMENTARY

Lowering = Callable[[Node, Sequence[Expression]], Expression]

ELEMENTWISE: dict[str, Lowering] = {}
"""By the name of an elementwise primitive."""

LIBRARY: dict[str, Lowering] = {}
"""Those of which only targets with a library have the operations."""

_HOW = {"add": "add", "maximum": "max", "minimum": "min", "logical_or": "or", "logical_and": "and"}
REDUCTIONS = {p.name: _HOW[p.repeats] for p in vars(primitives).values() if p.repeats in _HOW}
"""By the name of a primitive with `axis` and `keepdims`: how it reduces."""

_BOOL = np.dtype(bool)


def is_native(dtype: np.dtype[Any]) -> bool:
    """Return whether native code knows this dtype."""
    return dtype.char in "?bhilqBHILQfd" and dtype.isnative


# ---- writing expressions


def literal(value: Any, dtype: np.dtype[Any]) -> Literal:
    return Literal(dtype, frozenset(), dtype.type(value))


def is_none(x: Expression) -> bool:
    """Return whether an input was left out (a bound of clip)."""
    return isinstance(x, Literal) and x.value is None


def convert(x: Expression, dtype: np.dtype[Any]) -> Expression:
    """Return `x` as NumPy's astype gives it."""
    if x.dtype == dtype:
        return x
    if isinstance(x, Literal):
        with np.errstate(all="ignore"):
            return literal(x.value, dtype)
    return Compute(dtype, x.axes, "convert", (x,))


def compute(operation: str, dtype: np.dtype[Any], *operands: Expression) -> Compute:
    assert operation in COSTS, operation
    axes = operands[0].axes
    for x in operands:
        if x.axes != axes:
            axes |= x.axes
    return Compute(dtype, axes, operation, operands)


# ---- the entries


def arithmetic(operation: str, kinds: str = "iuf") -> Lowering:
    """Return a lowering that converts all operands to the result's dtype first."""

    def lower(node: Node, inputs: Sequence[Expression]) -> Expression:
        dtype = node.out.spec.dtype
        if dtype.kind not in kinds:
            raise NotImplementedError(f"{node.primitive.name} of {dtype} has no native code")
        return compute(operation, dtype, *(convert(x, dtype) for x in inputs))

    return lower


def _comparison(operation: str) -> Lowering:
    """Return a lowering that compares as NumPy does: whole numbers exactly, also where no dtype holds
    both.
    """
    ufunc = getattr(np, operation)

    def lower(node: Node, inputs: Sequence[Expression]) -> Expression:
        values = [w.constant if w.is_constant else w.spec for w in node.inputs]
        dtype = np.result_type(*(getattr(v, "dtype", v) for v in values))
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            for i, value in enumerate(values):
                if type(value) is int and not limits.min <= value <= limits.max:
                    sides = (0, value) if i else (value, 0)  # beyond all that the other may be
                    return literal(ufunc(*sides), _BOOL)
        kinds = "".join(x.dtype.kind for x in inputs)
        if dtype.kind == "f" and kinds in ("iu", "ui"):
            signed = kinds.index("i")
            unsigned = np.dtype("u8")
            below = literal(ufunc(*((0, 1) if signed == 0 else (1, 0))), _BOOL)
            exact = compute(operation, _BOOL, *(convert(x, unsigned) for x in inputs))
            zero = literal(0, inputs[signed].dtype)
            return compute(
                "select", _BOOL, compute("less", _BOOL, inputs[signed], zero), below, exact
            )
        return compute(operation, _BOOL, *(convert(x, dtype) for x in inputs))

    return lower


def _logic(operation: str) -> Lowering:
    def lower(node: Node, inputs: Sequence[Expression]) -> Expression:
        return compute(operation, _BOOL, *(convert(x, _BOOL) for x in inputs))

    return lower


def _bitwise(operation: str) -> Lowering:
    def lower(node: Node, inputs: Sequence[Expression]) -> Expression:
        dtype = node.out.spec.dtype
        of_truth = "not_equal" if operation == "xor" else operation
        name = of_truth if dtype == _BOOL else operation
        return compute(name, dtype, *(convert(x, dtype) for x in inputs))

    return lower


def _shift(operation: str) -> Lowering:
    """Return a lowering that shifts all bits out, as NumPy does, where they are shifted too far."""

    def lower(node: Node, inputs: Sequence[Expression]) -> Expression:
        dtype = node.out.spec.dtype
        x, count = (convert(operand, dtype) for operand in inputs)
        bits = 8 * dtype.itemsize
        shifted = compute(operation, dtype, x, count)
        if isinstance(count, Literal) and 0 <= count.value < bits:
            return shifted
        unsigned = np.dtype(f"u{dtype.itemsize}")  # as which a negative count is large
        fits = compute("less", _BOOL, convert(count, unsigned), literal(bits, unsigned))
        nothing: Expression = literal(0, dtype)
        if operation == "shift_right" and dtype.kind == "i":
            nothing = compute("shift_right", dtype, x, literal(bits - 1, dtype))  # the sign
        return compute("select", dtype, fits, shifted, nothing)

    return lower


for _name in ARITHMETIC:
    ELEMENTWISE[_name] = arithmetic(_name)
for _name in ELEMENTARY:
    ELEMENTWISE[_name] = arithmetic(_name, "f")
for _name, _operation in {"remainder": "floor_mod", "float_power": "power"}.items():
    ELEMENTWISE[_name] = arithmetic(_operation, "f")
for _name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"):
    ELEMENTWISE[_name] = _comparison(_name)
for _name in ("and", "or", "not"):
    ELEMENTWISE[f"logical_{_name}"] = _logic(_name)
for _name in ("and", "or", "xor"):
    ELEMENTWISE[f"bitwise_{_name}"] = _bitwise(_name)
for _name in ("left", "right"):
    ELEMENTWISE[f"{_name}_shift"] = _shift(f"shift_{_name}")
for _name in ("isnan", "isfinite"):
    ELEMENTWISE[_name] = lambda node, inputs, name=_name: (  # type: ignore[misc]
        compute(name, _BOOL, *inputs)
        if inputs[0].dtype.kind == "f"
        else literal(name == "isfinite", _BOOL)
    )


def lowering(name: str) -> Lowering | None:
    """Return how a primitive of this name becomes an expression."""
    return ELEMENTWISE.get(name) or LIBRARY.get(name)


def _elementwise(function: Lowering) -> Lowering:
    ELEMENTWISE[function.__name__] = function
    return function


@_elementwise
def invert(node: Node, inputs: Sequence[Expression]) -> Expression:
    dtype = node.out.spec.dtype
    if dtype == _BOOL:
        return compute("not", _BOOL, *inputs)
    return compute("xor", dtype, *inputs, literal(np.invert(dtype.type(0)), dtype))


@_elementwise
def logical_xor(node: Node, inputs: Sequence[Expression]) -> Expression:
    x, y = (convert(x, _BOOL) for x in inputs)
    both = compute("and", _BOOL, x, y)
    return compute("and", _BOOL, compute("or", _BOOL, x, y), compute("not", _BOOL, both))


@_elementwise
def isinf(node: Node, inputs: Sequence[Expression]) -> Expression:
    (x,) = inputs
    if x.dtype.kind != "f":
        return literal(False, _BOOL)
    return compute("equal", _BOOL, compute("absolute", x.dtype, x), literal(np.inf, x.dtype))


@_elementwise
def signbit(node: Node, inputs: Sequence[Expression]) -> Expression:
    (x,) = inputs
    if x.dtype.kind != "f":
        return compute("less", _BOOL, x, literal(0, x.dtype))
    sign = compute("copysign", x.dtype, literal(1, x.dtype), x)
    return compute("less", _BOOL, sign, literal(0, x.dtype))


@_elementwise
def copy(node: Node, inputs: Sequence[Expression]) -> Expression:
    return inputs[0]


@_elementwise
def stop_gradient(node: Node, inputs: Sequence[Expression]) -> Expression:
    return inputs[0]


@_elementwise
def astype(node: Node, inputs: Sequence[Expression]) -> Expression:
    return convert(inputs[0], node.out.spec.dtype)


@_elementwise
def as_integer(node: Node, inputs: Sequence[Expression]) -> Expression:
    return convert(inputs[0], node.out.spec.dtype)


@_elementwise
def relu(node: Node, inputs: Sequence[Expression]) -> Expression:
    dtype = node.out.spec.dtype
    return compute("maximum", dtype, convert(inputs[0], dtype), literal(0, dtype))


@_elementwise
def where(node: Node, inputs: Sequence[Expression]) -> Expression:
    dtype = node.out.spec.dtype
    condition, x, y = inputs
    return compute("select", dtype, convert(condition, _BOOL), convert(x, dtype), convert(y, dtype))


@_elementwise
def clip(node: Node, inputs: Sequence[Expression]) -> Expression:
    dtype = node.out.spec.dtype
    x, low, high = inputs
    x = convert(x, dtype)
    if not is_none(low):
        x = compute("maximum", dtype, x, convert(low, dtype))
    return x if is_none(high) else compute("minimum", dtype, x, convert(high, dtype))


@_elementwise
def power(node: Node, inputs: Sequence[Expression]) -> Expression:
    """Turn a small whole exponent into products, one half into a square root, as NumPy itself has it."""
    dtype = node.out.spec.dtype
    x, y = (convert(x, dtype) for x in inputs)
    if isinstance(y, Literal):
        if y.value in (0, 1, 2, 3, 4):
            square = compute("multiply", dtype, x, x)
            cube = compute("multiply", dtype, square, x)
            fourth = compute("multiply", dtype, square, square)
            return (literal(1, dtype), x, square, cube, fourth)[int(y.value)]
        if y.value == -1 and dtype.kind == "f":
            return compute("divide", dtype, literal(1, dtype), x)
        if y.value == 0.5:
            return compute("sqrt", dtype, x)
    if dtype.kind != "f":
        raise NotImplementedError("power of whole numbers has no native code")
    return compute("power", dtype, x, y)


def one_hot(
    node: Node, labels: Expression, position: Expression, *, trusted: bool = False
) -> Expression:
    """Return whether the label at a point is the position along its last axis; negative ones count from the
    end.

    `position` goes from 0 to the number of classes less one. Labels that are `trusted` are never negative.
    """
    if trusted:
        label = convert(labels, position.dtype)
        return convert(compute("equal", _BOOL, label, position), node.out.spec.dtype)
    classes = literal(node.params["classes"], labels.dtype)
    wrapped = compute("add", labels.dtype, labels, classes)
    negative = compute("less", _BOOL, labels, literal(0, labels.dtype))
    label = compute("select", labels.dtype, negative, wrapped, labels)
    hit = compute("equal", _BOOL, label, convert(position, labels.dtype))
    return convert(hit, node.out.spec.dtype)
