"""Functions of matrices."""

from __future__ import annotations

import numpy as np

from ...engine.array_types import Array
from .registry import decomposition


@decomposition("source")
def inv_or_nan(a: Array) -> Array:
    return np.linalg.inv(a)


def _number(x: Array) -> Array:
    """One number for each matrix."""
    return x[..., None, None] if x.ndim else x


@decomposition("source")
def cofactors(a: Array) -> Array:
    return _number(np.linalg.det(a)) * np.linalg.inv(a).mT


@decomposition("source")
def cofactor_slopes(a: Array, step: Array) -> Array:
    x = np.linalg.inv(a).mT
    along = np.sum(x * step, axis=(-2, -1), keepdims=True)
    return _number(np.linalg.det(a)) * (along * x - x @ step.mT @ x)


@decomposition("source")
def svdvals(a: Array) -> Array:
    return np.linalg.svd(a, full_matrices=False)[1]
