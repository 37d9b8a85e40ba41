"""Small matrices: the code of their inverses, solutions, factors and determinants.

A row of a matrix is one vector, of up to twice the register's width; rows wait in memory of the function's
own, where the loops over them find them. So the code of one size is short, and a stack of matrices
is a loop around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ...stages.ir import Access, Buffer, Matrices
from ...stages.matrices import columns
from ...stages.views import dense
from ..alike import Places
from ..llvm_ir import BOOL, Builder, Value
from ..products import Operand
from ..types import Type
from .cofactors import cofactors
from .determinant_of_pivots import determinant, sign_and_logarithm
from .elimination import inverse, inverse_or_nan, solution
from .task import Task
from .triangles import cholesky_factor, triangular_solution

_WRITERS: dict[str, Callable[[Task], Value | None]] = {
    "inv": inverse,
    "inv_or_nan": inverse_or_nan,
    "solve": solution,
    "solve_triangular": triangular_solution,
    "cholesky": cholesky_factor,
    "cofactors": cofactors,
    "det": determinant,
    "slogdet": sign_and_logarithm,
}
"""By the name of an operation: writes its code for one matrix, and returns whether that has no result."""


def write_matrices(b: Builder, stage: Matrices, places: Places) -> None:
    """Write the loops over a stack, and in them the operation on one matrix."""
    if stage.fails is not None:
        b.store(b.constant(BOOL, False), places.whole(stage.fails))

    def around(positions: tuple[Value, ...]) -> None:
        if len(positions) < len(stage.extents):
            with b.loop(0, stage.extents[len(positions)]) as loop:
                around((*positions, loop.index))
            return
        fails = _WRITERS[stage.name](_task(b, stage, places, positions))
        if stage.fails is not None:
            assert fails is not None
            flag = places.whole(stage.fails)
            b.store(b.load(BOOL, flag) | fails, flag)

    around(())


def work(stage: Matrices) -> float:
    """Return about how many vector operations a stack takes."""
    n = stage.order
    return math.prod(stage.extents) * n * n * (n + columns(stage)) / 16


def _task(b: Builder, stage: Matrices, places: Places, positions: tuple[Value, ...]) -> Task:
    def operand(access: Access) -> Operand:
        terms = zip(positions, access.strides, strict=False)
        size = access.buffer.dtype.itemsize
        address, far = places.entry(access)
        pointer = b.offset(address, (far, 1), *terms, size=size)
        return Operand(pointer, *access.strides[-2:])

    def result(buffer: Buffer | None) -> Operand | None:
        if buffer is None:
            return None
        each = buffer.size // math.prod(stage.extents)
        terms = zip(positions, dense(stage.extents), strict=True)
        scaled = [(position, stride * each) for position, stride in terms]
        pointer = b.offset(places.whole(buffer), *scaled, size=buffer.dtype.itemsize)
        return Operand(pointer, columns(stage), 1)

    return Task(
        b,
        Type(stage.inputs[0].buffer.dtype),
        stage.order,
        columns(stage),
        [operand(access) for access in stage.inputs],
        [result(buffer) for buffer in stage.outputs],
        stage.node.params,
    )
