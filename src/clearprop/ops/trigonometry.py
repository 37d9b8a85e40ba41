"""Angles: tangents, inverse and hyperbolic functions, and the sides of right triangles.

Of formulas that are equal on paper, the one stands here that keeps its digits near ±1, at the origin and for
huge numbers. Rules of complex inverse functions keep to the side of the branch cut that the function is on.
"""

from __future__ import annotations

import numpy as np

from ..engine.array_types import Array
from ..engine.primitive import Draw, Sample, floats, numpy_table
from .makers import ufunc
from .samples import ANY, COMPLEX, PAIRS

_INNER = (Sample(floats(3, 4, low=-0.9, high=0.9)), Sample(floats(low=-0.9, high=0.9)))
_ABOVE_ONE = (Sample(floats(3, 4, low=1.1, high=3.0)), Sample(floats(low=1.1)))
_APART = (Sample(floats(3, 4, low=0.2), floats(4)), *PAIRS)


def _is_complex(x: Array) -> bool:
    return x.dtype.kind == "c"


def _other_leg(x: Array) -> Array:
    """Return sqrt(1 - x²): what is left to a right triangle with hypotenuse 1 and a leg x.

    1 - x and 1 + x are exact near ±1. Complex ones are written so that the sign of a zero imaginary part,
    which tells the sides of the cut apart, is not added away; and two roots do not overflow.
    """
    if _is_complex(x):
        return np.sqrt(-(x - 1)) * np.sqrt(-(-x - 1))
    return np.sqrt((1 - x) * (1 + x))


def tan_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (1 + out * out)


tan = ufunc(
    np.tan,
    tan_vjp,
    why="The slope is one plus the square of the output: without bound near a quarter turn.",
    traits=["conjugates"],
    samples=(Sample(floats(3, 4, low=-1.2, high=1.2)), Sample(floats(low=-1.0)), *COMPLEX),
)


def arcsin_vjp(g: Array, out: Array, x: Array) -> Array:
    return g / _other_leg(x)


arcsin = ufunc(
    np.arcsin,
    arcsin_vjp,
    why="The slope is one in the middle and grows without bound towards ±1.",
    samples=(*_INNER, *COMPLEX),
)


def arccos_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g / _other_leg(x)


arccos = ufunc(
    np.arccos,
    arccos_vjp,
    why="It falls as arcsin rises: the slope is minus one in the middle and unbounded towards ±1.",
    samples=(*_INNER, *COMPLEX),
)


def arctan_vjp(g: Array, out: Array, x: Array) -> Array:
    if _is_complex(x):
        side = x * 1j  # 1 + x² = (1 + ix)(1 - ix), exact near ±i
        return g / (1 + side) / (1 - side)
    return g / (1 + x * x)


arctan = ufunc(
    np.arctan,
    arctan_vjp,
    why="The slope is at most one, and falls off away from zero.",
    samples=(*ANY, *COMPLEX),
)


def _distance(y: Array, x: Array) -> Array:
    """Return how far a point is from the origin; the origin counts as far away, so that it gets no
    gradient.
    """
    distance = np.hypot(y, x)
    return np.where(distance == 0, np.inf, distance)


def arctan2_vjp_y(g: Array, out: Array, y: Array, x: Array) -> Array:
    distance = _distance(y, x)
    return g * (x / distance / distance)


def arctan2_vjp_x(g: Array, out: Array, y: Array, x: Array) -> Array:
    distance = _distance(y, x)
    return -g * (y / distance / distance)


arctan2 = ufunc(
    np.arctan2,
    arctan2_vjp_y,
    arctan2_vjp_x,
    role="swaps",
    why="A step across the direction of the point turns it, the more the nearer the origin; none there.",
    samples=_APART,
)


def hypot_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * (x / np.where(out == 0, np.inf, out))


def hypot_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * (y / np.where(out == 0, np.inf, out))


hypot = ufunc(
    np.hypot,
    hypot_vjp_x,
    hypot_vjp_y,
    why="Each leg matters as much as its share of the hypotenuse; none at the origin.",
    samples=_APART,
)


def sinh_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * np.cosh(x)


sinh = ufunc(
    np.sinh,
    sinh_vjp,
    why="The slope is cosh: at least one, and large for large inputs.",
    traits=["conjugates"],
    samples=(*ANY, *COMPLEX),
)


def cosh_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * np.sinh(x)


cosh = ufunc(
    np.cosh,
    cosh_vjp,
    why="The slope is sinh: none at zero, and large for large inputs.",
    traits=["conjugates"],
    samples=(*ANY, *COMPLEX),
)


def arcsinh_vjp(g: Array, out: Array, x: Array) -> Array:
    return g / (_other_leg(x * 1j) if _is_complex(x) else np.hypot(x, 1))


arcsinh = ufunc(
    np.arcsinh,
    arcsinh_vjp,
    why="The slope is one at zero, and one over the input where that is large.",
    samples=(*ANY, *COMPLEX),
)


def arccosh_vjp(g: Array, out: Array, x: Array) -> Array:
    more = -(-x - 1) if _is_complex(x) else x + 1
    return g / (np.sqrt(x - 1) * np.sqrt(more))


arccosh = ufunc(
    np.arccosh,
    arccosh_vjp,
    why="Steep near one, where the slope grows without bound; one over the input where that is large.",
    samples=(*_ABOVE_ONE, *COMPLEX),
)


def arctanh_vjp(g: Array, out: Array, x: Array) -> Array:
    return g / (1 - x) / (1 + x)  # exact near ±1, as 1 - x*x is not


arctanh = ufunc(
    np.arctanh,
    arctanh_vjp,
    why="The slope is at least one, and grows without bound towards ±1.",
    samples=(*_INNER, Sample(Draw((2, 2), dtype="complex128"))),
)


def deg2rad_vjp(g: Array, out: Array, x: Array) -> Array:
    return np.deg2rad(g)


deg2rad = ufunc(
    np.deg2rad,
    deg2rad_vjp,
    why="A degree is a 57th of a radian, so gradients shrink by as much.",
    samples=ANY,
)
numpy_table[np.radians] = deg2rad


def rad2deg_vjp(g: Array, out: Array, x: Array) -> Array:
    return np.rad2deg(g)


rad2deg = ufunc(
    np.rad2deg,
    rad2deg_vjp,
    why="A radian is 57 degrees, so gradients grow by as much.",
    samples=ANY,
)
numpy_table[np.degrees] = rad2deg
