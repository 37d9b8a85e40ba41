"""Small matrices in compiled code: NumPy's results to rounding, and its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop

pytest.importorskip("llvmlite")

DTYPES = [np.float64, np.float32]
ORDERS = [1, 2, 3, 4, 7, 8, 13, 16]

Function = Callable[..., Any]

OF_ONE: dict[str, Function] = {
    "inverse": np.linalg.inv,
    "inverse of the transposed": lambda a: np.linalg.inv(a.mT),
    "inverse of a part": lambda a: np.linalg.inv(a[..., 1:, 1:]) if a.shape[-1] > 1 else 1 / a,
    "determinant": np.linalg.det,
    "logarithm of it": lambda a: tuple(np.linalg.slogdet(a)),
    "its sign alone": lambda a: np.linalg.slogdet(a)[0] * 2.0,
    "lower factor": lambda a: np.linalg.cholesky(_positive(a)),
    "upper factor": lambda a: np.linalg.cholesky(_positive(a), upper=True),
}
OF_TWO: dict[str, Function] = {
    "solution": np.linalg.solve,
    "of the transposed": lambda a, b: np.linalg.solve(a.mT, b),
    "to turned right-hand sides": lambda a, b: np.linalg.solve(a, (b + 0.0).mT.mT),
    "of a constant": lambda a, b: np.linalg.solve(np.eye(a.shape[-1]) * 2.0, a @ b),
}


def _positive(a: Any) -> Any:
    return a @ a.mT + a.shape[-1] * np.eye(a.shape[-1], dtype=a.dtype)


def assert_close(found: Any, expected: Any, a: Any) -> None:
    """Equal up to what rounding makes of a matrix's condition."""
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for x, y in zip(found, expected, strict=True):
            assert_close(x, y, a)
        return
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    error = np.max(np.abs(found - expected)) / np.max(np.abs(expected))
    assert error <= 16 * np.max(np.linalg.cond(a)) * np.finfo(a.dtype).eps


