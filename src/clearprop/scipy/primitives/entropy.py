"""Products with logarithms, as entropies are made of, and the losses of Huber.

Where an event is impossible, x = 0, the relative entropies take no part: no gradient, as in JAX. `entr` alone
has its true slope there, which is infinite, as in JAX.
"""

from __future__ import annotations

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.primitive import Draw, Sample, floats
from ...ops.samples import POSITIVE, POSITIVE_PAIRS
from .common import special

_TWO_POSITIVE = (
    Sample(floats(3, 4, low=0.3), floats(4, low=0.3)),
    Sample(floats(low=0.3), floats(low=0.3)),
    Sample(floats(3, low=0.3), 1.5),
)
_COMPLEX = Sample(Draw((3,), 0.3, 2, "complex128"), Draw((3,), 0.3, 2, "complex128"))
_RESIDUALS = (
    Sample(floats(3, 4, low=0.6, high=1), floats(4, low=-0.5, high=0.5)),
    Sample(floats(3, low=0.3, high=0.5), floats(3, low=0.7, high=2)),
    Sample(1.0, floats(low=-2, high=-1.5)),
)


def xlogy_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * np.log(y)


def xlogy_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * (x / np.where(x == 0, 1.0, y))  # 0 log y is 0 for any y


xlogy = special(
    sp.xlogy,
    xlogy_vjp_x,
    xlogy_vjp_y,
    why="A product of x and log y; where x is 0 it stays 0, and y gets nothing.",
    also_in="torch jax",
    samples=(*POSITIVE_PAIRS, _COMPLEX),
)


def xlog1py_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * np.log1p(y)


def xlog1py_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * (x / np.where(x == 0, 1.0, 1 + y))


xlog1py = special(
    sp.xlog1py,
    xlog1py_vjp_x,
    xlog1py_vjp_y,
    why="A product of x and log(1 + y); where x is 0 it stays 0, and y gets nothing.",
    also_in="torch jax",
    samples=(*POSITIVE_PAIRS, _COMPLEX),
)


def entr_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (-np.log(x) - 1)


entr = special(
    sp.entr,
    entr_vjp,
    why="Rare events add most: the slope is minus the logarithm less one, without bound towards zero.",
    also_in="torch jax",
    samples=POSITIVE,
)


def _logarithm(x: Array, y: Array) -> Array:
    """Return ``log(x / y)`` where both are positive, and -1 elsewhere, which makes the slope of
    rel_entr 0.
    """
    both = _both_positive(x, y)
    near_one = np.where(both, x, 1.0), np.where(both, y, 1.0)
    return np.where(both, np.log(near_one[0]) - np.log(near_one[1]), -1.0)


def _both_positive(x: Array, y: Array) -> Array:
    return np.logical_and(x > 0, y > 0)


def rel_entr_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * (_logarithm(x, y) + 1)


def rel_entr_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    both = _both_positive(x, y)
    return -g * (np.where(both, x, 0.0) / np.where(both, y, 1.0))


rel_entr = special(
    sp.rel_entr,
    rel_entr_vjp_x,
    rel_entr_vjp_y,
    why="The more likely x makes what y holds for unlikely, the harder y is pushed; zeros take no part.",
    also_in="jax",
    samples=_TWO_POSITIVE,
)


def kl_div_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * _logarithm(x, y)


def kl_div_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    both = _both_positive(x, y)
    return g * (1 - np.where(both, x, 0.0) / np.where(both, y, 1.0))


kl_div = special(
    sp.kl_div,
    kl_div_vjp_x,
    kl_div_vjp_y,
    why="Flat where x and y are equal; elsewhere each is pulled towards the other.",
    also_in="jax",
    samples=_TWO_POSITIVE,
)


# ---- losses that grow like |r| far from zero


def huber_vjp_delta(g: Array, out: Array, delta: Array, r: Array) -> Array:
    size = np.abs(r)
    return g * np.where(size > delta, size - delta, 0.0)


def huber_vjp_r(g: Array, out: Array, delta: Array, r: Array) -> Array:
    return g * np.where(np.abs(r) > delta, delta * np.sign(r), r)


huber = special(
    sp.huber,
    huber_vjp_delta,
    huber_vjp_r,
    why="Small residuals pull in proportion to their size, large ones no harder than delta.",
    samples=_RESIDUALS,
)


def pseudo_huber_vjp_delta(g: Array, out: Array, delta: Array, r: Array) -> Array:
    u = r / delta
    root = np.sqrt(1 + u * u)
    excess = u * u / (root + 1)
    return g * (delta * (excess * excess) / root)


def pseudo_huber_vjp_r(g: Array, out: Array, delta: Array, r: Array) -> Array:
    u = r / delta
    return g * (r / np.sqrt(1 + u * u))


pseudo_huber = special(
    sp.pseudo_huber,
    pseudo_huber_vjp_delta,
    pseudo_huber_vjp_r,
    why="Like the Huber loss without its kink: small residuals pull in proportion, large ones by delta.",
    samples=_RESIDUALS,
)
