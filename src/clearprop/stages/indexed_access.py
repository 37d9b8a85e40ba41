"""Reading and adding at places that index arrays name: which axis goes along which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.broadcasting import broadcast_shapes
from ..graph.graph import Node
from ..ops.indexing import Slot
from .views import View


@dataclass(frozen=True, slots=True)
class Lookup:
    """How an index goes through an array of shape `shape` to give one of shape `picked`."""

    shape: tuple[int, ...]
    picked: tuple[int, ...]
    block: range
    """The axes of `picked` that the index arrays, broadcast against each other, make."""
    sliced: tuple[tuple[int, int, int, int], ...]
    """For each axis of `picked` that a slice makes: that axis, the array's axis, start and step."""
    fixed: tuple[tuple[int, int], ...]
    """Axes of the array at one position."""
    numbers: tuple[tuple[int, int], ...]
    """Axes of the array that index arrays go through: the axis, and which array."""

    def strides(self, own: Sequence[int]) -> tuple[list[int], int]:
        """Return strides along the axes of `picked`, and an offset, in an array with strides `own`: all in
        entries.
        """
        strides = [0] * len(self.picked)
        offset = sum(own[axis] * at for axis, at in self.fixed)
        for axis, dim, start, step in self.sliced:
            strides[axis] = own[dim] * step
            offset += own[dim] * start
        return strides, offset

    def aligned(self, view: View) -> View:
        """Return an index array, stretched over the axes of `picked`."""
        inner = view.broadcast(tuple(self.picked[a] for a in self.block))
        strides = [0] * len(self.picked)
        strides[self.block.start : self.block.stop] = inner.strides
        return View(view.root, self.picked, tuple(strides), view.offset)


def lookup(node: Node) -> Lookup | None:
    """Return the lookup of a gather or scatter; None where a mask picks, since nobody knows how many."""
    is_gather = node.primitive.name == "gather"
    shape = node.inputs[0].spec.shape if is_gather else node.params["shape"]
    arrays = [w.spec for w in node.inputs[1:]]
    if any(a.dtype.kind not in "iu" for a in arrays):
        return None
    index = _in_full(node.params["index"], len(shape))
    advanced = [i for i, part in enumerate(index) if isinstance(part, Slot | int)]
    together = advanced == list(range(advanced[0], advanced[-1] + 1))
    broad = broadcast_shapes(*(a.shape for a in arrays))
    picked: list[int] = [] if together else list(broad)
    block = range(len(broad))
    sliced, fixed, numbers = [], [], []
    dim = 0
    for i, part in enumerate(index):
        if together and i == advanced[0]:
            block = range(len(picked), len(picked) + len(broad))
            picked += broad
        if part is None:
            picked.append(1)
            continue
        if isinstance(part, slice):
            start, stop, step = part.indices(shape[dim])
            sliced.append((len(picked), dim, start, step))
            picked.append(len(range(start, stop, step)))
        elif isinstance(part, Slot):
            numbers.append((dim, part.number))
        else:
            fixed.append((dim, part % shape[dim]))
        dim += 1
    return Lookup(tuple(shape), tuple(picked), block, tuple(sliced), tuple(fixed), tuple(numbers))


def _in_full(index: Any, ndim: int) -> list[Any]:
    """Return an index with a part for every axis."""
    parts = list(index)
    missing = [slice(None)] * (ndim - sum(p is not None and p is not Ellipsis for p in parts))
    if Ellipsis not in parts:
        return parts + missing
    place = parts.index(Ellipsis)
    return parts[:place] + missing + parts[place + 1 :]
