"""Entries put into a random order, or chosen at random."""

from __future__ import annotations

import math

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, ShapeLike
from ..engine.arrays import as_array
from ..engine.spec import normalize_axes
from ..engine.tensor import Tensor, tensor
from ..errors import OutOfBoundsError, ShapeError
from .draws import randint, uniform
from .keys import shape_tuple


def permutation(key: ArrayLike, x: ArrayLike, axis: int = 0) -> AnyArray:
    """Return the entries of an array along an axis in a random order; of a number n, those of range(n).

    Gradients go to the entries.

    >>> from clearprop import random
    >>> random.permutation(random.key(0), 5)
    array([1, 0, 4, 3, 2])
    """
    count, entries, axis = _population(x, axis, "permutation")
    order = np.argsort(uniform(key, count), kind="stable")
    return _at(order, entries, axis)


def choice(
    key: ArrayLike,
    a: ArrayLike,
    shape: ShapeLike = (),
    replace: bool = True,
    p: ArrayLike | None = None,
    axis: int = 0,
) -> AnyArray:
    """Return entries of an array along an axis, chosen at random; of a number n, entries of range(n).

    Parameters
    ----------
    replace : whether an entry may be chosen more than once.
    p : an array with the probability of each entry, up to a common factor; None if all are the same.

    Raises
    ------
    ShapeError : `p` has not as many entries, or more are wanted than there are.
    OutOfBoundsError : there is no entry to choose, or a probability is negative.

    >>> from clearprop import random
    >>> random.choice(random.key(0), np.array([2.0, 3.0, 5.0]), 4)
    array([3., 2., 5., 3.])
    """
    count, entries, axis = _population(a, axis, "choice")
    shape = shape_tuple(shape, "choice")
    wanted = math.prod(shape)
    if p is not None:
        p = as_array(p)
        _check_probabilities(p, count)
    if not replace:
        _check_enough(p, count, wanted)
        order = np.argsort(uniform(key, count) if p is None else _waiting_times(key, p))
        index = order[:wanted].reshape(shape)
    elif p is None:
        if wanted and not count:
            raise OutOfBoundsError("choice was asked to choose among no entries")
        index = randint(key, shape, 0, max(count, 1))
    else:
        total = np.cumsum(p)
        index = np.searchsorted(total, uniform(key, shape) * total[-1], "right")
    return _at(index, entries, axis)


def _population(x: ArrayLike, axis: int, who: str) -> tuple[int, AnyArray, int]:
    """Return how many entries there are, the array they are from (None of a range), and the axis."""
    if isinstance(x, int | np.integer):
        if x < 0:
            raise OutOfBoundsError(f"{who} got {x}: there is no negative number of entries")
        return int(x), None, 0
    entries = as_array(x)
    if not entries.shape:
        raise ShapeError(f"{who} got {x!r}: give an array, or how many numbers from 0 on")
    (axis,) = normalize_axes(axis, entries.ndim)
    return entries.shape[axis], entries, axis


def _at(index: Array, entries: Array, axis: int) -> Array:
    """Return the entries at random places; the places themselves, where entries are those of a range."""
    if entries is None:
        return index
    if isinstance(index, Tensor) and not isinstance(entries, Tensor):
        entries = tensor(entries, requires_grad=False)  # NumPy asks arrays alone who answers
    return np.take(entries, index, axis)


def _waiting_times(key: ArrayLike, p: Array) -> Array:
    """Return how long to wait for each entry, if they come with rates p: who comes first is chosen first."""
    waits = -np.log1p(-uniform(key, p.shape))
    return np.where(p > 0, waits / np.where(p > 0, p, 1.0), np.inf)


def _check_probabilities(p: Array, count: int) -> None:
    if p.shape != (count,):
        raise ShapeError(
            f"choice got p of shape {p.shape}; it needs one for each of the {count} entries"
        )
    if not isinstance(p, Tensor) and (np.any(p < 0) or not np.any(p > 0)):
        raise OutOfBoundsError("choice got a p that is negative, or zero for all entries")


def _check_enough(p: AnyArray, count: int, wanted: int) -> None:
    possible = count if p is None or isinstance(p, Tensor) else int(np.count_nonzero(p))
    if wanted > possible:
        raise ShapeError(
            f"choice was asked for {wanted} different entries of {possible}; let them come again: "
            f"replace=True"
        )
