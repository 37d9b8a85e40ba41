"""More elementary functions, in the manner of `functions`: those that are not so common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import coefficients as table
from .functions import FUNCTIONS as COMMON
from .functions import (
    _as_bits,
    _at_most,
    _clamp,
    _format,
    _log_ends,
    _log_in_two,
    _log_of_sum,
    _nearest,
    _normal,
    _polynomial,
    _power_of_two,
    _product,
    _reduced_exp,
    _scale,
    _split,
    _sum,
    _with_sign,
    absolute,
    rint,
    sqrt,
)
from .ir import Value


def _odd(x: Value, square: Value, name: str) -> Value:
    """An odd function with the slope 1 at 0, by its polynomial."""
    coefficients = getattr(table, name)[x.type.dtype]
    return x.builder.fma(x * square, _polynomial(square, coefficients), x)


def _small_quotient(x: Value, y: Value, quotient: Value) -> Value:
    """What a quotient x / y lacks."""
    return x.builder.fma(-quotient, y, x) / y


def _root_in_two(x: Value, x_low: Value) -> tuple[Value, Value]:
    """The square root of x + x_low as a sum; of 0 it is 0."""
    b, root = x.builder, sqrt(x)
    lost = b.fma(-root, root, x) + x_low
    return root, lost / (root + root + _format(x).smallest_normal)


# ---- exponentials and logarithms


def exp2(x: Value) -> Value:
    """2^x."""
    b, dtype, form = x.builder, x.type.dtype, _format(x)
    high, low = table.LN2[dtype]
    x = _clamp(x, form.exp_low * 1.5, form.exp_high * 1.5)
    n = rint(x)
    left = x - n
    first, first_low = _product(left, high)
    correction = b.fma(left, low, first_low)
    r = first + correction
    rest = b.fma(r * r, _polynomial(r, table.EXP[dtype]), correction)
    return _scale(first + rest + 1.0, _nearest(n, 1.0)[1] - form.rounder_bits)


def log2(x: Value) -> Value:
    """The logarithm to the base 2; exact for powers of 2."""
    parts = table.LOG2_E_PARTS[x.type.dtype]
    return _log_to_base(x, parts, (1.0, 0.0))


def log10(x: Value) -> Value:
    """The logarithm to the base 10; exact for powers of 10."""
    dtype = x.type.dtype
    return _log_to_base(x, table.LOG10_E[dtype], table.LOG10_2[dtype])


def _log_to_base(x: Value, of_e: tuple[float, ...], of_2: tuple[float, ...]) -> Value:
    """By the logarithms of e and of 2 to that base, each a sum of two; the second times k is exact."""
    b = x.builder
    normal, shift = _normal(x)
    k, m = _split(normal)
    k = k + shift
    high, low = _log_in_two(m - 1.0, k.like(0.0))
    first, first_low = _product(high, of_e[0])
    low = b.fma(high, of_e[1], b.fma(low, of_e[0], first_low))
    total, total_low = _sum(b.binary("fmul", "", k, of_2[0]), first)
    return _log_ends(x, total + (total_low + b.fma(k, of_2[1], low)))


# ---- inverse trigonometric functions


def arctan(x: Value) -> Value:
    """By the angle's difference from 0, π/4 or π/2, so that |tan| of it is below √2 - 1."""
    size = absolute(x)
    b = x.builder
    steep, middle = b.compare(">", size, 2**0.5 + 1), b.compare(">", size, 2**0.5 - 1)
    over = b.select(middle, size - 1.0, size)
    under = b.select(middle, size + 1.0, size.like(1.0))
    over, under = b.select(steep, -1.0, over), b.select(steep, size, under)
    eighths = b.select(steep, x.like(2.0), b.select(middle, x.like(1.0), x.like(0.0)))
    return _with_sign(_angle(over, under, eighths), x)


