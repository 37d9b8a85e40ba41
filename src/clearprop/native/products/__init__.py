"""Matrix products: the code of `left @ right`, with what follows done while the sums are in registers.

The method is that of Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication, ACM
TOMS 34, 2008): a *tile* of the result stays in registers while k runs; a *panel* of `right`, as wide as
a tile, is copied to consecutive places that stay in the caches while all rows pass by. Since sizes and
strides are known when the code is written, everything else is chosen here, by counting clock cycles:
the tile, what is copied, and in which of four ways the product is taken:

- *tiles*: lanes are columns of the result; every number of `left` is spread over a vector;
- *dots*: lanes run along k and are added up at the end, for results of very few columns;
- both also *turned*, as the transposed product, whose result is turned back by way of the workspace.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from .. import machine
from ..llvm_ir import Builder
from ..types import Type
from .dots import Dots
from .packing import Epilogue, Index, Operand, each_vector
from .tiles import Tiles
from .transposed import Turned

__all__ = ["Epilogue", "Index", "Operand", "product", "workspace_size"]

DOT_COLUMNS = 4  # results of more columns are not taken as dots


def product(
    b: Builder,
    dtype: Any,
    m: int,
    k: int,
    n: int,
    left: Operand,
    right: Operand,
    epilogue: Epilogue,
    workspace: str,
    rows: tuple[Index, int] | None = None,
) -> None:
    """Write the product of an (m, k) and a (k, n) matrix; `epilogue` gets each of its sums once.

    `workspace` is the address of `workspace_size` bytes, aligned to 64. With `rows = (first, count)`
    only these rows are taken; the first of them is row 0 for the epilogue.
    """
    type = _vector(dtype)
    if rows is not None:
        first, m = rows
        left = replace(left, pointer=left.at(b, type.dtype.itemsize, first))
    if m == 0 or n == 0:
        return
    if k == 0:
        each_vector(b, type, m, n, lambda t, i, j, c: epilogue(b, b.constant(t, 0), i, j, c))
        return
    _plan(type, m, k, n, left, right).write(b, epilogue, workspace)


def workspace_size(
    dtype: Any,
    m: int,
    k: int,
    n: int,
    left_strides: tuple[int, int],
    right_strides: tuple[int, int],
) -> int:
    """Return the bytes that a product of an (m, k) and a (k, n) matrix needs to work in.

    Strides are those of (row, column), in entries.
    """
    if 0 in (m, k, n):
        return 0
    return _bytes(_vector(dtype), m, k, n, Operand("", *left_strides), Operand("", *right_strides))


@lru_cache(maxsize=4096)
def _bytes(type: Type, m: int, k: int, n: int, left: Operand, right: Operand) -> int:
    return _plan(type, m, k, n, left, right).bytes


def _vector(dtype: Any) -> Type:
    """Return the type of one vector register of this dtype."""
    single = Type(np.dtype(dtype))
    assert single.is_float, single
    return single.wide(machine.vector_bits() // single.bits)


def _plan(
    type: Type, m: int, k: int, n: int, left: Operand, right: Operand
) -> Tiles | Dots | Turned:
    """Return the way that should take the fewest clock cycles."""
    # The stride of a dimension of one element says nothing: take the one that is best.
    left = Operand(left.pointer, left.row if m > 1 else 0, left.column if k > 1 else 1)
    right = Operand(right.pointer, right.row if k > 1 else 1, right.column if n > 1 else 1)
    ways: list[Tiles | Dots | Turned] = [Tiles(type, m, k, n, left, right)]
    ways.append(Turned(Tiles(type, n, k, m, right.turned, left.turned)))
    if n <= DOT_COLUMNS and left.column == 1:
        ways.append(Dots(type, m, k, n, left, right))
    if m <= DOT_COLUMNS and right.row == 1:
        ways.append(Turned(Dots(type, n, k, m, right.turned, left.turned)))
    return min(ways, key=lambda way: way.cycles)
