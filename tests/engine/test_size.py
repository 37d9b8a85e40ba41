"""Long chains and large arrays: no recursion, and memory given back as soon as it can be."""

from __future__ import annotations

import contextlib
import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop


def test_deep_chain_needs_no_recursion() -> None:
    x = clearprop.tensor(1.0)
    y = x * 1.0
    for _ in range(50_000):
        y = y + 1.0
        y = y * 1.0
    y.backward()
    assert x.grad == 1


def test_chain_gives_its_memory_back() -> None:
    x = clearprop.tensor(1.0)
    gc.collect()
    gc.disable()  # what is in no cycle goes at once, without the collector
    tracemalloc.start()
    try:
        y = x * 1.0
        for _ in range(20_000):
            y = y + 1.0
        held = tracemalloc.get_traced_memory()[0]
        y.backward()
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert held > 20_000 * 100
    assert left < 200_000, "Python itself keeps 2,000 freed tuples (112 kB) for later"


def test_deep_chain_is_dropped_without_a_backward() -> None:
    y = clearprop.tensor(1.0)
    for _ in range(100_000):
        y = y * 1.0
    del y  # freeing a long chain of references must not overflow the stack
    gc.collect()


def test_saved_arrays_are_given_back_during_backward() -> None:
    n = 200_000
    x = clearprop.tensor(np.ones(n))
    tracemalloc.start()
    try:
        y = x
        for _ in range(20):
            y = np.tanh(y)
        loss = y.sum()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        loss.backward()
        peak = tracemalloc.get_traced_memory()[1]
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held > 19 * 8 * n
    assert peak < held + 5 * 8 * n, "a few gradients at a time, not one for each operation"
    assert after < 4 * 8 * n, "the gradient, and what the names `y` and `loss` still hold"


# ---- thousands of gradients

PARAMS = {"w": np.linspace(-1, 1, 6).reshape(3, 2), "b": np.zeros(2)}
DATA = np.linspace(0, 1, 12).reshape(4, 3)


def loss(params: dict[str, Any], x: Any) -> Any:
    h = np.tanh(x @ params["w"] + params["b"])
    h[0] += 1.0
    return np.mean(h * h)


def train_eagerly() -> Callable[[], None]:
    tensors = {name: clearprop.tensor(value) for name, value in PARAMS.items()}

    def step() -> None:
        loss(tensors, DATA).backward()
        with clearprop.no_grad():
            for t in tensors.values():
                t -= 0.1 * t.grad
                t.grad = None

    return step


def transform(f: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    return lambda: f(*args)


def fail_each_time() -> None:
    with contextlib.suppress(clearprop.ShapeError):
        clearprop.grad(lambda w: np.sum(DATA @ w))(np.ones(7))


@pytest.mark.parametrize(
    ("work", "times"),
    [
        (train_eagerly(), 10_000),
        (transform(clearprop.grad(loss), PARAMS, DATA), 10_000),
        (
            transform(
                clearprop.hvp,
                lambda w: loss({**PARAMS, "w": w}, DATA),
                DATA.T[:, :2],
                DATA.T[:, :2],
            ),
            1000,
        ),
        (transform(clearprop.jvp, lambda w: np.tanh(DATA @ w), PARAMS["w"], PARAMS["w"]), 1000),
        (transform(clearprop.jacobian(lambda w: np.tanh(DATA @ w)), PARAMS["w"]), 300),
        (fail_each_time, 1000),
        (transform(clearprop.trace, clearprop.grad(loss), PARAMS, DATA), 500),
        (transform(lambda: str(clearprop.explain(loss, PARAMS, DATA))), 300),
    ],
    ids=["eager training", "grad", "hvp", "jvp", "jacobian", "errors", "trace", "explain"],
)
def test_many_evaluations_leave_nothing_behind(work: Callable[[], Any], times: int) -> None:
    for _ in range(times // 10 + 50):  # caches fill
        work()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(times):
        work()
    gc.collect()
    left = sys.getallocatedblocks() - before
    # Python keeps a few hundred freed objects for later; one evaluation makes far more than three
    assert left < 1000
