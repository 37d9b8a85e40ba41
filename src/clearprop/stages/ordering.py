"""The order of stages: those that free memory go before neighbours that take some."""

from __future__ import annotations

from collections.abc import Sequence

from .ir import Buffer, Stage, read_by, written_by

_MOST = 200
"""Programs of more stages keep their order: those are long chains, where nothing can be gained."""


def order(stages: Sequence[Stage]) -> list[Stage]:
    """Return the same stages; of two neighbours that do not depend on each other, the one that frees
    goes first.
    """
    result = list(stages)
    if len(result) > _MOST:
        return result
    reads = {id(s): read_by(s) for s in result}
    writes = {id(s): written_by(s) for s in result}
    moved = True
    while moved:
        moved = False
        for i in range(len(result) - 1):
            one, other = result[i], result[i + 1]
            touched = reads[id(one)] | writes[id(one)]
            if touched & writes[id(other)] or writes[id(one)] & reads[id(other)]:
                continue
            later = {b for s in result[i + 2 :] for b in reads[id(s)]}
            if (
                _gain(other, one, reads, writes, later)
                < 0
                <= _gain(one, other, reads, writes, later)
            ):
                result[i : i + 2] = [other, one]
                moved = True
    return result


def _gain(
    stage: Stage,
    neighbour: Stage,
    reads: dict[int, set[Buffer]],
    writes: dict[int, set[Buffer]],
    later: set[Buffer],
) -> int:
    """Return the bytes that a stage takes, less those that it is the last to need but for `neighbour`."""
    taken = sum(b.bytes for b in writes[id(stage)] - reads[id(stage)] if b.role == "temporary")
    needed = later | reads[id(neighbour)]
    freed = sum(b.bytes for b in reads[id(stage)] - needed if b.role == "temporary")
    return taken - freed
