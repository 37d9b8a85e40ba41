"""Functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from ...engine.array_types import Array, Axes
from ...engine.primitive import primitives
from .registry import decomposition


@decomposition("compile", "source")
def square(x: Array) -> Array:
    return x * x


@decomposition("compile", "source")
def reciprocal(x: Array) -> Array:
    return 1 / x


@decomposition("compile", "source")
def positive(x: Array) -> Array:
    return x.copy()


@decomposition("compile", "source")
def deg2rad(x: Array) -> Array:
    return x * (np.pi / 180)


@decomposition("compile", "source")
def rad2deg(x: Array) -> Array:
    return x * (180 / np.pi)


@decomposition("compile", "source")
def tan(x: Array) -> Array:
    return np.sin(x) / np.cos(x)


@decomposition("compile", "source")
def hypot(x: Array, y: Array) -> Array:
    """The longer leg times what the ratio of the legs adds, so that no square overflows."""
    x, y = abs(x), abs(y)
    longer, shorter = np.maximum(x, y), np.minimum(x, y)
    ratio = np.where(longer == shorter, 1.0, shorter) / np.where(longer == shorter, 1.0, longer)
    endless = (x == np.inf) | (y == np.inf)  # whatever the other is, and be it no number
    return np.where(endless, np.inf, longer * np.sqrt(ratio * ratio + 1))


@decomposition("compile", "source")
def logaddexp(x: Array, y: Array) -> Array:
    top = np.maximum(x, y)
    apart = np.minimum(x, y) - np.where(np.isfinite(top), top, 0.0)
    return top + np.log1p(np.exp(apart))


@decomposition("person")
def stop_gradient(x: Array) -> Array:
    return x


@decomposition("person")
def copy(x: Array) -> Array:
    return x


def of_order_two(x: Array, combined: Callable[[Array], Array], sign: int) -> Array:
    """A Bessel function of order 2, which near zero is the rest of a difference: there by its series."""
    near = np.abs(x) < 0.1
    small, far = np.where(near, x, 0.0), np.where(near, 1.0, x)
    square = sign * small * small
    series = 1 + square / 12 * (1 + square / 32 * (1 + square / 60 * (1 + square / 96)))
    return np.where(near, small * small / 8 * series, combined(far))


@decomposition("source")
def bessel_i(x: Array, order: int) -> Array:
    if order != 2:
        raise NotImplementedError
    first = partial(primitives.bessel_i, order=1)
    return of_order_two(x, lambda far: np.i0(far) - 2 / far * first(far), 1)


@decomposition("source")
def polyval(p: Array, x: Array) -> Array:
    if not p.size:
        return np.zeros_like(x)
    total = p[0] + 0 * x
    for k in range(1, p.size):
        total = total * x + p[k]
    return total


@decomposition("compile", "source")
def logaddexp2(x: Array, y: Array) -> Array:
    top = np.maximum(x, y)
    apart = np.minimum(x, y) - np.where(np.isfinite(top), top, 0.0)
    return top + np.log1p(np.exp2(apart)) * (1 / math.log(2))


@decomposition("source")
def modf(x: Array) -> tuple[Array, Array]:
    whole = np.trunc(x)
    return x - whole, whole


@decomposition("source")
def interp(x: Array, xp: Array, fp: Array, left: float | None, right: float | None) -> Array:
    at = np.clip(np.searchsorted(xp, x, side="right"), 1, len(xp) - 1)
    share = np.clip((x - xp[at - 1]) / (xp[at] - xp[at - 1]), 0, 1)
    result = fp[at - 1] + share * (fp[at] - fp[at - 1])
    result = result if left is None else np.where(x < xp[0], left, result)
    return result if right is None else np.where(x > xp[-1], right, result)


@decomposition("source")
def fmax(x: Array, y: Array) -> Array:
    return np.where(np.isnan(y), x, np.where(np.isnan(x), y, np.maximum(x, y)))


@decomposition("source")
def fmin(x: Array, y: Array) -> Array:
    return np.where(np.isnan(y), x, np.where(np.isnan(x), y, np.minimum(x, y)))


@decomposition("source")
def nanmax(x: Array, axis: Axes, keepdims: bool) -> Array:
    top = np.max(np.where(np.isnan(x), -np.inf, x), axis=axis, keepdims=keepdims)
    return np.where(np.all(np.isnan(x), axis=axis, keepdims=keepdims), np.nan, top)


@decomposition("source")
def nanmin(x: Array, axis: Axes, keepdims: bool) -> Array:
    least = np.min(np.where(np.isnan(x), np.inf, x), axis=axis, keepdims=keepdims)
    return np.where(np.all(np.isnan(x), axis=axis, keepdims=keepdims), np.nan, least)


@decomposition("source")
def nanargmax(x: Array, axis: int | None, keepdims: bool) -> Array:
    return np.argmax(np.where(np.isnan(x), -np.inf, x), axis=axis, keepdims=keepdims)


@decomposition("source")
def nanargmin(x: Array, axis: int | None, keepdims: bool) -> Array:
    return np.argmin(np.where(np.isnan(x), np.inf, x), axis=axis, keepdims=keepdims)


@decomposition("source")
def isclose(x: Array, y: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    near = np.abs(x - y) <= atol + rtol * np.abs(y)
    alike = np.logical_or(np.logical_and(near, np.isfinite(y)), x == y)
    return np.logical_or(alike, np.logical_and(np.isnan(x), np.isnan(y))) if equal_nan else alike


@decomposition("source")
def isinf(x: Array) -> Array:
    return np.abs(x) == np.inf


@decomposition("source")
def spacing(x: Array) -> Array:
    return np.nextafter(x, np.copysign(np.inf, x)) - x


@decomposition("compile", "source")
def round(x: Array, decimals: int) -> Array:
    if decimals < 0:
        return np.rint(x / 10.0**-decimals) * 10.0**-decimals
    return np.rint(x * 10.0**decimals) / 10.0**decimals if decimals else np.rint(x)


@decomposition("source")
def ldexp(x: Array, exponent: Array) -> Array:
    return x * np.exp2(exponent)


@decomposition("compile", "source")
def heaviside(x: Array, at_zero: Array) -> Array:
    return np.where(x < 0, 0.0, np.where(x > 0, 1.0, np.where(x == 0, at_zero, x)))


@decomposition("source")
def float_power(x: Array, y: Array) -> Array:
    return x**y


@decomposition("source")
def cross(a: Array, b: Array) -> Array:
    ax, ay, az = (a[..., i] for i in range(3))
    bx, by, bz = (b[..., i] for i in range(3))
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


@decomposition("source")
def spherical_bessel(z: Array, order: int) -> Array:
    """The first two; near zero the second one's series."""
    if order == 0:
        return np.sinc(z * (1 / math.pi))
    if order > 1 or z.dtype.kind == "c":
        raise NotImplementedError
    small = np.abs(z) < 0.1
    near, far = np.where(small, z, 0.0), np.where(small, 1.0, z)
    square = near * near
    series = 1 - square / 10 * (1 - square / 28 * (1 - square / 54 * (1 - square / 88)))
    return np.where(small, near / 3 * series, (np.sin(far) / far - np.cos(far)) / far)


@decomposition("compile", "source")
def sinc(x: Array) -> Array:
    turned = np.where(x == 0, 1.0, x * math.pi)
    return np.where(x == 0, 1.0, np.sin(turned) / turned)
