"""Determinants. Their gradient is the matrix of cofactors, which singular matrices have, too."""

from __future__ import annotations

import numpy as np

from ..engine.array_types import Array, ArrayLike
from ..engine.bundle import Bundle
from ..engine.primitive import Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec
from .linalg_common import named, number, real_dtype, square, well_conditioned
from .solving import inv_or_nan
from .specs import same

_COMPLEX = Draw((3, 3), dtype="complex128")
_SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
_REGULAR = well_conditioned(3, 3)
_RANK_ONE = np.outer([1.0, -2.0, 0.5], [2.0, 1.0, 3.0])
_SINGULAR_COMPLEX = np.outer([1.0 + 1j, -2.0], [2.0, 1.0 - 3j])


def _numbers(a: Array, *others: Array) -> ArraySpec:
    return ArraySpec(a.shape[:-2], a.dtype)


def det_vjp(g: Array, out: Array, a: Array) -> Array:
    return number(g) * _cofactors_record(a)


_det_record = primitive(
    "det",
    np.linalg.det,
    spec=_numbers,
    vjp=(det_vjp,),
    role="scales",
    why="Each entry's slope is its cofactor: the determinant of what is left without its row and column, "
    "with a sign.",
    samples=(
        Sample(floats(3, 3)),
        Sample(_COMPLEX),
        Sample(floats(2, 3, 3)),
        Sample(_SINGULAR),
        Sample(_RANK_ONE),
        Sample(_SINGULAR_COMPLEX),
        Sample(floats(1, 1)),
        Sample(floats(0, 0)),
    ),
)


@answers(np.linalg.det)
def det(a: Array) -> Array:
    return _det_record(square("np.linalg.det", a))


# ---- cofactors: the derivative of the determinant, and the derivative of that


def _inverse_if_safe(a: Array) -> Array | None:
    """Return the inverse, where rounding leaves three quarters of its digits; None where some matrix
    does not.
    """
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    sizes = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    return inverse if np.all(sizes < np.finfo(a.dtype).eps ** -0.25) else None


def _svd(a: Array) -> tuple[Array, Array, Array, Array]:
    u, s, vh = np.linalg.svd(a)
    return np.conj(u), s, np.conj(vh), number(np.linalg.det(u) * np.linalg.det(vh))


def _before(s: Array) -> Array:
    """Return the products of all numbers before each place."""
    return np.cumprod(np.concatenate([np.ones_like(s[..., :1]), s[..., :-1]], -1), -1)


def _after(s: Array) -> Array:
    return _before(s[..., ::-1])[..., ::-1]


def _cofactors(a: Array) -> Array:
    inverse = _inverse_if_safe(a)
    if inverse is not None:
        return number(np.linalg.det(a)) * inverse.mT
    u, s, vh, sign = _svd(a)  # no division, so zeros do no harm
    return ((sign * u) * (_before(s) * _after(s))[..., None, :]) @ vh


def cofactors_vjp(g: Array, out: Array, a: Array) -> Array:
    return _cofactor_slopes_record(a, g)


_cofactors_record = primitive(
    "cofactors",
    _cofactors,
    spec=same,
    vjp=(cofactors_vjp,),
    role="mixes",
    why="Each entry is part of the cofactors of all entries that are neither in its row nor in its column.",
    samples=(Sample(floats(3, 3)), Sample(_COMPLEX), Sample(floats(2, 2, 2)), Sample(floats(1, 1))),
)


def _cofactor_slopes(a: Array, step: Array) -> Array:
    """Return how cofactors change along `step`: the second derivative of the determinant, contracted
    with it.
    """
    inverse = _inverse_if_safe(a)
    if inverse is not None:
        x = inverse.mT
        along = np.sum(x * step, axis=(-2, -1), keepdims=True)
        return number(np.linalg.det(a)) * (along * x - x @ step.mT @ x)
    u, s, vh, sign = _svd(a)
    others = _without_two(s)
    turned = u.mT @ step @ vh.mT
    straight = (others @ np.diagonal(turned, 0, -2, -1)[..., None]) * np.eye(s.shape[-1])
    return (sign * u) @ (straight - others * turned.mT) @ vh


def _without_two(s: Array) -> Array:
    """Return, for each pair of places, the product of the numbers everywhere else; 0 on the diagonal."""
    n = s.shape[-1]
    later = np.tri(n, dtype=bool).T & ~np.eye(n, dtype=bool)
    between = _before(np.where(later, s[..., None, :], 1.0).astype(s.dtype))
    upper = np.where(later, _before(s)[..., :, None] * between * _after(s)[..., None, :], 0)
    return (upper + upper.mT).astype(s.dtype)


def _slopes_spec(a: Array, step: Array) -> ArraySpec:
    return ArraySpec(a.shape, np.result_type(a.dtype, step.dtype))


def cofactor_slopes_vjp_a(g: Array, out: Array, a: Array, step: Array) -> Array:
    x = np.linalg.inv(a).mT
    one, other = x @ g.mT @ x, x @ step.mT @ x
    total = np.sum(g * out, axis=(-2, -1), keepdims=True) * x
    rest = one @ step.mT @ x + other @ g.mT @ x
    rest = rest - one * np.sum(x * step, axis=(-2, -1), keepdims=True)
    rest = rest - other * np.sum(x * g, axis=(-2, -1), keepdims=True)
    return total + number(np.linalg.det(a)) * rest


def cofactor_slopes_vjp_step(g: Array, out: Array, a: Array, step: Array) -> Array:
    return _cofactor_slopes_record(a, g)


_cofactor_slopes_record = primitive(
    "cofactor_slopes",
    _cofactor_slopes,
    spec=_slopes_spec,
    vjp=(cofactor_slopes_vjp_a, cofactor_slopes_vjp_step),
    role="mixes",
    why="The third derivative of the determinant, where it has an inverse to be written with.",
    samples=(
        Sample(_REGULAR, floats(3, 3)),
        Sample(_COMPLEX, _COMPLEX),
        Sample(floats(2, 4, 4), floats(2, 4, 4)),
    ),
)


# ---- logarithms


def _slogdet(a: Array) -> Bundle:
    return Bundle(np.linalg.slogdet(a))


def _slogdet_spec(a: Array) -> Bundle:
    return Bundle([_numbers(a), ArraySpec(a.shape[:-2], real_dtype(a))])


def slogdet_vjp(g: Bundle, out: Bundle, a: Array) -> Array:
    gsign, glog = g
    sign, _ = out
    pull = np.zeros(a.shape[:-2], a.dtype)[()] if glog is None else glog
    if gsign is not None and a.dtype.kind == "c":  # a real sign is a step
        pull = pull + np.imag(gsign * sign) * 1j
    return number(pull) * inv_or_nan(a).mT


_slogdet_record = primitive(
    "slogdet",
    _slogdet,
    spec=_slogdet_spec,
    vjp=(slogdet_vjp,),
    role="mixes",
    why="The slope of the logarithm of a determinant is the inverse, transposed, as 1/x is that of log x.",
    samples=(
        Sample(floats(3, 3)),
        Sample(_COMPLEX),
        Sample(floats(2, 3, 3)),
        Sample(floats(0, 0)),
    ),
)


@answers(np.linalg.slogdet)
def slogdet(a: ArrayLike) -> tuple[Array, Array]:
    """Answer `np.linalg.slogdet`. A singular matrix has the logarithm minus infinity, and no gradient:
    NaN.
    """
    return named(np.linalg.slogdet)(_slogdet_record(square("np.linalg.slogdet", a)))
