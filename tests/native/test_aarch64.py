"""Kernels for AArch64, run by qemu: the same numbers as NumPy's on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

import clearprop
from clearprop.engine.primitive import Primitive, Sample, primitives
from clearprop.engine.spec import is_floating
from clearprop.transforms.trees import flatten
from tests.effort import is_thorough, part_of
from tests.programs import ODD, Program, programs
from tests.registry import RECORDS
from tests.special_references import ENDS

pytest.importorskip("llvmlite")
from clearprop.native import machine
from tests.compiler.test_primitives import TOLERANCE, function_of, precision, with_gradients
from tests.native import aarch64

pytestmark = pytest.mark.skipif(
    bool(aarch64.MISSING),
    reason=f"needs {', '.join(aarch64.MISSING)}: apt-get install qemu-user binutils-aarch64-linux-gnu",
)


@pytest.fixture(autouse=True)
def _vectors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As long as that processor's."""
    monkeypatch.setattr(machine, "host", lambda: (aarch64.CPU, ""))
    machine.vector_bits.cache_clear()
    yield
    machine.vector_bits.cache_clear()


def differences(f: Callable[..., Any], arrays: Sequence[Any], folder: Path, rtol: float) -> str:
    """What differs from NumPy's results, in words."""
    wanted = flatten(f(*arrays))[0]
    found = aarch64.run(f, arrays, folder)
    for mine, theirs in zip(found, wanted, strict=True):
        scale = float(np.max(np.abs(theirs), initial=1.0))
        try:
            assert (mine.dtype, mine.shape) == (theirs.dtype, np.shape(theirs))
            np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol * scale)
        except AssertionError as error:
            return str(error)
    return ""


def functions(record: Primitive, sample: Sample, dtype: str) -> Iterator[tuple[Any, list[Any]]]:
    """The record and its gradients as functions of arrays."""
    f, arrays = function_of(record, sample, dtype)
    yield f, arrays
    has_gradient = record.differentiable and record.name not in ENDS
    if has_gradient and any(is_floating(x.dtype) for x in arrays):
        yield with_gradients(f, arrays), arrays


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_records(dtype: str, tmp_path: Path) -> None:
    ran, wrong = 0, {}
    names = part_of(record.name for record in RECORDS if record.samples)
    for record in (getattr(primitives, name) for name in names):
        sample = record.samples[0]
        for f, arrays in functions(record, sample, dtype):
            if not aarch64.is_native(f, arrays):
                continue
            ran += 1
            rtol = TOLERANCE[precision(sample, dtype)]
            if text := differences(f, arrays, tmp_path, rtol):
                wrong[record.name] = text
    assert not wrong
    assert ran > (150 if is_thorough() else 30)


@settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(program=programs(ODD))
def test_programs(program: Program, tmp_path: Path) -> None:
    assume(not program.jumps("float64"))
    inputs = program.arrays()
    f = clearprop.value_and_grad(program, argnums=range(len(inputs)))
    assume(aarch64.is_native(f, inputs))
    assert not differences(f, inputs, tmp_path, 1e-10)
