"""Functions with two results, a value and its slope, that solve a differential equation.

The slope of the slope is what the equation says it is, so there are derivatives of every order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.bundle import Bundle
from ...engine.primitive import Sample, floats
from .common import refused, special, weighed

_DEGREE = math.pi / 180
_WHY = "A value and its slope; the slope's own slope is what the differential equation says."


def _solution(
    ufunc: np.ufunc,
    constants: str,
    second: Callable[..., Array],
    *parameters: float,
    low: float,
    high: float,
    unit: float = 1.0,
    in_double: bool = False,
) -> None:
    """Register y, y' of an x that comes last, where y'' is ``second(*parameters, x, y, y')``.

    `unit` is how much x counts where y' is a slope in other units.
    """

    def vjp(g: Bundle, out: Bundle, *inputs: Array) -> Array:
        y, slope = out
        return weighed(g, lambda: slope * unit, lambda: second(*inputs, y, slope) * unit)

    rules = [refused(ufunc, f"its parameter {name}", name) for name in constants.split()]
    samples = (
        Sample(*parameters, floats(3, 4, low=low, high=high)),
        Sample(*parameters, floats(low=low, high=high)),
    )
    special(ufunc, *rules, vjp, why=_WHY, samples=samples, in_double=in_double)


# ---- parabolic cylinder functions


def _weber(v: Array, x: Array, y: Array, slope: Array) -> Array:
    return (0.25 * x * x - v - 0.5) * y


_solution(sp.pbdv, "v", _weber, 1.5, low=-2, high=2)
_solution(sp.pbvv, "v", _weber, 1.5, low=0.5, high=2)
_solution(sp.pbwa, "a", lambda a, x, y, slope: (a - 0.25 * x * x) * y, 0.5, low=-1.5, high=1.5)


# ---- Mathieu functions: the angular ones take degrees, and give slopes per radian


def _angular(characteristic: np.ufunc) -> Callable[..., Array]:
    def second(m: Array, q: Array, x: Array, y: Array, slope: Array) -> Array:
        return (2 * q * sp.cosdg(2 * x) - characteristic(m, q)) * y

    return second


def _modified(characteristic: np.ufunc) -> Callable[..., Array]:
    def second(m: Array, q: Array, x: Array, y: Array, slope: Array) -> Array:
        up = np.exp(2 * x)
        return (characteristic(m, q) - q * (up + 1 / up)) * y

    return second


_ANGULAR: dict[str, Any] = {"low": -120, "high": 120, "unit": _DEGREE}
_RADIAL: dict[str, Any] = {"low": 0.3, "high": 1.2}
_solution(sp.mathieu_cem, "m q", _angular(sp.mathieu_a), 2, 1.5, **_ANGULAR)
_solution(sp.mathieu_sem, "m q", _angular(sp.mathieu_b), 2, 1.5, **_ANGULAR)
_solution(sp.mathieu_modcem1, "m q", _modified(sp.mathieu_a), 2, 1.5, **_RADIAL)
_solution(sp.mathieu_modcem2, "m q", _modified(sp.mathieu_a), 2, 1.5, **_RADIAL)
_solution(sp.mathieu_modsem1, "m q", _modified(sp.mathieu_b), 2, 1.5, **_RADIAL)
_solution(sp.mathieu_modsem2, "m q", _modified(sp.mathieu_b), 2, 1.5, **_RADIAL)


# ---- spheroidal wave functions, with the characteristic value computed or given


def _prolate(m: Array, n: Array, c: Array, value: Array, x: Array, y: Array, slope: Array) -> Array:
    rest = 1 - x * x
    return (2 * x * slope - (value - c * c * x * x - m * m / rest) * y) / rest


def _oblate_angular(
    m: Array, n: Array, c: Array, value: Array, x: Array, y: Array, slope: Array
) -> Array:
    rest = 1 - x * x
    return (2 * x * slope - (value + c * c * x * x - m * m / rest) * y) / rest


def _oblate_radial(
    m: Array, n: Array, c: Array, value: Array, x: Array, y: Array, slope: Array
) -> Array:
    rest = 1 + x * x
    return ((value - c * c * x * x - m * m / rest) * y - 2 * x * slope) / rest


def _spheroidal(
    ufunc: np.ufunc,
    given: np.ufunc,
    value: np.ufunc,
    equation: Callable[..., Array],
    low: float,
    high: float,
) -> None:
    def second(m: Array, n: Array, c: Array, x: Array, y: Array, slope: Array) -> Array:
        return equation(m, n, c, value(m, n, c), x, y, slope)

    _solution(ufunc, "m n c", second, 0, 2, 1.5, low=low, high=high, in_double=True)
    _solution(given, "m n c cv", equation, 0, 2, 1.5, float(value(0, 2, 1.5)), low=low, high=high)


_spheroidal(sp.pro_ang1, sp.pro_ang1_cv, sp.pro_cv, _prolate, -0.8, 0.8)
_spheroidal(sp.pro_rad1, sp.pro_rad1_cv, sp.pro_cv, _prolate, 1.2, 1.5)
_spheroidal(sp.pro_rad2, sp.pro_rad2_cv, sp.pro_cv, _prolate, 1.2, 1.5)
_spheroidal(sp.obl_ang1, sp.obl_ang1_cv, sp.obl_cv, _oblate_angular, -0.8, 0.8)
_spheroidal(sp.obl_rad1, sp.obl_rad1_cv, sp.obl_cv, _oblate_radial, 0.5, 2)
_spheroidal(sp.obl_rad2, sp.obl_rad2_cv, sp.obl_cv, _oblate_radial, 0.5, 2)
