"""Long straight-line programs: nothing recurses into them, and work grows as they do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.passes import matching
from clearprop.passes.person import collect_terms
from clearprop.passes.person.backward_rewriting import BackwardRewriter
from clearprop.passes.person.rationals import Ratio


def sum_of_products(n: int) -> Callable[..., Any]:
    return lambda x: sum(float(i + 1) * x[0] * x[1] ** 2 for i in range(n))


def powers(n: int) -> Callable[..., Any]:
    return lambda x: sum(x[0] ** i * x[1] for i in range(n))


def entries(n: int) -> Callable[..., Any]:
    return lambda x: np.stack([x[i % 2] * x[1] for i in range(n)]).sum()


def sines(n: int) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        for _ in range(n):
            x = np.sin(x)
        return x.sum()

    return f


def product(n: int) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        p = 1.0
        for i in range(n):
            p = p * x[i % 2]
        return p

    return f


def shrinking(n: int) -> Callable[..., Any]:
    """The gradient of a stretched number is a sum out of which each factor is taken."""

    def f(x: Any) -> Any:
        y = x[:1] + np.zeros(4)
        for _ in range(n):
            y = y * 1.001
        return y.sum()

    return f


def nameless_roots(n: int) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        steps = [x]
        while len(steps) <= n:
            steps.append(np.sqrt(steps[-1]))
        return steps[-1].sum()

    return f


PROGRAMS = (sum_of_products, powers, entries, sines, product, shrinking, nameless_roots)
AT = np.array([0.9, 0.7])


@contextmanager
def frames(n: int) -> Iterator[None]:
    """Room for `n` calls within each other, which no program's length may use up."""
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1  # type: ignore[assignment]
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + n)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def name(program: Any) -> str:
    return str(program.__name__)


@pytest.mark.parametrize("program", PROGRAMS, ids=name)
def test_source_does_not_recurse_into_programs(program: Any) -> None:
    clearprop.source(program(3), AT)  # what is loaded late is loaded now
    with frames(210):
        made = clearprop.source(program(200), AT)
    assert made.errors.engine < 1e-12


@pytest.mark.parametrize("program", [powers, product], ids=name)
def test_equations_do_not_recurse_into_programs(program: Any) -> None:
    clearprop.source(program(3), AT, to="latex")
    with frames(210):
        made = clearprop.source(program(200), AT, to="latex")
    assert made.errors.engine < 1e-12


@pytest.mark.parametrize("program", PROGRAMS, ids=name)
def test_explanations_do_not_recurse_into_programs(program: Any) -> None:
    str(clearprop.explain(program(3), AT))
    with frames(210):
        text = str(clearprop.explain(program(200), AT))
    assert len(text.splitlines()) > 200


@pytest.mark.parametrize("program", [product], ids=name)
def test_compiled_code_does_not_recurse_into_programs(program: Any) -> None:
    """A nest is of limited size, 150 operations, and expressions are as deep as that: three calls each."""
    clearprop.compile(clearprop.grad(program(3)))(AT)
    f = program(500)
    with frames(520):
        found = clearprop.compile(clearprop.grad(f))(AT)
    np.testing.assert_allclose(found, clearprop.grad(f)(AT), rtol=1e-12)


@pytest.mark.parametrize("program", PROGRAMS, ids=name)
def test_work_grows_with_the_program(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes that rules look at, and values that sums are read from, not seconds."""
    visits = 0

    def counted(function: Any) -> Any:
        def count(*args: Any) -> Any:
            nonlocal visits
            visits += 1
            return function(*args)

        return count

    monkeypatch.setattr(BackwardRewriter, "find", counted(BackwardRewriter.find))
    monkeypatch.setattr(matching.Context, "only", counted(matching.Context.only))
    monkeypatch.setattr(collect_terms._Reader, "read", counted(collect_terms._Reader.read))
    monkeypatch.setattr(collect_terms, "_merged", counted(collect_terms._merged))
    took = []
    for n in (60, 120):
        visits = 0
        clearprop.source(program(n), AT)
        took.append(visits)
    assert took[1] < 2.3 * took[0]


def test_like_terms_of_a_long_sum_are_added_up() -> None:
    f = sum_of_products(100)
    text = clearprop.source(f, AT).text
    assert "dx = np.array([5050 * x1_squared, " in text  # 1 + 2 + ... + 100
    value, gradient = clearprop.source(f, AT).function(AT)
    np.testing.assert_allclose(value, 5050 * 0.9 * 0.7**2)
    np.testing.assert_allclose(gradient, [5050 * 0.7**2, 5050 * 2 * 0.9 * 0.7])


def test_gradients_of_one_entry_are_added_up_in_its_place() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(7):
            total = total + x[i % 3] * float(i + 1)
        return total

    text = clearprop.source(f, np.array([0.5, 0.3, 0.7])).text
    assert "dx = np.array([12.0, 7.0, 9.0])" in text


def test_products_of_many_decimals_have_as_many_digits_as_a_float() -> None:
    ratio, number = Ratio(1), Ratio.of(1.001)
    assert number is not None
    for _ in range(2000):
        ratio = ratio.times(number)
    assert ratio.value == pytest.approx(1.001**2000, rel=1e-12)
    assert len(str(ratio.above)) < 40


def test_products_of_decimals_are_written_as_digits() -> None:
    text = clearprop.source(shrinking(50), AT).text
    gradient = clearprop.source(shrinking(50), AT).function(AT)[1]
    assert " / " not in text.split("# backward of")[-1]
    np.testing.assert_allclose(gradient, [4 * 1.001**50, 0], rtol=1e-12)
