"""Exponentials summed safely: logsumexp, softmax and its logarithm, and the loss of classifiers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike, DType
from ..engine.arrays import as_array
from ..engine.broadcasting import add_up
from ..engine.primitive import Sample, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes
from ..errors import DtypeError, ShapeError
from .reduction import COMPLEX_SUM, mean_spec
from .samples import REDUCTIONS
from .specs import kept, reduced, same


def _logsumexp(x: Array, axis: Axes, keepdims: bool) -> Array:
    top = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, top.dtype.type(0))
    with np.errstate(divide="ignore"):  # log(0) = -inf is the answer where every entry is -inf
        out = np.log(np.add.reduce(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else out.reshape(reduced(x.shape, axis, False))[()]


def logsumexp_vjp(g: Array, out: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    """Share out `g`. Dividing by the sum, 1 but for rounding, takes back what `out` was rounded by."""
    top = kept(out, x, axis, keepdims)
    shares = np.exp(x - np.where(np.isfinite(top), top, 0.0))
    total = np.add.reduce(shares, axis=axis, keepdims=True)
    return shares * (kept(g, x, axis, keepdims) / np.where(total == 0, 1.0, total))


_logsumexp_record = primitive(
    "logsumexp",
    _logsumexp,
    spec=mean_spec,
    vjp=(logsumexp_vjp,),
    role="mixes",
    why="The gradient is shared out by softmax: mostly to the largest entries.",
    repeats="logaddexp",
    samples=(*REDUCTIONS, COMPLEX_SUM),
)


def logsumexp(x: ArrayLike, axis: AxesLike = None, *, keepdims: bool = False) -> AnyArray:
    """Return ``log(sum(exp(x)))`` over `axis` without overflow (SciPy's name and meaning).

    Parameters
    ----------
    x : array or Tensor, floating
    axis : int, tuple of ints, or None for all
    keepdims : keep the reduced axes with size one

    >>> import clearprop, numpy as np
    >>> float(clearprop.logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    x = _floating(x)
    return _logsumexp_record(x, axis=normalize_axes(axis, x.ndim), keepdims=bool(keepdims))


def _softmax(x: Array, axis: Axes) -> Array:
    e = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


def softmax_vjp(g: Array, out: Array, x: Array, axis: Axes) -> Array:
    return out * (g - np.add.reduce(g * out, axis=axis, keepdims=True))


_SOFT = (
    Sample(floats(3, 4), axis=(1,)),
    Sample(floats(3, 4), axis=(0,)),
    Sample(floats(5), axis=(0,)),
)

_softmax_record = primitive(
    "softmax",
    _softmax,
    spec=same,
    vjp=(softmax_vjp,),
    role="mixes",
    why="Only gradients that differ from their weighted average get through: raising all entries alike "
    "changes nothing.",
    samples=_SOFT,
)


def softmax(x: ArrayLike, axis: AxesLike = -1) -> AnyArray:
    """Return positive numbers in the proportions ``exp(x)`` that add up to one over `axis` (the last,
    by default).

    Parameters
    ----------
    x : array or Tensor, floating
    axis : int or tuple of ints

    >>> import clearprop, numpy as np
    >>> clearprop.softmax(np.array([0.0, np.log(3.0)]))
    array([0.25, 0.75])
    """
    x = _floating(x)
    return _softmax_record(x, axis=normalize_axes(axis, x.ndim))


def _log_softmax(x: Array, axis: Axes) -> Array:
    shifted = x - np.maximum.reduce(x, axis=axis, keepdims=True)
    return shifted - np.log(add_up(np.exp(shifted), axis, keepdims=True))


def log_softmax_vjp(g: Array, out: Array, x: Array, axis: Axes) -> Array:
    return g - np.exp(out) * add_up(g, axis, keepdims=True)


_log_softmax_record = primitive(
    "log_softmax",
    _log_softmax,
    spec=same,
    vjp=(log_softmax_vjp,),
    role="mixes",
    why="Each entry gets its own gradient less its probability's part of their sum.",
    samples=_SOFT,
)


def log_softmax(x: ArrayLike, axis: AxesLike = -1) -> AnyArray:
    """Return ``log(softmax(x))`` over `axis` (the last, by default), accurate where probabilities are tiny.

    Parameters
    ----------
    x : array or Tensor, floating
    axis : int or tuple of ints

    >>> import clearprop, numpy as np
    >>> clearprop.log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    x = _floating(x)
    return _log_softmax_record(x, axis=normalize_axes(axis, x.ndim))


# ---- the loss of classifiers


@lru_cache(maxsize=64)
def _unit_rows(classes: int, dtype: DType) -> Array:
    return np.eye(classes, dtype=dtype)


def _one_hot(labels: Array, classes: int, dtype: DType) -> Array:
    return _unit_rows(classes, dtype)[labels]


def _one_hot_spec(labels: Array, classes: int, dtype: DType) -> ArraySpec:
    return ArraySpec((*labels.shape, classes), dtype)


_one_hot_record = primitive(
    "one_hot",
    _one_hot,
    spec=_one_hot_spec,
    why="A label is a whole number: a small step of it has no meaning.",
    samples=(Sample(np.array([0, 2, 1]), classes=3, dtype=np.dtype("float64")),),
)


def _nll_loss(log_p: Array, labels: Array) -> Array:
    rows = log_p.reshape(-1, log_p.shape[-1])
    return -np.add.reduce(rows[np.arange(len(rows)), labels.reshape(-1)]) / len(rows)


def nll_loss_vjp(g: Array, out: Array, log_p: Array, labels: Array) -> Array:
    hits = _one_hot_record(labels, classes=log_p.shape[-1], dtype=log_p.dtype)
    return hits * (-g / labels.size)


def _nll_loss_spec(log_p: Array, labels: Array) -> ArraySpec:
    if log_p.shape[:-1] != labels.shape:
        raise ValueError("one label is needed for each row")
    return ArraySpec((), log_p.dtype)


_nll_loss_record = primitive(
    "nll_loss",
    _nll_loss,
    spec=_nll_loss_spec,
    vjp=(nll_loss_vjp,),
    role="selects",
    why="Only the log-probability of the right label counts, each row's for its share of the mean.",
    samples=(
        Sample(floats(4, 3), np.array([0, 2, 1, 1])),
        Sample(floats(3), np.array(1)),
        Sample(floats(2, 2, 3), np.array([[0, 1], [2, 2]])),
    ),
)


def cross_entropy(logits: ArrayLike, labels: ArrayLike) -> AnyArray:
    """Return the mean of ``-log(softmax(logits)[label])`` over all rows (PyTorch's `cross_entropy`).

    Two gates: `log_softmax`, and the mean of the negative log-likelihoods of the labels.

    Parameters
    ----------
    logits : array or Tensor of shape (..., classes), floating
    labels : integer array or Tensor of shape (...), each from 0 to classes - 1

    Raises
    ------
    ShapeError : there is not one label for each row. DtypeError : the labels are not integers.
    IndexError : a label is out of range.

    >>> import clearprop, numpy as np
    >>> float(clearprop.cross_entropy(np.array([[0.0, np.log(3.0)]]), np.array([0]))).__round__(4)
    1.3863
    """
    logits, labels = _floating(logits), as_array(labels)
    shape = logits.shape
    if labels.dtype.kind not in "iu":
        raise DtypeError(
            f"labels are integers, one for each row of logits, but these are {labels.dtype}"
        )
    if shape[:-1] != labels.shape:
        raise ShapeError(
            f"cross_entropy: logits of shape {shape} need labels of shape {shape[:-1]}, but they "
            f"have {labels.shape}"
        )
    return _nll_loss_record(_log_softmax_record(logits, axis=(len(shape) - 1,)), labels)


def _floating(x: ArrayLike) -> Array:
    """Return `x` as something with a shape; lists and whole numbers become float arrays."""
    x = as_array(x)
    return x if x.dtype.kind in "fc" else x.astype(float)
