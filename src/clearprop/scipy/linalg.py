"""scipy.linalg with gradients: ``import clearprop.scipy.linalg``.

SciPy's functions turn what they get into plain arrays, so those that have gradients stand here once more,
with SciPy's signatures. All other names are SciPy's; flags that only save time or memory are ignored.

>>> import clearprop, numpy as np
>>> from clearprop.scipy import linalg
>>> g = clearprop.grad(lambda t: np.sum(linalg.expm(t * np.array([[0.0, 1.0], [-1.0, 0.0]]))))(0.0)
>>> float(g)  # a rotation begins with equal and opposite steps
0.0

References: N. Higham, Functions of Matrices, SIAM, 2008, section 3.2 (derivatives by block triangular
matrices); A. Al-Mohy and N. Higham, Computing the Frechet derivative of the matrix exponential, 2009;
M. Giles, Collected matrix derivative results, 2008.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as sp

from ..bundle import Bundle
from ..errors import UnsupportedError
from ..ops.matrices import adjoint, well_conditioned
from ..ops.specs import same
from ..primitive import Sample, floats, primitive
from ..spec import ArraySpec, promote
from .matrix_functions import cosm, expm, is_plain, logm, one_matrix, sinm, sqrtm

__all__ = [*sp.__all__, "cosm", "expm", "logm", "sinm", "sqrtm"]


def __getattr__(name: str) -> Any:
    return getattr(sp, name)


def __dir__() -> list[str]:
    return dir(sp)


# ---- triangular systems


def _solve_triangular(a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    return sp.solve_triangular(a, b, trans, lower, unit_diagonal)


def _triangle(a: Any, lower: bool, unit_diagonal: bool) -> Any:
    k = -1 if unit_diagonal else 0
    return np.tril(a, k) if lower else np.triu(a, -k)


def _triangular_vjp(
    position: int, g: Any, out: Any, a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool
) -> Any:
    back = _triangular(a, g, trans=1 - trans, lower=lower, unit_diagonal=unit_diagonal)
    if position:
        return back
    outer = out @ back.T if trans else back @ out.T
    return -_triangle(outer, lower, unit_diagonal)


def _triangular_spec(a: Any, b: Any, **params: Any) -> ArraySpec:
    if a.shape[0] != b.shape[0]:
        raise ValueError(f"a matrix of size {a.shape[0]} and right-hand sides of size {b.shape[0]}")
    return ArraySpec(b.shape, promote(a, b))


_triangular = primitive(
    "solve_triangular",
    _solve_triangular,
    spec=_triangular_spec,
    vjp=(
        lambda *args, **params: _triangular_vjp(0, *args, **params),
        lambda *args, **params: _triangular_vjp(1, *args, **params),
    ),
    role="mixes",
    why="The gradient of the right-hand side solves the transposed system; the matrix gets its triangle of "
    "minus their product.",
    samples=(
        Sample(well_conditioned(3, 3), floats(3, 2), trans=0, lower=True, unit_diagonal=False),
        Sample(well_conditioned(3, 3), floats(3, 1), trans=1, lower=False, unit_diagonal=True),
    ),
)


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.solve_triangular`: x with ``a @ x = b`` for a triangular `a`.

    Parameters
    ----------
    a : shape (n, n); only the triangle named by `lower` is read, and gets a gradient
    b : shape (n,) or (n, k)
    trans : 0 or "N": a x = b; 1 or "T": aᵀ x = b; 2 or "C": aᴴ x = b
    unit_diagonal : take the diagonal of `a` to be ones

    >>> import clearprop
    >>> a = clearprop.tensor([[2.0, 0.0], [1.0, 4.0]])
    >>> solve_triangular(a, np.array([2.0, 5.0]), lower=True)[1].backward()
    >>> a.grad
    array([[ 0.125,  0.   ],
           [-0.25 , -0.25 ]])
    """
    if is_plain(a, b):
        return sp.solve_triangular(a, b, trans, lower, unit_diagonal)
    a, b = one_matrix("solve_triangular", a), b if hasattr(b, "ndim") else np.asarray(b)
    turn = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if turn == 2:
        a, turn = np.conj(a), 1
    params = {"trans": turn, "lower": bool(lower), "unit_diagonal": bool(unit_diagonal)}
    if b.ndim == 1:
        return _triangular(a, np.expand_dims(b, -1), **params)[:, 0]
    return _triangular(a, b, **params)


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.cho_factor`: ``(c, lower)`` for `cho_solve`; `c` is triangular, with zeros elsewhere."""
    if is_plain(a):
        return sp.cho_factor(a, lower)
    return cholesky(a, lower), lower


def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.cho_solve`: x with ``a @ x = b`` from what `cho_factor` gave for `a`.

    >>> import clearprop
    >>> b = clearprop.tensor([2.0, 8.0])
    >>> cho_solve(cho_factor(np.diag([1.0, 4.0])), b)[1].backward()
    >>> b.grad
    array([0.  , 0.25])
    """
    c, lower = c_and_lower
    if is_plain(c, b):
        return sp.cho_solve(c_and_lower, b)
    first, second = ("N", "C") if lower else ("C", "N")
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)


# ---- LU


def _lu_factor(a: Any) -> Bundle:
    lu, pivots = sp.lu_factor(a)
    return Bundle([lu, pivots.astype(np.int64)])


def _lu_spec(a: Any) -> Bundle:
    return Bundle([ArraySpec(a.shape, a.dtype), ArraySpec(a.shape[:1], np.dtype(np.int64))])


def _lu_vjp(g: Any, out: Any, a: Any) -> Any:
    lu, pivots = out
    n = a.shape[0]
    lower, upper = np.tril(lu, -1) + np.eye(n, dtype=a.dtype), np.triu(lu)
    inner = np.tril(lower.T @ np.tril(g[0], -1), -1) + np.triu(np.triu(g[0]) @ upper.T)
    whole = np.linalg.solve(lower.T, np.linalg.solve(upper, inner.T).T)
    return whole[_inverse_order(pivots)]


_lu_record = primitive(
    "lu_factor",
    _lu_factor,
    spec=_lu_spec,
    vjp=(_lu_vjp,),
    role="mixes",
    why="Both triangles of the factors send their part of the gradient back, in the order of the rows.",
    samples=(Sample(well_conditioned(3, 3)[[2, 0, 1]]),),
)


def _row_order(pivots: Any) -> Any:
    """Which row of the matrix each row of the factors is, from the exchanges that were made."""
    order = np.arange(len(pivots))
    for i, j in enumerate(pivots):
        order[[i, j]] = order[[j, i]]
    return order


_order = primitive(
    "row_order",
    _row_order,
    spec=same,
    vjp=(None,),
    role="blocks",
    why="Which row comes first is no matter of degree.",
    samples=(Sample(np.array([2, 1, 2])),),
)


def _inverse_order(pivots: Any) -> Any:
    return np.argsort(_order(pivots))


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.lu_factor`: ``(lu, piv)`` for `lu_solve`, of a square matrix."""
    return sp.lu_factor(a) if is_plain(a) else tuple(_lu_record(one_matrix("lu_factor", a)))


def lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.lu_solve`: x with ``a @ x = b`` from what `lu_factor` gave for `a`."""
    lu, pivots = lu_and_piv
    if is_plain(lu, pivots, b):
        return sp.lu_solve(lu_and_piv, b, trans)
    b = b if hasattr(b, "ndim") else np.asarray(b)
    if trans == 0:
        y = solve_triangular(lu, b[_order(pivots)], 0, lower=True, unit_diagonal=True)
        return solve_triangular(lu, y)
    y = solve_triangular(lu, b, trans)
    return solve_triangular(lu, y, trans, lower=True, unit_diagonal=True)[_inverse_order(pivots)]


def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """`scipy.linalg.lu` of a square matrix: ``(p, l, u)`` with ``a = p @ l @ u``."""
    if is_plain(a):
        return sp.lu(a, permute_l, p_indices=p_indices)
    packed, pivots = lu_factor(a)
    n = packed.shape[0]
    lower, upper = np.tril(packed, -1) + np.eye(n, dtype=packed.dtype), np.triu(packed)
    back = _inverse_order(pivots)
    if permute_l:
        return lower[back], upper
    return (back if p_indices else np.eye(n, dtype=packed.dtype)[back]), lower, upper


# ---- equations


def _sylvester_spec(a: Any, b: Any, q: Any) -> ArraySpec:
    if (a.shape[0], b.shape[0]) != q.shape:
        raise ValueError(f"q must have shape {(a.shape[0], b.shape[0])}")
    return ArraySpec(q.shape, promote(a, b, q))


def _sylvester_vjp(position: int, g: Any, out: Any, a: Any, b: Any, q: Any) -> Any:
    y = _sylvester(a.T, b.T, g)
    return (-(y @ out.T), -(out.T @ y), y)[position]


_sylvester = primitive(
    "solve_sylvester",
    sp.solve_sylvester,
    spec=_sylvester_spec,
    vjp=(
        lambda *args: _sylvester_vjp(0, *args),
        lambda *args: _sylvester_vjp(1, *args),
        lambda *args: _sylvester_vjp(2, *args),
    ),
    role="mixes",
    why="The gradient solves the equation with both matrices transposed.",
    samples=(Sample(well_conditioned(3, 3), well_conditioned(2, 2), floats(3, 2)),),
)


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """`scipy.linalg.solve_sylvester`: x with ``a @ x + x @ b = q``.

    Parameters
    ----------
    a, b, q : shapes (m, m), (n, n) and (m, n)

    >>> import clearprop
    >>> q = clearprop.tensor([[6.0]])
    >>> solve_sylvester(np.array([[1.0]]), np.array([[2.0]]), q).backward(np.ones((1, 1)))
    >>> q.grad
    array([[0.33333333]])
    """
    if is_plain(a, b, q):
        return sp.solve_sylvester(a, b, q)
    q = q if hasattr(q, "ndim") else np.asarray(q)
    return _sylvester(one_matrix("solve_sylvester", a), one_matrix("solve_sylvester", b), q)


def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """`scipy.linalg.solve_continuous_lyapunov`: x with ``a @ x + x @ aᴴ = q``, all of shape (n, n)."""
    if is_plain(a, q):
        return sp.solve_continuous_lyapunov(a, q)
    a = one_matrix("solve_continuous_lyapunov", a)
    return solve_sylvester(a, adjoint(a), q)


# ---- NumPy's under SciPy's signatures


def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Any:
    """`scipy.linalg.solve`: x with ``a @ x = b``; `assume_a` is taken at its word for plain arrays only."""
    if is_plain(a, b):
        return sp.solve(a, b, lower, assume_a=assume_a, transposed=transposed)
    a = one_matrix("solve", a)
    return np.linalg.solve(a.T if transposed else a, b)


def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.inv`: the inverse of a square matrix."""
    return sp.inv(a) if is_plain(a) else np.linalg.inv(a)


def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.det`: the determinant of a square matrix."""
    return sp.det(a) if is_plain(a) else np.linalg.det(a)


