"""Indices as PyTorch takes them: its slices only go up, and it takes no whole number for an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

from ...engine.spec import ArraySpec
from ...ops.indexing import Slot

Index = tuple[Any, ...]


def ascending(index: Index, shape: tuple[int, ...]) -> tuple[Index, tuple[int, ...]]:
    """Return, for an index without arrays, one that picks the same with steps up, and the axes of what
    is picked that are then turned.
    """
    rest = len(shape) - sum(part is not None and part is not Ellipsis for part in index)
    found: list[Any] = []
    turned: list[int] = []
    axis = place = 0
    for part in index:
        if part is Ellipsis:
            axis, place = axis + rest, place + rest
        elif goes_down(part):
            turned.append(place)
            part = _slice(range(shape[axis])[part][::-1], shape[axis])
            axis, place = axis + 1, place + 1
        elif part is None:
            place += 1
        else:
            axis, place = axis + 1, place + isinstance(part, slice)
        found.append(part)
    return tuple(found), tuple(turned)


def beside_arrays(
    index: Index, shape: tuple[int, ...], arrays: Sequence[ArraySpec]
) -> tuple[Index, tuple[int, ...]]:
    """Return, for an index with arrays, one that picks the same with steps up, and the axes of the
    array that are turned before.

    NumPy takes whole numbers for arrays too, which decides where the axes of what is picked by arrays stand.
    """
    widths = [_width(part, arrays) for part in index]
    rest = len(shape) - sum(widths)
    picks = [i for i, part in enumerate(index) if isinstance(part, int | Slot)]
    apart = picks[-1] - picks[0] >= len(picks)
    found: list[Any] = []
    turned: list[int] = []
    axis = 0
    for part, width in zip(index, widths, strict=True):
        if goes_down(part):
            turned.append(axis)
            size = shape[axis]
            down = range(size)[part]
            last = size - 1
            part = _slice(range(last - down.start, last - down.stop, -down.step), size)
        elif isinstance(part, int) and apart:
            part = [part]
        axis += rest if part is Ellipsis else width
        found.append(part)
    return tuple(found), tuple(turned)


def goes_down(part: Any) -> TypeGuard[slice]:
    return isinstance(part, slice) and (part.step or 1) < 0


def _width(part: Any, arrays: Sequence[ArraySpec]) -> int:
    """Return how many axes of an array a part of an index is for."""
    if isinstance(part, Slot) and arrays[part.number].dtype.kind == "b":
        return arrays[part.number].ndim
    return int(part is not None and part is not Ellipsis)


def _slice(places: range, size: int) -> slice:
    """Return the slice that picks these places, which go up, of so many."""
    if not places:
        return slice(0, 0)
    start, stop = places[0] or None, places[-1] + 1
    return slice(start, None if stop == size else stop, None if places.step == 1 else places.step)
