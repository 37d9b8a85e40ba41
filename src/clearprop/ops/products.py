"""Products of vectors and of arrays with many axes, composed of matrix products, einsum and `*`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes
from ..engine.arrays import as_array
from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes, promote
from ..errors import ShapeError
from .linalg_common import conj


def _array(x: ArrayLike) -> Array:
    return as_array(x)


# ---- two vectors


@answers(np.vdot)
def vdot(a: Array, b: Array) -> Array:
    a, b = _array(a), _array(b)
    if a.size != b.size:
        raise ShapeError(
            f"vdot: shapes {a.shape} and {b.shape} are flattened, and need equally many entries"
        )
    return conj(a.reshape(-1)) @ b.reshape(-1)


def vecdot(x1: Array, x2: Array, *, axis: int = -1, keepdims: bool = False) -> Array:
    x1, x2 = _array(x1), _array(x2)
    _check_vectors("vecdot", x1, x2)
    x1, x2 = _with_last(x1, axis), _with_last(x2, axis)
    _check_inner("vecdot", x1, x2, x1.shape[-1], x2.shape[-1])
    out = np.einsum("...i,...i->...", conj(x1), x2)
    return np.expand_dims(out, axis) if keepdims else out


def matvec(x1: Array, x2: Array) -> Array:
    x1, x2 = _array(x1), _array(x2)
    _check_vectors("matvec", x2)
    _check_matrices("matvec", x1)
    _check_inner("matvec", x1, x2, x1.shape[-1], x2.shape[-1])
    return x1 @ x2 if x2.ndim == 1 else (x1 @ np.expand_dims(x2, -1))[..., 0]


def vecmat(x1: Array, x2: Array) -> Array:
    x1, x2 = _array(x1), _array(x2)
    _check_vectors("vecmat", x1)
    _check_matrices("vecmat", x2)
    _check_inner("vecmat", x1, x2, x1.shape[-1], x2.shape[-2])
    x1 = conj(x1)
    return x1 @ x2 if x1.ndim == 1 else (np.expand_dims(x1, -2) @ x2)[..., 0, :]


for _answer in (vecdot, matvec, vecmat):
    if hasattr(np, _answer.__name__):  # matvec and vecmat came with NumPy 2.2
        answers(getattr(np, _answer.__name__))(_answer)


@answers(np.linalg.vecdot)
def linalg_vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    return vecdot(x1, x2, axis=axis)


def _with_last(x: AnyArray, axis: int) -> Array:
    """Return `x` with this axis as its last one."""
    return x if axis in (-1, x.ndim - 1) else np.moveaxis(x, axis, -1)


def _check_vectors(name: str, *arrays: Array) -> None:
    if any(x.ndim == 0 for x in arrays):
        raise ShapeError(f"{name}: a number is no vector; use *")


def _check_matrices(name: str, x: Array) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{name}: the matrix needs two axes or more, but has shape {x.shape}")


def _check_inner(name: str, x: Array, y: Array, n: int, m: int) -> None:
    if n != m:
        raise ShapeError(f"{name}: in shapes {x.shape} and {y.shape} the sizes {n} and {m} differ")


# ---- arrays with many axes


@answers(np.inner)
def inner(a: Array, b: Array) -> Array:
    """Return the sum over the last axis of both."""
    a, b = _array(a), _array(b)
    if not a.ndim or not b.ndim:
        return a * b
    _check_inner("inner", a, b, a.shape[-1], b.shape[-1])
    return _tensordot(a, b, (a.ndim - 1,), (b.ndim - 1,))


@answers(np.tensordot)
def tensordot(a: Array, b: Array, axes: int | Sequence[int | Sequence[int]] = 2) -> Array:
    a, b = _array(a), _array(b)
    if np.iterable(axes):
        first, second = (tuple(x) if np.iterable(x) else (x,) for x in axes)
    else:
        n = int(axes)
        first, second = tuple(range(-n, 0)), tuple(range(n))
    if len(first) != len(second) or len(first) > min(a.ndim, b.ndim):
        raise ShapeError(
            f"tensordot: axes={axes} cannot be summed over in shapes {a.shape} and {b.shape}: as many "
            f"axes of one as of the other are needed, and no more than there are"
        )
    for axis in first:
        normalize_axes(axis, a.ndim)
    for axis in second:
        normalize_axes(axis, b.ndim)
    first = tuple(int(i) % a.ndim for i in first)
    second = tuple(int(i) % b.ndim for i in second)
    for i, j in zip(first, second, strict=True):
        if a.shape[i] != b.shape[j]:
            raise ShapeError(
                f"tensordot: axis {i} of shape {a.shape} and axis {j} of shape {b.shape} are summed "
                f"together, so they need equal sizes"
            )
    return _tensordot(a, b, first, second)


def _tensordot(a: Array, b: Array, first: Axes, second: Axes) -> Array:
    """Compute it as one matrix product: what is left of `a` by what is left of `b`."""
    if not first:
        return a.reshape((*a.shape, *(1,) * b.ndim)) * b
    rows = tuple(i for i in range(a.ndim) if i not in first)
    columns = tuple(i for i in range(b.ndim) if i not in second)
    shape = (*(a.shape[i] for i in rows), *(b.shape[i] for i in columns))
    out = _as_matrix(a, rows, first) @ _as_matrix(b, second, columns)
    return out if out.shape == shape else out.reshape(shape)


def _as_matrix(x: Array, left: Axes, right: Axes) -> Array:
    """Return `x` with some of its axes joined to one, and the others to another: a vector if there are
    none.
    """
    order = left + right
    if order != tuple(range(x.ndim)):
        x = x.transpose(order)
    shape = [math.prod(x.shape[i] for i in range(len(left)))] if left else []
    if right:
        shape.append(math.prod(x.shape[len(left) :]))
    return x if x.shape == tuple(shape) else x.reshape(shape)


@answers(np.kron)
def kron(a: Array, b: Array) -> Array:
    """Return every entry of `a` times all of `b`, side by side."""
    a, b = _array(a), _array(b)
    ndim = max(a.ndim, b.ndim)
    if min(a.ndim, b.ndim) == 0:
        return a * b
    m, n = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    a = a.reshape([size for k in m for size in (k, 1)])
    b = b.reshape([size for k in n for size in (1, k)])
    return (a * b).reshape([j * k for j, k in zip(m, n, strict=True)])


@answers(np.linalg.outer)
def linalg_outer(x1: Array, x2: Array, /) -> Array:
    x1, x2 = _array(x1), _array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(
            f"linalg.outer: two vectors are needed, but the shapes are {x1.shape} and {x2.shape}; "
            f"np.outer flattens, np.multiply.outer takes arrays of any shape"
        )
    return np.outer(x1, x2)


@answers(np.linalg.tensordot)
def linalg_tensordot(
    x1: Array, x2: Array, /, *, axes: int | Sequence[int | Sequence[int]] = 2
) -> Array:
    return tensordot(x1, x2, axes)


# ---- several matrices


@answers(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Array]) -> Array:
    """Return the product of all, in the order that needs the fewest multiplications."""
    factors = [_array(x) for x in arrays]
    shapes = [x.shape for x in factors]
    if len(factors) < 2:
        raise ShapeError(f"multi_dot: a product needs two arrays or more, not {len(factors)}")
    ends = {0, len(factors) - 1}
    if any(len(s) != 2 and not (len(s) == 1 and i in ends) for i, s in enumerate(shapes)):
        raise ShapeError(
            f"multi_dot: matrices are needed (the first and the last one may be vectors), but the "
            f"shapes are {shapes}"
        )
    first, last = shapes[0], shapes[-1]
    sizes = (
        first[0] if len(first) == 2 else 1,
        *(s[0] for s in shapes[1:]),
        last[1] if len(last) == 2 else 1,
    )
    for i in range(len(factors) - 1):
        _check_inner("multi_dot", factors[i], factors[i + 1], shapes[i][-1], sizes[i + 1])
    best = _chain(sizes)

    def product(start: int, stop: int) -> Array:
        if stop - start == 1:
            return factors[start]
        middle = best(start, stop)[1]
        return product(start, middle) @ product(middle, stop)

    return product(0, len(factors))


def _chain(sizes: tuple[int, ...]) -> Callable[[int, int], tuple[int, int]]:
    """Return, for factors start to stop of these sizes, the fewest multiplications, and where to split."""

    @cache
    def best(start: int, stop: int) -> tuple[int, int]:
        if stop - start == 1:
            return 0, 0
        return min(
            (
                best(start, k)[0] + best(k, stop)[0] + sizes[start] * sizes[k] * sizes[stop],
                k,
            )
            for k in range(start + 1, stop)
        )

    return best


# ---- the vector product


def _cross(x: Array, y: Array) -> Array:
    return np.cross(x, y)


def cross_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return _cross_record(y, g)


def cross_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return _cross_record(g, x)


def _cross_spec(x: Array, y: Array) -> ArraySpec:
    if x.shape[-1:] != (3,) or y.shape[-1:] != (3,):
        raise ValueError("the last axis of each holds the three parts of a vector")
    return ArraySpec(broadcast_shapes(x.shape, y.shape), promote(x, y))


_cross_record = primitive(
    "cross",
    _cross,
    spec=_cross_spec,
    vjp=(cross_vjp_x, cross_vjp_y),
    role="mixes",
    why="Each vector gets the vector product of the other one with the upstream gradient.",
    samples=(
        Sample(floats(3), floats(3)),
        Sample(floats(4, 3), floats(3)),
        Sample(floats(4, 1, 3), floats(2, 3)),
        Sample(floats(0, 3), floats(3)),
        Sample(Draw((2, 3), dtype="complex128"), Draw((3,), dtype="complex128")),
    ),
)


@answers(np.cross)
def cross(
    a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Array:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _with_last(_array(a), axisa), _with_last(_array(b), axisb)
    sizes = (a.shape[-1:], b.shape[-1:])
    if not set(sizes) <= {(2,), (3,)}:
        raise ShapeError(
            f"cross: vectors of 2 or 3 numbers are needed, but along the given axes the shapes are "
            f"{a.shape} and {b.shape}"
        )
    if sizes == ((2,), (2,)):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    out = _cross_record(_in_space(a), _in_space(b))
    return out if axisc in (-1, out.ndim - 1) else np.moveaxis(out, -1, axisc)


def _in_space(x: Array) -> Array:
    """Return a vector of the plane as one of space."""
    if x.shape[-1] == 3:
        return x
    return np.concatenate([x, np.zeros((*x.shape[:-1], 1), x.dtype)], -1)


@answers(np.linalg.cross)
def linalg_cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    x1, x2 = _array(x1), _array(x2)
    for x in (x1, x2):
        (place,) = normalize_axes(axis, x.ndim)
        if x.shape[place] != 3:
            raise ShapeError(
                f"linalg.cross: vectors of 3 numbers are needed, but axis {axis} of shape {x.shape} has "
                f"{x.shape[place]}"
            )
    return cross(x1, x2, axis=axis)
