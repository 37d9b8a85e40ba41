"""Numbers of a distribution from two random words: with the four operations and roots alone.

Those are rounded in the same way everywhere, so whoever computes these functions gets the same bits. A
library's logarithms and sines differ in the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from ..engine.array_types import Array, DType
from ..graph.blocks import block
from .quantile_coefficients import ABOVE, BELOW, LOG_OF_QUOTIENT

DOUBLE = np.dtype(np.float64)


@block
def uniform_from(x: Array, y: Array, dtype: DType) -> Array:
    """Make a number from [0, 1): a multiple of 2**-52, or in single precision of 2**-23."""
    if dtype == DOUBLE:
        return x.astype(dtype) * 2.0**-32 + (y >> np.uint32(12)).astype(dtype) * 2.0**-52
    return ((x ^ y) >> np.uint32(9)).astype(dtype) * dtype.type(2.0**-23)


@block
def normal_from(x: Array, y: Array, dtype: DType) -> Array:
    """Make a standard normal number: the last bit is its sign, the others the probability to exceed it.

    That is one of the multiples of 2**-64 up to one half (in single precision of 2**-32), so numbers reach
    from -9.1 to 9.1 (6.2). The quantile is good to 4 units in its last place, near zero in that of one half.
    """
    if dtype == DOUBLE:
        twice = (x.astype(dtype) + ((y >> np.uint32(1)).astype(dtype) + 1.0) * 2.0**-31) * 2.0**-32
        last = y
    else:
        last = x ^ y
        one, unit = dtype.type(1.0), dtype.type(2.0**-31)
        twice = ((last >> np.uint32(1)).astype(dtype) + one) * unit
    size = _minus_log(twice, dtype)
    root = np.sqrt(size + dtype.type(np.log(2)))
    exceeded = size * _polynomial(ABOVE[dtype], root) / _polynomial(BELOW[dtype], root)
    return np.where((last & np.uint32(1)) == 0, exceeded, -exceeded)


def _minus_log(x: Array, dtype: DType) -> Array:
    """Return -log(x), for x from 2**-63 to 1: of a power of two, and of what is left, from 1/√2 to √2."""
    one, exponent = dtype.type(1), dtype.type(0)
    for step in (32, 16, 8, 4, 2, 1):
        is_small = x < dtype.type(2.0 ** (0.5 - step))
        x = np.where(is_small, x * dtype.type(2.0**step), x)
        exponent = exponent + is_small.astype(dtype) * dtype.type(step)
    quotient = (x - one) / (x + one)
    square = quotient * quotient
    log = quotient * (square * _polynomial(LOG_OF_QUOTIENT[dtype], square) + dtype.type(2))
    return exponent * dtype.type(np.log(2)) - log


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """Return a polynomial's value; its coefficients start with that of x^0."""
    last, *others = (x.dtype.type(c) for c in reversed(coefficients))
    return reduce(lambda total, c: total * x + c, others, last)


@block
def below_from(x: Array, y: Array, count: Array) -> Array:
    """Make a whole number below `count`: the whole part of count · 0.xy, where x and y are binary digits."""
    low = x * count
    total = low + _high_word(y, count)
    carry = (total < low).astype(np.uint32)
    return _high_word(x, count) + carry


def _high_word(a: Array, b: Array) -> Array:
    """Return the upper 32 of the 64 bits of a product, by halves."""
    half, mask = np.uint32(16), np.uint32(0xFFFF)
    a0, a1, b0, b1 = a & mask, a >> half, b & mask, b >> half
    middle = a1 * b0 + (a0 * b0 >> half)
    other = a0 * b1 + (middle & mask)
    return a1 * b1 + (middle >> half) + (other >> half)
