"""Truth tests, counts and histograms: results without a gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike
from ..engine.primitive import Primitive, Sample, answers, primitive
from ..engine.spec import ArraySpec, normalize_axes
from ..engine.tensor import Tensor
from ..errors import ShapeError
from .indexing import Slot, scatter
from .reduction import chosen
from .specs import reduced, shaped
from .take_put import known


def _truth_spec(x: Array, axis: Axes, keepdims: bool) -> ArraySpec:
    return ArraySpec(reduced(x.shape, axis, keepdims), np.dtype(bool))


def _truth(function: Callable[..., Array], repeats: str) -> Primitive:
    return primitive(
        function.__name__,
        function,
        spec=_truth_spec,
        why="True or false: a small step of the input does not change it.",
        repeats=repeats,
        samples=(Sample(np.array([[True, False], [True, True]]), axis=(1,), keepdims=False),),
    )


_all_record = _truth(np.all, "logical_and")
_any_record = _truth(np.any, "logical_or")


@answers(np.all)
def all_(
    a: Array, axis: AxesLike = None, *, keepdims: bool = False, where: AnyArray = True
) -> Array:
    if where is not True:
        a = np.logical_or(a, np.logical_not(chosen(where, a, "all")))
    axes = normalize_axes(axis, a.ndim, reduces=True)
    return _all_record(a, axis=axes, keepdims=bool(keepdims))


@answers(np.any)
def any_(
    a: Array, axis: AxesLike = None, *, keepdims: bool = False, where: AnyArray = True
) -> Array:
    if where is not True:
        a = np.logical_and(a, chosen(where, a, "any"))
    axes = normalize_axes(axis, a.ndim, reduces=True)
    return _any_record(a, axis=axes, keepdims=bool(keepdims))


@answers(np.count_nonzero)
def count_nonzero(a: Array, axis: AxesLike = None, *, keepdims: bool = False) -> AnyArray:
    return np.sum(np.not_equal(a, 0), axis=axis, keepdims=keepdims, dtype=np.intp)


# ---- in classes


@answers(np.bincount)
def bincount(x: ArrayLike, /, weights: ArrayLike | None = None, minlength: int = 0) -> Array:
    """Add up weights by class. How many classes there are depends on the numbers; the sums have a
    gradient.
    """
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
def digitize(x: ArrayLike, bins: ArrayLike, right: bool = False) -> Array:
    bins = known(bins, "np.digitize")
    side: Literal["left", "right"] = "left" if right else "right"
    if np.all(bins[1:] >= bins[:-1]):
        return np.searchsorted(bins, x, side)
    if np.all(bins[1:] <= bins[:-1]):
        return len(bins) - np.searchsorted(bins[::-1], x, side)
    raise ValueError("digitize: the bins must rise or fall from the first to the last")


# ---- histograms: NumPy counts, and the edges keep the gradients of what sets them


def _plain(given: Any) -> Any:
    """Return bins or ranges without Tensors, as NumPy takes them."""
    if isinstance(given, tuple | list):
        return type(given)(map(_plain, given))
    if not isinstance(given, Tensor):
        return given
    value = known(given, "np.histogram")
    return value if value.ndim else value.item()


def _several(bins: object) -> bool:
    return np.iterable(bins) and not isinstance(bins, str)


def _edges(plain: Array, numbers: AnyArray, bins: Any, range: Any) -> Array:
    """Return edges that follow the bins, the ends of the range, or the smallest and the largest number."""
    if _several(bins):
        return bins if isinstance(bins, Tensor) else plain
    low, high = (np.min(numbers), np.max(numbers)) if range is None else range
    if not isinstance(low, Tensor) and not isinstance(high, Tensor):
        return plain
    if _plain(low) == _plain(high):
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, len(plain)).astype(plain.dtype)


def _densities(counts: Array, edges: Sequence[Array]) -> Array:
    """Return the share of all that is in each class, for each unit of its width (its area, its volume)."""
    shares = counts
    for axis, row in enumerate(edges):
        shares = shares / np.diff(row).reshape((-1,) + (1,) * (counts.ndim - axis - 1))
    return shares / np.sum(counts)


@answers(np.histogram_bin_edges)
def histogram_bin_edges(
    a: ArrayLike,
    bins: AnyArray = 10,
    range: tuple[ArrayLike, ArrayLike] | None = None,
    weights: ArrayLike | None = None,
) -> Array:
    numbers = known(a, "np.histogram")
    edges = np.histogram_bin_edges(numbers, _plain(bins), _plain(range))
    return _edges(edges, a, bins, range) if numbers.size else edges


@answers(np.histogram)
def histogram(
    a: AnyArray,
    bins: AnyArray = 10,
    range: tuple[ArrayLike, ArrayLike] | None = None,
    density: bool | None = None,
    weights: ArrayLike | None = None,
) -> tuple[Array, Array]:
    edges = histogram_bin_edges(a, bins, range)
    a, places = known(a, "np.histogram").reshape(-1), known(edges, "np.histogram")
    if isinstance(weights, Tensor):
        if weights.size != a.size:
            raise ShapeError(
                f"histogram: {weights.size} weights for {a.size} numbers; each needs one"
            )
        place: AnyArray = np.searchsorted(places, a, "right") - 1
        place[a == places[-1]] -= 1  # the last class holds its upper edge, too
        inside = (place >= 0) & (place < len(places) - 1)
        counts = bincount(place[inside], weights.reshape(-1)[inside], len(places) - 1)
    else:
        weights = None if weights is None else shaped(weights).reshape(-1)
        counts, _ = np.histogram(a, _plain(bins), _plain(range), weights=weights)
    return (_densities(counts, [edges]) if density else counts), edges


@answers(np.histogram2d)
def histogram2d(
    x: ArrayLike,
    y: ArrayLike,
    bins: AnyArray = 10,
    range: tuple[ArrayLike, ArrayLike] | None = None,
    density: bool | None = None,
) -> tuple[Array, Array, Array]:
    if _several(bins) and len(bins) not in (1, 2):  # one row of edges for both
        bins = [bins, bins]
    counts, edges = histogramdd((x, y), bins, range, density)
    return counts, *edges


@answers(np.histogramdd)
def histogramdd(
    sample: ArrayLike,
    bins: AnyArray = 10,
    range: tuple[ArrayLike, ArrayLike] | None = None,
    density: bool | None = None,
) -> tuple[Array, Sequence[Array]]:
    if isinstance(sample, list | tuple):
        columns = list(sample)
    else:
        columns = [sample] if np.ndim(sample) < 2 else list(np.transpose(sample))
    plain = tuple(known(column, "np.histogramdd") for column in columns)
    edges: AnyArray
    counts, edges = np.histogramdd(plain, _plain(bins), _plain(range))
    count = len(columns)
    rules: AnyArray = bins if _several(bins) else [bins] * count
    ranges = [None] * count if range is None else range
    if counts.size and plain[0].size:
        edges = [_edges(*each) for each in zip(edges, columns, rules, ranges, strict=True)]
    return (_densities(counts, edges) if density else counts), edges
