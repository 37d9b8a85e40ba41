"""Sylvester's and Lyapunov's equations."""

from __future__ import annotations

from scipy import linalg as sp

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import Sample, floats, primitive, together
from ..engine.spec import ArraySpec, promote
from ..ops.linalg_common import adjoint, well_conditioned
from .batching import COMPLEX, ONE, STACK, each_matrix, is_plain, one_or_more, one_or_more_square


def _sylvester_spec(a: Array, b: Array, q: Array) -> ArraySpec:
    if (a.shape[-1], b.shape[-1]) != q.shape[-2:]:
        raise ValueError(f"q must have shape {(a.shape[-1], b.shape[-1])}")
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2], q.shape[:-2])
    return ArraySpec((*batch, *q.shape[-2:]), promote(a, b, q))


def _solve_sylvester(a: Array, b: Array, q: Array) -> Array:
    return each_matrix(sp.solve_sylvester, a, b, q)[0]


def solve_sylvester_vjp(
    g: Array, out: Array, a: Array, b: Array, q: Array
) -> tuple[Array, Array, Array]:
    y = sylvester(a.mT, b.mT, g)
    return -(y @ out.mT), -(out.mT @ y), y


sylvester = primitive(
    "solve_sylvester",
    _solve_sylvester,
    spec=_sylvester_spec,
    vjp=together(solve_sylvester_vjp),
    role="mixes",
    why="The gradient solves the equation with both matrices transposed.",
    samples=(
        Sample(ONE, well_conditioned(2, 2), floats(3, 2)),
        Sample(STACK, well_conditioned(2, 2), floats(3, 2)),
        Sample(COMPLEX, well_conditioned(2, 2, dtype="complex128"), COMPLEX[:, :2]),
    ),
)


def solve_sylvester(a: ArrayLike, b: ArrayLike, q: ArrayLike) -> AnyArray:
    """Compute `scipy.linalg.solve_sylvester`: x with ``a @ x + x @ b = q``.

    Parameters
    ----------
    a, b, q : shapes (..., m, m), (..., n, n) and (..., m, n)

    Raises
    ------
    ShapeError : `a` or `b` is not square, or `q` does not fit.

    >>> import clearprop, numpy as np
    >>> q = clearprop.tensor([[6.0]])
    >>> solve_sylvester(np.array([[1.0]]), np.array([[2.0]]), q).backward(np.ones((1, 1)))
    >>> q.grad
    array([[0.33333333]])
    """
    if is_plain(a, b, q):
        return sp.solve_sylvester(a, b, q)
    name = "solve_sylvester"
    a, b, q = one_or_more_square(name, a), one_or_more_square(name, b), one_or_more(name, q)
    return sylvester(a, b, q)


def solve_continuous_lyapunov(a: ArrayLike, q: ArrayLike) -> AnyArray:
    """Compute `scipy.linalg.solve_continuous_lyapunov`: x with ``a @ x + x @ aᴴ = q``.

    Parameters
    ----------
    a, q : shape (..., n, n)

    Raises
    ------
    ShapeError : `a` is not square, or `q` does not fit.

    >>> import clearprop, numpy as np
    >>> a = clearprop.tensor([[2.0]])
    >>> solve_continuous_lyapunov(a, np.array([[8.0]])).backward(np.ones((1, 1)))
    >>> a.grad  # of 8 / 2a
    array([[-1.]])
    """
    if is_plain(a, q):
        return sp.solve_continuous_lyapunov(a, q)
    a = one_or_more_square("solve_continuous_lyapunov", a)
    return solve_sylvester(a, adjoint(a), q)
