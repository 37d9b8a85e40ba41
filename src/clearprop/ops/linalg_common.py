"""What the records of linear algebra share: checks, conjugates, triangles and matrices to test on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, DType
from ..engine.bundle import Bundle
from ..errors import ShapeError
from .specs import shaped

Rule = Callable[..., Any]


def square(function: str, a: ArrayLike) -> Array:
    """Return `a` as an array or Tensor of square matrices; raise ShapeError where it is none."""
    return square_as_given(function, as_floats(a))


def square_as_given(function: str, a: ArrayLike) -> Array:
    """Do as `square` does, but leave whole numbers what they are."""
    a = _matrix_as_given(function, shaped(a))
    if a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{function} needs square matrices, but the shape is {a.shape}")
    return a


def matrix(function: str, a: ArrayLike) -> Array:
    """Return `a` as an array or Tensor of at least two axes."""
    return _matrix_as_given(function, as_floats(a))


def _matrix_as_given(function: str, a: Array) -> Array:
    if a.ndim < 2:
        raise ShapeError(
            f"{function} needs a matrix or a stack of them, but the shape is {a.shape}"
        )
    return a


def as_floats(x: ArrayLike) -> Array:
    """Return `x` as an array or Tensor that np.linalg computes with: whole numbers become float64."""
    x = shaped(x)
    return x.astype(float) if x.dtype.kind in "biu" else x


def conj(x: Array) -> Array:
    """Return the complex conjugate, at no cost for real numbers."""
    return np.conj(x) if x.dtype.kind == "c" else x


def adjoint(x: Array) -> Array:
    """Return the conjugate transpose of matrices."""
    return conj(x).mT


def ascending(rule: Rule) -> Rule:
    """Return a rule written for gradients as users see them, the directions of steepest ascent.

    Functions that conjugate their input have no complex derivative, and their rules are best known in that
    form (e.g. C. Roberts and L. Roberts, QR and LQ decomposition matrix backpropagation algorithms, 2020);
    within the sweep the conjugates travel.
    """

    def turned(g: Array | Bundle, out: Array | Bundle, *inputs: Array, **params: Any) -> Array:
        g = Bundle(None if x is None else conj(x) for x in g) if isinstance(g, Bundle) else conj(g)
        return conj(rule(g, out, *inputs, **params))

    return turned


def hermitian_part(x: Array) -> Array:
    return (x + adjoint(x)) / 2


def row(x: Array) -> AnyArray:
    """Return a vector as a row: what it multiplies are columns."""
    return np.expand_dims(x, -2)


def column(x: Array) -> AnyArray:
    """Return a vector as a column: what it multiplies are rows."""
    return np.expand_dims(x, -1)


def number(x: Array) -> Array:
    """Return a number for each matrix, to multiply matrices with."""
    return np.expand_dims(x, (-2, -1))


def diagonal(x: Array) -> Array:
    """Return vectors as diagonal matrices."""
    return np.where(np.eye(x.shape[-1], dtype=bool), column(x), np.zeros(1, x.dtype))


def solve_right(b: Array, a: Array) -> Array:
    """Return ``b @ inv(a)``."""
    return np.linalg.solve(a.mT, b.mT).mT


def rounding(values: Array, count: int) -> Array:
    """Return how far apart eigenvalues or singular values of a matrix may be by rounding alone."""
    if not values.shape[-1]:
        return np.zeros(1)
    largest = np.max(np.abs(values), -1, keepdims=True)
    return largest * (count * np.finfo(values.dtype).eps)


def quotient(x: Array, y: Array, tolerance: AnyArray) -> Array:
    """Return ``x / y``, and NaN where `y` is no more than rounding."""
    far = np.abs(y) > tolerance
    return np.where(far, x / np.where(far, y, np.ones(1, y.dtype)), np.full(1, np.nan, x.dtype))


def per_gap(x: Array, gaps: Array, tolerance: AnyArray) -> Array:
    """Return matrices, entry by entry, by the gaps between values of different vectors; nothing on the
    diagonal.

    NaN where a gap is no more than rounding. Such vectors may be turned into each other, and what a function
    of them and their values does then, as ``(v * f(w)) @ v.T`` does, takes the slope of f, which nobody knows
    here: the cotangents of that are 0 or symmetric, as are those of a function that is flat.
    """
    apart = ~np.eye(x.shape[-1], dtype=bool)
    return np.where(apart, quotient(x, gaps, tolerance), np.zeros(1, x.dtype))


def real_dtype(a: Array) -> DType:
    return np.empty((), a.dtype).real.dtype


@cache
def named(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes the named tuple that a function of np.linalg returns."""
    kind: Any = type(function(np.eye(1)))
    return lambda parts: kind(*parts)


def well_conditioned(*shape: int, dtype: str = "float64", seed: int = 7) -> Array:
    """Return matrices whose singular values are well apart, to test on."""
    # as good as random, and np.random would take longer to import than all else
    angles = np.arange(1, 1 + int(np.prod(shape))).reshape(shape) * seed
    x = np.sin(angles * angles * 0.7)
    if dtype == "complex128":
        x = x + 1j * np.cos(angles * angles * 1.3)
    return x + np.eye(shape[-2], shape[-1]) * np.arange(2, 2 + shape[-1])


def hermitian(*shape: int, dtype: str = "float64", shift: float = 0.0) -> Array:
    """Return symmetric (or Hermitian) matrices, to test on; with `shift` positive definite ones."""
    x = well_conditioned(*shape, dtype=dtype)
    return x + np.conj(x).mT + shift * np.eye(shape[-1])
