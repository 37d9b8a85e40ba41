"""Numbers as people write them in a derivation: 2 / 32 stays so, since 32 is how many there are."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from ...engine.spec import spec_of
from ...graph.graph import Wire
from ..matching import number

_LONGEST = 2**53
"""Larger whole numbers are not exact as floats."""
_DECIMAL = (2, 4, 5, 8, 10, 20, 100)
"""What is divided by these is written as a decimal: 1.5, not 3 / 2."""


def quotient(wire: Wire) -> tuple[int, int] | None:
    """Return numerator and denominator of a constant that `Ratio.constant` made, if it is to be
    written as both.
    """
    found = _parts(wire)
    return found if found and not Ratio(*found).is_short_as_digits else None


def _parts(wire: Wire) -> tuple[int, int] | None:
    above, slash, below = wire.name.partition(" / ")
    return (int(above), int(below)) if slash and wire.is_constant else None


@dataclass(frozen=True)
class Ratio:
    """A number as people write it: 2/32 stays so, since 32 is how many there are."""

    above: int
    below: int = 1

    @classmethod
    def of(cls, value: float) -> Ratio | None:
        """Return the ratio that a float was written as, if it is near to one: 1 / 3, or 1e-200."""
        if not np.isfinite(value):
            return None
        if float(value).is_integer() and abs(value) < _LONGEST:
            return cls(int(value))
        for above in (1, 2, 3):
            below = above / max(abs(value), 1e-300)
            if round(below) < 10**7 and above / max(round(below), 1) == abs(value):
                return cls(above if value > 0 else -above, round(below))
        text = repr(float(value))
        digits = Decimal(text).normalize().as_tuple().digits
        return cls(*_fraction(text)) if len(digits) <= sys.float_info.dig else None

    @classmethod
    def on(cls, wire: Wire) -> Ratio | None:
        """Return the ratio on a constant wire."""
        if (value := number(wire)) is None:
            return None
        found = _parts(wire)
        return cls(*found) if found else cls.of(value)

    def times(self, other: Ratio) -> Ratio:
        a, b, c, d = self.above, self.below, other.above, other.below
        if a and a % d == 0:
            a, d = a // d, 1
        if c and c % b == 0:
            c, b = c // b, 1
        return _rounded(a * c, b * d)

    def plus(self, other: Ratio) -> Ratio:
        if self.below == other.below:
            return Ratio(self.above + other.above, self.below).times(Ratio(1))
        total = Fraction(self.above, self.below) + Fraction(other.above, other.below)
        return _rounded(total.numerator, total.denominator)

    def inverse(self) -> Ratio:
        sign = -1 if self.above < 0 else 1
        return Ratio(sign * self.below, abs(self.above))

    @property
    def value(self) -> float | int:
        """The nearest float, or the whole number; OverflowError where floats do not reach."""
        if self.below == 1 and abs(self.above) < _LONGEST:
            return self.above
        nearest = self.above / self.below
        if self.above and not nearest:
            raise OverflowError("too small for a float")
        return nearest

    @property
    def is_short_as_digits(self) -> bool:
        """Whether digits say it in fewer letters than a quotient does, as of 1e-200."""
        return len(repr(self.value)) < len(f"{self.above}{self.below}")

    @property
    def magnitude(self) -> Ratio:
        return Ratio(abs(self.above), self.below)

    def constant(self, dtype: Any = None) -> Wire:
        """Return a wire of this number, written as the ratio where that says more than digits do.

        Raises OverflowError where the dtype does not reach.
        """
        value: Any = self.value
        if dtype is not None:
            with np.errstate(over="ignore", under="ignore"):
                value = dtype.type(value)
            if not np.isfinite(value) or bool(value) != bool(self.above):
                raise OverflowError(f"{self.value} as {dtype}")
        plain = self.below == 1 or (self.above != 1 and self.below in _DECIMAL)
        wire = Wire("" if plain else f"{self.above} / {self.below}", spec_of(value), value)
        wire.is_named = quotient(wire) is not None
        return wire


def _rounded(above: int, below: int) -> Ratio:
    """Return the ratio, with no more digits than a float has: those of products would grow without end."""
    if max(abs(above), below) <= _LONGEST:
        return Ratio(above, below)
    exact = Ratio(*Fraction(above, below).as_integer_ratio())
    if max(_significant(exact.above), _significant(exact.below)) <= _LONGEST:
        return exact
    try:
        nearest = above / below
    except OverflowError:
        return exact
    return Ratio(*_fraction(repr(nearest))) if nearest else exact


def _significant(number: int) -> int:
    """Return the digits before the zeros at the end: 12 of 1200."""
    while number and not number % 10:
        number //= 10
    return abs(number)


def _fraction(digits: str) -> tuple[int, int]:
    return Fraction(digits).as_integer_ratio()


ONE = Ratio(1)


def is_whole(wire: Wire) -> bool:
    """Return whether these are whole numbers of a dtype of their own, which Python's have not."""
    return wire.spec.dtype.kind in "iu" and type(wire.constant) is not int


def is_narrow(wire: Wire) -> bool:
    """Return whether a multiple of these whole numbers may not fit into their dtype."""
    dtype = wire.spec.dtype
    return dtype.kind == "u" or (dtype.kind == "i" and dtype.itemsize < 8)


def strong(wire: Wire, dtype: np.dtype[Any]) -> Wire:
    """Return a Python number as one of this dtype, in which NumPy then computes, and equal whole numbers
    likewise; others as they are.
    """
    weak = wire.is_constant and type(wire.constant) in (int, float)
    if not weak and not (is_whole(wire) and number(wire) is not None):
        return wire
    value = dtype.type(wire.constant) if weak else wire.constant.astype(dtype)
    return Wire("", spec_of(value), value)
