"""Where code is being written, and expressions and effects there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..stages.ir import (
    Access,
    Accumulate,
    Compute,
    Effect,
    Expression,
    Gather,
    Index,
    Literal,
    Load,
    Nest,
    Position,
)
from .alike import Places
from .llvm_ir import Builder, Value
from .operation_code import cast, combine, identity, write
from .types import I64, Type

_NOWHERE = -(2**62)
"""Stands for the place of a number that is added nowhere: an offset in entries that no buffer has."""


@dataclass
class Point:
    """Where the code being written is: the position on each axis, and the values known there."""

    positions: dict[int, Value | int]
    """By axis; along the axis of the lanes, that of the first one."""
    lanes: int
    """How many lanes of a vector are real: the first ones."""
    known: dict[Expression, Value] = field(default_factory=dict)
    outer: Point | None = None

    def find(self, e: Expression) -> Value | None:
        point: Point | None = self
        while point is not None:
            if e in point.known:
                return point.known[e]
            point = point.outer
        return None


class ExpressionWriter:
    """Expressions and effects at a point; shared by loops and by what follows a product."""

    def __init__(self, b: Builder, nest: Nest, places: Places) -> None:
        self.b = b
        self.nest = nest
        self.places = places
        self.lanes = nest.lanes
        """The axis along which vectors run at present."""
        self.width = 1
        self.read_back: set[Expression] = set()
        """Values that an earlier phase has put into memory."""

    @contextmanager
    def along(self, axis: int, width: int) -> Iterator[None]:
        """Let vectors of `width` lanes run along another axis for a while."""
        before = self.lanes, self.width
        self.lanes, self.width = axis, width
        yield
        self.lanes, self.width = before

    # ---- values

    def value(self, e: Expression, point: Point) -> Value:
        found = point.find(e)
        if found is None:
            found = point.known[e] = self.compute(e, point)
        return found

    def compute(self, e: Expression, point: Point) -> Value:
        b = self.b
        single = Type(e.dtype)
        if e in self.read_back:
            return self.load(self.nest.kept[e], single, point)
        if isinstance(e, Literal):
            return b.constant(single, e.value)
        if isinstance(e, Load):
            return self.load(e.access, single, point)
        if isinstance(e, Position):
            return self.position(e, point)
        if isinstance(e, Gather):
            return self.gather(e, point)
        assert isinstance(e, Compute), e
        values = [self.value(x, point) for x in e.operands]
        width = max(v.type.width for v in values)
        values = [b.spread(v, width) for v in values]
        if e.operation == "convert":
            return cast(b, values[0], e.dtype)
        return write(b, e.operation, *values)

    def position(self, e: Position, point: Point) -> Value:
        b = self.b
        at = point.positions[e.axis]
        first = b.constant(I64, at) if isinstance(at, int) else at
        if e.axis != self.lanes or self.width == 1:
            return first
        return b.spread(first, self.width) + b.counting(I64.wide(self.width))

    # ---- memory

    def pointer(self, access: Access, point: Point) -> str:
        """Return the address of the entry at a point; of the first lane, where lanes differ."""
        terms = [(point.positions[a], s) for a, s in enumerate(access.strides) if s]
        address, far = self.places.entry(access)
        return self.b.offset(address, (far, 1), *terms, size=access.buffer.dtype.itemsize)

    def load(self, access: Access, single: Type, point: Point) -> Value:
        """Return the entry at a point: one number where all lanes read the same, else one for each lane."""
        stride = self._stride(access)
        pointer = self.pointer(access, point)
        if stride == 0:
            return self.b.load(single, pointer)
        if stride == 1:
            return self.b.load(single.wide(self.width), pointer, lanes=point.lanes)
        return self.b.gather(single.wide(self.width), pointer, stride, point.lanes)

    def store(self, x: Value, access: Access, point: Point) -> None:
        """Store the real lanes, or the one number where the lanes share a place."""
        stride = self._stride(access)
        pointer = self.pointer(access, point)
        if stride == 0:
            self.b.store(x, pointer, lanes=1)  # one value, or the lanes' axis has one entry
        elif stride == 1:
            self.b.store(self.b.spread(x, self.width), pointer, lanes=point.lanes)
        else:
            self.b.scatter(self.b.spread(x, self.width), pointer, stride, point.lanes)

    # ---- places that numbers choose

    def chosen(self, indices: tuple[Index, ...], point: Point) -> tuple[Value, Value]:
        """Return how far numbers lead, in entries, and whether all of them are in range (else not far)."""
        b = self.b
        far, inside = b.constant(I64, 0), b.constant(I64.of("?"), True)
        for number, stride, count in indices:
            n = self.value(number, point)
            width = max(n.type.width, far.type.width)
            n, far, inside = b.spread(n, width), b.spread(far, width), b.spread(inside, width)
            n = b.select(b.compare("<", n, 0), n + count, n)
            from_start = Value(b, n.ref, n.type.of("u8"))  # what is negative is large
            inside = inside & b.compare("<", from_start, count)
            far = far + n * stride
        return b.select(inside, far, b.spread(b.constant(I64, 0), far.type.width)), inside

    def gather(self, e: Gather, point: Point) -> Value:
        b, single = self.b, Type(e.dtype)
        far, _ = self.chosen(e.indices, point)
        size, stride = e.dtype.itemsize, self._stride(e.access)
        pointer = self.pointer(e.access, point)
        if far.type.width == 1:
            pointer = b.offset(pointer, (far, 1), size=size)
            if stride == 0:
                return b.load(single, pointer)
            if stride == 1:
                return b.load(single.wide(self.width), pointer, lanes=point.lanes)
            return b.gather(single.wide(self.width), pointer, stride, point.lanes)
        if stride:
            far = far + b.counting(far.type) * stride
        return b.gather_at(single.wide(far.type.width), pointer, far, point.lanes)

    def _add_at(self, effect: Accumulate, x: Value, point: Point) -> None:
        """Accumulate at chosen places: each lane for itself, since two may choose the same."""
        b, buffer = self.b, effect.access.buffer
        far, inside = self.chosen(effect.indices, point)
        size, stride = buffer.dtype.itemsize, self._stride(effect.access)
        pointer, single = self.pointer(effect.access, point), Type(buffer.dtype)
        if far.type.width == 1:
            place = b.offset(pointer, (far, 1), size=size)
            with b.only_if(inside):
                if stride == 1:
                    before = b.load(single.wide(self.width), place, lanes=point.lanes)
                    total = combine(b, effect.how, before, b.spread(x, self.width))
                    b.store(total, place, lanes=point.lanes)
                    return
                if stride == 0:
                    if self.lanes in effect.domain:
                        x = self.total(effect.how, b.spread(x, self.width), point)
                    b.store(combine(b, effect.how, b.load(single, place), x), place)
                    return
            far = b.spread(far, self.width)
        width = max(far.type.width, x.type.width)
        far, inside, x = b.spread(far, width), b.spread(inside, width), b.spread(x, width)
        if stride:
            far = far + b.counting(far.type) * stride
        places, values = b.stack("i8", width), b.stack(x.type.dtype, width)
        b.store(b.select(inside, far, b.constant(far.type, _NOWHERE)), places)
        b.store(x, values)
        with b.loop(0, point.lanes) as lane:
            entry = b.load(I64, b.offset(places, (lane.index, 1), size=8))
            with b.only_if(b.compare("!=", entry, _NOWHERE)):
                at = b.offset(pointer, (entry, 1), size=size)
                one = b.load(single, b.offset(values, (lane.index, 1), size=size))
                b.store(combine(b, effect.how, b.load(single, at), one), at)

    def _stride(self, access: Access) -> int:
        """Return the stride from lane to lane, in entries."""
        if self.lanes is None or self.width == 1:
            return 0
        return access.strides[self.lanes]

    # ---- effects

    def write_effects(self, effects: Iterable[Effect], point: Point) -> None:
        """Compute all values first: what one effect writes may lie where another one's value is read from."""
        pairs = [(effect, self.value(effect.value, point)) for effect in effects]
        for effect, x in pairs:
            self._effect(effect, x, point)

    def _effect(self, effect: Effect, x: Value, point: Point) -> None:
        if isinstance(effect, Accumulate):
            if effect.indices:
                self._add_at(effect, x, point)
                return
            if self._stride(effect.access) == 0:
                if self.lanes in effect.domain:
                    x = self.total(effect.how, self.b.spread(x, self.width), point)
                assert x.type.width == 1
                single = Type(effect.access.buffer.dtype)
                x = combine(self.b, effect.how, self.load(effect.access, single, point), x)
            else:
                single = Type(effect.access.buffer.dtype)
                before = self.load(effect.access, single, point)
                x = combine(self.b, effect.how, before, self.b.spread(x, self.width))
        self.store(x, effect.access, point)

    def total(self, how: str, x: Value, point: Point) -> Value:
        """Return all real lanes combined."""
        return self.b.reduce(how, self.real(how, x, point))

    def real(self, how: str, x: Value, point: Point) -> Value:
        """Return the lanes, with what changes nothing in those that are not real."""
        if point.lanes >= x.type.width:
            return x
        mask = self.b.mask(x.type.width, point.lanes)
        return self.b.select(mask, x, identity(how, x.type))
