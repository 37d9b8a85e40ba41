"""Gradients from many threads at once are the serial ones, to the last bit."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import clearprop

THREADS = 8
ROUNDS = 12


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Let threads interrupt each other a thousand times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def data(seed: int) -> tuple[dict[str, Any], Any]:
    rng = np.random.default_rng(seed)
    params = {"w": rng.normal(size=(4, 3)), "b": rng.normal(size=3), "scale": float(seed + 1)}
    return params, rng.normal(size=(5, 4))


@clearprop.block
def layer(x, w, b):
    return np.tanh(x @ w + b)


def loss(params: dict[str, Any], x: Any) -> Any:
    h = layer(x, params["w"], params["b"])
    h[0] += params["scale"]
    h[:, 1] *= h[:, 0]
    return np.mean(h**2) * params["scale"]


def eager(seed: int) -> Any:
    params, x = data(seed)
    tensors = {name: clearprop.tensor(value) for name, value in params.items()}
    for _ in range(3):
        value = loss(tensors, x)
        value.backward()
        with clearprop.no_grad():
            for t in tensors.values():
                t -= 0.1 * t.grad
                t.zero_grad()
    return value.item(), {name: t.tolist() for name, t in tensors.items()}


def transformed(seed: int) -> Any:
    params, x = data(seed)
    value, g = clearprop.value_and_grad(loss)(params, x)
    product = clearprop.hvp(lambda w: loss({**params, "w": w}, x), params["w"], params["w"])
    return float(value), {name: d.tolist() for name, d in g.items()}, product.tolist()


def traced(seed: int) -> Any:
    params, x = data(seed)
    graph = clearprop.trace(clearprop.grad(loss), params, x)
    return str(graph), graph.evaluate(params, x)["w"].tolist()


def explained(seed: int) -> Any:
    params, x = data(seed)
    explanation = clearprop.explain(loss, params, x, nudge=1e-3)
    return str(explanation), explanation.svg()


def without_gradient(seed: int) -> Any:
    params, x = data(seed)
    with clearprop.no_grad():
        value = loss({name: clearprop.tensor(v) for name, v in params.items()}, x)
    return value.item(), value.requires_grad


WORK: list[Callable[[int], Any]] = [eager, transformed, traced, explained, without_gradient]


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run each job in a thread of its own; all start together."""
    barrier = threading.Barrier(len(jobs))

    def start(job: Callable[[], Any]) -> Any:
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(start, job) for job in jobs]]


@pytest.mark.parametrize("work", WORK)
def test_the_same_work_everywhere(work: Callable[[int], Any]) -> None:
    serial = [work(seed) for seed in range(THREADS)]
    for _ in range(3):
        parallel = at_once([lambda seed=seed: work(seed) for seed in range(THREADS)])
        assert parallel == serial


def test_different_work_side_by_side() -> None:
    def turns(first: int) -> list[Any]:
        return [WORK[(first + i) % len(WORK)](first) for i in range(ROUNDS)]

    serial = [turns(first) for first in range(THREADS)]
    assert at_once([lambda first=first: turns(first) for first in range(THREADS)]) == serial


def test_settings_stay_in_their_thread() -> None:
    inside, outside = threading.Event(), threading.Event()

    def with_no_grad() -> bool:
        with clearprop.no_grad():
            inside.set()
            outside.wait(10)
            return clearprop.tensor(1.0).sum().requires_grad

    def with_grad() -> bool:
        inside.wait(10)
        found = (clearprop.tensor(1.0) * 2).requires_grad
        outside.set()
        return found

    assert at_once([with_no_grad, with_grad]) == [False, True]


def test_a_shared_model_is_read_by_all() -> None:
    w = clearprop.tensor(np.arange(6.0).reshape(2, 3))
    xs = [np.full((4, 2), float(i)) for i in range(THREADS)]

    def gradient_at(x: Any) -> Any:
        return [clearprop.grad(lambda x: np.sum(np.tanh(x @ w)))(x).tolist() for _ in range(ROUNDS)]

    assert at_once([lambda x=x: gradient_at(x) for x in xs]) == [gradient_at(x) for x in xs]
    assert w.grad is None


@pytest.mark.parametrize("attempt", range(5))
def test_a_new_container_meets_all_threads_at_once(attempt: int) -> None:
    kinds = [dataclasses.make_dataclass(f"Model{i}", ["w", "b"]) for i in range(10)]

    def gradients() -> list[float]:
        return [float(clearprop.grad(lambda m: m.w * m.b)(kind(2.0, 3.0)).w) for kind in kinds]

    assert at_once([gradients] * THREADS) == [[3.0] * len(kinds)] * THREADS


def test_one_compiled_function_for_all_threads() -> None:
    pytest.importorskip("llvmlite")
    compiled = clearprop.compile(clearprop.value_and_grad(loss))

    def run(seed: int) -> Any:
        params, x = data(seed)
        return [
            (float(value), g["w"].tolist())
            for value, g in (compiled(params, x) for _ in range(ROUNDS))
        ]

    parallel = at_once([lambda seed=seed: run(seed) for seed in range(THREADS)])
    assert parallel == [run(seed) for seed in range(THREADS)]
