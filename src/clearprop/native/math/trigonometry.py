"""Sine and cosine, of arguments of any size."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..llvm_ir import F64, I64, Builder, Value
from . import coefficients as table
from .floats import as_bits, format_of, nearest, polynomial, power_of_two
from .instructions import absolute


def sin(x: Value) -> Value:
    """Return the sine, of any number."""
    return x.builder.bits(as_bits(_turned(x, 0)) ^ (as_bits(x) & format_of(x).sign), x.type)


def cos(x: Value) -> Value:
    """Return the cosine, of any number."""
    return _turned(x, 1)


def _turned(x: Value, quarter_turns: int) -> Value:
    """Return the sine of |x| plus this many quarter turns."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    high, middle, low = table.HALF_PI[dtype]
    n, bits = nearest(size, table.TWO_OVER_PI[dtype][0])
    r = b.fma(n, -low, b.fma(n, -middle, b.fma(n, -high, size)))
    y = _sine_after(r, bits + quarter_turns if quarter_turns else bits)
    far = ~b.compare("<=", size, format_of(x).near_turns)
    return b.when_any(far, lambda: _far_turned(size, far, quarter_turns, y), y)


def _sine_after(r: Value, turns: Value) -> Value:
    """Return the sine of r, |r| ≤ π/4, plus this many quarter turns; only the last bits of them count."""
    b, dtype, form = r.builder, r.type.dtype, format_of(r)
    square = r * r
    sine = b.fma(polynomial(square, table.SIN[dtype]) * square, r, r)
    cosine = b.fma(square * square, polynomial(square, table.COS[dtype]), b.fma(square, -0.5, 1.0))
    y = b.select(b.compare("!=", turns & 1, 0), cosine, sine)
    sign = (turns << (r.type.bits - 2)) & form.sign
    return b.bits(as_bits(y) ^ sign, r.type)


def _far_turned(size: Value, far: Value, quarter_turns: int, near: Value) -> Value:
    """Compute lane by lane, out of line, by `_far_sine`; take `near` in the other lanes."""
    b, type = size.builder, size.type
    single = type.wide(1)
    b.declarations |= _far_sine()
    bytes = type.bits // 8
    sizes, sines = b.stack(type.dtype, type.width), b.stack(type.dtype, type.width)
    b.store(size, sizes)
    with b.loop(0, type.width) as lane:
        x = b.convert(b.load(single, b.offset(sizes, (lane.index, 1), size=bytes)), "f8")
        y = b.value(F64, f"call double @{_FAR_SINE}(double {x.ref}, i64 {quarter_turns})")
        b.store(b.convert(y, type.dtype), b.offset(sines, (lane.index, 1), size=bytes))
    return b.select(far, b.load(type, sines), near)


_FAR_SINE = "clearprop.far_sine"


@cache
def _far_sine() -> frozenset[str]:
    """Return a function of (size: double, quarter_turns: i64), with what it needs in turn.

    It is cold, so code around its calls is laid out for the case that they do not happen.
    """
    b = Builder()
    size = Value(b, "%size", F64)
    r, turns = _far_quarter_turns(size)
    y = _sine_after(r, turns + Value(b, "%quarter_turns", I64))
    y = b.select(b.compare("<", size, np.inf), y, np.nan)
    b.do(f"ret double {y.ref}")
    text = b.function(_FAR_SINE, "double %size, i64 %quarter_turns", "double")
    text = text.replace("define", "define internal", 1).replace("#0 {", "cold noinline #0 {", 1)
    return frozenset(b.declarations | {text})


def _far_quarter_turns(x: Value) -> tuple[Value, Value]:
    """Return r, |r| ≤ π/4, and whole turns with x = turns · π/2 + r up to multiples of four turns; for x ≥ 1.

    M. H. Payne and R. N. Hanek, Radian reduction for trigonometric functions, 1983. x is m · 2^e with a
    whole m; of the binary digits of 2/π · 2^e, those before the last two of the whole part only make
    multiples of four. The 192 from there on, times m, leave at least 137 right digits after the point; at
    most about 62 of them are zeros when x is next to a multiple of π/2.
    """
    b, dtype, form = x.builder, x.type.dtype, format_of(x)
    digits = table.FRACTION_BITS + 55
    bits = as_bits(x)
    m = (bits & ((1 << form.mantissa) - 1)) | (1 << form.mantissa)
    away = 2 * form.bias - (bits >> form.mantissa)  # exponents from the largest; < 0 for infinities
    away = b.select(b.compare("<", away, 0), 0, away)
    wide = b.pointer(f"zext i64 {away.ref} to i{digits}")
    wide = b.pointer(f"lshr i{digits} {table.TWO_OVER_PI_BITS}, {wide}")
    window = b.pointer(f"trunc i{digits} {wide} to i192")
    times = b.pointer(f"zext i64 {m.ref} to i192")
    product = b.pointer(f"mul i192 {window}, {times}")
    # in units of 2^-190 quarter turns: rounded to whole ones, and what is left, with a sign
    rounded = b.pointer(f"add i192 {product}, {1 << 189}")
    whole = b.pointer(f"lshr i192 {rounded}, 190")
    turns = b.value(I64, f"trunc i192 {whole} to i64")
    whole = b.pointer(f"shl i192 {whole}, 190")
    left = b.pointer(f"sub i192 {product}, {whole}")
    is_negative = b.pointer(f"icmp slt i192 {left}, 0")
    b.declare("declare i192 @llvm.abs.i192(i192, i1)")
    b.declare("declare i192 @llvm.ctlz.i192(i192, i1)")
    left = b.pointer(f"call i192 @llvm.abs.i192(i192 {left}, i1 false)")
    zeros = b.pointer(f"call i192 @llvm.ctlz.i192(i192 {left}, i1 false)")
    digits_left = b.pointer(f"shl i192 {left}, {zeros}")
    # its first digits as a float and the next as another, times π/2
    first = _top(b, digits_left, 192 - 53)
    second = _top(b, digits_left, 192 - 2 * 53) * 2.0**-53
    high, low, _ = table.HALF_PI[dtype]
    r = b.fma(first, high, b.fma(first, low, second * high))
    r = r * power_of_two(-51 - b.value(I64, f"trunc i192 {zeros} to i64"), x.type)
    negative = Value(b, is_negative, x.type.truth)
    return b.select(negative, -r, r), turns


def _top(b: Builder, number: str, skipped: int) -> Value:
    """Return 53 bits of an i192, after skipping the last ones, as a float."""
    shifted = b.pointer(f"lshr i192 {number}, {skipped}")
    bits = b.value(I64, f"trunc i192 {shifted} to i64")
    return b.convert(bits & ((1 << 53) - 1), "f8")
