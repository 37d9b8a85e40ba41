"""The product with lanes along k, which are added up at the end."""

from __future__ import annotations

from dataclasses import replace

from ..llvm_ir import Builder, Value
from ..types import Type
from .packing import CHAINS, Epilogue, Index, Operand, added, aligned, balanced, plus, side_by_side


class Dots:
    """The product as sums along k, for a result of very few columns."""

    def __init__(self, type: Type, m: int, k: int, n: int, left: Operand, right: Operand) -> None:
        self.type, self.m, self.k, self.n, self.left, self.right = type, m, k, n, left, right
        self.pack_right = right.row != 1
        self.bytes = aligned(n * k * type.dtype.itemsize) if self.pack_right else 0
        self.rows = balanced(m, max(1, CHAINS // n))

    @property
    def cycles(self) -> float:
        """An estimate of what the product takes, in clock cycles."""
        cycles = self.m * self.n * (-(-self.k // self.type.width) * 0.7 + 8)
        return cycles + (self.n * self.k * 1.5 if self.pack_right else 0)

    def write(self, b: Builder, epilogue: Epilogue, workspace: str) -> None:
        """Write the code: some rows at a time."""
        size, single = self.type.dtype.itemsize, self.type.wide(1)
        right = self.right
        if self.pack_right:
            for j in range(self.n):
                with b.loop(0, self.k) as loop:
                    number = b.load(single, self.right.at(b, size, loop.index, j))
                    b.store(number, b.offset(workspace, (loop.index, 1), (j, self.k), size=size))
            right = Operand(workspace, 1, self.k)
        for start, rows, count in self.rows:
            with b.loop(0, count * rows, rows) as tile:
                i = plus(tile.index, start)
                left = replace(self.left, pointer=self.left.at(b, size, i))
                sums = self._sums(b, rows, left, right)
                for r in range(rows):
                    epilogue(b, side_by_side(b, sums[r]), plus(i, r), 0, self.n)

    def _sums(self, b: Builder, rows: int, left: Operand, right: Operand) -> list[list[Value]]:
        type, size = self.type, self.type.dtype.itemsize
        parts = max(1, CHAINS // (rows * self.n))  # sums of their own, to have enough under way

        def several(p: Index, sums: list[Value], vectors: int, lanes: int) -> list[Value]:
            sums = list(sums)
            from_left = replace(left, pointer=left.at(b, size, 0, p))
            from_right = replace(right, pointer=right.at(b, size, p, 0))
            for part in range(vectors):
                q = part * type.width
                ys = [b.load(type, from_right.at(b, size, q, j), lanes) for j in range(self.n)]
                for r in range(rows):
                    x = b.load(type, from_left.at(b, size, r, q), lanes)
                    for j, y in enumerate(ys):
                        at = (part * rows + r) * self.n + j
                        sums[at] = b.fma(x, y, sums[at])
            return sums

        sums = [b.constant(type, 0)] * (rows * self.n * parts)
        step = type.width * parts
        whole = self.k - self.k % step
        if whole:
            with b.loop(0, whole, step, sums) as loop:
                loop.next = several(loop.index, loop.carried, parts, type.width)
            sums = loop.results
        vectors, rest = divmod(self.k - whole, type.width)
        sums = several(whole, sums, vectors, type.width)
        if rest:
            sums = several(whole + vectors * type.width, sums, 1, rest)
        totals = [b.reduce("add", total) for total in added(sums, rows * self.n)]
        return [totals[r * self.n : (r + 1) * self.n] for r in range(rows)]