def pinv(a: Any, *, atol: Any = None, rtol: Any = None) -> Any:
    """`scipy.linalg.pinv`: the pseudo-inverse; of a Tensor without `atol`."""
    if is_plain(a):
        return sp.pinv(a, atol=atol, rtol=rtol)
    if atol is not None:
        raise UnsupportedError("scipy.linalg.pinv: atol= is not supported for tensors; use rtol=")
    return np.linalg.pinv(a, rtol=rtol)


def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.cholesky`: the upper (or lower) triangular factor of a positive definite matrix."""
    if is_plain(a):
        return sp.cholesky(a, lower)
    return np.linalg.cholesky(one_matrix("cholesky", a), upper=not lower)


def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.qr`: ``(q, r)``; of a tall Tensor by ``mode="economic"`` or ``"r"``, without pivoting."""
    if is_plain(a):
        return sp.qr(a, mode=mode, pivoting=pivoting)
    if pivoting or mode == "raw":
        raise UnsupportedError(
            "scipy.linalg.qr: pivoting=True and mode='raw' have no gradient here"
        )
    if mode == "r":
        return (np.linalg.qr(a, "r"),)
    q, r = np.linalg.qr(a, "complete" if mode == "full" else "reduced")
    return q, r


def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """`scipy.linalg.svd`: ``(u, s, vh)``, or the singular values alone."""
    if is_plain(a):
        return sp.svd(a, full_matrices, compute_uv, lapack_driver=lapack_driver)
    found: Any = np.linalg.svd(a, full_matrices, compute_uv)  # type: ignore[call-overload]
    return tuple(found) if compute_uv else found


def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.svdvals`: the singular values, the largest first."""
    return sp.svdvals(a) if is_plain(a) else np.linalg.svdvals(a)


