"""Sums and means, and what all reductions share: entries left out by `where=`, and `dtype=`."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike, DType, DTypeLike, Shape
from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes, shape_of, ufunc_dtype
from ..engine.tensor import Tensor, apply
from ..errors import DtypeError, ShapeError
from .samples import REDUCTIONS
from .specs import kept, reduced, shaped

COMPLEX_SUM = Sample(Draw((3, 4), dtype="complex128"), axis=(1,), keepdims=False)
NOTHING = Sample(floats(0, 3), axis=(0,), keepdims=False)


ADDED_AS_THEY_ARE = "fdFD"
"""The dtypes whose entries are added up as they are for a mean or a spread. Of whole numbers, which wrap
around, NumPy makes floats first, and of half precision, which overflows, singles: those are left to it.
"""


def count(x: Array, axis: Axes) -> int:
    """Return how many entries of `x` a reduction over `axis` makes one of."""
    return _product(x.shape, axis)


@lru_cache(maxsize=4096)
def _product(shape: Shape, axis: Axes) -> int:
    return math.prod(shape[i] for i in axis)


def chosen(where: ArrayLike, a: Array, function: str) -> Array:
    """Return the mask `where=`, in the shape of `a`."""
    where = shaped(where)
    if where.dtype.kind != "b":
        raise DtypeError(f"{function}: where= takes a mask of booleans, not {where.dtype}")
    try:
        fits = broadcast_shapes(shape_of(where), a.shape) == a.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{function}: where= of shape {where.shape} does not stretch to the shape {a.shape} of the array"
        )
    return np.broadcast_to(where, a.shape)


def only(where: ArrayLike, a: Array, fill: complex, function: str) -> Array:
    """Return `a` with `fill` where the mask leaves entries out."""
    return a if where is True else np.where(chosen(where, a, function), a, a.dtype.type(fill))


def in_dtype(a: Array, dtype: DTypeLike, function: str) -> Array:
    """Return `a` converted as the parameter `dtype=` asks, before it is added up."""
    if dtype is None:
        return a
    if not np.can_cast(a.dtype, dtype, "same_kind"):
        raise DtypeError(
            f"{function}: dtype={np.dtype(dtype)} cannot hold {a.dtype}; convert with .astype() first"
        )
    return a.astype(dtype)


# ---- sums


def sum_vjp(g: Array, out: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    return kept(g, x, axis, keepdims)  # alike along the summed axes: the sweep stretches it


def _sum(x: Array, axis: Axes, keepdims: Any) -> Array:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


def _sum_spec(x: Array, axis: Axes, keepdims: bool) -> ArraySpec:
    dtype = np.add.reduce(np.zeros(1, x.dtype)).dtype  # small integers widen
    return ArraySpec(reduced(x.shape, axis, keepdims), dtype)


_sum_record = primitive(
    "sum",
    _sum,
    spec=_sum_spec,
    vjp=(sum_vjp,),
    role="spreads",
    why="Every summed entry moves the sum by just as much.",
    traits=["linear"],
    noun="total",
    repeats="add",
    samples=(*REDUCTIONS, COMPLEX_SUM, NOTHING),
)


@answers(np.sum)
def sum(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    keepdims: bool = False,
    initial: AnyArray = None,
    where: AnyArray = True,
) -> Array:
    if dtype is None and where is True and initial is None:
        axes = normalize_axes(axis, a.ndim, reduces=True)
        return apply(_sum_record, (a,), {"axis": axes, "keepdims": bool(keepdims)})
    a = only(where, in_dtype(shaped(a), dtype, "sum"), 0, "sum")
    total = np.sum(a, axis=axis, keepdims=keepdims)
    total = total if initial is None else (total + initial).astype(total.dtype)
    return total if dtype is None else total.astype(dtype)


@answers(np.add.reduce)
def add_reduce(array: Array, axis: AxesLike = 0, dtype: DTypeLike = None, **options: Any) -> Array:
    return sum(array, axis, dtype, **options)


# ---- means


def mean_vjp(g: Array, out: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    return kept(g / max(count(x, axis), 1), x, axis, keepdims)


def _mean(x: Array, axis: Axes, keepdims: Any) -> Array:
    if x.dtype.char not in ADDED_AS_THEY_ARE:
        return np.mean(x, axis=axis, keepdims=keepdims)
    return np.add.reduce(x, axis=axis, keepdims=keepdims) / count(x, axis)


def mean_spec(x: Array, axis: Axes, keepdims: bool) -> ArraySpec:
    """Return the spec of a reduction that divides."""
    return ArraySpec(reduced(x.shape, axis, keepdims), ufunc_dtype(np.true_divide, x, 1))


_mean_record = primitive(
    "mean",
    _mean,
    spec=mean_spec,
    vjp=(mean_vjp,),
    role="spreads",
    why="Every entry gets the same share: the upstream gradient divided by their number.",
    traits=["linear"],
    noun="average",
    samples=(*REDUCTIONS, COMPLEX_SUM),
)


@answers(np.mean)
def mean(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    keepdims: bool = False,
    where: AnyArray = True,
) -> Array:
    if dtype is None and where is True:
        axes = normalize_axes(axis, a.ndim)
        return apply(_mean_record, (a,), {"axis": axes, "keepdims": bool(keepdims)})
    result_dtype = mean_dtype(a, dtype, "mean")
    a = wide(a, dtype)
    if where is True:
        result = np.mean(a, axis=axis, keepdims=keepdims)
    else:
        total = np.sum(a, axis=axis, keepdims=keepdims, where=where)
        result = total / how_many(where, a, axis, keepdims, "mean")
    return result.astype(result_dtype)


def mean_dtype(a: Array, dtype: DTypeLike, function: str) -> DType:
    """Return the dtype of a mean: the one asked for, or NumPy's choice."""
    usual = ufunc_dtype(np.true_divide, a, 1)
    if dtype is not None and not np.can_cast(usual, dtype, "same_kind"):
        raise DtypeError(f"{function}: dtype={np.dtype(dtype)} cannot hold a mean of {a.dtype}")
    return usual if dtype is None else np.dtype(dtype)


