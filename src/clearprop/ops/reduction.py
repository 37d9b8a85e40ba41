"""Primitives that make fewer numbers of many: sums, extremes and what is built on them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError
from ..primitive import Sample, answers, floats, primitive
from ..spec import ArraySpec, add_up, normalize_axes, ufunc_dtype
from ..tensor import apply
from .specs import kept, reduced, same

_AXES = (
    Sample(floats(3, 4), axis=(0, 1), keepdims=False),
    Sample(floats(3, 4), axis=(0,), keepdims=True),
    Sample(floats(2, 3, 4), axis=(0, 2), keepdims=False),
    Sample(floats(2, 3, 4), axis=(2,), keepdims=False),
    Sample(floats(), axis=(), keepdims=False),
)


def _count(x: Any, axis: tuple[int, ...]) -> int:
    return _product(x.shape, axis)


@lru_cache(maxsize=4096)
def _product(shape: tuple[int, ...], axis: tuple[int, ...]) -> int:
    return math.prod(shape[i] for i in axis)


# ---- sums


def sum_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    return kept(g, x, axis, keepdims)  # alike along the summed axes: the sweep stretches it


def _sum(x: Any, axis: Any, keepdims: Any) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


def _sum_spec(x: Any, axis: Any, keepdims: Any) -> ArraySpec:
    dtype = np.add.reduce(np.zeros(1, x.dtype)).dtype  # small integers widen
    return ArraySpec(reduced(x.shape, axis, keepdims), dtype)


_sum_record = primitive(
    "sum",
    _sum,
    spec=_sum_spec,
    vjp=(sum_vjp,),
    role="spreads",
    why="Every summed entry moves the sum by just as much.",
    samples=_AXES,
)


@answers(np.sum)
def sum(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply(
        _sum_record, (a,), {"axis": normalize_axes(axis, a.ndim), "keepdims": bool(keepdims)}
    )


@answers(np.add.reduce)
def add_reduce(array: Any, axis: Any = 0, *, keepdims: bool = False) -> Any:
    return sum(array, axis, keepdims=keepdims)


def mean_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    return kept(g / _count(x, axis), x, axis, keepdims)


def _mean(x: Any, axis: Any, keepdims: Any) -> Any:
    if x.dtype.char == "e":  # NumPy adds half precision up in single
        return np.mean(x, axis=axis, keepdims=keepdims)
    return np.add.reduce(x, axis=axis, keepdims=keepdims) / _count(x, axis)


def _mean_spec(x: Any, axis: Any, keepdims: Any, **params: Any) -> ArraySpec:
    dtype = ufunc_dtype(np.true_divide, x, 1)
    return ArraySpec(reduced(x.shape, axis, keepdims), dtype)


_mean_record = primitive(
    "mean",
    _mean,
    spec=_mean_spec,
    vjp=(mean_vjp,),
    role="spreads",
    why="Every entry gets the same share: the upstream gradient divided by their number.",
    samples=_AXES,
)


@answers(np.mean)
def mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply(
        _mean_record, (a,), {"axis": normalize_axes(axis, a.ndim), "keepdims": bool(keepdims)}
    )


# ---- spread


def _centred(x: Any, axis: Any) -> Any:
    return x - add_up(x, axis, keepdims=True) / _count(x, axis)


def _var(x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    if x.dtype.char == "e":
        return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)
    d = _centred(x, axis)
    return add_up(d * d, axis, keepdims=keepdims) / max(_count(x, axis) - ddof, 0)


def _std(x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    return np.sqrt(_var(x, axis, ddof, keepdims))


def var_vjp(g: Any, out: Any, x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    return kept(g / (_count(x, axis) - ddof), x, axis, keepdims) * 2 * _centred(x, axis)


def std_vjp(g: Any, out: Any, x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    safe = np.where(out == 0, 1.0, out)  # equal entries: no gradient rather than 0/0
    return kept(g / safe, x, axis, keepdims) / (_count(x, axis) - ddof) * _centred(x, axis)


_SPREADS = (
    Sample(floats(3, 4), axis=(0, 1), ddof=0, keepdims=False),
    Sample(floats(3, 4), axis=(0,), ddof=1, keepdims=True),
    Sample(floats(2, 3, 4), axis=(0, 2), ddof=1, keepdims=False),
)

_var_record = primitive(
    "var",
    _var,
    spec=_mean_spec,
    vjp=(var_vjp,),
    role="mixes",
    why="Each entry is pushed away from the mean, the harder the further away it is.",
    samples=_SPREADS,
)

_std_record = primitive(
    "std",
    _std,
    spec=_mean_spec,
    vjp=(std_vjp,),
    role="mixes",
    why="Each entry is pushed away from the mean; equal entries get no gradient.",
    samples=_SPREADS,
)


@answers(np.var)
def var(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return apply(
        _var_record,
        (a,),
        {"axis": normalize_axes(axis, a.ndim), "ddof": ddof, "keepdims": bool(keepdims)},
    )


@answers(np.std)
def std(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return apply(
        _std_record,
        (a,),
        {"axis": normalize_axes(axis, a.ndim), "ddof": ddof, "keepdims": bool(keepdims)},
    )


# ---- extremes


def _extreme_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    winners = x == kept(out, x, axis, keepdims)
    count = np.add.reduce(winners.astype(g.dtype), axis=axis, keepdims=True)
    return np.where(winners, kept(g, x, axis, keepdims) / count, 0.0)


def _extreme_spec(x: Any, axis: Any, keepdims: Any) -> ArraySpec:
    return ArraySpec(reduced(x.shape, axis, keepdims), x.dtype)


def _max(x: Any, axis: Any, keepdims: Any) -> Any:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _min(x: Any, axis: Any, keepdims: Any) -> Any:
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


_max_record = primitive(
    "max",
    _max,
    spec=_extreme_spec,
    vjp=(_extreme_vjp,),
    role="routes",
    why="Only the largest entry moves the output; equal largest entries share the gradient.",
    samples=_AXES,
)

_min_record = primitive(
    "min",
    _min,
    spec=_extreme_spec,
    vjp=(_extreme_vjp,),
    role="routes",
    why="Only the smallest entry moves the output; equal smallest entries share the gradient.",
    samples=_AXES,
)


@answers(np.max)
def max_(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply(
        _max_record, (a,), {"axis": normalize_axes(axis, a.ndim), "keepdims": bool(keepdims)}
    )


@answers(np.min)
def min_(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply(
        _min_record, (a,), {"axis": normalize_axes(axis, a.ndim), "keepdims": bool(keepdims)}
    )


def _arg_spec(x: Any, axis: Any, keepdims: Any) -> ArraySpec:
    axes = normalize_axes(axis, x.ndim)
    return ArraySpec(reduced(x.shape, axes, keepdims), np.dtype(np.intp))


for _function in (np.argmax, np.argmin):
    _record = primitive(
        _function.__name__,
        _function,
        spec=_arg_spec,
        vjp=(None,),
        role="blocks",
        why="A position is a whole number: a small step of the input does not move it.",
        samples=(
            Sample(floats(3, 4), axis=None, keepdims=False),
            Sample(floats(3, 4), axis=1, keepdims=True),
        ),
    )

    @answers(_function)
    def _arg(a: Any, axis: Any = None, *, keepdims: bool = False, record: Any = _record) -> Any:
        return record(a, axis=axis, keepdims=bool(keepdims))


def _truth_spec(x: Any, axis: Any, keepdims: Any) -> ArraySpec:
    return ArraySpec(reduced(x.shape, axis, keepdims), np.dtype(bool))


for _truth_function in (np.all, np.any):
    _truth_record = primitive(
        _truth_function.__name__,
        _truth_function,
        spec=_truth_spec,
        vjp=(None,),
        role="blocks",
        why="True or false: a small step of the input does not change it.",
        samples=(Sample(np.array([[True, False], [True, True]]), axis=(1,), keepdims=False),),
    )

    @answers(_truth_function)
    def _truth(
        a: Any, axis: Any = None, *, keepdims: bool = False, record: Any = _truth_record
    ) -> Any:
        return record(a, axis=normalize_axes(axis, a.ndim), keepdims=bool(keepdims))


# ---- exponentials, summed safely


def _logsumexp(x: Any, axis: Any, keepdims: Any) -> Any:
    top = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, top.dtype.type(0))
    with np.errstate(divide="ignore"):  # log(0) = -inf is the answer where every entry is -inf
        out = np.log(np.add.reduce(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else out.reshape(reduced(x.shape, axis, False))[()]


def logsumexp_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    top = kept(out, x, axis, keepdims)
    return kept(g, x, axis, keepdims) * np.exp(x - np.where(np.isfinite(top), top, 0.0))


_logsumexp_record = primitive(
    "logsumexp",
    _logsumexp,
    spec=_mean_spec,
    vjp=(logsumexp_vjp,),
    role="mixes",
    why="The gradient is shared out by softmax: mostly to the largest entries.",
    samples=_AXES,
)


def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` over `axis` without overflow (SciPy's name and meaning).

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


def _softmax(x: Any, axis: Any) -> Any:
    e = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


def softmax_vjp(g: Any, out: Any, x: Any, axis: Any) -> Any:
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


def softmax(x: Any, axis: Any = -1) -> Any:
    """Positive numbers in the proportions ``exp(x)`` that add up to one over `axis` (the last, by default).

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


