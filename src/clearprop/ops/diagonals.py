"""Diagonals and triangles of matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..engine.array_types import Array, ArrayLike, DTypeLike, Shape
from ..engine.primitive import Sample, answers, floats, primitive
from ..engine.refusals import read_only
from ..engine.spec import ArraySpec, normalize_axes
from ..errors import ShapeError
from .shaping import reshape
from .specs import shaped


def _two(name: str, axis1: int, axis2: int, shape: Shape) -> tuple[int, int]:
    if len(shape) < 2:
        raise ShapeError(f"{name}: a matrix has two axes or more, not shape {shape}")
    ((one,), (other,)) = (normalize_axes(axis, len(shape)) for axis in (axis1, axis2))
    if one == other:
        raise ShapeError(f"{name}: axis {axis1} of shape {shape} was named twice; a matrix has two")
    return one, other


def _diagonal(x: Array, offset: int, axis1: int, axis2: int) -> Array:
    return x.diagonal(offset, axis1, axis2)


def _diagonal_spec(x: Array, offset: int, axis1: int, axis2: int) -> ArraySpec:
    rows, columns = x.shape[axis1], x.shape[axis2]
    length = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    rest = tuple(n for i, n in enumerate(x.shape) if i not in (axis1, axis2))
    return ArraySpec((*rest, length), x.dtype)


def diagonal_vjp(g: Array, out: Array, x: Array, offset: int, axis1: int, axis2: int) -> Array:
    return put_diagonal(g, offset=offset, axis1=axis1, axis2=axis2, shape=x.shape)


_diagonal_record = primitive(
    "diagonal",
    _diagonal,
    spec=_diagonal_spec,
    vjp=(diagonal_vjp,),
    role="selects",
    why="The diagonal gets its gradient, everything beside it gets zero.",
    traits=["view"],
    put=read_only,
    samples=(
        Sample(floats(3, 4), offset=0, axis1=0, axis2=1),
        Sample(floats(3, 4), offset=-1, axis1=1, axis2=0),
        Sample(floats(2, 3, 3), offset=1, axis1=2, axis2=0),
        Sample(floats(2, 3), offset=5, axis1=0, axis2=1),
    ),
)


def _with_diagonal(base: Array, new: Array, offset: int, axis1: int, axis2: int) -> Array:
    rows, columns = np.indices((base.shape[axis1], base.shape[axis2]), sparse=True)
    others = tuple(i for i in range(base.ndim) if i not in (axis1, axis2))
    on_it = rows + offset == columns
    on_it = np.expand_dims(on_it if axis1 < axis2 else on_it.T, others)
    return np.where(
        on_it, put_diagonal(new, offset=offset, axis1=axis1, axis2=axis2, shape=base.shape), base
    )


writable_diagonal = replace(_diagonal_record, put=_with_diagonal)
"""The same operation as ``np.einsum("ii->i", x)`` does it: one may write to the result."""


def _put_diagonal(g: Array, offset: int, axis1: int, axis2: int, shape: Shape) -> Array:
    out = np.zeros(shape, g.dtype)
    view = out.diagonal(offset, axis1, axis2)
    view.setflags(write=True)
    view[...] = g
    return out


def _put_diagonal_spec(g: Array, offset: int, axis1: int, axis2: int, shape: Shape) -> ArraySpec:
    return ArraySpec(shape, g.dtype)


def put_diagonal_vjp(
    g: Array, out: Array, x: Array, offset: int, axis1: int, axis2: int, shape: Shape
) -> Array:
    return _diagonal_record(g, offset=offset, axis1=axis1, axis2=axis2)


put_diagonal = primitive(
    "put_diagonal",
    _put_diagonal,
    spec=_put_diagonal_spec,
    vjp=(put_diagonal_vjp,),
    role="selects",
    why="Each number gets the gradient of its place on the diagonal; the zeros around it are constant.",
    traits=["linear"],
    samples=(
        Sample(floats(3), offset=0, axis1=0, axis2=1, shape=(3, 4)),
        Sample(floats(3), offset=-1, axis1=0, axis2=1, shape=(4, 4)),
        Sample(floats(4, 2), offset=1, axis1=2, axis2=0, shape=(3, 4, 2)),
    ),
)


@answers(np.diagonal)
def diagonal(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    one, other = _two("diagonal", axis1, axis2, a.shape)
    return _diagonal_record(a, offset=int(offset), axis1=one, axis2=other)


@answers(np.linalg.diagonal)
def last_diagonal(x: Array, /, *, offset: int = 0) -> Array:
    return diagonal(x, offset, -2, -1)


@answers(np.trace)
def trace(
    a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike = None
) -> Array:
    on_it = diagonal(a, offset, axis1, axis2)
    return (on_it if dtype is None else on_it.astype(dtype)).sum(-1)


@answers(np.linalg.trace)
def last_trace(x: Array, /, *, offset: int = 0, dtype: DTypeLike = None) -> Array:
    return trace(x, offset, -2, -1, dtype)


@answers(np.diag)
def diag(v: Array, k: int = 0) -> Array:
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError(f"diag: it takes a vector or a matrix, not shape {v.shape}")
    n = v.size + abs(int(k))
    return put_diagonal(v, offset=int(k), axis1=0, axis2=1, shape=(n, n))


@answers(np.diagflat)
def diagflat(v: ArrayLike, k: int = 0) -> Array:
    return diag(reshape(shaped(v), -1), k)


# ---- triangles


def _triangle(name: str, m: Array, k: int, lower: bool) -> Array:
    if not m.ndim:
        raise ShapeError(f"{name}: a number has no triangle; it takes arrays with an axis or more")
    rows, columns = (m.shape * 2)[-2:] if m.ndim == 1 else m.shape[-2:]
    below = np.tri(rows, columns, k if lower else k - 1, dtype=bool)
    zero = np.zeros(1, m.dtype)
    return np.where(below, m, zero) if lower else np.where(below, zero, m)


@answers(np.tril)
def tril(m: Array, k: int = 0) -> Array:
    return _triangle("tril", m, k, lower=True)


@answers(np.triu)
def triu(m: Array, k: int = 0) -> Array:
    return _triangle("triu", m, k, lower=False)


@answers(np.tril_indices_from)
def tril_indices_from(arr: Array, k: int = 0) -> tuple[Array, ...]:
    return np.tril_indices_from(np.empty(arr.shape, bool), k)


@answers(np.triu_indices_from)
def triu_indices_from(arr: Array, k: int = 0) -> tuple[Array, ...]:
    return np.triu_indices_from(np.empty(arr.shape, bool), k)


@answers(np.diag_indices_from)
def diag_indices_from(arr: Array) -> tuple[Array, ...]:
    return np.diag_indices_from(np.empty(arr.shape, bool))
