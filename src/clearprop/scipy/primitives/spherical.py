"""Spherical Bessel functions, spherical harmonics and associated Legendre functions of whole degrees.

In SciPy they are Python functions that make plain arrays of what they get, so `clearprop.scipy.special` has
some of the same names, which call what stands here. Slopes are made of neighbours in degree or order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from ...engine.array_types import AnyArray, Array
from ...engine.broadcasting import broadcast_shapes
from ...engine.primitive import Draw, Primitive, Sample, floats, primitive
from ...engine.spec import ArraySpec, shape_of
from ...ops.specs import shaped


def _spec(*inputs: Array, **params: Any) -> ArraySpec:
    """Return a spec in double precision, whatever comes in, as in SciPy."""
    dtype = "complex128" if inputs[-1].dtype.kind == "c" else "float64"
    return ArraySpec(broadcast_shapes(*map(shape_of, inputs)), np.dtype(dtype))


def _less(n: Array) -> Array:
    """Return one less, but not below zero."""
    return np.maximum(shaped(n) - 1, 0)


# ---- spherical Bessel functions

_DEGREES = np.array([[0], [1], [4]])
_BESSEL_WHY = "The slope is made of its neighbours in degree, weighed with theirs."


def _bessel(function: Callable[..., Any], below: float, above: float) -> Primitive:
    name = function.__name__

    def vjp(g: Array, out: Array, n: Array, z: Array) -> Array:
        return g * spherical_slope(record, below, above, n, z)

    def spec(n: Array, z: Array) -> ArraySpec:
        dtype = function(1, z.dtype.type(1)).dtype  # it depends on what SciPy does below zero
        return ArraySpec(broadcast_shapes(shape_of(n), z.shape), dtype)

    record = primitive(
        name,
        lambda n, z: np.asarray(function(n, z))[()],
        spec=spec,
        vjp=(None, vjp),
        role="scales",
        why=_BESSEL_WHY,
        traits=["elementwise"],
        samples=(
            Sample(2, floats(3, 4, low=0.5, high=3)),
            Sample(_DEGREES, floats(4, low=0.5, high=3)),
            Sample(0, floats(low=0.5, high=3)),
            Sample(2, Draw((3,), 0.5, 1.5, "complex128")),
        ),
    )
    return record


def spherical_slope(f: Primitive, below: float, above: float, n: Array, z: Array) -> Array:
    n = shaped(n)
    weights = below * n / (2 * n + 1), above * (n + 1) / (2 * n + 1)
    return weights[0] * f(_less(n), z) + weights[1] * f(n + 1, z)


BESSEL = {
    "spherical_jn": (1.0, -1.0),
    "spherical_yn": (1.0, -1.0),
    "spherical_in": (1.0, 1.0),
    "spherical_kn": (-1.0, -1.0),
}
"""What the neighbours below and above count in the slope of each."""
spherical = {name: _bessel(getattr(sp, name), *signs) for name, signs in BESSEL.items()}


# ---- spherical harmonics: a turn is made of the orders next to one

_NM = (np.array([[0], [1], [3]]), np.array([[0], [-1], [2]]))
_ANGLE = floats(4, low=0.3, high=2.5)


def _steps(n: Array, m: Array) -> tuple[Array, Array]:
    """Return how much the orders above and below count; nothing beyond the degree."""
    n, m = shaped(n), shaped(m)
    up, down = (n - m) * (n + m + 1), (n + m) * (n - m + 1)
    return 0.5 * np.sqrt(np.maximum(up, 0)), 0.5 * np.sqrt(np.maximum(down, 0))


def sph_legendre_p_vjp(g: Array, out: Array, n: Array, m: Array, theta: Array) -> Array:
    up, down = _steps(n, m)
    m = shaped(m)
    return g * (up * sph_legendre_p(n, m + 1, theta) - down * sph_legendre_p(n, m - 1, theta))


sph_legendre_p = primitive(
    "sph_legendre_p",
    lambda n, m, theta: sp.sph_legendre_p(n, m, theta)[0],
    spec=_spec,
    vjp=(None, None, sph_legendre_p_vjp),
    role="scales",
    why="The slope along a meridian is made of the orders next to its own.",
    traits=["elementwise"],
    samples=(
        Sample(*_NM, _ANGLE),
        Sample(2, 1, floats(3, 4, low=0.3, high=2.5)),
        Sample(1, 0, floats(low=0.3, high=2.5)),
    ),
)


def sph_harm_y_vjp_theta(
    g: Array, out: Array, n: Array, m: Array, theta: Array, phi: Array
) -> Array:
    up, down = _steps(n, m)
    m = shaped(m)
    turn = np.cos(phi) + np.sin(phi) * 1j
    above = sph_harm_y(n, m + 1, theta, phi) * np.conj(turn)
    return g * (up * above - down * (sph_harm_y(n, m - 1, theta, phi) * turn))


def sph_harm_y_vjp_phi(g: Array, out: Array, n: Array, m: Array, theta: Array, phi: Array) -> Array:
    return g * (out * (shaped(m) * 1j))


def _harmonic_spec(*inputs: Array) -> ArraySpec:
    return ArraySpec(broadcast_shapes(*map(shape_of, inputs)), np.dtype(complex))


sph_harm_y = primitive(
    "sph_harm_y",
    lambda n, m, theta, phi: np.asarray(sp.sph_harm_y(n, m, theta, phi))[()],
    spec=_harmonic_spec,
    vjp=(None, None, sph_harm_y_vjp_theta, sph_harm_y_vjp_phi),
    role="scales",
    why="A wave on a sphere: along a meridian the orders next to its own, along a parallel itself, turned.",
    traits=["elementwise"],
    samples=(
        Sample(*_NM, _ANGLE, floats(4, low=0, high=6)),
        Sample(2, 1, floats(3, 4, low=0.3, high=2.5), floats(4, low=0, high=6)),
        Sample(1, 0, floats(low=0.3, high=2.5), floats()),
    ),
)


# ---- associated Legendre functions


def assoc_legendre_p_vjp(
    g: Array, out: Array, n: Array, m: Array, z: Array, branch_cut: int, norm: bool
) -> Array:
    n, m = shaped(n), shaped(m)
    weight: AnyArray = n + m
    if norm:
        weight = np.sqrt(np.maximum((n - m) * (n + m), 0) * (2 * n + 1) / np.maximum(2 * n - 1, 1))
    below = assoc_legendre_p(_less(n), m, z, branch_cut=branch_cut, norm=norm)
    return g * ((n * z * out - weight * below) / (z * z - 1))


assoc_legendre_p = primitive(
    "assoc_legendre_p",
    lambda n, m, z, branch_cut, norm: sp.assoc_legendre_p(
        n, m, z, branch_cut=branch_cut, norm=norm
    )[0],
    spec=_spec,
    vjp=(None, None, assoc_legendre_p_vjp),
    role="scales",
    why="The slope is made of the function itself and of that of one degree less.",
    traits=["elementwise"],
    samples=(
        Sample(*_NM, floats(4, low=-0.8, high=0.8), branch_cut=2, norm=False),
        Sample(*_NM, floats(4, low=-0.8, high=0.8), branch_cut=2, norm=True),
        Sample(3, 1, floats(low=1.2, high=2), branch_cut=3, norm=False),
        Sample(2, 1, Draw((3,), 0.3, 0.8, "complex128"), branch_cut=2, norm=False),
    ),
)
