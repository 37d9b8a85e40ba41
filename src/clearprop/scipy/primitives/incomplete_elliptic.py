"""Incomplete elliptic integrals, and the elliptic functions, which are their inverses.

With respect to m their slopes are integrals of Carlson's, which are never 0/0, and those of the
complete integrals, twice for each half turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.bundle import Bundle
from ...engine.primitive import Sample, floats
from .common import slope_is, special, weighed
from .elliptic import ellipe_slope, ellipk_slope

_SAMPLES = (
    Sample(floats(3, 4, low=-1.5, high=1.5), floats(4, low=-1, high=0.9)),
    Sample(floats(low=0.3, high=1.5), floats(low=0.1, high=0.9)),
    Sample(np.array([-5.0, 0.4, 2.5, 3.5]), np.array([0.5, 0.0, 0.7, -0.4])),
)


def _halves(phi: Array) -> tuple[Array, Array, Array]:
    """Return how many half turns, and the sine and the cosine's square of what is left."""
    turns = np.rint(phi / math.pi)
    rest = phi - turns * math.pi
    c = np.cos(rest)
    return turns, np.sin(rest), c * c


def _complete(turns: Array, slope: Callable[..., Array], m: Array) -> Array:
    none = turns == 0
    return np.where(none, 0.0, 2 * turns * slope(np.where(none, 0.0, m)))


def _by_root(phi: Array, m: Array) -> Array:
    s = np.sin(phi)
    return np.sqrt(1 - m * s * s)


def ellipkinc_slope_m(phi: Array, m: Array) -> Array:
    turns, s, c2 = _halves(phi)
    rest = s * s * s / 6 * sp.elliprd(c2, 1.0, 1 - m * s * s)
    return rest + _complete(turns, ellipk_slope, m)


def ellipeinc_slope_m(phi: Array, m: Array) -> Array:
    turns, s, c2 = _halves(phi)
    rest = s * s * s / 6 * sp.elliprd(c2, 1 - m * s * s, 1.0)
    return _complete(turns, ellipe_slope, m) - rest


special(
    sp.ellipkinc,
    slope_is(lambda phi, m: 1 / _by_root(phi, m)),
    slope_is(ellipkinc_slope_m),
    why="An integral up to an angle: one over the root that stands there.",
    samples=_SAMPLES,
)
special(
    sp.ellipeinc,
    slope_is(_by_root),
    slope_is(ellipeinc_slope_m),
    why="The length of an ellipse up to an angle: it grows by the root that stands there.",
    samples=_SAMPLES,
)


def ellipj_vjp_u(g: Bundle, out: Bundle, u: Array, m: Array) -> Array:
    sn, cn, dn, _ = out
    return weighed(g, lambda: cn * dn, lambda: -sn * dn, lambda: -m * sn * cn, lambda: dn)


def ellipj_vjp_m(g: Bundle, out: Bundle, u: Array, m: Array) -> Array:
    sn, cn, dn, angle = out
    turn = -dn * ellipkinc_slope_m(angle, m)  # of the angle, as the integral up to it stays u
    return weighed(
        g,
        lambda: cn * turn,
        lambda: -sn * turn,
        lambda: -sn * (0.5 * sn + m * cn * turn) / dn,
        lambda: turn,
    )


special(
    sp.ellipj,
    ellipj_vjp_u,
    ellipj_vjp_m,
    why="Sine and cosine of an angle that runs as on an ellipse: each one's slope is made of the others.",
    samples=(
        Sample(floats(3, 4, low=-3, high=3), floats(4, low=0.1, high=0.9)),
        Sample(floats(low=-1, high=1), floats(low=0.1, high=0.9)),
    ),
)
