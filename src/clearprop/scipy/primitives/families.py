"""Records of distribution functions and of their inverses, from the function's slopes.

An inverse keeps the probability where it is, so what one input moves another must move back: its slopes are
quotients of those of the distribution function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...engine.array_types import AnyArray, Array
from ...engine.primitive import Rule, Sample, floats
from .common import refused, special

Slope = Callable[..., Array]

PROBABILITY = "y"
"""The name of an inverse's probability among its inputs."""


class Family:
    """A distribution function: its slope with respect to each input, None where there is no formula."""

    def __init__(self, **slopes: Slope | None) -> None:
        self.slopes = slopes

    def function(
        self, ufunc: np.ufunc, at: tuple[float, ...], *, why: str, sign: int = 1, steps: str = ""
    ) -> None:
        """Register the function itself, or with `sign` -1 what is left above, tried close to `at`.

        It moves in `steps` with these inputs, so they get no gradient.
        """

        def along(slope: Slope) -> Rule:
            def vjp(g: Array, out: Array, *inputs: Array) -> Array:
                return sign * g * slope(*inputs)

            return vjp

        rules = [
            None if name in steps.split() else _unless_missing(ufunc, name, slope, along)
            for name, slope in self.slopes.items()
        ]
        special(ufunc, *rules, why=why, samples=_samples(self, tuple(self.slopes), at, steps))

    def inverse(
        self, ufunc: np.ufunc, inputs: str, at: tuple[float, ...], *, sign: int = 1, steps: str = ""
    ) -> None:
        """Register what solves for the input that is missing among `inputs`."""
        names = inputs.split()
        (solved,) = set(self.slopes) - set(names)
        by_solved = self.slopes[solved]
        assert by_solved is not None

        def arguments(out: Array, given: tuple[Array, ...]) -> list[Array]:
            known: dict[str, Array] = {**dict(zip(names, given, strict=True)), solved: out}
            return [known[name] for name in self.slopes]

        def probability(g: Array, out: Array, *given: Array) -> Array:
            return sign * g / by_solved(*arguments(out, given))

        def along(slope: Slope) -> Rule:
            def vjp(g: Array, out: Array, *given: Array) -> Array:
                all_of_them = arguments(out, given)
                return -g * (slope(*all_of_them) / by_solved(*all_of_them))

            return vjp

        def rule(name: str) -> Rule | None:
            if name == PROBABILITY:
                return probability
            if name in steps.split():
                return None
            return _unless_missing(ufunc, name, self.slopes[name], along)

        special(
            ufunc,
            *map(rule, names),
            why=f"Moves as far as keeps the probability: by one over the slope with respect to {solved}.",
            samples=_samples(self, tuple(names), at, steps),
        )


def _unless_missing(
    ufunc: np.ufunc, name: str, slope: Slope | None, along: Callable[[Slope], Rule]
) -> Rule:
    return refused(ufunc, f"its parameter {name}", name) if slope is None else along(slope)


def _samples(
    family: Family, names: tuple[str, ...], at: tuple[float, ...], steps: str
) -> tuple[Sample, ...]:
    """Close to `at`; what has no gradient is exactly there."""

    def close(first: tuple[int, ...], others: tuple[int, ...]) -> Iterator[AnyArray]:
        for i, (name, value) in enumerate(zip(names, at, strict=True)):
            if name in steps.split():
                yield np.int64(value)
            elif name != PROBABILITY and family.slopes[name] is None:
                yield value
            else:
                yield floats(*(others if i else first), low=value - 0.05, high=value + 0.05)

    return Sample(*close((3, 4), (4,))), Sample(*close((), ()))
