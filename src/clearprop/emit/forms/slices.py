"""Slices that go down, for libraries whose slices only go up."""

from __future__ import annotations

from typing import Any

from ...ops.indexing import Slot


def ascending(
    index: tuple[Any, ...], shape: tuple[int, ...]
) -> tuple[tuple[Any, ...], tuple[int, ...]] | None:
    """An index that picks the same with steps up, and the axes of what is picked that are then turned.

    None where arrays stand beside slices that go down.
    """
    down = any(isinstance(part, slice) and (part.step or 1) < 0 for part in index)
    if not down:
        return index, ()
    if any(isinstance(part, Slot) for part in index):
        return None
    rest = len(shape) - sum(part is not None and part is not Ellipsis for part in index)
    found: list[Any] = []
    turned: list[int] = []
    axis = place = 0
    for part in index:
        if part is Ellipsis:
            axis, place = axis + rest, place + rest
        elif isinstance(part, slice) and (part.step or 1) < 0:
            turned.append(place)
            part = _upward(range(shape[axis])[part], shape[axis])
            axis, place = axis + 1, place + 1
        elif part is None:
            place += 1
        else:
            axis, place = axis + 1, place + isinstance(part, slice)
        found.append(part)
    return tuple(found), tuple(turned)


def _upward(places: range, size: int) -> slice:
    """The slice that picks the same places from the lowest up."""
    if not places:
        return slice(0, 0)
    up = places[::-1]
    start, stop = up[0] or None, up[-1] + 1
    return slice(start, None if stop == size else stop, None if up.step == 1 else up.step)
