"""Nests that go along together, tile by tile: the same results, and nothing large in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

import clearprop
from clearprop.engine.spec import ArraySpec
from clearprop.stages import tiling
from clearprop.stages.ir import Access, Buffer, Literal, Nest, Stage, Store
from tests.programs import ODD, Program, programs

pytest.importorskip("llvmlite")
from clearprop.native import pool


@pytest.fixture
def eager_to_tile(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tiles wherever they are possible."""
    monkeypatch.setattr(tiling, "_WORTH", 1)
    monkeypatch.setattr(tiling, "_ROWS", 1)
    monkeypatch.setattr(tiling, "_LEAST", 1)
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")  # what was kept was made with other numbers
    return


def close(mine: Any, wanted: Any) -> None:
    for x, y in zip(mine, wanted, strict=True):
        scale = float(np.max(np.abs(y), initial=0.0))
        np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-10 * max(scale, 1e-3))


def mixture(weights: Any, means: Any, factors: Any, x: Any) -> Any:
    centred = x[None, :, :] - means[:, None, :]
    scaled = centred @ factors
    logs = weights[:, None] - 0.5 * (scaled * scaled).sum(-1)
    top = logs.max(0)
    return -(top + np.log(np.exp(logs - top).sum(0))).sum()


def network(x: Any, y: Any, first: Any, a: Any, second: Any, b: Any, third: Any) -> Any:
    h = np.tanh(x @ first + a)
    h = np.tanh(h @ second + b)
    return ((h @ third - y) ** 2).mean()


def attention(x: Any, q: Any, k: Any, v: Any) -> Any:
    scores = (x @ q) @ np.swapaxes(x @ k, -1, -2) / 2.0
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights = weights / weights.sum(-1, keepdims=True)
    return np.tanh(weights @ (x @ v)).sum()


def sizes(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[Any]:
    return [rng.normal(size=shape) for shape in shapes]


CASES: dict[str, tuple[Any, tuple[tuple[int, ...], ...]]] = {
    "mixture": (mixture, ((7,), (7, 3), (7, 3, 3), (60, 3))),
    "network": (network, ((96, 2), (96, 1), (2, 16), (16,), (16, 16), (16,), (16, 1))),
    "attention": (attention, ((60, 5, 4), (4, 4), (4, 4), (4, 4))),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(
    name: str, threads: int, rng: np.random.Generator, eager_to_tile: None, many_cores: None
) -> None:
    f, shapes = CASES[name]
    args = sizes(rng, *shapes)
    gradient = clearprop.value_and_grad(f, argnums=tuple(range(len(args))))
    before = pool.num_threads()
    clearprop.set_num_threads(threads)
    try:
        compiled = clearprop.compile(gradient)
        value, gradients = compiled(*args)
        again = compiled(*args)
    finally:
        clearprop.set_num_threads(before)
    expected, exact = gradient(*args)
    close((value, *gradients), (expected, *exact))
    assert "tiles" in compiled.source("stages")
    for x, y in zip((value, *gradients), (again[0], *again[1]), strict=True):
        np.testing.assert_array_equal(x, y)


@settings(
    max_examples=settings().max_examples * 2 // 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(program=programs(ODD))
def test_random_programs(program: Program, eager_to_tile: None) -> None:
    assume(not program.jumps())
    inputs = program.arrays("float64")
    f = clearprop.value_and_grad(program, argnums=range(len(inputs)))
    value, gradients = clearprop.compile(f)(*inputs)
    expected, exact = f(*inputs)
    close((value, *gradients), (expected, *exact))


def test_results_do_not_depend_on_threads(rng: np.random.Generator, many_cores: None) -> None:
    args = sizes(rng, (25,), (25, 10), (25, 10, 10), (2000, 10))
    found = []
    before = pool.num_threads()
    try:
        for threads in (1, 2, 3):
            clearprop.set_num_threads(threads)
            compiled = clearprop.compile(clearprop.grad(mixture, argnums=(0, 1, 2, 3)))
            found.append(compiled(*args))
            assert "tiles" in compiled.source("stages")
    finally:
        clearprop.set_num_threads(before)
    for other in found[1:]:
        for x, y in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(x, y)


def test_what_is_handed_on_needs_the_memory_of_a_tile(rng: np.random.Generator) -> None:
    args = sizes(rng, (25,), (25, 10), (25, 10, 10), (2000, 10))
    before = pool.num_threads()
    clearprop.set_num_threads(1)
    try:
        compiled = clearprop.compile(clearprop.grad(mixture))
        compiled(*args)
    finally:
        clearprop.set_num_threads(before)
    assert "1. i 16 tiles × j 25 × k 125 × l 10" in str(compiled.report())
    assert compiled.report().bytes < 2_000_000  # an array of all differences alone has 4,000,000


def test_code_from_disk_for_more_threads_than_now(
    rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many_cores: None
) -> None:
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(tmp_path))
    args = sizes(rng, (25,), (25, 10), (25, 10, 10), (2000, 10))
    before = pool.num_threads()
    clearprop.set_num_threads(4)
    try:
        wanted = clearprop.compile(clearprop.grad(mixture))(*args)
        again = clearprop.compile(clearprop.grad(mixture))
        np.testing.assert_array_equal(again(*args), wanted)
        clearprop.set_num_threads(1)
        turned = [
            *args[:3],
            np.asfortranarray(args[3]),
        ]  # needs a plan, which is one for one thread
        np.testing.assert_array_equal(again(*turned), wanted)
    finally:
        clearprop.set_num_threads(before)


def test_small_programs_stay_as_they_are(rng: np.random.Generator) -> None:
    f, shapes = CASES["network"]
    compiled = clearprop.compile(clearprop.grad(f, argnums=2))
    compiled(*sizes(rng, *shapes))
    assert "tiles" not in compiled.source("stages")


def test_large_factors_are_not_laid_out_again_for_each_tile(rng: np.random.Generator) -> None:
    def f(x: Any, w: Any) -> Any:
        return (np.tanh(x * 2 - x.max(1, keepdims=True)) @ w).sum()

    compiled = clearprop.compile(f)
    compiled(rng.normal(size=(1024, 512)), rng.normal(size=(512, 512)))
    assert "tiles" not in compiled.source("stages")


def fill(shape: tuple[int, ...], strides: tuple[int, ...], name: str) -> Nest:
    """A nest that writes a constant everywhere."""
    size = int(np.prod(shape))
    dtype = np.dtype(float)
    value = Literal(dtype, frozenset(), 1.0)
    access = Access(Buffer(name, ArraySpec((size,), dtype)), strides)
    return Nest(shape, frozenset(), [Store(value, access)])


def test_a_stage_alone_is_not_tiled() -> None:
    stages: list[Stage] = [fill((1000, 1000), (1000, 1), "alone")]
    assert tiling.tile(stages) == stages