def _angle(over: Value, under: Value, eighths: Value) -> Value:
    """arctan(over / under), |over / under| ≤ √2 - 1, plus so many eighths of a turn."""
    b, dtype = over.builder, over.type.dtype
    high, low, _ = table.HALF_PI[dtype]
    q = over / under
    lost = _small_quotient(over, under, q)
    lost = b.select(b.compare("<", absolute(lost), np.inf), lost, 0.0)  # quotients of infinities
    square = q * q
    tail = b.fma(q * square, _polynomial(square, table.ATAN[dtype]), lost)
    start, start_low = _product(eighths, high / 2)
    first, first_low = _sum(start, q)
    return first + (first_low + (start_low + b.fma(eighths, low / 2, tail)))


def arctan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), with its sign."""
    b, form = x.builder, _format(x)
    along, up = absolute(x), absolute(y)
    is_up = b.compare(">", up, along)
    large, small = b.select(is_up, up, along), b.select(is_up, along, up)
    huge = b.compare(">", large, 2.0 ** (form.bias - 3))  # their sum may be too large
    large, small = b.select(huge, large * 0.125, large), b.select(huge, small * 0.125, small)
    equal = b.compare("==", large, small)  # infinities too
    large = b.select(equal, 1.0, large)
    small = b.select(equal, b.select(b.compare("==", up, 0.0), x.like(0.0), x.like(1.0)), small)
    middle = b.compare(">", small, large * (2**0.5 - 1))
    over = b.select(middle, small - large, small)
    under = b.select(middle, small + large, large)
    eighths = b.select(middle, x.like(1.0), x.like(0.0))
    # beyond π/4 the angle is π/2 less this one; to the left, π less that
    left = b.compare("<", _as_bits(x), 0)
    over = b.bits(_as_bits(over) ^ b.select(is_up ^ left, _as_bits(x.like(-0.0)), 0), x.type)
    eighths = b.select(is_up ^ left, -eighths, eighths)
    start = b.select(is_up, x.like(2.0), b.select(left, x.like(4.0), x.like(0.0)))
    angle = _with_sign(_angle(over, under, start + eighths), y)
    return b.select(b.compare("unordered", x, y), np.nan, angle)


def arcsin(x: Value) -> Value:
    """Near the ends π/2 - 2 arcsin √((1 - |x|) / 2)."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    inner, root, tail = _arcsine_parts(x, size)
    high, low, _ = table.HALF_PI[dtype]
    outer, lost = _sum(x.like(high), -(root + root))
    outer = outer + (lost + (low - (tail + tail)))
    return _with_sign(b.select(b.compare("<=", size, 0.5), inner, outer), x)


