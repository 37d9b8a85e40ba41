"""What a loop carries and collects lies in memory once; the numbers are those of the plain loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop

pytest.importorskip("llvmlite")

W = np.random.default_rng(0).standard_normal((3, 3)) * 0.5


def step(w: Any) -> Callable[[Any, Any], tuple[Any, Any]]:
    def body(h: Any, x: Any) -> tuple[Any, Any]:
        h = np.tanh(x + h @ w)
        return h, h

    return body


def xs(length: int) -> Any:
    return np.random.default_rng(length).standard_normal((length, 3))


def stages(compiled: Any) -> str:
    return str(compiled.source("stages"))


def agree(f: Callable[..., Any], *args: Any) -> Any:
    """Compile a function, compare its results with those of the plain loop, and return what was compiled."""
    compiled = clearprop.compile(f)
    for got, expected in zip(compiled(*args), f(*args), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)
    return compiled


@pytest.mark.parametrize("length", [1, 2, 3, 8])
@pytest.mark.parametrize("reverse", [False, True])
def test_states_that_a_backward_pass_reads_too_are_one_array(length: int, reverse: bool) -> None:
    def loss(w: Any, start: Any, xs: Any) -> Any:
        h, hs = clearprop.scan(step(w), start, xs, reverse=reverse)
        return np.sum(hs**2) + np.sum(np.sin(h))

    def gradients(*args: Any) -> Any:
        return clearprop.grad(loss, argnums=(0, 1, 2))(*args)

    compiled = agree(gradients, W, np.array([0.1, -0.2, 0.3]), xs(length))
    text = stages(compiled)
    assert " before each " in text
    assert " after each " in text
    assert f"f64[{length},3] in " in text, "both are parts of one array"
    assert "_out" not in text.partition("nest")[0], "nothing is collected besides"


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("reverse", [False, True])
def test_states_that_the_user_collects_are_written_once(length: int, reverse: bool) -> None:
    def states(w: Any, start: Any, xs: Any) -> Any:
        return clearprop.scan(step(w), start, xs, reverse=reverse)

    compiled = agree(states, W, np.zeros(3), xs(length))
    text = stages(compiled)
    assert " after each " in text
    assert "collect" not in text


def test_states_that_are_returned_and_read_again_are_two_arrays() -> None:
    def both(w: Any, start: Any, xs: Any) -> Any:
        def loss(w: Any) -> Any:
            _, hs = clearprop.scan(step(w), start, xs)
            return np.sum(hs**2), hs

        (value, hs), pullback = clearprop.vjp(loss, w)
        (dw,) = pullback((np.ones_like(value), np.zeros_like(hs)))
        return hs, dw

    text = stages(agree(both, W, np.zeros(3), xs(4)))
    assert " after each " in text
    assert " before each " not in text


@pytest.mark.parametrize("length", [1, 2, 5])
def test_states_that_only_the_backward_pass_reads(length: int) -> None:
    def loss(start: Any) -> Any:
        h, _ = clearprop.scan(lambda h, _: (np.sin(h) * h, None), start, length=length)
        return np.sum(h)

    compiled = agree(clearprop.value_and_grad(loss), np.array([0.3, 0.7, 1.1]))
    text = stages(compiled)
    assert " before each " in text
    assert " after each " not in text


def test_what_is_collected_as_each_step_gets_it() -> None:
    def before(start: Any) -> Any:
        return clearprop.scan(lambda h, _: (2 * h, h), start, length=4)

    compiled = agree(before, np.array([1.0, 3.0]))
    assert " before each " in stages(compiled)
    assert compiled(np.array([1.0, 3.0]))[1][:, 0].tolist() == [1.0, 2.0, 4.0, 8.0]


def test_what_is_changed_before_it_is_collected_stays_apart() -> None:
    def shifted(start: Any, xs: Any) -> Any:
        return clearprop.scan(lambda h, x: (h + x, h[::-1]), start, xs)

    text = stages(agree(shifted, np.zeros(3), xs(4)))
    assert " each " not in text


def test_two_carried_values_that_change_places() -> None:
    def turns(a: Any, b: Any) -> Any:
        (a, b), pairs = clearprop.scan(lambda s, _: ((s[1], s[0] + s[1]), s), (a, b), length=7)
        return a, b, *pairs

    agree(turns, np.array([1.0, 2.0]), np.array([3.0, 5.0]))


def test_within_another_loop() -> None:
    def loss(w: Any, start: Any, xs: Any) -> Any:
        def outer(h: Any, _: Any) -> tuple[Any, Any]:
            h, hs = clearprop.scan(step(w), h, xs)
            return h, (h, np.sum(hs**2))

        h, (hs, sums) = clearprop.scan(outer, start, length=3)
        return np.sum(h * hs) + np.sum(sums)

    def gradients(*args: Any) -> Any:
        return clearprop.grad(loss, argnums=(0, 1, 2))(*args)

    text = stages(agree(gradients, W, np.array([0.1, -0.2, 0.3]), xs(4)))
    assert text.count(" after each ") == 3, (
        "of the outer loop, and of the inner one, there and again"
    )


def test_beside_what_numpy_computes() -> None:
    """Buffers are then arrays of their own."""

    def loss(w: Any, xs: Any) -> Any:
        _, hs = clearprop.scan(step(w), np.zeros(3), xs)
        return np.sum(np.sort(hs, axis=0)[0] + hs**2)

    compiled = agree(clearprop.value_and_grad(loss), W, xs(4))
    assert "numpy" in stages(compiled)
    assert " in " not in stages(compiled).partition("loop")[0]


def test_a_donated_start() -> None:
    def states(start: Any, xs: Any) -> Any:
        return clearprop.scan(lambda h, x: (h * x, h * x), start, xs)

    compiled = clearprop.compile(states, donate="start")
    h, hs = compiled(np.array([1.0, 2.0, 3.0]), xs(3))
    expected = np.array([1.0, 2.0, 3.0]) * np.cumprod(xs(3), axis=0)
    np.testing.assert_allclose(hs, expected, rtol=1e-13)
    np.testing.assert_allclose(h, expected[-1], rtol=1e-13)


def test_memory_for_one_array_of_states() -> None:
    def loss(w: Any, xs: Any) -> Any:
        _, hs = clearprop.scan(step(w), np.zeros(3), xs)
        return np.sum(hs**2)

    compiled = clearprop.compile(clearprop.grad(loss))
    compiled(W, xs(1000))
    states = 1000 * 3 * 8
    # states, their upstream gradients, and the factors of the weights' gradient; no second copy of the states
    assert compiled.report().bytes < xs(1000).nbytes + 3.5 * states
