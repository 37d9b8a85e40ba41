"""Statements and numbers of C99."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...stages.ir import Buffer
from ...stages.operations import ARITHMETIC
from ..loops.dialect import ATOM, PREFIX, Dialect, Helpers, Written, wrapped
from .operators import HELPERS, RENAMED, SPELLING, helper, type_of


class CDialect(Dialect):
    """C99, with the functions of <math.h>."""

    name = "C"
    spelling = SPELLING

    # ---- statements

    def constant(self, name: str, dtype: np.dtype[Any], text: str) -> str:
        return f"const {self.variable(name, dtype, text)}"

    def variable(self, name: str, dtype: np.dtype[Any], text: str) -> str:
        return f"{'int' if dtype.kind == 'b' else type_of(dtype)} {name} = {text};"

    def loop(self, index: str, extent: int, *, down: bool = False) -> str:
        if down:
            return f"for (int {index} = {extent - 1}; {index} >= 0; {index}--)"
        return f"for (int {index} = 0; {index} < {extent}; {index}++)"

    def single(self, buffer: Buffer, name: str) -> str:
        """Return a parameter or a variable; a result of one number lies where a pointer says."""
        if buffer.role == "output" and buffer.size == 1:
            return f"*{name}"
        is_value = buffer.role == "input" and not buffer.spec.shape
        return name if is_value or (buffer.role == "temporary" and buffer.size == 1) else ""

    # ---- numbers

    def number(self, value: Any, dtype: np.dtype[Any]) -> str:
        """Return a constant.

        >>> c = CDialect()
        >>> c.number(1.0, np.dtype("f4")), c.number(-2.5, np.dtype("f8")), c.number(3, np.dtype("i8"))
        ('1.0f', '-2.5', '3')
        """
        if dtype.kind in "iu" and int(value) == np.iinfo(dtype).min < 0:
            return f"INT{8 * dtype.itemsize}_MIN"  # whose digits alone are too large a number
        if dtype.kind != "f":
            largest = np.iinfo("i4" if dtype == np.uint32 else "i8").max
            return f"{int(value)}{'u' if int(value) > largest else ''}"
        x = float(value)
        if math.isnan(x):
            return "NAN"
        if math.isinf(x):
            return "INFINITY" if x > 0 else "-INFINITY"
        text = str(np.float32(value)) if dtype == np.float32 else repr(x)
        return text + _suffix(dtype)

    def converted(
        self, written: Written, source: np.dtype[Any], dtype: np.dtype[Any], helpers: Helpers
    ) -> Written:
        """Return a cast; of a floating number the helper says what becomes of what does not fit."""
        if not (source.kind == "f" and dtype.kind in "iu"):
            return self._cast(written, dtype)
        name = "whole_64" if dtype.itemsize == 8 else "whole_32"
        if dtype.kind == "u" and dtype.itemsize >= 4:
            name += "_unsigned"
        text = self._helped(name, [written[0]], source, helpers)
        return (text, ATOM) if dtype.itemsize >= 4 else self._cast((text, ATOM), dtype)

    def bits(self, operation: str, x: Written, y: Written, dtype: np.dtype[Any]) -> Written:
        """Shift left without a sign, since C says nothing of bits that are shifted into it."""
        if self.bit_operator(operation, dtype)[0] != "<<" or dtype.str[1:] in ("u4", "u8"):
            return super().bits(operation, x, y, dtype)
        unsigned = np.dtype(f"u{dtype.itemsize}")
        shifted, _ = super().bits(operation, self._cast(x, unsigned), y, dtype)
        return self._cast((shifted, 0), dtype)

    def rounded(self, written: Written, operation: str, dtype: np.dtype[Any]) -> Written:
        """Let small whole numbers wrap around: C computes with them as with those of 32 bits."""
        if dtype.kind in "iu" and dtype.itemsize < 4 and operation in ARITHMETIC:
            return self._cast(written, dtype)
        return written

    def _cast(self, written: Written, dtype: np.dtype[Any]) -> Written:
        text, binds = written
        return f"({type_of(dtype)}){wrapped(text, tight=binds >= PREFIX)}", PREFIX

    def call(
        self, operation: str, arguments: Sequence[str], dtype: np.dtype[Any], helpers: Helpers
    ) -> str:
        if operation in ("isnan", "isfinite"):
            return f"{operation}({', '.join(arguments)})"
        if operation == "absolute" and dtype.kind != "f":
            operation = "whole_absolute"
        if operation in HELPERS:
            return self._helped(operation, arguments, dtype, helpers)
        return f"{RENAMED.get(operation, operation)}{_suffix(dtype)}({', '.join(arguments)})"

    def _helped(
        self, name: str, arguments: Sequence[str], dtype: np.dtype[Any], helpers: Helpers
    ) -> str:
        kind = type_of(dtype)
        helpers.add((name, kind))
        return f"{helper(name, kind)}({', '.join(arguments)})"


def _suffix(dtype: np.dtype[Any]) -> str:
    """Return the suffix of functions and constants of a type."""
    return "f" if dtype == np.float32 else ""


DIALECT = CDialect()
