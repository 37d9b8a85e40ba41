"""clearprop.scipy.linalg: SciPy's values under SciPy's signatures, and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sp

import clearprop
import clearprop.testing
from clearprop import ShapeError, UnsupportedError
from clearprop.ops.matrices import hermitian, well_conditioned
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
        (lambda b: linalg.qr(b, pivoting=True), UnsupportedError, "pivoting=True"),
        (lambda b: linalg.pinv(b, atol=0.1), UnsupportedError, "use rtol="),
        (lambda b: linalg.eigh(b, driver="ev"), UnsupportedError, "not driver"),
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
