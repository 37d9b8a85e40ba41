"""Numbers as people read them: few digits, arrays in full only when small."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.spec import spec_of

_FEW = 9


def short(value: AnyArray) -> str:
    """Return about four significant digits; a big array as its shape.

    >>> short(0.73105857), short(-4.0), short(np.zeros((32, 64)))
    ('0.7311', '-4', 'f64[32,64]')
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return _number(array[()])
    if array.size <= _FEW:
        return (
            np.array2string(
                array, separator=", ", formatter={"all": _number}, max_line_width=10_000
            )
            .replace("\n", "")
            .replace("  ", " ")
        )
    return str(spec_of(array))


def _number(value: AnyArray) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, complex | np.complexfloating):
        value = complex(value.real + 0.0, value.imag + 0.0)  # no minus zeros
        return f"{value:.4g}"
    text = f"{float(value):.4g}"
    return "0" if text == "-0" else text


def bracketed(text: str) -> str:
    """Return a number that something is written before or after: in brackets if it has a sign.

    >>> bracketed("2"), bracketed("-2"), bracketed("1+2j")
    ('2', '(-2)', '(1+2j)')
    """
    return f"({text})" if text.startswith("-") or text.endswith("j") else text


def plain(value: AnyArray) -> Any:
    """Return a value as JSON has it: numbers and nested lists; NaN and infinities as strings."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return np.where(np.isfinite(array), array.astype(object), array.astype(str)).tolist()
    if array.dtype.kind == "c":
        return [array.real.tolist(), array.imag.tolist()]
    return array.tolist()
