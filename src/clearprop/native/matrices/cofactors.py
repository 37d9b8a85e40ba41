"""Cofactors, the slope of the determinant, of singular matrices, too: nothing is divided by a small number.

With the largest entry left as each pivot, P A Q = L U. What L and the exchanges contribute is inverted, of
U the adjugate is taken row by row::

    adj [U  u]  =  [d adj U   -(adj U) u]
        [0  d]     [   0         det U  ]
"""

from __future__ import annotations

from ..llvm_ir import BOOL, I64, Value
from ..math.instructions import absolute
from .elimination import swap, take_away
from .task import Rows, Task, substitute


def cofactors(task: Task) -> None:
    b, n, type, (out,) = task.b, task.order, task.row, task.outputs
    assert out is not None
    rows = task.new_rows(type)
    row_places, column_places = b.stack(I64.dtype, n), b.stack(I64.dtype, n)
    with b.loop(0, n) as copying:
        i = copying.index
        rows[i] = task.load(task.inputs[0], type, i, 0, n)
        for places in (row_places, column_places):
            b.store(i, b.offset(places, (i, 8)))
    is_odd = _eliminate(task, rows, row_places, column_places)
    found = _adjugate(task, rows)
    substitute(rows.turned, found, n, lower=False, unit=True)
    with b.loop(0, n) as down, b.loop(0, n) as along:
        i, j = down.index, along.index
        number = found.entry(i, j)
        row = b.load(I64, b.offset(row_places, (i, 8)))
        column = b.load(I64, b.offset(column_places, (j, 8)))
        at = out.at(b, type.dtype.itemsize, row, column)
        b.store(b.select(is_odd, -number, number), at)


def _eliminate(task: Task, rows: Rows, row_places: str, column_places: str) -> Value:
    """Make the matrix triangular in place; return whether the exchanges of rows and columns are odd."""
    b, n = task.b, task.order
    is_odd = b.constant(BOOL, False)
    if n == 1:
        return is_odd
    with b.loop(0, n - 1, carried=[is_odd]) as steps:
        k = steps.index
        row, column = _largest(task, rows, k)
        rows.swap(k, row)
        swap(b, I64, b.offset(row_places, (k, 8)), b.offset(row_places, (row, 8)))
        with b.loop(0, n) as each:
            i = each.index
            swap(b, task.single, rows.at(i, k), rows.at(i, column))
        swap(b, I64, b.offset(column_places, (k, 8)), b.offset(column_places, (column, 8)))
        take_away(task, rows, k)
        moved = b.compare("!=", k, row) ^ b.compare("!=", k, column)
        steps.next = [steps.carried[0] ^ moved]
    return steps.results[0]


def _largest(task: Task, rows: Rows, k: Value) -> tuple[Value, Value]:
    """Return the row and the column of the largest entry from row k and column k on."""
    b, n, type = task.b, task.order, task.row
    lanes = task.columns_of(type)
    is_left = b.compare(">=", lanes, task.column(k, type)) & b.mask(type.width, n)
    with b.loop(k, n, carried=[b.constant(task.single, -1.0), k]) as down:
        best, at = down.carried
        size = b.reduce("max", b.select(is_left, absolute(rows[down.index]), -1.0))
        better = b.compare(">", size, best)
        down.next = [b.select(better, size, best), b.select(better, down.index, at)]
    largest, row = down.results
    with b.loop(k, n, carried=[k]) as along:
        is_it = b.compare("==", absolute(rows.entry(row, along.index)), largest)
        along.next = [b.select(is_it, along.index, along.carried[0])]
    return row, along.results[0]


def _adjugate(task: Task, rows: Rows) -> Rows:
    """Return the adjugate of U, transposed."""
    b, n, type = task.b, task.order, task.row
    found = task.new_rows(type)
    lanes = task.columns_of(type)
    with b.loop(0, n, carried=[b.constant(task.single, 1.0)]) as steps:
        m = steps.index
        (determinant,) = steps.carried
        pivot = rows.entry(m, m)
        found[m] = b.constant(type, 0.0)
        with b.only_if(b.compare(">", m, 0)), b.loop(0, m) as earlier:
            j = earlier.index
            factor = b.spread(rows.entry(j, m), type.width)
            found[m] = b.fma(-factor, found[j], found[m])
            found[j] = found[j] * b.spread(pivot, type.width)
        is_here = b.compare("==", lanes, task.column(m, type))
        found[m] = b.select(is_here, b.spread(determinant, type.width), found[m])
        steps.next = [determinant * pivot]
    return found
