"""Either way for the transposed product, whose result is turned back by way of the workspace."""

from __future__ import annotations

from dataclasses import replace

from ..llvm_ir import Builder, Value
from ..types import Type
from .dots import Dots
from .packing import Epilogue, Index, Operand, aligned, copy, each_vector, plus
from .tiles import Tiles


class Turned:
    """A product taken as the transposed one, of the transposed factors."""

    def __init__(self, way: Tiles | Dots) -> None:
        self.way = way
        self.type, self.m, self.n = way.type, way.n, way.m
        size, width = self.type.dtype.itemsize, self.type.width
        self.result_bytes = aligned(self.m * self.n * size)
        # Where one vector of columns of the result is turned back, if its rows are not vectors yet.
        self.column_bytes = aligned(self.m * width * size) if self.m > 1 and self.n > 1 else 0
        self.bytes = self.result_bytes + self.column_bytes + way.bytes

    @property
    def cycles(self) -> float:
        """An estimate of what the product takes, in clock cycles."""
        return self.way.cycles + self.m * self.n * 0.8

    def write(self, b: Builder, epilogue: Epilogue, workspace: str) -> None:
        """Write the transposed product to the workspace, then hand it on in rows."""
        type, size, width = self.type, self.type.dtype.itemsize, self.type.width
        turned = Operand(workspace, self.m, 1)
        result = turned.turned
        column = b.offset(workspace, (self.result_bytes, 1))

        def keep(b: Builder, sums: Value, j: Index, i: Index, lanes: int) -> None:
            b.store(sums, turned.at(b, size, j, i), lanes)

        self.way.write(b, keep, b.offset(column, (self.column_bytes, 1)))
        if self.m == 1 or self.n == 1:

            def hand_on(t: Type, i: Index, j: Index, lanes: int) -> None:
                epilogue(b, b.load(t, result.at(b, size, i, j), lanes), i, j, lanes)

            each_vector(b, type, self.m, self.n, hand_on)
            return
        whole = self.n - self.n % width
        kinds = [(0, width, whole // width), (whole, self.n - whole, int(whole < self.n))]
        for start, lanes, count in kinds:
            if count:
                with b.loop(0, count * width, width) as loop:
                    j = plus(loop.index, start)
                    source = replace(result, pointer=result.at(b, size, 0, j))
                    copy(b, type, self.m, lanes, source, column, width)
                    with b.loop(0, self.m) as row:
                        sums = b.load(type, b.offset(column, (row.index, width), size=size))
                        epilogue(b, sums, row.index, j, lanes)
