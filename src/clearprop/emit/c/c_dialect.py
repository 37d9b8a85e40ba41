"""Statements and numbers of C99."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...stages.ir import Buffer
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
            return f"{int(value)}{'u' if int(value) > np.iinfo('i8').max else ''}"
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
        cast = f"({type_of(dtype)})"
        if not (source.kind == "f" and dtype.kind in "iu"):
            return f"{cast}{wrapped(written[0], tight=written[1] >= PREFIX)}", PREFIX
        name = "whole_64" if dtype.itemsize == 8 else "whole_32"
        if dtype.kind == "u" and dtype.itemsize >= 4:
            name += "_unsigned"
        text = self._helped(name, [written[0]], source, helpers)
        return (text, ATOM) if dtype.itemsize >= 4 else (f"{cast}{text}", PREFIX)

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
