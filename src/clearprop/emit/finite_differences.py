"""Finite differences of a function in random directions, beside the gradient that generated code gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from ..engine.arrays import is_array
from ..engine.primitive import Trait
from ..engine.spec import is_floating
from ..errors import GradientMismatch
from ..transforms.trees import flatten
from .derived import Derived
from .problem import Problem, tolerance

__all__ = ["called", "differences", "tolerance"]
_STEPS = (2.0**-10, 2.0**-16, 2.0**-21)
"""Long steps tell most about smooth functions; short ones fit between jumps and the swaps of a sort."""
_NUDGES = (0.0, 1e-3, 1e-2, 0.1, 0.5)
"""How far from the arguments to go, where these stand at a kink."""
_DIRECTIONS = 3


def differences(
    derived: Derived, run: Callable[..., Any], leaves: list[Any], seeds: list[Any]
) -> float | None:
    """Return the largest error of directional derivatives; at a kink, of those nearby.

    None where the gradient is not the derivative on purpose, NaN where values are not finite.
    """
    problem = derived.problem
    applied = {node.primitive for node in problem.forward.nodes}
    traits = frozenset[Trait]().union(*(p.traits for p in applied))
    if "detaches" in traits or any(p.function is not None for p in applied):
        return None
    rng = np.random.default_rng(0)
    errors = []
    steps = (False, True) if "hermitian" in traits else (False,)
    for nudge, mirrored in product(_NUDGES, steps):
        at = list(leaves)
        for i in problem.wanted:
            x = np.asarray(at[i])
            moved = x + nudge * rng.standard_normal(x.shape) * (np.abs(x) + 0.1)
            at[i] = moved.astype(x.dtype)[()]
        _, gradients = run(at)
        probe = _Probe(derived, at, seeds, gradients)
        for step in _STEPS:
            found = [probe.compare(rng, step, mirrored) for _ in range(_DIRECTIONS)]
            worst = max(beyond for _, beyond in found)
            if worst <= 1e2 * problem.tolerance or np.isnan(worst):
                return max(error for error, _ in found)
            errors.append(worst)
    raise GradientMismatch(
        f"the gradient of {problem.title} differs from finite differences by {min(errors):.1e} of their "
        f"size, here and nearby. If the function is rough at these arguments, give others."
    )


class _Probe:
    """A function, and its gradient, at certain arguments."""

    def __init__(
        self, derived: Derived, at: list[Any], seeds: list[Any], gradients: list[Any]
    ) -> None:
        self.problem, self.seeds, self.gradients = derived.problem, seeds, gradients
        self.wide = [x.astype(np.result_type(x.dtype, float)) if _floats(x) else x for x in at]
        self.at = [np.asarray(self.wide[i]) for i in self.problem.wanted]
        self.forward, self.backward = derived.largest_terms(at)

    def value(self, directions: list[Any], by: float) -> float:
        moved = [x + by * d for x, d in zip(self.at, directions, strict=True)]
        with np.errstate(all="ignore"):
            outputs = flatten(called(self.problem, self.wide, moved))[0]
            return sum(_inner(s, y) for s, y in zip(self.seeds, outputs, strict=True))

    def compare(self, rng: Any, step: float, mirrored: bool) -> tuple[float, float]:
        """Return the relative error of one derivative, and what is left of it beyond what differences
        can tell.
        """
        directions = [_direction(x, rng, mirrored) for x in self.at]
        near = self.value(directions, step) - self.value(directions, -step)
        far = self.value(directions, 2 * step) - self.value(directions, -2 * step)
        expected = (8 * near - far) / (12 * step)
        if not np.isfinite(expected):
            return np.nan, np.nan
        pairs = list(zip(self.gradients, directions, strict=True))
        got = sum(_inner(g, d) for g, d in pairs)
        size = sum(float(np.sum(np.abs(g) * np.abs(d))) for g, d in pairs)
        value = max(abs(self.value(directions, 0.0)), self.forward)
        scale = max(abs(expected), abs(got), 1e-2 * size, 1e-300)
        rounding = 32 * np.finfo(float).eps * value / step
        noise = max(1e-10 * value, rounding if rounding < 1e-3 * scale else 0.0)
        noise += 1e-2 * abs(expected - near / (2 * step))
        noise += sum(
            self.problem.rounding(self.backward) * float(np.sum(np.abs(d))) for d in directions
        )
        error = abs(got - expected)
        return error / scale, max(error - noise, 0.0) / scale


def _direction(x: Any, rng: Any, mirrored: bool) -> Any:
    step = rng.uniform(-1, 1, x.shape) * np.maximum(np.abs(x), 0.1)
    if mirrored and x.ndim > 1 and x.shape[-1] == x.shape[-2]:
        step = (step + step.mT) / 2
    return step.astype(x.dtype)


def called(problem: Problem, leaves: Sequence[Any], chosen: Sequence[Any]) -> Any:
    """Return the function at these leaves, with others in place of those that gradients are wanted for."""
    filled = list(leaves)
    for i, x in zip(problem.wanted, chosen, strict=True):
        filled[i] = x
    args, kwargs = problem.unflatten(filled)
    return problem.f(*args, **kwargs)


def _floats(x: Any) -> bool:
    return is_array(x) and is_floating(x.dtype)


def _inner(a: Any, b: Any) -> float:
    return float(np.sum(np.real(np.conj(a) * b), dtype=float))
