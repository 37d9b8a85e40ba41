"""Norms of vectors and matrices. Where a norm is 0 it has a kink, and its gradient there is 0."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike
from ..engine.primitive import Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes
from ..engine.tensor import Tensor
from ..errors import ShapeError
from .reduction import count
from .samples import REDUCTIONS
from .specs import kept, reduced, shaped

_COMPLEX = Draw((3, 4), dtype="complex128")


def _norm_spec(x: Array, axis: Axes, keepdims: bool, **params: Any) -> ArraySpec:
    return ArraySpec(reduced(x.shape, axis, keepdims), np.empty((), x.dtype).real.dtype)


# ---- lengths


def _norm(x: Array, axis: Axes, keepdims: Any) -> AnyArray:
    if len(axis) == x.ndim:  # by BLAS, as NumPy does
        return np.linalg.norm(x, keepdims=keepdims)
    squares = x.real * x.real + x.imag * x.imag if x.dtype.kind == "c" else x * x
    return np.sqrt(np.add.reduce(squares, axis=axis, keepdims=keepdims))


def norm_vjp(g: Array, out: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    flat = out == 0
    pull = np.where(flat, 0.0, g / np.where(flat, 1.0, out))
    return kept(pull, x, axis, keepdims) * (np.conj(x) if x.dtype.kind == "c" else x)


_norm_record = primitive(
    "norm",
    _norm,
    spec=_norm_spec,
    vjp=(norm_vjp,),
    role="mixes",
    why="The gradient points away from the origin and has the length of the upstream gradient; none at 0.",
    samples=(*REDUCTIONS, Sample(_COMPLEX, axis=(1,), keepdims=False)),
)


def _p_norm(x: Array, ord: float, axis: Axes, keepdims: Any) -> Array:
    powers = np.abs(x) ** ord
    total = np.add.reduce(powers, axis=axis, keepdims=keepdims)
    return total ** np.reciprocal(ord, dtype=total.dtype)


def p_norm_vjp(g: Array, out: Array, x: Array, ord: float, axis: Axes, keepdims: bool) -> Array:
    size, length = np.abs(x), kept(out, x, axis, keepdims)
    flat = np.logical_or(size == 0, length == 0)
    size = np.where(flat, 1.0, size)
    share = np.where(flat, 0.0, (size / np.where(flat, 1.0, length)) ** (ord - 1))  # no huge powers
    direction = np.conj(x) / size if x.dtype.kind == "c" else np.sign(x)
    return kept(g, x, axis, keepdims) * share * direction


_p_norm_record = primitive(
    "p_norm",
    _p_norm,
    spec=_norm_spec,
    vjp=(p_norm_vjp,),
    role="mixes",
    why="The larger an entry beside the others, the larger its share, the more so for a high order; zeros "
    "get none.",
    samples=(
        Sample(floats(3, 4), ord=3, axis=(0, 1), keepdims=False),
        Sample(floats(3, 4), ord=2.5, axis=(0,), keepdims=True),
        Sample(floats(2, 3, low=0.5), ord=-1.5, axis=(1,), keepdims=False),
        Sample(floats(2, 3, low=0.5), ord=0.5, axis=(1,), keepdims=False),
        Sample(_COMPLEX, ord=3, axis=(1,), keepdims=False),
    ),
)


def _vector_norm(x: Array, ord: float | str | None, axes: Axes, keepdims: bool) -> Array:
    if isinstance(ord, str):
        raise ValueError(
            f"norm: ord={ord!r} is for matrices; for vectors it is a number, inf or -inf"
        )
    if ord is None or ord == 2:
        return _norm_record(x, axis=axes, keepdims=keepdims)
    if ord == 0:
        total = np.sum(np.not_equal(x, 0), axis=axes, keepdims=keepdims)
        return total.astype(np.empty((), x.dtype).real.dtype)
    if ord == 1:
        return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
    if ord == np.inf:
        return _largest(np.abs(x), axes, keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis=axes, keepdims=keepdims)
    return _p_norm_record(x, ord=ord, axis=axes, keepdims=keepdims)


def _largest(sizes: Array, axes: Axes, keepdims: bool) -> Array:
    """Return the largest of numbers that are not negative, 0 if there are none."""
    if count(sizes, axes):
        return np.max(sizes, axis=axes, keepdims=keepdims)
    return np.max(sizes, axis=axes, keepdims=keepdims, initial=0)


def _matrix_norm(
    x: AnyArray, ord: float | str | None, rows: int, columns: int, keepdims: bool
) -> Array:
    axes = tuple(sorted((rows, columns)))
    if ord in (None, "fro", "f"):
        return _norm_record(x, axis=axes, keepdims=keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        summed, compared = (rows, columns) if ord in (1, -1) else (columns, rows)
        sums = np.sum(np.abs(x), axis=summed, keepdims=True)
        result = (
            _largest(sums, (compared,), True) if ord > 0 else np.min(sums, compared, keepdims=True)
        )
        return result if keepdims else np.squeeze(result, axes)
    if ord in (2, -2, "nuc"):
        values = np.linalg.svd(np.moveaxis(x, (rows, columns), (-2, -1)), compute_uv=False)
        result = (
            values.sum(-1) if ord == "nuc" else (np.max if ord == 2 else np.min)(values, axis=-1)
        )
        return np.expand_dims(result, axes) if keepdims else result
    raise ValueError(
        f"norm: ord={ord!r} is no norm of matrices; it is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf"
    )


def _floating(x: ArrayLike) -> Array:
    x = shaped(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def _order(ord: float | str | None) -> Any:
    """Return the order of a norm, which is a plain number."""
    return float(ord) if isinstance(ord, Tensor) else ord


@answers(np.linalg.norm)
def norm(
    x: ArrayLike, ord: float | str | None = None, axis: AxesLike = None, keepdims: bool = False
) -> Array:
    x, ord = _floating(x), _order(ord)
    keepdims = bool(keepdims)
    if axis is None and (ord is None or (ord == 2 and x.ndim == 1)):
        return _norm_record(x, axis=normalize_axes(None, x.ndim), keepdims=keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axis if np.iterable(axis) else (axis,)
    normal = normalize_axes(axes, x.ndim)
    if len(normal) == 1:
        return _vector_norm(x, ord, normal, keepdims)
    if len(normal) == 2:
        rows, columns = (int(i) % x.ndim for i in axes)
        return _matrix_norm(x, ord, rows, columns, keepdims)
    raise ShapeError(
        f"norm: ord={ord!r} over axis {axis} of shape {x.shape}: a norm is of vectors (1 axis) or matrices "
        f"(2 axes); np.linalg.vector_norm takes any number of axes"
    )


@answers(np.linalg.vector_norm)
def vector_norm(
    x: ArrayLike, /, *, axis: AxesLike = None, keepdims: bool = False, ord: float | str | None = 2
) -> Array:
    x, ord = _floating(x), _order(ord)
    return _vector_norm(x, ord, normalize_axes(axis, x.ndim), bool(keepdims))


@answers(np.linalg.matrix_norm)
def matrix_norm(
    x: ArrayLike, /, *, keepdims: bool = False, ord: float | Literal["fro", "nuc"] = "fro"
) -> Array:
    return np.linalg.norm(_floating(x), axis=(-2, -1), keepdims=keepdims, ord=ord)
