"""Matrices in memory, and moving them: what the ways to take a product share."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .. import machine
from ..llvm_ir import Builder, Value
from ..types import Type

Index = Value | int
Epilogue = Callable[[Builder, Value, Index, Index, int], None]
"""Takes the builder, a vector of finished sums, their row, their first column, and how many of the
lanes are columns. The width of the vector is the writer's choice: see ``sums.type.width``."""

CHAINS = 8  # operations that must be under way for the units to be busy: two units, four cycles
LINE = 64  # bytes of a cache line, to which the parts of the workspace are aligned


@dataclass(frozen=True)
class Operand:
    """A matrix in memory: element (i, j) is `i * row + j * column` elements after `pointer`."""

    pointer: str
    """The name of the address in the IR."""
    row: int
    """In elements, any integer; 0 repeats one row."""
    column: int

    @property
    def turned(self) -> Operand:
        """The transposed matrix."""
        return Operand(self.pointer, self.column, self.row)

    def at(self, b: Builder, size: int, i: Index = 0, j: Index = 0) -> str:
        """Return the address of the element (i, j); `size` is that of an element, in bytes."""
        return b.offset(self.pointer, (i, self.row), (j, self.column), size=size)


def registers() -> int:
    """Return how many vector registers this machine has."""
    x86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
    return 16 if x86 and machine.vector_bits() < 512 else 32


def balanced(length: int, most: int) -> list[tuple[int, int, int]]:
    """Return a length in pieces of at most `most`, as equal as can be: (start, size, count) of two sizes."""
    pieces = -(-length // most)
    size, larger = divmod(length, pieces)
    kinds = [(0, size + 1, larger), ((size + 1) * larger, size, pieces - larger)]
    return [kind for kind in kinds if kind[2]]


def aligned(size: int) -> int:
    """Return a size in bytes, rounded up to a multiple of `LINE`."""
    return -(-size // LINE) * LINE


def copy_cycles(matrix: Operand, type: Type) -> float:
    """Return about how many clock cycles `copy` takes for one number."""
    return 2 / type.width if matrix.column == 1 else 0.4 if matrix.row == 1 else 1.5


def plus(index: Index, number: Index) -> Index:
    if isinstance(number, Value):
        index, number = number, index
    if isinstance(index, int):
        return index + number
    if isinstance(number, int) and not index.ref.startswith("%"):
        return int(index.ref) + number
    return index if number == 0 else index + number


def each_vector(
    b: Builder, type: Type, m: int, n: int, visit: Callable[[Type, Index, Index, int], None]
) -> None:
    """Visit all numbers of a result in vectors along its rows: their type, row, first column, lanes."""
    type = type.wide(1) if n == 1 else type
    whole = n - n % type.width
    with b.loop(0, m) as down:
        if whole:
            with b.loop(0, whole, type.width) as across:
                visit(type, down.index, across.index, type.width)
        if whole < n:
            visit(type, down.index, whole, n - whole)


def added(sums: Sequence[Value], count: int) -> list[Value]:
    """Add several lots of `count` sums to one."""
    totals = list(sums[:count])
    for start in range(count, len(sums), count):
        totals = [x + y for x, y in zip(totals, sums[start : start + count], strict=True)]
    return totals


def side_by_side(b: Builder, numbers: Sequence[Value]) -> Value:
    """Return numbers as the first lanes of a vector, or as it is if there is only one."""
    if len(numbers) == 1:
        return numbers[0]
    width = 1 << (len(numbers) - 1).bit_length()
    type = numbers[0].type.wide(width)
    vector = b.constant(type, 0)
    for lane, x in enumerate(numbers):
        text = f"insertelement {type.text} {vector.ref}, {x.type.text} {x.ref}, i64 {lane}"
        vector = b.value(type, text)
    return vector


def copy(
    b: Builder, type: Type, steps: int, lanes: int, source: Operand, place: str, stride: int
) -> None:
    """Copy `steps` rows of `lanes` numbers each to the address `place`, their starts `stride` elements apart.

    Whole vectors are written, in ascending order: what is behind the last number may be anything.
    """
    if source.column == 1:
        _copy_vectors(b, type, steps, lanes, source, place, stride)
    elif source.row == 1:
        _copy_turned(b, type, steps, lanes, source, place, stride)
    else:
        size, single = type.dtype.itemsize, type.wide(1)
        with b.loop(0, steps) as down, b.loop(0, lanes) as across:
            x = b.load(single, source.at(b, size, down.index, across.index))
            b.store(x, b.offset(place, (down.index, stride), (across.index, 1), size=size))


def _copy_vectors(
    b: Builder, type: Type, steps: int, lanes: int, source: Operand, place: str, stride: int
) -> None:
    size = type.dtype.itemsize
    with b.loop(0, steps) as loop:
        start = source.at(b, size, loop.index)
        to = b.offset(place, (loop.index, stride), size=size)
        for v in range(0, lanes, type.width):
            x = b.load(type, b.offset(start, (v, 1), size=size), lanes - v)
            b.store(
                x, b.offset(to, (v, 1), size=size), min(stride, lanes + -lanes % type.width) - v
            )


def _copy_turned(
    b: Builder, type: Type, steps: int, lanes: int, source: Operand, place: str, stride: int
) -> None:
    """Copy from consecutive steps, four (a *square*) at a time."""
    square = min(4, type.width)
    whole = steps - steps % square
    size, width = type.dtype.itemsize, type.width

    def some(p: Index, count: int) -> None:
        full = lanes - lanes % width
        if full:
            with b.loop(0, full, width) as loop:
                one(p, loop.index, count, width)
        if full < lanes:
            one(p, full, count, lanes - full)

    def one(p: Index, v: Index, count: int, real: int) -> None:
        start = replace(source, pointer=source.at(b, size, p, v))
        to = b.offset(place, (p, stride), (v, 1), size=size)
        for q, x in enumerate(_turned_vectors(b, type, start, count, real)):
            b.store(x, b.offset(to, (q, stride), size=size))

    assert stride >= lanes
    if whole:
        with b.loop(0, whole, square) as loop:
            some(loop.index, square)
    if steps - whole:
        some(whole, steps - whole)


def _turned_vectors(b: Builder, type: Type, source: Operand, count: int, lanes: int) -> list[Value]:
    """Return the first `count` (up to four) rows of a matrix whose columns are consecutive, as vectors.

    Squares of four by four lie side by side in four vectors; two rounds of exchanges turn all of them.
    """
    square = min(4, type.width)
    part, size = type.wide(square), type.dtype.itemsize
    vectors = []
    for r in range(square):
        parts = [
            b.load(part, source.at(b, size, 0, lane), count)
            if lane < lanes
            else b.constant(part, 0)
            for lane in range(r, type.width, square)
        ]
        while len(parts) > 1:
            order = range(2 * parts[0].type.width)
            parts = [b.shuffle(x, y, order) for x, y in zip(parts[::2], parts[1::2], strict=True)]
        vectors.append(parts[0])
    distance = square // 2
    while distance:
        lower, upper = [], []
        for lane in range(type.width):
            second = bool(lane & distance)
            lower.append(type.width + lane - distance if second else lane)
            upper.append(type.width + lane if second else lane + distance)
        for r in range(square):
            if not r & distance:
                x, y = vectors[r], vectors[r + distance]
                vectors[r], vectors[r + distance] = b.shuffle(x, y, lower), b.shuffle(x, y, upper)
        distance //= 2
    return vectors[:count]
