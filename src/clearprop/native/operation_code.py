"""The stages' operations as code: what each name of `stages.operations.COSTS` writes, but libraries' own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..stages.operations import COSTS
from .llvm_ir import Builder, Value
from .math import FUNCTIONS
from .types import Type

Operation = Callable[..., Value]

_LONG = 12
"""Additions that an operation takes as long as from which its code is long: that of exp is."""


def _compare(how: str) -> Operation:
    return lambda b, x, y: b.compare(how, x, y)


def _is_finite(b: Builder, x: Value) -> Value:
    size = b.call("fabs", x)
    return b.compare("<", size, np.inf)


def _absolute(b: Builder, x: Value) -> Value:
    if x.type.is_float:
        return b.call("fabs", x)
    return b.select(b.compare("<", x, 0), -x, x) if x.type.is_signed else x


def _larger(b: Builder, x: Value, y: Value) -> Value:
    if x.type.is_float:
        return FUNCTIONS["maximum"](x, y)
    return b.select(b.compare(">", x, y), x, y)


def _smaller(b: Builder, x: Value, y: Value) -> Value:
    if x.type.is_float:
        return FUNCTIONS["minimum"](x, y)
    return b.select(b.compare("<", x, y), x, y)


WRITTEN: dict[str, Operation] = {
    "add": lambda b, x, y: x + y,
    "subtract": lambda b, x, y: x - y,
    "multiply": lambda b, x, y: x * y,
    "divide": lambda b, x, y: x / y,
    "negative": lambda b, x: -x,
    "absolute": _absolute,
    "maximum": _larger,
    "minimum": _smaller,
    "less": _compare("<"),
    "less_equal": _compare("<="),
    "greater": _compare(">"),
    "greater_equal": _compare(">="),
    "equal": _compare("=="),
    "not_equal": _compare("!="),
    "and": lambda b, x, y: x & y,
    "or": lambda b, x, y: x | y,
    "not": lambda b, x: ~x,
    "xor": lambda b, x, y: x ^ y,
    "shift_left": lambda b, x, y: x << y,
    "shift_right": lambda b, x, y: x >> y,
    "select": lambda b, c, x, y: b.select(c, x, y),
    "isnan": lambda b, x: b.is_nan(x),
    "isfinite": _is_finite,
}
"""What is written otherwise than a function of floating numbers is."""


def write(b: Builder, operation: str, *operands: Value) -> Value:
    """Write an operation on numbers of any lanes."""
    if b.calls and has_long_code(operation) and all(x.type.width == 1 for x in operands):
        return _called(b, operation, *operands)
    if operation in WRITTEN:
        return WRITTEN[operation](b, *operands)
    return FUNCTIONS[operation](*operands)


def has_long_code(operation: str) -> bool:
    """Return whether the code of an operation is much longer than a call."""
    return COSTS[operation] >= _LONG


def _called(b: Builder, operation: str, *operands: Value) -> Value:
    """Write a call of an operation, whose code the module has once."""
    inner = Builder()
    arguments = [Value(inner, f"%x{i}", x.type) for i, x in enumerate(operands)]
    result = write(inner, operation, *arguments)
    inner.do(f"ret {result.type.text} {result.ref}")
    name = "_".join([operation, *(x.type.dtype.name for x in operands)])
    taken = ", ".join(f"{x.type.text} {x.ref}" for x in arguments)
    b.definitions[name] = inner.function(name, taken, result.type.text, "internal")
    b.declarations |= inner.declarations
    given = ", ".join(f"{x.type.text} {x.ref}" for x in operands)
    return b.value(result.type, f"call {result.type.text} @{name}({given})")


def cast(b: Builder, x: Value, dtype: np.dtype[Any]) -> Value:
    """Convert to another dtype, lane by lane, as NumPy's astype does; what does not fit, as in its loops over
    long arrays.

    They go by signed numbers of 32 or 64 bits, the least of which stands for all that these do not hold;
    narrower ones take the lowest bits, and unsigned ones as wide begin again at half of their range.
    """
    to = x.type.of(dtype)
    if not x.type.is_float or dtype.kind not in "iu":
        return b.convert(x, dtype)
    wide = to.of("i8" if to.bits == 64 else "i4")
    half = 2.0 ** (wide.bits - 1)
    if to.bits == wide.bits and not to.is_signed:
        large = b.compare(">=", x, half)
        low = cast(b, b.select(large, x - half, x), wide.dtype)
        top = b.select(large, low.like(int(-half)), low.like(0))
        return b.convert(low ^ top, dtype)
    has_fractions = x.type.bits > wide.bits  # below the least number, which are cut off
    above = b.compare(">", x, -half - 1.0) if has_fractions else b.compare(">=", x, -half)
    cut = b.convert(x, wide.dtype)
    return b.convert(b.select(above & b.compare("<", x, half), cut, int(-half)), dtype)


def combine(b: Builder, how: str, x: Value, y: Value) -> Value:
    """Return one step of a reduction, lane by lane."""
    return write(b, {"max": "maximum", "min": "minimum"}.get(how, how), x, y)


def identity(how: str, type: Type) -> bool | int | float:
    """Return what a reduction starts from."""
    if how in ("max", "min") and not type.is_float:
        if type.is_bool:
            return how == "min"
        limits = np.iinfo(type.dtype)
        return int(limits.min if how == "max" else limits.max)
    return {"add": 0, "max": -np.inf, "min": np.inf, "or": False, "and": True}[how]
