"""Triangular systems, and the factorizations that make them: Cholesky and LU."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as sp

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.arrays import as_array
from ..engine.broadcasting import broadcast_shapes
from ..engine.bundle import Bundle
from ..engine.primitive import Sample, floats, primitive, together
from ..engine.spec import ArraySpec
from ..engine.tensor_parameters import plain_parameters
from ..ops.linalg_common import column, solve_right, well_conditioned
from .batching import (
    COMPLEX,
    ONE,
    STACK,
    each_matrix,
    is_plain,
    one_or_more,
    one_or_more_square,
    right_hand_sides,
    system_spec,
)


def _solve_triangular(a: Array, b: Array, trans: int, lower: bool, unit_diagonal: bool) -> Array:
    def one(a: Array, b: Array) -> Array:
        return sp.solve_triangular(a, b, trans, lower, unit_diagonal)

    return each_matrix(one, a, b)[0]


def solve_triangular_vjp(
    g: Array, out: Array, a: Array, b: Array, trans: int, lower: bool, unit_diagonal: bool
) -> tuple[Array, Array]:
    gb = _triangular(a, g, trans=1 - trans, lower=lower, unit_diagonal=unit_diagonal)
    outer = out @ gb.mT if trans else gb @ out.mT
    k = -1 if unit_diagonal else 0
    return -(np.tril(outer, k) if lower else np.triu(outer, -k)), gb


_triangular = primitive(
    "solve_triangular",
    _solve_triangular,
    spec=system_spec,
    vjp=together(solve_triangular_vjp),
    role="mixes",
    why="The gradient of the right-hand side solves the transposed system; the matrix gets its triangle of "
    "minus their product.",
    samples=(
        Sample(ONE, floats(3, 2), trans=0, lower=True, unit_diagonal=False),
        Sample(ONE, floats(3, 1), trans=1, lower=False, unit_diagonal=True),
        Sample(STACK, floats(3, 2), trans=0, lower=False, unit_diagonal=False),
        Sample(COMPLEX, floats(2, 3, 2), trans=1, lower=True, unit_diagonal=False),
    ),
)


@plain_parameters
def solve_triangular(
    a: ArrayLike,
    b: ArrayLike,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> AnyArray:
    """Compute `scipy.linalg.solve_triangular`: x with ``a @ x = b`` for a triangular `a`.

    Parameters
    ----------
    a : shape (..., n, n); only the triangle named by `lower` is read, and gets a gradient
    b : shape (n,) or (..., n, k)
    trans : 0 or "N": a x = b; 1 or "T": aᵀ x = b; 2 or "C": aᴴ x = b
    unit_diagonal : take the diagonal of `a` to be ones

    Raises
    ------
    ShapeError : `a` is not square, or `b` does not fit. LinAlgError : there is a zero on the diagonal.

    >>> import clearprop
    >>> a = clearprop.tensor([[2.0, 0.0], [1.0, 4.0]])
    >>> solve_triangular(a, np.array([2.0, 5.0]), lower=True)[1].backward()
    >>> a.grad
    array([[ 0.125,  0.   ],
           [-0.25 , -0.25 ]])
    """
    if is_plain(a, b):
        return sp.solve_triangular(a, b, trans, lower, unit_diagonal, overwrite_b, check_finite)
    a = one_or_more_square("solve_triangular", a)
    b, is_vector = right_hand_sides("solve_triangular", a, b)
    turns: dict[int | str, int | str] = {"N": 0, "T": 1, "C": 2}
    turn = turns.get(trans, trans)
    if turn == 2:
        a, turn = np.conj(a), 1
    x = _triangular(a, b, trans=turn, lower=bool(lower), unit_diagonal=bool(unit_diagonal))
    return x[..., 0] if is_vector else x


# ---- Cholesky


@plain_parameters
def cholesky(
    a: ArrayLike, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> AnyArray:
    """Compute `scipy.linalg.cholesky`: the upper (or lower) triangular factor of a positive definite matrix.

    Parameters
    ----------
    a : shape (..., n, n); only the triangle named by `lower` is read, the gradient belongs to both
    lower : return `l` with ``a = l @ lᴴ`` instead of `u` with ``a = uᴴ @ u``

    Raises
    ------
    ShapeError : `a` is not square. LinAlgError : it is not positive definite.

    >>> import clearprop
    >>> a = clearprop.tensor([[4.0, 2.0], [2.0, 5.0]])
    >>> cholesky(a, lower=True)[1, 1].backward()
    >>> a.grad
    array([[ 0.0625, -0.125 ],
           [-0.125 ,  0.25  ]])
    """
    if is_plain(a):
        return sp.cholesky(a, lower, overwrite_a, check_finite)
    return np.linalg.cholesky(one_or_more_square("cholesky", a), upper=not lower)


@plain_parameters
def cho_factor(
    a: ArrayLike, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[AnyArray, bool]:
    """Compute `scipy.linalg.cho_factor`: ``(c, lower)`` for `cho_solve`.

    SciPy leaves what it likes in the other triangle of `c`; that of a Tensor has zeros there.

    Parameters
    ----------
    a : shape (..., n, n), positive definite; only the triangle named by `lower` is read

    Raises
    ------
    ShapeError : `a` is not square. LinAlgError : it is not positive definite.

    >>> import clearprop
    >>> cho_factor(clearprop.tensor([[4.0]]), lower=True)
    (tensor([[2.]], made by cholesky), True)
    """
    if is_plain(a):
        return sp.cho_factor(a, lower, overwrite_a, check_finite)
    return cholesky(a, lower), lower


@plain_parameters
def cho_solve(
    c_and_lower: tuple[ArrayLike, bool],
    b: ArrayLike,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> AnyArray:
    """Compute `scipy.linalg.cho_solve`: x with ``a @ x = b`` from what `cho_factor` gave for `a`.

    Parameters
    ----------
    c_and_lower : the factor, of shape (..., n, n), and whether it is the lower one
    b : shape (n,) or (..., n, k)

    Raises
    ------
    ShapeError : the factor is not square, or `b` does not fit.

    >>> import clearprop
    >>> b = clearprop.tensor([2.0, 8.0])
    >>> cho_solve(cho_factor(np.diag([1.0, 4.0])), b)[1].backward()
    >>> b.grad
    array([0.  , 0.25])
    """
    c, lower = c_and_lower
    if is_plain(c, b):
        return sp.cho_solve(c_and_lower, b, overwrite_b, check_finite)
    first, second = ("N", "C") if lower else ("C", "N")
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)


# ---- LU


def _lu_factor(a: Array) -> Bundle:
    return Bundle(each_matrix(sp.lu_factor, a))


def _lu_spec(a: Array) -> Bundle:
    count = min(a.shape[-2:])
    return Bundle(
        [ArraySpec(a.shape, a.dtype), ArraySpec((*a.shape[:-2], count), np.dtype(np.intc))]
    )


def _split(packed: Array) -> tuple[Array, Array]:
    """Return both factors of what `lu_factor` gives."""
    k = min(packed.shape[-2:])
    ones = np.eye(packed.shape[-2], k, dtype=packed.dtype)
    return np.tril(packed[..., :k], -1) + ones, np.triu(packed[..., :k, :])


def lu_factor_vjp(g: Bundle, out: Bundle, a: Array) -> Array:
    packed, pivots = out
    lower, upper = _split(packed)
    k = min(a.shape[-2:])
    to_lower, to_upper = np.tril(g[0][..., :k], -1), np.triu(g[0][..., :k, :])
    top, left = lower[..., :k, :], upper[..., :k]
    to_top, to_left = to_lower[..., :k, :], to_upper[..., :k]
    below = beside = None
    if a.shape[-2] > k:  # the rows below are solved for by the upper factor
        below = solve_right(to_lower[..., k:, :], left.mT)
        to_left = to_left - np.triu(lower[..., k:, :].mT @ below)
    if a.shape[-1] > k:  # the columns beside by the lower one
        beside = np.linalg.solve(top.mT, to_upper[..., k:])
        to_top = to_top - np.tril(beside @ upper[..., k:].mT, -1)
    inner = np.tril(top.mT @ to_top, -1) + np.triu(to_left @ left.mT)
    whole = solve_right(np.linalg.solve(top.mT, inner), left.mT)
    if below is not None:
        whole = np.concatenate([whole, below], -2)
    if beside is not None:
        whole = np.concatenate([whole, beside], -1)
    return _rows(whole, _places(pivots, a.shape[-2]))


_lu_record = primitive(
    "lu_factor",
    _lu_factor,
    spec=_lu_spec,
    vjp=(lu_factor_vjp,),
    role="mixes",
    why="Both triangles of the factors send their part of the gradient back, in the order of the rows.",
    samples=(
        Sample(ONE[[2, 0, 1]]),
        Sample(STACK[:, ::-1]),
        Sample(well_conditioned(4, 2)[::-1]),
        Sample(well_conditioned(2, 4)[::-1]),
        Sample(COMPLEX[[1, 2, 0]]),
    ),
)


def _row_order(pivots: Array, rows: int) -> Array:
    order = np.broadcast_to(np.arange(rows), (*pivots.shape[:-1], rows)).copy()
    for i in range(pivots.shape[-1]):
        chosen = pivots[..., i, None].astype(np.intp)
        here, there = order[..., i, None].copy(), np.take_along_axis(order, chosen, -1)
        np.put_along_axis(order, chosen, here, -1)
        order[..., i, None] = there
    return order


def _order_spec(pivots: Array, rows: int) -> ArraySpec:
    return ArraySpec((*pivots.shape[:-1], rows), np.dtype(int))


_order = primitive(
    "row_order",
    _row_order,
    spec=_order_spec,
    why="Which row comes first is no matter of degree.",
    samples=(Sample(np.array([2, 1, 2]), rows=3), Sample(np.array([3, 3]), rows=4)),
)
"""Which row of the matrix each row of the factors is, from the exchanges that were made."""


def _places(pivots: Array, rows: int) -> Array:
    """Return where in the factors each row of the matrix went."""
    return np.argsort(_order(pivots, rows=rows), -1)


def _rows(x: Array, order: Array) -> Array:
    return np.take_along_axis(x, np.broadcast_to(column(order), x.shape), -2)


@plain_parameters
def lu_factor(
    a: ArrayLike, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[AnyArray, AnyArray]:
    """Compute `scipy.linalg.lu_factor`: ``(lu, piv)`` for `lu_solve`.

    Parameters
    ----------
    a : shape (..., m, n)

    Raises
    ------
    ShapeError : `a` has no two axes.

    >>> import clearprop
    >>> a = clearprop.tensor([[1.0, 2.0], [4.0, 6.0]])
    >>> packed, pivots = lu_factor(a)
    >>> packed[1, 1].backward()  # 2 - 1/4 * 6
    >>> print(packed[1, 1], a.grad)
    0.5 [[-1.5    1.   ]
     [ 0.375 -0.25 ]]
    """
    if is_plain(a):
        return sp.lu_factor(a, overwrite_a, check_finite)
    return tuple(_lu_record(one_or_more("lu_factor", a)))


@plain_parameters
def lu_solve(
    lu_and_piv: tuple[ArrayLike, ArrayLike],
    b: ArrayLike,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> AnyArray:
    """Compute `scipy.linalg.lu_solve`: x with ``a @ x = b`` from what `lu_factor` gave for `a`.

    Parameters
    ----------
    lu_and_piv : the factors, of shape (..., n, n), and the exchanges of rows
    b : shape (n,) or (..., n, k)
    trans : 0: a x = b; 1: aᵀ x = b; 2: aᴴ x = b

    Raises
    ------
    ShapeError : the factors are not square, or `b` does not fit.

    >>> import clearprop
    >>> b = clearprop.tensor([2.0, 8.0])
    >>> lu_solve(lu_factor(np.diag([1.0, 4.0])), b)[1].backward()
    >>> b.grad
    array([0.  , 0.25])
    """
    packed, pivots = lu_and_piv
    if is_plain(packed, pivots, b):
        return sp.lu_solve(lu_and_piv, b, trans, overwrite_b, check_finite)
    packed = one_or_more_square("lu_solve", packed)
    b, is_vector = right_hand_sides("lu_solve", packed, b)
    n, pivots = packed.shape[-1], as_array(pivots)
    batch = broadcast_shapes(packed.shape[:-2], b.shape[:-2])
    b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    lower: dict[str, Any] = {"lower": True, "unit_diagonal": True}
    if trans == 0:
        y = solve_triangular(packed, _rows(b, _order(pivots, rows=n)), **lower)
        x = solve_triangular(packed, y)
    else:
        y = solve_triangular(packed, solve_triangular(packed, b, trans), trans, **lower)
        x = _rows(y, _places(pivots, n))
    return x[..., 0] if is_vector else x


@plain_parameters
def lu(
    a: ArrayLike,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> tuple[AnyArray, ...]:
    """Compute `scipy.linalg.lu`: ``(p, l, u)`` with ``a = p @ l @ u``.

    Parameters
    ----------
    a : shape (..., m, n)
    permute_l : return ``(p @ l, u)`` instead
    p_indices : return indices as `p`, with ``a = l[p] @ u``

    Raises
    ------
    ShapeError : `a` has no two axes.

    >>> import clearprop
    >>> p, l, u = lu(clearprop.tensor([[1.0, 2.0], [4.0, 6.0]]), p_indices=True)
    >>> print(p, l[1], u[1])
    [1 0] [0.25 1.  ] [0.  0.5]
    """
    if is_plain(a):
        return sp.lu(a, permute_l, overwrite_a, check_finite, p_indices)
    packed, pivots = lu_factor(a)
    lower, upper = _split(packed)
    places = _places(pivots, packed.shape[-2])
    if permute_l:
        return _rows(lower, places), upper
    if p_indices:
        return places.astype(np.intc), lower, upper
    n = packed.shape[-2]
    exchanges = (column(places) == np.arange(n)).astype(packed.real.dtype)
    return exchanges, lower, upper
