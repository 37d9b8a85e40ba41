"""Elementary functions, written once for any number of lanes, for float32 and float64.

Each is a reduction to a small interval and a polynomial there: W. J. Cody and W. Waite, Software Manual
for the Elementary Functions, 1980; J.-M. Muller, Elementary Functions, 2016. No function calls another
library. Errors, below 2 units in the last place, are measured by ``python -m benchmarks.accuracy``.

A product is added unrounded where `fma` says so; everything else is rounded as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from . import coefficients as table
from . import target
from .ir import F64, I64, Builder, Type, Value


@dataclass(frozen=True)
class _Format:
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
    np.dtype(np.float32): _Format(23, 127, -105.0, 89.0, 2.0**16),
    np.dtype(np.float64): _Format(52, 1023, -746.0, 710.0, 2.0**27),
}


def _format(x: Value) -> _Format:
    return _FORMATS[x.type.dtype]


# ---- steps that functions share


def _polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's rule: the fewest operations; other lanes and iterations fill the waiting."""
    total = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = x.builder.fma(total, x, c)
    return total


def _clamp(x: Value, low: float, high: float) -> Value:
    """Within the bounds; NaN stays."""
    b = x.builder
    return _at_most(b.select(b.compare("<", x, low), low, x), high)


def _at_most(x: Value, high: float) -> Value:
    """The smaller of the two; NaN stays."""
    b = x.builder
    return b.select(b.compare(">", x, high), high, x)


def _with_sign(x: Value, sign: Value) -> Value:
    return x.builder.call("copysign", x, sign)


def _as_bits(x: Value) -> Value:
    return x.builder.bits(x, x.type.integer)


def _nearest(x: Value, scale: float) -> tuple[Value, Value]:
    """The whole number next to x · scale, as a float and in the last bits of an integer."""
    form = _format(x)
    shifted = x.builder.fma(x, scale, form.rounder)
    return shifted - form.rounder, _as_bits(shifted)


def _power_of_two(n: Value, type: Type) -> Value:
    """2^n for whole n in the range of normal numbers; only the last bits of n count."""
    form = _FORMATS[type.dtype]
    return n.builder.bits((n << form.mantissa) + form.one, type)


def _scale(x: Value, n: Value) -> Value:
    """x · 2^n for whole n, rounded once where the result is denormal."""
    b = x.builder
    if target.vector_bits() == 512:  # an instruction there, but a call of the C library elsewhere
        n = b.convert(n, "i4")
        return b.call("ldexp", x, n, returns=x.type, suffix=f"{x.type.suffix}.{n.type.suffix}")
    first = n >> 1  # in two steps, since 2^n itself may be no normal number
    return x * _power_of_two(first, x.type) * _power_of_two(n - first, x.type)


# ---- exponentials


def _reduced_exp(x: Value, more: Value | None = None) -> tuple[Value, Value, Value]:
    """n (in the last bits), and exp(r) - 1 as an exact first part and a small second one.

    x + more = n · log 2 + r, |r| ≤ log 2 / 2.
    """
    b, dtype = x.builder, x.type.dtype
    high, low = table.LN2[dtype]
    n, bits = _nearest(x, table.LOG2_E[dtype][0])
    first = b.fma(n, -high, x)
    correction = n * -low if more is None else b.fma(n, -low, more)
    r = first + correction
    return bits, first, b.fma(r * r, _polynomial(r, table.EXP[dtype]), correction)


def exp(x: Value) -> Value:
    """e^x."""
    form = _format(x)
    bits, first, rest = _reduced_exp(_clamp(x, form.exp_low, form.exp_high))
    return _scale(first + rest + 1.0, bits - form.rounder_bits)


def expm1(x: Value) -> Value:
    """e^x - 1, as exact for small x."""
    b, form = x.builder, _format(x)
    bits, first, rest = _reduced_exp(_clamp(x, -50.0, form.exp_high))  # -1 below
    half = _power_of_two(bits - 1, x.type)  # 2^n may be too large
    y = b.fma(half, rest, b.fma(half, first, half - 0.5)) * 2.0
    y = b.select(b.compare("==", bits, form.rounder_bits), first + rest, y)  # denormals too
    return _with_sign(y, x)


