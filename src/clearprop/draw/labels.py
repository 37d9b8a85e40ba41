"""Numbers as labels, and how wide text is."""

from __future__ import annotations

from typing import Any

import numpy as np

_FEW = 4
_NARROW = set("iljtfr.,:;'|!()[]1 ")
_WIDE = set("mwMW@%×÷")


def number_text(value: Any) -> str:
    """A scalar to four digits; a small array in full; a larger one as its shape and its norm.

    >>> number_text(-0.19661193), number_text(np.array([1.0, -2.0])), number_text(np.ones((3, 4)))
    ('−0.1966', '[1, −2]', '3×4 ‖3.464‖')
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return _scalar(array[()])
    if array.size <= _FEW and array.ndim == 1:
        return "[" + ", ".join(_scalar(x) for x in array) + "]"
    shape = "×".join(map(str, array.shape))
    return f"{shape} ‖{_scalar(np.linalg.norm(array.astype(float)))}‖" if array.size else shape


def _scalar(x: Any) -> str:
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    text = f"{x:.4g}"
    return "0" if text == "-0" else text.replace("-", "−")


def text_width(text: str, size: float) -> float:
    """About how wide a sans-serif font makes a text, in pixels; rather too wide than too narrow."""
    units = sum(0.36 if c in _NARROW else 0.92 if c in _WIDE else 0.62 for c in text)
    return units * size
