"""A nest of the stages as LLVM IR."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..stages.buffers import aligned
from ..stages.ir import Access, Accumulate, Compute, Nest, Sums
from ..stages.operations import COSTS
from . import machine, pool, products
from .alike import Places
from .expression_writer import ExpressionWriter, Point
from .llvm_ir import Builder, Value
from .loops import Loops
from .operation_code import identity
from .partition import Part, parts_of
from .rows import Rows
from .types import Type

_ENOUGH = 8_000
"""Vector operations that make a part: some microseconds, well above what sharing costs."""
_MOST_PARTS = 16
"""Of a nest: more threads than that are not used."""


def write_nest(
    b: Builder, nest: Nest, places: Places, workspace: str, part: tuple[Value, int] | None = None
) -> None:
    """Write a nest, or of a nest in parts one: its number and how many there are.

    `workspace` is the address of `workspace_bytes(nest)` bytes. The parts of a nest in tiles are those.
    """
    loops = None
    if nest.product is None:
        writer = Rows if Rows.suits(nest) else Loops
        loops = writer(b, nest, places)
        if part is not None:
            axis = 0 if nest.tiles is not None else loops.split_axis()[0]
            loops.part = Part(axis, *part)
    for effect in nest.effects:
        if isinstance(effect, Accumulate):
            _fill(b, effect, places, nest, loops.part if loops else None)
    if loops is not None:
        loops.write()
    else:
        Epilogue(b, nest, places).write(workspace, part)


def parts(nest: Nest) -> int:
    """Return in how many parts threads may compute a nest by itself."""
    if nest.tiles is not None:
        return 1
    adds = [e.access for e in nest.effects if isinstance(e, Accumulate)]
    most = int(min(_MOST_PARTS, work(nest) // _ENOUGH))
    if nest.product is not None:
        if adds:
            return 1
        if len(nest.extents) > 2:
            return parts_of(nest.extents[0], most)
        most = min(most, 2 * pool.num_threads())  # each part copies all of the right factor
        return next((n for n in range(most, 1, -1) if nest.extents[0] % n == 0), 1)
    if most < 2 or len(nest.reduced) == len(nest.extents):
        return 1
    writer = Rows if Rows.suits(nest) else Loops
    axis, step = writer(Builder(), nest, Places()).split_axis()
    if not all(access.is_apart(axis, nest.extents[axis]) for access in adds):
        return 1  # they would write to the same places
    return parts_of(nest.extents[axis] // step, most)


def work(nest: Nest) -> float:
    """Return about how many vector operations a nest takes."""
    points = math.prod(nest.extents)
    if nest.product is not None:
        points *= nest.product.inner
        return points / 16
    costs = sum(COSTS[e.operation] if isinstance(e, Compute) else 1 for e in nest.expressions())
    return points * costs / 16


def threads_of(nests: Sequence[Nest]) -> int:
    """Return in how many parts threads may compute nests in tiles: each has memory of its own."""
    tiles = nests[0].tiles
    assert tiles is not None
    most = int(sum(map(work, nests)) // _ENOUGH)
    threads = pool.num_threads()
    return parts_of(tiles.count, min(most, 2 * threads if threads > 1 else 1))


def workspace_bytes(nest: Nest) -> int:
    """Return the bytes that the product of a nest needs to work in, in all its parts."""
    return parts(nest) * _part_bytes(nest, parts(nest))


def _part_bytes(nest: Nest, count: int) -> int:
    """Return the bytes that one of `count` parts of a product needs to work in, a multiple of `ALIGNMENT`."""
    if nest.product is None:
        return 0
    p, (m, n) = nest.product, nest.extents[-2:]
    rows = m if len(nest.extents) > 2 else m // count
    left, right = p.left.strides[-2:], p.right.strides[-2:]
    size = products.workspace_size(
        p.dtype, rows, p.inner, n, (left[0], left[1]), (right[0], right[1])
    )
    return aligned(size)


def _fill(b: Builder, effect: Accumulate, places: Places, nest: Nest, part: Part | None) -> None:
    """Let the memory of an accumulation start from what it must; a part's, where it is in parts."""
    buffer = effect.access.buffer
    single, pointer, size = Type(buffer.dtype), places.whole(buffer), buffer.size
    own = nest.tiles is not None and buffer in nest.tiles.own
    if own:
        part = None
    if part is not None:
        size = effect.access.strides[part.axis]
    width = min(machine.vector_bits() // single.bits, 2 ** (size.bit_length() - 1))
    start = b.constant(single.wide(width), identity(effect.how, single))

    def fill(pointer: str) -> None:
        whole = size // width * width
        with b.loop(0, whole, width) as loop:
            b.store(start, b.offset(pointer, (loop.index, 1), size=buffer.dtype.itemsize))
        if whole < size:
            rest = b.offset(pointer, (whole, 1), size=buffer.dtype.itemsize)
            b.store(start, rest, lanes=size - whole)

    if part is None:
        fill(pointer)
        return
    with b.loop(*part.bounds(b, nest.extents[part.axis], 1)) as loop:
        fill(b.offset(pointer, (loop.index, size), size=buffer.dtype.itemsize))


class Epilogue(ExpressionWriter):
    """A product and what is done with its sums."""

    def write(self, workspace: str, part: tuple[Value, int] | None = None) -> None:
        rows = None
        bounds: tuple[Value | int, Value | int] | None = None
        if part is not None:
            number, count = part
            if self.nest.tiles is None:
                workspace = self.b.offset(workspace, (number, _part_bytes(self.nest, count)))
            if len(self.nest.extents) > 2:
                bounds = Part(0, number, count).bounds(self.b, self.nest.extents[0], 1)
            else:
                size = self.nest.extents[0] // count
                rows = number * size, size
        self._batch(range(len(self.nest.extents) - 2), {}, workspace, rows, bounds)

    def _batch(
        self,
        axes: Sequence[int],
        positions: dict[int, Value | int],
        workspace: str,
        rows: tuple[Value, int] | None,
        bounds: tuple[Value | int, Value | int] | None,
    ) -> None:
        """Write the product for each matrix of a stack (or from one to another), or for some of its rows."""
        if axes:
            axis, *rest = axes
            with self.b.loop(*(bounds or (0, self.nest.extents[axis]))) as loop:
                inside = {**positions, axis: loop.index}
                self._batch(rest, inside, workspace, rows, None)
            return
        p = self.nest.product
        assert p is not None

        def operand(access: Access) -> products.Operand:
            terms = [(at, access.strides[axis]) for axis, at in positions.items()]
            address, far = self.places.entry(access)
            pointer = self.b.offset(address, (far, 1), *terms, size=p.dtype.itemsize)
            return products.Operand(pointer, *access.strides[-2:])

        def finish(b: Builder, sums: Value, i: products.Index, j: products.Index, n: int) -> None:
            row = i if rows is None else rows[0] + i
            self._finish(sums, {**positions, len(positions): row, len(positions) + 1: j}, n)

        m, n = self.nest.extents[-2:]
        left, right = operand(p.left), operand(p.right)
        products.product(self.b, p.dtype, m, p.inner, n, left, right, finish, workspace, rows)

    def _finish(self, sums: Value, positions: dict[int, Value | int], lanes: int) -> None:
        self.width = sums.type.width
        point = Point(positions, lanes)
        for e in self.nest.expressions():
            if isinstance(e, Sums):
                point.known[e] = sums
        self.write_effects(self.nest.effects, point)
