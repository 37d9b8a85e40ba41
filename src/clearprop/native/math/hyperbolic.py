"""sinh, cosh and the inverse hyperbolic functions."""

from __future__ import annotations

import numpy as np

from ..llvm_ir import Value
from .exponentials import reduced_exp
from .floats import at_most, exact_product, format_of, odd, root_in_two, scale
from .instructions import absolute, with_sign
from .logarithms import log_ends, log_of_sum


def _half_exp(size: Value) -> Value:
    """Return e^size / 2, which may be finite where e^size is not."""
    form = format_of(size)
    bits, first, rest = reduced_exp(at_most(size, form.exp_high + 1.0))
    return scale(first + rest + 1.0, bits - (form.rounder_bits + 1))


def sinh(x: Value) -> Value:
    """Return an odd polynomial up to 1, beyond (e^x - e^-x) / 2."""
    b, size = x.builder, absolute(x)
    half = _half_exp(size)
    far = half - 0.25 / half
    near = odd(size, x * x, "SINH")
    return with_sign(b.select(b.compare("<", size, 1.0), near, far), x)


def cosh(x: Value) -> Value:
    """Return (e^x + e^-x) / 2."""
    half = _half_exp(absolute(x))
    return half + 0.25 / half


def arcsinh(x: Value) -> Value:
    """Return log(|x| + √(x² + 1)), the sum in two parts, so that it may be next to 1."""
    size = absolute(x)
    return with_sign(_log_of_hyperbola(size, 1.0), x)


def arccosh(x: Value) -> Value:
    """Return log(x + √(x² - 1)), likewise."""
    b = x.builder
    return b.select(b.compare("<", x, 1.0), np.nan, _log_of_hyperbola(x, -1.0))


def _log_of_hyperbola(x: Value, one: float) -> Value:
    """Return log(x + √(x² ± 1)) for x ≥ 0; for large x, where the root is x, log x + log 2."""
    b = x.builder
    square, square_low = exact_product(x, x)
    inside = square + one
    larger = b.compare(">", square, 1.0)
    lost = b.select(larger, one - (inside - square), square - (inside - one))
    root, root_low = root_in_two(inside, lost + square_low)
    total = x + root
    x_first = b.compare(">", x, root)
    lost = b.select(x_first, root - (total - x), x - (total - root)) + root_low
    large = b.compare(">", x, 2.0**30)
    total, lost = b.select(large, x, total), b.select(large, 0.0, lost)
    y = log_of_sum(total, lost, b.select(large, x.like(1.0), x.like(0.0)))
    return b.select(b.compare("<", x, np.inf), y, x)


def arctanh(x: Value) -> Value:
    """Return log(1 + 2x / (1 - x)) / 2."""
    b, size = x.builder, absolute(x)
    over, under = size + size, 1.0 - size
    q = over / under
    under_low = 1.0 - under - size
    q_low = b.fma(-q, under_low, b.fma(-q, under, over)) / under
    total = q + 1.0
    lost = b.select(b.compare(">", q, 1.0), 1.0 - (total - q), q - (total - 1.0))
    return with_sign(log_ends(total, log_of_sum(total, lost + q_low)) * 0.5, x)
