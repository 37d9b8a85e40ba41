"""Functions of matrices: the exponential, logarithm, square root, sine and cosine.

Their derivatives stand in the same function of a block triangular matrix (N. Higham, Functions of Matrices,
SIAM, 2008, section 3.2; for the exponential A. Al-Mohy and N. Higham, SIMAX 30, 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg as sp

from ..errors import ShapeError
from ..ops.matrices import square, well_conditioned
from ..ops.specs import same
from ..primitive import Primitive, Sample, primitive
from ..tensor import Tensor


def is_plain(*values: Any) -> bool:
    return not any(isinstance(x, Tensor) for x in values)


def one_matrix(function: str, a: Any) -> Any:
    a = square(f"scipy.linalg.{function}", a)
    if a.ndim != 2:
        raise ShapeError(
            f"scipy.linalg.{function} takes one matrix here, but the shape is {a.shape}"
        )
    return a


def _function(name: str, why: str, sample: Any) -> Primitive:
    forward: Callable[..., Any] = getattr(sp, name)

    def compute(a: Any) -> Any:
        out = np.asarray(forward(a.astype(np.result_type(a.dtype, np.float64))))
        # a real matrix may have a complex logarithm or root
        return out.astype(
            np.result_type(a.dtype, np.complex64) if out.dtype.kind == "c" else a.dtype
        )

    def rule(g: Any, out: Any, a: Any) -> Any:
        """The upper right part of the function of [[aᵀ, g], [0, aᵀ]]."""
        n = a.shape[0]
        top = np.concatenate([a.T, g], 1)
        bottom = np.concatenate([np.zeros((n, n), a.dtype), a.T], 1)
        return record(np.concatenate([top, bottom], 0))[:n, n:]

    record = primitive(
        name, compute, spec=same, vjp=(rule,), role="mixes", why=why, samples=(Sample(sample),)
    )
    return record


_SMALL = well_conditioned(3, 3) / 5
_expm = _function(
    "expm", "The exponential of a matrix moves as a chain of small steps does.", _SMALL
)
_logm = _function("logm", "The way back from the exponential of a matrix.", well_conditioned(3, 3))
_sqrtm = _function(
    "sqrtm", "Its gradient solves an equation with the root on both sides.", well_conditioned(3, 3)
)
_sinm = _function("sinm", "The sine of a matrix, whose slope is a mixture of cosines.", _SMALL)
_cosm = _function("cosm", "The cosine of a matrix, whose slope is a mixture of sines.", _SMALL)


def expm(A: Any) -> Any:
    """`scipy.linalg.expm`: the exponential of a square matrix.

    Parameters
    ----------
    A : array or Tensor of shape (n, n), floating or complex

    >>> import clearprop
    >>> a = clearprop.tensor(np.zeros((2, 2)))
    >>> expm(a)[0, 1].backward()
    >>> a.grad
    array([[0., 1.],
           [0., 0.]])
    """
    return sp.expm(A) if is_plain(A) else _expm(one_matrix("expm", A))


def logm(A: Any) -> Any:
    """`scipy.linalg.logm`: the logarithm of a square matrix, of shape (n, n).

    >>> import clearprop
    >>> a = clearprop.tensor(np.eye(2))
    >>> logm(a)[0, 0].backward()
    >>> a.grad.round(12) + 0.0
    array([[1., 0.],
           [0., 0.]])
    """
    return sp.logm(A) if is_plain(A) else _logm(one_matrix("logm", A))


def sqrtm(A: Any) -> Any:
    """`scipy.linalg.sqrtm`: the square root of a square matrix, of shape (n, n).

    >>> import clearprop
    >>> a = clearprop.tensor(np.eye(2) * 4)
    >>> sqrtm(a)[0, 0].backward()
    >>> a.grad.round(12) + 0.0
    array([[0.25, 0.  ],
           [0.  , 0.  ]])
    """
    return sp.sqrtm(A) if is_plain(A) else _sqrtm(one_matrix("sqrtm", A))


def sinm(A: Any) -> Any:
    """`scipy.linalg.sinm`: the sine of a square matrix, of shape (n, n)."""
    return sp.sinm(A) if is_plain(A) else _sinm(one_matrix("sinm", A))


def cosm(A: Any) -> Any:
    """`scipy.linalg.cosm`: the cosine of a square matrix, of shape (n, n)."""
    return sp.cosm(A) if is_plain(A) else _cosm(one_matrix("cosm", A))
