"""Operations on the bits of whole numbers: native code, C and JavaScript give what NumPy gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.emit.c import compiler, run_c
from clearprop.emit.javascript.node_process import node
from tests.emit.test_c import as_c
from tests.emit.test_javascript import run

DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
FUNCTIONS = {
    "between": lambda x, y, n: (x ^ y, x & y, x | y, ~x, x ^ ~y, ~(x | y) ^ (x & y)),
    "shifts": lambda x, y, n: (x << 3, x >> 5, (x << 1) >> 1, (x >> 2 << 3) ^ y >> 1, x >> 2 < y),
    "shifts_too_far": lambda x, y, n: (x << n, x >> n, (x << n) >> (n >> 1)),
    "rotated": lambda x, y, n: (x << 3) | (x >> 5) ^ y,
    "a_large_number": lambda x, y, n: (
        (x + _largest(x)) >> 1,
        x ^ _largest(x),
        x > _largest(x) - 1,
    ),
}


def _largest(x: Any) -> Any:
    return x.dtype.type(np.iinfo(x.dtype).max)


def samples(dtype: str) -> list[Any]:
    """Numbers of all sizes, and counts of which some are as large as the numbers are wide, or negative."""
    rng, limits = np.random.default_rng(0), np.iinfo(dtype)
    x, y = rng.integers(limits.min, limits.max, (2, 60), dtype, endpoint=True)
    n = rng.integers(0, limits.bits + 5, 60).astype(dtype)
    n[:3] = (-1 if limits.min else limits.max), limits.bits, limits.bits - 1
    return [x, y, n]


def same(found: Any, expected: Any) -> None:
    expected = expected if isinstance(expected, tuple) else (expected,)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled(name: str, dtype: str) -> None:
    pytest.importorskip("llvmlite")
    f, args = FUNCTIONS[name], samples(dtype)
    compiled = clearprop.compile(f)
    found = compiled(*args)
    same(found if isinstance(found, tuple) else (found,), f(*args))
    assert "NumPy:" not in str(compiled.report())


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_c(name: str, dtype: str) -> None:
    f, args = FUNCTIONS[name], samples(dtype)
    same(run_c(as_c(f, *args))(args), f(*args))


@pytest.mark.skipif(node() is None, reason="Node is not installed")
@pytest.mark.parametrize("dtype", DTYPES[:6])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_javascript(name: str, dtype: str) -> None:
    f, args = FUNCTIONS[name], samples(dtype)
    same(run(f, *args), f(*args))


TRUTH = {
    "xor": lambda x, y: (x ^ y, ~x ^ y),
    "compared": lambda x, y: ((x < y) == (y < 1), (x <= y) != (x ^ (y > 0))),
}


@pytest.mark.parametrize("name", TRUTH)
def test_truth_values(name: str) -> None:
    f, args = TRUTH[name], [np.array([True, True, False, False]), np.array([True, False] * 2)]
    if compiler() is not None:
        same(run_c(as_c(f, *args))(args), f(*args))
    if node() is not None:
        same(run(f, *args), f(*args))
    pytest.importorskip("llvmlite")
    same(clearprop.compile(f)(*args), f(*args))
