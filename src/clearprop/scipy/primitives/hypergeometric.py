"""Hypergeometric functions and Wright's: the slope raises each parameter by one.

With respect to the parameters there is no formula in functions that SciPy has.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.primitive import Draw, Sample, floats
from .common import refused, special

_WHY = "A series of powers: its slope is the same series with each parameter raised by one."


def _raised(
    ufunc: np.ufunc,
    names: str,
    slope: Callable[..., Array],
    samples: tuple[Sample, ...],
    why: str = _WHY,
) -> None:
    """Register one of parameters that are constants, and an argument, the last."""

    def vjp(g: Array, out: Array, *inputs: Array) -> Array:
        return g * slope(*inputs)

    constants = [refused(ufunc, f"its parameter {name}", name) for name in names.split()]
    special(ufunc, *constants, vjp, why=why, samples=samples)


def _samples(
    *parameters: float, low: float, high: float, also_complex: bool = True
) -> tuple[Sample, ...]:
    samples = (
        Sample(*parameters, floats(3, 4, low=low, high=high)),
        Sample(*parameters, floats(low=low, high=high)),
        Sample(np.array([[1], [2]]), *parameters[1:], floats(3, low=low, high=high)),
    )
    if not also_complex:
        return samples
    return (
        *samples,
        Sample(*parameters, Draw((2, 3), max(low, -0.5), min(high, 0.5), "complex128")),
    )


_raised(
    sp.hyp0f1,
    "v",
    lambda v, z: sp.hyp0f1(v + 1, z) / v,
    _samples(1.5, low=-2, high=2),
)
_raised(
    sp.hyp1f1,
    "a b",
    lambda a, b, x: a / b * sp.hyp1f1(a + 1, b + 1, x),
    _samples(0.7, 1.5, low=-2, high=2),
)
_raised(
    sp.hyp2f1,
    "a b c",
    lambda a, b, c, z: a * b / c * sp.hyp2f1(a + 1, b + 1, c + 1, z),
    _samples(0.7, 1.2, 2.5, low=-2, high=0.8),
)
_raised(
    sp.hyperu,
    "a b",
    lambda a, b, x: -a * sp.hyperu(a + 1, b + 1, x),
    _samples(0.7, 1.2, low=0.5, high=3, also_complex=False),
    "It falls like a power; the slope is minus a times the next of its kind.",
)
_raised(
    sp.wright_bessel,
    "a b",
    lambda a, b, x: sp.wright_bessel(a, a + b, x),
    _samples(0.7, 1.2, low=0.5, high=3, also_complex=False),
    "A series over gamma functions: its slope is the same series further along.",
)
_raised(
    sp.log_wright_bessel,
    "a b",
    lambda a, b, x: np.exp(sp.log_wright_bessel(a, a + b, x) - sp.log_wright_bessel(a, b, x)),
    _samples(0.7, 1.2, low=0.5, high=3, also_complex=False),
    "A logarithm: its slope is the ratio of the function's slope to the function.",
)


# ---- an integral of Bessel functions


def besselpoly_vjp(g: Array, out: Array, a: Array, power: Array, order: Array) -> Array:
    below, above = sp.besselpoly(a, power + 1, order - 1), sp.besselpoly(a, power + 1, order + 1)
    return g * (below - above)


special(
    sp.besselpoly,
    besselpoly_vjp,
    refused(sp.besselpoly, "the power lmb", "lmb"),
    refused(sp.besselpoly, "its order nu", "nu"),
    why="An integral of Bessel functions: its slope is made of their neighbours in order.",
    samples=(
        Sample(floats(3, 4, low=0.5, high=2), 1.5, 2),
        Sample(floats(low=0.5, high=2), 0.5, 1.5),
    ),
)
