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

from typing import Any, Literal

import numpy as np
from scipy import linalg as sp

from ..engine.array_types import AnyArray, Array, ArrayLike, Tree
from ..engine.broadcasting import broadcast_shapes
from ..engine.spec import ArraySpec
from ..engine.tensor import Tensor
from ..engine.tensor_parameters import plain_parameters
from ..errors import ShapeError, UnsupportedError
from .batching import is_plain, mirror, one_or_more, one_or_more_square, right_hand_sides
from .decompositions import eig, eigh, eigvals, eigvalsh, qr, svd, svdvals  # noqa: F401
from .matrix_functions import cosm, expm, logm, sinm, sqrtm  # noqa: F401
from .sylvester import solve_continuous_lyapunov, solve_sylvester  # noqa: F401
from .triangular import cho_factor, cho_solve, cholesky, lu, lu_factor, lu_solve, solve_triangular  # noqa: F401

__all__ = list(sp.__all__)


def __getattr__(name: str) -> Any:
    return getattr(sp, name)


def __dir__() -> list[str]:
    return list(__all__)


# ---- NumPy's under SciPy's signatures


@plain_parameters
def solve(
    a: ArrayLike,
    b: ArrayLike,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> AnyArray:
    """Compute `scipy.linalg.solve`: x with ``a @ x = b``.

    Parameters
    ----------
    a : shape (..., n, n)
    b : shape (n,) or (..., n, k)
    lower : which triangle is read, where `assume_a` says that only one is
    assume_a : None, "gen", "diagonal", "tridiagonal", "banded", "upper triangular", "lower triangular",
        "sym", "her" or "pos": what is not read gets no gradient, but the two triangles of a symmetric or
        Hermitian matrix share theirs
    transposed : solve ``aᵀ @ x = b``

    Raises
    ------
    ShapeError : `a` is not square, or `b` does not fit. LinAlgError : `a` is singular.

    >>> import clearprop
    >>> b = clearprop.tensor([1.0, 2.0])
    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), b, assume_a="pos").sum().backward()
    >>> b.grad
    array([0.5 , 0.25])
    """
    if is_plain(a, b):
        options: dict[str, Any] = {"assume_a": assume_a, "transposed": transposed}
        return sp.solve(a, b, lower, overwrite_a, overwrite_b, check_finite, **options)
    a = one_or_more_square("solve", a)
    b, is_vector = right_hand_sides("solve", a, b)
    a = _assumed("solve", a, assume_a, lower)
    x = np.linalg.solve(a.mT if transposed else a, b)
    return x[..., 0] if is_vector else x


def _assumed(name: str, a: Array, structure: str | None, lower: bool) -> Array:
    """Return what is read of `a`."""
    match structure:
        case None | "gen" | "general" | "banded":
            return a
        case "diagonal":
            return np.triu(np.tril(a))
        case "tridiagonal":
            return np.triu(np.tril(a, 1), -1)
        case "upper triangular":
            return np.triu(a)
        case "lower triangular":
            return np.tril(a)
        case "sym" | "symmetric":
            return mirror(a, lower=bool(lower), conjugate=False)
        case "her" | "hermitian":
            return mirror(a, lower=bool(lower), conjugate=True)
        case "pos" | "positive definite":
            np.linalg.cholesky(_numbers(a), upper=not lower)  # says so if it is not
            return mirror(a, lower=bool(lower), conjugate=True)
    raise UnsupportedError(
        f"scipy.linalg.{name}: assume_a={structure!r} is no structure that is known"
    )


def _numbers(a: AnyArray) -> Array:
    """Return the numbers, or those of an identity while tracing."""
    value = a.value if isinstance(a, Tensor) else a
    return np.eye(a.shape[-1], dtype=a.dtype) if isinstance(value, ArraySpec) else value


@plain_parameters
def inv(
    a: ArrayLike,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: str | None = None,
    lower: bool = False,
) -> AnyArray:
    """Compute `scipy.linalg.inv`: the inverse of a square matrix.

    Parameters
    ----------
    a : shape (..., n, n)
    assume_a, lower : as in `solve`

    Raises
    ------
    ShapeError : `a` is not square. LinAlgError : it is singular.

    >>> import clearprop
    >>> a = clearprop.tensor([[2.0]])
    >>> inv(a).backward(np.ones((1, 1)))
    >>> a.grad
    array([[-0.25]])
    """
    if is_plain(a):
        options = {"assume_a": assume_a, "lower": lower} if assume_a is not None else {}
        return sp.inv(a, overwrite_a, check_finite, **options)
    return np.linalg.inv(_assumed("inv", one_or_more_square("inv", a), assume_a, lower))


@plain_parameters
def det(a: ArrayLike, overwrite_a: bool = False, check_finite: bool = True) -> AnyArray:
    """Compute `scipy.linalg.det`: the determinant of a square matrix, in double precision.

    Parameters
    ----------
    a : shape (..., n, n)

    Raises
    ------
    ShapeError : `a` is not square.

    >>> import clearprop
    >>> a = clearprop.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> det(a).backward()
    >>> a.grad
    array([[ 4., -3.],
           [-2.,  1.]])
    """
    if is_plain(a):
        return sp.det(a, overwrite_a, check_finite)
    a = one_or_more_square("det", a)
    return np.linalg.det(a.astype(np.result_type(a.dtype, np.float64)))


@plain_parameters
def pinv(
    a: ArrayLike,
    *,
    atol: ArrayLike | None = None,
    rtol: ArrayLike | None = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Tree:
    """Compute `scipy.linalg.pinv`: the pseudo-inverse; its gradient holds as long as the rank stays the same.

    Parameters
    ----------
    a : shape (..., m, n)
    atol, rtol : singular values up to ``atol + rtol * largest`` count as 0; while tracing, no `atol`
    return_rank : return the rank, too

    Raises
    ------
    ShapeError : `a` has no two axes.

    >>> import clearprop
    >>> a = clearprop.tensor([[2.0, 0.0], [0.0, 0.0]])
    >>> pinv(a)[0, 0].backward()
    >>> a.grad
    array([[-0.25,  0.  ],
           [ 0.  ,  0.  ]])
    """
    if is_plain(a):
        return sp.pinv(a, atol=atol, rtol=rtol, return_rank=return_rank, check_finite=check_finite)
    x: AnyArray = one_or_more("pinv", a)
    if rtol is None:
        rtol = max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
    limit: AnyArray = rtol
    if atol:
        if not x.is_known:
            raise UnsupportedError(
                "scipy.linalg.pinv: while tracing, atol= cannot be had; use rtol="
            )
        largest = np.linalg.svdvals(x.value).max(-1, initial=0)
        limit = rtol + atol / np.where(largest == 0, 1, largest)
    result = np.linalg.pinv(x, rtol=limit)
    if not return_rank:
        return result
    s: AnyArray = np.linalg.svdvals(x)
    return result, np.sum(s > np.max(s, -1, keepdims=True) * np.expand_dims(limit, -1), -1)


@plain_parameters
def norm(
    a: ArrayLike,
    ord: float | Literal["fro", "nuc"] | None = None,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    check_finite: bool = True,
) -> AnyArray:
    """Compute `scipy.linalg.norm`: of a vector or a matrix, as `np.linalg.norm`.

    >>> import clearprop
    >>> a = clearprop.tensor([3.0, 4.0])
    >>> norm(a).backward()
    >>> print(norm(a), a.grad)
    5.0 [0.6 0.8]
    """
    if is_plain(a):
        return sp.norm(a, ord, axis, keepdims, check_finite)
    return np.linalg.norm(a, ord, axis, keepdims)


# ---- matrices from parts


def block_diag(*arrs: ArrayLike) -> AnyArray:
    """Compute `scipy.linalg.block_diag`: matrices along the diagonal of one, zeros elsewhere.

    Parameters
    ----------
    arrs : shapes (..., m, n), where vectors and numbers count as rows

    >>> import clearprop
    >>> x = clearprop.tensor([[1.0, 2.0]])
    >>> block_diag(x, np.eye(1)).shape
    (2, 3)
    """
    if is_plain(*arrs):
        return sp.block_diag(*arrs)
    parts = [np.atleast_2d(x) for x in arrs]
    batch = broadcast_shapes(*(x.shape[:-2] for x in parts))
    columns = sum(x.shape[-1] for x in parts)
    rows, before = [], 0
    for x in parts:
        x = np.broadcast_to(x, (*batch, *x.shape[-2:]))
        beside = (before, columns - before - x.shape[-1])
        rows.append(np.pad(x, (*((0, 0),) * (x.ndim - 1), beside)))
        before += x.shape[-1]
    return np.concatenate(rows, -2)


def toeplitz(c: ArrayLike, r: ArrayLike | None = None) -> AnyArray:
    """Compute `scipy.linalg.toeplitz`: constant diagonals, from the first column and row (by default
    its conjugate).

    Parameters
    ----------
    c, r : shapes (m,) and (n,); the first entry of `r` is not read

    Raises
    ------
    ShapeError : one of them has more than one axis.

    >>> import clearprop
    >>> c = clearprop.tensor([1.0, 2.0, 3.0])
    >>> np.sum(toeplitz(c)).backward()
    >>> c.grad
    array([3., 4., 2.])
    """
    if is_plain(c, r):
        return sp.toeplitz(c, r)
    c = np.atleast_1d(c)
    r = np.conj(c) if r is None else np.atleast_1d(r)
    if c.ndim > 1 or r.ndim > 1:
        raise ShapeError(
            f"scipy.linalg.toeplitz: of tensors, one column and one row are needed, but the shapes are "
            f"{c.shape} and {r.shape}"
        )
    m, n = c.shape[0], r.shape[0]
    line = np.concatenate([c[::-1], r[1:]])
    return line[np.arange(m)[::-1, None] + np.arange(n)]