def sigmoid(x: Value) -> Value:
    """1 / (1 + e^-x).

    With e^-x = 2^n · (1 + p) as s / (s + m + m · p), s = 2^-⌊n/2⌋, m = 2^⌈n/2⌉: nothing overflows, and
    the two powers of 2 are added without rounding.
    """
    b, form = x.builder, _format(x)
    bits, first, rest = _reduced_exp(_clamp(-x, form.exp_low, -form.exp_low))
    n = bits - form.rounder_bits
    half = n >> 1
    s, m = _power_of_two(-half, x.type), _power_of_two(n - half, x.type)
    both = m + s
    lost = s - (both - m)  # 0 but for large n
    return s / (both + b.fma(m, first, b.fma(m, rest, lost)))


def tanh(x: Value) -> Value:
    """An odd polynomial near 0, beyond 1 - 2 / (e^2x + 1)."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    square = x * x
    near = b.fma(x * square, _polynomial(square, table.TANH[dtype]), x)
    bits, first, rest = _reduced_exp(_at_most(size + size, 50.0))  # 1 by then
    power = _power_of_two(bits, x.type)
    far = 1.0 - 2.0 / b.fma(power, first + rest, power + 1.0)
    return _with_sign(b.select(b.compare("<", size, 0.5625), near, far), x)


# ---- logarithms


def _split(x: Value) -> tuple[Value, Value]:
    """k (a whole float) and m with x = m · 2^k, m between the roots of 1/2 and 2; for normal x > 0."""
    b, form = x.builder, _format(x)
    root = int(x.type.dtype.type(0.5**0.5).view(x.type.integer.dtype))
    bits = _as_bits(x) + (form.one - root)
    m = b.bits((bits & ((1 << form.mantissa) - 1)) + root, x.type)
    biased = b.convert(bits, f"u{x.type.bits // 8}") >> form.mantissa
    # into the last bits of a float: integers of 64 bits are not converted by every machine's vectors
    biased = b.convert(biased, x.type.integer.dtype) | form.rounder_bits
    return b.bits(biased, x.type) - (form.rounder + form.bias), m


def _log_near_one(f: Value, k: Value) -> Value:
    """log(1 + f) + k · log 2, for 1 + f between the roots of 1/2 and 2."""
    b, dtype = f.builder, f.type.dtype
    high, low = table.LN2[dtype]
    square = f * f
    if f.type.bits == 32:
        tail = b.fma(square * f, _polynomial(f, table.LOG[dtype]), k * low)
        tail = b.fma(square, -0.5, tail)
        return b.fma(k, high, f + tail)
    # log(1 + f) = log((1 + s) / (1 - s)) with s = f / (2 + f); f - s f = 2 s keeps the first term exact
    s = f / (f + 2.0)
    t, half = s * s, square * 0.5
    tail = b.fma(s, b.fma(t, _polynomial(t, table.LOG_OF_QUOTIENT[dtype]), half), k * low)
    return b.fma(k, high, f - (half - tail))


def _normal(x: Value) -> tuple[Value, Value]:
    """x as a normal number times 2^shift (a float, 0 or negative), for denormals too."""
    b, form = x.builder, _format(x)
    tiny = b.compare("<", x, form.smallest_normal)
    digits = form.mantissa + 1
    shift = b.select(tiny, x.like(-digits), x.like(0.0))
    return b.select(tiny, x * 2.0**digits, x), shift


def _log_ends(x: Value, y: Value) -> Value:
    """`y` where x is positive and finite, else what the logarithm is there."""
    b = x.builder
    at_zero = b.select(b.compare("==", x, 0.0), x.like(-np.inf), x.like(np.nan))
    y = b.select(b.compare("<", x, np.inf), y, x)
    return b.select(b.compare("<=", x, 0.0), at_zero, y)


def log(x: Value) -> Value:
    """The natural logarithm."""
    normal, shift = _normal(x)
    k, m = _split(normal)
    return _log_ends(x, _log_near_one(m - 1.0, k + shift))


def log1p(x: Value) -> Value:
    """log(1 + x), as exact for small x."""
    b = x.builder
    u = x + 1.0
    lost = b.select(b.compare(">", x, 1.0), 1.0 - (u - x), x - (u - 1.0))  # of x, by rounding
    return _with_sign(_log_ends(u, _log_of_sum(u, lost)), x)  # the sign of -0


def _log_of_sum(x: Value, small: Value, doublings: Value | None = None) -> Value:
    """log(x + small), also where that is next to 1; plus log 2 so many times. For normal x > 0."""
    b = x.builder
    k, m = _split(x)
    # 2^-k · small, where it matters: beyond, it is less than half a unit of x
    _, bits = _nearest(_at_most(k, 64.0), -1.0)
    f = b.fma(small, _power_of_two(bits, x.type), m - 1.0)
    return _log_near_one(f, k if doublings is None else k + doublings)


# ---- trigonometry


def sin(x: Value) -> Value:
    """The sine, of any number."""
    return x.builder.bits(_as_bits(_turned(x, 0)) ^ (_as_bits(x) & _format(x).sign), x.type)


def cos(x: Value) -> Value:
    """The cosine, of any number."""
    return _turned(x, 1)


def _turned(x: Value, quarter_turns: int) -> Value:
    """The sine of |x| plus this many quarter turns."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    high, middle, low = table.HALF_PI[dtype]
    n, bits = _nearest(size, table.TWO_OVER_PI[dtype][0])
    r = b.fma(n, -low, b.fma(n, -middle, b.fma(n, -high, size)))
    y = _sine_after(r, bits + quarter_turns if quarter_turns else bits)
    far = ~b.compare("<=", size, _format(x).near_turns)
    return b.when_any(far, lambda: _far_turned(size, far, quarter_turns, y), y)


