"""The product in tiles of the result that stay in registers while k runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..llvm_ir import Builder, Value
from ..types import Type
from .packing import (
    CHAINS,
    LINE,
    Epilogue,
    Index,
    Operand,
    added,
    aligned,
    balanced,
    copy,
    copy_cycles,
    each_vector,
    plus,
    registers,
)

COPIED_STEPS = 16  # of k, when `left` is copied
PANEL_BYTES = 512 * 1024  # a panel of `right` larger than this is taken in blocks of k

# Tiles that fit the registers with what multiplies them: vectors across → rows down.
TILES = {
    32: {1: 14, 2: 12, 3: 8, 4: 6, 6: 4, 8: 3, 12: 2, 20: 1},
    16: {1: 10, 2: 6, 3: 4, 6: 2, 10: 1},
}


@dataclass(frozen=True)
class Panel:
    """Columns of the result that are taken together, `count` times: `lanes` of each of the vectors.

    The first panel starts in column `start`, the next ones follow it.
    """

    start: int
    lanes: tuple[int, ...]
    count: int


class Tiles:
    """The product in tiles that stay in registers."""

    def __init__(self, type: Type, m: int, k: int, n: int, left: Operand, right: Operand) -> None:
        self.type, self.m, self.k, self.n, self.left, self.right = type, m, k, n, left, right
        size = type.dtype.itemsize
        shapes = TILES[registers()].items()
        self.across, self.down = min(shapes, key=lambda s: self._tile_cycles(*s))
        self.panels = self._panels(self.across)
        self.rows = balanced(m, self.down)
        width = self.across * type.width
        self.pack_right = self._should_pack_right(width)
        self.pack_left = self._should_pack_left(width)
        # k in equal blocks, and a few steps that are left over.
        self.blocks = self._blocks(-(-k * width * size // PANEL_BYTES))
        self.block = k // self.blocks
        self.block -= self.block % 2 if self.blocks > 1 else 0
        kept = max(self.block, k - self.block * self.blocks)
        self.left_bytes = aligned((m * k + type.width) * size) if self.pack_left else 0
        self.right_bytes = aligned(kept * width * size) if self.pack_right else 0
        self.bytes = self.left_bytes + self.right_bytes
        if self.blocks > 1:
            self.bytes += aligned(m * width * size)

    def _should_pack_right(self, width: int) -> bool:
        """Return whether to copy panels of `right`: as vectors, or from rows that are far apart."""
        if self.right.column != 1:
            return True
        size, row = self.type.dtype.itemsize, abs(self.right.row)
        if row <= width:  # all of a panel is together already
            return False
        large = self.k * row * size > 256 * 1024 or self.left.column != 1
        return (self.m >= 128 and large) or (self.m >= 48 and row * size >= 4096)

    def _should_pack_left(self, width: int) -> bool:
        """Return whether to copy `left`: if a tile touches more cache lines than stay near, many times."""
        rows = 1 if self.left.row == 1 else self.down
        lines = self.k * rows * LINE if self.left.column != 1 else 0
        return lines >= 64 * 1024 and self.n >= 4 * width

    def _blocks(self, blocks: int) -> int:
        """Return in how many blocks to take k, at least so many: a number that leaves no steps over,
        if any.
        """
        if blocks == 1:
            return 1
        even = (c for c in range(blocks, 2 * blocks) if self.k % c == 0 and self.k // c % 2 == 0)
        return next(even, blocks)

    def _panels(self, across: int) -> list[Panel]:
        """Return the panels: all as wide as the first, but for the last, which has the columns that
        are left.
        """
        width = self.type.width
        vectors = -(-self.n // width)
        count = -(-vectors // across)
        across = -(-vectors // count)
        last = (count - 1) * across * width
        full, rest = divmod(self.n - last, width)
        lanes = (width,) * full + ((rest,) if rest else ())
        if lanes == (width,) * across:
            return [Panel(0, lanes, count)]
        return [Panel(0, (width,) * across, count - 1), Panel(last, lanes, 1)][count == 1 :]

    def _tile_cycles(self, across: int, down: int) -> float:
        """Return the cycles of one step of k: two operations or two loads in each, each operation four."""
        cycles = 0.0
        for panel in self._panels(across):
            for _, rows, count in balanced(self.m, down):
                vectors = len(panel.lanes)
                each = max(rows * vectors, rows + vectors, 4) / 2 + (rows + vectors) / 20
                cycles += each * count * panel.count
        return cycles

    @property
    def cycles(self) -> float:
        """An estimate of what the product takes, in clock cycles."""
        cycles = self.k * self._tile_cycles(self.across, self.down)
        if self.pack_right:
            cycles += self.k * self.n * copy_cycles(self.right, self.type)
        if self.pack_left:
            cycles += self.m * self.k * copy_cycles(self.left.turned, self.type)
        return cycles

    def write(self, b: Builder, epilogue: Epilogue, workspace: str) -> None:
        """Write the code: for each panel, for each block of k, for each tile."""
        if self.pack_left:
            self._write_packed_left(b, workspace)
        packed_right = b.offset(workspace, (self.left_bytes, 1))
        partial = Operand(
            b.offset(packed_right, (self.right_bytes, 1)), self.across * self.type.width, 1
        )

        for panel in self.panels:
            width = len(panel.lanes) * self.type.width
            with b.loop(0, panel.count * width, width) as across:
                j = plus(across.index, panel.start)

                def finish(
                    b: Builder, sums: Value, i: Index, v: Index, lanes: int, j: Index = j
                ) -> None:
                    epilogue(b, sums, i, plus(j, v), lanes)

                packed = workspace, packed_right
                if self.blocks == 1:
                    self._write_block(b, panel, j, 0, self.k, finish, *packed)
                else:
                    self._write_blocks(b, panel, j, finish, packed, partial)

    def _write_blocks(
        self,
        b: Builder,
        panel: Panel,
        j: Index,
        finish: Epilogue,
        packed: tuple[str, str],
        partial: Operand,
    ) -> None:
        """Write one panel block by block of k: sums so far are in `partial`."""
        size = self.type.dtype.itemsize

        def add(b: Builder, sums: Value, i: Index, v: Index, lanes: int) -> None:
            place = partial.at(b, size, i, v)
            b.store(b.load(sums.type, place) + sums, place)

        def clear(type: Type, i: Index, v: Index, lanes: int) -> None:
            b.store(b.constant(type, 0), partial.at(b, size, i, v))

        def hand_on(type: Type, i: Index, v: Index, lanes: int) -> None:
            finish(b, b.load(type, partial.at(b, size, i, v)), i, v, lanes)

        vectors = len(panel.lanes) * self.type.width
        each_vector(b, self.type, self.m, vectors, clear)
        whole = self.block * self.blocks
        with b.loop(0, whole, self.block) as down:
            self._write_block(b, panel, j, down.index, self.block, add, *packed)
        if whole < self.k:
            self._write_block(b, panel, j, whole, self.k - whole, add, *packed)
        each_vector(b, self.type, self.m, sum(panel.lanes), hand_on)

    def _write_packed_left(self, b: Builder, place: str) -> None:
        """Copy `left` so that a tile finds its rows of one step of k side by side.

        Some steps for all tiles, then the next ones: the numbers of a step are neighbours in memory.
        """
        size = self.type.dtype.itemsize
        for first, steps, blocks in balanced(self.k, COPIED_STEPS):
            with b.loop(0, blocks * steps, steps) as block:
                p = plus(block.index, first)
                for start, rows, count in self.rows:
                    with b.loop(0, count * rows, rows) as tile:
                        i = plus(tile.index, start)
                        source = replace(self.left, pointer=self.left.at(b, size, i, p)).turned
                        to = b.offset(place, (i, self.k), (p, rows), size=size)
                        copy(b, self.type, steps, rows, source, to, rows)

    def _write_block(
        self,
        b: Builder,
        panel: Panel,
        j: Index,
        p: Index,
        steps: int,
        finish: Epilogue,
        packed_left: str,
        packed_right: str,
    ) -> None:
        """Write all rows of a panel that starts in column j, for the steps of k that start at p."""
        size, width = self.type.dtype.itemsize, self.type.width
        right = replace(self.right, pointer=self.right.at(b, size, p, j))
        lanes = panel.lanes
        if self.pack_right:
            across = len(lanes) * width
            copy(b, self.type, steps, sum(lanes), right, packed_right, across)
            right = Operand(packed_right, across, 1)
            lanes_read = (width,) * len(lanes)
        else:
            lanes_read = lanes
        for start, rows, count in self.rows:
            with b.loop(0, count * rows, rows) as tile:
                i = plus(tile.index, start)
                if self.pack_left:
                    place = b.offset(packed_left, (i, self.k), (p, rows), size=size)
                    left = Operand(place, 1, rows)
                else:
                    left = replace(self.left, pointer=self.left.at(b, size, i, p))
                sums = _tile(b, self.type, rows, steps, left, right, lanes_read)
                for r in range(rows):
                    for v, real in enumerate(lanes):
                        finish(b, sums[r][v], plus(i, r), v * width, real)


def _tile(
    b: Builder,
    type: Type,
    rows: int,
    steps: int,
    left: Operand,
    right: Operand,
    lanes: Sequence[int],
) -> list[list[Value]]:
    """Return the sums of one tile over some steps of k, in registers: a list of vectors for each row."""
    size, single, across = type.dtype.itemsize, type.wide(1), len(lanes)
    # A small tile has too few operations under way at once: steps then add to sums of their own.
    parts = min(max(1, CHAINS // (rows * across)), steps)
    unrolled = max(2, parts)

    def spread(place: Operand, r: int, step: int) -> Value:
        return b.spread(b.load(single, place.at(b, size, r, step)), type.width)

    def vector(place: Operand, v: int, step: int) -> Value:
        return b.load(type, place.at(b, size, step, v * type.width), lanes[v])

    def several(start: Index, sums: Sequence[Value], count: int) -> list[Value]:
        rowed = replace(left, pointer=left.at(b, size, 0, start))
        lined = replace(right, pointer=right.at(b, size, start, 0))
        sums = list(sums)
        for step in range(count):
            first = step % parts * rows * across
            # The fewer factors are held in registers, the others pass by one after the other.
            if rows >= across:
                ys = [vector(lined, v, step) for v in range(across)]
                for r in range(rows):
                    x = spread(rowed, r, step)
                    for v, y in enumerate(ys):
                        at = first + r * across + v
                        sums[at] = b.fma(x, y, sums[at])
            else:
                xs = [spread(rowed, r, step) for r in range(rows)]
                for v in range(across):
                    y = vector(lined, v, step)
                    for r, x in enumerate(xs):
                        at = first + r * across + v
                        sums[at] = b.fma(x, y, sums[at])
        return sums

    sums = [b.constant(type, 0)] * (rows * across * parts)
    whole = steps - steps % unrolled
    if whole:
        with b.loop(0, whole, unrolled, sums) as loop:
            loop.next = several(loop.index, loop.carried, unrolled)
        sums = loop.results
    sums = several(whole, sums, steps - whole)
    totals = added(sums, rows * across)
    return [totals[r * across : (r + 1) * across] for r in range(rows)]
