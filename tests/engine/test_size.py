"""Long chains and large arrays: no recursion, and memory given back as soon as it can be."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np

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
