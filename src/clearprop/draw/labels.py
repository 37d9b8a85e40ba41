"""Numbers as labels, and how wide text is."""

from __future__ import annotations

from typing import Any

import numpy as np

_FEW = 4
_NARROW = set("iljtfr.,:;'|!()[] ")
_WIDE = set("mwMW@%×÷−+=<>~^‖")


def number_text(value: Any) -> str:
    """Return a scalar to four digits; a small array in full; a larger one as its shape.

    >>> number_text(-0.19661193), number_text(np.array([1.0, -2.0])), number_text(np.ones((3, 4)))
    ('−0.1966', '[1, −2]', '3×4')
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return _scalar(array[()])
    if 0 < array.size <= _FEW:
        return _nested(array)
    return "×".join(map(str, array.shape))


def gradient_text(value: Any) -> str:
    """Return `number_text`, but with the norm where only the shape is shown: how large is it?

    >>> gradient_text(2.0), gradient_text(np.ones((3, 4)))
    ('2', '3×4 ‖·‖ 3.464')
    """
    text, array = number_text(value), np.asarray(value)
    return f"{text} ‖·‖ {_scalar(np.linalg.norm(array.ravel()))}" if array.size > _FEW else text


def _nested(array: Any) -> str:
    if array.ndim == 0:
        return _scalar(array[()])
    return "[" + ", ".join(_nested(part) for part in array) + "]"


def _scalar(x: Any) -> str:
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    x = complex(x.real + 0.0, x.imag + 0.0) if np.iscomplexobj(x) else x  # no minus zeros
    text = f"{x:.4g}"
    return "0" if text == "-0" else text.replace("-", "−")


def text_width(text: str, size: float) -> float:
    """Return about how wide a sans-serif font makes a text, in pixels; rather too wide than too narrow."""
    units = sum(0.42 if c in _NARROW else 1.0 if c in _WIDE else 0.65 for c in text)
    return units * size
