"""Matrix products."""

from __future__ import annotations

import math
import operator

import numpy as np

from ..engine.array_types import Array
from ..engine.arrays import as_array
from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import Draw, Infix, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, promote
from ..engine.tensor import install_operator
from .shaping import moveaxis, reshape


def matmul_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    if y.ndim == 1:
        return g * y if x.ndim == 1 else np.expand_dims(g, -1) * y
    if x.ndim == 1:
        return (y @ np.expand_dims(g, -1))[..., 0]
    return g @ y.mT


def matmul_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    if x.ndim == 1:
        return g * x if y.ndim == 1 else np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if y.ndim == 1:
        return (x.mT @ np.expand_dims(g, -1))[..., 0]
    return x.mT @ g


def _what_would_fit(x: Array, y: Array) -> str:
    """Return the end of a message about two matrices, where turning one of them helps."""
    fits = []
    if x.ndim == y.ndim == 2:
        fits += ["a @ b.T"] if x.shape[1] == y.shape[1] else []
        fits += ["a.T @ b"] if x.shape[0] == y.shape[0] else []
    return f"; {' or '.join(fits)} would fit" if fits else ""


def _matmul_spec(x: Array, y: Array) -> ArraySpec:
    if not x.ndim or not y.ndim:
        raise ValueError("a number cannot be a factor of @; use *")
    a = x.shape if x.ndim > 1 else (1, *x.shape)
    b = y.shape if y.ndim > 1 else (*y.shape, 1)
    if a[-1] != b[-2]:
        raise ValueError(
            f"each row of the first has {a[-1]} numbers, each column of the second {b[-2]}"
            + _what_would_fit(x, y)
        )
    batch = broadcast_shapes(a[:-2], b[:-2])
    rows = a[-2:-1] if x.ndim > 1 else ()
    columns = b[-1:] if y.ndim > 1 else ()
    return ArraySpec((*batch, *rows, *columns), promote(x, y))


matmul = primitive(
    "matmul",
    operator.matmul,
    numpy=np.matmul,
    spec=_matmul_spec,
    vjp=(matmul_vjp_x, matmul_vjp_y),
    role="mixes",
    why="A multiply gate for whole matrices: each factor gets the upstream gradient times the other, "
    "transposed so that the shapes fit.",
    notation=Infix("@", 20),
    traits=["linear"],
    noun="product",
    samples=(
        Sample(floats(2, 3), floats(3, 4)),
        Sample(floats(3), floats(3)),
        Sample(floats(3), floats(3, 4)),
        Sample(floats(2, 3), floats(3)),
        Sample(floats(5, 2, 3), floats(5, 3, 4)),
        Sample(floats(5, 2, 3), floats(3, 4)),
        Sample(floats(2, 3), floats(5, 3, 4)),
        Sample(floats(3), floats(5, 3, 4)),
        Sample(floats(5, 2, 3), floats(3)),
        Sample(floats(5, 1, 2, 3), floats(4, 3, 2)),
        Sample(Draw((2, 3), dtype="complex128"), Draw((3,), dtype="complex128")),
        Sample(Draw((2, 3), dtype="complex128"), floats(3, 2)),
    ),
)
install_operator("matmul", matmul)


@answers(np.linalg.matmul)
def linalg_matmul(x1: Array, x2: Array, /) -> Array:
    return np.matmul(x1, x2)


@answers(np.dot)
def dot(a: Array, b: Array) -> Array:
    """Answer `np.dot`: multiplication for numbers and a product over a's last and b's last but one axis."""
    a, b = (as_array(x) for x in (a, b))
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if b.ndim <= 2:
        return a @ b
    sizes = *b.shape[:-2], b.shape[-1]
    columns = reshape(moveaxis(b, -2, 0), (b.shape[-2], math.prod(sizes)))
    return reshape(a @ columns, (*a.shape[:-1], *sizes))


def outer_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g @ y


def outer_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return x @ g


def _outer_spec(x: Array, y: Array) -> ArraySpec:
    return ArraySpec((*x.shape, *y.shape), promote(x, y))


_outer_record = primitive(
    "outer",
    np.multiply.outer,
    spec=_outer_spec,
    vjp=(outer_vjp_x, outer_vjp_y),
    role="swaps",
    why="Every pair is multiplied, so each input gets the upstream gradient weighed with the other.",
    traits=["linear"],
    samples=(
        Sample(floats(3), floats(4)),
        Sample(Draw((3,), dtype="complex128"), Draw((2,), dtype="complex128")),
    ),
)


@answers(np.outer)
def outer(a: Array, b: Array) -> Array:
    a, b = (as_array(x) for x in (a, b))
    return _outer_record(*(x if x.ndim == 1 else reshape(x, -1) for x in (a, b)))
