"""Powers to any exponent, and the cube root."""

from __future__ import annotations

import numpy as np

from ..llvm_ir import Value
from . import coefficients as table
from .exponentials import reduced_exp
from .floats import (
    as_bits,
    clamp,
    exact_product,
    format_of,
    nearest,
    polynomial,
    power_of_two,
    scale,
)
from .instructions import absolute, rint, with_sign
from .logarithms import log_in_two, mantissa_and_exponent, normalised


def power(x: Value, y: Value) -> Value:
    """Return x^y as e^(y · log |x|), with the special cases of C and NumPy."""
    b, form, size = x.builder, format_of(x), absolute(x)
    normal, shift = normalised(size)
    k, m = mantissa_and_exponent(normal)
    high, low = log_in_two(m - 1.0, k + shift)
    high = b.select(b.compare("<", size, np.inf), high, size)
    high = b.select(b.compare("==", size, 0.0), -np.inf, high)
    finite = clamp(y, -(2.0**100), 2.0**100)  # as good as infinite, but 0 times it is 0
    z, z_low = exact_product(finite, high)
    z_low = b.fma(finite, low, z_low)
    clamped = clamp(z, form.exp_low, form.exp_high)
    z_low = b.select(b.compare("==", clamped, z), z_low, 0.0)
    bits, first, rest = reduced_exp(clamped, z_low)
    result = _power_sign(x, finite, scale(first + rest + 1.0, bits - form.rounder_bits))
    is_one = b.compare("==", x, 1.0) | b.compare("==", y, 0.0)  # even where the other one is NaN
    return b.select(is_one, 1.0, result)


def _power_sign(x: Value, y: Value, result: Value) -> Value:
    """Return minus, if x is negative and y odd; NaN, if x is negative and y is not whole."""
    b = x.builder
    half = y * 0.5
    is_whole = b.compare("==", y, rint(y))
    is_odd = is_whole & b.compare("!=", half, rint(half))
    sign = as_bits(x) & format_of(x).sign
    signed = b.bits(as_bits(result) ^ b.select(is_odd, sign, 0), x.type)
    is_real = is_whole | b.compare(">=", x, 0.0) | b.compare("==", x, -np.inf) | b.is_nan(x)
    return b.select(is_real, signed, np.nan)


def cbrt(x: Value) -> Value:
    """Return the cube root: a guess, made better by E. Halley's iteration, which triples its digits."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    normal, shift = normalised(size)
    k, m = mantissa_and_exponent(normal)
    k = k + shift
    third, bits = nearest(k, 1 / 3)
    _, rest = nearest(b.fma(third, -3.0, k), 1.0)
    c = m * power_of_two(rest, x.type)
    y = polynomial(c, table.CBRT[dtype])
    for _ in range(1 if x.type.bits == 32 else 2):
        square, square_low = exact_product(y, y)
        lacking = b.fma(square, y, -c) + square_low * y  # y³ - c
        y = b.fma(-y, lacking / (square * y * 2.0 + c), y)
    y = y * power_of_two(bits, x.type)
    ordinary = b.compare("<", size, np.inf) & b.compare(">", size, 0.0)
    return b.select(ordinary, with_sign(y, x), x)
