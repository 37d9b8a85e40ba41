"""What a language with loops, operators and functions of numbers must say to be written from stages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ...stages.ir import Buffer
from ..spelling import Spelling

ATOM, PREFIX, CHOICE = 20, 15, 3
"""How tightly a name or call, a prefix, and a condition with its two values bind."""

Written = tuple[str, int]
"""An expression, and how tightly it binds."""

INFIX = {
    "add": ("+", 12), "subtract": ("-", 12), "multiply": ("*", 13), "divide": ("/", 13),
    "less": ("<", 10), "less_equal": ("<=", 10), "greater": (">", 10), "greater_equal": (">=", 10),
    "equal": ("==", 9), "not_equal": ("!=", 9), "and": ("&&", 5), "or": ("||", 4),
}  # fmt: skip
"""Operators, and how tightly they bind (the grammar of C99, section 6.5)."""

COMPARING = (9, 10)
"""How tightly comparisons bind; they are not written in chains."""

BITS = {
    "and": ("&", 8), "xor": ("^", 7), "or": ("|", 6), "shift_left": ("<<", 11), "shift_right": (">>", 11),
}  # fmt: skip
"""Those on the bits of whole numbers."""


def wrapped(text: str, *, tight: bool) -> str:
    """Put brackets around a text, unless it binds tightly enough."""
    return text if tight else f"({text})"


class Dialect(ABC):
    """One language: its statements, and its numbers."""

    name: str
    """What messages call it."""
    spelling: Spelling
    infix: ClassVar[Mapping[str, tuple[str, int]]] = INFIX
    """Operations that are written between their operands."""

    # ---- statements

    @abstractmethod
    def constant(self, name: str, dtype: np.dtype[Any], text: str) -> str:
        """Return a variable that is set once."""

    @abstractmethod
    def variable(self, name: str, dtype: np.dtype[Any], text: str) -> str:
        """Return one that changes."""

    @abstractmethod
    def loop(self, index: str, extent: int, *, down: bool = False) -> str:
        """Return the head of a loop from 0 to the extent, or back."""

    def fill(self, name: str, size: int, first: str) -> list[str]:
        """Return lines that set all entries of an array."""
        return [f"{self.loop('i', size)}", f"    {name}[i] = {first};"]

    def remark(self, text: str) -> str:
        """Return a comment of one line."""
        return f"/* {self.spelling.comment(text)} */"

    @abstractmethod
    def single(self, buffer: Buffer, name: str) -> str:
        """Write the number in a buffer where that is not an entry of an array; else return nothing."""

    # ---- numbers

    @abstractmethod
    def number(self, value: Any, dtype: np.dtype[Any]) -> str:
        """Return a literal."""

    def updated(self, place: str, symbol: str, value: str, dtype: np.dtype[Any]) -> str:
        """Return a statement that adds to what stands at a place, or multiplies it, by the operator's
        symbol.
        """
        negative = _negated(value) if symbol == "+" else ""
        return f"{place} -= {negative};" if negative else f"{place} {symbol}= {value};"

    def rounded(self, written: Written, operation: str, dtype: np.dtype[Any]) -> Written:
        """Return the result of an operation, as a number of its dtype."""
        return written

    def bits(self, operation: str, x: Written, y: Written, dtype: np.dtype[Any]) -> Written:
        """Return an operation on the bits of two whole numbers; a shift is by less than there are bits."""
        symbol, binds = self.bit_operator(operation, dtype)
        left, right = (wrapped(text, tight=at >= PREFIX) for text, at in (x, y))
        return f"{left} {symbol} {right}", binds

    def bit_operator(self, operation: str, dtype: np.dtype[Any]) -> tuple[str, int]:
        """Return the operator of such an operation, and how tightly it binds."""
        return BITS[operation]

    def is_operator(self, operation: str, dtype: np.dtype[Any]) -> bool:
        """Return whether an operation with this result is written between its operands."""
        return operation in self.infix

    def truth(self, text: str) -> Written:
        """Write what stands in memory for a truth value as a condition."""
        symbol, binds = self.infix["not_equal"]
        return f"{text} {symbol} 0", binds

    @abstractmethod
    def converted(
        self, written: Written, source: np.dtype[Any], dtype: np.dtype[Any], helpers: Helpers
    ) -> Written:
        """Return a number as one of another dtype, by NumPy's rules."""

    @abstractmethod
    def call(
        self, operation: str, arguments: Sequence[str], dtype: np.dtype[Any], helpers: Helpers
    ) -> str:
        """Return a function of numbers of this dtype."""


Helpers = set[tuple[str, str]]
"""Helper functions that the code needs, with the types that it needs them for."""


def _negated(text: str) -> str:
    """Return what follows the minus of a text that is one negated factor, else nothing."""
    rest = text.removeprefix("-")
    return rest if rest != text and all(c not in rest for c in "+-?<>=") else ""
