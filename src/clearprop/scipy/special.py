"""scipy.special, with all of its functions that Clearprop knows: ``import clearprop.scipy.special``.

Most of scipy.special works on Tensors by its own name. What stands here are Python functions that make plain
arrays of what they get. All other names are SciPy's.

>>> import clearprop, numpy as np
>>> from clearprop.scipy import special
>>> x = clearprop.tensor([0.0, np.log(3.0)])
>>> special.logsumexp(x).backward()
>>> x.grad, special.erf is __import__("scipy").special.erf
(array([0.25, 0.75]), True)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sp

from ..engine.array_types import AnyArray, Array, ArrayLike, AxesLike, Tree
from ..engine.arrays import is_array
from ..engine.broadcasting import broadcast_shapes
from ..engine.tensor import Tensor
from ..engine.tensor_parameters import plain_parameters
from ..errors import ShapeError
from ..ops import softmax as ours
from .combinatorics import *  # noqa: F403
from .spherical_harmonics import *  # noqa: F403

__all__ = list(sp.__all__)


def __getattr__(name: str) -> Any:
    return getattr(sp, name)


def __dir__() -> list[str]:
    return list(__all__)


@plain_parameters
def logsumexp(
    a: ArrayLike,
    axis: AxesLike = None,
    b: ArrayLike | None = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Tree:
    """Compute `scipy.special.logsumexp`: ``log(sum(b * exp(a)))`` over `axis` without overflow.

    Parameters
    ----------
    a : array or Tensor, floating
    axis : int, tuple of ints, or None for all
    b : None, or factors in a shape that broadcasts with that of `a`, also negative ones and zeros
    keepdims : keep the reduced axes with size one
    return_sign : return the logarithm of the sum's size, and its sign (which has no gradient)

    >>> import clearprop
    >>> b = clearprop.tensor([2.0, -1.0])
    >>> value, sign = logsumexp(np.array([1000.0, 1000.0]), b=b, return_sign=True)
    >>> value.backward()
    >>> print(value, sign, b.grad)
    1000.0 1.0 [1. 1.]
    """
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        return sp.logsumexp(a, axis, b, keepdims, return_sign)
    if b is None and not return_sign:
        return ours.logsumexp(a, axis, keepdims=keepdims)
    if b is None:
        b = 1.0
    a, b = _array(a, b), _array(b, a)
    a = a if a.dtype.kind == "f" else a.astype(float)
    shape = broadcast_shapes(a.shape, b.shape)
    a, b = np.broadcast_to(a, shape), np.broadcast_to(b, shape)
    counts = np.where(b == 0, -np.inf, a)
    top = np.max(counts, axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    most = math.log(np.finfo(a.dtype).max) - 1  # reached only where b is 0
    total = np.sum(b * np.exp(np.minimum(a - top, most)), axis, keepdims=True)
    result = np.log(np.abs(total) if return_sign else total) + top
    sign = np.sign(total)
    if not keepdims:
        result, sign = np.squeeze(result, axis), np.squeeze(sign, axis)
    return (result, sign) if return_sign else result


def _array(x: AnyArray, other: AnyArray) -> Array:
    """Return `x` as an array, a Python number in the dtype of `other`."""
    if isinstance(x, int | float) and is_array(other) and other.dtype.kind == "f":
        return other.dtype.type(x)
    return x if isinstance(x, Tensor) else np.asarray(x)


def softmax(x: ArrayLike, axis: AxesLike = None) -> AnyArray:
    """Compute `scipy.special.softmax`: positive numbers in the proportions ``exp(x)`` that add up to one.

    Parameters
    ----------
    x : array or Tensor, floating
    axis : int or tuple of ints; by default, as in SciPy, all of them

    >>> import clearprop
    >>> print(softmax(clearprop.tensor([0.0, np.log(3.0)])))
    [0.25 0.75]
    """
    return ours.softmax(x, axis) if isinstance(x, Tensor) else sp.softmax(x, axis)


def log_softmax(x: ArrayLike, axis: AxesLike = None) -> AnyArray:
    """Compute `scipy.special.log_softmax`: the logarithm of `softmax`, accurate where that is tiny.

    Parameters
    ----------
    x : array or Tensor, floating
    axis : int or tuple of ints; by default, as in SciPy, all of them

    >>> import clearprop
    >>> print(log_softmax(clearprop.tensor([0.0, 1000.0])))
    [-1000.     0.]
    """
    return ours.log_softmax(x, axis) if isinstance(x, Tensor) else sp.log_softmax(x, axis)


def polygamma(n: ArrayLike, x: ArrayLike) -> AnyArray:
    """Compute `scipy.special.polygamma`: the derivative of order `n` of `digamma`.

    Parameters
    ----------
    n : int, or array of ints, none negative
    x : array or Tensor, floating, in a shape that broadcasts with that of `n`

    >>> import clearprop
    >>> x = clearprop.tensor(1.0)
    >>> polygamma(1, x).backward()
    >>> print(polygamma(1, x), x.grad, polygamma(2, 1.0))
    1.6449340668482266 -2.404113806319188 -2.404113806319188
    """
    if not isinstance(x, Tensor):
        return sp.polygamma(n, x)
    n = np.asarray(n)
    scale = (-1.0) ** (n + 1) * sp.gamma(n + 1.0)  # float64, and with it the result, as in SciPy
    if not n.ndim:
        return -scale * sp.digamma(x) if n == 0 else scale * sp.zeta(int(n) + 1, x)
    return np.where(n == 0, -scale * sp.digamma(x), scale * sp.zeta(np.where(n == 0, 2, n + 1), x))


@plain_parameters
def multigammaln(a: ArrayLike, d: int) -> AnyArray:
    """Compute `scipy.special.multigammaln`: the logarithm of the gamma function of `d` by `d` matrices.

    Parameters
    ----------
    a : array or Tensor, floating, above ``(d - 1) / 2``; NaN for a Tensor's entries that are not
    d : int, at least 1

    Raises
    ------
    ValueError : as in SciPy, for arrays that are out of range. ShapeError : `d` is no positive integer.

    >>> import clearprop
    >>> a = clearprop.tensor(3.0)
    >>> multigammaln(a, 2).backward()
    >>> print(a.grad == sp.digamma(3.0) + sp.digamma(2.5))
    True
    """
    if not isinstance(a, Tensor):
        return sp.multigammaln(a, d)
    if d != int(d) or d < 1:
        raise ShapeError(f"multigammaln: matrices are d by d with d a positive integer, not {d!r}")
    constant = d * (d - 1) / 4 * np.log(np.pi)  # float64, and with it the result, as in SciPy
    total = sum((sp.gammaln(a - j / 2) for j in range(1, int(d))), sp.gammaln(a)) + constant
    return np.where(a > (d - 1) / 2, total, np.nan)
