"""Polynomials: NumPy's values, shapes and dtypes, central differences, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import ShapeError
from tests.calls import Shapes, check_call, draw

CALLS: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "polyval": (np.polyval, ((4,), (2, 3))),
    "polyval at a number": (np.polyval, ((4,), ())),
    "polyval of a constant": (np.polyval, ((1,), (3,))),
    "polyval of nothing": (lambda p, x: np.polyval(p[:0], x) + p[0], ((1,), (3,))),
    "polyval of known coefficients": (lambda x: np.polyval([1, 0, -2], x), ((3,),)),
    "polyval at known places": (lambda p: np.polyval(p, [1, 2, 3]), ((3,),)),
    "polyval of a poly1d": (lambda x: np.poly1d([1.0, 2.0, 3.0])(x), ((3,),)),
    "polynomial.polyval": (lambda x: np.polynomial.polynomial.polyval(x, [1.0, 2.0, 3.0]), ((3,),)),
    "polynomial.chebval": (lambda x: np.polynomial.chebyshev.chebval(x, [1.0, 2.0, 3.0]), ((3,),)),
    "vander": (np.vander, ((4,),)),
    "vander, wide": (lambda x: np.vander(x, 5), ((3,),)),
    "vander, increasing": (lambda x: np.vander(x, N=3, increasing=True), ((4,),)),
    "vander of ones": (lambda x: np.vander(x, 1), ((4,),)),
    "vander of nothing": (lambda x: np.vander(x, 0), ((4,),)),
    "polyder": (np.polyder, ((4,),)),
    "polyder twice": (lambda p: np.polyder(p, 2), ((4,),)),
    "polyder not at all": (lambda p: np.polyder(p, 0) * 2, ((4,),)),
    "polyder of a constant": (np.polyder, ((1,),)),
    "polyint": (np.polyint, ((3,),)),
    "polyint twice": (lambda p, k: np.polyint(p, 2, k), ((3,), (2,))),
    "polyint with one constant": (lambda p, k: np.polyint(p, 2, k), ((3,), ())),
    "polyadd": (np.polyadd, ((3,), (5,))),
    "polyadd of equals": (np.polyadd, ((3,), (3,))),
    "polyadd of a number": (np.polyadd, ((3,), ())),
    "polysub": (np.polysub, ((5,), (2,))),
    "polymul": (np.polymul, ((3,), (4,))),
    "polymul by a number": (np.polymul, ((3,), ())),
    "polydiv: quotient": (lambda u, v: np.polydiv(u, v)[0], ((5,), (3,))),
    "polydiv: remainder": (lambda u, v: np.polydiv(u, v)[1], ((5,), (3,))),
    "polydiv by a longer one": (
        lambda u, v: np.polydiv(u, v)[1] * v[0] + np.polydiv(u, v)[0],
        ((2,), (3,)),
    ),
    "polydiv by a constant": (lambda u, v: np.polydiv(u, v)[0], ((3,), (1,))),
    "poly": (np.poly, ((4,),)),
}


@pytest.mark.parametrize("name", CALLS)
def test_real(name: str) -> None:
    f, shapes = CALLS[name]
    check_call(f, draw(shapes))


@pytest.mark.parametrize("kinds", ["c", "cc", "rc"])
@pytest.mark.parametrize("name", CALLS)
def test_complex(name: str, kinds: str) -> None:
    f, shapes = CALLS[name]
    if len(kinds) <= len(shapes):
        check_call(f, draw(shapes, kinds), 1e-12)


# ---- leading zeros


def test_products_drop_leading_zeros_as_in_numpy() -> None:
    a, b = np.array([0.0, 0.0, 1.0, 2.0]), np.array([0.0, 3.0])
    p = clearprop.tensor(a)
    product = np.polymul(p, b)
    assert product.tolist() == np.polymul(a, b).tolist() == [3, 6]
    product.sum().backward()
    assert p.grad.tolist() == [0, 0, 3, 3]
    assert np.polymul(clearprop.tensor([0.0, 0.0]), b).tolist() == [0]
    graph = clearprop.trace(np.polymul, a, b)  # where values are unknown, so are leading zeros
    assert graph.outputs[0].spec.shape == (5,)


def test_remainder_of_a_multiple_is_zero() -> None:
    v = np.array([1.0, -3.0])
    u = np.polymul(v, [2.0, 1.0, 4.0])
    q, r = np.polydiv(clearprop.tensor(u), v)
    np.testing.assert_allclose(q.value, [2, 1, 4])
    assert r.shape == np.polydiv(u, v)[1].shape == (1,)


def test_remainder_loses_small_leading_coefficients() -> None:
    u, v = np.array([1.0, 0.0, 1e-12, 5.0]), np.array([1.0, 0.0, 0.0])
    _, r = np.polydiv(clearprop.tensor(u), clearprop.tensor(v))
    assert r.tolist() == np.polydiv(u, v)[1].tolist() == [5]


# ---- roots

ROOTS: dict[str, np.ndarray[Any, Any]] = {
    "complex pairs": np.array([1.0, 0.5, 2.0, 3.0]),
    "real roots": np.array([2.0, 1.0, -3.0]),
    "leading and trailing zeros": np.array([0.0, 1.0, -3.0, 2.0, 0.0]),
    "complex coefficients": np.array([1 + 1j, 0.5, -2j, 1.0]),
}


@pytest.mark.parametrize("name", ROOTS)
def test_roots(name: str) -> None:
    p = ROOTS[name]
    expected = np.roots(p)
    t = clearprop.tensor(p)
    result = np.roots(t)
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(result.value, expected, 1e-12, 1e-12)
    rng = np.random.default_rng(1)
    g = rng.standard_normal(expected.shape)
    result.backward(g)
    step = rng.standard_normal(p.shape) * (np.cumsum(np.abs(p)) > 0) * 1e-6
    moved = (np.roots(p + step) - np.roots(p - step)) / 2  # the order stays for so small a step
    np.testing.assert_allclose(np.sum((np.conj(t.grad) * step).real), np.sum(g * moved).real, 1e-6)


def test_roots_of_a_product() -> None:
    """The roots of what np.poly makes of them are these again, so the gradient of their sum is one."""
    z = np.array([3.0, -1.0, 0.5])
    value, g = clearprop.value_and_grad(lambda z: np.sum(np.roots(np.poly(z))))(z)
    assert value == pytest.approx(2.5)
    np.testing.assert_allclose(g, [1, 1, 1], 1e-10)


def test_roots_of_a_constant() -> None:
    assert np.roots(clearprop.tensor([3.0])).shape == np.roots([3.0]).shape == (0,)
    assert np.roots(clearprop.tensor([2, -4])).tolist() == [2]


def test_conjugate_roots_make_a_real_polynomial() -> None:
    z = np.array([1 + 2j, 1 - 2j])
    p = np.poly(clearprop.tensor(z))
    assert p.dtype == np.poly(z).dtype == np.float64
    assert p.tolist() == [1, -2, 5]
    assert np.poly(clearprop.tensor([1 + 2j])).dtype == np.complex128


def test_lists_of_tensors() -> None:
    """NumPy asks the entries of a list who answers, for these two."""
    t = clearprop.tensor(2.0)
    assert np.poly([t, 3.0]).tolist() == [1, -5, 6]
    np.sum(np.roots([1.0, -t])).backward()
    assert t.grad == 1


# ---- least squares


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("columns", [(), (2,)])
def test_polyfit(columns: tuple[int, ...], weighted: bool) -> None:
    x = np.linspace(-1, 2, 6)
    w = np.linspace(0.5, 1, 6) if weighted else None
    check_call(lambda y: np.polyfit(x, y, 2, w=w), draw(((6, *columns),)), 1e-11)


# ---- messages


@pytest.mark.parametrize(
    ("f", "shapes", "words"),
    [
        (np.polyval, ((2, 3), (2,)), "one sequence, the highest power first"),
        (np.vander, ((2, 3),), "a vector is needed"),
        (lambda p, k: np.polyint(p, 3, k), ((2,), (2,)), "3 constants of integration"),
        (lambda x, y: np.polyfit(x, y, 1), ((3,), (4,)), "as many values"),
    ],
)
def test_messages(f: Callable[..., Any], shapes: Shapes, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        f(*map(clearprop.tensor, draw(shapes)))


def test_negative_orders() -> None:
    p = clearprop.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match=r"np\.polyint integrates"):
        np.polyder(p, -1)
    with pytest.raises(ValueError, match=r"np\.polyder differentiates"):
        np.polyint(p, -1)
