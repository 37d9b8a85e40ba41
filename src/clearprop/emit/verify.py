"""Running generated code against the engine and against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ..arrays import is_array
from ..errors import GradientMismatch
from ..spec import is_floating
from ..transforms import vjp
from ..trees import flatten
from .problem import Problem

_STEP = 2.0**-10
_DIRECTIONS = 3
_ONE_TRIANGLE = {"cholesky", "eigh", "eigvalsh", "mirror"}
"""What reads one triangle of a matrix, while the gradient is that of a Hermitian one: steps are, too."""


@dataclass(frozen=True)
class Errors:
    """The largest relative errors seen.

    Of finite differences None where the gradient is not the derivative on purpose, NaN where the values are
    not finite, so that there are no differences.
    """

    engine: float
    differences: float | None


def verify(problem: Problem, run: Callable[[Sequence[Any]], tuple[list[Any], list[Any]]]) -> Errors:
    """Compare what `run(leaves)` gives, the values and gradients, with what they should be.

    Raises GradientMismatch where they differ.
    """
    leaves = [_array(x) if i in problem.wire_at else x for i, x in enumerate(problem.leaves)]
    values, gradients = run(leaves)
    expected, seeds, wanted = _expected(problem, leaves)
    worst = 0.0
    results = [("value", v, e) for v, e in zip(values, expected, strict=True)]
    for i, g, e in zip(problem.wanted, gradients, wanted, strict=True):
        results.append((f"gradient for {problem.wire_at[i].name}", g, e))
    largest = max((float(np.max(np.abs(g), initial=0)) for g in wanted), default=0.0)
    forward, backward = problem.largest_terms(leaves)
    for what, got, right in results:
        got, right = np.asarray(got), np.asarray(right)
        terms, least = (forward, 0.0) if what == "value" else (backward, 1e-4 * largest)
        rounding = _rounding(terms, right.dtype)
        nothing_else = all(np.max(np.abs(x), initial=0) < rounding for x in (got, right))
        floor = terms if nothing_else else least
        worst = max(worst, _compared(problem, what, got, right, floor))
    return Errors(worst, _differences(problem, run, leaves, seeds, backward))


def _rounding(terms: float, dtype: Any) -> float:
    """What may be left where terms of this size cancel."""
    return 1e3 * float(np.finfo(dtype).eps) * terms if is_floating(dtype) else 0.0


def _array(x: Any) -> Any:
    return np.array(x)[()]


def _expected(problem: Problem, leaves: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    outputs, pullback = vjp(
        lambda *xs: flatten(_call(problem, leaves, xs))[0], *(leaves[i] for i in problem.wanted)
    )
    seeds = problem.seeds or [np.ones(np.shape(y), y.dtype)[()] for y in outputs]
    return outputs, seeds, list(pullback(seeds))


def _call(problem: Problem, leaves: Sequence[Any], chosen: Sequence[Any]) -> Any:
    filled = list(leaves)
    for i, x in zip(problem.wanted, chosen, strict=True):
        filled[i] = x
    args, kwargs = problem.unflatten(filled)
    return problem.f(*args, **kwargs)


def _compared(problem: Problem, what: str, got: Any, right: Any, floor: float) -> float:
    if got.shape != right.shape or got.dtype != right.dtype:
        raise GradientMismatch(
            f"the code written for {problem.title} gives a {what} of {got.dtype}{list(got.shape)}, and "
            f"Clearprop one of {right.dtype}{list(right.shape)}; please report this"
        )
    if not got.size:
        return 0.0
    scale = max(float(np.max(np.abs(right), initial=0)), floor) or 1.0
    error = float(np.max(np.abs(got - right) / scale))
    if not np.array_equal(np.isfinite(got), np.isfinite(right)) or error > _tolerance(right.dtype):
        raise GradientMismatch(
            f"the code written for {problem.title} gives another {what} than Clearprop: off by {error:.1e} "
            f"of the largest entry; please report this"
        )
    return error


def _tolerance(dtype: Any) -> float:
    return float(np.finfo(dtype).eps) ** 0.6 if is_floating(dtype) else 0.0


def _differences(
    problem: Problem, run: Any, leaves: list[Any], seeds: list[Any], terms: float
) -> float | None:
    """The largest error of directional derivatives; at a kink, of those nearby."""
    own = {"stop_gradient", "as_integer"}
    stops = any(
        node.primitive.name in own or node.primitive.function is not None
        for node in problem.forward.nodes
    )
    if stops:
        return None
    rng = np.random.default_rng(0)
    dtypes = {w.spec.dtype for w in problem.forward.wires() if is_floating(w.spec.dtype)}
    tolerance = max(map(_tolerance, dtypes)) * 1e2
    errors = []
    read = {node.primitive.name for node in problem.forward.nodes}
    hermitian = (False, True) if read & _ONE_TRIANGLE else (False,)
    for nudge, mirrored in product((0.0, 1e-3, 1e-2), hermitian):
        at = list(leaves)
        for i in problem.wanted:
            x = np.asarray(at[i])
            at[i] = (x + nudge * rng.standard_normal(x.shape) * (np.abs(x) + 0.1)).astype(x.dtype)[
                ()
            ]
        _, gradients = run(at)
        found = [
            _directional(problem, at, seeds, gradients, rng, mirrored, terms)
            for _ in range(_DIRECTIONS)
        ]
        worst = max(beyond for _, beyond in found)
        if worst <= tolerance or np.isnan(worst):
            return max(error for error, _ in found)
        errors.append(worst)
    raise GradientMismatch(
        f"the gradient of {problem.title} differs from finite differences by {min(errors):.1e} of their "
        f"size, here and nearby. If the function is rough at these arguments, give others."
    )


def _directional(
    problem: Problem,
    at: list[Any],
    seeds: list[Any],
    gradients: list[Any],
    rng: Any,
    mirrored: bool,
    terms: float,
) -> tuple[float, float]:
    """The relative error of one derivative, and what is left of it beyond what differences can tell."""
    directions, wide = [], [x.astype(_wide(x.dtype)) if _floats(x) else x for x in at]
    for i in problem.wanted:
        x = np.asarray(wide[i])
        step = rng.uniform(-1, 1, x.shape) * np.maximum(np.abs(x), 0.1)
        if mirrored and x.ndim > 1 and x.shape[-1] == x.shape[-2]:
            step = (step + step.mT) / 2
        directions.append(step.astype(x.dtype))

    def value(by: float) -> float:
        moved = [wide[i] + by * d for i, d in zip(problem.wanted, directions, strict=True)]
        outputs = flatten(_call(problem, wide, moved))[0]
        return sum(_inner(s, y) for s, y in zip(seeds, outputs, strict=True))

    with np.errstate(all="ignore"):
        near = value(_STEP) - value(-_STEP)
        expected = (8 * near - (value(2 * _STEP) - value(-2 * _STEP))) / (12 * _STEP)
    if not np.isfinite(expected):
        return np.nan, np.nan
    got = sum(_inner(g, d) for g, d in zip(gradients, directions, strict=True))
    size = sum(
        float(np.sum(np.abs(g) * np.abs(d))) for g, d in zip(gradients, directions, strict=True)
    )
    noise = 1e-10 * abs(value(0.0)) + 1e-2 * abs(expected - near / (2 * _STEP))
    noise += sum(_rounding(terms, d.dtype) * float(np.sum(np.abs(d))) for d in directions)
    scale = max(abs(expected), abs(got), 1e-2 * size, 1e-300)
    error = abs(got - expected)
    return error / scale, max(error - noise, 0.0) / scale


def _floats(x: Any) -> bool:
    return is_array(x) and is_floating(x.dtype)


def _wide(dtype: Any) -> Any:
    return np.result_type(dtype, np.float64)


def _inner(a: Any, b: Any) -> float:
    return float(np.sum(np.real(np.conj(a) * b), dtype=float))
