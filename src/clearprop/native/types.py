"""The types of values in IR: NumPy's dtypes, one number or several side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.forks import lazily


@dataclass(frozen=True)
class Type:
    """A NumPy dtype, `width` of it side by side. Truth values are i1 in registers, i8 in memory."""

    dtype: np.dtype[Any]
    width: int = 1

    @lazily
    def element(self) -> str:
        kind, bits = self.dtype.kind, self.dtype.itemsize * 8
        if kind == "f":
            return {16: "half", 32: "float", 64: "double"}[bits]
        return "i1" if kind == "b" else f"i{bits}"

    @lazily
    def text(self) -> str:
        return self.element if self.width == 1 else f"<{self.width} x {self.element}>"

    @lazily
    def suffix(self) -> str:
        """Return the suffix as the names of intrinsics have it: ``v16f32``."""
        bits = 1 if self.dtype.kind == "b" else self.dtype.itemsize * 8
        element = f"{'f' if self.is_float else 'i'}{bits}"
        return element if self.width == 1 else f"v{self.width}{element}"

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    @property
    def is_bool(self) -> bool:
        return self.dtype.kind == "b"

    @property
    def is_signed(self) -> bool:
        return self.dtype.kind != "u"

    @property
    def bits(self) -> int:
        """The size of one lane in bits, as in memory."""
        return self.dtype.itemsize * 8

    def of(self, dtype: Any) -> Type:
        """Return the type of as many lanes of another dtype."""
        return Type(np.dtype(dtype), self.width)

    def wide(self, width: int) -> Type:
        """Return the type of another number of lanes of the same dtype."""
        return Type(self.dtype, width)

    @property
    def integer(self) -> Type:
        """The signed integers of the same size, for bits."""
        return self.of(f"i{self.dtype.itemsize}")

    @property
    def truth(self) -> Type:
        return self.of("?")


F32, F64 = Type(np.dtype("f4")), Type(np.dtype("f8"))
I8, I32, I64, BOOL = (Type(np.dtype(d)) for d in ("i1", "i4", "i8", "?"))
Number = bool | int | float | np.generic
