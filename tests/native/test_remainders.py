"""Remainders, neighbours and signs in native code: NumPy's numbers to the bit, also at the ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.primitive import primitives

pytest.importorskip("llvmlite")

DTYPES = [np.float32, np.float64]
OF_TWO = ["fmod", "remainder", "floor_divide", "copysign", "nextafter", "fmax", "fmin", "heaviside"]
OF_ONE = ["trunc", "isinf", "signbit", "sinc", "rint"]
CLOSE = ["logaddexp2", "float_power"]


def numbers(dtype: Any) -> Any:
    """Ends, whole numbers, halves, and numbers of all sizes."""
    info = np.finfo(dtype)
    ends = [0.0, 1.0, 1.5, 2.0, 3.0, 7.0, 0.1, 1e10, info.max, info.tiny, info.smallest_subnormal]
    rng = np.random.default_rng(5)
    sizes = np.exp2(rng.uniform(info.minexp, info.maxexp, 30)) * rng.uniform(0.5, 1, 30)
    some = np.concatenate([ends, sizes, rng.uniform(0, 10, 20)]).astype(dtype)
    return np.concatenate([some, -some, np.array([np.inf, -np.inf, np.nan], dtype)])


def native(f: Any, *arguments: Any) -> Any:
    compiled = clearprop.compile(f)
    with np.errstate(all="ignore"):
        result = compiled(*arguments)
    assert "none of them left to NumPy" in str(compiled.report())
    return result


def assert_same(found: Any, expected: Any, *at: Any) -> None:
    """To the bit, but for the bits of NaN."""
    assert found.dtype == expected.dtype
    same = (found == expected) & (np.signbit(found) == np.signbit(expected))
    same |= np.isnan(found) & np.isnan(expected)
    wrong = np.flatnonzero(~same)[:5]
    assert same.all(), [(*(a[i] for a in at), found[i], expected[i]) for i in wrong]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_TWO)
def test_two_numbers(name: str, dtype: Any) -> None:
    x, y = (a.ravel() for a in np.meshgrid(numbers(dtype), numbers(dtype)))
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x, y)
    assert_same(native(getattr(np, name), x, y), expected, x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_ONE)
def test_one_number(name: str, dtype: Any) -> None:
    x = numbers(dtype)
    if name == "sinc":  # whose sine is not NumPy's to the bit
        x = x[np.abs(x) < 100]
        np.testing.assert_allclose(native(np.sinc, x), np.sinc(x), rtol=1e-5, atol=1e-6)
        return
    expected = getattr(np, name)(x)
    found = native(getattr(np, name), x)
    if expected.dtype == bool:
        np.testing.assert_array_equal(found, expected)
    else:
        assert_same(found, expected, x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_remainders_are_exact(dtype: Any, rng: np.random.Generator) -> None:
    """Python's own remainder, which is the C library's, of quotients of all sizes."""
    x = np.exp2(rng.uniform(-100, 100, 2000)).astype(dtype)
    y = np.exp2(rng.uniform(-100, 100, 2000)).astype(dtype)
    expected = [math.fmod(p, q) for p, q in zip(x.tolist(), y.tolist(), strict=True)]
    np.testing.assert_array_equal(native(np.fmod, x, y), np.array(expected, dtype))


@pytest.mark.parametrize("decimals", [-2, 0, 3])
def test_rounding_to_decimals(decimals: int, rng: np.random.Generator) -> None:
    x = rng.normal(size=200) * 1000
    expected = np.round(x, decimals)
    np.testing.assert_array_equal(native(lambda x: np.round(x, decimals), x), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CLOSE)
def test_within_two_units(name: str, dtype: Any, rng: np.random.Generator) -> None:
    x, y = np.abs(rng.normal(size=(2, 500))).astype(dtype)
    exact = getattr(np, name)(x.astype(np.longdouble), y.astype(np.longdouble))
    found = native(getattr(np, name), x, y)
    unit = np.spacing(np.abs(exact).astype(found.dtype))
    assert (np.abs(found - exact) <= 2.5 * unit).all()


def test_questions_of_whole_numbers() -> None:
    x = np.array([-3, 0, 5])
    assert native(np.isinf, x).tolist() == [False] * 3
    p, q = np.array([True, False, True]), np.array([True, True, False])
    assert native(np.logical_xor, p, q).tolist() == [False, True, True]


def test_the_gradient_of_logaddexp_stays_native(rng: np.random.Generator) -> None:
    gradient = clearprop.grad(lambda x, y: np.sum(np.logaddexp(x, y)), argnums=(0, 1))
    x, y = rng.normal(size=(2, 50))
    x[:3], y[:3] = [np.inf, -np.inf, np.inf], [np.inf, -np.inf, -np.inf]
    with np.errstate(all="ignore"):
        expected = gradient(x, y)
    np.testing.assert_allclose(native(gradient, x, y), expected, rtol=1e-14)


def test_every_rounding_and_division_is_native() -> None:
    from clearprop.stages.lowerings import ELEMENTWISE

    names = {"trunc", "copysign", "fmax", "fmin", "fmod", "remainder", "floor_divide", "nextafter"}
    assert names <= ELEMENTWISE.keys()
    assert all(hasattr(primitives, name) for name in names)
