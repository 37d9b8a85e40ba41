"""Incomplete gamma and beta integrals with logarithms in them: their derivatives by their parameters.

SciPy has no such functions. In the logarithm of the variable each is a smooth hill that is cut off somewhere,
so sums over nodes that crowd towards the cut and the top give it to rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special as sp

from ...engine.array_types import AnyArray, Array
from ...engine.broadcasting import broadcast_shapes
from ...engine.primitive import Sample, floats, primitive
from ...engine.spec import ArraySpec, promote, shape_of

_STEP = 1 / 32
_PLACES = np.arange(-4.25, 3.5, _STEP)
_DISTANCES = np.exp(np.pi / 2 * np.sinh(_PLACES))
_WEIGHTS = _STEP * np.pi / 2 * np.cosh(_PLACES) * _DISTANCES
_INNER = np.arange(-3.25, 3.25 + _STEP, _STEP)
_SHARES = 1 / (1 + np.exp(-np.pi * np.sinh(_INNER)))
_INNER_WEIGHTS = _STEP * np.pi * np.cosh(_INNER) * _SHARES * _SHARES[::-1]


def _up_to(top: Array, end: Array, hill: Callable[[Array], Array]) -> Array:
    """Return the integral of ``hill(v)`` over all v below `end`, where the hill's `top` is or is not."""
    total = np.zeros(np.shape(end))
    top = np.minimum(top, end)
    for distance, weight in zip(_DISTANCES, _WEIGHTS, strict=True):
        total = total + weight * hill(top - distance)
    rest = end - top
    for share, weight in zip(_SHARES, _INNER_WEIGHTS, strict=True):
        total = total + weight * rest * hill(top + share * rest)
    return total


def _spec(*inputs: Array, **powers: int) -> ArraySpec:
    return ArraySpec(broadcast_shapes(*map(shape_of, inputs)), promote(*inputs, 1.0))


def _wide(inputs: tuple[Array, ...]) -> list[Array]:
    return [x.astype(float) for x in np.broadcast_arrays(*inputs)]


def _gamma_moment(a: Array, x: Array, logs: int) -> Array:
    dtype = promote(a, x, 1.0)
    a, x = _wide((a, x))
    with np.errstate(all="ignore"):
        far = a + 60 + 12 * np.sqrt(a)  # nothing is left of the hill there
        end = np.log(np.minimum(x, far))
        scale = sp.gammaln(a)

        def hill(v: Array) -> Array:
            size = np.exp(a * v - np.exp(v) - scale)
            return np.where(size == 0, 0.0, size * v**logs)

        total = _up_to(np.log(a), end, hill)
    return np.where(x > 0, total, 0.0).astype(dtype)[()]


def gamma_moment_vjp_a(g: Array, out: Array, a: Array, x: Array, logs: int) -> Array:
    return g * (gamma_moment(a, x, logs=logs + 1) - sp.digamma(a) * out)


def gamma_moment_vjp_x(g: Array, out: Array, a: Array, x: Array, logs: int) -> Array:
    density = np.exp(sp.xlogy(a - 1, x) - x - sp.gammaln(a))
    return g * (density * np.log(x) ** logs)


gamma_moment = primitive(
    "gamma_moment",
    _gamma_moment,
    spec=_spec,
    vjp=(gamma_moment_vjp_a, gamma_moment_vjp_x),
    role="scales",
    why="A mean of powers of the logarithm over the lower part of a gamma distribution.",
    traits=["elementwise"],
    samples=(
        Sample(floats(3, 4, low=0.5, high=3), floats(4, low=0.5, high=3), logs=0),
        Sample(floats(3, low=0.5, high=3), floats(3, low=0.5, high=3), logs=1),
    ),
)


def gammainc_slope_a(a: Array, x: Array) -> Array:
    """Return how the regularized lower incomplete gamma function moves with its parameter."""
    return gamma_moment(a, x, logs=1) - sp.digamma(a) * sp.gammainc(a, x)


# ---- beta


def _beta_moment(a: Array, b: Array, x: Array, logs: int, others: int) -> Array:
    dtype = promote(a, b, x, 1.0)
    a, b, x = _wide((a, b, x))
    with np.errstate(all="ignore"):
        top = np.log(a) - np.log(b)
        far = top + 14 * np.sqrt(1 / a + 1 / b) + 60 / b
        end = np.minimum(np.log(x) - np.log1p(-x), far)
        scale = sp.betaln(a, b)

        def hill(v: Array) -> Array:
            log, other = -np.logaddexp(0, -v), -np.logaddexp(0, v)
            size = np.exp(a * log + b * other - scale)
            return np.where(size == 0, 0.0, size * log**logs * other**others)

        total = _up_to(top, end, hill)
    return np.where(x > 0, total, 0.0).astype(dtype)[()]


def beta_moment_vjp_a(
    g: Array, out: Array, a: Array, b: Array, x: Array, logs: int, others: int
) -> Array:
    moment = beta_moment(a, b, x, logs=logs + 1, others=others)
    return g * (moment - (sp.digamma(a) - sp.digamma(a + b)) * out)


def beta_moment_vjp_b(
    g: Array, out: Array, a: Array, b: Array, x: Array, logs: int, others: int
) -> Array:
    moment = beta_moment(a, b, x, logs=logs, others=others + 1)
    return g * (moment - (sp.digamma(b) - sp.digamma(a + b)) * out)


def beta_moment_vjp_x(
    g: Array, out: Array, a: Array, b: Array, x: Array, logs: int, others: int
) -> Array:
    density = np.exp(sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b))
    return g * (density * np.log(x) ** logs * np.log1p(-x) ** others)


beta_moment = primitive(
    "beta_moment",
    _beta_moment,
    spec=_spec,
    vjp=(beta_moment_vjp_a, beta_moment_vjp_b, beta_moment_vjp_x),
    role="scales",
    why="A mean of powers of logarithms over the lower part of a beta distribution.",
    traits=["elementwise"],
    samples=(
        Sample(
            floats(3, 4, low=0.5, high=3),
            floats(4, low=0.5, high=3),
            floats(4, low=0.2, high=0.8),
            logs=0,
            others=0,
        ),
        Sample(
            floats(3, low=0.5, high=3),
            floats(3, low=0.5, high=3),
            floats(3, low=0.2, high=0.8),
            logs=1,
            others=2,
        ),
    ),
)


def betainc_slope_a(a: Array, b: Array, x: Array) -> Array:
    """Return how the regularized incomplete beta function moves with its first parameter."""
    moment = beta_moment(a, b, x, logs=1, others=0)
    return moment - (sp.digamma(a) - sp.digamma(a + b)) * sp.betainc(a, b, x)


def betainc_slope_b(a: AnyArray, b: Array, x: Array) -> Array:
    """Return how the regularized incomplete beta function moves with its second parameter."""
    moment = beta_moment(a, b, x, logs=0, others=1)
    return moment - (sp.digamma(b) - sp.digamma(a + b)) * sp.betainc(a, b, x)
