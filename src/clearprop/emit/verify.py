"""Running generated code against the engine, and against finite differences where the engine is finite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.arrays import is_array
from ..engine.spec import is_floating
from ..errors import GradientMismatch
from ..transforms.derivatives import vjp
from ..transforms.trees import flatten
from .derived import Derived
from .finite_differences import called, differences, tolerance
from .problem import Problem

Run = Callable[[Sequence[Any]], tuple[list[Any], list[Any]]]
_SMALLER = 12
"""How many times arguments are halved at which the function overflows."""
_LARGEST = 1e6
"""No number on the way may be larger then: beside it, rounding would hide what is wrong."""


@dataclass(frozen=True)
class Errors:
    """The largest relative errors seen.

    Of finite differences None where the gradient is not the derivative on purpose, NaN where the values are
    not finite, so that there are no differences. `smaller` says that the function overflows at the
    arguments, so that it was compared at smaller ones.
    """

    engine: float
    differences: float | None
    smaller: bool = False


@dataclass(frozen=True)
class _Expected:
    """What the engine gives: the values, the upstream gradients, and the gradients."""

    values: list[Any]
    seeds: list[Any]
    gradients: list[Any]

    @property
    def is_finite(self) -> bool:
        return all(np.isfinite(x).all() for x in (*self.values, *self.gradients))


def verify(derived: Derived, run: Run) -> Errors:
    """Compare what `run(leaves)` gives, the values and gradients, with what they should be.

    Code may be better than the engine, such as a stable form of ``log(1 + exp(x))``: where the engine
    overflows, it is compared at smaller arguments, and here where the engine is finite.

    Raises GradientMismatch where they differ.
    """
    problem = derived.problem
    leaves = [_array(x) if i in problem.wire_at else x for i, x in enumerate(problem.leaves)]
    expected = _expected(problem, leaves)
    near = None if expected.is_finite else _smaller(derived, leaves)
    worst = _compare(derived, run, leaves, expected, partly=near is not None)
    if near is not None:
        leaves, expected = near
        worst = max(worst, _compare(derived, run, leaves, expected))
    found = differences(derived, run, leaves, expected.seeds)
    return Errors(worst, found, near is not None)


def _smaller(derived: Derived, leaves: list[Any]) -> tuple[list[Any], _Expected] | None:
    """Return arguments nearer to zero at which all is finite, and what the engine gives there."""
    problem = derived.problem
    for halvings in range(1, _SMALLER + 1):
        scale = 0.5**halvings
        near = [
            (x * scale).astype(x.dtype)[()] if is_array(x) and is_floating(x.dtype) else x
            for x in leaves
        ]
        found = _expected(problem, near)
        if found.is_finite and max(derived.largest_terms(near)) < _LARGEST:
            return near, found
    return None


def _compare(
    derived: Derived, run: Run, leaves: list[Any], expected: _Expected, *, partly: bool = False
) -> float:
    problem = derived.problem
    values, gradients = run(leaves)
    results = [("value", v, e) for v, e in zip(values, expected.values, strict=True)]
    for i, g, e in zip(problem.wanted, gradients, expected.gradients, strict=True):
        results.append((f"gradient for {problem.wire_at[i].name}", g, e))
    sizes = (np.abs(g[np.isfinite(g)]) for g in map(np.asarray, expected.gradients))
    largest = max((float(np.max(g, initial=0)) for g in sizes), default=0.0)
    forward, backward = derived.largest_terms(leaves)
    # What cancels among the engine's terms, which simple code may not have, leaves rounding in its gradient.
    backward = max(backward, derived.by_gates.largest_terms(leaves)[1])
    worst = 0.0
    for what, got, right in results:
        got, right = np.asarray(got), np.asarray(right)
        terms, least = (forward, 0.0) if what == "value" else (backward, 1e-4 * largest)
        rounding = problem.rounding(terms)
        nothing_else = all(np.max(np.abs(x), initial=0) < rounding for x in (got, right))
        floor = terms if nothing_else else least
        worst = max(worst, _compared(problem, what, got, right, floor, partly))
    return worst


def _array(x: Any) -> Any:
    return np.array(x)[()]


def _expected(problem: Problem, leaves: list[Any]) -> _Expected:
    with np.errstate(all="ignore"):
        outputs, pullback = vjp(
            lambda *xs: flatten(called(problem, leaves, xs))[0],
            *(leaves[i] for i in problem.wanted),
        )
        seeds = problem.seeds or [np.ones(np.shape(y), y.dtype)[()] for y in outputs]
        return _Expected(outputs, seeds, list(pullback(seeds)))


def _compared(
    problem: Problem, what: str, got: Any, right: Any, floor: float, partly: bool
) -> float:
    if got.shape != right.shape or got.dtype != right.dtype:
        raise GradientMismatch(
            f"the code written for {problem.title} gives a {what} of {got.dtype}{list(got.shape)}, and "
            f"Clearprop one of {right.dtype}{list(right.shape)}. {instead(problem)}"
        )
    finite = np.isfinite(right)
    alike = np.isfinite(got)[finite].all() if partly else np.array_equal(np.isfinite(got), finite)
    both = finite & np.isfinite(got)
    scale = max(float(np.max(np.abs(right[finite]), initial=0)), floor) or 1.0
    least = 16 * float(np.finfo(right.dtype).tiny) if is_floating(right.dtype) else 0
    off = np.maximum(np.abs(got[both] - right[both]) - least, 0)  # some round those to zero
    error = float(np.max(off / scale, initial=0))
    if not alike or error > max(tolerance(right.dtype), problem.tolerance):
        far = (
            f"off by {error:.1e} of the largest entry"
            if alike
            else "not finite at the same entries"
        )
        raise GradientMismatch(
            f"the code written for {problem.title} gives another {what} than Clearprop: {far}. "
            f"If numbers cancel or overflow at these arguments, give others. "
            f"{instead(problem)}"
        )
    return error


def instead(problem: Problem) -> str:
    """Return what to do where no code passes, not even that written gate by gate."""
    call = f"vjp({problem.title}, ...)" if problem.upstream else f"grad({problem.title})"
    return f"So no code is returned; clearprop.{call} gives the gradient without any."
