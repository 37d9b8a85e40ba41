"""Numbers of the backward pass, multiplied exactly and written as a person writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.passes.person.rationals import Ratio

X = np.array([1.0, 2.0])


def backward_of(f: Any, *args: Any) -> str:
    """Return the last statement of the backward pass, without its comment."""
    with np.errstate(all="ignore"):
        text = clearprop.source(f, *args).text
    return text.split("return ")[-2].strip().splitlines()[-1].split("  #")[0].strip()


def up_and_down(a: Any) -> Any:
    b = (a * a * 1e200 + 1e-300) / 1e200
    return np.sum((b * b * 1e200 + 1e-300) / 1e199)


WRITTEN = {
    "dx = 2e-8 * x": lambda x: np.sum(x * x * 1e-8),
    "dx = 1e-5 * np.cos(x)": lambda x: np.sum(np.sin(x) * 1e-5),
    "dx = np.cos(x) / 1000": lambda x: np.sum(np.sin(x) * 1e-3),
    "dx = np.full((2,), 5e-324)": lambda x: np.sum(x * 5e-324),
    "dx = 1e300 * x**2": lambda x: np.sum(x**3 * 1e300 / 3),
    "da = 40 * a * b": up_and_down,
    "dx = np.ones((2,)) / 5e-324": lambda x: np.sum(x / 5e-324),  # floats do not reach 1 / 5e-324
}


@pytest.mark.parametrize("written", WRITTEN)
def test_numbers_are_written_in_few_letters(written: str) -> None:
    assert backward_of(WRITTEN[written], X) == written


@pytest.mark.parametrize(
    "x", [1e200, -1e300, 5e-324, 1.7e308, 2e-8, 1 / 3, -0.1, 123456789.25, 2.0**53 - 1, 1e16, 0.0]
)
def test_short_decimals_are_ratios_of_the_same_value(x: float) -> None:
    ratio = Ratio.of(x)
    assert ratio is not None
    assert ratio.value == x


@pytest.mark.parametrize("x", [np.pi, 0.1234567890123456, 2.0**60, np.inf, np.nan])
def test_numbers_of_many_digits_are_none(x: float) -> None:
    assert Ratio.of(x) is None


def test_products_beyond_floats_come_back() -> None:
    large, small = Ratio(10**200), Ratio(1, 10**300)
    assert large.times(large).times(small) == Ratio(10**100)
    assert small.times(small).times(large).times(large).value == 1e-200


@pytest.mark.parametrize("ratio", [Ratio(10**400), Ratio(1, 10**400)])
def test_what_floats_do_not_reach_is_no_number(ratio: Ratio) -> None:
    with pytest.raises(OverflowError):
        ratio.constant()


@pytest.mark.parametrize("ratio", [Ratio(10**60), Ratio(1, 10**60)])
def test_what_float32_does_not_reach_is_none_of_its_numbers(ratio: Ratio) -> None:
    assert ratio.constant().constant == ratio.value
    with pytest.raises(OverflowError):
        ratio.constant(np.dtype(np.float32))


def test_nothing_times_a_small_number_is_nothing() -> None:
    assert Ratio(0).times(Ratio(1, 10**300)) == Ratio(0)


@pytest.mark.parametrize("factor", [1e15, 1e-15, 1e300])
def test_a_product_of_numbers_beyond_floats_stays_a_product(factor: float) -> None:
    def f(x: Any) -> Any:
        for _ in range(22):
            x = x * factor
        for _ in range(22):
            x = x / factor
        return np.sum(x)

    with np.errstate(all="ignore"):
        code, expected = clearprop.source(f, X), clearprop.grad(f)(X)
        np.testing.assert_array_equal(code.function(X)[1], expected)