def _log_softmax(x: Any, axis: Any) -> Any:
    shifted = x - np.maximum.reduce(x, axis=axis, keepdims=True)
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))


def log_softmax_vjp(g: Any, out: Any, x: Any, axis: Any) -> Any:
    return g - np.exp(out) * np.add.reduce(g, axis=axis, keepdims=True)


_log_softmax_record = primitive(
    "log_softmax",
    _log_softmax,
    spec=same,
    vjp=(log_softmax_vjp,),
    role="mixes",
    why="Each entry gets its own gradient less its probability's part of their sum.",
    samples=_SOFT,
)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """``log(softmax(x))`` over `axis` (the last, by default), accurate where probabilities are tiny.

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
def _unit_rows(classes: int, dtype: np.dtype[Any]) -> Any:
    return np.eye(classes, dtype=dtype)


def _one_hot(labels: Any, classes: int, dtype: np.dtype[Any]) -> Any:
    return _unit_rows(classes, dtype)[labels]


def _one_hot_spec(labels: Any, classes: int, dtype: np.dtype[Any]) -> ArraySpec:
    return ArraySpec((*labels.shape, classes), dtype)


_one_hot_record = primitive(
    "one_hot",
    _one_hot,
    spec=_one_hot_spec,
    vjp=(None,),
    role="blocks",
    why="A label is a whole number: a small step of it has no meaning.",
    samples=(Sample(np.array([0, 2, 1]), classes=3, dtype=np.dtype("float64")),),
)


def _nll_loss(log_p: Any, labels: Any) -> Any:
    rows = log_p.reshape(-1, log_p.shape[-1])
    return -np.add.reduce(rows[np.arange(len(rows)), labels.reshape(-1)]) / len(rows)


def nll_loss_vjp(g: Any, out: Any, log_p: Any, labels: Any) -> Any:
    hits = _one_hot_record(labels, classes=log_p.shape[-1], dtype=log_p.dtype)
    return hits * (-g / labels.size)


def _nll_loss_spec(log_p: Any, labels: Any) -> ArraySpec:
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


def cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean of ``-log(softmax(logits)[label])`` over all rows (PyTorch's `cross_entropy`).

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
    logits, labels = _floating(logits), labels if hasattr(labels, "dtype") else np.asarray(labels)
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


def _floating(x: Any) -> Any:
    """`x` as something with a shape; lists and whole numbers become float arrays."""
    if not hasattr(x, "dtype"):
        x = np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(float)
