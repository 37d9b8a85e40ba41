"""Numbers drawn from a key: bits, uniform, normal and whole numbers, truth values."""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, DType, DTypeLike, Shape, ShapeLike
from ..engine.arrays import is_array, operand
from ..engine.spec import shape_of, spec_of
from ..engine.tensor import Tensor
from ..errors import DtypeError, OutOfBoundsError, ShapeError
from .from_words import DOUBLE, below_from, normal_from, uniform_from
from .keys import WORD, drawn, shape_tuple


def bits(key: ArrayLike, shape: ShapeLike = ()) -> AnyArray:
    """Return random bits: unsigned numbers of 32 bits.

    >>> from clearprop import random
    >>> random.bits(random.key(0), 2)
    array([4070199207, 4202968722], dtype=uint32)
    """
    return drawn(key, shape, [WORD], lambda x, y: [x ^ y], "bits")[0]


def uniform(
    key: ArrayLike,
    shape: ShapeLike = (),
    dtype: DTypeLike = np.float64,
    minval: ArrayLike = 0.0,
    maxval: ArrayLike = 1.0,
) -> AnyArray:
    """Return numbers from [minval, maxval), each as likely as any other.

    They are multiples of 2**-52 of the range, or in float32 of 2**-23. Gradients go to `minval` and `maxval`,
    which may be arrays that broadcast to the shape.

    Raises
    ------
    DtypeError : the dtype is neither float64 nor float32, or the key is none.

    >>> from clearprop import random
    >>> random.uniform(random.key(0), 2)
    array([0.41845711, 0.21629545])
    """
    dtype = _floating(dtype, "uniform")
    (u,) = drawn(key, shape, [dtype], lambda x, y: [uniform_from(x, y, dtype)], "uniform")
    if not (is_array(minval) or is_array(maxval)) and (minval, maxval) == (0, 1):
        return u
    minval, maxval = (_bound(b, u.shape, "uniform") for b in (minval, maxval))
    low, high = _in(dtype, minval), _in(dtype, maxval)
    return low + u * (high - low)


def normal(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = np.float64) -> AnyArray:
    """Return numbers of the standard normal distribution: ``mean + std * normal(key, shape)`` is any other.

    The inverse of the distribution function, on 64 random bits (in float32 32), so that the tails are right
    as far as numbers are drawn from them. The same bits on every machine, in every language.

    Raises
    ------
    DtypeError : the dtype is neither float64 nor float32, or the key is none.

    >>> from clearprop import random
    >>> random.normal(random.key(0), 2)
    array([ 0.8091009 , -1.23643893])
    """
    dtype = _floating(dtype, "normal")
    return drawn(key, shape, [dtype], lambda x, y: [normal_from(x, y, dtype)], "normal")[0]


def randint(
    key: ArrayLike,
    shape: ShapeLike,
    minval: ArrayLike,
    maxval: ArrayLike,
    dtype: DTypeLike = np.int64,
) -> AnyArray:
    """Return whole numbers from `minval` up to, not including, `maxval`.

    There are less than 2**32 to choose from. Some are likelier than others by less than one part in 2**32.

    Raises
    ------
    OutOfBoundsError : there is no number to choose, or too many, or they do not fit into the dtype.
    DtypeError : the dtype, or a bound, is not of whole numbers.

    >>> from clearprop import random
    >>> random.randint(random.key(0), 5, 0, 10)
    array([4, 2, 9, 5, 5])
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu":
        raise DtypeError(f"randint draws whole numbers, and {dtype} is not of them; see uniform")
    shape = shape_tuple(shape, "randint")
    minval, maxval = (_bound(b, shape, "randint") for b in (minval, maxval))
    low, count = _range(minval, maxval, dtype)
    x, y = drawn(key, shape or 1, [WORD, WORD], lambda x, y: [x, y], "randint")
    numbers = low + below_from(x, y, count).astype(dtype)
    return numbers if shape else numbers[0]


def bernoulli(key: ArrayLike, p: ArrayLike = 0.5, shape: ShapeLike | None = None) -> AnyArray:
    """Return truth values that are true with probability `p`, of the shape of `p` if no other is given.

    >>> from clearprop import random
    >>> random.bernoulli(random.key(0), 0.5, 4)
    array([ True,  True, False, False])
    """
    shape = shape_of(p) if shape is None else shape_tuple(shape, "bernoulli")
    return uniform(key, shape, np.float32 if _is_single(p) else DOUBLE) < p


def _is_single(p: ArrayLike) -> bool:
    return bool(spec_of(p).dtype == np.float32)


def _floating(dtype: DTypeLike, who: str) -> DType:
    found = np.dtype(dtype)
    if found not in (DOUBLE, np.float32):
        raise DtypeError(
            f"{who} draws float64 or float32, not {found}; convert what it draws with astype"
        )
    return found


def _in(dtype: DType, x: Array) -> Array:
    return x.astype(dtype) if is_array(x) and x.dtype != dtype else x


def _bound(bound: AnyArray, shape: Shape, who: str) -> Array:
    """Return a bound as a number or an array that broadcasts to the shape."""
    bound = operand(bound, f"{who} got")
    found = shape_of(bound)
    pairs = zip(found[::-1], shape[::-1], strict=False)
    if len(found) > len(shape) or any(m not in (1, n) for m, n in pairs):
        raise ShapeError(
            f"{who} got a bound of shape {found}, which does not broadcast to {shape}: draw a larger shape"
        )
    return bound


def _range(minval: AnyArray, maxval: AnyArray, dtype: DType) -> tuple[Array, Array]:
    """Return from where on to draw, and how many numbers there are to choose from."""
    for bound in (minval, maxval):
        if not (type(bound) is int or (is_array(bound) and bound.dtype.kind in "iu")):
            raise DtypeError(f"randint got the bound {spec_of(bound)}, which is no whole number")
    if isinstance(minval, Tensor) or isinstance(maxval, Tensor):
        low = minval.astype(dtype) if is_array(minval) else dtype.type(minval)
        return low, (maxval - minval).astype(WORD)
    low, high = (np.asarray(b).astype(object) for b in (minval, maxval))
    limits, counts = np.iinfo(dtype), np.asarray(high - low)
    asked = f"randint was asked for whole numbers from {minval} to {maxval}"
    if np.any(counts <= 0):
        raise OutOfBoundsError(f"{asked}, of which there are none: maxval is not among them")
    if np.any(counts >= 2**32):
        raise OutOfBoundsError(
            f"{asked}; it chooses from less than 2**32, see bits for all of these"
        )
    if np.any(low < limits.min) or np.any(high - 1 > limits.max):
        raise OutOfBoundsError(f"{asked}, which {dtype} does not hold; give another dtype=")
    return low.astype(dtype)[()], counts.astype(WORD)[()]
