"""Logarithms: log, log1p, log2, log10."""

from __future__ import annotations

import numpy as np

from ..llvm_ir import Value
from . import coefficients as table
from .floats import (
    as_bits,
    at_most,
    exact_product,
    exact_sum,
    format_of,
    nearest,
    polynomial,
    power_of_two,
)
from .instructions import with_sign


def mantissa_and_exponent(x: Value) -> tuple[Value, Value]:
    """Return k (a whole float) and m with x = m · 2^k, m between the roots of 1/2 and 2; for normal x > 0."""
    b, form = x.builder, format_of(x)
    root = int(x.type.dtype.type(0.5**0.5).view(x.type.integer.dtype))
    bits = as_bits(x) + (form.one - root)
    m = b.bits((bits & ((1 << form.mantissa) - 1)) + root, x.type)
    biased = b.convert(bits, f"u{x.type.bits // 8}") >> form.mantissa
    # into the last bits of a float: integers of 64 bits are not converted by every machine's vectors
    biased = b.convert(biased, x.type.integer.dtype) | form.rounder_bits
    return b.bits(biased, x.type) - (form.rounder + form.bias), m


def _log_near_one(f: Value, k: Value) -> Value:
    """Return log(1 + f) + k · log 2, for 1 + f between the roots of 1/2 and 2."""
    b, dtype = f.builder, f.type.dtype
    high, low = table.LN2[dtype]
    square = f * f
    if f.type.bits == 32:
        tail = b.fma(square * f, polynomial(f, table.LOG[dtype]), k * low)
        tail = b.fma(square, -0.5, tail)
        return b.fma(k, high, f + tail)
    # log(1 + f) = log((1 + s) / (1 - s)) with s = f / (2 + f); f - s f = 2 s keeps the first term exact
    s = f / (f + 2.0)
    t, half = s * s, square * 0.5
    tail = b.fma(s, b.fma(t, polynomial(t, table.LOG_OF_QUOTIENT[dtype]), half), k * low)
    return b.fma(k, high, f - (half - tail))


def log_in_two(f: Value, k: Value) -> tuple[Value, Value]:
    """Return log(1 + f) + k · log 2 as the sum of two floats, with half as many digits again, or more.

    2 s + s³ (2/3 + s² P(s²)), s = f / (2 + f): all in two floats but the polynomial.
    """
    b, dtype = f.builder, f.type.dtype
    below = f + 2.0
    inverse = 1.0 / below
    s = f * inverse
    left = b.fma(-s, below, f)
    s_low = b.fma(-s, f - (below - 2.0), left) * inverse
    t, t_low = exact_product(s, s)
    t_low = b.fma(s + s, s_low, t_low)
    cube, cube_low = exact_product(s, t)
    cube_low = cube_low + b.fma(s, t_low, s_low * t)
    factor = polynomial(t, table.LOG_OF_QUOTIENT_TAIL[dtype])
    more, more_low = exact_product(t, factor)
    c, c_low = exact_sum(f.like(table.TWO_THIRDS[dtype][0]), more)
    c_low = c_low + (b.fma(t_low, factor, more_low) + table.TWO_THIRDS[dtype][1])
    third, third_low = exact_product(cube, c)
    third_low = third_low + b.fma(cube, c_low, cube_low * c)
    high, low = table.LN2[dtype]
    tail = b.fma(k, low, third_low) + (s_low + s_low)
    first, first_low = exact_sum(s + s, third)
    total, total_low = exact_sum(b.binary("fmul", "", k, high), first)
    return exact_sum(total, total_low + (first_low + tail))


def normalised(x: Value) -> tuple[Value, Value]:
    """Return x as a normal number times 2^shift (a float, 0 or negative), for denormals too."""
    b, form = x.builder, format_of(x)
    tiny = b.compare("<", x, form.smallest_normal)
    digits = form.mantissa + 1
    shift = b.select(tiny, x.like(-digits), x.like(0.0))
    return b.select(tiny, x * 2.0**digits, x), shift


def log_ends(x: Value, y: Value) -> Value:
    """Return `y` where x is positive and finite, else what the logarithm is there."""
    b = x.builder
    at_zero = b.select(b.compare("==", x, 0.0), x.like(-np.inf), x.like(np.nan))
    y = b.select(b.compare("<", x, np.inf), y, x)
    return b.select(b.compare("<=", x, 0.0), at_zero, y)


def log(x: Value) -> Value:
    """Return the natural logarithm."""
    normal, shift = normalised(x)
    k, m = mantissa_and_exponent(normal)
    return log_ends(x, _log_near_one(m - 1.0, k + shift))


def log1p(x: Value) -> Value:
    """Return log(1 + x), as exact for small x."""
    b = x.builder
    u = x + 1.0
    lost = b.select(b.compare(">", x, 1.0), 1.0 - (u - x), x - (u - 1.0))  # of x, by rounding
    return with_sign(log_ends(u, log_of_sum(u, lost)), x)  # the sign of -0


def log_of_sum(x: Value, small: Value, doublings: Value | None = None) -> Value:
    """Return log(x + small), also where that is next to 1; plus log 2 so many times. For normal x > 0."""
    b = x.builder
    k, m = mantissa_and_exponent(x)
    # 2^-k · small, where it matters: beyond, it is less than half a unit of x
    _, bits = nearest(at_most(k, 64.0), -1.0)
    f = b.fma(small, power_of_two(bits, x.type), m - 1.0)
    return _log_near_one(f, k if doublings is None else k + doublings)


def log2(x: Value) -> Value:
    """Return the logarithm to the base 2; exact for powers of 2."""
    parts = table.LOG2_E_PARTS[x.type.dtype]
    return _log_to_base(x, parts, (1.0, 0.0))


def log10(x: Value) -> Value:
    """Return the logarithm to the base 10; exact for powers of 10."""
    dtype = x.type.dtype
    return _log_to_base(x, table.LOG10_E[dtype], table.LOG10_2[dtype])


def _log_to_base(x: Value, of_e: tuple[float, ...], of_2: tuple[float, ...]) -> Value:
    """Compute it by the logarithms of e and of 2 to that base, each a sum of two; the second times k
    is exact.
    """
    b = x.builder
    normal, shift = normalised(x)
    k, m = mantissa_and_exponent(normal)
    k = k + shift
    high, low = log_in_two(m - 1.0, k.like(0.0))
    first, first_low = exact_product(high, of_e[0])
    low = b.fma(high, of_e[1], b.fma(low, of_e[0], first_low))
    total, total_low = exact_sum(b.binary("fmul", "", k, of_2[0]), first)
    return log_ends(x, total + (total_low + b.fma(k, of_2[1], low)))