def arccos(x: Value) -> Value:
    """π/2 - arcsin x, for large x 2 arcsin √((1 - x) / 2)."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    inner, root, tail = _arcsine_parts(x, size)
    high, low, _ = table.HALF_PI[dtype]
    middle, lost = _sum(x.like(high), -inner)
    middle = middle + (lost + low)
    right = 2.0 * (root + tail)
    left, lost = _sum(x.like(2 * high), -(root + root))
    left = left + (lost + (2 * low - (tail + tail)))
    outer = b.select(b.compare("<", x, 0.0), left, right)
    return b.select(b.compare("<=", size, 0.5), middle, outer)


def _arcsine_parts(x: Value, size: Value) -> tuple[Value, Value, Value]:
    """arcsin x for small x, and that of √((1 - |x|) / 2) for the others, as a sum of two."""
    b, dtype = x.builder, x.type.dtype
    inner = _odd(x, x * x, "ASIN")
    z = (1.0 - size) * 0.5
    root, root_low = _root_in_two(z, z.like(0.0))
    return inner, root, b.fma(root * z, _polynomial(z, table.ASIN[dtype]), root_low)


# ---- hyperbolic functions


def _half_exp(size: Value) -> Value:
    """e^size / 2, which may be finite where e^size is not."""
    form = _format(size)
    bits, first, rest = _reduced_exp(_at_most(size, form.exp_high + 1.0))
    return _scale(first + rest + 1.0, bits - (form.rounder_bits + 1))


def sinh(x: Value) -> Value:
    """An odd polynomial up to 1, beyond (e^x - e^-x) / 2."""
    b, size = x.builder, absolute(x)
    half = _half_exp(size)
    far = half - 0.25 / half
    near = _odd(size, x * x, "SINH")
    return _with_sign(b.select(b.compare("<", size, 1.0), near, far), x)


def cosh(x: Value) -> Value:
    """(e^x + e^-x) / 2."""
    half = _half_exp(absolute(x))
    return half + 0.25 / half


def arcsinh(x: Value) -> Value:
    """log(|x| + √(x² + 1)), the sum in two parts, so that it may be next to 1."""
    size = absolute(x)
    return _with_sign(_log_of_hyperbola(size, 1.0), x)


def arccosh(x: Value) -> Value:
    """log(x + √(x² - 1)), likewise."""
    b = x.builder
    return b.select(b.compare("<", x, 1.0), np.nan, _log_of_hyperbola(x, -1.0))


def _log_of_hyperbola(x: Value, one: float) -> Value:
    """log(x + √(x² ± 1)) for x ≥ 0; for large x, where the root is x, log x + log 2."""
    b = x.builder
    square, square_low = _product(x, x)
    inside = square + one
    larger = b.compare(">", square, 1.0)
    lost = b.select(larger, one - (inside - square), square - (inside - one))
    root, root_low = _root_in_two(inside, lost + square_low)
    total = x + root
    x_first = b.compare(">", x, root)
    lost = b.select(x_first, root - (total - x), x - (total - root)) + root_low
    large = b.compare(">", x, 2.0**30)
    total, lost = b.select(large, x, total), b.select(large, 0.0, lost)
    y = _log_of_sum(total, lost, b.select(large, x.like(1.0), x.like(0.0)))
    return b.select(b.compare("<", x, np.inf), y, x)


def arctanh(x: Value) -> Value:
    """log(1 + 2x / (1 - x)) / 2."""
    b, size = x.builder, absolute(x)
    over, under = size + size, 1.0 - size
    q = over / under
    under_low = 1.0 - under - size
    q_low = b.fma(-q, under_low, b.fma(-q, under, over)) / under
    total = q + 1.0
    lost = b.select(b.compare(">", q, 1.0), 1.0 - (total - q), q - (total - 1.0))
    return _with_sign(_log_ends(total, _log_of_sum(total, lost + q_low)) * 0.5, x)


# ---- others


def cbrt(x: Value) -> Value:
    """The cube root: a guess, made better by E. Halley's iteration, which triples its digits."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    normal, shift = _normal(size)
    k, m = _split(normal)
    k = k + shift
    third, bits = _nearest(k, 1 / 3)
    _, rest = _nearest(b.fma(third, -3.0, k), 1.0)
    c = m * _power_of_two(rest, x.type)
    y = _polynomial(c, table.CBRT[dtype])
    for _ in range(1 if x.type.bits == 32 else 2):
        square, square_low = _product(y, y)
        lacking = b.fma(square, y, -c) + square_low * y  # y³ - c
        y = b.fma(-y, lacking / (square * y * 2.0 + c), y)
    y = y * _power_of_two(bits, x.type)
    ordinary = b.compare("<", size, np.inf) & b.compare(">", size, 0.0)
    return b.select(ordinary, _with_sign(y, x), x)


def erf(x: Value) -> Value:
    """The error function: an odd polynomial up to 1, beyond 1 - e^p."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    near = b.fma(x, _polynomial(x * x, table.ERF[dtype]), x)
    capped = _at_most(size, 4.0 if x.type.bits == 32 else 6.0)  # 1 by then
    bits, first, rest = _reduced_exp(_polynomial(capped, table.LOG_ERFC[dtype]))
    far = b.fma(_power_of_two(bits, x.type), -(first + rest + 1.0), 1.0)
    return _with_sign(b.select(b.compare("<", size, 1.0), near, far), x)


FUNCTIONS: dict[str, Callable[..., Value]] = COMMON | {
    function.__name__: function
    for function in (
        *(exp2, log2, log10, arctan, arctan2, arcsin, arccos),
        *(sinh, cosh, arcsinh, arccosh, arctanh, cbrt, erf),
    )
}
"""All of them by the name of the operation, those of `functions` too."""
