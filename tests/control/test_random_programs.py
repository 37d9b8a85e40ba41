"""Random programs with loops and branches: the same value and gradients, however they are run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clearprop
from tests.control.loop_programs import LoopProgram, loop_programs, plain_scan

pytest.importorskip("llvmlite")

TOLERANCE = {"float64": 1e-8, "float32": 2e-3}  # of long chains, each step a little off
several = settings(
    max_examples=max(settings().max_examples // 4, 3),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def alike(found: Any, wanted: Any, dtype: str, exact: Any = None) -> None:
    """Compare results; where `exact` ones are known, rounding may do what it does to those wanted."""
    for x, y, z in zip(found, wanted, exact or wanted, strict=True):
        assert (np.shape(x), np.asarray(x).dtype) == (np.shape(y), np.asarray(y).dtype)
        scale = max(1.0, float(np.max(np.abs(y), initial=0.0)))
        rounding = float(np.max(np.abs(np.subtract(y, z, dtype=float)), initial=0.0))
        np.testing.assert_allclose(x, y, rtol=0, atol=TOLERANCE[dtype] * scale + 4 * rounding)


def gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gives the value and the gradients in one flat tuple."""

    def both(*args: Any) -> Any:
        value, found = clearprop.value_and_grad(f, argnums=(0, 1, 2))(*args)
        return value, *found

    return both


def second(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the gradients of a sum of all entries of the gradients."""

    def total(*args: Any) -> Any:
        found = clearprop.grad(f, argnums=(0, 1, 2))(*args)
        return sum(np.sum(np.sin(g)) for g in found)

    return clearprop.grad(total, argnums=(0, 1, 2))


@several
@given(loop_programs(), st.sampled_from(["float64", "float32"]))
def test_programs(program: LoopProgram, dtype: str) -> None:
    args, f = program.arrays(dtype), program.function()
    for derived in (gradients(f), second(f)):
        expected, exact = derived(*args), derived(*program.arrays("float64"))
        graph = clearprop.trace(derived, *args)
        graph.verify()
        alike(graph.evaluate(*args), expected, dtype, exact)
        alike(clearprop.compile(derived)(*args), expected, dtype, exact)


@several
@given(loop_programs())
def test_scan_is_a_loop_in_python(program: LoopProgram) -> None:
    args = program.arrays()
    plain = program.function(scan=plain_scan)
    alike(gradients(program.function())(*args), gradients(plain)(*args), "float64")
