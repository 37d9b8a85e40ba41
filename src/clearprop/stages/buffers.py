"""Where buffers live: temporaries side by side in one arena, results in the memory of donated inputs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .first_fit import Shelf
from .ir import (
    Access,
    Buffer,
    Nest,
    Product,
    Program,
    Stage,
    Store,
    read_by,
    touched_by,
    written_by,
)

ALIGNMENT = 64
"""Bytes: a cache line, and the longest vector."""


@dataclass(frozen=True, slots=True)
class Arena:
    """Offsets of temporaries from the start of the arena, and of what each nest needs to work in: all in
    bytes.
    """

    offsets: dict[Buffer, int]
    workspace: int
    """Offset of the memory that nests work in, one after the other."""
    bytes: int
    """Size of the whole arena."""


S = TypeVar("S", bound=Stage)


_PAGE = 4096
"""Bytes: a load waits for an earlier store whose address has the same last twelve bits."""
_STEP = 17 * ALIGNMENT
"""Bytes, modulo a page, from one large buffer to the next: four of them lie well apart."""


def aligned(size: int) -> int:
    """Return a size in bytes, rounded up to a multiple of `ALIGNMENT`."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def apart(size: int) -> int:
    """Return the bytes to the start of a following buffer, where speed counts more than memory."""
    size = aligned(size)
    return size + (_STEP - size) % _PAGE if size >= _PAGE else size


def together(stages: Sequence[S]) -> list[list[S]]:
    """Return the stages one by one, but nests that go along together in one."""
    found: list[list[S]] = []
    tiles = None
    for stage in stages:
        before, tiles = tiles, stage.tiles if isinstance(stage, Nest) else None
        if tiles is not None and before is tiles:
            found[-1].append(stage)
        else:
            found.append([stage])
    return found


def arrange(
    steps: Sequence[Sequence[S]],
    outside: Collection[Buffer],
    workspace: Callable[[Sequence[S]], int],
    *,
    hand_on: bool = True,
    room: Callable[[int], int] = aligned,
) -> Arena:
    """Give each temporary of the stages that is not in `outside` a place; lives that do not meet share it.

    Steps follow each other; each is one stage, or several that take turns. `workspace` says how many
    bytes a step needs besides. The arena holds all of them at offsets that are multiples of `ALIGNMENT`.

    First fit, the largest first: close to the least possible, and simple. A value that is read for the last
    time where another one of its size is made hands its place on to that, if it may. `room` says how many
    bytes a buffer of some takes.
    """
    lives: dict[Buffer, tuple[int, int]] = {}  # numbers of the first and the last step
    for number, step in enumerate(steps):
        for b in (b.whole for stage in step for b in touched_by(stage)):
            if b.role == "temporary" and b not in outside:
                first, _ = lives.get(b, (number, number))
                lives[b] = first, number
    heirs = _heirs(steps, lives) if hand_on else {}
    for b, heir in heirs.items():  # newest first, so that chains of them become one life
        lives[b] = lives[b][0], lives.pop(heir)[1]
    offsets: dict[Buffer, int] = {}
    shelf, end = Shelf(len(steps)), 0
    for b in sorted(lives, key=lambda b: -b.bytes):
        size = room(b.bytes)
        offsets[b] = shelf.put(*lives[b], size)
        end = max(end, offsets[b] + size)
    for b, heir in reversed(heirs.items()):
        offsets[heir] = offsets[b]
    return Arena(offsets, end, end + max((aligned(workspace(s)) for s in steps), default=0))


def _heirs(
    steps: Sequence[Sequence[Stage]], lives: dict[Buffer, tuple[int, int]]
) -> dict[Buffer, Buffer]:
    """Return, for temporaries that end where another one may be written over them, which one, newest
    first.
    """
    found: dict[Buffer, Buffer] = {}
    taken: set[Buffer] = set()
    for number in reversed(range(len(steps))):
        nest, *others = steps[number]
        if others or not isinstance(nest, Nest):
            continue
        ends = [b for b in dict.fromkeys(a.buffer for a in nest.reads()) if _ends(lives, b, number)]
        for b in ends:
            for access in nest.writes():
                new = access.buffer
                fits = new in lives and lives[new][0] == number and new.bytes == b.bytes
                if fits and new not in taken and _may_be_written_over(nest, b, access):
                    found[b] = new
                    taken.add(new)
                    break
    return found


def _ends(lives: dict[Buffer, tuple[int, int]], b: Buffer, number: int) -> bool:
    """Return whether a buffer, made in an earlier step, is used for the last time in step `number`."""
    return b in lives and lives[b][0] < number == lives[b][1]


