"""What the functions of scipy.linalg share here: stacks of matrices, triangles, and who takes part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.array_types import Array, ArrayLike
from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import Sample, primitive
from ..engine.spec import ArraySpec, promote
from ..engine.tensor import Tensor
from ..errors import ShapeError
from ..ops.linalg_common import adjoint, as_floats, hermitian, matrix, square, well_conditioned
from ..ops.specs import same


def is_plain(*values: object) -> bool:
    return not any(isinstance(x, Tensor) for x in values)


def one_or_more(function: str, a: ArrayLike) -> Array:
    """Return `a` as a matrix or a stack of them."""
    return matrix(f"scipy.linalg.{function}", a)


def one_or_more_square(function: str, a: ArrayLike) -> Array:
    return square(f"scipy.linalg.{function}", a)


def each_matrix(function: Callable[..., Any], *stacks: Array) -> tuple[Array, ...]:
    """Return the results of a function of single matrices (vectors, if of one axis), each for all of
    the stack.
    """
    batch = broadcast_shapes(*(x.shape[:-2] for x in stacks))
    if not batch:
        results = function(*stacks)
        return results if isinstance(results, tuple) else (results,)
    stacks = tuple(np.broadcast_to(x, batch + x.shape[-2:]) for x in stacks)
    places = list(np.ndindex(batch))
    singles = [each_matrix(function, *(x[place] for x in stacks)) for place in places]
    if not singles:  # one of ones says of which shape nothing is
        example = each_matrix(function, *(np.eye(*x.shape[-2:], dtype=x.dtype) for x in stacks))
        return tuple(np.zeros(batch + x.shape, x.dtype) for x in example)
    return tuple(
        np.stack(parts).reshape(batch + parts[0].shape) for parts in zip(*singles, strict=True)
    )


def right_hand_sides(function: str, a: Array, b: ArrayLike) -> tuple[Array, bool]:
    """Return `b` as columns, and whether it was one vector."""
    b = as_floats(b)
    columns = np.expand_dims(b, -1) if b.ndim == 1 else b
    if not b.ndim or columns.shape[-2] != a.shape[-1]:
        raise ShapeError(
            f"scipy.linalg.{function}: shapes {a.shape} and {b.shape} do not fit: the right-hand side is one "
            f"vector of {a.shape[-1]} numbers, or has shape (..., {a.shape[-1]}, columns)"
        )
    return columns, b.ndim == 1


def system_spec(a: Array, b: Array, **params: Any) -> ArraySpec:
    """Return the spec of solutions, for right-hand sides in columns."""
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return ArraySpec((*batch, *b.shape[-2:]), promote(a, b))


# ---- matrices of which one triangle is read


def _mirror(a: Array, lower: bool, conjugate: bool) -> Array:
    kept, strict = (np.tril(a), np.tril(a, -1)) if lower else (np.triu(a), np.triu(a, 1))
    if conjugate and a.dtype.kind == "c":
        places = np.arange(a.shape[-1])
        kept[..., places, places] = kept[..., places, places].real
        strict = np.conj(strict)
    return kept + strict.mT


def mirror_vjp(g: Array, out: Array, a: Array, lower: bool, conjugate: bool) -> Array:
    return (g + (adjoint(g) if conjugate else g.mT)) / 2


mirror = primitive(
    "mirror",
    _mirror,
    spec=same,
    vjp=(mirror_vjp,),
    role="passes",
    why="One triangle is read, and the gradient belongs to both alike.",
    traits=["hermitian"],
    samples=(
        Sample(hermitian(3, 3), lower=True, conjugate=True),
        Sample(hermitian(2, 2, 2), lower=False, conjugate=False),
        Sample(hermitian(3, 3, dtype="complex128"), lower=True, conjugate=True),
    ),
)
"""The symmetric (Hermitian) matrix with this triangle."""

ONE, STACK = well_conditioned(3, 3), well_conditioned(2, 3, 3)
COMPLEX = well_conditioned(3, 3, dtype="complex128")
