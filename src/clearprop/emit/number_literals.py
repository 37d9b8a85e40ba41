"""Numbers as people write them: ratios, multiples of pi, roots, few digits."""

from __future__ import annotations

import numpy as np

from ..engine.primitive import primitives
from ..engine.spec import is_floating
from ..graph.graph import Node, Wire
from ..passes.person.rationals import quotient
from .array_expressions import ATOM
from .languages import Language, Written


def number_in(language: Language, wire: Wire, value: float, reader: Node | None) -> Written:
    """Return a number as it is written beside the other operands of its reader."""
    if found := quotient(wire):
        return "{} / {}".format(*found), 20
    dtype = wire.spec.dtype
    text, binds = language.number(dtype.type(value) if dtype.kind in "fiub" else np.asarray(value))
    is_long = len(text) > 6 or (reader is not None and reader.is_backward and len(text) > 3)
    if isinstance(value, float) and is_long:
        below = round(1 / value) if abs(value) > 1e-6 else 0
        if below and 1 / below == value:
            text, binds = f"{'-' if below < 0 else ''}1 / {abs(below)}", 20
    special = language.special(value) if isinstance(value, float) and len(text) > 12 else None
    if special is not None:
        return special
    if (
        isinstance(value, float)
        and text[-1].isdigit()
        and len(text) > 7
        and float(f"{value:g}") == value
    ):
        text = f"{value:g}" if len(f"{value:g}") < len(text) else text
    text = text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    if (
        reader is not None
        and "elementwise" in reader.primitive.traits
        and is_floating(reader.out.spec.dtype)
    ):
        others = [
            w.spec.dtype
            for w in reader.inputs
            if not w.is_constant or (w is not wire and np.ndim(w.constant))
        ]
        strong = isinstance(wire.constant, np.generic | np.ndarray) and dtype.kind == "f"
        whole = text.lstrip("-").isdigit() and reader.primitive is not primitives.divide
        has_none = strong and others and reader.out.spec.dtype not in others
        if others and not any(map(is_floating, others)) and whole:
            text = f"{text}.0"
            has_none = has_none and dtype.itemsize < 8  # beside whole numbers it is a float64
        if has_none and language.takes_numbers:
            text, binds = language.scalar(text, dtype), ATOM
    return text, binds
