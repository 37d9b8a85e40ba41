"""Statements and numbers of JavaScript.

There is one type of number, so single precision is rounded to after each operation that may need it, and
whole numbers of up to 32 bits wrap around as in NumPy. Those of 64 bits are exact up to 2**53.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ...errors import UnsupportedError
from ...stages.ir import Buffer
from ..loops.dialect import ATOM, BITS, INFIX, Dialect, Helpers, Written, wrapped
from .js_operators import HELPERS, MATH, SPELLING

_EXACT = frozenset([
    "negative", "absolute", "maximum", "minimum", "sign", "floor", "ceil", "rint", "trunc",
    "select", "copysign", "fmax", "fmin", "fmod", "convert", "nextafter",
])  # fmt: skip
"""Operations whose result on single precision is a number of single precision."""
_SHIFT, _BITS = 11, 6


class JavaScriptDialect(Dialect):
    """JavaScript, with the methods of Math."""

    name = "JavaScript"
    spelling = SPELLING
    infix: ClassVar[Mapping[str, tuple[str, int]]] = {
        **INFIX,
        "equal": ("===", 9),
        "not_equal": ("!==", 9),
        "fmod": ("%", 13),
    }

    # ---- statements

    def constant(self, name: str, dtype: np.dtype[Any], text: str) -> str:
        return f"const {name} = {text};"

    def variable(self, name: str, dtype: np.dtype[Any], text: str) -> str:
        return f"let {name} = {text};"

    def loop(self, index: str, extent: int, *, down: bool = False) -> str:
        if down:
            return f"for (let {index} = {extent - 1}; {index} >= 0; {index}--)"
        return f"for (let {index} = 0; {index} < {extent}; {index}++)"

    def fill(self, name: str, size: int, first: str) -> list[str]:
        """Write lines that set all entries; none for zeros, which new arrays hold."""
        return [] if first in ("0", "false") else [f"{name}.fill({first});"]

    def remark(self, text: str) -> str:
        return f"// {self.spelling.comment(text)}"

    def single(self, buffer: Buffer, name: str) -> str:
        """Return the variable of an argument, or of anything else, that is one number."""
        is_array = buffer.role == "constant" or (buffer.role == "input" and buffer.spec.shape)
        return "" if is_array or buffer.size != 1 else name

    def updated(self, place: str, symbol: str, value: str, dtype: np.dtype[Any]) -> str:
        """Write an update; entries of arrays are rounded as they are stored."""
        if dtype.itemsize == 8 or place.endswith("]"):
            return super().updated(place, symbol, value, dtype)
        operation = {"+": "add", "*": "multiply"}[symbol]
        text = f"{place} {symbol} {wrapped(value, tight=' ' not in value)}"
        if not self.is_operator(operation, dtype):
            text = self.call(operation, [place, value], dtype, set())
        return f"{place} = {self.rounded((text, 0), operation, dtype)[0]};"

    # ---- numbers

    def number(self, value: Any, dtype: np.dtype[Any]) -> str:
        """Return a literal.

        >>> js = JavaScriptDialect()
        >>> js.number(1.0, np.dtype("f8")), js.number(0.1, np.dtype("f4")), js.number(1, np.dtype("?"))
        ('1', 'Math.fround(0.1)', 'true')
        """
        if dtype.kind == "b":
            return "true" if value else "false"
        if dtype.kind in "iu":
            return str(int(value))
        x = float(value)
        if math.isnan(x):
            return "NaN"
        if math.isinf(x):
            return "Infinity" if x > 0 else "-Infinity"
        if dtype == np.float32 and float(short := str(np.float32(x))) != float(np.float32(x)):
            return f"Math.fround({short})"
        return repr(x).removesuffix(".0")

    def is_operator(self, operation: str, dtype: np.dtype[Any]) -> bool:
        if operation == "multiply" and dtype.kind in "iu" and dtype.itemsize == 4:
            return False  # the product may have more digits than a number holds
        return super().is_operator(operation, dtype)

    def truth(self, text: str) -> Written:
        """Write a condition; variables hold truth values themselves."""
        return super().truth(text) if text.endswith("]") else (text, ATOM)

    def rounded(self, written: Written, operation: str, dtype: np.dtype[Any]) -> Written:
        if dtype == np.float32 and operation not in _EXACT:
            return f"Math.fround({written[0]})", ATOM
        if dtype.kind in "iu" and operation not in (
            "maximum",
            "minimum",
            "select",
            "convert",
            *BITS,
        ):
            return _whole(written, dtype)
        return written

    def bits(self, operation: str, x: Written, y: Written, dtype: np.dtype[Any]) -> Written:
        """Let results wrap around, but those of >>>, which are unsigned already."""
        written = super().bits(operation, x, y, dtype)
        is_unsigned = self.bit_operator(operation, dtype)[0] == ">>>"
        return written if is_unsigned else _whole(written, dtype)

    def bit_operator(self, operation: str, dtype: np.dtype[Any]) -> tuple[str, int]:
        if dtype.itemsize == 8:
            raise UnsupportedError(
                f"the bits of {dtype} have no form in {self.name}, whose operators take 32 bits: "
                f"use astype(np.int32)"
            )
        symbol, binds = super().bit_operator(operation, dtype)
        return (">>>" if symbol == ">>" and dtype.kind == "u" else symbol), binds

    def converted(
        self, written: Written, source: np.dtype[Any], dtype: np.dtype[Any], helpers: Helpers
    ) -> Written:
        if source.kind == "b":
            return f"Number({written[0]})", ATOM
        if dtype.kind == "f":
            single = dtype == np.float32 and not (source.kind in "iu" and source.itemsize < 4)
            return (f"Math.fround({written[0]})", ATOM) if single else written
        if source.kind == "f":
            name = "whole_64" if dtype.itemsize == 8 else "whole_32"
            if dtype.kind == "u" and dtype.itemsize >= 4:
                name += "_unsigned"
            written = _helped(name, [written[0]], helpers), ATOM
            return written if dtype.itemsize >= 4 else _whole(written, dtype)
        fits = np.can_cast(source, dtype) or dtype.itemsize == 8
        return written if fits else _whole(written, dtype)

    def call(
        self, operation: str, arguments: Sequence[str], dtype: np.dtype[Any], helpers: Helpers
    ) -> str:
        together = ", ".join(arguments)
        if operation in ("isnan", "isfinite"):
            return f"Number.{'isNaN' if operation == 'isnan' else 'isFinite'}({together})"
        if operation == "nextafter" and dtype == np.float32:
            operation = "nextafter_32"
        if operation in HELPERS:
            return _helped(operation, arguments, helpers)
        return f"Math.{MATH.get(operation, operation)}({together})"


def _helped(name: str, arguments: Sequence[str], helpers: Helpers) -> str:
    helpers.add((name, ""))
    return f"{name}({', '.join(arguments)})"


def _whole(written: Written, dtype: np.dtype[Any]) -> Written:
    """Return a whole number that wraps around; of 64 bits as it is."""
    text, binds = written
    if dtype.itemsize == 8:
        return written
    if dtype.itemsize == 4:
        symbol, level = (">>> 0", _SHIFT) if dtype.kind == "u" else ("| 0", _BITS)
        return f"{wrapped(text, tight=binds > level)} {symbol}", level
    bits = 32 - 8 * dtype.itemsize
    shifted = f"{wrapped(text, tight=binds > _SHIFT)} << {bits} {'>>>' if dtype.kind == 'u' else '>>'} {bits}"
    return shifted, _SHIFT


DIALECT = JavaScriptDialect()
