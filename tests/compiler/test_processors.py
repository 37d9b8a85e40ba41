"""Code for processors with less than this one has: it runs here, too. For other ones, it is at least made."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import clearprop
from tests.programs import ODD, Program, programs

llvm = pytest.importorskip("llvmlite.binding")
from clearprop.native import machine  # noqa: E402

LESSER = {
    "haswell": "+sse4.2,+popcnt,+avx,+avx2,+fma,+bmi,+bmi2,+f16c,-avx512f",
    "x86-64": "+sse2,-avx,-avx2,-fma,-avx512f",
}


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")
    yield
    for cached in (machine.vector_bits, machine.machine):
        cached.cache_clear()


def _pretend(cpu: str, features: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "host", lambda: (cpu, features))
    for cached in (machine.vector_bits, machine.machine):
        cached.cache_clear()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="runs code for x86-64")
@pytest.mark.parametrize("cpu", LESSER)
@settings(
    max_examples=settings().max_examples // 8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(program=programs(ODD))
def test_programs_on_lesser_processors(
    cpu: str, no_cache: None, monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    if "avx2" not in machine.host()[1] and cpu == "haswell":
        pytest.skip("this machine has no AVX2")
    _pretend(cpu, LESSER[cpu], monkeypatch)
    inputs = program.arrays()
    f = clearprop.value_and_grad(program, argnums=range(len(inputs)))
    compiled = clearprop.compile(f)
    value, gradients = compiled(*inputs)
    assert f"{machine.vector_bits()}" in {"haswell": "256", "x86-64": "128"}[cpu]
    assert "zmm" not in compiled.source("asm")
    expected, exact = f(*inputs)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-10)
    for g, wanted in zip(gradients, exact, strict=True):
        scale = float(np.max(np.abs(wanted), initial=1e-3))
        np.testing.assert_allclose(g, wanted, rtol=1e-10, atol=1e-10 * scale)


def test_code_for_aarch64_is_made(no_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = clearprop.compile(
        clearprop.value_and_grad(lambda w, x: np.sum(np.tanh(x @ w) ** 2 + np.sin(x[:, :5])))
    )
    _pretend("x86-64", LESSER["x86-64"], monkeypatch)  # vectors of the same length
    compiled.executable(np.ones((30, 5)), np.ones((64, 30)))
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple("aarch64-unknown-linux-gnu").create_target_machine(
        cpu="neoverse-n1"
    )
    assembly = machine.emit_assembly(llvm.parse_assembly(compiled.source("llvm")))
    assert "fmla\tv" in assembly, "vector registers of two numbers, multiplied and added at once"
