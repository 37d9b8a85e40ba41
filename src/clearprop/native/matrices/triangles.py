"""Cholesky factors, and systems that are triangular from the start."""

from __future__ import annotations

from ..llvm_ir import BOOL, Value
from ..math.instructions import sqrt
from .elimination import is_rounding
from .task import Task, substitute


def cholesky_factor(task: Task) -> Value:
    """Write U with Uᵀ U = A from A's upper triangle, row by row; the lower factor is that of the
    transposed matrix, turned.
    """
    b, n, type, (a,), (out,) = task.b, task.order, task.row, task.inputs, task.outputs
    assert out is not None
    if not task.params["upper"]:
        a, out = a.turned, out.turned
    rows = task.new_rows(type)
    with b.loop(0, n) as copying:
        rows[copying.index] = task.load(a, type, copying.index, 0, n)
    before = rows.diagonal()
    squares = b.stack(task.single.dtype, type.width)
    b.store(before, squares)
    with b.loop(0, n) as steps:
        k = steps.index
        square = rows.entry(k, k)
        b.store(square, b.offset(squares, (k, task.single.dtype.itemsize)))
        above = rows[k] / b.spread(sqrt(square), type.width)
        is_below = b.compare("<", task.columns_of(type), task.column(k, type))
        row = rows[k] = b.select(is_below, 0.0, above)
        task.store(row, out, k, 0, n)
        more = b.compare("<", k, n - 1)
        with b.only_if(more), b.loop(k + 1, n) as later:
            i = later.index
            factor = b.spread(rows.entry(k, i), type.width)
            rows[i] = b.fma(-factor, row, rows[i])
    pivots = b.load(type, squares)
    return is_rounding(b, pivots, before, n) | b.reduce("or", b.is_nan(pivots))


def triangular_solution(task: Task) -> Value:
    b, n, type, (a, right), (out,) = task.b, task.order, task.block, task.inputs, task.outputs
    assert out is not None
    lower, unit = task.params["lower"], task.params["unit_diagonal"]
    if task.params["trans"]:
        a, lower = a.turned, not lower
    x = task.new_rows(type)
    for start, lanes in task.blocks():
        with b.loop(0, n) as copying:
            x[copying.index] = task.load(right, type, copying.index, start, lanes)
        substitute(a, x, n, lower=lower, unit=unit)
        with b.loop(0, n) as copying:
            task.store(x[copying.index], out, copying.index, start, lanes)
    fails = b.constant(BOOL, False)
    if unit:
        return fails
    with b.loop(0, n, carried=[fails]) as diagonal:
        i = diagonal.index
        number = b.load(task.single, a.at(b, task.single.dtype.itemsize, i, i))
        diagonal.next = [diagonal.carried[0] | b.compare("==", number, 0.0)]
    return diagonal.results[0]
