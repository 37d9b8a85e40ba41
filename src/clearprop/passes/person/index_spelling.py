"""Where an index points, however it is spelled: x[-1] of three is x[2]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...graph.graph import Node, Wire
from ...ops.indexing import Slot


def is_count(wire: Wire) -> bool:
    """Return whether a wire is 0, 1, 2, ... along its only axis."""
    if not wire.is_constant or np.ndim(wire.constant) != 1:
        return False
    value = np.asarray(wire.constant)
    return value.dtype.kind in "iu" and value.tolist() == list(range(len(value)))


def slot_wire(node: Node, slot: Slot) -> Wire:
    """Return the input that holds an index array: the last ones, after what is read or written."""
    slots = [p for p in node.params["index"] if isinstance(p, Slot)]
    return node.inputs[len(node.inputs) - len(slots) + slot.number]


def full_index(node: Node, ndim: int) -> list[Any]:
    """Return a node's index with an entry for each axis of the array; None for new axes stays."""
    parts = list(node.params["index"])
    rest: list[Any] = [slice(None)] * (ndim - sum(_width(node, part) for part in parts))
    cut = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    return [*parts[:cut], *rest, *parts[cut + 1 :]]


def parts_at(node: Node, shape: tuple[int, ...]) -> Iterator[tuple[Any, int]]:
    """Yield the parts of a node's index into an array of this shape, each with its axis; new axes have -1."""
    axis = 0
    for part in full_index(node, len(shape)):
        yield part, -1 if part is None else axis
        axis += _width(node, part)


def _width(node: Node, part: Any) -> int:
    """Return how many axes a part takes."""
    if part is None or part is Ellipsis:
        return 0
    if isinstance(part, Slot) and (wire := slot_wire(node, part)).spec.dtype.kind == "b":
        return wire.spec.ndim
    return 1


def place(node: Node) -> tuple[Any, ...]:
    """Return what the index of a scatter or an assignment writes to: equal for equal places without
    arrays.
    """
    shape = node.out.spec.shape
    found: list[Any] = []
    for part, axis in parts_at(node, shape):
        if isinstance(part, int):
            found.append(part % shape[axis])
        elif isinstance(part, slice):
            found.append(range(*part.indices(shape[axis])))
        else:
            found.append(part)
    return tuple(found)


def constant_places(node: Node) -> list[np.ndarray[Any, Any]] | None:
    """Return the places that index arrays of whole numbers choose, counted from the front, if they are
    constants.
    """
    shape = node.out.spec.shape
    found = []
    for part, axis in parts_at(node, shape):
        if isinstance(part, Slot):
            wire = slot_wire(node, part)
            if not wire.is_constant or wire.spec.dtype.kind not in "iu":
                return None
            found.append(np.asarray(wire.constant) % max(shape[axis], 1))
    return found
