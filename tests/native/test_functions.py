"""The elementary functions of native code: within two units in the last place, everywhere."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")
pytest.importorskip("scipy")
from benchmarks.accuracy import _SPECIAL, EXACT, OF_TWO, compiled, exactly, hard, points, ulps
from clearprop.native import machine
from clearprop.native.llvm_ir import Builder, Type, Value, module
from clearprop.native.math import FUNCTIONS

DTYPES = [np.float32, np.float64]
ONE_INSTRUCTION = {
    name: getattr(np, name) for name in ("sqrt", "absolute", "floor", "ceil", "rint", "sign")
}


def special(dtype: Any) -> Any:
    info = np.finfo(dtype)
    ends = [info.max, info.tiny, info.smallest_subnormal, 1e-3, 2.5, 1e10]
    return np.array([*_SPECIAL, *ends, *(-e for e in ends)], dtype)


def arguments_of(name: str, x: Any) -> tuple[Any, ...]:
    """x, or all pairs of its numbers."""
    return (np.repeat(x, x.size), np.tile(x, x.size)) if name in OF_TWO else (x,)


def assert_same(found: Any, expected: Any, *at: Any) -> None:
    """To the bit, but for the bits of NaN."""
    same = (found == expected) & (np.signbit(found) == np.signbit(expected))
    same |= np.isnan(found) & np.isnan(expected)
    wrong = np.flatnonzero(~same)[:5]
    assert same.all(), [(*(a[i] for a in at), found[i], expected[i]) for i in wrong]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_error(name: str, dtype: Any) -> None:
    arguments = points(name, dtype, 1000, around=2)
    found = compiled(name, dtype, size=1024)(*arguments)
    error = ulps(found, exactly(name, *arguments))
    at = error.argmax()
    assert error[at] <= 2, [float(a[at]) for a in arguments]


@pytest.mark.parametrize("width", [1, 4, 8, 16, 32])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_every_width_gives_the_same(name: str, dtype: Any, width: int) -> None:
    arguments = points(name, dtype, 300, around=1)
    usual = compiled(name, dtype, size=128)(*arguments)
    assert_same(compiled(name, dtype, width, size=128)(*arguments), usual, *arguments)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_special_values(name: str, dtype: Any) -> None:
    arguments = arguments_of(name, special(dtype))
    found = compiled(name, dtype, size=64)(*arguments)
    with np.errstate(all="ignore"):
        expected = EXACT[name](*arguments)
        if (
            name == "sigmoid"
        ):  # NumPy's, as written there, loses digits where the result is denormal
            expected = exactly(name, *arguments).astype(dtype)
        close = np.abs(found - expected) <= 2 * np.spacing(np.abs(expected))
    ordinary = np.isfinite(expected) & ~np.isin(np.abs(expected), [0, 1])
    assert_same(np.where(ordinary & close, expected, found), expected, *arguments)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ONE_INSTRUCTION)
def test_exact_functions(name: str, dtype: Any) -> None:
    x = np.concatenate([special(dtype), hard(dtype, 1), np.linspace(-4, 4, 65, dtype=dtype)])
    with np.errstate(all="ignore"):
        expected = ONE_INSTRUCTION[name](x)
    assert_same(compiled(name, dtype, size=64)(x), expected, x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_extremes(name: str, dtype: Any) -> None:
    x = special(dtype)
    first, second = np.repeat(x, x.size), np.tile(x, x.size)
    found = compiled(name, dtype, size=64)(first, second)
    np.testing.assert_array_equal(found, getattr(np, name)(first, second))


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_sign_of_integers(dtype: Any) -> None:
    x = np.array([0, 1, 2, 127, 5, 0, 3, 9], dtype) - (0 if dtype == np.uint8 else 3)
    np.testing.assert_array_equal(compiled("sign", dtype, 8, size=8)(x.astype(dtype)), np.sign(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_without_the_instruction_that_scales(
    name: str, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = points(name, dtype, 300, around=1)
    usual = compiled(name, dtype, size=128)(*arguments)
    monkeypatch.setattr(machine, "vector_bits", lambda: 256)
    assert_same(compiled(name, dtype, size=128)(*arguments), usual, *arguments)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_of_the_c_library_is_called(name: str) -> None:
    if machine.vector_bits() == 128:
        pytest.skip("fused operations are calls there")
    b, type = Builder(), Type(np.dtype(np.float32), 16)
    x = b.load(type, "%x")
    write = FUNCTIONS[name]
    y: Value = write(*[x] * len(inspect.signature(write).parameters))
    b.store(y, "%x")
    b.do("ret void")
    lines = machine.assembly(module([b.function("f", "ptr %x")], [b])).splitlines()
    calls = {line.split()[1] for line in lines if line.strip().startswith("call")}
    assert calls <= {"clearprop.far_sine"}


def test_the_coefficients_are_what_the_tool_makes() -> None:
    pytest.importorskip("mpmath")
    from tools.coefficients import texts

    for path, text in texts().items():
        assert path.read_text(encoding="utf-8") == text, path


def test_a_wrong_result_is_noticed() -> None:
    exact = np.array([1.0, np.nan, np.inf, 1.0, 2.0])
    found = np.array([1.0, 1.0, 1.0, np.nan, 2.0 + 2e-6], np.float32)
    assert ulps(found, exact).tolist()[:4] == [0, np.inf, np.inf, np.inf]
    assert 8 <= ulps(found, exact)[4] <= 9
