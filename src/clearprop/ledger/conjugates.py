"""Conjugates in formulas, written where they are easiest to read: at the names."""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.primitive import primitives
from ..engine.tensor import Tensor


def conjugated(value: AnyArray) -> AnyArray:
    """Return the conjugate of what operations made, by way of the conjugates of what they were given.

    What has a name is left as it is.
    """
    return _conjugated(value, {})


def _conjugated(value: AnyArray, known: dict[Tensor, AnyArray]) -> AnyArray:
    if not isinstance(value, Tensor):
        return np.conj(value)[()] if np.iscomplexobj(value) else value
    if value.dtype.kind != "c":
        return value
    if value not in known:
        known[value] = _turn(value, known)
    return known[value]


def _turn(value: Tensor, known: dict[Tensor, AnyArray]) -> AnyArray:
    primitive, inputs = value.primitive, value.inputs
    if primitive is primitives.conj:
        return inputs[0]
    is_named = value.origin is not None and value.origin.name
    if is_named or primitive is None or "conjugates" not in primitive.traits or _is_choice(value):
        return primitives.conj(value)
    return primitive(*(_conjugated(x, known) for x in inputs), **value.params)


def _is_choice(value: Tensor) -> bool:
    """Return whether it picks between names and numbers, as where(t == 0, inf, t): short enough as it is."""
    return value.primitive is primitives.where and not any(
        isinstance(x, Tensor) and x.primitive is not None for x in value.inputs[1:]
    )
