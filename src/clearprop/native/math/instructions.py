"""Functions that are single instructions of most machines, or nearly."""

from __future__ import annotations

from collections.abc import Callable

from ..llvm_ir import Value


def _instruction(name: str) -> Callable[[Value], Value]:
    """Return the function that LLVM has by this name, an instruction of most machines."""
    return lambda x: x.builder.call(name, x)


sqrt, absolute = _instruction("sqrt"), _instruction("fabs")


floor, ceil, rint = _instruction("floor"), _instruction("ceil"), _instruction("rint")
trunc = _instruction("trunc")


def with_sign(x: Value, sign: Value) -> Value:
    """Return the size of `x` with the sign of `sign`."""
    return x.builder.call("copysign", x, sign)


def sign(x: Value) -> Value:
    """Return -1, 0 or 1; NaN stays."""
    b = x.builder
    if x.type.is_float:
        one = with_sign(x.like(1.0), x)
        return b.select(b.compare(">", absolute(x), 0.0), one, x + 0.0)  # makes -0 a 0
    return b.select(b.compare("<", x, 0), -1, b.convert(b.compare(">", x, 0), x.type.dtype))


def maximum(x: Value, y: Value) -> Value:
    """Return the larger one; NaN if one is."""
    b = x.builder
    return b.select(b.is_nan(x), x, b.select(b.compare(">", x, y), x, y))


def minimum(x: Value, y: Value) -> Value:
    """Return the smaller one; NaN if one is."""
    b = x.builder
    return b.select(b.is_nan(x), x, b.select(b.compare("<", x, y), x, y))


def fmax(x: Value, y: Value) -> Value:
    """Return the larger one; where one is NaN, the other."""
    b = x.builder
    return b.select(b.is_nan(x), y, b.select(b.is_nan(y), x, maximum(x, y)))


def fmin(x: Value, y: Value) -> Value:
    """Return the smaller one; where one is NaN, the other."""
    b = x.builder
    return b.select(b.is_nan(x), y, b.select(b.is_nan(y), x, minimum(x, y)))


def nextafter(x: Value, y: Value) -> Value:
    """Return the next float from x towards y: its bits are those of x, counted up or down."""
    b, integer = x.builder, x.type.integer
    bits = b.bits(x, integer)
    outwards = b.compare("<", x, y) ^ b.compare("<", x, 0.0)
    moved = b.bits(b.select(outwards, bits + 1, bits - 1), x.type)
    least = with_sign(b.bits(bits.like(1), x.type), y)
    moved = b.select(b.compare("==", x, 0.0), least, moved)
    moved = b.select(b.compare("==", x, y), y, moved)
    return b.select(b.compare("unordered", x, y), x + y, moved)
