"""Decompositions under SciPy's signatures: QR, singular values, eigenvalues."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy import linalg as sp

from ..engine.array_types import AnyArray, Array, ArrayLike, Tree
from ..engine.primitive import Sample, primitive
from ..engine.spec import ArraySpec
from ..engine.tensor_parameters import plain_parameters
from ..errors import UnsupportedError
from ..ops.linalg_common import adjoint, row, solve_right, well_conditioned
from .batching import STACK, each_matrix, is_plain, mirror, one_or_more, one_or_more_square


@plain_parameters
def qr(
    a: ArrayLike,
    overwrite_a: bool = False,
    lwork: int | None = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> tuple[AnyArray, ...]:
    """Compute `scipy.linalg.qr`: ``(q, r)``, with `pivoting` ``(q, r, p)``; in mode "r" without `q`.

    Parameters
    ----------
    a : shape (..., m, n), with independent first columns
    mode : "full", "economic" or "r". Of the columns that "full" adds to those of a tall matrix only what
        does not depend on their choice has a gradient.
    pivoting : factor ``a[:, p]``, which has the sizes on the diagonal of `r` descend

    Raises
    ------
    ShapeError : `a` has no two axes. UnsupportedError : another mode.

    >>> import clearprop
    >>> a = clearprop.tensor([[3.0], [4.0]])
    >>> qr(a, mode="economic")[1][0, 0].backward()  # minus the length
    >>> a.grad
    array([[-0.6],
           [-0.8]])
    """
    if is_plain(a):
        return sp.qr(a, overwrite_a, lwork, mode, pivoting, check_finite)
    if mode not in ("full", "qr", "economic", "r"):
        raise UnsupportedError(
            f"scipy.linalg.qr: mode={mode!r} has no gradient here; write 'full', 'economic' or 'r'"
        )
    a = one_or_more("qr", a)
    order: tuple[AnyArray, ...] = ()
    if pivoting:
        order = (_column_order(a),)
        a = np.take_along_axis(a, np.broadcast_to(row(order[0]), a.shape), -1)
    if mode != "r":
        return *np.linalg.qr(a, "reduced" if mode == "economic" else "complete"), *order
    r: AnyArray = np.linalg.qr(a, "r")
    if missing := a.shape[-2] - r.shape[-2]:
        zeros = np.zeros((*a.shape[:-2], missing, a.shape[-1]), a.dtype)
        r = np.concatenate([r, zeros], -2)
    return r, *order


def _pivoted(a: Array) -> Array:
    return each_matrix(lambda a: sp.qr(a, mode="r", pivoting=True)[1], a)[0]


def _pivoted_spec(a: Array) -> ArraySpec:
    return ArraySpec((*a.shape[:-2], a.shape[-1]), np.dtype(np.intc))


_column_order = primitive(
    "column_order",
    _pivoted,
    spec=_pivoted_spec,
    why="Which column comes first is no matter of degree.",
    samples=(Sample(well_conditioned(4, 3)), Sample(STACK)),
)


@plain_parameters
def svd(
    a: ArrayLike,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Tree:
    """Compute `scipy.linalg.svd`: ``(u, s, vh)``, or the singular values alone.

    Parameters
    ----------
    a : shape (..., m, n)
    full_matrices : complete `u` and `vh`; of what is added, only what does not depend on its choice has a
        gradient
    compute_uv : with False, return `s` alone

    Raises
    ------
    ShapeError : `a` has no two axes.

    >>> import clearprop
    >>> a = clearprop.tensor([[3.0, 0.0], [0.0, 2.0]])
    >>> svd(a, compute_uv=False)[0].backward()
    >>> a.grad
    array([[1., 0.],
           [0., 0.]])
    """
    if is_plain(a):
        return sp.svd(a, full_matrices, compute_uv, overwrite_a, check_finite, lapack_driver)
    found: AnyArray = np.linalg.svd(a, full_matrices, compute_uv)  # type: ignore[call-overload]
    return tuple(found) if compute_uv else found


@plain_parameters
def svdvals(a: ArrayLike, overwrite_a: bool = False, check_finite: bool = True) -> AnyArray:
    """Compute `scipy.linalg.svdvals`: the singular values of `a`, of shape (..., m, n), the largest first.

    >>> import clearprop
    >>> print(svdvals(clearprop.tensor([[3.0, 0.0], [0.0, -4.0]])))
    [4. 3.]
    """
    return sp.svdvals(a, overwrite_a, check_finite) if is_plain(a) else np.linalg.svdvals(a)


@plain_parameters
def eigh(
    a: ArrayLike,
    b: ArrayLike | None = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    subset_by_value: tuple[float, float] | None = None,
    driver: str | None = None,
) -> Tree:
    """Compute `scipy.linalg.eigh` of a symmetric or Hermitian matrix: ``(w, v)`` with ``a v = w v``.

    Where eigenvalues coincide, and of complex vectors, gradients are for what does not depend on the choice
    of the vectors, as with `np.linalg.eigh`.

    Parameters
    ----------
    a, b : shape (..., n, n); one triangle is read, and the gradient belongs to both; `b` positive definite
    type : with `b`, 1: ``a v = w b v``; 2: ``a b v = w v``; 3: ``b a v = w v``
    eigvals_only : return `w` alone
    subset_by_index : only the eigenvalues from the first of these numbers to the second

    Raises
    ------
    ShapeError : a matrix is not square. LinAlgError : `b` is not positive definite. UnsupportedError :
    `subset_by_value`, by which the number of results depends on values.

    >>> import clearprop
    >>> a = clearprop.tensor([[2.0, 0.0], [0.0, 3.0]])
    >>> eigh(a, eigvals_only=True)[1].backward()
    >>> a.grad
    array([[0., 0.],
           [0., 1.]])
    """
    if is_plain(a, b):
        chosen: dict[str, Any] = {
            "subset_by_index": subset_by_index,
            "subset_by_value": subset_by_value,
        }
        chosen |= {"overwrite_a": overwrite_a, "overwrite_b": overwrite_b, "driver": driver}
        chosen |= {"type": type, "check_finite": check_finite}
        return sp.eigh(a, b, lower=lower, eigvals_only=eigvals_only, **chosen)
    if subset_by_value is not None:
        raise UnsupportedError(
            "scipy.linalg.eigh: subset_by_value= has no gradient here; use subset_by_index=, or choose from "
            "all eigenvalues"
        )
    if type not in (1, 2, 3):
        raise ValueError(f"scipy.linalg.eigh: type is 1, 2 or 3, not {type!r}")
    a = one_or_more_square("eigh", a)
    uplo: Literal["L", "U"] = "L" if lower else "U"
    if b is None and eigvals_only:
        return _subset(np.linalg.eigvalsh(a, uplo), subset_by_index)
    half: AnyArray = None
    if b is not None:  # a problem of one matrix between the factors of `b`
        half = np.linalg.cholesky(one_or_more_square("eigh", b), upper=not lower)
        half = half if lower else adjoint(half)
        a = mirror(a, lower=bool(lower), conjugate=True)
        a = (
            solve_right(np.linalg.solve(half, a), adjoint(half))
            if type == 1
            else adjoint(half) @ a @ half
        )
    w, v = np.linalg.eigh(a, uplo)
    if eigvals_only:
        return _subset(w, subset_by_index)
    if half is not None:
        v = half @ v if type == 3 else np.linalg.solve(adjoint(half), v)
    return _subset(w, subset_by_index), _subset(v, subset_by_index)


def _subset(x: Array, chosen: tuple[int, int] | None) -> Array:
    return x if chosen is None else x[..., int(chosen[0]) : int(chosen[1]) + 1]


@plain_parameters
def eigvalsh(
    a: ArrayLike, b: ArrayLike | None = None, *, lower: bool = True, **options: Any
) -> AnyArray:
    """Compute `scipy.linalg.eigvalsh`: the eigenvalues of a symmetric or Hermitian matrix, ascending;
    see `eigh`.

    >>> import clearprop
    >>> print(eigvalsh(clearprop.tensor([[2.0, 1.0], [1.0, 2.0]])))
    [1. 3.]
    """
    return eigh(a, b, lower=lower, eigvals_only=True, **options)


@plain_parameters
def eig(
    a: ArrayLike,
    b: ArrayLike | None = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Tree:
    """Compute `scipy.linalg.eig`: ``(w, v)`` with ``a v = w v``, always with complex `w`; of a Tensor,
    of one matrix.

    Gradients are for what does not depend on the phases of the vectors, as with `np.linalg.eig`.

    Parameters
    ----------
    a : shape (..., n, n)
    right : with False, return `w` alone

    Raises
    ------
    ShapeError : `a` is not square. UnsupportedError : `b`, `left` or `homogeneous_eigvals`.

    >>> import clearprop
    >>> a = clearprop.tensor([[1.0, 2.0], [0.0, 3.0]])
    >>> w, v = eig(a)
    >>> w[0].real.backward()
    >>> print(w, a.grad)
    [1.+0.j 3.+0.j] [[ 1.  0.]
     [-1.  0.]]
    """
    if is_plain(a, b):
        options: dict[str, Any] = {
            "check_finite": check_finite,
            "homogeneous_eigvals": homogeneous_eigvals,
        }
        return sp.eig(a, b, left, right, overwrite_a, overwrite_b, **options)
    if b is not None or left or homogeneous_eigvals:
        raise UnsupportedError(
            "scipy.linalg.eig of a tensor gives the eigenvalues and right vectors of one matrix; b=, left= "
            "and homogeneous_eigvals= have no gradient here"
        )
    w, v = np.linalg.eig(one_or_more_square("eig", a))
    w = w.astype(np.result_type(w.dtype, np.complex64))
    return (w, v) if right else w


@plain_parameters
def eigvals(
    a: ArrayLike,
    b: ArrayLike | None = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> AnyArray:
    """Compute `scipy.linalg.eigvals`: the eigenvalues of a matrix, always complex; see `eig`.

    >>> import clearprop
    >>> print(eigvals(clearprop.tensor([[1.0, 2.0], [0.0, 3.0]])))
    [1.+0.j 3.+0.j]
    """
    options: dict[str, Any] = {
        "check_finite": check_finite,
        "homogeneous_eigvals": homogeneous_eigvals,
    }
    return eig(a, b, False, False, overwrite_a, **options)
