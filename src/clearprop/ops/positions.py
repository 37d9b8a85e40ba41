"""Positions of entries, and tests of membership: results without a gradient.

How many entries `nonzero` and its kin find depends on the numbers, so they give plain arrays, and cannot be
traced.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, ShapeLike
from ..engine.primitive import Sample, answers, floats, primitive
from ..engine.spec import ArraySpec
from ..engine.tensor import Tensor
from ..errors import UnsupportedError
from .sorting import POSITION
from .specs import shaped
from .take_put import known


@answers(np.nonzero)
def nonzero(a: Array) -> tuple[Array, ...]:
    return np.nonzero(known(a, "np.nonzero"))


@answers(np.flatnonzero)
def flatnonzero(a: Array) -> Array:
    return np.flatnonzero(known(a, "np.flatnonzero"))


@answers(np.argwhere)
def argwhere(a: Array) -> Array:
    return np.argwhere(known(a, "np.argwhere"))


@answers(np.unravel_index)
def unravel_index(indices: Tensor, shape: ShapeLike, order: str = "C") -> tuple[Array, ...]:
    """Return one array for each axis, which may be traced; where the numbers are known, they are
    looked at first.
    """
    shape = tuple(map(operator.index, shape if np.iterable(shape) else (shape,)))
    if indices.is_known:
        np.unravel_index(indices.value, shape)  # for the error it raises
    steps = np.cumprod((1, *(shape if order == "F" else shape[::-1])))[:-1]
    steps = steps if order == "F" else steps[::-1]
    indices = indices.astype(np.intp)
    return tuple(indices // int(step) % n for step, n in zip(steps, shape, strict=True))


def _searchsorted_spec(a: Array, v: Array, side: str) -> ArraySpec:
    return ArraySpec(v.shape, np.dtype(np.intp))


_searchsorted_record = primitive(
    "searchsorted",
    np.searchsorted,
    spec=_searchsorted_spec,
    why=POSITION,
    samples=(
        Sample(np.array([0.0, 0.5, 1.0]), floats(2, 3), side="left"),
        Sample(np.array([0.0, 0.5, 1.0]), floats(), side="right"),
    ),
)


@answers(np.searchsorted)
def searchsorted(a: ArrayLike, v: ArrayLike, side: str = "left", sorter: AnyArray = None) -> Array:
    a = shaped(a) if sorter is None else np.take(a, sorter)
    return _searchsorted_record(a, shaped(v), side=side)


def _isin_spec(element: Array, test_elements: Array, invert: bool) -> ArraySpec:
    return ArraySpec(element.shape, np.dtype(bool))


def _isin(element: Array, test_elements: Array, invert: bool) -> Array:
    return np.isin(element, test_elements, invert=invert)


_isin_record = primitive(
    "isin",
    _isin,
    spec=_isin_spec,
    why="True or false: a small step of the input does not change it.",
    samples=(
        Sample(np.array([[1, 2], [3, 1]]), np.array([1, 3]), invert=False),
        Sample(floats(3), floats(2), invert=True),
    ),
)


@answers(np.isin)
def isin(
    element: ArrayLike,
    test_elements: ArrayLike,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: str | None = None,
) -> Array:
    """Answer `np.isin`. The way it is done (`assume_unique`, `kind`) makes no difference to the result."""
    return _isin_record(shaped(element), shaped(test_elements), invert=bool(invert))


@answers(np.unique)
def unique(ar: Array, *args: Any, **kwargs: Any) -> Array | tuple[Array, ...]:
    if isinstance(ar, Tensor) and ar.requires_grad:
        raise UnsupportedError(
            "np.unique of values with a gradient: which of several equal entries should get it? Write "
            "values, first = np.unique(t.detach().numpy(), return_index=True), and t.reshape(-1)[first] "
            "for the values with the gradients of their first places."
        )
    return np.unique(known(ar, "np.unique"), *args, **kwargs)
