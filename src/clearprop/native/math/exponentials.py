"""Exponentials: exp, exp2, expm1, and the two functions that saturate, sigmoid and tanh."""

from __future__ import annotations

from ..llvm_ir import Value
from . import coefficients as table
from .floats import (
    at_most,
    clamp,
    exact_product,
    format_of,
    nearest,
    polynomial,
    power_of_two,
    scale,
)
from .instructions import absolute, rint, with_sign


def reduced_exp(x: Value, more: Value | None = None) -> tuple[Value, Value, Value]:
    """Return n (in the last bits), and exp(r) - 1 as an exact first part and a small second one.

    x + more = n · log 2 + r, |r| ≤ log 2 / 2.
    """
    b, dtype = x.builder, x.type.dtype
    high, low = table.LN2[dtype]
    n, bits = nearest(x, table.LOG2_E[dtype][0])
    first = b.fma(n, -high, x)
    correction = n * -low if more is None else b.fma(n, -low, more)
    r = first + correction
    return bits, first, b.fma(r * r, polynomial(r, table.EXP[dtype]), correction)


def exp(x: Value) -> Value:
    """Return e^x."""
    form = format_of(x)
    bits, first, rest = reduced_exp(clamp(x, form.exp_low, form.exp_high))
    return scale(first + rest + 1.0, bits - form.rounder_bits)


def exp2(x: Value) -> Value:
    """Return 2^x."""
    b, dtype, form = x.builder, x.type.dtype, format_of(x)
    high, low = table.LN2[dtype]
    x = clamp(x, form.exp_low * 1.5, form.exp_high * 1.5)
    n = rint(x)
    left = x - n
    first, first_low = exact_product(left, high)
    correction = b.fma(left, low, first_low)
    r = first + correction
    rest = b.fma(r * r, polynomial(r, table.EXP[dtype]), correction)
    return scale(first + rest + 1.0, nearest(n, 1.0)[1] - form.rounder_bits)


def expm1(x: Value) -> Value:
    """Return e^x - 1, as exact for small x."""
    b, form = x.builder, format_of(x)
    bits, first, rest = reduced_exp(clamp(x, -50.0, form.exp_high))  # -1 below
    half = power_of_two(bits - 1, x.type)  # 2^n may be too large
    y = b.fma(half, rest, b.fma(half, first, half - 0.5)) * 2.0
    y = b.select(b.compare("==", bits, form.rounder_bits), first + rest, y)  # denormals too
    return with_sign(y, x)


def sigmoid(x: Value) -> Value:
    """Return 1 / (1 + e^-x).

    With e^-x = 2^n · (1 + p) as s / (s + m + m · p), s = 2^-⌊n/2⌋, m = 2^⌈n/2⌉: nothing overflows, and
    the two powers of 2 are added without rounding.
    """
    b, form = x.builder, format_of(x)
    bits, first, rest = reduced_exp(clamp(-x, form.exp_low, -form.exp_low))
    n = bits - form.rounder_bits
    half = n >> 1
    s, m = power_of_two(-half, x.type), power_of_two(n - half, x.type)
    both = m + s
    lost = s - (both - m)  # 0 but for large n
    return s / (both + b.fma(m, first, b.fma(m, rest, lost)))


def tanh(x: Value) -> Value:
    """Return an odd polynomial near 0, beyond 1 - 2 / (e^2x + 1)."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    square = x * x
    near = b.fma(x * square, polynomial(square, table.TANH[dtype]), x)
    bits, first, rest = reduced_exp(at_most(size + size, 50.0))  # 1 by then
    power = power_of_two(bits, x.type)
    far = 1.0 - 2.0 / b.fma(power, first + rest, power + 1.0)
    return with_sign(b.select(b.compare("<", size, 0.5625), near, far), x)
