"""Angles: tangents, inverse and hyperbolic functions, and the sides of right triangles.

Of formulas that are equal on paper, the one stands here that keeps its digits near ±1, at the origin and for
huge numbers. Rules of complex inverse functions keep to the side of the branch cut that the function is on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import Draw, Sample, floats, numpy_table, primitive
from .samples import ANY, COMPLEX, PAIRS
from .specs import like_ufunc

_INNER = (Sample(floats(3, 4, low=-0.9, high=0.9)), Sample(floats(low=-0.9, high=0.9)))
_ABOVE_ONE = (Sample(floats(3, 4, low=1.1, high=3.0)), Sample(floats(low=1.1)))
_APART = (Sample(floats(3, 4, low=0.2), floats(4)), *PAIRS)


def _is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"


def _other_leg(x: Any) -> Any:
    """sqrt(1 - x²): what is left to a right triangle with hypotenuse 1 and a leg x.

    1 - x and 1 + x are exact near ±1. Complex ones are written so that the sign of a zero imaginary part,
    which tells the sides of the cut apart, is not added away; and two roots do not overflow.
    """
    if _is_complex(x):
        return np.sqrt(-(x - 1)) * np.sqrt(-(-x - 1))
    return np.sqrt((1 - x) * (1 + x))


def tan_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * (1 + out * out)


tan = primitive(
    "tan",
    np.tan,
    numpy=np.tan,
    spec=like_ufunc(np.tan),
    vjp=(tan_vjp,),
    role="scales",
    why="The slope is one plus the square of the output: without bound near a quarter turn.",
    elementwise=True,
    samples=(Sample(floats(3, 4, low=-1.2, high=1.2)), Sample(floats(low=-1.0)), *COMPLEX),
)


def arcsin_vjp(g: Any, out: Any, x: Any) -> Any:
    return g / _other_leg(x)


arcsin = primitive(
    "arcsin",
    np.arcsin,
    numpy=np.arcsin,
    spec=like_ufunc(np.arcsin),
    vjp=(arcsin_vjp,),
    role="scales",
    why="The slope is one in the middle and grows without bound towards ±1.",
    elementwise=True,
    samples=(*_INNER, *COMPLEX),
)


def arccos_vjp(g: Any, out: Any, x: Any) -> Any:
    return -g / _other_leg(x)


arccos = primitive(
    "arccos",
    np.arccos,
    numpy=np.arccos,
    spec=like_ufunc(np.arccos),
    vjp=(arccos_vjp,),
    role="scales",
    why="It falls as arcsin rises: the slope is minus one in the middle and unbounded towards ±1.",
    elementwise=True,
    samples=(*_INNER, *COMPLEX),
)


def arctan_vjp(g: Any, out: Any, x: Any) -> Any:
    if _is_complex(x):
        side = x * 1j  # 1 + x² = (1 + ix)(1 - ix), exact near ±i
        return g / (1 + side) / (1 - side)
    return g / (1 + x * x)


arctan = primitive(
    "arctan",
    np.arctan,
    numpy=np.arctan,
    spec=like_ufunc(np.arctan),
    vjp=(arctan_vjp,),
    role="scales",
    why="The slope is at most one, and falls off away from zero.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def _distance(y: Any, x: Any) -> Any:
    """How far a point is from the origin; the origin counts as far away, so that it gets no gradient."""
    distance = np.hypot(y, x)
    return np.where(distance == 0, np.inf, distance)


def arctan2_vjp_y(g: Any, out: Any, y: Any, x: Any) -> Any:
    distance = _distance(y, x)
    return g * (x / distance / distance)


def arctan2_vjp_x(g: Any, out: Any, y: Any, x: Any) -> Any:
    distance = _distance(y, x)
    return -g * (y / distance / distance)


arctan2 = primitive(
    "arctan2",
    np.arctan2,
    numpy=np.arctan2,
    spec=like_ufunc(np.arctan2),
    vjp=(arctan2_vjp_y, arctan2_vjp_x),
    role="swaps",
    why="A step across the direction of the point turns it, the more the nearer the origin; none there.",
    elementwise=True,
    samples=_APART,
)


def hypot_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * (x / np.where(out == 0, np.inf, out))


def hypot_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * (y / np.where(out == 0, np.inf, out))


hypot = primitive(
    "hypot",
    np.hypot,
    numpy=np.hypot,
    spec=like_ufunc(np.hypot),
    vjp=(hypot_vjp_x, hypot_vjp_y),
    role="scales",
    why="Each leg matters as much as its share of the hypotenuse; none at the origin.",
    elementwise=True,
    samples=_APART,
)


def sinh_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * np.cosh(x)


sinh = primitive(
    "sinh",
    np.sinh,
    numpy=np.sinh,
    spec=like_ufunc(np.sinh),
    vjp=(sinh_vjp,),
    role="scales",
    why="The slope is cosh: at least one, and large for large inputs.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def cosh_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * np.sinh(x)


cosh = primitive(
    "cosh",
    np.cosh,
    numpy=np.cosh,
    spec=like_ufunc(np.cosh),
    vjp=(cosh_vjp,),
    role="scales",
    why="The slope is sinh: none at zero, and large for large inputs.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def arcsinh_vjp(g: Any, out: Any, x: Any) -> Any:
    return g / (_other_leg(x * 1j) if _is_complex(x) else np.hypot(x, 1))


arcsinh = primitive(
    "arcsinh",
    np.arcsinh,
    numpy=np.arcsinh,
    spec=like_ufunc(np.arcsinh),
    vjp=(arcsinh_vjp,),
    role="scales",
    why="The slope is one at zero, and one over the input where that is large.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def arccosh_vjp(g: Any, out: Any, x: Any) -> Any:
    more = -(-x - 1) if _is_complex(x) else x + 1
    return g / (np.sqrt(x - 1) * np.sqrt(more))


arccosh = primitive(
    "arccosh",
    np.arccosh,
    numpy=np.arccosh,
    spec=like_ufunc(np.arccosh),
    vjp=(arccosh_vjp,),
    role="scales",
    why="Steep near one, where the slope grows without bound; one over the input where that is large.",
    elementwise=True,
    samples=(*_ABOVE_ONE, *COMPLEX),
)


def arctanh_vjp(g: Any, out: Any, x: Any) -> Any:
    return g / (1 - x) / (1 + x)  # exact near ±1, as 1 - x*x is not


arctanh = primitive(
    "arctanh",
    np.arctanh,
    numpy=np.arctanh,
    spec=like_ufunc(np.arctanh),
    vjp=(arctanh_vjp,),
    role="scales",
    why="The slope is at least one, and grows without bound towards ±1.",
    elementwise=True,
    samples=(*_INNER, Sample(Draw((2, 2), dtype="complex128"))),
)


def deg2rad_vjp(g: Any, out: Any, x: Any) -> Any:
    return np.deg2rad(g)


deg2rad = primitive(
    "deg2rad",
    np.deg2rad,
    numpy=np.deg2rad,
    spec=like_ufunc(np.deg2rad),
    vjp=(deg2rad_vjp,),
    role="scales",
    why="A degree is a 57th of a radian, so gradients shrink by as much.",
    elementwise=True,
    samples=ANY,
)
numpy_table[np.radians] = deg2rad


def rad2deg_vjp(g: Any, out: Any, x: Any) -> Any:
    return np.rad2deg(g)


rad2deg = primitive(
    "rad2deg",
    np.rad2deg,
    numpy=np.rad2deg,
    spec=like_ufunc(np.rad2deg),
    vjp=(rad2deg_vjp,),
    role="scales",
    why="A radian is 57 degrees, so gradients grow by as much.",
    elementwise=True,
    samples=ANY,
)
numpy_table[np.degrees] = rad2deg
