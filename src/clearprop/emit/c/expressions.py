"""Expressions of a nest as C."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...stages.language import (
    Access,
    Buffer,
    Compute,
    Expression,
    Index,
    Literal,
    Load,
    Pick,
    Position,
)
from .words import HELPERS, INFIX, LIBRARY, RENAMED, helper, number, suffix, type_of

_ATOM, _PREFIX, _CHOICE = 20, 15, 3
LETTERS = "ijkmn"
"""Loop variables, which nothing else may be called."""


def letter(axis: int) -> str:
    return LETTERS[axis] if axis < len(LETTERS) else f"axis{axis}"


class Writer:
    """Writes expressions; what has a name already is written by its name."""

    def __init__(self, place: Callable[..., str]) -> None:
        self.place = place
        self.names: dict[Expression, str] = {}
        self.helpers: set[tuple[str, str]] = set()
        """Helper functions that were used, with the types they were used on."""
        self.places: dict[Buffer, int] = {}
        """Constant arrays that are used as indices, and how many places they choose from."""

    def text(self, e: Expression) -> str:
        return self._write(e)[0]

    def _write(self, e: Expression) -> tuple[str, int]:
        """The text, and how tightly it binds."""
        if e in self.names:
            return self.names[e], _ATOM
        if isinstance(e, Literal):
            text = number(e.value, e.dtype)
            return text, _PREFIX if text.startswith("-") else _ATOM
        if isinstance(e, Load):
            text = self.place(e.access)
            return (f"{text} != 0", INFIX["not_equal"][1]) if e.dtype.kind == "b" else (text, _ATOM)
        if isinstance(e, Position):
            return letter(e.axis), _ATOM
        if isinstance(e, Pick):
            return self.place(e.access, self.indices(e.indices)), _ATOM
        assert isinstance(e, Compute), f"{type(e).__name__} has a name by now"
        return self._compute(e)

    def indices(self, indices: Sequence[Index]) -> list[tuple[str, int]]:
        """Numbers that choose a place, with their strides, as `place_of` takes them."""
        return [(_wrap(text, binds > 13), s) for text, binds, s in self._numbers(indices)]

    def _numbers(self, indices: Sequence[Index]) -> Iterator[tuple[str, int, int]]:
        for e, stride, count in indices:
            number = e
            while isinstance(number, Compute) and number.operation == "convert":
                (number,) = number.operands  # any whole number is an index
            if isinstance(number, Load) and number.access.buffer.role == "constant":
                self.places[number.access.buffer] = count
            text, binds = self._write(number)
            yield text, binds, stride

    def _compute(self, e: Compute) -> tuple[str, int]:
        operation = e.operation
        if operation in INFIX and len(e.operands) == 2:
            symbol, binds = INFIX[operation]
            x, left = self._write(e.operands[0])
            y, right = self._write(e.operands[1])
            regroups = operation in ("add", "multiply", "and", "or")
            tight = right > binds or (
                right == binds and regroups and e.operands[1].dtype.kind == "b"
            )
            mixed = [operation == "or" and at == INFIX["and"][1] for at in (left, right)]
            clear, tight = left >= binds and not mixed[0], tight and not mixed[1]
            return f"{_wrap(x, clear)} {symbol} {_wrap(y, tight)}", binds
        if operation == "negative":
            x, binds = self._write(e.operands[0])
            return f"-{_wrap(x, binds > _PREFIX)}", _PREFIX
        if operation == "not":
            x, binds = self._write(e.operands[0])
            return f"!{_wrap(x, binds >= _PREFIX)}", _PREFIX
        if operation == "select":
            written = [self._write(operand) for operand in e.operands]
            condition, yes, no = (_wrap(text, binds > _CHOICE) for text, binds in written)
            return f"{condition} ? {yes} : {no}", _CHOICE
        if operation == "convert":
            x, binds = self._write(e.operands[0])
            if e.dtype.kind == "b":
                return f"{_wrap(x, binds > 9)} != 0", 9
            if e.operands[0].dtype.kind == "f" and e.dtype.kind in "iu":
                return self._whole(x, e.operands[0].dtype, e.dtype)
            return f"({type_of(e.dtype)}){_wrap(x, binds >= _PREFIX)}", _PREFIX
        return self._call(e), _ATOM

    def _whole(self, x: str, source: np.dtype[Any], dtype: np.dtype[Any]) -> tuple[str, int]:
        """A floating number as a whole one, by the helper that says what becomes of what does not fit."""
        name = "whole_64" if dtype.itemsize == 8 else "whole_32"
        if dtype.kind == "u" and dtype.itemsize >= 4:
            name += "_unsigned"
        text = f"{self.helper(name, source)}({x})"
        return (text, _ATOM) if dtype.itemsize >= 4 else (f"({type_of(dtype)}){text}", _PREFIX)

    def helper(self, name: str, dtype: np.dtype[Any]) -> str:
        """The name of a helper for a type; it is noted that it is needed."""
        self.helpers.add((name, type_of(dtype)))
        return helper(name, type_of(dtype))

    def _call(self, e: Compute) -> str:
        name, arguments = e.operation, ", ".join(self.text(x) for x in e.operands)
        if name in ("isnan", "isfinite"):
            return f"{name}({arguments})"
        dtype = e.operands[0].dtype
        if name in HELPERS:
            return f"{self.helper(name, dtype)}({arguments})"
        if dtype.kind != "f" and name == "absolute":
            return f"{self.helper('whole_absolute', dtype)}({arguments})"
        known = name if name in LIBRARY else RENAMED[name]
        return f"{known}{suffix(dtype)}({arguments})"


def place_of(access: Access, name: str, extra: Sequence[tuple[str, int]] = ()) -> str:
    """An entry of a buffer: ``x[64*i + j]``; `extra` are further numbers with their strides."""
    terms = [("+", text if stride == 1 else f"{stride}*{text}") for text, stride in extra]
    inward = sorted(range(len(access.strides)), key=lambda a: -abs(access.strides[a]))
    for axis in inward:
        stride = access.strides[axis]
        if stride:
            factor = "" if abs(stride) == 1 else f"{abs(stride)}*"
            terms.append(("-" if stride < 0 else "+", f"{factor}{letter(axis)}"))
    if access.offset or not terms:
        terms.append(("+", str(access.offset)))
    if terms[0][0] == "-":  # a place that counts down reads better behind its start
        terms = terms[-1:] + terms[:-1] if access.offset else terms
    text = " ".join(f"{sign} {term}" for sign, term in terms).removeprefix("+ ")
    return f"{name}[{text}]"


def _wrap(text: str, tight: bool) -> str:
    return text if tight else f"({text})"
