"""Random programs, compiled: the same values and gradients as without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import clearprop
from tests.programs import ODD, Program, programs

pytest.importorskip("llvmlite")


@settings(max_examples=settings().max_examples * 3 // 5)
@given(programs(ODD), st.sampled_from(["float64", "float32"]))
def test_program(program: Program, dtype: str) -> None:
    assume(not program.jumps(dtype))
    inputs = program.arrays(dtype)
    f = clearprop.value_and_grad(program, argnums=range(len(inputs)))
    compiled = clearprop.compile(f)
    value, gradients = compiled(*inputs)
    expected, exact = f(*inputs)
    tolerance = 1e-10 if dtype == "float64" else 3e-4  # a chain of steps, each a little off
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)
    for x, g, wanted in zip(inputs, gradients, exact, strict=True):
        assert (g.dtype, g.shape) == (x.dtype, x.shape)
        scale = float(np.max(np.abs(wanted), initial=0.0))
        np.testing.assert_allclose(g, wanted, rtol=tolerance, atol=tolerance * max(scale, 1e-3))


@settings(max_examples=5)
@given(programs(ODD))
def test_the_same_again(program: Program) -> None:
    compiled = clearprop.compile(program)
    assert compiled(*program.arrays()) == compiled(*program.arrays())


def test_odd_sizes(rng: np.random.Generator) -> None:
    def f(x: Any, y: Any) -> Any:
        rows = np.tanh(x) * y
        return rows, rows.sum(0), rows.max(1), rows.sum(), (rows - rows.mean(1, keepdims=True)) ** 2

    compiled = clearprop.compile(f)
    for m, n in [
        (1, 1),
        (1, 31),
        (31, 1),
        (2, 63),
        (3, 64),
        (5, 65),
        (17, 129),
        (64, 2),
        (7, 1000),
    ]:
        x, y = rng.normal(size=(m, n)), rng.normal(size=n)
        for mine, wanted in zip(compiled(x, y), f(x, y), strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-11, atol=1e-12)
