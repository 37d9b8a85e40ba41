"""Counting functions of scipy.special, for numbers between the whole ones, too."""

from __future__ import annotations

import numpy as np
from scipy import special as sp

from ..engine.array_types import AnyArray, Array
from ..engine.tensor import Tensor
from ..engine.tensor_parameters import plain_parameters
from ..errors import UnsupportedError
from ..ops.specs import shaped

__all__ = ["comb", "diric", "factorial", "perm"]


@plain_parameters
def comb(N: AnyArray, k: AnyArray, *, exact: bool = False, repetition: bool = False) -> AnyArray:
    """Compute `scipy.special.comb`: in how many ways `k` of `N` can be chosen.

    Parameters
    ----------
    N, k : arrays or Tensors in shapes that broadcast; 0 beyond ``0 <= k <= N``
    exact : whole numbers of any length, which have no gradient, so not for Tensors
    repetition : whether one may be chosen more than once

    >>> import clearprop
    >>> n = clearprop.tensor(5.0)
    >>> comb(n, 2).backward()  # n (n - 1) / 2
    >>> print(comb(n, 2), round(float(n.grad), 12))
    10.0 4.5
    """
    if not _any_tensor(exact, "comb", N, k):
        return sp.comb(N, k, exact=exact, repetition=repetition)
    N, k = shaped(N), shaped(k)
    if repetition:
        none = np.logical_and(np.equal(k, 0), np.greater_equal(N, 0))
        return np.where(none, 1.0, sp.binom(np.where(none, 1.0, N) + k - 1, k))
    fits = _fits(N, k)
    return np.where(fits, sp.binom(np.where(fits, N, 1.0), np.where(fits, k, 0.0)), 0.0)


@plain_parameters
def perm(N: AnyArray, k: AnyArray, exact: bool = False) -> AnyArray:
    """Compute `scipy.special.perm`: in how many orders `k` of `N` can stand.

    Parameters
    ----------
    N, k : arrays or Tensors in shapes that broadcast; 0 beyond ``0 <= k <= N``
    exact : whole numbers of any length, which have no gradient, so not for Tensors

    >>> import clearprop
    >>> n = clearprop.tensor(5.0)
    >>> perm(n, 2).backward()  # n (n - 1)
    >>> print(perm(n, 2), round(float(n.grad), 12))
    20.0 9.0
    """
    if not _any_tensor(exact, "perm", N, k):
        return sp.perm(N, k, exact=exact)
    N, k = shaped(N), shaped(k)
    fits = _fits(N, k)
    N, k = np.where(fits, N, 1.0), np.where(fits, k, 0.0)
    return np.where(fits, sp.poch(N - k + 1, k), 0.0)


@plain_parameters
def factorial(n: AnyArray, exact: bool = False, extend: str = "zero") -> AnyArray:
    """Compute `scipy.special.factorial`, by the gamma function; 0 below 0.

    Parameters
    ----------
    n : array or Tensor, floating
    exact : whole numbers of any length, which have no gradient, so not for Tensors
    extend : for Tensors "zero" alone

    >>> import clearprop
    >>> n = clearprop.tensor(3.0)
    >>> factorial(n).backward()
    >>> print(n.grad == 6 * sp.digamma(4.0))
    True
    """
    if not _any_tensor(exact, "factorial", n):
        return sp.factorial(n, exact=exact, extend=extend)
    if extend != "zero":
        raise UnsupportedError(f'factorial of a tensor knows extend="zero" alone, not {extend!r}')
    n = n.astype(float)  # as in SciPy
    below = n < 0
    return np.where(below, 0.0, sp.gamma(np.where(below, 0.0, n) + 1))


def diric(x: AnyArray, n: AnyArray) -> AnyArray:
    """Compute `scipy.special.diric`: ``sin(n x / 2) / (n sin(x / 2))``, the periodic sinc, of `n` a
    whole number.

    Parameters
    ----------
    x : array or Tensor, floating
    n : int, or array of ints, in a shape that broadcasts with that of `x`; NaN below 1

    >>> import clearprop
    >>> x = clearprop.tensor([0.0, 2 * np.pi / 3])
    >>> diric(x, 3).sum().backward()
    >>> print(diric(x, 3).value.round(12) + 0.0, x.grad.round(12) + 0.0)
    [1. 0.] [ 0.         -0.57735027]
    """
    if not isinstance(x, Tensor):
        return sp.diric(x, n)
    n = np.asarray(n)
    counts = np.logical_and(n > 0, n == np.floor(n))
    x = x.astype(np.result_type(x.dtype, n.dtype))
    n = np.where(counts, n, 1).astype(x.dtype)
    return np.where(counts, sp.eval_chebyu(n - 1, np.cos(0.5 * x)) / n, np.nan)


def _fits(N: AnyArray, k: AnyArray) -> Array:
    inner = np.logical_and(np.greater_equal(N, 0), np.greater_equal(k, 0))
    return np.logical_and(inner, np.less_equal(k, N))


def _any_tensor(exact: bool, name: str, *values: object) -> bool:
    if not any(isinstance(value, Tensor) for value in values):
        return False
    if exact:
        raise UnsupportedError(
            f"{name} with exact=True gives whole numbers, which have no gradient. Leave it out, or pass "
            f"numbers instead of tensors."
        )
    return True
