"""A nest as loops.

Free axes are the outer loops, reduced ones the inner; one axis, the nest's `lanes`, goes by vectors of
twice the register's width, so that two independent streams hide each other's waiting. Where the reduced
axis is short and runs along lanes, it is written out rather than looped over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..stages.ir import Access, Accumulate, Effect, Expression, Nest, Reduction, operands
from . import machine
from .alike import Places
from .expression_writer import ExpressionWriter, Point
from .llvm_ir import Builder, Value
from .operation_code import combine, identity
from .partition import Part
from .types import Type

Block = tuple[tuple[Value | int, Value | int, int], int, Value | None]
"""The bounds and step of a loop, how many lanes of a step are real, and when it runs (None: always)."""

_STREAMS = 2
"""Vectors are this many registers wide: each register of a vector is a stream of its own."""
_WRITTEN_OUT = 4
"""A reduced axis of up to this many vectors is written out."""


class Loops(ExpressionWriter):
    """A nest without a product."""

    def __init__(self, b: Builder, nest: Nest, places: Places, part: Part | None = None) -> None:
        super().__init__(b, nest, places)
        self.part = part
        self.phases = nest.phases()
        self.rounds = 1 + max(self.phases.values(), default=0)
        lanes = nest.lanes
        bits = max((e.dtype.itemsize * 8 for e in self.phases if e.dtype.kind == "f"), default=64)
        self.widest = _STREAMS * machine.vector_bits() // bits
        if lanes is not None:
            self.width = min(self.widest, 2 ** math.ceil(math.log2(nest.extents[lanes])))
        free = [a for a in range(len(nest.extents)) if a not in nest.reduced]
        self.free = [a for a in free if a != lanes] + [a for a in free if a == lanes]
        self.inner = sorted(nest.reduced - {lanes}) + [a for a in nest.reduced if a == lanes]
        short = self.inner == [lanes] and nest.extents[self.inner[0]] <= _WRITTEN_OUT * self.width
        self.written_out = not nest.reduced or short

    def write(self) -> None:
        self._around(self.free, Point({}, self.width))

    def split_axis(self) -> tuple[int, int]:
        """Return the axis whose entries parts share out, and how many entries always go together."""
        axis = self.free[0]
        return axis, self.width if axis == self.nest.lanes else 1

    def _around(self, axes: Sequence[int], point: Point) -> None:
        """Write the loops over free axes, and in them one round for each phase."""
        if not axes:
            self._body(point)
            return
        axis, *rest = axes
        step = self.width if axis == self.nest.lanes else 1
        for bounds, left, condition in self._blocks(axis, step):
            with self.b.only_if(condition), self.b.loop(*bounds) as loop:
                positions = {**point.positions, axis: loop.index}
                lanes = left if axis == self.nest.lanes else point.lanes
                self._around(rest, Point(positions, lanes))

    def _blocks(self, axis: int, step: int) -> list[Block]:
        """Return an axis by steps of `step` entries: the whole ones, then the rest; of a shared axis only
        this part's.
        """
        extent = self.nest.extents[axis]
        whole = extent // step * step
        start: Value | int = 0
        stop: Value | int = whole
        last = None
        if self.part is not None and self.part.axis == axis:
            start, stop = self.part.bounds(self.b, whole, step)
            last = self.part.is_last(self.b)
        blocks: list[Block] = []
        if whole:
            blocks.append(((start, stop, step), step, None))
        if whole < extent:
            blocks.append(((whole, extent, step), extent - whole, last))
        return blocks

    # ---- inside the free axes

    def _body(self, point: Point) -> None:
        inside = [e for e in self.nest.effects if self._is_inside(e)]
        blocks = list(self._written_out(point)) if self.written_out else []
        for phase in range(self.rounds):
            sums = self._sums(phase)
            effects = [e for e in inside if self.phases[e.value] == phase]
            kept = {e: a for e, a in self.nest.kept.items() if self.phases[e] == phase}
            if not sums and not effects:
                continue
            self._hoist([*(s.operand for s in sums), *(e.value for e in effects), *kept], point)
            if self.written_out:
                totals = self._round_written_out(sums, effects, blocks)
            else:
                totals = self._round(sums, effects, kept, point)
                self.read_back.update(kept)
            for reduction, total in zip(sums, totals, strict=True):
                if self.nest.lanes in self.nest.reduced:
                    total = self.b.reduce(reduction.how, total)
                point.known[reduction] = total
        self.read_back.clear()
        self.write_effects([e for e in self.nest.effects if not self._is_inside(e)], point)

    def _sums(self, phase: int) -> list[Reduction]:
        """Return the reductions whose operands are ready in this phase."""
        return [
            e for e, done in self.phases.items() if isinstance(e, Reduction) and done == phase + 1
        ]

    def _is_inside(self, effect: Effect) -> bool:
        """Return whether an effect takes place at every point of the reduced axes, too."""
        if isinstance(effect, Accumulate):
            return bool(effect.domain & self.nest.reduced)
        return bool(effect.access.axes() & self.nest.reduced)

    def _hoist(self, wanted: Sequence[Expression], point: Point) -> None:
        """Compute outside the round what does not change in it."""
        stack, seen = list(wanted), set[Expression]()
        while stack:
            e = stack.pop()
            if e in seen or point.find(e) is not None:
                continue
            seen.add(e)
            if e.axes & self.nest.reduced:
                stack += operands(e)
            else:
                self.value(e, point)

    def _start(self, sums: Sequence[Reduction]) -> list[Value]:
        values = []
        for reduction in sums:
            type = Type(reduction.dtype)
            if self.nest.lanes in self.nest.reduced or self.nest.lanes in reduction.operand.axes:
                type = type.wide(self.width)
            values.append(self.b.constant(type, identity(reduction.how, type)))
        return values

    def _step(self, reduction: Reduction, before: Value, point: Point) -> Value:
        x = self.b.spread(self.value(reduction.operand, point), before.type.width)
        if self.nest.lanes in self.nest.reduced:
            x = self.real(reduction.how, x, point)
        return combine(self.b, reduction.how, before, x)

    def _written_out(self, point: Point) -> Iterator[Point]:
        """Yield the blocks of a short reduced axis, each a point that remembers its values."""
        if not self.nest.reduced:
            yield point
            return
        (axis,) = self.inner
        for start in range(0, self.nest.extents[axis], self.width):
            lanes = min(self.width, self.nest.extents[axis] - start)
            yield Point({**point.positions, axis: start}, lanes, outer=point)

    def _round_written_out(
        self, sums: Sequence[Reduction], effects: Sequence[Effect], blocks: Sequence[Point]
    ) -> list[Value]:
        totals = self._start(sums)
        for block in blocks:
            totals = [self._step(s, t, block) for s, t in zip(sums, totals, strict=True)]
            self.write_effects(effects, block)
        return totals

    def _round(
        self,
        sums: Sequence[Reduction],
        effects: Sequence[Effect],
        kept: dict[Expression, Access],
        point: Point,
    ) -> list[Value]:
        """Write one round over the reduced axes, as loops."""

        def around(axes: Sequence[int], at: Point, totals: list[Value]) -> list[Value]:
            if not axes:
                totals = [self._step(s, t, at) for s, t in zip(sums, totals, strict=True)]
                values = [(self.value(e, at), access) for e, access in kept.items()]
                self.write_effects(effects, at)
                for x, access in values:
                    self.store(x, access, at)
                return totals
            axis, *rest = axes
            step = self.width if axis == self.nest.lanes else 1
            for bounds, left, _ in self._blocks(axis, step):
                with self.b.loop(*bounds, carried=totals) as loop:
                    positions = {**at.positions, axis: loop.index}
                    lanes = left if axis == self.nest.lanes else at.lanes
                    inside = Point(positions, lanes, outer=point)
                    loop.next = around(rest, inside, list(loop.carried))
                totals = loop.results
            return totals

        return around(self.inner, point, self._start(sums))
