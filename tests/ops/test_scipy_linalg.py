"""clearprop.scipy.linalg: SciPy's values under SciPy's signatures, and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sp

import clearprop
import clearprop.testing
from clearprop import DtypeError, ShapeError, UnsupportedError
from clearprop.ops.linalg_common import hermitian, well_conditioned
from clearprop.scipy import linalg

A = well_conditioned(3, 3)
S = hermitian(3, 3, shift=4.0)
B = np.arange(1.0, 7.0).reshape(3, 2)
Z = well_conditioned(3, 3, dtype="complex128")

CALLS: dict[str, tuple[Callable[[Any], Any], tuple[Any, ...]]] = {
    "expm": (lambda n: lambda a: n.expm(a / 4), (A,)),
    "expm of complex numbers": (lambda n: lambda a: n.expm(a / 4), (Z,)),
    "logm": (lambda n: n.logm, (A,)),
    "sqrtm": (lambda n: n.sqrtm, (A,)),
    "sqrtm of complex numbers": (lambda n: n.sqrtm, (Z,)),
    "sinm": (lambda n: lambda a: n.sinm(a / 4), (A,)),
    "cosm": (lambda n: lambda a: n.cosm(a / 4), (A,)),
    "solve_triangular": (lambda n: lambda a, b: n.solve_triangular(a, b, lower=True), (A, B)),
    "solve_triangular, turned": (
        lambda n: lambda a, b: n.solve_triangular(a, b, "T"),
        (A, B[:, 0]),
    ),
    "solve_triangular, conjugated": (lambda n: lambda a, b: n.solve_triangular(a, b, 2), (Z, B)),
    "cho_solve": (lambda n: lambda a, b: n.cho_solve(n.cho_factor(sym(a)), b), (S, B)),
    "cho_solve, lower": (lambda n: lambda a, b: n.cho_solve(n.cho_factor(sym(a), True), b), (S, B)),
    "lu_solve": (lambda n: lambda a, b: n.lu_solve(n.lu_factor(a[::-1]), b), (A, B)),
    "lu_solve, turned": (
        lambda n: lambda a, b: n.lu_solve(n.lu_factor(a[[1, 2, 0]]), b, 1),
        (A, B),
    ),
    "lu": (lambda n: lambda a: n.lu(a[::-1])[1] @ n.lu(a)[2], (A,)),
    "lu, put together": (lambda n: lambda a: n.lu(a[::-1], permute_l=True)[0], (A,)),
    "lu, all three": (lambda n: lambda a: n.lu(a[::-1])[0] @ n.lu(a[::-1])[1], (A,)),
    "solve": (lambda n: n.solve, (A, B)),
    "solve, turned": (lambda n: lambda a, b: n.solve(a, b, transposed=True), (A, B)),
    "inv": (lambda n: n.inv, (A,)),
    "det": (lambda n: n.det, (A,)),
    "pinv": (lambda n: n.pinv, (B,)),
    "cholesky": (lambda n: lambda a: n.cholesky(sym(a)), (S,)),
    "cholesky, lower": (lambda n: lambda a: n.cholesky(sym(a), lower=True), (S,)),
    "qr": (lambda n: lambda a: n.qr(a)[0], (A,)),
    "qr, economic": (lambda n: lambda a: n.qr(a, mode="economic")[1], (B,)),
    "r": (lambda n: lambda a: n.qr(a, mode="r")[0], (A,)),
    "svd": (lambda n: lambda a: n.svd(a)[1], (A,)),
    "svdvals": (lambda n: n.svdvals, (B,)),
    "eigh": (lambda n: lambda a: n.eigh(sym(a))[0], (S,)),
    "eigh of two": (
        lambda n: lambda a, b: n.eigh(sym(a), sym(b), eigvals_only=True),
        (S, S + A @ A.T),
    ),
    "eigvalsh": (lambda n: lambda a: n.eigvalsh(sym(a), lower=False), (S,)),
    "norm": (lambda n: lambda a: n.norm(a[0]), (A,)),
    "solve_sylvester": (lambda n: n.solve_sylvester, (A, well_conditioned(2, 2), B)),
    "lyapunov": (lambda n: n.solve_continuous_lyapunov, (A, S)),
    "lyapunov, complex": (lambda n: n.solve_continuous_lyapunov, (Z, Z)),
    "block_diag": (lambda n: lambda a, b: n.block_diag(a, b[0], b), (A, B)),
    "toeplitz": (lambda n: lambda a: n.toeplitz(a[0]), (A,)),
    "toeplitz with a row": (lambda n: lambda a, b: n.toeplitz(a[0], b), (A, B[:, 0])),
    "toeplitz, complex": (lambda n: lambda a: n.toeplitz(a[0]), (Z,)),
}


STACK = well_conditioned(2, 3, 3)
TRIANGLE = np.where(np.tri(3, dtype=bool), S, 99.0)
"""A symmetric matrix with something else in its upper triangle, where nobody looks."""
H = hermitian(3, 3, dtype="complex128", shift=6.0)

CALLS |= {
    "expm of many": (lambda n: lambda a: n.expm(a / 4), (STACK,)),
    "expm of large gradients": (lambda n: lambda a: 1e6 * n.expm(a / 4), (A,)),
    "logm of many": (lambda n: n.logm, (STACK,)),
    "logm of complex numbers": (lambda n: n.logm, (Z,)),
    "sqrtm of many": (lambda n: n.sqrtm, (STACK,)),
    "sqrtm of a real matrix, complex": (lambda n: n.sqrtm, (-A,)),
    "sinm of complex numbers": (lambda n: lambda a: n.sinm(a / 4), (Z,)),
    "solve_triangular of many": (lambda n: n.solve_triangular, (STACK, B)),
    "solve_triangular of one for many": (
        lambda n: lambda a, b: n.solve_triangular(a, b, lower=True),
        (A, STACK),
    ),
    "solve_triangular, ones on the diagonal": (
        lambda n: lambda a, b: n.solve_triangular(a, b, "N", True, unit_diagonal=True),
        (A, B[:, 0]),
    ),
    "cho_solve, complex": (
        lambda n: lambda a, b: n.cho_solve(n.cho_factor(sym(a), True), b),
        (H, B),
    ),
    "cho_solve of many": (
        lambda n: lambda a, b: n.cho_solve((n.cholesky(a @ a.mT), False), b),
        (STACK, B),
    ),
    "cholesky, complex": (lambda n: lambda a: n.cholesky(sym(a)), (H,)),
    "lu_factor": (lambda n: lambda a: n.lu_factor(a[::-1])[0], (A,)),
    "lu_factor, tall": (lambda n: lambda a: n.lu_factor(a)[0], (well_conditioned(4, 2)[::-1],)),
    "lu_factor, wide": (lambda n: lambda a: n.lu_factor(a)[0], (well_conditioned(2, 4)[::-1],)),
    "lu_factor, complex": (lambda n: lambda a: n.lu_factor(a)[0], (Z[::-1],)),
    "lu_solve of a vector": (
        lambda n: lambda a, b: n.lu_solve(n.lu_factor(a[::-1]), b),
        (A, B[:, 0]),
    ),
    "lu_solve, conjugated": (
        lambda n: lambda a, b: n.lu_solve(n.lu_factor(a[::-1]), b, 2),
        (Z, B),
    ),
    "lu of many": (
        lambda n: lambda a: n.lu(a[:, ::-1])[0] @ n.lu(a)[1] @ n.lu(a)[2],
        (STACK,),
    ),
    "lu, tall": (lambda n: lambda a: n.lu(a[::-1])[1] @ n.lu(a)[2], (well_conditioned(4, 2),)),
    "lu, wide": (lambda n: lambda a: n.lu(a, True)[0] @ n.lu(a)[2], (well_conditioned(2, 4),)),
    "lu, indices": (
        lambda n: lambda a: n.lu(a[::-1], p_indices=True)[1][n.lu(a[::-1], p_indices=True)[0]],
        (A,),
    ),
    "solve a vector": (lambda n: n.solve, (A, B[:, 0])),
    "solve many": (lambda n: n.solve, (STACK, STACK[:, :, :2])),
    "solve, complex": (lambda n: n.solve, (Z, B)),
    **{
        f"solve, {kind}": (
            lambda n, kind=kind: lambda a, b: n.solve(a, b, assume_a=kind),
            (A + 2 * np.eye(3), B),
        )
        for kind in ("gen", "diagonal", "upper triangular", "lower triangular")
    },
    "solve, banded": (
        lambda n: lambda a, b: n.solve(np.triu(np.tril(a, 1), -1), b, assume_a="banded"),
        (A, B),
    ),
    "solve, lower triangle turned": (
        lambda n: lambda a, b: n.solve(a, b, assume_a="lower triangular", transposed=True),
        (A, B),
    ),
    **{
        f"solve, {kind}": (
            lambda n, kind=kind: lambda a, b: n.solve(sym(a), b, lower=True, assume_a=kind),
            (S, B),
        )
        for kind in ("sym", "her", "pos")
    },
    "solve, Hermitian": (lambda n: lambda a, b: n.solve(sym(a), b, assume_a="her"), (H, B)),
    "solve, positive and complex": (
        lambda n: lambda a, b: n.solve(sym(a), b, assume_a="pos"),
        (H, Z[:, :2]),
    ),
    "det of many": (lambda n: n.det, (STACK,)),
    "pinv with a limit": (lambda n: lambda b: n.pinv(b, atol=1e-9, rtol=1e-9), (B,)),
    "pinv and rank": (lambda n: lambda b: n.pinv(b, return_rank=True)[0], (B,)),
    "qr, pivoting": (lambda n: lambda a: n.qr(a, pivoting=True)[1], (A[:, ::-1],)),
    "qr, pivoting, economic": (
        lambda n: lambda b: n.qr(b, mode="economic", pivoting=True)[0],
        (B[:, ::-1],),
    ),
    "r of a tall matrix": (lambda n: lambda b: n.qr(b, mode="r")[0], (B,)),
    "svd of many": (lambda n: lambda a: n.svd(a, compute_uv=False), (STACK,)),
    "svd, what is missing": (lambda n: lambda b: missing(n.svd(b)[0]), (B,)),
    "qr, what is missing": (lambda n: lambda b: missing(n.qr(b)[0]), (B,)),
    "eigh, some": (
        lambda n: lambda a: n.eigh(sym(a), subset_by_index=(1, 2), eigvals_only=True),
        (S,),
    ),
    **{
        f"eigh of two, type {kind}": (
            lambda n, kind=kind: lambda a, b: n.eigh(sym(a), sym(b), type=kind)[1] ** 2,
            (S, S + A @ A.T),
        )
        for kind in (1, 2, 3)
    },
    "eigh of two, complex": (
        lambda n: lambda a, b: n.eigh(sym(a), sym(b), lower=False, eigvals_only=True),
        (H, H + Z @ Z.conj().T),
    ),
    "eigvals": (lambda n: n.eigvals, (A,)),
    "eig": (lambda n: lambda a: np.abs(n.eig(a)[1]) ** 2, (Z,)),
    "solve_sylvester of many": (lambda n: n.solve_sylvester, (STACK, A, STACK)),
    "solve_sylvester, complex": (lambda n: n.solve_sylvester, (Z, Z, A)),
    "block_diag of many": (lambda n: n.block_diag, (STACK, A)),
}


def missing(u: Any) -> Any:
    """The projection on the last column, whatever its sign."""
    return u[:, 2:] @ u[:, 2:].T


def sym(a: Any) -> Any:
    return (a + np.conj(a).mT) / 2


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    make, arrays = CALLS[name]
    ours, theirs = make(linalg), make(sp)
    expected = np.asarray(theirs(*arrays))
    np.testing.assert_allclose(np.asarray(ours(*arrays)), expected, rtol=1e-13, atol=1e-13)
    result = ours(*(clearprop.tensor(x) for x in arrays))
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(np.asarray(result.value), expected, rtol=1e-10, atol=1e-12)
    clearprop.testing.check_grads(ours, arrays, order=2)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            linalg.expm,
            ShapeError,
            r"scipy.linalg.expm needs square matrices, but the shape is \(3, 2\)",
        ),
        (lambda b: linalg.qr(b, mode="raw"), UnsupportedError, "'full', 'economic' or 'r'"),
        (lambda b: linalg.eigh(b, subset_by_value=(0, 1)), UnsupportedError, "subset_by_index="),
        (lambda b: linalg.eigh(b[:2], type=4), ValueError, "type is 1, 2 or 3, not 4"),
        (lambda b: linalg.eig(b[:2], left=True), UnsupportedError, "left= and"),
        (lambda b: linalg.solve(b[:2], b[:2], assume_a="odd"), UnsupportedError, "assume_a='odd'"),
        (lambda b: linalg.solve(A, b[:2]), ShapeError, "one vector of 3 numbers"),
        (lambda b: linalg.toeplitz(b), ShapeError, "one column and one row"),
        (lambda b: linalg.lu_factor(b[0]), ShapeError, "scipy.linalg.lu_factor needs a matrix"),
        (
            lambda b: linalg.solve_triangular(A, b[:2]),
            ShapeError,
            r"shapes \(3, 3\) and \(2, 2\) do not fit",
        ),
        (
            lambda b: linalg.solve_sylvester(A, A, b),
            ShapeError,
            r"\(3, 3\) and \(3, 3\) and \(3, 2\) do not fit",
        ),
    ],
)
def test_errors(call: Callable[[Any], Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call(clearprop.tensor(B))


def test_other_names_are_scipys() -> None:
    assert linalg.hilbert is sp.hilbert
    assert "hankel" in dir(linalg)


def test_compiled() -> None:
    f = clearprop.grad(lambda a: np.sum(linalg.expm(a / 4) * S))
    compiled = clearprop.compile(f)
    np.testing.assert_allclose(compiled(A), f(A), rtol=1e-12)
    assert "NumPy: expm" in str(compiled.report())


@pytest.mark.parametrize(
    "f",
    [
        lambda n, a, b: n.solve(a, b, lower=True, assume_a="sym"),
        lambda n, a, b: n.solve(a, b, lower=True, assume_a="her"),
        lambda n, a, b: n.solve(a, b, lower=True, assume_a="pos"),
        lambda n, a, b: n.eigh(a, eigvals_only=True),
        lambda n, a, b: n.eigh(b @ b.T + np.eye(3), a, eigvals_only=True, lower=True),
        lambda n, a, b: n.eigh(a, S, eigvals_only=True, type=2),
        lambda n, a, b: n.cholesky(a, lower=True),
        lambda n, a, b: n.cho_solve(n.cho_factor(a, lower=True), b),
    ],
)
def test_one_triangle_is_read_and_both_share_the_gradient(f: Callable[..., Any]) -> None:
    expected = f(sp, TRIANGLE, B)
    t = clearprop.tensor(TRIANGLE)
    result = f(linalg, t, B)
    np.testing.assert_allclose(result.value, expected, rtol=1e-11, atol=1e-13)
    weights = np.arange(1.0, 1 + result.size).reshape(result.shape)
    np.sum(result * weights).backward()
    assert np.array_equal(t.grad, t.grad.T)
    step = sym(A)
    slope = [np.sum(f(sp, S + h * step, B) * weights) for h in (1e-6, -1e-6)]
    assert np.sum(t.grad * step) == pytest.approx((slope[0] - slope[1]) / 2e-6, rel=1e-7)


def test_indefinite_matrices_are_not_solved_as_definite_ones() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        linalg.solve(clearprop.tensor(-S), B, assume_a="pos")


def test_ranks_and_pivots() -> None:
    low = clearprop.tensor(np.outer([1.0, 2.0, 3.0], [1.0, 1.0]))
    assert linalg.pinv(low, return_rank=True)[1].item() == 1
    assert linalg.pinv(low + 1e-6 * B, atol=1e-3, return_rank=True)[1].item() == 1
    _, order = linalg.qr(clearprop.tensor(A[:, ::-1]), mode="r", pivoting=True)
    assert order.value.tolist() == sp.qr(A[:, ::-1], mode="r", pivoting=True)[1].tolist()
    assert linalg.lu_factor(clearprop.tensor(A[::-1]))[1].dtype == sp.lu_factor(A)[1].dtype


def test_precision_as_in_scipy() -> None:
    a = A.astype("float32")
    for f in (
        lambda n, a: n.det(a),
        lambda n, a: n.expm(a),
        lambda n, a: n.sqrtm(a),
        lambda n, a: n.inv(a),
        lambda n, a: n.pinv(a),
        lambda n, a: n.lu(a)[0],
        lambda n, a: n.lu(a)[2],
        lambda n, a: n.solve_triangular(a, a),
        lambda n, a: n.eigvals(a),
    ):
        t = clearprop.tensor(a)
        result = f(linalg, t)
        assert result.dtype == f(sp, a).dtype
        np.testing.assert_allclose(result.value, f(sp, a), rtol=1e-4, atol=1e-5)
        if result.requires_grad:
            np.sum(result.real).backward()
            assert t.grad.dtype == np.float32


def test_roots_are_complex_when_traced() -> None:
    graph = clearprop.trace(linalg.sqrtm, A)
    assert str(graph.outputs[0].spec) == "c128[3,3]"
    np.testing.assert_allclose(graph.evaluate(A), linalg.sqrtm(A), rtol=1e-12, atol=1e-14)


def test_logarithms_where_they_jump() -> None:
    with pytest.raises(DtypeError, match="negative eigenvalues, where logm jumps"):
        linalg.logm(clearprop.tensor(-A))


def test_a_function_of_repeated_eigenvalues_has_its_whole_gradient() -> None:
    weights = np.arange(9.0).reshape(3, 3)
    g = clearprop.grad(lambda a: np.sum(linalg.expm(a) * weights))(np.eye(3))
    np.testing.assert_allclose(g, np.e * weights, rtol=1e-14)


def test_compiled_factors_choose_rows_anew() -> None:
    f = clearprop.grad(lambda a: np.sum(linalg.lu_solve(linalg.lu_factor(a), B) ** 2))
    compiled = clearprop.compile(f)
    for a in (A, A[::-1].copy(), A[[1, 2, 0]]):
        np.testing.assert_allclose(compiled(a), f(a), rtol=1e-11, atol=1e-12)
