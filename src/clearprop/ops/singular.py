"""Singular values, and what is measured with them.

Where singular values coincide, or are zero, the vectors may be turned among themselves. What is made of the
values alone has its gradient there; what is made of the vectors has none (NaN), and nor have second
derivatives, which see them. A singular value of 0, up to rounding, has a kink, its slope there is 0.
Vectors of complex matrices may moreover be multiplied, in pairs, by any number of size one.

Formulas: M. Giles 2008 (see solving.py); Z.-Q. Wan and S.-X. Zhang, Automatic differentiation for complex
valued SVD, 2019; here in terms of sums and differences of singular values, so that sums need no gaps.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.bundle import Bundle
from ..engine.primitive import Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec
from .bundles import filled
from .linalg_common import (
    adjoint,
    as_floats,
    ascending,
    column,
    diagonal,
    matrix,
    named,
    per_gap,
    quotient,
    real_dtype,
    rounding,
    row,
    square,
)
from .solving import inv_or_nan

_COUNT = "A rank is a whole number: a small step of the input does not move it."


def _svd(a: Array, full_matrices: bool) -> Bundle:
    return Bundle(np.linalg.svd(a, full_matrices))


def _svd_spec(a: Array, full_matrices: bool) -> Bundle:
    *batch, m, n = a.shape
    k, dtype = min(m, n), a.dtype
    rows, columns = (m, n) if full_matrices else (k, k)
    return Bundle(
        [
            ArraySpec((*batch, m, rows), dtype),
            ArraySpec((*batch, k), real_dtype(a)),
            ArraySpec((*batch, columns, n), dtype),
        ]
    )


def _at_kinks(gs: Array, s: Array, a: Array) -> Array:
    return np.where(s <= rounding(s, max(a.shape[-2:])), np.zeros(1, gs.dtype), gs)


def svd_vjp(g: Bundle, out: Bundle, a: Array, full_matrices: bool) -> Array:
    u, s, vh = out
    k = s.shape[-1]
    if g[0] is None and g[2] is None:
        return (u[..., :k] * row(_at_kinks(g[1], s, a))) @ vh[..., :k, :]
    gu, gs, gvh = filled(g, (u, s, vh))
    v, gv = adjoint(vh), adjoint(gvh)
    u1, v1 = u[..., :k], v[..., :k]
    turned_u, turned_v = (_skew(adjoint(x) @ gx[..., :k]) for x, gx in ((u1, gu), (v1, gv)))
    tolerance = rounding(s, max(a.shape[-2:]))
    inner = per_gap(turned_u + turned_v, row(s) - column(s), column(tolerance))
    inner = inner + quotient(turned_u - turned_v, row(s) + column(s), column(tolerance))
    inner = inner / 2 + diagonal(gs)
    found = u1 @ inner @ adjoint(v1)
    if u.shape[-2] > k:
        found = found + quotient(_beside(u, gu, k), row(s), row(tolerance)) @ adjoint(v1)
    if v.shape[-2] > k:
        found = found + u1 @ adjoint(quotient(_beside(v, gv, k), row(s), row(tolerance)))
    return found


def _skew(x: Array) -> Array:
    return x - adjoint(x)


def _beside(x: Array, gx: AnyArray, k: int) -> Array:
    """Return the part of the gradient of the first `k` columns that leads out of the space they span."""
    x1, gx1 = x[..., :k], gx[..., :k]
    if x.shape[-1] == k:
        return gx1 - x1 @ (adjoint(x1) @ gx1)
    x2, gx2 = x[..., k:], gx[..., k:]
    return x2 @ (adjoint(x2) @ gx1 - adjoint(gx2) @ x1)


_svd_record = primitive(
    "svd",
    _svd,
    spec=_svd_spec,
    vjp=(ascending(svd_vjp),),
    role="mixes",
    why="A singular value moves along its pair of vectors, which turn towards the others, the more the "
    "nearer their singular values are.",
    samples=(
        Sample(floats(4, 3), full_matrices=False),
        Sample(floats(2, 2, 3), full_matrices=False),
        Sample(floats(3, 3), full_matrices=False),
        Sample(floats(1, 1), full_matrices=False),
        Sample(floats(0, 2), full_matrices=False),
    ),
)
"""Complex vectors, and those beyond the singular values, are tested through what does not depend on their
choice, which is LAPACK's."""


def svdvals_vjp(g: Array, out: Array, a: Array) -> Array:
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return (u * row(_at_kinks(g, out, a))) @ vh


