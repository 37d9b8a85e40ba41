"""check_gradient: a block's own gradient against the one derived from its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import GradientError, GradientMismatch
from tests.graph.examples import affine, derived, logistic


@clearprop.block
def scaled(x, *, by=1.0, power=1):
    return by * x**power


@scaled.gradient
def scaled_gradient(g, out, x, *, by=1.0, power=1):
    return g * by * power * x ** (power - 1)


def test_check_gradient_accepts_what_is_right() -> None:
    logistic.check_gradient(np.array([-2.0, 0.0, 3.0]))
    logistic.check_gradient(0.3)
    affine.check_gradient(np.ones((2, 3)), np.array([1.0, 2.0, 3.0]), np.zeros(2))
    scaled.check_gradient(np.array([1.0, 2.0]), by=3.0, power=4)


def make_product(rule: Callable[..., Any]) -> clearprop.Block:
    @clearprop.block
    def product(left, right):
        return left * right

    product.gradient(rule)
    return product


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (lambda g, out, x, y: (-g * y, g * x), "left"),
        (lambda g, out, x, y: (g * y, -g * x), "right"),
        (lambda g, out, x, y: (2 * g * y, g * x), "left"),
        (lambda g, out, x, y: (g * y, 1.001 * g * x), "right"),
        (lambda g, out, x, y: (y, g * x), "left"),
        (lambda g, out, x, y: (g * y, None), "right"),
    ],
)
def test_check_gradient_rejects(rule: Callable[..., Any], name: str) -> None:
    x, y = np.array([1.0, 2.0, 3.0]), np.array([4.0, -5.0, 6.0])
    with pytest.raises(
        GradientMismatch, match=f"block product: its own gradient for {name} differs"
    ):
        make_product(rule).check_gradient(x, y)


def test_check_gradient_names_the_place_and_the_numbers() -> None:
    @clearprop.block
    def double(x):
        return x * 2.0

    @double.gradient
    def double_gradient(g, out, x):
        wrong = np.array([[2.0, 2.0], [2.0, 5.0]])
        return g * wrong

    g = np.random.default_rng(0).standard_normal((2, 2))[1, 1]
    with pytest.raises(GradientMismatch) as caught:
        double.check_gradient(np.ones((2, 2)))
    assert f"at (1, 1) it is {5 * g:.6g}, derived {2 * g:.6g}" in str(caught.value)


def test_check_gradient_wants_one_to_check() -> None:
    with pytest.raises(GradientError, match=r"give it one with @derived\.gradient"):
        derived.check_gradient(1.0)
