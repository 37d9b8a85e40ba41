"""Systems of linear equations, inverses, and least squares.

Formulas: M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic
differentiation, 2008; for the pseudo-inverse G. Golub and V. Pereyra, The differentiation of
pseudo-inverses, 1973.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.broadcasting import broadcast_shapes
from ..engine.bundle import Bundle
from ..engine.primitive import Draw, Sample, answers, floats, primitive, together
from ..engine.spec import ArraySpec, promote
from ..errors import ShapeError
from .linalg_common import (
    adjoint,
    as_floats,
    ascending,
    column,
    conj,
    hermitian_part,
    matrix,
    row,
    square,
    square_as_given,
    well_conditioned,
)
from .specs import same

_COMPLEX = Draw((3, 3), dtype="complex128")


def solve_vjp(g: Array, out: Array, a: Array, b: Array) -> tuple[Array, Array]:
    if b.ndim == 1:
        gb = np.linalg.solve(a.mT, column(g))[..., 0]
        return -column(gb) * row(out), gb
    gb = np.linalg.solve(a.mT, g)
    return -gb @ out.mT, gb


def _solve_spec(a: Array, b: Array) -> ArraySpec:
    dtype = promote(a, b)
    if b.ndim == 1:
        return ArraySpec(a.shape[:-1], dtype)
    return ArraySpec((*broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), dtype)


_solve_record = primitive(
    "solve",
    np.linalg.solve,
    spec=_solve_spec,
    vjp=together(solve_vjp),
    role="mixes",
    why="The right-hand side gets the solution of the transposed system, and the matrix minus that times "
    "the solution.",
    traits=["conjugates"],
    samples=(
        Sample(floats(3, 3), floats(3, 2)),
        Sample(floats(3, 3), floats(3)),
        Sample(_COMPLEX, Draw((3,), dtype="complex128")),
        Sample(floats(3, 3), Draw((3, 2), dtype="complex128")),
        Sample(_COMPLEX, floats(3, 2)),
        Sample(floats(2, 1, 3, 3), floats(4, 3, 2)),
        Sample(floats(2, 3, 3), floats(3)),
        Sample(floats(3, 3), floats(2, 3, 1)),
        Sample(floats(1, 1), floats(1)),
        Sample(floats(0, 0), floats(0, 2)),
    ),
)


@answers(np.linalg.solve)
def solve(a: ArrayLike, b: ArrayLike) -> Array:
    """Answer `np.linalg.solve`. `b` is one vector if it has one axis, else (stacked) matrices of
    columns, as in NumPy 2.
    """
    a, b = square("np.linalg.solve", a), as_floats(b)
    if not b.ndim or b.shape[-min(b.ndim, 2)] != a.shape[-1]:
        raise ShapeError(
            f"np.linalg.solve: shapes {a.shape} and {b.shape} do not fit: the right-hand side is one "
            f"vector of {a.shape[-1]} numbers, or has shape (..., {a.shape[-1]}, columns); for stacked "
            f"vectors write np.linalg.solve(a, b[..., None])[..., 0]"
        )
    return _solve_record(a, b)


# ---- inverses


def inv_vjp(g: Array, out: Array, a: Array) -> Array:
    return -(out.mT @ g @ out.mT)


_inv_record = primitive(
    "inv",
    np.linalg.inv,
    spec=same,
    vjp=(inv_vjp,),
    role="mixes",
    why="As 1/x has the slope minus 1/x², the upstream gradient is multiplied by the inverse from both "
    "sides, and by minus one.",
    traits=["conjugates"],
    samples=(
        Sample(floats(3, 3)),
        Sample(_COMPLEX),
        Sample(well_conditioned(2, 3, 3)),
        Sample(floats(1, 1)),
        Sample(floats(2, 0, 0)),
    ),
)


@answers(np.linalg.inv)
def inv(a: Array) -> Array:
    return _inv_record(square("np.linalg.inv", a))


def _inv_or_nan(a: Array) -> Array:
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        out = np.full(a.shape, np.nan, a.dtype)
    for place in np.ndindex(a.shape[:-2]):
        with suppress(np.linalg.LinAlgError):
            out[place] = np.linalg.inv(a[place])
    return out


inv_or_nan = primitive(
    "inv_or_nan",
    _inv_or_nan,
    spec=same,
    vjp=(inv_vjp,),
    role="mixes",
    why="The inverse where there is one, with its gradient.",
    samples=(Sample(well_conditioned(2, 3, 3)), Sample(_COMPLEX)),
)


def pinv_vjp(g: Array, out: Array, a: Array, hermitian: bool = False, **limits: Any) -> Array:
    back, gh = adjoint(out), adjoint(g)
    beside = (gh - a @ (out @ gh)) @ (out @ back)
    across = (back @ out) @ (gh - (gh @ out) @ a)
    whole = beside + across - back @ g @ back
    return hermitian_part(whole) if hermitian else whole


def _pinv_spec(a: Array, **params: Any) -> ArraySpec:
    return ArraySpec((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)


_pinv_record = primitive(
    "pinv",
    np.linalg.pinv,
    spec=_pinv_spec,
    vjp=(ascending(pinv_vjp),),
    role="mixes",
    why="Like the inverse where there is one, with two terms for what a matrix without one leaves out.",
    samples=(
        Sample(well_conditioned(4, 2)),
        Sample(well_conditioned(2, 4)),
        Sample(well_conditioned(3, 2, dtype="complex128")),
        Sample(well_conditioned(2, 3, 3), rcond=1e-9),
        Sample(floats(2, 0)),
    ),
)


@answers(np.linalg.pinv)
def pinv(
    a: Array, rcond: AnyArray = None, hermitian: bool = False, *, rtol: AnyArray = np._NoValue
) -> Array:
    """Answer `np.linalg.pinv`. The gradient holds as long as the rank stays the same. Of a Hermitian
    matrix it is Hermitian.
    """
    a = matrix("np.linalg.pinv", a)
    params: dict[str, Any] = {"hermitian": True} if hermitian else {}
    if hermitian:
        square("np.linalg.pinv with hermitian=True", a)
    if rcond is not None:
        params["rcond"] = rcond
    if rtol is not np._NoValue:
        if rcond is not None:
            raise ValueError("np.linalg.pinv: rtol= and rcond= mean the same; give one of them")
        params["rtol"] = rtol
    return _pinv_record(a, **params)


# ---- least squares


def _lstsq(a: Array, b: Array, rcond: AnyArray) -> Bundle:
    return Bundle(np.linalg.lstsq(a, b, rcond))


def _lstsq_spec(a: Array, b: Array, rcond: AnyArray) -> Bundle:
    """Take the rank as full, for the number of residuals."""
    (m, n), dtype = a.shape, promote(a, b)
    real = np.empty((), dtype).real.dtype
    residuals = math.prod(b.shape[1:]) if m > n else 0
    return Bundle(
        [
            ArraySpec((n, *b.shape[1:]), dtype),
            ArraySpec((residuals,), real),
            ArraySpec((), np.dtype(np.intc)),
            ArraySpec((min(m, n),), real),
        ]
    )


def lstsq_vjp(g: Bundle, out: Bundle, a: Array, b: Array, rcond: AnyArray) -> tuple[Array, Array]:
    gx, gresiduals, _, gs = g
    x, _, _, _ = out
    x = column(x) if b.ndim == 1 else x
    misfit = (column(b) if b.ndim == 1 else b) - a @ x
    ga, gb = np.zeros(a.shape, x.dtype), np.zeros(misfit.shape, misfit.dtype)
    if gx is not None:
        gx = conj(column(gx) if b.ndim == 1 else gx)
        p = np.linalg.pinv(a, rcond)
        pt = adjoint(p)
        pull = pt @ gx
        ga = misfit @ adjoint(p @ pull) + pt @ x @ adjoint(gx - p @ (a @ gx)) - pull @ adjoint(x)
        gb = gb + pull
    if gresiduals is not None and gresiduals.shape[0]:
        push = misfit * (2 * gresiduals)
        ga, gb = ga - push @ adjoint(x), gb + push
    if gs is not None:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        ga = ga + (u * row(gs)) @ vh
    return conj(ga), conj(gb[..., 0] if b.ndim == 1 else gb)


_lstsq_record = primitive(
    "lstsq",
    _lstsq,
    spec=_lstsq_spec,
    vjp=together(lstsq_vjp),
    role="mixes",
    why="The solution moves as the pseudoinverse takes it, and what is left over adds up as squares do.",
    samples=(
        Sample(floats(5, 3), floats(5), rcond=None),
        Sample(floats(5, 3), floats(5, 2), rcond=None),
        Sample(floats(2, 4), floats(2, 2), rcond=None),
        Sample(floats(3, 3), floats(3), rcond=None),
        Sample(Draw((4, 2), dtype="complex128"), Draw((4, 2), dtype="complex128"), rcond=None),
    ),
)


@answers(np.linalg.lstsq)
def lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> tuple[Array, ...]:
    """Answer `np.linalg.lstsq`. The rank is taken as fixed; while tracing, as full."""
    a, b = matrix("np.linalg.lstsq", a), as_floats(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(
            f"np.linalg.lstsq: a matrix and a vector or matrix with as many rows are needed, but the "
            f"shapes are {a.shape} and {b.shape}"
        )
    if rcond is None:
        rcond = max(a.shape) * float(np.finfo(promote(a, b)).eps)
    return tuple(_lstsq_record(a, b, rcond=rcond))


# ---- arrays with many axes


@answers(np.linalg.tensorsolve)
def tensorsolve(a: Array, b: Array, axes: Sequence[int] | None = None) -> Array:
    a, b = as_floats(a), as_floats(b)
    if axes is not None:
        last = [int(i) % a.ndim for i in axes]
        a = a.transpose([i for i in range(a.ndim) if i not in last] + last)
    shape = a.shape[b.ndim :]
    if math.prod(shape) != b.size or a.shape[: b.ndim] != b.shape:
        raise ShapeError(
            f"np.linalg.tensorsolve: the first axes of shape {a.shape} are to be those of {b.shape}, and "
            f"the others as many numbers: this makes no square system"
        )
    return np.linalg.solve(a.reshape(b.size, b.size), b.reshape(-1)).reshape(shape)


@answers(np.linalg.tensorinv)
def tensorinv(a: Array, ind: int = 2) -> Array:
    a, ind = as_floats(a), int(ind)
    rows, columns = a.shape[: max(ind, 0)], a.shape[max(ind, 0) :]
    if ind <= 0 or math.prod(rows) != math.prod(columns):
        raise ShapeError(
            f"np.linalg.tensorinv: with ind={ind}, shape {a.shape} makes no square matrix: the sizes before "
            f"that place and those from it on need equal products"
        )
    n = math.prod(rows)
    return np.linalg.inv(a.reshape(n, n)).reshape((*columns, *rows))


@answers(np.linalg.matrix_power)
def matrix_power(a: Array, n: int) -> Array:
    a, n = square_as_given("np.linalg.matrix_power", a), operator.index(n)
    if n == 0:
        return np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    if n < 0:
        a, n = np.linalg.inv(as_floats(a)), -n
    if n == 3:
        return a @ a @ a
    power: AnyArray = None
    result: AnyArray = None
    while n:
        power = a if power is None else power @ power
        n, odd = divmod(n, 2)
        if odd:
            result = power if result is None else result @ power
    return result
