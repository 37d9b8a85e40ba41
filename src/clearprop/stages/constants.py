"""Constants in a graph: what they repeat, and those that are one number or count."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.broadcasting import repeats, unstretched
from ..engine.spec import spec_of
from ..graph.graph import Wire
from .views import View

VARIES = object()


def uniform(wire: Wire) -> Any:
    """Return the one number that a constant consists of, if so; None where an argument was left out."""
    if wire.constant is None:
        return None
    array = unstretched(np.asarray(wire.constant, wire.spec.dtype))
    first = array.reshape(-1)[:1]
    if (
        array.ndim
        and not (array.view(f"V{array.itemsize}") == first.view(f"V{array.itemsize}")).all()
    ):
        return VARIES
    return first[0]


def counts(wire: Wire) -> bool:
    """Return whether a constant is 0, 1, 2, ... from its first entry to its last."""
    if not wire.is_constant or wire.constant is None or wire.spec.dtype.kind not in "iu":
        return False
    entries = np.asarray(wire.constant).reshape(-1)
    return entries.size > 2 and bool((entries == np.arange(entries.size)).all())


def of_constant(wire: Wire) -> View:
    """Return a constant as a view of what it repeats."""
    value = wire.constant
    if not isinstance(value, np.ndarray) or not repeats(value):
        return View.whole(wire)
    part = unstretched(value)
    root = Wire(wire.name, spec_of(part), part)
    return View.whole(root).broadcast(wire.spec.shape)
