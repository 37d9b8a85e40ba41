"""Means, variances and norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.array_types import Array, Axes
from .registry import decomposition


def _count(x: Array, axis: tuple[int, ...]) -> int:
    return int(np.prod([x.shape[i] for i in axis], dtype=int))


@decomposition("compile", "source")
def mean(x: Array, axis: Axes, keepdims: bool) -> Array:
    return x.sum(axis, keepdims=keepdims) / _count(x, axis)


def _is_real(x: Array, **params: Any) -> bool:
    return bool(x.dtype.kind != "c")


@decomposition("compile", "source", applies=_is_real)
def var(x: Array, axis: Axes, ddof: float, keepdims: bool) -> Array:
    centred = x - x.sum(axis, keepdims=True) / _count(x, axis)
    return (centred * centred).sum(axis, keepdims=keepdims) / max(_count(x, axis) - ddof, 0)


@decomposition("compile", "source", applies=_is_real)
def norm(x: Array, axis: Axes, keepdims: bool) -> Array:
    return np.sqrt((x * x).sum(axis, keepdims=keepdims))


@decomposition("compile", "source", applies=_is_real)
def std(x: Array, axis: Axes, ddof: float, keepdims: bool) -> Array:
    return np.sqrt(var(x, axis, ddof, keepdims))


@decomposition("source")
def p_norm(x: Array, ord: float, axis: Axes, keepdims: bool) -> Array:
    return np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1 / ord)
