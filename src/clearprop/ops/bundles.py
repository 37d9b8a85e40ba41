"""Operations with several results: how one is taken out, and gradients that only some of them get."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..engine.array_types import AnyArray, Array
from ..engine.bundle import Bundle
from ..engine.primitive import primitive
from ..engine.tensor import Tensor


def _element(bundle: Bundle, index: int, count: int) -> Array:
    return bundle[index]


def element_vjp(g: Array, out: Array, bundle: Bundle, index: int, count: int) -> Bundle:
    return Bundle(g if i == index else None for i in range(count))


element = primitive(
    "element",
    _element,
    spec=_element,
    vjp=(element_vjp,),
    role="passes",
    why="One of several results; each has a gradient of its own.",
    samples=(),
)


def results_of(made: AnyArray | Bundle) -> list[AnyArray]:
    """Return the results of an operation, one by one: of a bundle each, known or not, of an array itself."""
    value = made.value if isinstance(made, Tensor) else made
    if not isinstance(value, Bundle):
        return [made]
    if value is made:
        return list(value)
    return [element(made, index=i, count=len(value)) for i in range(len(value))]


def filled(g: Bundle, out: Iterable[Array]) -> tuple[Array, ...]:
    """Return the upstream gradients of several results, with zeros where there are none."""
    pairs = zip(g, out, strict=True)
    return tuple(np.zeros(y.shape, y.dtype)[()] if gy is None else gy for gy, y in pairs)
