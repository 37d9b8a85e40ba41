"""sinc and the Bessel functions: families in which the slope of one member is a mean of its neighbours.

So derivatives of every order are exact everywhere, also at zero, where quotients would be 0/0.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..engine.array_types import Array, DType
from ..engine.primitive import Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec
from .specs import same

_AROUND_ZERO = (
    Sample(floats(3, 4)),
    Sample(np.array([0.0, -0.0, 1e-4, 6.5])),
    Sample(floats()),
    Sample(floats(0, 2)),
)


# ---- sinc


def _spherical_bessel(z: Array, order: int) -> Array:
    """Compute j_n(z): by its series where |z| is small beside the order, else upwards from sin(z)/z."""
    z = np.asarray(z)
    small = np.abs(z) < order + 2
    near = np.where(small, z, 0)
    square = near * near / -2
    term = np.ones_like(near)
    for k in range(1, order + 1):
        term = term * near / (2 * k + 1)
    total = term
    for k in range(1, 20 + 2 * order):
        term = term * square / (k * (2 * order + 2 * k + 1))
        total = total + term
    far = np.where(small, 1, z)
    before, last = np.cos(far) / far, np.sin(far) / far
    for k in range(order):
        before, last = last, (2 * k + 1) / far * last - before
    return np.where(small, total, last)[()]


def spherical_bessel_vjp(g: Array, out: Array, z: Array, order: int) -> Array:
    if order == 0:
        return g * -_spherical(z, order=1)
    lower, higher = _spherical(z, order=order - 1), _spherical(z, order=order + 1)
    return g * ((order * lower - (order + 1) * higher) / (2 * order + 1))


_spherical = primitive(
    "spherical_bessel",
    _spherical_bessel,
    spec=same,
    vjp=(spherical_bessel_vjp,),
    role="scales",
    why="The slope is a weighted mean of the neighbours in the family, the next one counted negative.",
    traits=["elementwise"],
    samples=(
        Sample(floats(3, 4), order=1),
        Sample(np.array([0.0, 1e-9, -0.3, 3.1, 40.0]), order=0),
        Sample(floats(4, low=-9.0, high=9.0), order=3),
        Sample(Draw((3,), dtype="complex128"), order=2),
    ),
)


def sinc_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (-np.pi * _spherical(x * np.pi, order=1))


def _sinc_spec(x: Array) -> ArraySpec:
    return ArraySpec(x.shape, np.sinc(np.ones((), x.dtype)).dtype)


def _sinc(x: Array) -> Array:
    return np.sinc(x)[()]


sinc = primitive(
    "sinc",
    _sinc,
    numpy=np.sinc,
    spec=_sinc_spec,
    vjp=(sinc_vjp,),
    role="scales",
    why="Flat at zero, where it has its crest; waves that die away to both sides.",
    traits=["elementwise"],
    samples=(*_AROUND_ZERO, Sample(Draw((3,), dtype="complex128"))),
)


# ---- the modified Bessel functions of the first kind


def _bessel(x: Array, order: int) -> Array:
    """Compute I_n = I_0 r_1 ... r_n, where r_k = I_k / I_(k-1) = x / (2k + x r_(k+1)), from far above
    downwards.
    """
    x = np.asarray(x)
    largest = min(float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x))), 750.0)
    ratio, product = np.zeros_like(x), np.ones_like(x)
    for k in range(order + 20 + int(7 * largest**0.5), 0, -1):
        ratio = x / (2 * k + x * ratio)
        if k <= order:
            product = product * ratio
    return (_i0(x) * product)[()]


def bessel_vjp(g: Array, out: Array, x: Array, order: int) -> Array:
    return g * ((_of_order(x, order - 1) + _of_order(x, order + 1)) / 2)


def _of_order(x: Array, order: int) -> Array:
    return _bessel_record(x, order=order) if order else i0(x)


_bessel_record = primitive(
    "bessel_i",
    _bessel,
    spec=same,
    vjp=(bessel_vjp,),
    role="scales",
    why="The slope is the mean of the two neighbours in the family.",
    traits=["elementwise"],
    samples=(
        Sample(floats(3, 4), order=1),
        Sample(np.array([0.0, 1e-9, -0.3, 7.9, 8.1]), order=2),
    ),
)


def _i0(x: Array) -> Array:
    return np.asarray(np.i0(x))[()]


def i0_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * _bessel_record(x, order=1)


@lru_cache(maxsize=64)
def _i0_dtype(dtype: DType) -> DType:
    return np.i0(np.ones(1, dtype)).dtype


def _i0_spec(x: Array) -> ArraySpec:
    return ArraySpec(x.shape, _i0_dtype(x.dtype))


_i0_record = primitive(
    "i0",
    _i0,
    spec=_i0_spec,
    vjp=(i0_vjp,),
    role="scales",
    why="The slope is the next member of the family: none at zero, exponential for large inputs.",
    traits=["elementwise"],
    samples=_AROUND_ZERO,
)


@answers(np.i0)
def i0(x: Array) -> Array:
    return _i0_record(x)
