"""PyTorch and JAX as oracles of linear algebra, real and complex: values and gradients, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.scipy import linalg as scipy_linalg
from tests.calls import Shapes, draw

la = np.linalg


def adjoint(x: Any) -> Any:
    return x.conj().mT


def positive(x: Any) -> Any:
    return x @ adjoint(x)


def first(x: Any) -> Any:
    return x[..., :1] @ adjoint(x[..., :1])


def polar(n: Any, x: Any) -> Any:
    u, _, vh = n.svd(x, full_matrices=False)
    return u @ vh


# each is written once, for `np.linalg`, `torch.linalg` and `jnp.linalg`; NumPy's arrays are constants
SHARED: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "solve": (lambda n, x, y: n.solve(x, y), ((2, 3, 3), (2, 3, 2))),
    "inv": (lambda n, x: n.inv(x), ((2, 3, 3),)),
    "pinv": (lambda n, x: n.pinv(x), ((2, 4, 3),)),
    "pinv, Hermitian": (lambda n, x: n.pinv(positive(x), hermitian=True), ((3, 3),)),
    "det": (lambda n, x: n.det(x), ((2, 3, 3),)),
    "slogdet": (lambda n, x: n.slogdet(x)[0] * n.slogdet(x)[1] ** 2, ((2, 3, 3),)),
    "cholesky": (lambda n, x: n.cholesky(positive(x)), ((2, 3, 3),)),
    "qr": (lambda n, x: n.qr(x)[0] @ n.qr(x)[1].mT, ((4, 4),)),
    "qr, tall": (lambda n, x: n.qr(x)[0][:3] @ n.qr(x)[1], ((2, 4, 3),)),
    "qr, wide": (lambda n, x: n.qr(x)[1], ((3, 4),)),
    "svd": (polar, ((2, 4, 3),)),
    "svd, first vectors": (
        lambda n, x: first(n.svd(x, full_matrices=False)[0]) * n.svd(x, full_matrices=False)[1][0],
        ((3, 5),),
    ),
    "svdvals": (lambda n, x: n.svdvals(x), ((2, 3, 2),)),
    "eigh": (lambda n, x: first(n.eigh(positive(x))[1]) * n.eigh(positive(x))[0], ((3, 3),)),
    "eigvalsh": (lambda n, x: n.eigvalsh(positive(x)), ((2, 3, 3),)),
    "cond": (lambda n, x: n.cond(x), ((3, 3),)),
    "matrix_power": (lambda n, x: n.matrix_power(x, 5) + n.matrix_power(x, -1), ((3, 3),)),
    "nuclear norm": (lambda n, x: n.matrix_norm(x, ord="nuc"), ((2, 3, 2),)),
    "spectral norm": (lambda n, x: n.matrix_norm(x, ord=2), ((2, 3, 2),)),
    "tensorinv": (lambda n, x: n.tensorinv(x, ind=1), ((4, 2, 2),)),
    "tensorsolve": (lambda n, x, y: n.tensorsolve(x, y), ((2, 2, 4), (2, 2))),
    "multi_dot": (lambda n, *xs: n.multi_dot(xs), ((2, 3), (3, 4), (4, 2))),
}
IN_TORCH: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "eig": (lambda n, x: abs(n.eig(x)[1]) ** 2 * abs(n.eig(x)[0]), ((3, 3),)),
    "eigvals": (lambda n, x: abs(n.eigvals(x)), ((3, 3),)),
}
"""JAX has no gradient of these."""
IN_JAX: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "cond 1": (lambda n, x: n.cond(x, 1), ((3, 3),)),
}
"""PyTorch raises an error in its backward pass."""


# for `clearprop.scipy.linalg` and `jax.scipy.linalg`
SCIPY: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "expm": (lambda n, x: n.expm(x), ((2, 3, 3),)),
    "solve_triangular": (
        lambda n, x, y: n.solve_triangular(x, y, trans="T", lower=True),
        ((3, 3), (3, 2)),
    ),
    "solve_triangular, conjugated": (
        lambda n, x, y: n.solve_triangular(x, y, trans="C", unit_diagonal=True),
        ((3, 3), (3,)),
    ),
    "cho_solve": (lambda n, x, y: n.cho_solve(n.cho_factor(positive(x)), y), ((3, 3), (3, 2))),
    "cholesky": (lambda n, x: n.cholesky(positive(x)), ((3, 3),)),
    "lu": (lambda n, x: n.lu(x)[1] @ n.lu(x)[2] ** 2, ((3, 3),)),
    "lu, tall": (lambda n, x: n.lu(x)[1], ((4, 3),)),
    "lu, wide": (lambda n, x: n.lu(x)[2], ((3, 4),)),
    "lu_solve": (lambda n, x, y: n.lu_solve(n.lu_factor(x), y), ((3, 3), (3, 2))),
    "solve": (lambda n, x, y: n.solve(x, y), ((3, 3), (3, 2))),
    "solve, positive": (
        lambda n, x, y: n.solve(positive(x), y, assume_a="pos"),
        ((3, 3), (3, 2)),
    ),
    "det": (lambda n, x: n.det(x), ((3, 3),)),
    "inv": (lambda n, x: n.inv(x), ((3, 3),)),
    "qr": (lambda n, x: n.qr(x, mode="economic")[0] ** 2, ((4, 2),)),
    "eigh": (lambda n, x: n.eigh(positive(x))[0], ((3, 3),)),
    "svd": (lambda n, x: n.svd(x, compute_uv=False), ((3, 2),)),
    "block_diag": (lambda n, x, y: n.block_diag(x, y), ((2, 3), (1, 2))),
    "toeplitz": (lambda n, x, y: n.toeplitz(x, y), ((3,), (4,))),
}


def upstream(out: Any) -> Any:
    g = np.random.default_rng(4).standard_normal(out.shape)
    if out.dtype.kind == "c":
        g = g + 1j * np.random.default_rng(5).standard_normal(out.shape)
    return g


def ours(f: Callable[..., Any], arrays: list[Any]) -> tuple[Any, Any, list[Any]]:
    tensors = [clearprop.tensor(x) for x in arrays]
    out = f(*tensors)
    g = upstream(out)
    out.backward(g)
    return np.asarray(out.value), g, [t.grad for t in tensors]


def alike(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", ["r", "c"])
@pytest.mark.parametrize("name", SHARED | IN_TORCH)
def test_as_in_pytorch(name: str, kind: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (make test-all does it)")
    f, shapes = (SHARED | IN_TORCH)[name]
    arrays = draw(shapes, kind * len(shapes))
    value, g, gradients = ours(lambda *xs: f(la, *xs), arrays)
    leaves = [torch.tensor(x, requires_grad=True) for x in arrays]
    out = f(torch.linalg, *leaves)
    alike(value, out.detach().numpy())
    out.backward(torch.tensor(g))
    for mine, leaf in zip(gradients, leaves, strict=True):
        alike(mine, leaf.grad.resolve_conj().numpy())


@pytest.mark.parametrize("kind", ["r", "c"])
@pytest.mark.parametrize("name", [*SHARED, *IN_JAX, *(f"scipy: {name}" for name in SCIPY)])
def test_as_in_jax(name: str, kind: str) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed (make test-all installs it)")
    if (name, kind) == ("scipy: solve, positive", "c"):
        pytest.skip("JAX's gradient differs from central differences, ours does not")
    in_scipy = name.startswith("scipy: ")
    f, shapes = SCIPY[name.removeprefix("scipy: ")] if in_scipy else (SHARED | IN_JAX)[name]
    mine, theirs = (scipy_linalg, jax.scipy.linalg) if in_scipy else (la, jax.numpy.linalg)
    arrays = draw(shapes, kind * len(shapes))
    value, g, gradients = ours(lambda *xs: f(mine, *xs), arrays)
    with jax.enable_x64(True):
        expected, pullback = jax.vjp(lambda *xs: f(theirs, *xs), *map(jax.numpy.asarray, arrays))
        alike(value, expected)
        for x, y in zip(gradients, pullback(jax.numpy.asarray(np.conj(g))), strict=True):
            alike(x, np.conj(y))
