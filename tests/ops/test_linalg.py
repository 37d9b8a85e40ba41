"""np.linalg as users call it: compositions, functions without an arbitrary choice, degenerate matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
import clearprop.testing
from clearprop import ShapeError, UnsupportedError
from clearprop.ops.matrices import hermitian, well_conditioned
from tests.calls import check_call

CALLS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "solve a vector": (np.linalg.solve, [well_conditioned(3, 3), np.arange(3.0)]),
    "solve for a stack": (np.linalg.solve, [well_conditioned(2, 3, 3), np.ones((2, 3, 1))]),
    "inv": (np.linalg.inv, [well_conditioned(3, 3)]),
    "det of a stack": (np.linalg.det, [well_conditioned(2, 3, 3)]),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], [well_conditioned(3, 3)]),
    "slogdet by name": (lambda a: np.linalg.slogdet(-a).logabsdet, [well_conditioned(3, 3)]),
    "pinv": (np.linalg.pinv, [well_conditioned(4, 2)]),
    "lstsq": (lambda a, b: np.linalg.lstsq(a, b)[0], [well_conditioned(4, 2), np.arange(4.0)]),
    "residuals": (
        lambda a, b: np.linalg.lstsq(a, b, rcond=None)[1],
        [well_conditioned(4, 2), np.arange(8.0).reshape(4, 2)],
    ),
    "qr": (lambda a: np.linalg.qr(a).Q, [well_conditioned(4, 3)]),
    "r of a wide matrix": (lambda a: np.linalg.qr(a, mode="r"), [well_conditioned(2, 4)]),
    "q of a wide matrix": (lambda a: np.linalg.qr(a)[0], [well_conditioned(2, 4)]),
    "singular values": (np.linalg.svdvals, [well_conditioned(3, 2)]),
    "values without vectors": (
        lambda a: np.linalg.svd(a, compute_uv=False),
        [well_conditioned(2, 2, 3)],
    ),
    "svd": (lambda a: np.linalg.svd(a, full_matrices=False).Vh, [well_conditioned(3, 2)]),
    "matrix_power": (lambda a: np.linalg.matrix_power(a, 5), [well_conditioned(3, 3) / 4]),
    "matrix_power below zero": (
        lambda a: np.linalg.matrix_power(a, -2),
        [well_conditioned(2, 3, 3)],
    ),
    "matrix_power of one": (lambda a: np.linalg.matrix_power(a, 1), [well_conditioned(3, 3)]),
    "tensorsolve": (
        np.linalg.tensorsolve,
        [well_conditioned(6, 6).reshape(2, 3, 6), np.arange(6.0).reshape(2, 3)],
    ),
    "tensorinv": (lambda a: np.linalg.tensorinv(a, 1), [well_conditioned(6, 6).reshape(6, 2, 3)]),
    "cond": (np.linalg.cond, [well_conditioned(3, 3)]),
    "cond, the other way": (lambda a: np.linalg.cond(a, -2), [well_conditioned(3, 3)]),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    f, arrays = CALLS[name]
    check_call(f, arrays, rtol=1e-11)


# ---- functions of factors that do not depend on phases


def _through_eigh(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return np.sum(((v * np.exp(w / 9)) @ np.conj(v).mT).real * np.arange(9).reshape(3, 3))


def _through_svd(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    whole = (u * np.sin(s)) @ vh
    weights = np.arange(1, whole.size + 1).reshape(whole.shape)
    return np.sum(whole.real * weights + whole.imag * weights[::-1])


def _through_eig(a: Any) -> Any:
    w, v = np.linalg.eig(a)
    whole = (v * np.exp(w / 5)) @ np.linalg.inv(v)
    return np.sum((whole * (1 + 2j)).real * np.arange(9).reshape(3, 3))


def _through_cholesky(a: Any) -> Any:
    return np.sum(np.abs(np.linalg.cholesky(a)) ** 2 * np.arange(1, 10).reshape(3, 3))


def _through_slogdet(a: Any) -> Any:
    sign, log = np.linalg.slogdet(a)
    return np.sum((sign * (2 + 1j)).real) + np.sum(log)


INVARIANT: dict[str, tuple[Callable[[Any], Any], tuple[int, ...], bool]] = {
    "eigh": (_through_eigh, (3, 3), True),
    "cholesky": (_through_cholesky, (3, 3), True),
    "svd": (_through_svd, (3, 3), False),
    "svd, tall": (_through_svd, (4, 2), False),
    "svd, wide": (_through_svd, (2, 3), False),
    "eig": (_through_eig, (3, 3), False),
    "slogdet": (_through_slogdet, (3, 3), False),
}


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", INVARIANT)
def test_functions_without_a_choice(name: str, dtype: str) -> None:
    f, shape, symmetric = INVARIANT[name]
    a = (
        hermitian(*shape, dtype=dtype, shift=4.0)
        if symmetric
        else well_conditioned(*shape, dtype=dtype)
    )

    def whole(x: Any) -> Any:
        return f((x + np.conj(x).mT) / 2 if symmetric else x)

    clearprop.testing.check_grads(whole, (a,), order=2)


# ---- degenerate and singular matrices


def test_repeated_eigenvalues() -> None:
    a = np.eye(3)
    assert np.array_equal(clearprop.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(a), np.eye(3))
    found = clearprop.grad(_through_eigh)(a)
    exact = np.arange(9).reshape(3, 3) * np.exp(1 / 9) / 9
    diagonal = np.eye(3, dtype=bool)
    np.testing.assert_allclose(found[diagonal], exact[diagonal], rtol=1e-12)
    assert np.isfinite(found).all()


def test_repeated_singular_values() -> None:
    g = clearprop.grad(lambda a: np.sum(np.linalg.svd(a, full_matrices=False)[0]))(np.eye(3) * 2)
    assert np.isfinite(g).all()
    assert np.array_equal(
        clearprop.grad(lambda a: np.sum(np.linalg.svdvals(a)))(np.eye(2)), np.eye(2)
    )


@pytest.mark.parametrize(
    ("a", "cofactors"),
    [
        (np.zeros((2, 2)), [[0, 0], [0, 0]]),
        (np.array([[1.0, 2.0], [2.0, 4.0]]), [[4, -2], [-2, 1]]),
        (np.diag([2.0, 3.0, 0.0]), np.diag([0, 0, 6])),
        (np.diag([2.0, 0.0, 0.0]), np.zeros((3, 3))),
    ],
)
def test_the_gradient_of_a_zero_determinant(a: Any, cofactors: Any) -> None:
    np.testing.assert_allclose(clearprop.grad(np.linalg.det)(a), cofactors, atol=1e-14)


def test_eig_gives_real_results_where_numpy_does() -> None:
    a = clearprop.tensor(np.diag([1.0, 2.0]))
    w, v = np.linalg.eig(a)
    assert w.dtype == v.dtype == np.float64
    turned = clearprop.tensor([[0.0, 1.0], [-1.0, 0.0]])
    assert np.linalg.eigvals(turned).dtype == np.complex128
    graph = clearprop.trace(lambda a: np.linalg.eigvals(a), np.eye(2))
    assert str(graph.outputs[0].spec) == "c128[2]"
    assert np.array_equal(graph.evaluate(np.eye(2)), [1, 1])


def test_rank_is_a_number_without_a_gradient() -> None:
    assert np.linalg.matrix_rank(clearprop.tensor([[1.0, 2.0], [2.0, 4.0]])) == 1
    x, _, rank, s = np.linalg.lstsq(clearprop.tensor(np.eye(2)), np.ones(2))
    assert (int(rank), s.shape, x.shape) == (2, (2,), (2,))


# ---- what is refused


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            np.linalg.inv,
            ShapeError,
            r"np.linalg.inv needs square matrices, but the shape is \(2, 3\)",
        ),
        (np.linalg.svd, UnsupportedError, "full_matrices=False"),
        (lambda a: np.linalg.qr(a.T, "complete"), UnsupportedError, "mode='reduced'"),
        (lambda a: np.linalg.qr(a, "raw"), UnsupportedError, "mode='raw' has no gradient"),
        (lambda a: np.linalg.det(a[0]), ShapeError, "needs a matrix or a stack"),
        (lambda a: np.linalg.lstsq(a, np.ones(3)), ShapeError, r"\(2, 3\) and \(3,\)"),
        (lambda a: np.linalg.tensorsolve(a, np.ones(2)), ShapeError, "no square system"),
        (lambda a: np.linalg.tensorinv(a, 1), ShapeError, "no square matrix"),
    ],
)
def test_errors(call: Callable[[Any], Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call(clearprop.tensor(np.ones((2, 3))))


def test_singular_matrices_say_so() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(clearprop.tensor(np.zeros((2, 2))))


def test_compiled_products_of_two_precisions(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(20, 30)).astype("f4"), rng.normal(size=(30, 5))
    compiled = clearprop.compile(lambda x, y: x @ y)
    np.testing.assert_allclose(compiled(x, y), x @ y, rtol=1e-12)