def wide(a: Array, dtype: DTypeLike = None) -> Array:
    """Return `a` in the precision in which means are taken: whole numbers and half precision are widened."""
    if dtype is not None:
        a = a.astype(np.result_type(a.dtype, dtype) if a.dtype.kind in "fc" else dtype)
    if a.dtype.kind not in "fc":
        return a.astype(float)
    return a.astype(np.float32) if a.dtype.char == "e" else a


def how_many(where: ArrayLike, a: Array, axis: AxesLike, keepdims: bool, function: str) -> Array:
    """Return how many entries the mask leaves in, in the dtype of the real part of `a`."""
    picked = np.sum(chosen(where, a, function), axis=axis, keepdims=keepdims)
    return picked.astype(np.empty((), a.dtype).real.dtype)


@answers(np.average)
def average(
    a: ArrayLike,
    axis: AxesLike = None,
    weights: ArrayLike | None = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Array | tuple[Array, Array]:
    a = shaped(a)
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keepdims)
        axes = normalize_axes(axis, a.ndim)
        total: AnyArray = np.full(result.shape, count(a, axes), result.dtype)[()]
        return (result, total) if returned else result
    weights = _fitted(shaped(weights), a, axis)
    dtype = np.result_type(a.dtype, weights.dtype, *(["f8"] if a.dtype.kind in "biu" else []))
    total = np.sum(weights, axis=axis, dtype=dtype, keepdims=keepdims)
    known = total.value if isinstance(total, Tensor) else total
    if not isinstance(known, ArraySpec) and np.any(known == 0):
        raise ZeroDivisionError("average: the weights add up to zero")
    result = np.sum(a.astype(dtype) * weights.astype(dtype), axis=axis, keepdims=keepdims) / total
    return (result, np.broadcast_to(total, result.shape)) if returned else result


def _fitted(weights: Array, a: Array, axis: AxesLike) -> Array:
    """Return weights for the entries along `axis`, in a shape that broadcasts against `a`."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise ShapeError(
            f"average: weights of shape {weights.shape} for an array of shape {a.shape}: give one weight "
            f"for each entry, or name the axis that they stand along"
        )
    given = tuple(axis) if np.iterable(axis) else (axis,)
    places = [int(i) % a.ndim for i in given if -a.ndim <= i < a.ndim]
    axes = normalize_axes(axis, a.ndim)
    if weights.shape != tuple(a.shape[i] for i in places):
        raise ShapeError(
            f"average: weights of shape {weights.shape} do not fit axis {axis} of shape {a.shape}"
        )
    weights = np.transpose(weights, sorted(range(len(places)), key=places.__getitem__))
    return weights.reshape(tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))