def native(f: Function, *examples: Any) -> Function:
    """The function compiled for arguments like these, with nothing left to NumPy."""
    compiled = clearprop.compile(f)
    compiled(*examples)
    assert "none of them left to NumPy" in str(compiled.report())
    return compiled


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", OF_ONE)
def test_functions_of_one_matrix(
    name: str, order: int, dtype: Any, rng: np.random.Generator
) -> None:
    for stack in [(), (3,), (2, 1, 3)]:
        a = rng.normal(size=(*stack, order, order)).astype(dtype)
        assert_close(native(OF_ONE[name], a)(a), OF_ONE[name](a), a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", OF_TWO)
def test_systems(name: str, order: int, dtype: Any, rng: np.random.Generator) -> None:
    for left, right in [
        ((), (1,)),
        ((), (5,)),
        ((3,), (3, 2)),
        ((2, 1), (3, order)),
        ((), (37,)),
    ]:
        a = rng.normal(size=(*left, order, order)).astype(dtype)
        b = rng.normal(size=(*right[:-1], order, right[-1])).astype(dtype)
        assert_close(native(OF_TWO[name], a, b)(a, b), OF_TWO[name](a, b), a)


@pytest.mark.parametrize("stack", [(), (3,)])
def test_one_vector(stack: tuple[int, ...], rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(*stack, 5, 5)), rng.normal(size=5)
    assert_close(native(np.linalg.solve, a, b)(a, b), np.linalg.solve(a, b), a)


def test_two_dtypes(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(4, 4)).astype(np.float32), rng.normal(size=(4, 2))
    expected = np.linalg.solve(a, b)
    assert_close(native(np.linalg.solve, a, b)(a, b), expected, a.astype(np.float64))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("turn", [0, 1])
def test_triangular_systems(turn: int, lower: bool, unit: bool, dtype: Any) -> None:
    pytest.importorskip("scipy")
    import scipy.linalg

    from clearprop.scipy.linalg import solve_triangular

    rng = np.random.default_rng(3)

    def f(a: Any, b: Any) -> Any:
        return solve_triangular(a, b, turn, lower, unit) * 1.0

    for order, columns in [(1, 1), (3, 2), (8, 5), (16, 40)]:
        a = rng.normal(size=(order, order)) / order + 2 * np.eye(order)
        a, b = a.astype(dtype), rng.normal(size=(order, columns)).astype(dtype)
        expected = scipy.linalg.solve_triangular(a, b, turn, lower, unit)
        assert_close(native(f, a, b)(a, b), expected, a)


def test_numbers_worked_by_hand() -> None:
    a = np.array([[0.0, 2.0], [4.0, 0.0]])  # no elimination without an exchange of rows
    assert native(np.linalg.inv, a)(a).tolist() == [[0.0, 0.25], [0.5, 0.0]]
    assert native(np.linalg.slogdet, a)(a)[0] == -1
    b = np.array([[4.0, 2.0], [2.0, 10.0]])
    assert native(np.linalg.cholesky, b)(b).tolist() == [[2.0, 0.0], [1.0, 3.0]]
    b = np.array([[4.0, np.nan], [2.0, 10.0]])  # which reads the lower triangle alone
    assert native(np.linalg.cholesky, b)(b).tolist() == [[2.0, 0.0], [1.0, 3.0]]


@pytest.mark.parametrize("order", ORDERS)
def test_exchanged_rows(order: int, rng: np.random.Generator) -> None:
    permutation = np.eye(order)[rng.permutation(order)]
    assert (native(np.linalg.inv, permutation)(permutation) == permutation.T).all()
    determinant = native(np.linalg.det, permutation)(permutation)
    assert determinant == np.linalg.det(permutation)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", [4, 6, 8, 12, 16])
def test_ill_conditioned_systems_are_solved_as_well_as_by_numpy(order: int, dtype: Any) -> None:
    i = np.arange(order)
    hilbert = (1.0 / (1.0 + i[:, None] + i)).astype(dtype)
    b = np.ones((order, 1), dtype)
    x = native(np.linalg.solve, hilbert, b)(hilbert, b)
    misfit = hilbert.astype(np.longdouble) @ x.astype(np.longdouble) - b
    scale = np.abs(hilbert).max() * np.abs(x).max()
    assert np.abs(misfit).max() <= order * np.finfo(dtype).eps * scale


def test_no_product_of_factors_is_too_large_or_too_small() -> None:
    for factors in ([1e200, 1e200, 1e-300], [1e-200, 1e-200, 1e300], [1e-160, 1e-160, 1e300]):
        a = np.diag(factors)
        np.testing.assert_allclose(native(np.linalg.det, a)(a), np.linalg.det(a), rtol=1e-12)


def test_singular_matrices_have_determinants() -> None:
    for a in (np.array([[1.0, 2.0], [2.0, 4.0]]), np.zeros((1, 1)), np.zeros((5, 5))):
        assert native(np.linalg.det, a)(a) == 0
        assert native(lambda a: tuple(np.linalg.slogdet(a)), a)(a) == (0, -np.inf)


def test_what_is_no_number_comes_through(rng: np.random.Generator) -> None:
    a = rng.normal(size=(4, 4))
    a[1, 2] = np.nan
    assert np.isnan(native(np.linalg.inv, a)(a)).any()
    assert np.isnan(native(np.linalg.det, a)(a))
    a = np.full((2, 2), np.nan)  # has a factor, says NumPy's library
    compiled = native(np.linalg.cholesky, np.eye(2))
    np.testing.assert_array_equal(compiled(a), np.linalg.cholesky(a))


@pytest.mark.parametrize("order", [2, 3, 4, 6])
def test_numpy_says_what_is_singular(order: int, rng: np.random.Generator) -> None:
    """By rounding some pivot of a singular matrix is 0 in one order of sums, and next to 0 in another."""
    compiled = native(np.linalg.inv, np.eye(order))
    for _ in range(50):
        a = rng.integers(-4, 5, size=(order, order)).astype(float)
        a[-1] = rng.integers(-3, 4, size=order - 1) @ a[:-1]
        try:
            expected = np.linalg.inv(a)
        except np.linalg.LinAlgError:
            with pytest.raises(np.linalg.LinAlgError):
                compiled(a)
        else:
            np.testing.assert_array_equal(compiled(a), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ORDERS)
def test_cofactors(order: int, dtype: Any, rng: np.random.Generator) -> None:
    """Of regular and of singular matrices: determinants of what is left without a row and a column."""
    for missing in (0, 1, 2):
        left = rng.normal(size=(order, max(order - missing, 0)))
        a = (left @ rng.normal(size=left.T.shape)).astype(dtype)
        wide = a.astype(np.float64)
        expected = np.empty((order, order))
        for i, j in np.ndindex(order, order):
            minor = np.delete(np.delete(wide, i, 0), j, 1)
            expected[i, j] = (-1) ** (i + j) * np.linalg.det(minor)
        found = native(clearprop.grad(np.linalg.det), a)(a)
        assert found.dtype == dtype
        sizes = np.linalg.svd(wide, compute_uv=False)
        step = sizes[0] * np.prod(
            sizes[: max(order - 2, 0)]
        )  # what rounding of the matrix is times
        assert np.abs(found - expected).max() <= 16 * order * np.finfo(dtype).eps * step


# ---- matrices without a result

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
NOT_POSITIVE = np.array([[1.0, 2.0], [2.0, 1.0]])
REFUSED: dict[str, tuple[Function, Any]] = {
    "inverse": (np.linalg.inv, SINGULAR),
    "inverse of one number": (np.linalg.inv, np.zeros((1, 1))),
    "inverse in a stack": (np.linalg.inv, np.stack([np.eye(2), SINGULAR, np.eye(2)])),
    "solution": (lambda a: np.linalg.solve(a, np.ones(2)), SINGULAR),
    "factor": (np.linalg.cholesky, NOT_POSITIVE),
    "before a part for NumPy": (lambda a: np.sort(np.linalg.inv(a), 0), SINGULAR),
    "after a part for NumPy": (lambda a: np.linalg.inv(np.cumsum(a, 0)), SINGULAR),
    "gradient": (clearprop.grad(lambda a: np.sum(np.linalg.inv(a))), SINGULAR),
}


@pytest.mark.parametrize("name", REFUSED)
def test_numpys_error(name: str) -> None:
    f, a = REFUSED[name]
    with pytest.raises(np.linalg.LinAlgError) as expected:
        f(a)
    compiled = clearprop.compile(f)
    good = np.broadcast_to(np.eye(a.shape[-1]), a.shape).copy()
    for _ in range(2):  # errors are no obstacle to the next call
        np.testing.assert_allclose(compiled(good), f(good))
        with pytest.raises(np.linalg.LinAlgError) as caught:
            compiled(a)
        assert str(caught.value) == str(expected.value)


def test_a_zero_on_the_diagonal() -> None:
    pytest.importorskip("scipy")
    from clearprop.scipy.linalg import solve_triangular

    compiled = clearprop.compile(lambda a: solve_triangular(a, np.ones((2, 1))))
    np.testing.assert_allclose(compiled(np.eye(2)), np.ones((2, 1)))
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        compiled(np.diag([1.0, 0.0]))


def test_donated_memory_is_untouched_where_a_matrix_is_singular() -> None:
    @clearprop.compile(donate="p")
    def update(p: Any, a: Any) -> Any:
        return p - np.linalg.inv(a), np.linalg.det(a)

    p = np.ones((2, 2))
    with pytest.raises(np.linalg.LinAlgError):
        update(p, SINGULAR)
    assert (p == 1).all()
    result, _ = update(p, np.eye(2))
    assert result is p
    assert (p == 1 - np.eye(2)).all()


def test_a_singular_matrix_in_a_loop() -> None:
    def f(a: Any, steps: Any) -> Any:
        def step(x: Any, shift: Any) -> tuple[Any, Any]:
            return np.linalg.solve(a + shift * np.eye(2), x), x

        return clearprop.scan(step, np.ones(2), steps)[0]

    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    compiled = native(f, a, np.arange(3.0))
    np.testing.assert_allclose(compiled(a, np.arange(3.0)), f(a, np.arange(3.0)), rtol=1e-12)
    with pytest.raises(np.linalg.LinAlgError):
        compiled(SINGULAR, np.arange(3.0))


# ---- gradients, and programs

GRADIENTS: dict[str, Function] = {
    "inverse": lambda a, b: np.sum(np.linalg.inv(a) * b),
    "solution": lambda a, b: np.sum(np.linalg.solve(a, b) ** 2),
    "factor": lambda a, b: np.sum(np.linalg.cholesky(_positive(a)) @ b),
    "determinant": lambda a, b: np.sum(np.linalg.det(a @ b)),
    "likelihood": lambda a, b: (
        np.linalg.slogdet(_positive(a))[1] + np.sum(b * np.linalg.solve(_positive(a), b))
    ),
}


@pytest.mark.parametrize("order", [1, 3, 6])
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_stay_native(name: str, order: int, rng: np.random.Generator) -> None:
    gradient = clearprop.grad(GRADIENTS[name], argnums=(0, 1))
    a, b = rng.normal(size=(2, order, order))
    assert_close(native(gradient, a, b)(a, b), gradient(a, b), a @ a @ a)


def test_second_derivatives_stay_native(rng: np.random.Generator) -> None:
    hessian = clearprop.hessian(lambda a: np.sum(np.linalg.inv(a) ** 2))
    a = rng.normal(size=(3, 3)) + 3 * np.eye(3)
    np.testing.assert_allclose(native(hessian, a)(a), hessian(a), rtol=1e-11, atol=1e-12)


def test_larger_matrices_are_left_to_numpy(rng: np.random.Generator) -> None:
    a = rng.normal(size=(17, 17))
    compiled = clearprop.compile(np.linalg.inv)
    np.testing.assert_array_equal(compiled(a), np.linalg.inv(a))
    assert "NumPy: inv" in str(compiled.report())


def test_a_filter(rng: np.random.Generator) -> None:
    """A Kalman filter's likelihood and its gradient, all of it one native loop there and one back."""
    n, m = 3, 2
    h, noise = rng.normal(size=(m, n)), np.eye(n) / 10

    def likelihood(a: Any, seen: Any) -> Any:
        def step(state: Any, y: Any) -> Any:
            x, p = state
            x, p = a @ x, a @ p @ a.T + noise
            s, misfit = h @ p @ h.T + np.eye(m), y - h @ x
            gain = np.linalg.solve(s, h @ p).T
            score = misfit @ np.linalg.solve(s, misfit) + np.linalg.slogdet(s)[1]
            return (x + gain @ misfit, p - gain @ h @ p), -score / 2

        return np.sum(clearprop.scan(step, (np.zeros(n), np.eye(n)), seen)[1])

    f = clearprop.value_and_grad(likelihood)
    a, seen = np.eye(n) * 0.9 + rng.normal(size=(n, n)) / 20, rng.normal(size=(12, m))
    (value, slope), (expected, wanted) = native(f, a, seen)(a, seen), f(a, seen)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(slope, wanted, rtol=1e-10)


def test_the_stage_in_print() -> None:
    compiled = clearprop.compile(np.linalg.inv)
    compiled(np.stack([np.eye(3)] * 4))
    assert "matrices [i: 4] inv_fails: inv = inv(a[9i + 3j + k])" in compiled.source("stages")
    assert "inv of 3 × 3, a stack of 4" in str(compiled.report())
