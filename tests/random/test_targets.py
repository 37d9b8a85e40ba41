"""The same numbers, bit for bit, whoever computes them; and their gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import random
from clearprop.emit.c import compiler, run_c
from clearprop.emit.javascript.node_process import node
from clearprop.errors import UnsupportedError
from clearprop.testing import assert_grads
from clearprop.transforms.trees import flatten
from tests.emit.test_c import as_c
from tests.emit.test_javascript import run

KEY = random.key(2**40 + 5)
LOW, HIGH = np.array([[-5], [100]]), np.array([7, 4_000_000_000, -2])
DRAWS: dict[str, Callable[[Any], Any]] = {
    "bits": lambda key: random.bits(key, (3, 50)),
    "uniform": lambda key: random.uniform(key, (2, 70)),
    "uniform of a range": lambda key: random.uniform(key, 40, np.float64, -2.5, 1e3),
    "uniform in single": lambda key: random.uniform(key, 100, np.float32),
    "normal": lambda key: random.normal(key, 5000),
    "normal in single": lambda key: random.normal(key, (50, 100), np.float32),
    "one number": lambda key: random.normal(key),
    "whole numbers": lambda key: random.randint(key, 100, -3, 2**32 - 5),
    "one whole number": lambda key: random.randint(key, (), -3, 9),
    "small whole numbers": lambda key: random.randint(key, 60, 0, 250, np.uint8),
    "bernoulli": lambda key: random.bernoulli(key, np.array([0.1, 0.5, 0.9]), (40, 3)),
    "split": lambda key: random.split(key, 5),
    "fold_in": lambda key: random.fold_in(key, 3),
    "a key of a key": lambda key: random.normal(random.split(random.fold_in(key, 7))[1], 20),
    "chosen": lambda key: random.choice(key, np.arange(7.0), (3, 4)),
}
BY_NUMPY = {
    "permutation": lambda key: random.permutation(key, 30),
    "permuted columns": lambda key: random.permutation(key, np.arange(12.0).reshape(2, 6), axis=1),
    "chosen by p": lambda key: random.choice(key, 5, 40, p=np.array([0.1, 0.0, 2.0, 0.5, 1.0])),
    "chosen once": lambda key: random.choice(key, 9, (2, 3), replace=False),
    "chosen once by p": lambda key: random.choice(key, 3, 2, False, np.array([0.5, 0.0, 1.5])),
}
"""What sorts or searches, which the compiler leaves to NumPy, and C and JavaScript have no form for."""


def same(found: Any, expected: Any) -> None:
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", DRAWS | BY_NUMPY)
def test_traced_and_compiled(name: str) -> None:
    pytest.importorskip("llvmlite")
    draw = (DRAWS | BY_NUMPY)[name]
    expected = draw(KEY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(clearprop.trace(draw, KEY).evaluate(KEY), expected)
        compiled = clearprop.compile(draw)
        same(compiled(KEY), expected)
    assert ("NumPy:" in str(compiled.report())) == (name in BY_NUMPY)
    assert expected.size < 6 or not np.array_equal(compiled(random.key(1)), expected)


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
@pytest.mark.parametrize("name", DRAWS)
def test_c(name: str) -> None:
    expected = DRAWS[name](KEY)
    made = as_c(DRAWS[name], KEY)
    (found,) = run_c(made)([KEY])
    if name in ("normal", "uniform"):  # counters are what the loops count
        assert "static const" not in made.source
    same(found.reshape(expected.shape), expected)


@pytest.mark.skipif(node() is None, reason="Node is not installed")
@pytest.mark.parametrize("name", DRAWS)
def test_javascript(name: str) -> None:
    expected = DRAWS[name](KEY)
    (found,) = run(DRAWS[name], KEY)
    same(found.reshape(expected.shape), expected)


@pytest.mark.parametrize("name", ["normal in single", "normal", "a key of a key", "whole numbers"])
def test_numpy_code(name: str) -> None:
    draw = DRAWS[name]
    made = clearprop.source(lambda w, key: np.sum(draw(key)[0] * w), np.ones(1), KEY)
    for key in (KEY, random.key(3)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            value, dw = made.function(np.ones(1), key)
        assert value == dw[0] == np.sum(draw(key)[0] * np.ones(1))


def test_pytorch_has_no_form() -> None:
    message = r"bitwise_xor has no form in torch .*targets that have it: numpy, jax"
    with pytest.raises(UnsupportedError, match=message):
        clearprop.source(lambda w, key: w * random.normal(key), 1.0, KEY, to="torch")


def test_bounds_that_are_arrays() -> None:
    draw = lambda key, low, high: random.randint(key, (2, 3), low, high)  # noqa: E731
    low, high = LOW, np.array([7, 4_000_000_000, 400]) + 200
    expected = draw(KEY, low, high)
    assert np.all((low <= expected) & (expected < high))
    same(clearprop.compile(draw)(KEY, low, high), expected)
    ends = lambda key, a, b: random.uniform(key, (2, 3), np.float64, a, b)  # noqa: E731
    same(clearprop.compile(ends)(KEY, LOW * 1.0, HIGH * 1.0), ends(KEY, LOW * 1.0, HIGH * 1.0))


def test_a_seed_that_is_unknown() -> None:
    pytest.importorskip("llvmlite")
    compiled = clearprop.compile(random.key)
    for seed in (0, -1, 2**40 + 3, -(2**63)):
        same(compiled(np.int64(seed)), random.key(seed))
    same(compiled(np.uint32(2**32 - 1)), random.key(2**32 - 1))


# ---- loops


def carried(w: Any, key: Any) -> Any:
    def step(state: Any, _: Any) -> Any:
        h, key = state
        key, now = random.split(key)
        h = np.tanh(w * h + 0.3 * random.normal(now, 3))
        return (h, key), h

    (_, key), hs = clearprop.scan(step, (np.zeros(3), key), length=6)
    return np.sum(hs**2) + np.sum(w) * random.uniform(key)


def numbered(w: Any, key: Any) -> Any:
    def step(i: Any, h: Any) -> Any:
        return np.tanh(w * h) + random.uniform(random.fold_in(key, i), 3, minval=-1.0)

    return np.sum(clearprop.fori_loop(0, 5, step, np.zeros(3)))


@pytest.mark.parametrize("f", [carried, numbered])
def test_loops(f: Callable[..., Any]) -> None:
    """A key that is carried, and one that the number of the step goes into: alike as a loop, and compiled."""
    pytest.importorskip("llvmlite")
    w = np.array([0.5, -1.5, 2.0])
    expected = clearprop.value_and_grad(f)(w, KEY)
    traced = clearprop.trace(clearprop.value_and_grad(f), w, KEY)
    compiled = clearprop.compile(clearprop.value_and_grad(f))
    for found in (traced.evaluate(w, KEY), compiled(w, KEY)):
        for a, b in zip(flatten(found)[0], flatten(expected)[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
    assert "NumPy:" not in str(compiled.report())
    assert_grads(lambda w: f(w, KEY), w)


# ---- gradients


def test_gradients_of_what_is_made_of_them() -> None:
    assert_grads(lambda mean, std: np.sum((mean + std * random.normal(KEY, 4)) ** 2), 0.5, 2.0)
    ends = [np.array([0.5, -1.0]), np.array([2.0, 3.0])]
    assert_grads(lambda a, b: np.sum(random.uniform(KEY, (3, 2), minval=a, maxval=b) ** 2), *ends)
    u = random.uniform(KEY, 3)
    low, high = clearprop.grad(
        lambda a, b: np.sum(random.uniform(KEY, 3, np.float64, a, b)), (0, 1)
    )(1.0, 3.0)
    assert (low, high) == pytest.approx((np.sum(1 - u), np.sum(u)))
    rows = np.arange(6.0).reshape(3, 2)
    dx = clearprop.grad(lambda x: np.sum(random.permutation(KEY, x) * rows))(rows)
    np.testing.assert_array_equal(random.permutation(KEY, dx), rows)
    dx = clearprop.grad(lambda x: np.sum(random.choice(KEY, x, 50)))(np.ones(4))
    np.testing.assert_array_equal(dx, np.bincount(random.choice(KEY, 4, 50), minlength=4))


def test_in_single_precision_all_stays_single() -> None:
    ends = np.array([0.5, 1.0]), np.array([2.0, 3.0])
    assert random.uniform(KEY, 2, np.float32, *ends).dtype == np.float32


def test_as_the_warning_advises() -> None:
    """The key is an argument, so each call has numbers of its own."""
    pytest.importorskip("llvmlite")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f = clearprop.compile(lambda x, key: np.sum(x * random.normal(key, x.shape)))
        first, again, second = (f(np.ones(3), random.key(n)) for n in (0, 0, 1))
    assert first == again != second
