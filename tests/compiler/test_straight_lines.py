"""Long lines of operations, as unrolled loops give them: what is alike is written once, to equal numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.passes.decompositions.expand import expand
from clearprop.stages.constants import uniform
from clearprop.stages.first_fit import Shelf

pytest.importorskip("llvmlite")


def functions(compiled: Any) -> int:
    """How many functions the code has."""
    return len(re.findall(r"^define internal", compiled.source("llvm"), re.MULTILINE))


def test_steps_that_read_other_entries_share_a_function() -> None:
    def loss(xs: Any, w: Any, h: Any) -> Any:
        for x in xs:
            h = np.tanh(w @ h + x)
        return np.sum(h * h)

    counts = []
    rng = np.random.default_rng(0)
    w, h = rng.normal(size=(8, 8)) * 0.3, rng.normal(size=8)
    for steps in (20, 60):
        xs = rng.normal(size=(steps, 8))
        gradient = clearprop.grad(loss, argnums=(0, 1))
        compiled = clearprop.compile(gradient)
        for found, wanted in zip(compiled(xs, w, h), gradient(xs, w, h), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-13)
        counts.append(functions(compiled))
    assert counts[0] == counts[1]


def test_stages_that_look_alike_but_are_not() -> None:
    """Zeros of either sign, other strides, other dtypes, the same array twice: each has code of its own."""

    def f(x: Any, y: Any) -> Any:
        def sums(a: Any, b: Any, c: float) -> Any:
            return np.cumsum(a * b + c)  # which ends a stage

        z = y.astype(np.float32)
        return (
            [sums(x[i : i + 4], y[4 * i : 4 * i + 4], 0.5) for i in range(3)]
            + [sums(x[::2][:4], y[:4], 0.5), sums(x[3::-1], y[:4], 0.5), sums(x[:4], x[:4], 0.5)]
            + [sums(x[:4], y[:4], -0.5), z[:4] * z[4:8], np.copysign(x[:4], 0.0)]
            + [np.copysign(x[:4], -0.0)]
        )

    x, y = np.linspace(-1, 1, 9), np.linspace(1, 2, 12)
    for found, wanted in zip(clearprop.compile(f)(x, y), f(x, y), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))


def test_many_sines_are_called_and_give_the_same_bits() -> None:
    def chain(x: Any, steps: int) -> Any:
        for _ in range(steps):
            x = np.sin(x) * 1.5 + np.exp(-x)
        return x

    one, whole = clearprop.compile(chain), clearprop.compile(chain)
    x = 0.3
    for _ in range(400):
        x = one(x, 1)
    assert whole(0.3, 400) == x
    assert whole.source("llvm").count("define internal double @sin_float64") == 1
    assert "@sin_float64" not in one.source("llvm")


def test_called_operations_tell_signed_from_unsigned() -> None:
    def f(x: Any, a: Any, b: Any) -> Any:
        for _ in range(150):
            x = np.sin(x)
        large = a
        for _ in range(150):
            large = (large // np.uint64(1)) % (a - np.uint64(1))
        small = b // 3 % 5
        return x, large, small

    arguments = 0.5, np.uint64(2**63 + 12), np.int64(-17)
    for found, wanted in zip(clearprop.compile(f)(*arguments), f(*arguments), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_places_are_the_lowest_that_fit(seed: int) -> None:
    """The tree finds what a look at every life that was placed before would find."""
    rng = np.random.default_rng(seed)
    steps = int(rng.integers(1, 40))
    shelf = Shelf(steps)
    placed: list[tuple[int, int, int, int]] = []
    for _ in range(200):
        first, last = sorted(map(int, rng.integers(0, steps, 2)))
        size = int(rng.choice([64, 128, 192, 1024]))
        place = 0
        taken = sorted((p, p + n) for a, b, p, n in placed if a <= last and first <= b)
        for start, stop in taken:
            if place + size <= start:
                break
            place = max(place, stop)
        assert shelf.put(first, last, size) == place
        placed.append((first, last, place, size))


def test_parts_of_nodes_that_are_nearly_alike() -> None:
    def f(x: Any) -> Any:
        return (
            np.var(x, ddof=0) + 2 * np.var(x, ddof=1) + np.var(x[:3], ddof=0),
            np.mean(x * 2, keepdims=True),
            np.mean(x * 2, keepdims=False),
            np.eye(4) @ x[:4] + (2 * np.eye(4)) @ x[:4],
        )

    x = np.linspace(0.0, 2.0, 5) ** 2
    for found, wanted in zip(clearprop.compile(f)(x), f(x), strict=True):
        assert np.shape(found) == np.shape(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_parts_answer_the_line_of_their_own_node() -> None:
    def f(w: Any, x: Any) -> Any:
        y = w @ x
        return w @ y

    graph = expand(clearprop.trace(f, np.eye(3), np.ones(3)))
    lines = [node.line.text for node in graph.nodes if node.line]
    assert lines == ["y = w @ x"] * 2 + ["return w @ y"] * 2


STEPS: list[Callable[[Any, Any], Any]] = [
    lambda y, x: y + x,
    lambda y, x: -y,
    lambda y, x: y.reshape(2, 2).reshape(4),
    lambda y, x: y.astype(np.float32).astype(np.float64),
    lambda y, x: y.copy(),
    lambda y, x: np.where(y > 0, y, -y),
]


@pytest.mark.parametrize("step", STEPS)
def test_no_pass_goes_as_deep_as_a_program_is_long(step: Callable[[Any, Any], Any]) -> None:
    def f(x: Any) -> Any:
        y = x
        for _ in range(1500):
            y = step(y, x)
        return np.sum(y)

    x = np.linspace(0.25, 1.0, 4)
    for g in (f, clearprop.grad(f)):
        graph = clearprop.trace(g, x)
        graph.verify()
        assert str(graph)
        compiled = clearprop.compile(g)
        np.testing.assert_allclose(compiled(x), g(x), rtol=1e-6)
        assert compiled.source("stages")
        assert str(compiled.report())


def test_what_repeats_in_a_constant_stays_one_in_a_trace() -> None:
    c = np.linspace(0.0, 1.0, 200)

    def loss(x: Any) -> Any:
        return np.sum(-(np.broadcast_to(c, (200, 200)) * (x[:, None] * 2.0 - c)) / 7 + x[:, None])

    x = c**2
    gradient = clearprop.grad(loss)
    graph = clearprop.trace(gradient, x)
    np.testing.assert_allclose(graph.evaluate(x), gradient(x), rtol=1e-12)
    np.testing.assert_allclose(clearprop.compile(gradient)(x), gradient(x), rtol=1e-12)
    np.testing.assert_allclose(clearprop.compile(loss)(x), loss(x), rtol=1e-12)


def test_a_stretched_constant_is_a_view_in_compiled_code() -> None:
    """Also where it enters a loop, which reads its arrays from memory in order."""
    c = np.broadcast_to(np.linspace(0.0, 1.0, 100), (200, 100))

    def f(x: Any) -> Any:
        return np.sin(x)[:, None] * c, np.sum(c * x[:, None], axis=0)

    def looped(x: Any) -> Any:
        return clearprop.scan(lambda h, row: (h + row * x[:100], h[0]), x[:100], c)[0]

    x = np.linspace(-1.0, 1.0, 200)
    compiled = clearprop.compile(f)
    for found, wanted in zip(compiled(x), f(x), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    assert "f64[1,100]" in compiled.source("stages")
    np.testing.assert_allclose(clearprop.compile(looped)(x), looped(x), rtol=1e-12)


def test_one_number_that_repeats_is_known_as_one() -> None:
    (_, node) = clearprop.trace(
        lambda x: np.sin(x) * np.broadcast_to(3.0, (200, 200)), np.ones(200)
    ).nodes
    assert uniform(node.inputs[1]) == 3.0
