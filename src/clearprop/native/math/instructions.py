"""Functions that are single instructions of most machines, or nearly."""

from __future__ import annotations

from collections.abc import Callable

from ..llvm_ir import Value


def _instruction(name: str) -> Callable[[Value], Value]:
    """Return the function that LLVM has by this name, an instruction of most machines."""
    return lambda x: x.builder.call(name, x)


sqrt, absolute = _instruction("sqrt"), _instruction("fabs")


floor, ceil, rint = _instruction("floor"), _instruction("ceil"), _instruction("rint")


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