def _svdvals_spec(a: Array) -> ArraySpec:
    return ArraySpec((*a.shape[:-2], min(a.shape[-2:])), real_dtype(a))


_svdvals_record = primitive(
    "svdvals",
    np.linalg.svdvals,
    spec=_svdvals_spec,
    vjp=(ascending(svdvals_vjp),),
    role="mixes",
    why="A singular value moves by what the change does between its pair of vectors.",
    samples=(
        Sample(floats(4, 3)),
        Sample(Draw((2, 3), dtype="complex128")),
        Sample(floats(2, 3, 3)),
        Sample(floats(3, 0)),
    ),
)


@answers(np.linalg.svdvals)
def svdvals(x: Array, /) -> Array:
    return _svdvals_record(matrix("np.linalg.svdvals", x))


@answers(np.linalg.svd)
def svd(
    a: ArrayLike, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Array | tuple[Array, Array, Array]:
    """Answer `np.linalg.svd`. With `full_matrices`, vectors beyond the singular values have a gradient
    only through what does not depend on their choice.
    """
    a = matrix("np.linalg.svd", a)
    if hermitian:
        return _of_hermitian(square("np.linalg.svd with hermitian=True", a), compute_uv)
    if not compute_uv:
        return _svdvals_record(a)
    full = bool(full_matrices) and a.shape[-2] != a.shape[-1]
    return named(np.linalg.svd)(_svd_record(a, full_matrices=full))


def _of_hermitian(a: Array, compute_uv: bool) -> AnyArray:
    if not compute_uv:
        return np.flip(np.sort(np.abs(np.linalg.eigvalsh(a))), -1)
    w, v = np.linalg.eigh(a)
    order = np.flip(np.argsort(np.abs(w)), -1)
    w = np.take_along_axis(w, order, -1)
    v = np.take_along_axis(v, row(order), -1)
    sign = np.where(w < 0, np.full(1, -1, w.dtype), np.ones(1, w.dtype))
    return named(np.linalg.svd)((v, w * sign, adjoint(v * row(sign))))


# ---- measures


def _rank_spec(a: Array, tol: float | None, rtol: float | None, hermitian: bool) -> ArraySpec:
    return ArraySpec(a.shape[:-2], np.dtype(np.intp))


def _rank(a: Array, tol: float | None, rtol: float | None, hermitian: bool) -> Array:
    return np.asarray(np.linalg.matrix_rank(a, tol, hermitian, rtol=rtol))[()]


_rank_record = primitive(
    "matrix_rank",
    _rank,
    spec=_rank_spec,
    why=_COUNT,
    samples=(
        Sample(floats(3, 4), tol=None, rtol=None, hermitian=False),
        Sample(floats(2, 3, 3), tol=0.5, rtol=None, hermitian=False),
        Sample(np.ones((3, 3)), tol=None, rtol=1e-3, hermitian=True),
    ),
)


@answers(np.linalg.matrix_rank)
def matrix_rank(
    A: Array, tol: ArrayLike | None = None, hermitian: bool = False, *, rtol: float | None = None
) -> Array:
    a = as_floats(A)
    if a.ndim < 2:
        return np.any(a != 0).astype(int)
    return _rank_record(a, tol=tol, rtol=rtol, hermitian=bool(hermitian))


@answers(np.linalg.cond)
def cond(x: Array, p: float | Literal["fro", "nuc"] | None = None) -> Array:
    """Answer `np.linalg.cond`. As in NumPy, a singular matrix has an infinite one; there the gradient
    is no number.
    """
    x = matrix("np.linalg.cond", x)
    if not all(x.shape[-2:]):
        raise np.linalg.LinAlgError(f"np.linalg.cond: a matrix of shape {x.shape} has none")
    if p in (None, 2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        with np.errstate(all="ignore"):
            largest, smallest = np.max(s, -1), np.min(s, -1)  # ties share
            found = smallest / largest if p == -2 else largest / smallest
    else:
        inverse = inv_or_nan(square(f"np.linalg.cond with p={p!r}", x))
        with np.errstate(all="ignore"):
            found = _norm(x, p) * _norm(inverse, p)
    nothing = np.logical_and(np.isnan(found), np.logical_not(np.any(np.isnan(x), axis=(-2, -1))))
    return np.where(nothing, np.inf, found)


def _norm(x: AnyArray, p: float | Literal["fro", "nuc"] | None) -> Array:
    return np.linalg.norm(x, p, axis=(-2, -1))