def _may_be_written_over(nest: Nest, given: Buffer, access: Access) -> bool:
    """Return whether a nest reads a buffer only at the very place that this access writes, and not
    again later.
    """
    if given.dtype != access.buffer.dtype or not _is_stored(nest, access):
        return False
    if given in nest.picked() or (nest.product is not None and given in _factors(nest.product)):
        return False
    if sum(a.buffer is access.buffer for a in nest.writes()) > 1:
        return False
    if nest.reduced and not _read_once(nest, given):
        return False
    if _has_ragged_rows(nest, given.dtype.itemsize):
        return False
    return all(_same_place(a, access) for a in nest.reads() if a.buffer is given)


def _has_ragged_rows(nest: Nest, itemsize: int) -> bool:
    """Return whether vectors go over the ends of short rows: reading the next row then waits for the store.

    `itemsize` is that of an entry, in bytes.
    """
    if nest.lanes is None or len(nest.extents) < 2:
        return False
    row = nest.extents[nest.lanes] * itemsize
    return row % ALIGNMENT != 0 and row < 16 * ALIGNMENT


def donors(program: Program, donated: Collection[Buffer]) -> dict[Buffer, Buffer]:
    """Return, for outputs that can be written over a donated input of their spec, which one.

    That is so when nothing reads the input after the output's first write, and what reads it in the
    same nest reads the very entry that is written; and when nothing can stop the program any more.
    """
    found: dict[Buffer, Buffer] = {}
    for output in program.outputs:
        fits = [
            b
            for b in donated
            if b not in found.values() and b.spec == output.spec and _may_take(program, output, b)
        ]
        if fits:  # rather one that is read where the output is written: p becomes p - 0.1 * dp
            found[output] = max(fits, key=lambda b: _reads_where_written(program, output, b))
    return found


def _may_take(program: Program, output: Buffer, given: Buffer) -> bool:
    written = False
    open_questions = set(program.stops)
    for stage in program.stages:
        if output in written_by(stage) and (open_questions or _stops_beside(program, stage)):
            return False
        open_questions -= written_by(stage)
        if not isinstance(stage, Nest):
            if given in read_by(stage) and written:
                return False
            continue
        mine = [a for a in stage.writes() if a.buffer is output]
        if mine and stage.tiles is not None and _reads_beside(program, stage, given):
            return False
        if written and any(a.buffer is given for a in stage.reads()):
            return False
        if mine:
            written = True
            if not all(_same_place(a, mine[0]) for a in stage.reads() if a.buffer is given):
                return False
            if given in (a.buffer for a in stage.reads()) and not _is_stored(stage, mine[0]):
                return False
            if stage.product is not None and given in _factors(stage.product):
                return False
            if given in stage.picked():
                return False
            if len(stage.phases()) and stage.reduced and not _read_once(stage, given):
                return False
    return written


def _stops_beside(program: Program, stage: Stage) -> bool:
    """Return whether the program may stop after nests that go along with this one."""
    return any(
        isinstance(stage, Nest)
        and isinstance(other, Nest)
        and stage.tiles is not None
        and other.tiles is stage.tiles
        and not written_by(other).isdisjoint(program.stops)
        for other in program.stages
    )


def _reads_beside(program: Program, nest: Nest, given: Buffer) -> bool:
    """Return whether a nest that goes along with this one reads a buffer, perhaps in a later tile."""
    return any(
        isinstance(other, Nest)
        and other.tiles is nest.tiles
        and any(a.buffer is given for a in other.reads())
        for other in program.stages
    )


def _factors(product: Product) -> tuple[Buffer, Buffer]:
    return product.left.buffer, product.right.buffer


def _is_stored(nest: Nest, access: Access) -> bool:
    """Return whether each place is written once, at the end; what is added up there is written before,
    too.
    """
    return any(isinstance(e, Store) and e.access is access for e in nest.effects)


def _same_place(x: Access, y: Access) -> bool:
    return x.strides == y.strides and x.offset == y.offset


def _read_once(nest: Nest, given: Buffer) -> bool:
    """Return whether no later round over the reduced axes reads what an earlier one may have written."""
    return not any(a.buffer is given and a.axes() & nest.reduced for a in nest.reads())


def _reads_where_written(program: Program, output: Buffer, given: Buffer) -> bool:
    return any(
        any(a.buffer is output for a in stage.writes())
        and any(a.buffer is given for a in stage.reads())
        for stage in program.stages
        if isinstance(stage, Nest)
    )
