"""Characteristic values: for which a Mathieu or spheroidal equation has a periodic or finite solution.

An eigenvalue grows by the mean of what the equation grows by, weighed with its solution squared. There is no
formula for how the solution changes, so these have a first derivative only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.primitive import Sample, floats, primitive
from ...engine.spec import promote
from ...ops.specs import like_ufunc
from .common import refused, special

_ANGLES = np.arange(256) * (360 / 256)
_TWICE = 2 * sp.cosdg(2 * _ANGLES)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_WHY = "An eigenvalue: its slope is a mean, weighed with the square of the equation's solution."


def _column(x: Array) -> Array:
    return np.expand_dims(np.asarray(x, float), -1)


def _register(
    ufunc: np.ufunc,
    constants: dict[str, str],
    argument: str,
    slope: Callable[..., Array],
    samples: tuple[Sample, ...],
) -> None:
    """Register a characteristic value and its slope, which is a gate of its own."""
    rules = [refused(ufunc, f"its {what} {name}", name) for name, what in constants.items()]
    record = primitive(
        f"{ufunc.__name__}_slope",
        lambda *inputs: slope(*inputs).astype(promote(*inputs, 1.0))[()],
        spec=like_ufunc(ufunc),
        vjp=(*rules, refused(ufunc, f"{argument} more than once", argument)),
        role="scales",
        why=_WHY,
        traits=["elementwise"],
        samples=samples,
    )

    def vjp(g: Array, out: Array, *inputs: Array) -> Array:
        return g * record(*inputs)

    special(ufunc, *rules, vjp, why=_WHY, samples=samples, in_double=True)


def _mathieu(ufunc: np.ufunc, solution: np.ufunc, first: int) -> None:
    def slope(m: Array, q: Array) -> Array:
        y, _ = solution(_column(m), _column(q), _ANGLES)
        return np.sum(_TWICE * y * y, -1) / np.sum(y * y, -1)

    samples = (
        Sample(2, floats(3, 4, low=-2, high=2)),
        Sample(first, floats(low=0.5, high=2)),
        Sample(np.array([[first], [3]]), floats(3, low=0.5, high=2)),
    )
    _register(ufunc, {"m": "order"}, "q", slope, samples)


_mathieu(sp.mathieu_a, sp.mathieu_cem, 0)
_mathieu(sp.mathieu_b, sp.mathieu_sem, 1)


def _spheroidal(ufunc: np.ufunc, solution: np.ufunc, sign: float) -> None:
    def slope(m: Array, n: Array, c: Array) -> Array:
        y, _ = solution(_column(m), _column(n), _column(c), _NODES)
        density = _WEIGHTS * y * y
        mean = np.sum(_NODES * _NODES * density, -1) / np.sum(density, -1)
        return 2 * sign * np.asarray(c, float) * mean

    samples = (
        Sample(0, 2, floats(3, 4, low=0.5, high=2)),
        Sample(1, 2, floats(low=0.5, high=2)),
        Sample(np.array([[0], [1]]), 2, floats(3, low=0.5, high=2)),
    )
    _register(ufunc, {"m": "order", "n": "degree"}, "c", slope, samples)


_spheroidal(sp.pro_cv, sp.pro_ang1, 1.0)
_spheroidal(sp.obl_cv, sp.obl_ang1, -1.0)
