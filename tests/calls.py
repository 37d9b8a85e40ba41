"""Checks of functions that are composed of primitives, called as users call NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import clearprop
from clearprop.engine.spec import spec_of
from tests.contract import in_precision
from tests.numeric import slopes

Shapes = tuple[tuple[int, ...], ...]


def draw(shapes: Shapes, kinds: str = "", seed: int = 5) -> list[Any]:
    """Arrays of these shapes; where `kinds` has a "c", complex ones."""
    rng = np.random.default_rng(seed)
    arrays = [rng.uniform(-1, 1, shape) for shape in shapes]
    for i, kind in enumerate(kinds):
        if kind == "c":
            arrays[i] = arrays[i] + 1j * rng.uniform(-1, 1, shapes[i])
    return arrays


def check_call(f: Callable[..., Any], arrays: list[Any], rtol: float = 1e-13) -> None:
    """Value, shape, dtype and gradient of a function of arrays, here, in single precision and traced."""
    expected = np.asarray(f(*arrays))
    tensors = [clearprop.tensor(x) for x in arrays]
    result = f(*tensors)
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(np.asarray(result.value), expected, rtol, rtol)
    rng = np.random.default_rng(6)
    g = rng.standard_normal(expected.shape)[()]
    if expected.dtype.kind == "c":
        g = g + 1j * rng.standard_normal(expected.shape)
    result.backward(g)
    for i, t in enumerate(tensors):
        assert (t.grad.shape, t.grad.dtype) == (t.shape, t.dtype)
        np.testing.assert_allclose(t.grad, _gradient(f, arrays, i, g), 1e-7, 1e-8)

    outputs = clearprop.trace(f, *arrays).outputs
    assert [wire.spec for wire in outputs] == [spec_of(expected)]

    single = [in_precision(x, "float32") for x in arrays]
    tensors = [clearprop.tensor(x) for x in single]
    result = f(*tensors)
    assert result.dtype == np.asarray(f(*single)).dtype
    result.backward(g)
    assert [t.grad.dtype for t in tensors] == [x.dtype for x in single]


def _gradient(f: Callable[..., Any], arrays: list[Any], i: int, g: Any) -> Any:
    """By central differences: of the real and the imaginary part for a complex input."""

    def weighed(x: Any) -> Any:
        out = f(*(x if i == j else y for j, y in enumerate(arrays)))
        return np.sum((np.conj(g) * out).real)

    x = arrays[i]
    if x.dtype.kind != "c":
        return slopes(weighed, x)
    pair = slopes(lambda p: weighed(p[..., 0] + 1j * p[..., 1]), np.stack([x.real, x.imag], -1))
    return pair[..., 0] + 1j * pair[..., 1]
