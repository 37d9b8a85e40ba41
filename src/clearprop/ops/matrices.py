"""What the records of linear algebra share: checks, conjugates, triangles and matrices to test on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..bundle import Bundle
from ..errors import ShapeError

Rule = Callable[..., Any]


def square(function: str, a: Any) -> Any:
    """`a` as an array or Tensor of square matrices; raises ShapeError where it is none."""
    a = matrix(function, a)
    if a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{function} needs square matrices, but the shape is {a.shape}")
    return a


def matrix(function: str, a: Any) -> Any:
    """`a` as an array or Tensor of at least two axes."""
    a = a if hasattr(a, "ndim") else np.asarray(a)
    if a.ndim < 2:
        raise ShapeError(
            f"{function} needs a matrix or a stack of them, but the shape is {a.shape}"
        )
    return a.astype(float) if a.dtype.kind in "biu" else a


def conj(x: Any) -> Any:
    """The complex conjugate, at no cost for real numbers."""
    return np.conj(x) if x.dtype.kind == "c" else x


def adjoint(x: Any) -> Any:
    """The conjugate transpose of matrices."""
    return conj(x).mT


def ascending(rule: Rule) -> Rule:
    """A rule written for gradients as users see them, the directions of steepest ascent.

    Functions that conjugate their input have no complex derivative, and their rules are best known in that
    form (e.g. C. Roberts and L. Roberts, QR and LQ decomposition matrix backpropagation algorithms, 2020);
    within the sweep the conjugates travel.
    """

    def turned(g: Any, out: Any, *inputs: Any, **params: Any) -> Any:
        g = Bundle(None if x is None else conj(x) for x in g) if isinstance(g, Bundle) else conj(g)
        return conj(rule(g, out, *inputs, **params))

    return turned


def diagonal(x: Any) -> Any:
    """Vectors as diagonal matrices."""
    return np.expand_dims(x, -1) * np.eye(x.shape[-1], dtype=x.dtype)


def reciprocal(x: Any) -> Any:
    """1 / x, and 0 where x is 0."""
    empty = x == 0
    return np.where(empty, 0.0, 1 / np.where(empty, 1.0, x)).astype(x.dtype)


def gaps(x: Any) -> Any:
    """1 / (x[j] - x[i]) for each pair, 0 for equal ones."""
    return reciprocal(np.expand_dims(x, -2) - np.expand_dims(x, -1))


def well_conditioned(*shape: int, dtype: str = "float64", seed: int = 7) -> Any:
    """Matrices whose singular values are well apart, to test on."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, shape)
    if dtype == "complex128":
        x = x + 1j * rng.uniform(-1, 1, shape)
    return x + np.eye(shape[-2], shape[-1]) * np.arange(2, 2 + shape[-1])


def hermitian(*shape: int, dtype: str = "float64", shift: float = 0.0) -> Any:
    """Symmetric (or Hermitian) matrices, to test on; with `shift` positive definite ones."""
    x = well_conditioned(*shape, dtype=dtype)
    return x + np.conj(x).mT + shift * np.eye(shape[-1])
