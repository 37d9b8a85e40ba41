"""Shape and dtype rules that several families of primitives share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.array_types import Array, ArrayLike, Axes, Shape
from ..engine.arrays import as_array
from ..engine.broadcasting import broadcast_shapes
from ..engine.spec import ArraySpec, shape_of, ufunc_dtype

SpecRule = Callable[..., ArraySpec]


def shaped(x: ArrayLike) -> Array:
    """Return `x`, or the array of it if it is a list or a number."""
    return as_array(x)


def like_ufunc(ufunc: np.ufunc) -> SpecRule:
    """Return a rule by which inputs broadcast; the dtype is what this ufunc would give."""

    def spec(*inputs: Array) -> ArraySpec:
        shapes = [shape_of(x) for x in inputs]
        return ArraySpec(broadcast_shapes(*shapes), ufunc_dtype(ufunc, *inputs))

    return spec


def same(x: Array, **params: Any) -> ArraySpec:
    """Return the spec of the first input."""
    return ArraySpec(x.shape, x.dtype)


def reduced(shape: Shape, axis: Axes, keepdims: bool) -> Shape:
    """Return the shape after a reduction over `axis`."""
    if keepdims:
        return tuple(1 if i in axis else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axis)


def kept(g: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    """Return `g`, the gradient of a reduction of `x`, so that it broadcasts against `x`: the reduced
    axes are back as size one (a single number broadcasts as it is).
    """
    return g if keepdims or g.shape == () else g.reshape(reduced(x.shape, axis, True))
