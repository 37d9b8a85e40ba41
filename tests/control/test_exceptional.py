"""Loops in which numbers are no numbers, or that end in an error."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop

pytest.importorskip("llvmlite")

XS = np.array([0.5, 2.0, -1.0, 3.0])


def roots(w: Any) -> Any:
    """The third root is NaN."""
    last, ys = clearprop.scan(lambda c, x: (0.5 * c + w, np.sqrt(x * w)), w, XS)
    return np.sum(np.where(ys > 0, ys, 0.0)), ys, last


def carried(w: Any) -> Any:
    """What is carried is NaN from the third step on, and what is collected with it."""
    last, ys = clearprop.scan(lambda c, x: (c + np.log(x * w), c), w, XS)
    return np.sum(ys[:3]), ys, last


def largest(w: Any) -> Any:
    last = clearprop.fori_loop(0, 4, lambda i, c: np.maximum(np.sqrt(w - i), c), w)
    return last, last * w, last


def chosen(w: Any) -> Any:
    """A comparison with NaN is false, and a branch that does not run spoils nothing."""

    def step(c: Any, x: Any) -> Any:
        known = np.sqrt(x * w) >= 0
        return clearprop.cond(known, lambda c: c + np.sqrt(x * w), lambda c: c * w, c), c

    last, ys = clearprop.scan(step, w, XS)
    return last, np.sqrt(ys - 2), last * w


def stopped(w: Any) -> Any:
    """A comparison with NaN ends the loop."""
    last = clearprop.while_loop(lambda c: c < 9, lambda c: np.log(c - 1.0) + w, 4.5 * w)
    return last, last * w, last


@pytest.mark.parametrize("f", [roots, carried, largest, chosen, stopped])
def test_nan_within_a_loop(f: Callable[..., Any]) -> None:
    w = np.float64(1.25)

    def both(w: Any) -> Any:
        return *f(w), clearprop.grad(lambda w: f(w)[0])(w)

    with np.errstate(all="ignore"):
        wanted = both(w)
        assert any(np.isnan(x).any() for x in wanted)
        for run in (clearprop.trace(both, w).evaluate, clearprop.compile(both)):
            for x, y in zip(run(w), wanted, strict=True):
                np.testing.assert_allclose(x, y, rtol=1e-12)


@pytest.mark.skipif(
    sys.platform != "linux", reason="asks for the memory of a process as Linux says it"
)
@pytest.mark.parametrize(
    "way",
    ["while_loop(lambda c: c[0] < 1e9, step, (0, x), limit=50)", "scan(pick, x, places)"],
    ids=["limit", "index"],
)
def test_memory_is_freed_after_an_error(way: str) -> None:
    """Each call keeps 40 MB for the way back; in an error it gives them back."""
    script = f"""
        import resource
        import numpy as np
        from clearprop import compile, grad, scan, while_loop

        def step(c):
            return c[0] + 1, np.sin(c[1]) * 1.01
        def f(x, places):
            def pick(c, i):
                return np.sin(c) * 1.01 + x[i + 1], c
            return sum(np.sum(y) for y in {way})

        compiled = compile(grad(f))
        def fail():
            x = np.linspace(0, 1, 100_000)
            try:
                compiled(x, np.append(np.arange(49), 10**6))
            except Exception as error:
                return type(error).__name__
        first = fail(), fail()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert {{fail() for _ in range(10)}} == set(first)
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        print(*first, more)
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found[0] == found[1] == ("StepLimitError" if "limit" in way else "OutOfBoundsError")
    assert int(found[2]) < 60, f"ten calls that failed kept {found[2]} MB"
