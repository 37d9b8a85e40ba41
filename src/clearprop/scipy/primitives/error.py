"""The error function, its kin, and the normal distribution."""

from __future__ import annotations

import math

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from .common import between, series, special

_SLOPE = 2 / math.sqrt(math.pi)
"""Of erf at 0."""
_DENSITY = 1 / math.sqrt(2 * math.pi)
"""Of the normal distribution at 0."""
_ROOT_HALF = math.sqrt(0.5)
_FAR = 25.0
_TAIL = (-1.0, -3.0, -15.0, -105.0, -945.0, -10395.0, -135135.0)


def _rest(y: Array) -> Array:
    """Return ``1 - (1 + y + 3y² + 15y³ + ...)``, the asymptotic series of what 1 - 2x dawsn(x) comes to."""
    return y * series(y, _TAIL)


def erf_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (_SLOPE * np.exp(-x * x))


erf = special(
    sp.erf,
    erf_vjp,
    why="The slope is a bell curve: almost nothing gets through far from zero.",
    also_in="torch jax",
    samples=between(-2, 2, also_complex=True),
)


def erfc_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * (_SLOPE * np.exp(-x * x))


erfc = special(
    sp.erfc,
    erfc_vjp,
    why="The slope of erf with its sign turned, as erfc is one less erf.",
    also_in="torch jax",
    samples=between(-2, 2, also_complex=True),
)


def erfcx_vjp(g: Array, out: Array, x: Array) -> Array:
    if x.dtype.kind == "c":
        return g * (2 * x * out - _SLOPE)
    far = x > _FAR  # where the difference of two almost equal numbers would be left
    inverse = 1 / np.where(far, x, _FAR)
    slope = 2 * np.where(far, 0.0, x) * out - _SLOPE
    return g * np.where(far, -_SLOPE * _rest(-0.5 * inverse * inverse), slope)


erfcx = special(
    sp.erfcx,
    erfcx_vjp,
    why="It falls like one over the input, so the slope falls like one over its square.",
    also_in="torch jax",
    samples=between(-1.5, 2, also_complex=True),
)


def erfi_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (_SLOPE * np.exp(x * x))


erfi = special(
    sp.erfi,
    erfi_vjp,
    why="The slope grows like the exponential of the square.",
    samples=between(-1.5, 1.5, also_complex=True),
)


def dawsn_vjp(g: Array, out: Array, x: Array) -> Array:
    if x.dtype.kind == "c":
        return g * (1 - 2 * x * out)
    far = np.abs(x) > _FAR
    inverse = 1 / np.where(far, x, _FAR)
    slope = 1 - 2 * np.where(far, 0.0, x) * out
    return g * np.where(far, _rest(0.5 * inverse * inverse), slope)


dawsn = special(
    sp.dawsn,
    dawsn_vjp,
    why="One at zero; beyond the crest the function falls slowly, and so does the slope.",
    also_in="jax",
    samples=between(-2, 2, also_complex=True),
)


def erfinv_vjp(g: Array, out: Array, y: Array) -> Array:
    return g * (np.exp(out * out) / _SLOPE)


erfinv = special(
    sp.erfinv,
    erfinv_vjp,
    why="One over the slope of erf: without bound towards -1 and 1.",
    also_in="torch jax",
    samples=between(-0.9, 0.9),
)


def erfcinv_vjp(g: Array, out: Array, y: Array) -> Array:
    return -g * (np.exp(out * out) / _SLOPE)


erfcinv = special(
    sp.erfcinv,
    erfcinv_vjp,
    why="One over the slope of erfc: without bound towards 0 and 2.",
    samples=between(0.1, 1.9),
)


def wofz_vjp(g: Array, out: Array, z: Array) -> Array:
    return g * (1j * _SLOPE - 2 * z * out)


wofz = special(
    sp.wofz,
    wofz_vjp,
    why="A scaled erfc in the complex plane; its slope is made of the output itself.",
    also_in="jax",
    samples=between(-2, 2, also_complex=True),
)


# ---- the normal distribution


def ndtr_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (_DENSITY * np.exp(-0.5 * x * x))


ndtr = special(
    sp.ndtr,
    ndtr_vjp,
    why="The slope of a probability is the density: the bell curve.",
    also_in="torch jax",
    samples=between(-2, 2, also_complex=True),
)


def log_ndtr_vjp(g: Array, out: Array, x: Array) -> Array:
    if x.dtype.kind == "c":
        return g * (_DENSITY * np.exp(-0.5 * x * x - out))
    above = x > 0
    up, down = np.where(above, x, 0.0), np.where(above, 0.0, x)
    ratio = _DENSITY * np.exp(-0.5 * up * up - np.where(above, out, 0.0))
    return g * np.where(above, ratio, 2 * _DENSITY / sp.erfcx(-_ROOT_HALF * down))


log_ndtr = special(
    sp.log_ndtr,
    log_ndtr_vjp,
    why="The density over the probability: nothing far above zero, and about -x far below.",
    also_in="torch jax",
    samples=between(-2, 2, also_complex=True),
)


def ndtri_vjp(g: Array, out: Array, p: Array) -> Array:
    return g * (np.exp(0.5 * out * out) / _DENSITY)


ndtri = special(
    sp.ndtri,
    ndtri_vjp,
    why="One over the density at the quantile: without bound towards 0 and 1.",
    also_in="torch jax",
    samples=between(0.1, 0.9),
)


def ndtri_exp_vjp(g: Array, out: Array, y: Array) -> Array:
    return g * (0.5 / _DENSITY * sp.erfcx(-_ROOT_HALF * out))


ndtri_exp = special(
    sp.ndtri_exp,
    ndtri_exp_vjp,
    why="The probability over the density at the quantile.",
    samples=between(-3, -0.2),
)
