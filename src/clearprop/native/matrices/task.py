"""What is to be done with one matrix, and rows of matrices as vectors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import machine
from ..llvm_ir import Builder, Value
from ..products import Index, Operand
from ..types import I32, Type


@dataclass(frozen=True)
class Rows:
    """A matrix in memory of the function's own, each row a vector; what lies beyond its columns is
    anything.
    """

    b: Builder
    type: Type
    memory: Operand
    order: int
    """How many rows there are."""

    def __getitem__(self, i: Index) -> Value:
        return self.b.load(self.type, self.at(i))

    def __setitem__(self, i: Index, x: Value) -> None:
        self.b.store(x, self.at(i))

    def entry(self, i: Index, j: Index) -> Value:
        return self.b.load(self.type.wide(1), self.at(i, j))

    def diagonal(self) -> Value:
        """Return the diagonal of a square matrix, and ones in the lanes beyond it."""
        b, type = self.b, self.type
        if type.width == 1:
            return self[0]
        found = b.gather(type, self.memory.pointer, type.width + 1, self.order)
        return b.select(b.mask(type.width, self.order), found, 1.0)

    @property
    def turned(self) -> Operand:
        """The transposed matrix."""
        return self.memory.turned

    def swap(self, i: Index, j: Index) -> None:
        self[i], self[j] = self[j], self[i]

    def at(self, i: Index, j: Index = 0) -> str:
        """Return the address of an entry, by default that of a row."""
        return self.memory.at(self.b, self.type.dtype.itemsize, i, j)


@dataclass(frozen=True)
class Task:
    """An operation on one matrix, with its right-hand side if it has one."""

    b: Builder
    single: Type
    order: int
    columns: int
    """Of the right-hand side, or of the result."""
    inputs: Sequence[Operand]
    outputs: Sequence[Operand | None]
    params: Mapping[str, Any]

    @property
    def row(self) -> Type:
        """The vector of a square matrix's row."""
        return self._vector(self.order)

    @property
    def block(self) -> Type:
        """The vector of as many columns of the right-hand side as go at once."""
        widest = 2 * machine.vector_bits() // self.single.bits
        return self._vector(min(self.columns, widest))

    def blocks(self) -> Iterator[tuple[Index, int]]:
        """Write a loop over the columns, block by block: yield the first of a block, and how many it has."""
        width = self.block.width
        whole = self.columns // width * width
        if whole:
            with self.b.loop(0, whole, width) as loop:
                yield loop.index, width
        if whole < self.columns:
            yield whole, self.columns - whole

    def new_rows(self, type: Type) -> Rows:
        pointer = self.b.stack(type.dtype, self.order * type.width)
        return Rows(self.b, type, Operand(pointer, type.width, 1), self.order)

    def load(self, source: Operand, type: Type, i: Index, j: Index, lanes: int) -> Value:
        """Load part of a row, from column j on."""
        pointer = source.at(self.b, type.dtype.itemsize, i, j)
        if type.width == 1 or source.column == 1:
            return self.b.load(type, pointer, lanes)
        return self.b.gather(type, pointer, source.column, lanes)

    def store(self, x: Value, target: Operand, i: Index, j: Index, lanes: int) -> None:
        """Store part of a row, from column j on."""
        pointer = target.at(self.b, x.type.dtype.itemsize, i, j)
        if x.type.width == 1 or target.column == 1:
            self.b.store(x, pointer, lanes)
        else:
            self.b.scatter(x, pointer, target.column, lanes)

    def columns_of(self, type: Type) -> Value:
        """Return 0, 1, 2, ... across the lanes of a row, to compare with."""
        return self.b.counting(I32.wide(type.width))

    def column(self, j: Index, type: Type) -> Value:
        """Return the number of a column in every lane of a row, to compare with."""
        if isinstance(j, int):
            return self.b.constant(I32.wide(type.width), j)
        return self.b.spread(self.b.convert(j, "i4"), type.width)

    def _vector(self, columns: int) -> Type:
        return self.single.wide(2 ** math.ceil(math.log2(columns)))


def substitute(a: Rows | Operand, x: Rows, order: int, *, lower: bool, unit: bool) -> None:
    """Solve a triangular system in place: `x` holds the right-hand side, then the solution.

    Only one triangle of `a` is read; with `unit`, its diagonal is taken to be ones.
    """
    b, single = x.b, x.type.wide(1)
    memory = a.memory if isinstance(a, Rows) else a

    def entry(i: Index, j: Index) -> Value:
        number = b.load(single, memory.at(b, single.dtype.itemsize, i, j))
        return b.spread(number, x.type.width)

    def finish(i: Index, total: Value) -> None:
        x[i] = total if unit else total / entry(i, i)

    first = 0 if lower else order - 1
    finish(first, x[first])
    if order == 1:
        return
    with b.loop(1, order) as rows:
        i = rows.index if lower else (order - 1) - rows.index
        bounds: tuple[Index, Index] = (0, i) if lower else (i + 1, order)
        with b.loop(*bounds, carried=[x[i]]) as terms:
            j = terms.index
            terms.next = [b.fma(-entry(i, j), x[j], terms.carried[0])]
        finish(i, terms.results[0])
