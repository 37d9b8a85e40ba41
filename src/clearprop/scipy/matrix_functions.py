"""Functions of matrices: the exponential, logarithm, square root, sine and cosine.

Their derivatives stand in the same function of a block triangular matrix (N. Higham, Functions of Matrices,
SIAM, 2008, section 3.2; for the exponential A. Al-Mohy and N. Higham, SIMAX 30, 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg as sp

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.primitive import Primitive, Sample, primitive, primitives
from ..engine.spec import ArraySpec
from ..errors import DtypeError
from ..ops.linalg_common import well_conditioned
from ..ops.specs import same
from .batching import COMPLEX, STACK, each_matrix, is_plain, one_or_more_square
from .sylvester import sylvester


def _function(name: str, why: str, matrix: Array, scale: float = 1.0) -> Primitive:
    function: Callable[..., Any] = getattr(sp, name)

    def compute(a: Array) -> Array:
        if not a.size:
            return a.copy()
        # logm doubts results that are not of double precision, and makes them so
        (out,) = each_matrix(function, a.astype(np.result_type(a, float)) if name == "logm" else a)
        if out.dtype.kind == "c" and a.dtype.kind != "c":
            raise DtypeError(
                f"scipy.linalg.{name} of this real matrix is complex: it has negative eigenvalues, where "
                f"{name} jumps. Pass a.astype(complex) if a gradient on one side is meant."
            )
        return out.astype(a.dtype, copy=False)

    def rule(g: Array, out: Array, a: Array) -> Array:
        """Return the upper right part of the function of [[aᵀ, g], [0, aᵀ]]."""
        n = a.shape[-1]
        if not n:
            return g + a.mT
        size = primitives.stop_gradient(np.max(np.abs(g), (-2, -1), keepdims=True))
        size = np.where(size == 0, np.ones(1, size.dtype), size)  # the part is linear in g
        top = np.concatenate([a.mT, g / size], -1)
        bottom = np.concatenate([np.zeros(a.shape, a.dtype), a.mT], -1)
        return record(np.concatenate([top, bottom], -2))[..., :n, n:] * size

    samples = (matrix, STACK * scale, COMPLEX * scale, np.array([[0.5]]), np.zeros((0, 0)))
    record = primitive(
        name,
        compute,
        spec=same,
        vjp=(rule,),
        role="mixes",
        why=why,
        samples=tuple(map(Sample, samples)),
    )
    return record


_SMALL = well_conditioned(3, 3) / 5
_expm = _function(
    "expm", "The exponential of a matrix moves as a chain of small steps does.", _SMALL, 0.2
)
_logm = _function("logm", "The way back from the exponential of a matrix.", well_conditioned(3, 3))
_sinm = _function("sinm", "The sine of a matrix, whose slope is a mixture of cosines.", _SMALL, 0.2)
_cosm = _function("cosm", "The cosine of a matrix, whose slope is a mixture of sines.", _SMALL, 0.2)


def _root(a: Array, to_complex: bool) -> Array:
    if not a.size:
        return a.astype(_root_spec(a, to_complex).dtype)
    (out,) = each_matrix(sp.sqrtm, a)
    return out.astype(np.result_type(out, np.complex64)) if to_complex else out


def _root_spec(a: Array, to_complex: bool) -> ArraySpec:
    return ArraySpec(a.shape, np.result_type(a.dtype, np.complex64) if to_complex else a.dtype)


def sqrtm_vjp(g: Array, out: Array, a: Array, to_complex: bool) -> Array:
    return sylvester(out.mT, out.mT, g)


_sqrtm = primitive(
    "sqrtm",
    _root,
    spec=_root_spec,
    vjp=(sqrtm_vjp,),
    role="mixes",
    why="Its gradient solves an equation with the root on both sides.",
    samples=(
        Sample(well_conditioned(3, 3), to_complex=False),
        Sample(STACK, to_complex=False),
        Sample(COMPLEX, to_complex=False),
        Sample(-well_conditioned(3, 3), to_complex=True),
        Sample(np.zeros((0, 0)), to_complex=False),
    ),
)


def expm(A: ArrayLike) -> AnyArray:
    """Compute `scipy.linalg.expm`: the exponential of a square matrix.

    Parameters
    ----------
    A : array or Tensor of shape (..., n, n), floating or complex

    Raises
    ------
    ShapeError : `A` is not square.

    >>> import clearprop
    >>> a = clearprop.tensor(np.zeros((2, 2)))
    >>> expm(a)[0, 1].backward()
    >>> a.grad
    array([[0., 1.],
           [0., 0.]])
    """
    return sp.expm(A) if is_plain(A) else _expm(one_or_more_square("expm", A))


def logm(A: ArrayLike) -> AnyArray:
    """Compute `scipy.linalg.logm`: the logarithm of a square matrix.

    Parameters
    ----------
    A : array or Tensor of shape (..., n, n), floating or complex. The slope of a singular one is infinite,
        and where an eigenvalue is negative the logarithm jumps from one branch to another.

    Raises
    ------
    ShapeError : `A` is not square. DtypeError : it is a real Tensor, and its logarithm is complex.

    >>> import clearprop
    >>> a = clearprop.tensor(np.eye(2))
    >>> logm(a)[0, 0].backward()
    >>> a.grad.round(12) + 0.0
    array([[1., 0.],
           [0., 0.]])
    """
    return sp.logm(A) if is_plain(A) else _logm(one_or_more_square("logm", A))


def sqrtm(A: ArrayLike) -> AnyArray:
    """Compute `scipy.linalg.sqrtm`: the square root of a square matrix.

    Parameters
    ----------
    A : array or Tensor of shape (..., n, n), floating or complex; the result of a real one may be complex,
        and while tracing it is. A singular matrix has an infinite slope, or no root at all.

    Raises
    ------
    ShapeError : `A` is not square.

    >>> import clearprop
    >>> a = clearprop.tensor(np.eye(2) * 4)
    >>> sqrtm(a)[0, 0].backward()
    >>> a.grad.round(12) + 0.0
    array([[0.25, 0.  ],
           [0.  , 0.  ]])
    """
    if is_plain(A):
        return sp.sqrtm(A)
    a: AnyArray = one_or_more_square("sqrtm", A)
    return _sqrtm(a, to_complex=not a.is_known)


def sinm(A: ArrayLike) -> AnyArray:
    """Compute `scipy.linalg.sinm`: the sine of a square matrix, of shape (..., n, n); ShapeError for others.

    >>> import clearprop
    >>> a = clearprop.tensor(np.zeros((2, 2)))
    >>> sinm(a)[0, 1].backward()
    >>> a.grad
    array([[0., 1.],
           [0., 0.]])
    """
    return sp.sinm(A) if is_plain(A) else _sinm(one_or_more_square("sinm", A))


def cosm(A: ArrayLike) -> AnyArray:
    """Compute `scipy.linalg.cosm`: the cosine of a square matrix, of shape (..., n, n); ShapeError for
    others.

    >>> import clearprop
    >>> print(cosm(clearprop.tensor(np.zeros((2, 2)))))
    [[1. 0.]
     [0. 1.]]
    """
    return sp.cosm(A) if is_plain(A) else _cosm(one_or_more_square("cosm", A))