def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, **options: Any
) -> Any:
    """`scipy.linalg.eigh` of a symmetric matrix: ``(w, v)`` with ``a v = w v``, or ``a v = w b v``."""
    if is_plain(a, b):
        return sp.eigh(a, b, lower=lower, eigvals_only=eigvals_only, **options)
    if options:
        raise UnsupportedError(
            f"scipy.linalg.eigh of a tensor takes a, b, lower and eigvals_only, not {', '.join(options)}"
        )
    uplo: Any = "L" if lower else "U"
    if b is None:
        w, v = np.linalg.eigh(a, uplo)
        return w if eigvals_only else (w, v)
    half = np.linalg.cholesky(b)  # a v = w b v is a problem of one matrix between b's factors
    inner = np.linalg.solve(half, adjoint(np.linalg.solve(half, adjoint(a))))
    w, v = np.linalg.eigh(inner, uplo)
    return w if eigvals_only else (w, np.linalg.solve(adjoint(half), v))


def eigvalsh(a: Any, b: Any = None, *, lower: bool = True, **options: Any) -> Any:
    """`scipy.linalg.eigvalsh`: the eigenvalues of a symmetric matrix, ascending."""
    return eigh(a, b, lower=lower, eigvals_only=True, **options)


def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.norm`: of a vector or a matrix."""
    if is_plain(a):
        return sp.norm(a, ord, axis, keepdims)
    return np.linalg.norm(a, ord, axis, keepdims)


def block_diag(*arrs: Any) -> Any:
    """`scipy.linalg.block_diag`: matrices along the diagonal of one, zeros elsewhere.

    >>> import clearprop
    >>> x = clearprop.tensor([[1.0, 2.0]])
    >>> block_diag(x, np.eye(1)).shape
    (2, 3)
    """
    if is_plain(*arrs):
        return sp.block_diag(*arrs)
    parts = [np.atleast_2d(x) for x in arrs]
    columns = sum(x.shape[1] for x in parts)
    rows, before = [], 0
    for x in parts:
        rows.append(np.pad(x, ((0, 0), (before, columns - before - x.shape[1]))))
        before += x.shape[1]
    return np.concatenate(rows)


def toeplitz(c: Any, r: Any = None) -> Any:
    """`scipy.linalg.toeplitz`: constant diagonals, from the first column and row (by default its conjugate).

    >>> import clearprop
    >>> c = clearprop.tensor([1.0, 2.0, 3.0])
    >>> np.sum(toeplitz(c)).backward()
    >>> c.grad
    array([3., 4., 2.])
    """
    if is_plain(c, r):
        return sp.toeplitz(c, r)
    c = np.ravel(c)
    r = np.conj(c) if r is None else np.ravel(r)
    m, n = c.shape[0], r.shape[0]
    line = np.concatenate([c[::-1], r[1:]])
    return line[np.arange(m)[::-1, None] + np.arange(n)]
