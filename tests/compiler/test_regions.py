"""Sums of arrays that are zero but for a box are added up region by region, to the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.passes.algebra import simplify
from clearprop.passes.decompositions.expand import expand
from clearprop.stages.regions import padded_sums

pytest.importorskip("llvmlite")


def heat(u: Any) -> Any:
    inner = u[1:-1] + 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(np.concatenate([u[:1], inner, u[-1:]]) ** 2)


def in_two_dimensions(u: Any) -> Any:
    around = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
    return np.sum((around - 4 * u[1:-1, 1:-1]) ** 2) + np.sum(u[0]) - np.sum(u[:, -1] ** 3)


def within_another(u: Any) -> Any:
    rows = u[1:]
    return np.sum((rows[1:] - rows[:-1]) ** 2) - np.sum(np.sin(u[:-1])) + np.sum(u[0] * u[2])


def of_differences(u: Any) -> Any:
    return np.sum(np.diff(u, n=3, axis=0) ** 2)


@pytest.mark.parametrize("f", [heat, in_two_dimensions, within_another, of_differences])
@pytest.mark.parametrize("shape", [(5, 4), (9, 7)])
def test_compiled(f: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    u = np.random.default_rng(2).normal(size=shape[: 1 if f is heat else 2])
    gradient = clearprop.grad(f)
    np.testing.assert_allclose(clearprop.compile(gradient)(u), gradient(u), rtol=1e-12, atol=1e-12)
    graph = simplify(expand(clearprop.trace(gradient, u)))
    assert padded_sums(graph)


def test_zeros_keep_their_signs() -> None:
    def padded(a: Any, b: Any) -> Any:
        return 1 / (np.pad(a, (1, 0)) + np.pad(b, (0, 1))), 1 / (
            np.pad(a, (1, 0)) - np.pad(b, (0, 1))
        )

    def slopes(x: Any) -> Any:
        return 1 / clearprop.grad(lambda x: np.sum((x[1:] - x[:-1]) * np.maximum(x[1:], 0.0)))(x)

    a = np.array([-0.0, 1.0])
    with np.errstate(divide="ignore"):
        for f, args in ((padded, (a, a)), (slopes, (np.array([-1.0, -2.0, 3.0]),))):
            np.testing.assert_array_equal(clearprop.compile(f)(*args), f(*args))


def test_regions_of_a_stencil() -> None:
    graph = simplify(expand(clearprop.trace(clearprop.grad(heat), np.ones(1000))))
    (found,) = padded_sums(graph)
    assert found.regions == [((0, 1),), ((1, 2),), ((2, 998),), ((998, 999),), ((999, 1000),)]


def test_boxes_that_lie_in_many_regions_are_added_as_they_are() -> None:
    def f(u: Any) -> Any:
        return sum(np.sum(u[i:] ** 2) for i in range(100))

    gradient, u = clearprop.grad(f), np.linspace(-1, 1, 120)
    assert padded_sums(simplify(expand(clearprop.trace(gradient, u)))) == []
    np.testing.assert_allclose(clearprop.compile(gradient)(u), gradient(u), rtol=1e-12)


def test_rows_that_are_read_one_by_one() -> None:
    """Each row's gradient is written where it belongs: no step goes through all rows."""

    def f(xs: Any) -> Any:
        h = 0.0
        for x in xs:
            h = np.sin(h + x)
        return np.sum(h)

    gradient, xs = clearprop.grad(f), np.linspace(-1, 1, 300).reshape(100, 3)
    (found,) = padded_sums(simplify(expand(clearprop.trace(gradient, xs))))
    assert len(found.regions) == 100
    compiled = clearprop.compile(gradient)
    np.testing.assert_allclose(compiled(xs), gradient(xs), rtol=1e-12)
    adds = [line for line in compiled.source("stages").split("\n") if "= add" in line]
    assert len(adds) < 300


@pytest.mark.parametrize("seed", range(30))
def test_any_order_of_sums_and_differences(seed: int) -> None:
    """To the very bits: of one term in a place, of several, and of none, zeros of either sign among them."""
    rng = np.random.default_rng(seed)

    def term(x: Any) -> Any:
        start = int(rng.integers(0, 8))
        stop = int(rng.integers(start + 1, 10))
        return x if rng.random() < 0.1 else np.pad(x[start:stop], (start, 10 - stop))

    def f(x: Any) -> Any:
        terms = [term(x) for _ in range(int(rng.integers(4, 12)))]
        while len(terms) > 1:
            first, second = (terms.pop(int(rng.integers(len(terms)))) for _ in range(2))
            terms.append(first + second if rng.random() < 0.5 else first - second)
        return terms[0]

    x = rng.choice([-0.0, 0.0, 0.1, 0.7, -0.3], 10)
    graph = clearprop.trace(f, x)
    found = clearprop.compile(graph.evaluate)(x)
    wanted = graph.evaluate(x)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))
