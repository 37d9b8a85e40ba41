"""How floats are made of bits, and the steps that elementary functions share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import machine
from ..llvm_ir import Type, Value
from . import coefficients as table
from .instructions import sqrt


@dataclass(frozen=True)
class Format:
    """How a float is made of bits, and where functions end."""

    mantissa: int
    """Bits of it that are stored."""
    bias: int
    exp_low: float
    """exp is 0 there and below."""
    exp_high: float
    """exp is infinite there and above."""
    near_turns: float
    """The largest argument whose quarter turns three parts of π/2 can take away."""

    @property
    def smallest_normal(self) -> float:
        return 2.0 ** (1 - self.bias)

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.mantissa

    @property
    def sign(self) -> int:
        """The bits of -0, as a signed integer."""
        return -(1 << (self.mantissa + (9 if self.bias == 127 else 12) - 1))

    @property
    def rounder(self) -> float:
        """Added to a small number it leaves the nearest whole number in the last bits of the sum."""
        return 1.5 * 2.0**self.mantissa

    @property
    def rounder_bits(self) -> int:
        return ((self.bias + self.mantissa) << self.mantissa) + (1 << (self.mantissa - 1))


_FORMATS = {
    np.dtype(np.float32): Format(23, 127, -105.0, 89.0, 2.0**16),
    np.dtype(np.float64): Format(52, 1023, -746.0, 710.0, 2.0**27),
}


def format_of(x: Value) -> Format:
    """Return how the floats of a value are made of bits."""
    return _FORMATS[x.type.dtype]


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Evaluate by Horner's rule: the fewest operations; other lanes and iterations fill the waiting."""
    total = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = x.builder.fma(total, x, c)
    return total


def odd(x: Value, square: Value, name: str) -> Value:
    """Return an odd function with the slope 1 at 0, by its polynomial."""
    coefficients = getattr(table, name)[x.type.dtype]
    return x.builder.fma(x * square, polynomial(square, coefficients), x)


def clamp(x: Value, low: float, high: float) -> Value:
    """Clamp within the bounds; NaN stays."""
    b = x.builder
    return at_most(b.select(b.compare("<", x, low), low, x), high)


def at_most(x: Value, high: float) -> Value:
    """Return the smaller of the two; NaN stays."""
    b = x.builder
    return b.select(b.compare(">", x, high), high, x)


def as_bits(x: Value) -> Value:
    """Return the bits of a float as an integer."""
    return x.builder.bits(x, x.type.integer)


def nearest(x: Value, scale: float) -> tuple[Value, Value]:
    """Return the whole number next to x · scale, as a float and in the last bits of an integer."""
    form = format_of(x)
    shifted = x.builder.fma(x, scale, form.rounder)
    return shifted - form.rounder, as_bits(shifted)


def power_of_two(n: Value, type: Type) -> Value:
    """Return 2^n for whole n in the range of normal numbers; only the last bits of n count."""
    form = _FORMATS[type.dtype]
    return n.builder.bits((n << form.mantissa) + form.one, type)


def scale(x: Value, n: Value) -> Value:
    """Return x · 2^n for whole n, rounded once where the result is denormal."""
    b = x.builder
    if machine.vector_bits() == 512:  # an instruction there, but a call of the C library elsewhere
        n = b.convert(n, "i4")
        return b.call("ldexp", x, n, returns=x.type, suffix=f"{x.type.suffix}.{n.type.suffix}")
    first = n >> 1  # in two steps, since 2^n itself may be no normal number
    return x * power_of_two(first, x.type) * power_of_two(n - first, x.type)


def exact_product(x: Value, y: Value | float) -> tuple[Value, Value]:
    """Return x · y as a float and what it lacks."""
    high = x * y
    return high, x.builder.fma(x, y, -high)


def exact_sum(x: Value, y: Value) -> tuple[Value, Value]:
    """Return x + y as a float and what it lacks, for |x| ≥ |y| or x = 0 (T. J. Dekker 1971)."""
    high = x + y
    return high, y - (high - x)


def small_quotient(x: Value, y: Value, quotient: Value) -> Value:
    """Return what a quotient x / y lacks."""
    return x.builder.fma(-quotient, y, x) / y


def root_in_two(x: Value, x_low: Value) -> tuple[Value, Value]:
    """Return the square root of x + x_low as a sum; of 0 it is 0."""
    b, root = x.builder, sqrt(x)
    lost = b.fma(-root, root, x) + x_low
    return root, lost / (root + root + format_of(x).smallest_normal)
