"""Remainders of divisions, exact as IEEE has them, and the whole numbers that go with them."""

from __future__ import annotations

import numpy as np

from ..llvm_ir import Value
from .floats import format_of
from .instructions import absolute, floor, trunc, with_sign


def fmod(x: Value, y: Value) -> Value:
    """Return what is left of x when y went in as often as it can, with the sign of x.

    Taking a rounded quotient times y away is exact, and leaves less than y, unless the quotient has more
    digits than a float: then it takes some more rounds.
    """
    b, form = x.builder, format_of(x)
    size = absolute(y)
    once = _less(absolute(x), size)

    def often() -> Value:
        rounds = 2 * (form.bias + form.mantissa) // form.mantissa + 2
        with b.loop(1, rounds, carried=[once]) as loop:
            loop.next = [_less(loop.carried[0], size)]
        return loop.results[0]

    left = b.when_any(b.compare(">=", absolute(once), size), often, once)
    left = b.select(b.compare("<", left, 0.0), left + size, left)
    return with_sign(left, x)


def _less(x: Value, size: Value) -> Value:
    """Return x less so many times `size` that it is smaller; below 0 where a quotient was rounded up.

    Where the quotient is too large for a float, it is that by a multiple of `size`.
    """
    form, step, quotient = format_of(x), size, x / size
    for digits in (form.bias - form.mantissa, 2 * form.mantissa):
        step, quotient = _unless_endless(x, step, quotient, step * 2.0**digits)
    b, times = x.builder, trunc(quotient)
    return b.select(b.compare("==", times, 0.0), x, b.fma(-times, step, x))


def _unless_endless(x: Value, step: Value, quotient: Value, larger: Value) -> tuple[Value, Value]:
    """Return a divisor and its quotient, or the larger divisor and its, where that is infinite."""
    b = x.builder
    is_endless = b.compare("==", absolute(quotient), np.inf)
    return b.select(is_endless, larger, step), b.select(is_endless, x / larger, quotient)


def floor_mod(x: Value, y: Value) -> Value:
    """Return what is left of x, with the sign of y."""
    b = x.builder
    left = fmod(x, y)
    other_side = b.compare("<", left, 0.0) ^ b.compare("<", y, 0.0)
    moved = b.select(other_side, left + y, left)
    return b.select(b.compare("==", left, 0.0), with_sign(left, y), moved)


def floor_divide(x: Value, y: Value) -> Value:
    """Return the largest whole number that is not above x / y, as Python and NumPy find it."""
    b = x.builder
    left = fmod(x, y)
    other_side = b.compare("<", left, 0.0) ^ b.compare("<", y, 0.0)
    other_side = other_side & b.compare("!=", left, 0.0)
    quotient = (x - left) / y
    quotient = b.select(other_side, quotient - 1.0, quotient)
    whole = floor(quotient)
    whole = b.select(b.compare(">", quotient - whole, 0.5), whole + 1.0, whole)
    whole = b.select(b.compare("==", quotient, 0.0), with_sign(x.like(0.0), x / y), whole)
    return b.select(b.compare("==", y, 0.0), x / y, whole)
