"""Keys, and the words that they give: plain arrays of two unsigned numbers of 32 bits."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, DTypeLike, Shape, ShapeLike
from ..engine.arrays import is_array
from ..engine.spec import spec_of
from ..engine.tensor import Tensor
from ..errors import DtypeError, OutOfBoundsError, ShapeError
from .threefry import threefry

WORD = np.dtype(np.uint32)
_FIRST = np.zeros(1, WORD)
"""The first word of counters. Words are in arrays, since NumPy warns of single numbers that wrap around."""
_AT_ONCE = 2**14
"""How many numbers are made at a time, so that what they are made from stays in a fast cache."""


def key(seed: ArrayLike) -> AnyArray:
    """Return the key of a seed: a whole number of up to 64 bits.

    It is an array of two unsigned numbers of 32 bits, and may be an argument, part of a container, or what a
    loop carries. Each key is good for one use: `split` it, or `fold_in` a number, for more.

    Raises
    ------
    DtypeError : the seed is no whole number.
    OutOfBoundsError : it has more than 64 bits.

    >>> key(0)
    array([0, 0], dtype=uint32)
    >>> key(2**32 + 7)
    array([1, 7], dtype=uint32)
    """
    if isinstance(seed, Tensor):
        wide = _whole(seed, "key", "seed").astype(np.int64)
        return np.stack([(wide >> 32).astype(WORD), wide.astype(WORD)])
    number = int(_whole(seed, "key", "seed"))
    if not -(2**63) <= number < 2**64:
        raise OutOfBoundsError(
            f"key got the seed {number}; a seed has up to 64 bits: key(seed % 2**64)"
        )
    return np.array([number >> 32 & 0xFFFFFFFF, number & 0xFFFFFFFF], WORD)


def split(key: ArrayLike, num: int = 2) -> AnyArray:
    """Return `num` new keys of one, as an array of shape (num, 2).

    >>> for_weights, for_noise = split(key(0))
    >>> for_weights
    array([1797259609, 2579123966], dtype=uint32)
    """
    k0, k1 = words_of(key, "split")
    if (count := operator.index(num)) < 0:
        raise OutOfBoundsError(f"split was asked for {count} keys")
    return np.stack(threefry(k0, k1, _FIRST, np.arange(count, dtype=WORD)), axis=1)


def fold_in(key: ArrayLike, data: ArrayLike) -> AnyArray:
    """Return a new key of a key and a whole number, such as the number of a step, which may be unknown.

    Raises OutOfBoundsError if the number is known and not from 0 to 2**32 - 1; others wrap around.

    >>> fold_in(key(0), 1)
    array([ 928981903, 3453687069], dtype=uint32)
    """
    k0, k1 = words_of(key, "fold_in")
    number = _whole(data, "fold_in", "data")
    if not isinstance(number, Tensor) and not 0 <= int(number) < 2**32:
        raise OutOfBoundsError(
            f"fold_in got the number {number}; it takes numbers from 0 to 2**32 - 1, larger ones in two steps"
        )
    word = np.asarray(number, WORD) if not isinstance(number, Tensor) else number.astype(WORD)
    return np.concatenate(threefry(k0, k1, _FIRST, word.reshape(1)))


def words_of(key: AnyArray, who: str) -> tuple[Array, Array]:
    """Return the two words of a key, each as an array of one entry."""
    spec = spec_of(key) if is_array(key) else None
    if spec is None or spec.shape != (2,) or spec.dtype != WORD:
        found = spec or type(key).__name__
        advice = "split gives an array of several keys; take one: keys[0]"
        if spec is None or spec.shape[1:] != (2,):
            advice = f"make one of a number: {who}(clearprop.random.key(seed), ...)"
        raise DtypeError(f"{who} got {found} for a key, which is two uint32 numbers; {advice}")
    return key[:1], key[1:]


def drawn(
    key: AnyArray,
    shape: ShapeLike,
    dtypes: Sequence[DTypeLike],
    make: Callable[[Array, Array], Sequence[Array]],
    who: str,
) -> list[Array]:
    """Return arrays of what `make` makes of two random words, for each entry those of its own number."""
    shape = shape_tuple(shape, who)
    k0, k1 = words_of(key, who)
    size = math.prod(shape)
    if size > 2**32:
        raise ShapeError(
            f"{who}: shape {shape} has more than 2**32 entries; split the key for parts"
        )
    if isinstance(key, Tensor):
        words = threefry(k0, k1, _FIRST, np.arange(size, dtype=WORD))
        return [x.reshape(shape) for x in make(*words)]
    made = [np.empty(size, dtype) for dtype in dtypes]
    for start in range(0, size, _AT_ONCE):
        part = slice(start, min(start + _AT_ONCE, size))
        counters = np.arange(part.start, part.stop).astype(WORD)
        for x, numbers in zip(made, make(*threefry(k0, k1, _FIRST, counters)), strict=True):
            x[part] = numbers
    return [x.reshape(shape)[()] for x in made]


def shape_tuple(shape: ShapeLike, who: str) -> Shape:
    """Return a shape as a tuple; a number stands for one axis."""
    try:
        sizes = shape if isinstance(shape, Sequence) else (shape,)
        found = tuple(operator.index(n) for n in sizes)
    except TypeError:
        found = (-1,)
    if any(n < 0 for n in found):
        raise ShapeError(
            f"{who} got the shape {shape!r}; a shape is a tuple of whole numbers: {who}(key, (3, 4))"
        )
    return found


def _whole(x: AnyArray, who: str, name: str) -> AnyArray:
    """Return a whole number, known or not."""
    if type(x) is int:
        return x
    spec = spec_of(x) if isinstance(x, float | np.generic | np.ndarray | Tensor) else None
    if spec is None or spec.shape or spec.dtype.kind not in "iu":
        raise DtypeError(
            f"{who} got {spec or type(x).__name__} for {name}, which is a whole number"
        )
    return x
