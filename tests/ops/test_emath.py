"""np.emath: complex where real numbers have no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import TraceError
from clearprop.testing import assert_grads

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    name: getattr(np.emath, name)
    for name in ("sqrt", "log", "log2", "log10", "arccos", "arcsin", "arctanh")
} | {
    "logn": lambda x: np.emath.logn(2, x),
    "logn of a base": lambda x: np.emath.logn(x, 3.0),
    "power": lambda x: np.emath.power(x, 2),
    "power, a root": lambda x: np.emath.power(x, 0.5),
    "power, negative": lambda x: np.emath.power(x, -2),
    "power of a number": lambda x: np.emath.power(-2, x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [np.array([0.2, 0.5, 0.7]), np.array([-2.3, 0.4, 1.7])], ids=str)
def test_as_numpy(name: str, x: Any) -> None:
    f = FUNCTIONS[name]
    for given in (x, x.astype(np.float32), x * 1j):
        expected, found = f(given), f(clearprop.tensor(given))
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.value, expected, 1e-6)

    def total(x: Any) -> Any:
        weights = np.arange(1.0, 4.0)
        return np.sum(np.real(f(x)) * weights) + np.sum(np.imag(f(x)) * weights**2)

    assert_grads(total, x)


def test_of_integers() -> None:
    assert np.emath.power(clearprop.tensor([2, 4]), -2).tolist() == [0.25, 0.0625]
    assert np.emath.sqrt(clearprop.tensor([-4])).tolist() == [2j]


def test_in_a_trace_one_says_which() -> None:
    x = np.array([-4.0, 9.0])
    with pytest.raises(TraceError, match=r"Write np\.sqrt.* of x or of x\.astype\(complex\)"):
        clearprop.compile(np.emath.sqrt)(x)
    assert clearprop.compile(lambda x: np.sqrt(x.astype(complex)))(x).tolist() == [2j, 3 + 0j]
    assert clearprop.compile(np.emath.sqrt)(x + 0j).tolist() == [2j, 3 + 0j]
