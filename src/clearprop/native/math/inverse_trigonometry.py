"""arctan, arctan2, arcsin, arccos."""

from __future__ import annotations

import numpy as np

from ..llvm_ir import Value
from . import coefficients as table
from .floats import (
    as_bits,
    exact_product,
    exact_sum,
    format_of,
    odd,
    polynomial,
    root_in_two,
    small_quotient,
)
from .instructions import absolute, with_sign


def arctan(x: Value) -> Value:
    """Compute arctan by the angle's difference from 0, π/4 or π/2, so that |tan| of it is below √2 - 1."""
    size = absolute(x)
    b = x.builder
    steep, middle = b.compare(">", size, 2**0.5 + 1), b.compare(">", size, 2**0.5 - 1)
    over = b.select(middle, size - 1.0, size)
    under = b.select(middle, size + 1.0, size.like(1.0))
    over, under = b.select(steep, -1.0, over), b.select(steep, size, under)
    eighths = b.select(steep, x.like(2.0), b.select(middle, x.like(1.0), x.like(0.0)))
    return with_sign(_angle(over, under, eighths), x)


def _angle(over: Value, under: Value, eighths: Value) -> Value:
    """Return arctan(over / under), |over / under| ≤ √2 - 1, plus so many eighths of a turn."""
    b, dtype = over.builder, over.type.dtype
    high, low, _ = table.HALF_PI[dtype]
    q = over / under
    lost = small_quotient(over, under, q)
    lost = b.select(b.compare("<", absolute(lost), np.inf), lost, 0.0)  # quotients of infinities
    square = q * q
    tail = b.fma(q * square, polynomial(square, table.ATAN[dtype]), lost)
    start, start_low = exact_product(eighths, high / 2)
    first, first_low = exact_sum(start, q)
    return first + (first_low + (start_low + b.fma(eighths, low / 2, tail)))


def arctan2(y: Value, x: Value) -> Value:
    """Return the angle of the point (x, y), with its sign."""
    b, form = x.builder, format_of(x)
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
    left = b.compare("<", as_bits(x), 0)
    over = b.bits(as_bits(over) ^ b.select(is_up ^ left, as_bits(x.like(-0.0)), 0), x.type)
    eighths = b.select(is_up ^ left, -eighths, eighths)
    start = b.select(is_up, x.like(2.0), b.select(left, x.like(4.0), x.like(0.0)))
    angle = with_sign(_angle(over, under, start + eighths), y)
    return b.select(b.compare("unordered", x, y), np.nan, angle)


def arcsin(x: Value) -> Value:
    """Compute arcsin; near the ends it is π/2 - 2 arcsin √((1 - |x|) / 2)."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    inner, root, tail = _arcsine_parts(x, size)
    high, low, _ = table.HALF_PI[dtype]
    outer, lost = exact_sum(x.like(high), -(root + root))
    outer = outer + (lost + (low - (tail + tail)))
    return with_sign(b.select(b.compare("<=", size, 0.5), inner, outer), x)


def arccos(x: Value) -> Value:
    """Return π/2 - arcsin x, for large x 2 arcsin √((1 - x) / 2)."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    inner, root, tail = _arcsine_parts(x, size)
    high, low, _ = table.HALF_PI[dtype]
    middle, lost = exact_sum(x.like(high), -inner)
    middle = middle + (lost + low)
    right = 2.0 * (root + tail)
    left, lost = exact_sum(x.like(2 * high), -(root + root))
    left = left + (lost + (2 * low - (tail + tail)))
    outer = b.select(b.compare("<", x, 0.0), left, right)
    return b.select(b.compare("<=", size, 0.5), middle, outer)


def _arcsine_parts(x: Value, size: Value) -> tuple[Value, Value, Value]:
    """Return arcsin x for small x, and that of √((1 - |x|) / 2) for the others, as a sum of two."""
    b, dtype = x.builder, x.type.dtype
    inner = odd(x, x * x, "ASIN")
    z = (1.0 - size) * 0.5
    root, root_low = root_in_two(z, z.like(0.0))
    return inner, root, b.fma(root * z, polynomial(z, table.ASIN[dtype]), root_low)
