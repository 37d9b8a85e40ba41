"""Random programs, compiled: the same values and gradients as without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop
from tests.compiler.programs import Program

pytest.importorskip("llvmlite")


@pytest.mark.parametrize("seed", range(60))
def test_program(seed: int) -> None:
    dtype = ("float64", "float32")[seed % 2]
    program = Program(seed, dtype=dtype)
    f = clearprop.value_and_grad(program, argnums=range(len(program.inputs)))
    compiled = clearprop.compile(f)
    value, gradients = compiled(*program.inputs)
    expected, exact = f(*program.inputs)
    tolerance = 1e-10 if dtype == "float64" else 3e-4  # a chain of steps, each a little off
    np.testing.assert_allclose(value, expected, rtol=tolerance)
    for x, g, wanted in zip(program.inputs, gradients, exact, strict=True):
        assert (g.dtype, g.shape) == (x.dtype, x.shape)
        scale = float(np.max(np.abs(wanted), initial=0.0))
        np.testing.assert_allclose(g, wanted, rtol=tolerance, atol=tolerance * max(scale, 1e-3))


@pytest.mark.parametrize("seed", range(5))
def test_the_same_again(seed: int) -> None:
    program = Program(seed)
    compiled = clearprop.compile(program)
    first, second = compiled(*program.inputs), compiled(*program.inputs)
    assert first == second


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
