"""np.linalg as users write it: values and dtypes, central differences, degenerate matrices, messages.

What depends on a choice of LAPACK's (phases of complex vectors, vectors beyond the singular values) is tested
through functions that do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import grad
from clearprop.errors import ShapeError, UnsupportedError
from clearprop.testing import assert_grads
from tests.calls import Shapes, check_call, draw
from tests.messages import message

la = np.linalg


def adjoint(x: Any) -> Any:
    return np.conj(x.mT)


def hermitian(x: Any) -> Any:
    return x + adjoint(x)


def positive(x: Any) -> Any:
    return x @ adjoint(x) + np.eye(x.shape[-1], dtype=x.dtype)


def function_of_eigenvalues(x: Any) -> Any:
    w, v = la.eigh(hermitian(x))
    return (v * np.exp(w / 4)[..., None, :]) @ adjoint(v)


def projection(x: Any) -> Any:
    v = la.eigh(hermitian(x), "U").eigenvectors[..., :1]
    return v @ adjoint(v)


def rebuilt(x: Any, **options: Any) -> Any:
    """As svd finds it, with singular values squared, and each factor alone."""
    u, s, vh = la.svd(x, full_matrices=False, **options)
    first, last = u[..., :, :1], vh[..., -1:, :]
    return (u * (s * s)[..., None, :]) @ vh + np.sum(
        np.abs(first @ adjoint(first)) ** 2 * 0.5, (-2, -1), keepdims=True
    ) * np.sum(np.abs(adjoint(last) @ last)[..., 0, :] ** 3)


def polar(x: Any) -> Any:
    u, _, vh = la.svd(x, full_matrices=False)
    return u @ vh


def spaces(x: Any) -> Any:
    """The projections on what is beyond the singular values."""
    u, s, vh = la.svd(x)
    k = s.shape[-1]
    left, right = u[..., k:], vh[..., k:, :]
    return np.sum(s, -1)[..., None, None] * (left @ adjoint(left)), adjoint(right) @ right


def complement(x: Any) -> Any:
    q, r = la.qr(x, "complete")
    rest = q[..., x.shape[-1] :]
    return (rest @ adjoint(rest)) * np.sum(np.abs(r))


def function_of_any(x: Any) -> Any:
    w, v = la.eig(x)
    return (v * np.exp(w / 2)[..., None, :]) @ la.inv(v)


def sizes_of_vectors(x: Any) -> Any:
    """Vectors have length one, so these change as they turn."""
    w, v = la.eig(x)
    return np.sum(np.abs(v) ** 2 * np.abs(w)[..., None, :] ** 2, -1)


CALLS: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "solve": (la.solve, ((3, 3), (3, 2))),
    "solve for a vector": (la.solve, ((3, 3), (3,))),
    "solve many for a vector": (la.solve, ((2, 3, 3), (3,))),
    "solve many": (la.solve, ((2, 1, 3, 3), (4, 3, 2))),
    "inv": (la.inv, ((2, 3, 3),)),
    "pinv": (la.pinv, ((4, 2),)),
    "pinv of a wide one": (lambda x: la.pinv(x, rtol=None), ((2, 2, 4),)),
    "pinv of low rank": (lambda x, y: la.pinv(x @ y, 1e-10), ((4, 2), (2, 3))),
    "pinv of many, each with its limit": (
        lambda x: la.pinv(x, rtol=np.array([1e-9, 1e-12])),
        ((2, 3, 2),),
    ),
    "pinv of a Hermitian matrix": (lambda x: la.pinv(hermitian(x), hermitian=True), ((3, 3),)),
    "det": (la.det, ((2, 3, 3),)),
    "det of a number's matrix": (la.det, ((1, 1),)),
    "sign of slogdet": (lambda x: la.slogdet(x).sign * la.slogdet(x).logabsdet, ((2, 3, 3),)),
    "logarithm of slogdet": (lambda x: la.slogdet(x)[1], ((3, 3),)),
    "cholesky": (lambda x: la.cholesky(positive(x)), ((2, 3, 3),)),
    "cholesky, upper": (lambda x: la.cholesky(positive(x), upper=True), ((3, 3),)),
    "qr, tall": (lambda x: la.qr(x).Q @ np.tril(la.qr(x).R), ((4, 3),)),
    "qr, wide": (lambda x: la.qr(x)[0] @ np.tril(la.qr(x)[1][..., :2]), ((2, 2, 4),)),
    "qr, square": (lambda x: la.qr(x, "complete").Q, ((3, 3),)),
    "qr, complete": (complement, ((4, 2),)),
    "qr, complete and wide": (lambda x: la.qr(x, mode="complete").R, ((2, 4),)),
    "qr, r alone": (lambda x: la.qr(x, "r"), ((4, 3),)),
    "svd": (rebuilt, ((4, 3),)),
    "svd of a wide one": (rebuilt, ((2, 2, 3),)),
    "svd of a Hermitian matrix": (lambda x: rebuilt(hermitian(x), hermitian=True), ((3, 3),)),
    "polar factor": (polar, ((2, 4, 3),)),
    "svd, full and tall": (lambda x: spaces(x)[0], ((2, 4, 2),)),
    "svd, full and wide": (lambda x: spaces(x)[1], ((2, 4),)),
    "svd, full and square": (
        lambda x: np.abs(la.svd(x).U * la.svd(x)[1]) * np.abs(la.svd(x).Vh),
        ((3, 3),),
    ),
    "svd, values alone": (lambda x: la.svd(x, compute_uv=False), ((2, 2, 3),)),
    "svdvals": (la.svdvals, ((4, 3),)),
    "svd, values of a Hermitian matrix": (
        lambda x: la.svd(hermitian(x), compute_uv=False, hermitian=True),
        ((2, 3, 3),),
    ),
    "eigh": (function_of_eigenvalues, ((2, 3, 3),)),
    "eigh, one vector": (projection, ((3, 3),)),
    "eigh, values alone": (lambda x: la.eigh(hermitian(x))[0], ((3, 3),)),
    "eigvalsh": (lambda x: la.eigvalsh(hermitian(x), "U"), ((2, 3, 3),)),
    "lstsq": (lambda x, y: la.lstsq(x, y)[0], ((4, 2), (4, 3))),
    "lstsq, what is left over": (lambda x, y: la.lstsq(x, y)[1], ((4, 2), (4,))),
    "lstsq, singular values": (lambda x, y: la.lstsq(x, y)[3], ((4, 2), (4,))),
    "lstsq of low rank": (
        lambda x, y, z: la.lstsq(x @ y, z, rcond=1e-10)[0],
        ((4, 2), (2, 3), (4, 2)),
    ),
    "matrix_power 1": (lambda x: la.matrix_power(x, 1), ((3, 3),)),
    "matrix_power 2": (lambda x: la.matrix_power(x, 2), ((3, 3),)),
    "matrix_power 3": (lambda x: la.matrix_power(x, 3), ((3, 3),)),
    "matrix_power 11": (lambda x: la.matrix_power(x, 11), ((2, 3, 3),)),
    "matrix_power -2": (lambda x: la.matrix_power(x, -2), ((3, 3),)),
    "tensorsolve": (la.tensorsolve, ((2, 3, 6), (2, 3))),
    "tensorsolve over named axes": (
        lambda x, y: la.tensorsolve(x, y, axes=(0, 2)),
        ((2, 6, 3), (6,)),
    ),
    "tensorinv": (la.tensorinv, ((2, 3, 3, 2),)),
    "tensorinv of a matrix and more": (lambda x: la.tensorinv(x, ind=1), ((4, 2, 2),)),
    "cond": (la.cond, ((2, 3, 2),)),
    "cond -2": (lambda x: la.cond(x, -2), ((3, 3),)),
    **{
        f"cond {p}": (lambda x, p=p: la.cond(x, p), ((2, 3, 3),))
        for p in (2, "fro", "nuc", 1, -1, np.inf, -np.inf)
    },
}
COMPLEX_ALONE: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "eig": (function_of_any, ((2, 3, 3),)),
    "eig, sizes of vectors": (sizes_of_vectors, ((3, 3),)),
    "eigvals": (la.eigvals, ((2, 3, 3),)),
}
"""Of a real matrix these are real only where all eigenvalues are."""


@pytest.mark.parametrize("name", CALLS)
def test_real(name: str) -> None:
    f, shapes = CALLS[name]
    check_call(f, draw(shapes), 1e-11)


@pytest.mark.parametrize("name", CALLS | COMPLEX_ALONE)
def test_complex(name: str) -> None:
    f, shapes = (CALLS | COMPLEX_ALONE)[name]
    check_call(f, draw(shapes, "c" * len(shapes)), 1e-11)


@pytest.mark.parametrize("kinds", ["cr", "rc"])
@pytest.mark.parametrize("name", ["solve", "solve many for a vector", "lstsq", "tensorsolve"])
def test_mixed(name: str, kinds: str) -> None:
    f, shapes = CALLS[name]
    check_call(f, draw(shapes, kinds), 1e-11)


SMOOTH = {
    "solve": lambda x: np.sum(la.solve(x, x @ x + 1) ** 2),
    "inv": lambda x: np.sum(la.inv(x) ** 2),
    "pinv": lambda x: np.sum(la.pinv(x[:, :2]) ** 2 * [[1], [2]]),
    "det": lambda x: la.det(x) ** 2,
    "slogdet": lambda x: la.slogdet(x).logabsdet ** 2,
    "cholesky": lambda x: np.sum(la.cholesky(positive(x)) ** 3),
    "qr": lambda x: np.sum(la.qr(x[:, :2]).Q[:2] ** 3) + np.sum(la.qr(x).R ** 3),
    "complement": lambda x: np.sum(complement(x[:, :2]) ** 2),
    "svd": lambda x: np.sum(rebuilt(x) ** 2),
    "spaces": lambda x: np.sum(spaces(x[:, :2])[0] ** 2) + np.sum(spaces(x[:2])[1] ** 3),
    "svdvals": lambda x: np.sum(la.svdvals(x) ** 3),
    "eigh": lambda x: np.sum(function_of_eigenvalues(x) ** 2) + np.sum(projection(x) ** 3),
    "eigvalsh": lambda x: np.sum(la.eigvalsh(hermitian(x)) ** 3),
    "eig": lambda x: np.sum(np.abs(function_of_any(x)) ** 2) + np.sum(sizes_of_vectors(x) ** 2),
    "eigvals": lambda x: np.sum(np.abs(la.eigvals(x)) ** 3),
    "lstsq": lambda x: (
        np.sum(la.lstsq(x[:, :2], x[:, 2:])[0] ** 2) + la.lstsq(x[:, :2], x[:, 2])[1][0]
    ),
    "cond": lambda x: la.cond(x) + la.cond(x, 1),
    "phase of a determinant": lambda x: np.sum((la.slogdet(x).sign * (2 + 1j)).real) ** 2,
}


@pytest.mark.parametrize("kind", ["r", "c"])
@pytest.mark.parametrize("name", SMOOTH)
def test_second_order(name: str, kind: str) -> None:
    f = SMOOTH[name]
    assert_grads(lambda x: np.real(f(x)) + np.imag(f(x)), *draw(((3, 3),), kind), order=2)


@pytest.mark.parametrize("name", ["inv", "det", "svdvals", "eigh", "cholesky", "qr"])
def test_third_order(name: str) -> None:
    assert_grads(SMOOTH[name], *draw(((3, 3),)), order=3)


# ---- results as NumPy gives them


@pytest.mark.parametrize("name", ["slogdet", "qr", "svd", "eigh", "eig"])
def test_named_tuples(name: str) -> None:
    function = getattr(la, name)
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    expected, found = function(a), function(clearprop.tensor(a))
    assert type(found) is type(expected)
    for x, y in zip(found, expected, strict=True):
        assert isinstance(x, clearprop.Tensor)
        assert (x.dtype, x.value.tolist()) == (y.dtype, y.tolist())


def test_real_eigenvalues_are_real_and_others_are_not() -> None:
    real = clearprop.tensor([[2.0, 1.0], [0.0, 3.0]])
    assert la.eigvals(real).dtype == la.eig(real).eigenvectors.dtype == np.float64
    turn = clearprop.tensor([[0.0, -1.0], [1.0, 0.0]])
    assert la.eigvals(turn).dtype == la.eig(turn).eigenvectors.dtype == np.complex128


def test_lists_and_whole_numbers() -> None:
    b = clearprop.tensor([1.0, 2.0])
    la.solve([[2, 0], [0, 4]], b).sum().backward()
    assert b.grad.tolist() == [0.5, 0.25]
    whole = clearprop.tensor([[2, 1], [1, 1]])
    assert la.inv(whole).tolist() == [[1, -1], [-1, 2]]
    assert la.det(whole).dtype == la.svd(whole).S.dtype == la.eigvals(whole).dtype == np.float64


def test_power_zero_is_constant() -> None:
    x = clearprop.tensor(np.ones((2, 3, 3), np.float32))
    result = la.matrix_power(x, 0)
    assert (result.dtype, result.shape, result.requires_grad) == (np.float32, x.shape, False)
    assert result[1].tolist() == np.eye(3).tolist()


def test_rank() -> None:
    x = clearprop.tensor(np.outer([1.0, 2.0], [3.0, 4.0]))
    assert la.matrix_rank(x).item() == 1
    assert la.matrix_rank(np.stack([x, x + np.eye(2)])).tolist() == [1, 2]
    assert la.matrix_rank(x + 1e-5 * np.eye(2), tol=1e-3).item() == 1
    assert la.matrix_rank(x[0]).item() == 1
    assert la.lstsq(x, [1.0, 1.0])[2].item() == 1
    assert la.lstsq(x, [1.0, 1.0])[1].shape == (0,)


# ---- Hermitian matrices: one triangle is read, and both get their half


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize(
    "f",
    [
        lambda a: la.cholesky(a)[2, 0].real,
        lambda a: la.cholesky(a, upper=True)[0, 2].real,
        lambda a: la.eigvalsh(a)[0],
        lambda a: la.eigh(a, "U")[0][2] ** 2,
        lambda a: np.abs(la.eigh(a)[1][0, 1]) ** 2,
        lambda a: la.pinv(a, hermitian=True)[0, 1].real,
        lambda a: la.svd(a, hermitian=True)[1][0],
    ],
)
def test_gradient_of_hermitian_matrices_is_hermitian(f: Callable[..., Any], dtype: type) -> None:
    (x,) = draw(((3, 3),), "c" if dtype is complex else "")
    a = positive(x)
    g = grad(f)(a)
    np.testing.assert_allclose(g, adjoint(g), rtol=0, atol=1e-15)
    step = hermitian(draw(((3, 3),), "c" if dtype is complex else "", seed=9)[0])
    slope = (f(a + 1e-6 * step) - f(a - 1e-6 * step)) / 2e-6
    assert np.sum(np.conj(g) * step).real == pytest.approx(slope, rel=1e-7)


def test_the_other_triangle_is_not_read() -> None:
    a = np.array([[2.0, 99.0], [0.5, 1.0]])
    mirrored = np.array([[2.0, 0.5], [0.5, 1.0]])
    for f in (la.cholesky, la.eigvalsh, lambda x: la.eigh(x)[0]):
        assert f(clearprop.tensor(a)).value.tolist() == f(mirrored).tolist()


# ---- degenerate matrices


def nearly(rng: np.random.Generator, values: Any) -> Any:
    """A symmetric matrix with these eigenvalues, up to rounding."""
    q = la.qr(rng.standard_normal((len(values), len(values))))[0]
    return (q * np.array(values)) @ q.T


@pytest.mark.parametrize("values", [[1.0, 1.0, 1.0], [2.0, 2.0, -1.0], [0.0, 0.0, 0.0]])
def test_repeated_eigenvalues(rng: np.random.Generator, values: Any) -> None:
    a = nearly(rng, values)
    for total in (lambda w: np.sum(w), lambda w: np.sum(w**3)):
        for f in (la.eigvalsh, lambda a: la.eigh(a)[0], la.eigvals, lambda a: la.eig(a)[0]):
            power = 1 if total(np.full(1, 2.0)) == 2 else 3
            expected = power * la.matrix_power(a, power - 1)
            g = grad(lambda a, f=f, total=total: np.real(total(f(a))))(a)
            np.testing.assert_allclose(g, expected, rtol=0, atol=1e-13)


def symmetric(a: Any) -> Any:
    return (a + a.T) / 2


def of_eigh(f: Any) -> Any:
    return lambda a: f(*la.eigh(symmetric(a)))


def of_svd(f: Any) -> Any:
    return lambda a: f(*la.svd(a, full_matrices=False))


OF_VECTORS = {
    "exponential": of_eigh(lambda w, v: (v * np.exp(w)) @ v.T),
    "logarithm": of_eigh(lambda w, v: (v * np.log(w)) @ v.T),  # 0 at the identity
    "the matrix itself": of_eigh(lambda w, v: (v * w) @ v.T),
    "projection": of_eigh(lambda w, v: v[:, :2] @ v[:, :2].T),
    "by inverse": lambda a: (lambda w, v: (v * np.exp(w)) @ la.inv(v))(*la.eig(a)),
    "by svd": of_svd(lambda u, s, vh: (u * s) @ vh),
    "polar factor": of_svd(lambda u, s, vh: u @ vh),
}


@pytest.mark.parametrize("name", OF_VECTORS)
@pytest.mark.parametrize("a", [np.eye(3), 2 * np.eye(3), np.diag([2.0, 2.0, 5.0])])
def test_no_finite_gradient_of_coinciding_vectors(name: str, a: Any) -> None:
    """Smooth or not: entry by entry, too, where cotangents vanish that the gradient does not."""
    f = OF_VECTORS[name]
    for place in ((0, 0), (0, 1)):
        assert np.isnan(grad(lambda a, place=place: np.real(f(a)[place]))(a)).any()


@pytest.mark.parametrize("name", OF_VECTORS)
def test_gradients_through_distinct_vectors_are_right(name: str) -> None:
    weights = np.arange(9.0).reshape(3, 3)
    a = np.diag([1.0, 2.0, 4.0]) + 0.1 * np.ones((3, 3))
    f = OF_VECTORS[name]
    assert_grads(lambda a: np.sum(np.real(f(a)) * weights), a, order=2)


@pytest.mark.parametrize(
    "total",
    [
        lambda a: np.sum(la.eigvalsh(symmetric(a)) ** 2),
        lambda a: np.sum(la.eigh(symmetric(a))[0] ** 2),
        lambda a: np.sum(np.real(la.eigvals(symmetric(a))) ** 2),
    ],
)
def test_second_derivatives_of_eigenvalues_are_right_or_none(total: Any) -> None:
    by_hand = np.array([[2.0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 2]])
    apart = np.array([[1.0, 0.3], [0.3, 2.0]])
    found = clearprop.hessian(total)(apart).reshape(4, 4)
    np.testing.assert_allclose(found, by_hand, atol=1e-12)
    assert np.isnan(clearprop.hessian(total)(np.eye(2))).any()
    np.testing.assert_allclose(grad(total)(np.eye(2)), 2 * np.eye(2), atol=1e-15)


@pytest.mark.parametrize("ord", ["nuc", 2, -2])
def test_singular_values_that_rounding_makes_of_nothing(ord: Any) -> None:
    """What is 0 has a kink, with the slope 0 in its middle, also where it comes out as 1e-17."""
    u, v = np.array([[1.0], [2.0], [3.0]]) / 14**0.5, np.array([[1.0, 1.0, 1.0]]) / 3**0.5
    a = 3 * u @ v
    expected = {"nuc": u @ v, 2: u @ v, -2: np.zeros((3, 3))}[ord]
    found = grad(lambda a: la.norm(a, ord))(a)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


def test_condition_of_equal_singular_values_is_the_least() -> None:
    assert not grad(la.cond)(2 * np.eye(3)).any()
    found = grad(la.cond)(np.diag([2.0, 2.0, 5.0]))
    np.testing.assert_allclose(found, np.diag([-0.625, -0.625, 0.5]), atol=1e-14)


def test_equal_singular_values(rng: np.random.Generator) -> None:
    q = la.qr(rng.standard_normal((4, 3)))[0]
    for f in (la.svdvals, lambda a: la.svd(a, full_matrices=False)[1]):
        np.testing.assert_allclose(grad(lambda a, f=f: np.sum(f(a)))(q), q, atol=1e-14)
        np.testing.assert_allclose(grad(lambda a, f=f: np.sum(f(a) ** 3))(q), 3 * q, atol=1e-14)


def test_singular_values_of_nothing_have_slope_zero() -> None:
    zeros = np.zeros((3, 2))
    assert not grad(lambda a: np.sum(la.svdvals(a)))(zeros).any()
    assert not grad(lambda a: np.sum(la.svd(a, compute_uv=False)))(zeros).any()
    assert not grad(lambda a: np.sum(la.svd(a)[1]))(zeros).any()


def test_vectors_of_singular_values_that_are_nothing(rng: np.random.Generator) -> None:
    a = np.outer(rng.standard_normal(4), rng.standard_normal(3))
    for f in (lambda u, s, vh: (u * s) @ vh, lambda u, s, vh: s[:1] * u[:, :1] @ vh[:1]):
        assert np.isnan(grad(lambda a, f=f: np.sum(of_svd(f)(a)))(a)).any()


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["r", "c"])
def test_determinant_of_singular_matrices(rank: int, kind: str) -> None:
    left, right = draw(((4, rank), (rank, 4)), kind * 2)
    a = left @ right
    check_call(la.det, [a])
    (cofactors,) = clearprop.vjp(la.det, a)[1](1.0)
    for i, j in np.ndindex(a.shape):
        minor = la.det(np.delete(np.delete(a, i, 0), j, 1))
        assert np.conj(cofactors[i, j]) == pytest.approx((-1) ** (i + j) * minor, abs=1e-13)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_second_derivative_of_singular_determinants(rank: int) -> None:
    left, right = draw(((4, rank), (rank, 4)))
    assert_grads(la.det, left @ right, order=2)


def test_gradient_of_a_determinant_is_exact_near_singular_matrices() -> None:
    x = 1e-9
    a = np.array([[1.0, 2.0], [2.0, 4.0 + x]])
    g = grad(la.det)(np.stack([a, a, np.eye(2)])[0])
    np.testing.assert_allclose(g, [[4 + x, -2], [-2, 1]], rtol=1e-14)


def test_determinants_of_singular_and_other_matrices_together() -> None:
    a = np.stack([np.zeros((2, 2)), np.eye(2), np.ones((2, 2))])
    g = grad(lambda a: np.sum(la.det(a)))(a)
    np.testing.assert_allclose(g[1], np.eye(2), atol=1e-15)
    np.testing.assert_allclose(g[2], [[1, -1], [-1, 1]], atol=1e-15)
    assert not g[0].any()


def test_logarithm_of_a_singular_determinant_has_no_gradient() -> None:
    a = np.stack([np.eye(2) * 2, np.ones((2, 2))])
    with np.errstate(all="ignore"):
        value, g = clearprop.value_and_grad(lambda a: np.sum(la.slogdet(a).logabsdet))(a)
    assert value == -np.inf
    assert g[0].tolist() == [[0.5, 0], [0, 0.5]]
    assert np.isnan(g[1]).all()


def test_condition_of_singular_matrices_is_infinite_as_in_numpy() -> None:
    for a in (np.ones((2, 2)), np.zeros((2, 2))):
        for p in (None, 2, 1, "fro"):
            with np.errstate(all="ignore"):
                assert la.cond(clearprop.tensor(a), p).item() == la.cond(a, p)


def test_eigenvalues_are_complex_when_traced() -> None:
    a = np.array([[2.0, 1.0], [0.5, 3.0]])

    def f(a: Any) -> Any:
        return np.sum(np.real(la.eigvals(a)) ** 2)

    assert str(clearprop.trace(la.eigvals, a).outputs[0].spec) == "c128[2]"
    compiled = clearprop.compile(grad(f))
    np.testing.assert_allclose(compiled(a), grad(f)(a), rtol=1e-14)


# ---- messages


@pytest.mark.parametrize(
    ("f", "shapes", "words"),
    [
        (la.solve, ((3, 3), (2,)), "one vector of 3 numbers"),
        (la.solve, ((2, 3, 3), (2, 3)), r"solve\(a, b\[..., None\]\)\[..., 0\]"),
        (la.solve, ((2, 3), (2,)), "np.linalg.solve needs square matrices"),
        (la.inv, ((3,),), "needs a matrix or a stack of them"),
        (la.det, ((2, 3),), r"np.linalg.det needs square matrices, but the shape is \(2, 3\)"),
        (la.cholesky, ((2, 3),), "square"),
        (la.eigh, ((2, 3),), "square"),
        (la.eig, ((2, 3),), "square"),
        (la.svd, ((3,),), "needs a matrix or a stack of them"),
        (la.qr, ((3,),), "needs a matrix or a stack of them"),
        (la.lstsq, ((3, 2), (2,)), "as many rows"),
        (la.lstsq, ((2, 3, 2), (3,)), "as many rows"),
        (la.tensorsolve, ((2, 3, 5), (2, 3)), "as many numbers"),
        (la.tensorinv, ((2, 3, 5),), "equal products"),
        (lambda x: la.cond(x, 1), ((2, 3),), "square"),
    ],
)
def test_shapes_that_do_not_fit(f: Callable[..., Any], shapes: Shapes, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        f(*map(clearprop.tensor, draw(shapes)))


def test_the_line_is_named() -> None:
    x = clearprop.tensor(np.ones((2, 3)))
    message(ShapeError, lambda: la.inv(x), "np.linalg.inv", "(2, 3)")  # here


def test_singular_matrices_raise_what_numpy_raises() -> None:
    x = clearprop.tensor(np.ones((2, 2)))
    for f in (la.inv, lambda x: la.solve(x, x), lambda x: la.cholesky(-x)):
        with pytest.raises(la.LinAlgError) as caught:
            f(x)
        assert not isinstance(caught.value, ShapeError)
    with pytest.raises(la.LinAlgError, match="has none"):
        la.cond(clearprop.tensor(np.ones((0, 2))))


def test_what_has_no_gradient_is_refused() -> None:
    x = clearprop.tensor(np.eye(2))
    with pytest.raises(UnsupportedError, match="'reduced', 'complete' or 'r'"):
        la.qr(x, "raw")
    with pytest.raises(ValueError, match="'L' or 'U'"):
        la.eigh(x, "X")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="give one of them"):
        la.pinv(x, 1e-3, rtol=1e-3)


def test_compiled_products_of_two_precisions(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(20, 30)).astype("f4"), rng.normal(size=(30, 5))
    compiled = clearprop.compile(lambda x, y: x @ y)
    np.testing.assert_allclose(compiled(x, y), x @ y, rtol=1e-12)
