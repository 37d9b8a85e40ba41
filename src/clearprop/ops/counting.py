"""Yes or no, how many, and which class: answers without a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import Sample, answers, primitive
from ..spec import ArraySpec, normalize_axes
from ..tensor import Tensor
from .indexing import Slot, scatter
from .picking import known
from .reduction import chosen
from .specs import reduced, shaped


def _truth_spec(x: Any, axis: Any, keepdims: Any) -> ArraySpec:
    return ArraySpec(reduced(x.shape, axis, keepdims), np.dtype(bool))


def _truth(function: Any) -> Any:
    return primitive(
        function.__name__,
        function,
        spec=_truth_spec,
        vjp=(None,),
        role="blocks",
        why="True or false: a small step of the input does not change it.",
        samples=(Sample(np.array([[True, False], [True, True]]), axis=(1,), keepdims=False),),
    )


_all_record = _truth(np.all)
_any_record = _truth(np.any)


@answers(np.all)
def all_(a: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    if where is not True:
        a = np.logical_or(a, np.logical_not(chosen(where, a, "all")))
    return _all_record(a, axis=normalize_axes(axis, a.ndim), keepdims=bool(keepdims))


@answers(np.any)
def any_(a: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    if where is not True:
        a = np.logical_and(a, chosen(where, a, "any"))
    return _any_record(a, axis=normalize_axes(axis, a.ndim), keepdims=bool(keepdims))


@answers(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.sum(np.not_equal(a, 0), axis=axis, keepdims=keepdims, dtype=np.intp)


# ---- in classes


@answers(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """How many classes there are is a matter of the numbers; the weights added up in them have a gradient."""
    x = known(x, "np.bincount")
    if not isinstance(weights, Tensor):
        return np.bincount(x, weights, minlength)
    length = len(np.bincount(x, minlength=minlength))
    if weights.shape != x.shape:
        raise ShapeError(
            f"bincount: weights of shape {weights.shape} for numbers of shape {x.shape}; each needs one"
        )
    return scatter(weights.astype(float), x, index=(Slot(0),), shape=(length,))


@answers(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    bins = known(bins, "np.digitize")
    side: Any = "left" if right else "right"
    if np.all(bins[1:] >= bins[:-1]):
        return np.searchsorted(bins, x, side)
    if np.all(bins[1:] <= bins[:-1]):
        return len(bins) - np.searchsorted(bins[::-1], x, side)
    raise ValueError("digitize: the bins must rise or fall from the first to the last")


@answers(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    return np.histogram_bin_edges(known(a, "np.histogram"), _classes(bins), range)


def _classes(bins: Any) -> Any:
    """The plain edges of the classes, or how many, or a rule's name."""
    bins = known(bins, "np.histogram")
    return bins if bins.ndim else bins.item()


@answers(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> Any:
    a = known(a, "np.histogram").reshape(-1)
    bins = _classes(bins)
    if not isinstance(weights, Tensor):
        weights = None if weights is None else shaped(weights).reshape(-1)
        return np.histogram(a, bins, range, density=density, weights=weights)
    edges = np.histogram_bin_edges(a, bins, range)
    if weights.size != a.size:
        raise ShapeError(f"histogram: {weights.size} weights for {a.size} numbers; each needs one")
    place = np.searchsorted(edges, a, "right") - 1
    place[a == edges[-1]] -= 1  # the last class holds its upper edge, too
    inside = (place >= 0) & (place < len(edges) - 1)
    counts = bincount(place[inside], weights.reshape(-1)[inside], len(edges) - 1)
    return (counts / np.diff(edges) / np.sum(counts) if density else counts), edges


@answers(np.histogram2d)
def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: bool | None = None
) -> Any:
    return np.histogram2d(
        known(x, "np.histogram2d"), known(y, "np.histogram2d"), bins, range, density
    )


@answers(np.histogramdd)
def histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: bool | None = None) -> Any:
    return np.histogramdd(known(sample, "np.histogramdd"), bins, range, density)
