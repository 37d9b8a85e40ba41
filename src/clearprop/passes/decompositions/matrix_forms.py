"""Functions of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import decomposition


@decomposition("source")
def inv_or_nan(a: Any) -> Any:
    return np.linalg.inv(a)


def _number(x: Any) -> Any:
    """One number for each matrix."""
    return x[..., None, None] if x.ndim else x


@decomposition("source")
def cofactors(a: Any) -> Any:
    return _number(np.linalg.det(a)) * np.linalg.inv(a).mT


@decomposition("source")
def cofactor_slopes(a: Any, step: Any) -> Any:
    x = np.linalg.inv(a).mT
    along = np.sum(x * step, axis=(-2, -1), keepdims=True)
    return _number(np.linalg.det(a)) * (along * x - x @ step.mT @ x)


@decomposition("source")
def svdvals(a: Any) -> Any:
    return np.linalg.svd(a, full_matrices=False)[1]
