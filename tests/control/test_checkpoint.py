"""Checkpoints: the same gradients from less memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import GradientError, ShapeError
from clearprop.transforms.trees import flatten

pytest.importorskip("llvmlite")

ROWS = np.random.default_rng(3).normal(size=(11, 3))


def same(f: Callable[..., Any], wanted: Callable[..., Any], *args: Any) -> None:
    expected = flatten(wanted(*args))[0]
    for run in (f, clearprop.trace(f, *args).evaluate, clearprop.compile(f)):
        for x, y in zip(flatten(run(*args))[0], expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-10)


def recurrent(count: int | None, reverse: bool) -> Callable[..., Any]:
    def f(w: Any) -> Any:
        matrix = np.outer(w, w)

        def step(h: Any, x: Any) -> Any:
            h = np.tanh(x * w + h @ matrix)
            return h, (h * h, None)

        h, (ys, _) = clearprop.scan(step, np.zeros(3), ROWS, reverse=reverse, checkpoint=count)
        return np.sum(h) + np.sum(ys * np.arange(11.0)[:, None])

    return f


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("count", [1, 3, 4, 11, 20])
def test_states_of_a_loop(count: int, reverse: bool) -> None:
    w, v = np.array([0.3, -0.8, 0.5]), np.array([1.0, 0.5, -2.0])
    f, plain = recurrent(count, reverse), recurrent(None, reverse)
    same(clearprop.value_and_grad(f), clearprop.value_and_grad(plain), w)
    same(lambda w: clearprop.hvp(f, w, v), lambda w: clearprop.hvp(plain, w, v), w)
    same(lambda w: clearprop.jvp(f, w, v), lambda w: clearprop.jvp(plain, w, v), w)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_states_of_a_loop_that_reads_nothing(count: int) -> None:
    def f(x: Any) -> Any:
        return np.sum(np.sin(clearprop.scan(doubled, x, length=4, checkpoint=count)[0]))

    def plain(x: Any) -> Any:
        return np.sum(np.sin(x * 16))

    x = np.array([0.05, 0.1])
    same(f, plain, x)
    same(clearprop.grad(f), clearprop.grad(plain), x)


def doubled(c: Any, _: None) -> Any:
    return c * 2, None


def test_a_function() -> None:
    def inner(y: Any, scale: Any, x: Any) -> dict[str, Any]:
        return {"a": np.sin(y) * x, "b": scale * y}

    def f(x: Any) -> Any:
        made = clearprop.checkpoint(lambda y, *, scale: inner(y, scale, x))(x**2, scale=3.0)
        return np.sum(made["a"] * made["b"])

    def plain(x: Any) -> Any:
        made = inner(x**2, 3.0, x)
        return np.sum(made["a"] * made["b"])

    x = np.array([0.3, 0.4])
    same(clearprop.grad(f), clearprop.grad(plain), x)
    same(clearprop.hessian(f), clearprop.hessian(plain), x)


def test_leaves_that_it_reads() -> None:
    w, x = clearprop.tensor([1.0, 2.0]), clearprop.tensor([0.1, 0.2])
    clearprop.checkpoint(lambda x: np.sum(np.sin(x) * w))(x).backward()
    np.testing.assert_allclose(x.grad, np.cos(x.value) * w.value)
    np.testing.assert_allclose(w.grad, np.sin(x.value))


def test_without_gradients_it_is_the_function() -> None:
    double = clearprop.checkpoint(lambda x: 2 * x)
    assert double(3) == 6
    assert repr(double) == "<checkpoint of <lambda>>"
    with clearprop.no_grad():
        assert not double(clearprop.tensor(3.0)).requires_grad


def test_what_changes_in_between() -> None:
    w = clearprop.tensor([1.0, 2.0])
    scaled = w * 1
    loss = clearprop.checkpoint(lambda x: np.sum(x * scaled))(clearprop.tensor([1.0, 1.0]))
    scaled += 1
    with pytest.raises(GradientError, match=r"changed in place since.*backward\(\) before"):
        loss.backward()


def test_memory() -> None:
    """Of 400 arrays of 80 kB, 20 at a time and 20 more."""
    x = np.ones(10_000)

    def peak(f: Callable[..., Any]) -> int:
        tracemalloc.start()
        clearprop.grad(f)(x)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    def f(count: int | None) -> Callable[..., Any]:
        return lambda x: np.sum(
            clearprop.scan(lambda h, _: (np.sin(h), None), x, length=400, checkpoint=count)[0]
        )

    assert peak(f(20)) < peak(f(None)) / 5

    def needed(count: int | None) -> int:
        compiled = clearprop.compile(clearprop.grad(f(count)))
        compiled(x)
        return int(compiled.report().bytes)

    assert needed(20) < needed(None) / 5


def test_errors() -> None:
    with pytest.raises(ShapeError, match="at least one state, not checkpoint=0"):
        clearprop.scan(lambda c, x: (c, None), 0.0, length=3, checkpoint=0)


def test_plain_numbers_among_the_results() -> None:
    def f(x: Any) -> Any:
        y, n, half = clearprop.checkpoint(lambda x: (np.sin(x), 3, np.float32(0.5)))(x)
        return y * n * half

    same(clearprop.value_and_grad(f), clearprop.value_and_grad(lambda x: np.sin(x) * 1.5), 0.3)


def test_a_count_beside_checkpoints() -> None:
    def f(x: Any) -> Any:
        def step(c: Any, _: None) -> Any:
            return (c[0] + 1, np.sin(c[1]) * x), c[0]

        (n, y), counts = clearprop.scan(step, (0, x), length=5, checkpoint=2)
        return y * n + np.sum(counts)

    def plain(x: Any) -> Any:
        y = x
        for _ in range(5):
            y = np.sin(y) * x
        return 5 * y + 10

    same(clearprop.value_and_grad(f), clearprop.value_and_grad(plain), 1.3)