def _sine_after(r: Value, turns: Value) -> Value:
    """The sine of r, |r| ≤ π/4, plus this many quarter turns; only the last bits of them count."""
    b, dtype, form = r.builder, r.type.dtype, _format(r)
    square = r * r
    sine = b.fma(_polynomial(square, table.SIN[dtype]) * square, r, r)
    cosine = b.fma(square * square, _polynomial(square, table.COS[dtype]), b.fma(square, -0.5, 1.0))
    y = b.select(b.compare("!=", turns & 1, 0), cosine, sine)
    sign = (turns << (r.type.bits - 2)) & form.sign
    return b.bits(_as_bits(y) ^ sign, r.type)


def _far_turned(size: Value, far: Value, quarter_turns: int, near: Value) -> Value:
    """Lane by lane, out of line, by `_far_sine`; `near` in the other lanes."""
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
    """A function of (size: double, quarter_turns: i64), with what it needs in turn.

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
    """r, |r| ≤ π/4, and whole turns with x = turns · π/2 + r up to multiples of four turns; for x ≥ 1.

    M. H. Payne and R. N. Hanek, Radian reduction for trigonometric functions, 1983. x is m · 2^e with a
    whole m; of the binary digits of 2/π · 2^e, those before the last two of the whole part only make
    multiples of four. The 192 from there on, times m, leave at least 137 right digits after the point; at
    most about 62 of them are zeros when x is next to a multiple of π/2.
    """
    b, dtype, form = x.builder, x.type.dtype, _format(x)
    digits = table.FRACTION_BITS + 55
    bits = _as_bits(x)
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
    r = r * _power_of_two(-51 - b.value(I64, f"trunc i192 {zeros} to i64"), x.type)
    negative = Value(b, is_negative, x.type.truth)
    return b.select(negative, -r, r), turns


def _top(b: Builder, number: str, skipped: int) -> Value:
    """53 bits of an i192, after skipping the last ones, as a float."""
    shifted = b.pointer(f"lshr i192 {number}, {skipped}")
    bits = b.value(I64, f"trunc i192 {shifted} to i64")
    return b.convert(bits & ((1 << 53) - 1), "f8")


# ---- powers


def _product(x: Value, y: Value | float) -> tuple[Value, Value]:
    """x · y as a float and what it lacks."""
    high = x * y
    return high, x.builder.fma(x, y, -high)


def _log_in_two(f: Value, k: Value) -> tuple[Value, Value]:
    """log(1 + f) + k · log 2 as the sum of two floats, with half as many digits again, or more.

    2 s + s³ (2/3 + s² P(s²)), s = f / (2 + f): all in two floats but the polynomial.
    """
    b, dtype = f.builder, f.type.dtype
    below = f + 2.0
    inverse = 1.0 / below
    s = f * inverse
    left = b.fma(-s, below, f)
    s_low = b.fma(-s, f - (below - 2.0), left) * inverse
    t, t_low = _product(s, s)
    t_low = b.fma(s + s, s_low, t_low)
    cube, cube_low = _product(s, t)
    cube_low = cube_low + b.fma(s, t_low, s_low * t)
    factor = _polynomial(t, table.LOG_OF_QUOTIENT_TAIL[dtype])
    more, more_low = _product(t, factor)
    c, c_low = _sum(f.like(table.TWO_THIRDS[dtype][0]), more)
    c_low = c_low + (b.fma(t_low, factor, more_low) + table.TWO_THIRDS[dtype][1])
    third, third_low = _product(cube, c)
    third_low = third_low + b.fma(cube, c_low, cube_low * c)
    high, low = table.LN2[dtype]
    tail = b.fma(k, low, third_low) + (s_low + s_low)
    first, first_low = _sum(s + s, third)
    total, total_low = _sum(b.binary("fmul", "", k, high), first)
    return _sum(total, total_low + (first_low + tail))


def _sum(x: Value, y: Value) -> tuple[Value, Value]:
    """x + y as a float and what it lacks, for |x| ≥ |y| or x = 0 (T. J. Dekker 1971)."""
    high = x + y
    return high, y - (high - x)


def power(x: Value, y: Value) -> Value:
    """x^y as e^(y · log |x|), with the special cases of C and NumPy."""
    b, form, size = x.builder, _format(x), absolute(x)
    normal, shift = _normal(size)
    k, m = _split(normal)
    high, low = _log_in_two(m - 1.0, k + shift)
    high = b.select(b.compare("<", size, np.inf), high, size)
    high = b.select(b.compare("==", size, 0.0), -np.inf, high)
    finite = _clamp(y, -(2.0**100), 2.0**100)  # as good as infinite, but 0 times it is 0
    z, z_low = _product(finite, high)
    z_low = b.fma(finite, low, z_low)
    clamped = _clamp(z, form.exp_low, form.exp_high)
    z_low = b.select(b.compare("==", clamped, z), z_low, 0.0)
    bits, first, rest = _reduced_exp(clamped, z_low)
    result = _power_sign(x, finite, _scale(first + rest + 1.0, bits - form.rounder_bits))
    is_one = b.compare("==", x, 1.0) | b.compare("==", y, 0.0)  # even where the other one is NaN
    return b.select(is_one, 1.0, result)


def _power_sign(x: Value, y: Value, result: Value) -> Value:
    """Minus, if x is negative and y odd; NaN, if x is negative and y is not whole."""
    b = x.builder
    half = y * 0.5
    is_whole = b.compare("==", y, rint(y))
    is_odd = is_whole & b.compare("!=", half, rint(half))
    sign = _as_bits(x) & _format(x).sign
    signed = b.bits(_as_bits(result) ^ b.select(is_odd, sign, 0), x.type)
    is_real = is_whole | b.compare(">=", x, 0.0) | b.compare("==", x, -np.inf) | b.is_nan(x)
    return b.select(is_real, signed, np.nan)


# ---- single instructions, or nearly


def _instruction(name: str) -> Callable[[Value], Value]:
    """The function that LLVM has by this name, an instruction of most machines."""
    return lambda x: x.builder.call(name, x)


sqrt, absolute = _instruction("sqrt"), _instruction("fabs")
floor, ceil, rint = _instruction("floor"), _instruction("ceil"), _instruction("rint")


def sign(x: Value) -> Value:
    """-1, 0 or 1; NaN stays."""
    b = x.builder
    if x.type.is_float:
        one = _with_sign(x.like(1.0), x)
        return b.select(b.compare(">", absolute(x), 0.0), one, x + 0.0)  # makes -0 a 0
    return b.select(b.compare("<", x, 0), -1, b.convert(b.compare(">", x, 0), x.type.dtype))


def maximum(x: Value, y: Value) -> Value:
    """The larger one; NaN if one is."""
    b = x.builder
    return b.select(b.is_nan(x), x, b.select(b.compare(">", x, y), x, y))


def minimum(x: Value, y: Value) -> Value:
    """The smaller one; NaN if one is."""
    b = x.builder
    return b.select(b.is_nan(x), x, b.select(b.compare("<", x, y), x, y))


FUNCTIONS: dict[str, Callable[..., Value]] = {
    function.__name__: function
    for function in (
        *(exp, expm1, log, log1p, sin, cos, tanh, sigmoid, power),
        *(sign, maximum, minimum),
    )
} | {"sqrt": sqrt, "absolute": absolute, "floor": floor, "ceil": ceil, "rint": rint}
"""By the name of the operation: what writes its code."""
