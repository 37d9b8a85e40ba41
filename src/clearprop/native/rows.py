"""A nest that reduces along its lanes, by blocks of rows.

What is done with a row's sums would be done one number at a time. So the sums of a block of rows are put
side by side, and what follows from them is computed for the block at once, along the rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..stages.ir import (
    Access,
    Accumulate,
    Effect,
    Expression,
    Literal,
    Load,
    Nest,
    Position,
    Reduction,
    operands,
)
from .alike import Places
from .expression_writer import Point
from .llvm_ir import Builder, Value
from .loops import Loops
from .operation_code import combine, identity
from .partition import Part
from .types import Type

_DIRECT = (Load, Literal, Position)
"""Expressions that a row gets for itself, rather than from its block."""

_LONG = 10_000
"""Rows of so many points take so long that what follows from one's sums does not matter."""


class Rows(Loops):
    """Writes such a nest."""

    def __init__(self, b: Builder, nest: Nest, places: Places, part: Part | None = None) -> None:
        super().__init__(b, nest, places, part)
        self.row = self.free[-1]
        extent = nest.extents[self.row]
        self.block = min(self.widest, 2 ** (extent - 1).bit_length())
        self.slots: dict[Expression, str] = {}
        """Where the block's values of an expression lie, one for each row."""

    @staticmethod
    def suits(nest: Nest) -> bool:
        first = nest.tiles is not None  # tiles are no rows
        free = [n for a, n in enumerate(nest.extents) if a not in nest.reduced][first:]
        row = math.prod(nest.extents[a] for a in nest.reduced)
        return nest.lanes in nest.reduced and bool(free) and free[-1] > 1 and row < _LONG

    def write(self) -> None:
        self._around(self.free[:-1], Point({}, self.width))

    def split_axis(self) -> tuple[int, int]:
        axis = self.free[0]
        return axis, self.block if axis == self.row else 1

    def _body(self, point: Point) -> None:
        """Write all rows at this point of the other free axes."""
        for bounds, count, condition in self._blocks(self.row, self.block):
            with self.b.only_if(condition), self.b.loop(*bounds) as loop:
                self._block(point, loop.index, count)

    def _block(self, point: Point, start: Value, count: int) -> None:
        """Write `count` rows from row `start` on."""
        positions = {**point.positions, self.row: start}
        block = Point(positions, count)
        inside = [e for e in self.nest.effects if self._is_inside(e)]
        for phase in range(self.rounds):
            sums = self._sums(phase)
            effects = [e for e in inside if self.phases[e.value] == phase]
            kept = {e: a for e, a in self.nest.kept.items() if self.phases[e] == phase}
            if not sums and not effects:
                continue
            wanted = [*(s.operand for s in sums), *(e.value for e in effects), *kept]
            shared = self._shared(wanted)
            self._share(shared, block)
            self._each_row(block, start, count, sums, effects, kept, shared)
            with self.along(self.row, self.block):
                for s in sums:
                    type = Type(s.dtype).wide(self.block)
                    block.known[s] = self.b.load(type, self._slot(s))
            self.read_back.update(kept)
        self.read_back.clear()
        with self.along(self.row, self.block):
            self.write_effects([e for e in self.nest.effects if not self._is_inside(e)], block)

    # ---- between a block and its rows

    def _shared(self, wanted: Sequence[Expression]) -> list[Expression]:
        """Return what rows read of what is computed for the block."""
        found: dict[Expression, None] = {}
        stack = list(wanted)
        seen = set[Expression]()
        while stack:
            e = stack.pop()
            if e in seen:
                continue
            seen.add(e)
            if e.axes & self.nest.reduced:
                if e not in self.read_back:
                    stack += operands(e)
            elif not isinstance(e, _DIRECT):
                found[e] = None
        return list(found)

    def _slot(self, e: Expression) -> str:
        """Return the address of memory on the stack for one number of each row of a block."""
        if e not in self.slots:
            self.slots[e] = self.b.stack(e.dtype, self.block)
        return self.slots[e]

    def _share(self, shared: Sequence[Expression], block: Point) -> None:
        with self.along(self.row, self.block):
            for e in shared:
                x = self.value(e, block)
                if not isinstance(e, Reduction):
                    self.b.store(self.b.spread(x, self.block), self._slot(e))

    def _each_row(
        self,
        block: Point,
        start: Value,
        count: int,
        sums: Sequence[Reduction],
        effects: Sequence[Effect],
        kept: dict[Expression, Access],
        shared: Sequence[Expression],
    ) -> None:
        b = self.b
        carried = [e for e in effects if isinstance(e, Accumulate) and self._stays(e)]
        others = [e for e in effects if e not in carried]
        first = [v for e in carried for v in self._nothing(e)]
        with b.loop(0, count, carried=first) as loop:
            row = Point({**block.positions, self.row: start + loop.index}, self.width)
            for e in shared:
                size = e.dtype.itemsize
                place = b.offset(self._slot(e), (loop.index, 1), size=size)
                row.known[e] = b.load(Type(e.dtype), place)
            points = list(self._written_out(row)) if self.written_out else []
            if self.written_out:
                totals = self._round_written_out(sums, others, points)
                for at in points:
                    for e, access in kept.items():
                        self.store(self.value(e, at), access, at)
            else:
                totals = self._round(sums, others, kept, row)
            for s, total in zip(sums, totals, strict=True):
                place = b.offset(self._slot(s), (loop.index, 1), size=s.dtype.itemsize)
                b.store(b.reduce(s.how, total), place)
            loop.next = self._carry(carried, loop.carried, points)
        self._put_down(carried, loop.results, block)

    # ---- sums over rows, kept in registers while a block lasts

    def _stays(self, effect: Accumulate) -> bool:
        """Return whether an accumulation goes to the same places in every row of a block."""
        lanes = self.nest.lanes
        assert lanes is not None
        strides = effect.access.strides
        if effect.indices:  # numbers choose the place, in each row anew
            return False
        return self.written_out and not strides[self.row] and strides[lanes] == 1

    def _nothing(self, effect: Accumulate) -> list[Value]:
        type = Type(effect.access.buffer.dtype).wide(self.width)
        start = self.b.constant(type, identity(effect.how, type))
        return [start] * self._vectors

    @property
    def _vectors(self) -> int:
        """The number of vectors in a row that is written out."""
        return -(-self.nest.extents[self.inner[0]] // self.width)

    def _carry(
        self, carried: Sequence[Accumulate], before: Sequence[Value], points: Sequence[Point]
    ) -> list[Value]:
        after = []
        pairs = [(e, at) for e in carried for at in points]
        for (e, at), total in zip(pairs, before, strict=True):
            x = self.b.spread(self.value(e.value, at), self.width)
            after.append(combine(self.b, e.how, total, x))
        return after

    def _put_down(
        self, carried: Sequence[Accumulate], totals: Sequence[Value], block: Point
    ) -> None:
        points = list(self._written_out(block)) if carried else []
        pairs = [(e, at) for e in carried for at in points]
        for (e, at), total in zip(pairs, totals, strict=True):
            single = Type(e.access.buffer.dtype)
            x = combine(self.b, e.how, self.load(e.access, single, at), total)
            self.store(x, e.access, at)
