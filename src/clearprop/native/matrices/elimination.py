"""Gaussian elimination with partial pivoting, as LAPACK has it, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..llvm_ir import BOOL, I64, Builder, Value
from ..math.instructions import absolute, maximum
from ..products import Index
from ..types import Type
from .task import Rows, Task, substitute


@dataclass(frozen=True)
class Factors:
    """L, below the diagonal, and U of a matrix whose rows were put into another order."""

    b: Builder
    rows: Rows
    places: str
    """The address of the places that the rows had before."""
    is_odd: Value
    """Whether the new order is an odd number of exchanges away."""
    pivots: Value
    """The diagonal of U, and ones in the lanes beyond it."""
    columns: Value
    """The size of the largest entry of each column of the matrix."""

    @property
    def is_singular(self) -> Value:
        return self.b.reduce("or", self.b.compare("==", self.pivots, 0.0))

    @property
    def is_doubtful(self) -> Value:
        """Whether a pivot may be nothing but rounding, so that another order of sums might give 0.

        NumPy raises an error where its library finds 0, and then decides for itself.
        """
        return is_rounding(self.b, absolute(self.pivots), self.columns, self.rows.order)

    def place(self, i: Index) -> Value:
        return self.b.load(I64, self.b.offset(self.places, (i, 8)))


def eliminate(task: Task) -> Factors:
    """Return the factors of a matrix. Singular ones have some, too, in which not all is finite."""
    b, n, type = task.b, task.order, task.row
    rows, places = task.new_rows(type), b.stack(I64.dtype, n)
    with b.loop(0, n, carried=[b.constant(type, 0.0)]) as copying:
        i = copying.index
        row = rows[i] = task.load(task.inputs[0], type, i, 0, n)
        b.store(i, b.offset(places, (i, 8)))
        copying.next = [maximum(absolute(row), copying.carried[0])]
    is_odd = b.constant(BOOL, False)
    if n > 1:
        with b.loop(0, n - 1, carried=[is_odd]) as steps:
            k = steps.index
            at = _largest(b, rows, k, n)
            rows.swap(k, at)
            swap(b, I64, b.offset(places, (k, 8)), b.offset(places, (at, 8)))
            take_away(task, rows, k)
            steps.next = [steps.carried[0] ^ b.compare("!=", k, at)]
        (is_odd,) = steps.results
    return Factors(b, rows, places, is_odd, rows.diagonal(), copying.results[0])


def is_rounding(b: Builder, pivots: Value, before: Value, order: int) -> Value:
    """Return whether of a pivot is left no more than rounding of what stood in its place before."""
    smallest = before * (8 * order * float(np.finfo(before.type.dtype).eps))
    return b.reduce("or", b.compare("<=", pivots, smallest))


def _largest(b: Builder, rows: Rows, k: Value, n: int) -> Value:
    """Return the row from k on of which the entry in column k is the largest; the first of several."""
    with b.loop(k + 1, n, carried=[absolute(rows.entry(k, k)), k]) as search:
        best, at = search.carried
        size = absolute(rows.entry(search.index, k))
        better = b.compare(">", size, best)
        search.next = [b.select(better, size, best), b.select(better, search.index, at)]
    return search.results[1]


def swap(b: Builder, type: Type, one: str, other: str) -> None:
    """Exchange two numbers in memory."""
    x, y = b.load(type, one), b.load(type, other)
    b.store(x, other)
    b.store(y, one)


def take_away(task: Task, rows: Rows, k: Value) -> None:
    """Take a multiple of row k away from each later one; the multiples stay in column k.

    A pivot of 0 has only zeros below it, which are no multiples.
    """
    b, type = task.b, task.row
    lanes, here = task.columns_of(type), task.column(k, type)
    is_right, is_here = b.compare(">", lanes, here), b.compare("==", lanes, here)
    pivot = rows.entry(k, k)
    right = b.select(is_right, rows[k], 0.0)
    with b.loop(k + 1, task.order) as later:
        i = later.index
        multiple = b.select(b.compare("==", pivot, 0.0), 0.0, rows.entry(i, k) / pivot)
        factor = b.spread(multiple, type.width)
        rows[i] = b.select(is_here, factor, b.fma(-factor, right, rows[i]))


def _solve(task: Task, factors: Factors, right: Callable[[Index, Index, int], Value]) -> None:
    """Write the solution; `right` loads part of a row of the right-hand side, from a column on."""
    b, n, (out,) = task.b, task.order, task.outputs
    assert out is not None
    x = task.new_rows(task.block)
    for start, lanes in task.blocks():
        with b.loop(0, n) as copying:
            x[copying.index] = right(factors.place(copying.index), start, lanes)
        substitute(factors.rows, x, n, lower=True, unit=True)
        substitute(factors.rows, x, n, lower=False, unit=False)
        with b.loop(0, n) as copying:
            task.store(x[copying.index], out, copying.index, start, lanes)


def solution(task: Task) -> Value:
    factors = eliminate(task)

    def right(i: Index, start: Index, lanes: int) -> Value:
        return task.load(task.inputs[1], task.block, i, start, lanes)

    _solve(task, factors, right)
    return factors.is_doubtful


def inverse(task: Task) -> Value:
    factors = eliminate(task)
    _solve(task, factors, lambda i, start, lanes: _unit_row(task, i, start))
    return factors.is_doubtful


def inverse_or_nan(task: Task) -> None:
    """Write the inverse; of a singular matrix NaN, which the right-hand side brings along."""
    b, type, factors = task.b, task.block, eliminate(task)
    one = b.select(factors.is_singular, b.constant(task.single, np.nan), 1.0)

    def right(i: Index, start: Index, lanes: int) -> Value:
        return _unit_row(task, i, start) * b.spread(one, type.width)

    _solve(task, factors, right)


def _unit_row(task: Task, i: Index, start: Index) -> Value:
    """Return part of a row of the identity, from a column on."""
    b, type = task.b, task.block
    lanes = task.columns_of(type) + task.column(start, type)
    return b.select(b.compare("==", lanes, task.column(i, type)), b.constant(type, 1.0), 0.0)
