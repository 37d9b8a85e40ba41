"""Powers as statistics uses them: Box and Cox's transforms, Tukey's lambda distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.primitive import Sample, floats
from .common import near_zero, series, slope_is, special
from .elementary import exprel_slope

_LOG = [(-1) ** (k + 1) * (k + 1) / (k + 2) for k in range(18)]


def _lambdas(low: float, high: float) -> tuple[Sample, ...]:
    return (
        Sample(floats(3, 4, low=low, high=high), floats(4, low=-1.5, high=1.5)),
        Sample(floats(low=low, high=high), floats(low=0.3, high=1.5)),
        Sample(floats(3, low=low, high=high), np.array([0.0, 0.01, 1.0])),
        Sample(floats(3, low=low, high=high), 0.5),
    )


# ---- Box and Cox


def boxcox_slope(x: Array, power: Array) -> Array:
    return np.exp((power - 1) * np.log(x))


def boxcox_slope_power(x: Array, power: Array) -> Array:
    log = np.log(x)
    return log * log * exprel_slope(power * log)


boxcox = special(
    sp.boxcox,
    slope_is(boxcox_slope),
    slope_is(boxcox_slope_power),
    why="A power whose slope is one at one, whatever the exponent; the logarithm's for exponent zero.",
    also_in="jax",
    samples=_lambdas(0.5, 3),
)


def boxcox1p_slope(x: Array, power: Array) -> Array:
    return np.exp((power - 1) * np.log1p(x))


def boxcox1p_slope_power(x: Array, power: Array) -> Array:
    log = np.log1p(x)
    return log * log * exprel_slope(power * log)


boxcox1p = special(
    sp.boxcox1p,
    slope_is(boxcox1p_slope),
    slope_is(boxcox1p_slope_power),
    why="A power of one plus the input: the slope is one at zero, whatever the exponent.",
    also_in="jax",
    samples=_lambdas(-0.5, 2),
)


def _log_slope(t: Array) -> Array:
    """Return ``(t / (1 + t) - log(1 + t)) / t²``."""
    return near_zero(
        t,
        0.1,
        lambda t: series(t, _LOG),
        lambda t: (t / (1 + t) - np.log1p(t)) / (t * t),
    )


def _inverse(ufunc: np.ufunc, less: float, why: str) -> None:
    """Register ``(1 + power y) ** (1 / power) - less``."""

    def vjp(g: Array, out: Array, y: Array, power: Array) -> Array:
        return g * ((out + less) / (1 + power * y))

    def vjp_power(g: Array, out: Array, y: Array, power: Array) -> Array:
        return g * ((out + less) * (y * y) * _log_slope(power * y))

    samples = (
        Sample(floats(3, 4, low=-0.5, high=0.6), floats(4, low=-1.5, high=1.5)),
        Sample(floats(low=0.3, high=1.5), floats(low=0.3, high=1.5)),
        Sample(floats(3, low=0.5, high=1), np.array([0.0, 0.01, 1.0])),
    )
    special(ufunc, vjp, vjp_power, why=why, samples=samples)


_inverse(sp.inv_boxcox, 0.0, "A root of the input; the exponential where the power is zero.")
_inverse(sp.inv_boxcox1p, 1.0, "A root of the input, less one; its slope is one at zero.")


# ---- a power less one


def powm1_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * (y * x ** (y - 1))


def powm1_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * sp.xlogy(out + 1, x)


powm1 = special(
    sp.powm1,
    powm1_vjp_x,
    powm1_vjp_y,
    why="A power less a constant has the slopes of the power.",
    samples=_lambdas(0.5, 3),
)


# ---- Tukey's lambda distribution


def _quantile_slope(shape: Array, p: Array) -> Array:
    return p ** (shape - 1) + (1 - p) ** (shape - 1)


def tklmbda_vjp(g: Array, out: Array, x: Array, shape: Array) -> Array:
    return g / _quantile_slope(shape, out)


def tklmbda_vjp_shape(g: Array, out: Array, x: Array, shape: Array) -> Array:
    slope: Callable[[Array, Array], Array] = boxcox_slope_power
    by_shape = slope(out, shape) - slope(1 - out, shape)
    return -g * (by_shape / _quantile_slope(shape, out))


tklmbda = special(
    sp.tklmbda,
    tklmbda_vjp,
    tklmbda_vjp_shape,
    why="A probability: its slope is one over that of the quantile, a sum of two powers.",
    samples=(
        Sample(floats(3, 4, low=-0.7, high=0.7), floats(4, low=0.2, high=0.9)),
        Sample(floats(low=0.2, high=0.7), floats(low=-1.5, high=-0.5)),
    ),
)
