"""Sequences, functions of slices, and what depends on the numbers: as NumPy has them, with gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import ShapeError, TraceError
from clearprop.testing import assert_grads

X, Y = np.array([1.5, 2.0]), np.array([[3.0, 4.0], [5.0, 7.0]])

CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "linspace": lambda x, y: np.linspace(x, y, 5),
    "linspace along the last axis": lambda x, y: np.linspace(x, y, 5, axis=-1),
    "linspace without its end": lambda x, y: np.linspace(x, y, 4, endpoint=False, axis=1),
    "linspace of one": lambda x, y: np.linspace(x, y, 1),
    "linspace of none": lambda x, y: np.linspace(x, y, 0),
    "linspace from a number": lambda x, y: np.linspace(1, y, 3),
    "linspace to a number": lambda x, y: np.linspace(x, 9.0, 3),
    "linspace of complex numbers": lambda x, y: np.linspace(x + 1j, y, 4).imag,
    "the step of linspace": lambda x, y: np.linspace(x, y, 3, retstep=True)[1],
    "logspace": lambda x, y: np.logspace(x, y, 4),
    "logspace of base 2": lambda x, y: np.logspace(x, y, 3, base=2, axis=1),
    "logspace of a variable base": lambda x, y: np.logspace(1.0, 2.0, 4, base=x[0]),
    "logspace of several bases": lambda x, y: np.logspace(0.0, 2.0, 4, base=x),
    "geomspace": lambda x, y: np.geomspace(x, y, 5),
    "geomspace below zero": lambda x, y: np.geomspace(-x, -y, 4, endpoint=False, axis=1),
    "geomspace of one": lambda x, y: np.geomspace(x, y, 1),
    "geomspace of two": lambda x, y: np.geomspace(x, y, 2),
    "a matrix of each row": lambda x, y: np.apply_along_axis(lambda r: np.outer(r, r), 1, y * x),
    "a number of each column": lambda x, y: np.apply_along_axis(np.sum, 0, y * x),
    "more arguments": lambda x, y: np.apply_along_axis(np.quantile, 0, y * x, 0.3),
    "over axes": lambda x, y: np.apply_over_axes(np.sum, y * x, [0, -1]),
    "over one axis": lambda x, y: np.apply_over_axes(np.mean, y * x, 1),
    "trim_zeros": lambda x, y: np.trim_zeros(np.pad(x, (2, 1))),
    "trim_zeros of a matrix": lambda x, y: np.trim_zeros(np.pad(y, 1)),
    "trim_zeros in front": lambda x, y: np.trim_zeros(np.pad(y, 1), "f", axis=1),
    "trim_zeros of nothing else": lambda x, y: np.trim_zeros(x * 0),
    "real_if_close of real": lambda x, y: np.real_if_close(x + 0j),
    "real_if_close of complex": lambda x, y: np.real_if_close(x + 1j * x).imag,
    "sort_complex": lambda x, y: np.sort_complex(y * (1 - 1j)).imag,
    "sort_complex of real": lambda x, y: np.sort_complex(y).real,
}


@pytest.mark.parametrize("name", CALLS)
def test_as_numpy_has_it(name: str) -> None:
    f = CALLS[name]
    expected = f(X, Y)
    result = f(clearprop.tensor(X), clearprop.tensor(Y))
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(result.value, expected, rtol=1e-15)
    assert_grads(f, X, Y)
    if not name.startswith(("trim", "real_if")):
        graph = clearprop.trace(f, X, Y)
        np.testing.assert_allclose(graph.evaluate(X, Y), expected, rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("f", [np.linspace, np.geomspace])
def test_precision_as_in_numpy(f: Callable[..., Any], dtype: str) -> None:
    x = np.dtype(dtype).type(2)
    assert f(clearprop.tensor(x), 3, 4).dtype == f(x, 3, 4).dtype
    assert f(clearprop.tensor(x), 9, 3, dtype=int).tolist() == f(x, 9, 3, dtype=int).tolist()


def test_ends_are_exact() -> None:
    x, y = 0.1, 0.7
    assert np.linspace(clearprop.tensor(x), y, 7)[-1].item() == y
    ends = np.geomspace(clearprop.tensor(x), y, 7)
    assert (ends[0].item(), ends[-1].item()) == (x, y)


def test_errors() -> None:
    x = clearprop.tensor([1.0, 0.0])
    with pytest.raises(ValueError, match="fewer than none"):
        np.linspace(x, 2.0, -1)
    with pytest.raises(ValueError, match="no ratio leads to 0"):
        np.geomspace(1.0, x, 3)
    with pytest.raises(ValueError, match="'f' for the front"):
        np.trim_zeros(x, "x")
    with pytest.raises(ShapeError, match="no slice to apply to"):
        np.apply_along_axis(np.sum, 0, clearprop.tensor(np.ones((2, 0))))
    with pytest.raises(ShapeError, match="turned 1 axes into 2"):
        np.apply_over_axes(lambda x, axis: x[None], x, 0)
    with pytest.raises(TraceError, match="trim_zeros needs numbers"):
        clearprop.trace(np.trim_zeros, X)


def test_questions_about_dtypes() -> None:
    single, double = clearprop.tensor(np.float32(1)), clearprop.tensor([1.0])
    assert np.result_type(single, 1.0) == np.float32
    assert np.result_type(single, double) == np.float64
    assert np.common_type(single, double) is np.float64
    assert np.can_cast(single, np.float64)
    assert not np.can_cast(double, np.float32)
