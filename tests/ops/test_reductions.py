"""Reductions, scans and statistics with NumPy's own signatures: values, dtypes, gradients, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.errors import DtypeError, LostGradientError, ShapeError, TraceError
from tests.calls import Shapes, check_call, draw
from tests.numeric import slopes

MASK = np.array([[True, False, True, True], [True] * 4, [False, False, True, False]])
HOLES = np.where(MASK, 0.0, np.nan)
ONE: Shapes = ((3, 4),)
WEIGHTS = np.array([1.0, 0.5, 2.0, 0.25])
COORDINATES = np.array([0.0, 1.0, 1.5, 3.5])


def holed(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` of an array of which some entries are no number, whatever is added to them."""
    return lambda x: f(x + HOLES)


SUMS: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "sum in another precision": (lambda x: np.sum(x, 0, np.float64), ONE),
    "sum where": (lambda x: np.sum(x, 1, where=MASK), ONE),
    "sum where, a mask that stretches": (lambda x: x.sum(where=MASK[0]), ONE),
    "sum where, a mask of the values": (lambda x: np.sum(x, 0, where=x > 0), ONE),
    "sum from a start": (lambda x: np.sum(x, axis=(0, -1), initial=2.5, keepdims=True), ONE),
    "sum of nothing": (lambda x: np.sum(x, 0), ((0, 3),)),
    "sum over no axis": (lambda x: np.sum(x, ()), ONE),
    "sum method, dtype by position": (lambda x: x.sum(-1, np.float64), ONE),
    "add.reduce where": (lambda x: np.add.reduce(x, -1, where=MASK, initial=1.0), ONE),
    "nansum": (holed(lambda x: np.nansum(x, 1, keepdims=True)), ONE),
    "nansum of all": (holed(np.nansum), ONE),
    "nansum where": (holed(lambda x: np.nansum(x, 0, where=MASK[1], initial=1.0)), ONE),
    "prod": (np.prod, ONE),
    "prod of two axes": (lambda x: np.prod(x, (0, -1)), ((2, 3, 2),)),
    "prod of axes apart, kept": (lambda x: np.prod(x, (2, 0), keepdims=True), ((2, 3, 2),)),
    "prod where, from a start": (lambda x: x.prod(1, where=MASK, initial=2.0), ONE),
    "prod in another precision": (lambda x: x.prod(0, np.float64), ONE),
    "prod of nothing": (lambda x: np.prod(x, 0), ((0, 3),)),
    "multiply.reduce": (lambda x: np.multiply.reduce(x, axis=1), ONE),
    "nanprod": (holed(lambda x: np.nanprod(x, 1)), ONE),
    "mean in another precision": (lambda x: np.mean(x, 1, dtype=np.float64), ONE),
    "mean over an axis beside an empty one": (lambda x: np.mean(x, 0), ((3, 0),)),
    "mean where": (lambda x: np.mean(x, -1, where=MASK), ONE),
    "mean where, kept": (lambda x: x.mean(keepdims=True, where=MASK[:, :1]), ONE),
    "nanmean": (holed(lambda x: np.nanmean(x, 0)), ONE),
    "nanmean where": (holed(lambda x: np.nanmean(x, where=MASK[0], keepdims=True)), ONE),
    "average": (lambda x: np.average(x, 0), ONE),
    "average with weights along an axis": (lambda x: np.average(x, -1, WEIGHTS), ONE),
    "average with weights for all": (
        lambda x, w: np.average(x, weights=w * w + 0.5),
        ((3, 4), (3, 4)),
    ),
    "average with weights over axes in another order": (
        lambda x, w: np.average(x, axis=(2, 0), weights=w * w + 0.5, keepdims=True),
        ((2, 3, 4), (4, 2)),
    ),
    "average of an array with weights alone": (
        lambda w: np.average(np.arange(4.0), weights=w * w + 0.5),
        ((4,),),
    ),
    "sum of the weights": (
        lambda x, w: np.average(x, 1, w * w + 0.5, returned=True)[1] * x[:, 0],
        ((3, 4), (4,)),
    ),
    "number of the averaged": (lambda x: np.average(x, 1, returned=True)[1] * x[:, 0], ONE),
}

SPREADS: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "var where": (lambda x: np.var(x, 1, where=MASK), ONE),
    "var where, corrected": (lambda x: np.var(x[:2], 1, where=MASK[:2], ddof=1), ONE),
    "var about a mean": (lambda x, m: np.var(x, 0, mean=m, keepdims=True), ((3, 4), (1, 4))),
    "var in another precision": (lambda x: np.var(x, 0, np.float64, correction=1), ONE),
    "var method": (lambda x: x.var(-1, ddof=1, keepdims=True), ONE),
    "std where": (lambda x: np.std(x[:2], 1, where=MASK[:2]), ONE),
    "std of one entry": (lambda x: np.std(x, 1, where=MASK), ONE),
    "std about its mean": (lambda x: x.std(1, mean=x.mean(1, keepdims=True)), ONE),
    "std in another precision": (lambda x: x.std(1, np.float64), ONE),
    "std corrected": (lambda x: np.std(x, (0, 1), correction=1.5), ONE),
    "nanvar": (holed(lambda x: np.nanvar(x, 1)), ONE),
    "nanstd": (holed(lambda x: np.nanstd(x[:2], 1, ddof=1, keepdims=True)), ONE),
    "cov": (np.cov, ONE),
    "cov of columns": (lambda x: np.cov(x, rowvar=False), ONE),
    "cov of two": (np.cov, ((4,), (2, 4))),
    "cov of columns of two": (lambda x, y: np.cov(x, y, rowvar=False), ((3, 2), (3, 1))),
    "cov of a row, biased": (lambda x: np.cov(x, bias=True), ((5,),)),
    "cov by number": (lambda x: np.cov(x, fweights=[1, 3, 0, 2]), ONE),
    "cov by weight": (lambda x, w: np.cov(x, aweights=w * w + 0.5), ((3, 4), (4,))),
    "cov by both": (
        lambda x, w: np.cov(x, fweights=[1, 3, 0, 2], aweights=w * w + 0.5),
        ((3, 4), (4,)),
    ),
    "cov by weight, ddof": (lambda x: np.cov(x, aweights=WEIGHTS, ddof=0), ONE),
    "cov in single precision": (lambda x: np.cov(x, dtype=np.float64) * x[0, 0], ONE),
    "corrcoef": (np.corrcoef, ONE),
    "corrcoef of two": (lambda x, y: np.corrcoef(x, y)[0, 1], ((5,), (5,))),
    "corrcoef of columns": (lambda x: np.corrcoef(x, rowvar=False), ((4, 2),)),
    "corrcoef of one": (lambda x: np.corrcoef(x) * x[0], ((4,),)),
}

EXTREMES: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "amax": (lambda x: np.amax(x, (0, 1)), ONE),
    "amin": (lambda x: np.amin(x, 1, keepdims=True), ONE),
    "max from a start": (lambda x: np.max(x, 1, initial=0.25), ONE),
    "max where": (lambda x: np.max(x, 1, where=MASK, initial=-0.5), ONE),
    "max of nothing": (lambda x: np.max(x, 0, initial=3.0), ((0, 2),)),
    "min where": (lambda x: x.min(where=MASK, initial=5.0), ONE),
    "maximum.reduce": (lambda x: np.maximum.reduce(x), ONE),
    "minimum.reduce": (lambda x: np.minimum.reduce(x, 1), ONE),
    "ptp": (lambda x: np.ptp(x, 0), ONE),
    "ptp of all, kept": (lambda x: np.ptp(x, keepdims=True), ONE),
    "ptp of one": (lambda x: np.ptp(x, 1), ((3, 1),)),
    "nanmax": (holed(lambda x: np.nanmax(x, 1)), ONE),
    "nanmin": (holed(lambda x: np.nanmin(x, keepdims=True)), ONE),
    "nanmax where": (holed(lambda x: np.nanmax(x, 1, where=MASK[1], initial=-9.0)), ONE),
    "nanmin from a start": (holed(lambda x: np.nanmin(x, 0, initial=0.5)), ONE),
    "at the largest": (lambda x: x[np.argmax(x, 0), np.arange(4)], ONE),
    "at the largest number": (lambda x: x[np.nanargmax(x + HOLES, 0), np.arange(4)], ONE),
    "at the smallest number": (lambda x: x[:, np.nanargmin(x + HOLES, 1)], ONE),
    "median of an odd number": (lambda x: np.median(x, 0), ONE),
    "median of an even number": (lambda x: np.median(x, -1, keepdims=True), ONE),
    "median of all": (np.median, ((3, 3),)),
    "median of two axes": (lambda x: np.median(x, axis=(2, 0)), ((2, 3, 4),)),
    "median of a number": (np.median, ((),)),
    "nanmedian": (holed(lambda x: np.nanmedian(x, 1)), ONE),
    "nanmedian of all": (holed(lambda x: np.nanmedian(x, keepdims=True)), ONE),
    "quantile": (lambda x: np.quantile(x, 0.3), ONE),
    "quantile of an axis, kept": (lambda x: np.quantile(x, 0.85, 0, keepdims=True), ONE),
    "quantiles": (lambda x: np.quantile(x, [0.0, 0.37, 1.0], axis=1), ONE),
    "quantiles of two axes, kept": (
        lambda x: np.quantile(x, [[0.1, 0.9]], (0, 2), keepdims=True),
        ((2, 3, 4),),
    ),
    "quantiles at places": (
        lambda x, q: np.quantile(x, q * q, 1, method="linear"),
        ((3, 4), (2,)),
    ),
    "percentile": (lambda x: np.percentile(x, 30, axis=-1), ONE),
    "percentiles": (lambda x: np.percentile(x, [25, 50.0, 75]), ONE),
    "nanquantile": (holed(lambda x: np.nanquantile(x, 0.3, 1)), ONE),
    "nanquantiles, kept": (holed(lambda x: np.nanquantile(x, [0.2, 0.9], 0, keepdims=True)), ONE),
    "nanpercentile": (holed(lambda x: np.nanpercentile(x, [[10], [65]])), ONE),
}
METHODS = (
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
)
for _method in METHODS:
    EXTREMES[f"quantiles, {_method}"] = (
        lambda x, method=_method: np.quantile(x, [0.0, 0.1, 0.5, 0.77, 1.0], 0, method=method),
        ((4, 2),),
    )
    EXTREMES[f"nanquantiles, {_method}"] = (
        lambda x, method=_method: np.nanquantile(x + HOLES, [0.1, 0.6], 1, method=method),
        ONE,
    )

SCANS: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "cumsum of all": (np.cumsum, ONE),
    "cumsum of an axis": (lambda x: np.cumsum(x, -1), ONE),
    "cumsum method": (lambda x: x.cumsum(0, np.float64), ONE),
    "cumsum of a number": (np.cumsum, ((),)),
    "add.accumulate": (lambda x: np.add.accumulate(x), ONE),
    "cumulative_sum": (lambda x: np.cumulative_sum(x, axis=1, include_initial=True), ONE),
    "cumulative_sum of a row": (np.cumulative_sum, ((4,),)),
    "cumprod of all": (np.cumprod, ONE),
    "cumprod of an axis": (lambda x: np.cumprod(x, 0), ONE),
    "cumprod method": (lambda x: x.cumprod(-1, np.float64), ONE),
    "multiply.accumulate": (lambda x: np.multiply.accumulate(x, 1), ONE),
    "cumulative_prod": (lambda x: np.cumulative_prod(x, axis=0, include_initial=True), ONE),
    "nancumsum": (holed(lambda x: np.nancumsum(x, 1)), ONE),
    "nancumprod": (holed(np.nancumprod), ONE),
    "diff": (np.diff, ONE),
    "diff twice": (lambda x: np.diff(x, 2, 0), ONE),
    "diff of no order": (lambda x: np.diff(x, 0) * 1, ONE),
    "diff with a number in front": (lambda x, a: np.diff(x, prepend=a), ((3, 4), ())),
    "diff with more behind": (lambda x, a: np.diff(x, axis=0, append=a), ((3, 4), (2, 4))),
    "diff too often": (lambda x: np.diff(x, 5), ONE),
    "ediff1d": (np.ediff1d, ONE),
    "ediff1d with ends": (lambda x, a: np.ediff1d(x, to_end=a, to_begin=[1, 2]), ((3,), ())),
    "gradient": (np.gradient, ((5,),)),
    "gradient of an axis": (lambda x: np.gradient(x, axis=-1), ONE),
    "gradient of all axes": (lambda x: np.stack(np.gradient(x)), ONE),
    "gradient with a step": (lambda x, h: np.gradient(x, h * h + 1, edge_order=2), ((4,), ())),
    "gradient with steps": (lambda x: np.stack(np.gradient(x, 0.5, 2)), ONE),
    "gradient at coordinates": (lambda x: np.gradient(x, COORDINATES, axis=1), ONE),
    "gradient at coordinates, edges of order 2": (
        lambda x: np.gradient(x, COORDINATES, axis=1, edge_order=2),
        ONE,
    ),
    "gradient at coordinates that move": (
        lambda x, c: np.gradient(x, c / 5 + COORDINATES, edge_order=2),
        ((4,), (4,)),
    ),
    "gradient at even coordinates": (
        lambda x: np.stack(np.gradient(x, [1, 2, 3], COORDINATES)),
        ONE,
    ),
    "gradient of two entries": (lambda x: np.gradient(x, [0.0, 0.5]), ((2,),)),
    "trapezoid": (np.trapezoid, ONE),
    "trapezoid with a step": (lambda y, h: np.trapezoid(y, dx=h, axis=0), ((3, 4), ())),
    "trapezoid at coordinates": (np.trapezoid, ((3, 4), (4,))),
    "trapezoid at coordinates for each": (
        lambda y, x: np.trapezoid(y, x, axis=0),
        ((3, 4), (3, 4)),
    ),
    "trapezoid of an array at coordinates": (
        lambda x: np.trapezoid(np.array([1.0, 2, 4]), x),
        ((3,),),
    ),
}

NORMS: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "norm": (np.linalg.norm, ONE),
    "norm of order inf of nothing": (lambda x: np.linalg.norm(x, np.inf), ((0,),)),
    "norm of nothing": (np.linalg.norm, ((0, 2),)),
    "norm of many axes, kept": (lambda x: np.linalg.norm(x, keepdims=True), ((2, 3, 2),)),
    "vector_norm": (lambda x: np.linalg.vector_norm(x, axis=(0, -1)), ((2, 3, 2),)),
    "matrix_norm": (np.linalg.matrix_norm, ((2, 3, 3),)),
}
for _ord in (None, 1, 2, 2.0, 3, 1.5, 0.5, -1, -2.5, np.inf, -np.inf):
    NORMS[f"norm of order {_ord} along an axis"] = (
        lambda x, ord=_ord: np.linalg.norm(x, ord, axis=-1, keepdims=True),
        ONE,
    )
    NORMS[f"vector_norm of order {_ord}"] = (
        lambda x, ord=_ord: np.linalg.vector_norm(x, ord=2 if ord is None else ord),
        ONE,
    )
for _ord in (None, "fro", "f", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
    NORMS[f"norm of a matrix, order {_ord}"] = (lambda x, ord=_ord: np.linalg.norm(x, ord), ONE)
    NORMS[f"norm of matrices, order {_ord}"] = (
        lambda x, ord=_ord: np.linalg.norm(x, ord, axis=(-1, 0), keepdims=True),
        ((2, 3, 2),),
    )

CALLS = SUMS | SPREADS | EXTREMES | SCANS | NORMS


@pytest.mark.parametrize("name", CALLS)
def test_numpy_code_as_users_write_it(name: str) -> None:
    f, shapes = CALLS[name]
    check_call(f, draw(shapes))


COMPLEX: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "sum": (lambda x: np.sum(x, 0, where=MASK, initial=1j), ONE),
    "prod": (lambda x: np.prod(x, (0, 1)), ((2, 3),)),
    "mean": (lambda x: np.mean(x, 1, where=MASK), ONE),
    "average": (lambda x, w: np.average(x, 1, w + 3), ((3, 4), (4,))),
    "var": (lambda x: np.var(x, 1, ddof=1), ONE),
    "var where": (lambda x: np.var(x, 1, where=MASK), ONE),
    "std": (lambda x: np.std(x, keepdims=True), ONE),
    "cov": (np.cov, ONE),
    "cov by weight": (lambda x: np.cov(x, aweights=WEIGHTS), ONE),
    "corrcoef": (np.corrcoef, ((2, 4),)),
    "cumsum": (lambda x: np.cumsum(x, 1), ONE),
    "cumprod": (lambda x: np.cumprod(x), ((2, 3),)),
    "diff": (lambda x: np.diff(x, prepend=1j), ONE),
    "gradient": (lambda x: np.gradient(x, COORDINATES, axis=1), ONE),
    "trapezoid": (np.trapezoid, ONE),
    "max": (lambda x: np.max(x, 1, where=MASK, initial=-2), ONE),
    "ptp": (lambda x: np.ptp(x, 1), ONE),
    "nansum": (holed(np.nansum), ONE),
    "nanvar": (holed(lambda x: np.nanvar(x, 1)), ONE),
    "matrix norm": (lambda x: np.linalg.norm(x, 1), ONE),
    "spectral norm": (lambda x: np.linalg.norm(x, 2), ONE),
    "nuclear norm": (lambda x: np.linalg.matrix_norm(x, ord="nuc"), ONE),
}
for _ord in (None, 1, 2, 3, 0.5, -1.5, np.inf, -np.inf):
    COMPLEX[f"norm of order {_ord}"] = (lambda x, ord=_ord: np.linalg.norm(x, ord, axis=1), ONE)


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_numbers(name: str) -> None:
    f, shapes = COMPLEX[name]
    check_call(f, draw(shapes, "c" * len(shapes)))


# ---- what has no gradient


STEPS: dict[str, Callable[..., Any]] = {
    "count_nonzero": np.count_nonzero,
    "count_nonzero of an axis": lambda x: np.count_nonzero(x, axis=1, keepdims=True),
    "all": lambda x: np.all(x > -0.5, 1, where=MASK),
    "any": lambda x: (x > 0.9).any(where=MASK[1], keepdims=True),
    "all of numbers": lambda x: np.all(x, 0),
    "logical_and.reduce": lambda x: np.logical_and.reduce(x > 0),
    "logical_or.reduce": lambda x: np.logical_or.reduce(x > 0, 1),
    "argmax": lambda x: x.argmax(1, keepdims=True),
    "nanargmax": lambda x: np.nanargmax(x + HOLES),
    "nanargmin": lambda x: np.nanargmin(x + HOLES, axis=0),
    "norm of order 0": lambda x: np.linalg.norm(x - x[0], 0, axis=1),
    "vector_norm of order 0": lambda x: np.linalg.vector_norm(x, ord=0, keepdims=True),
    "digitize": lambda x: np.digitize(x, [-0.5, 0.0, 0.5]),
    "digitize, falling": lambda x: np.digitize(x, np.array([0.5, 0.0, -0.5]), right=True),
    "where it is": lambda x: np.argwhere(x > 0),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps(name: str) -> None:
    f, (x,) = STEPS[name], draw(ONE)
    result, expected = f(clearprop.tensor(x)), np.asarray(f(x))
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    assert result.tolist() == expected.tolist()
    assert not getattr(result, "requires_grad", False)


def test_histograms_count_as_numpy_does() -> None:
    (x,), t = draw(((50,),)), clearprop.tensor(draw(((50,),))[0])
    weights = np.arange(50.0)
    for f in (
        np.histogram,
        lambda x: np.histogram(x, 4, (-0.5, 0.5), density=True),
        lambda x: np.histogram(x, [-1.0, 0.0, 0.2, 1.0], weights=weights),
        lambda x: np.histogram(x, "sturges"),
        lambda x: np.histogram2d(x, x[::-1], 3)[:2],
        lambda x: (np.histogram_bin_edges(x, 7), np.bincount(np.digitize(x, [-0.5, 0.5]), weights)),
    ):
        for mine, expected in zip(f(t), f(x), strict=True):
            np.testing.assert_array_equal(np.asarray(getattr(mine, "value", mine)), expected)
    counts, _ = np.histogramdd(t.reshape(25, 2), bins=3)
    assert counts.sum() == 25


def test_edges_follow_what_sets_them() -> None:
    (x,) = draw(((7,),))
    for f in (
        lambda x: np.histogram(x, 4)[1],
        lambda x: np.histogram(x, 4, density=True)[0],
        lambda x: np.histogram2d(x, x * x, [2, 3], density=True)[0][1],
        lambda x: np.histogramdd((x, x * x), 3)[1][1],
    ):
        weights = np.arange(1.0, 1 + len(f(x)))

        def weighed(x: Any, f: Any = f, weights: Any = weights) -> Any:
            return np.sum(f(x) * weights)

        np.testing.assert_allclose(clearprop.grad(weighed)(x), slopes(weighed, x), 1e-7, 1e-8)
    low = clearprop.tensor(-1.0)
    np.histogram_bin_edges(np.zeros(3), 4, (low, 1.0)).sum().backward()
    assert low.grad == 2.5
    edges = clearprop.tensor([-1.0, 0.0, 2.0])
    counts, given = np.histogram([0.5, 1.0, -0.5], edges, density=True)
    assert given is edges
    counts[1].backward()  # 2 of 3 in a width of 2
    np.testing.assert_allclose(edges.grad, [0, 1 / 6, -1 / 6])


def test_weights_that_are_added_up_in_classes_have_a_gradient() -> None:
    x, classes = np.array([0.1, 0.9, 0.5, 1.0, 7.0]), np.array([1, 0, 3, 1, 1])
    check_call(lambda w: np.bincount(classes, w, minlength=6), draw(((5,),)))
    w = clearprop.tensor(np.arange(1.0, 6.0))
    counts, edges = np.histogram(x, [0.0, 0.5, 1.0], weights=w)
    assert (counts.tolist(), edges.tolist()) == ([1, 9], [0, 0.5, 1])
    (counts * np.array([10.0, 20.0])).sum().backward()
    assert w.grad.tolist() == [10, 20, 20, 20, 0]
    density = np.histogram(x, 2, (0.0, 1.0), density=True, weights=w)[0]
    assert density.tolist() == [0.2, 1.8]


# ---- of a number


OF_A_NUMBER = (
    *(
        np.sum,
        np.prod,
        np.max,
        np.min,
        np.ptp,
        np.all,
        np.any,
        np.count_nonzero,
        np.mean,
        np.median,
    ),
    *(
        np.var,
        np.std,
        np.average,
        np.argmax,
        np.argmin,
        np.nanargmax,
        np.add.reduce,
        np.maximum.reduce,
    ),
    *(np.nansum, np.nanprod, np.nanmax, np.nanmin, np.nanmean, np.nanvar, np.nanstd, np.nanmedian),
    *(np.cumsum, np.cumprod, np.nancumsum, np.nancumprod, np.cumulative_sum, np.cumulative_prod),
    *(np.sort, np.argsort, np.squeeze, np.flip),
)
AXES = (None, 0, -1, 1, -2, ())


@pytest.mark.parametrize("function", OF_A_NUMBER, ids=lambda f: f"{f.__name__}")
@pytest.mark.parametrize("axis", AXES)
def test_axes_of_a_number(function: Any, axis: Any) -> None:
    """NumPy says which it takes."""
    x = 0.7
    try:
        expected = np.asarray(function(np.float64(x), axis=axis))
    except (TypeError, ValueError):
        with pytest.raises((TypeError, ValueError)):
            function(clearprop.tensor(x), axis=axis)
        return
    result = function(clearprop.tensor(x), axis=axis)
    result = np.asarray(getattr(result, "value", result))
    assert (result.shape, result.dtype, result.tolist()) == (
        expected.shape,
        expected.dtype,
        expected.tolist(),
    )
    slope = slopes(lambda x: np.sum(function(np.float64(x), axis=axis) * 1.0), x)
    f = lambda x: np.sum(function(x, axis=axis) * 1.0)  # noqa: E731
    g = clearprop.grad(f)
    np.testing.assert_allclose([g(x), clearprop.compile(g)(x) if axis == 0 else slope], slope)


@pytest.mark.parametrize("q", [0.4, [0.2, 0.9]])
@pytest.mark.parametrize("options", [{}, {"keepdims": True}, {"method": "hazen"}, {"axis": 1}])
def test_quantiles_of_what_is_no_nan_can_be_compiled(q: Any, options: dict[str, Any]) -> None:
    k = np.where(MASK, np.arange(12.0).reshape(3, 4) ** 1.5, np.nan)
    for function, at in ((np.nanquantile, q), (np.nanpercentile, np.multiply(q, 100).tolist())):
        g = clearprop.grad(lambda k, f=function, at=at: np.sum(f(k, at, **options)))
        np.testing.assert_allclose(clearprop.compile(g)(k), g(k))


# ---- products with zeros: whole numbers, so that nothing is rounded


def others(x: Any, *left_out: int) -> Any:
    return np.prod(np.delete(x, left_out))


@pytest.mark.parametrize("zeros", [(), (2,), (0,), (4,), (1, 3), (0, 4), (0, 1, 2, 3, 4)])
def test_products_are_exact_whatever_is_zero(zeros: tuple[int, ...]) -> None:
    x = np.array([2.0, -3.0, 5.0, 7.0, -1.0])
    x[list(zeros)] = 0
    places = range(len(x))
    assert clearprop.grad(np.prod)(x).tolist() == [others(x, i) for i in places]
    expected = [[others(x, i, j) if i != j else 0.0 for j in places] for i in places]
    assert clearprop.hessian(np.prod)(x).tolist() == expected
    third = clearprop.jacobian(clearprop.hessian(np.prod))(x)
    assert third[0, 1].tolist() == [0.0, 0.0, *(others(x, 0, 1, i) for i in (2, 3, 4))]

    weights = np.array([1.0, 2.0, -1.0, 3.0, 4.0])

    def running(x: Any) -> Any:
        return np.sum(np.cumprod(x) * weights)

    def through(*left_out: int) -> Any:
        """What the running products are worth without these entries, from the last of them on."""
        return sum(
            w * others(x[: k + 1], *left_out) for k, w in enumerate(weights) if k >= max(left_out)
        )

    assert clearprop.grad(running)(x).tolist() == [through(i) for i in places]
    expected = [[through(i, j) if i != j else 0.0 for j in places] for i in places]
    assert clearprop.hessian(running)(x).tolist() == expected
    shaped = np.stack([x, x[::-1]]).reshape(2, 1, 5)
    both = clearprop.grad(lambda x: np.prod(x, (0, 2)).sum())(shaped)
    assert both.tolist() == [[[others(x, i) * np.prod(x) for i in places]], both[1].tolist()]


def test_running_products_of_many_entries() -> None:
    x = np.full(20_000, 1.0)
    x[[5_000, 15_000]] = 0
    g = clearprop.grad(lambda x: np.sum(np.cumprod(x)))(x)
    # entries up to the first zero keep it and what lies between the zeros out of reach
    assert g[[0, 4_999, 5_000, 5_001, 19_999]].tolist() == [5_000, 1, 10_000, 0, 0]
    assert clearprop.grad(np.prod)(x[:10_000]).nonzero()[0].tolist() == [5_000]


# ---- dtypes


def test_small_integers_widen_and_stay_where_asked() -> None:
    x = clearprop.tensor(np.array([100, 100, 3], "int8"))
    for f in (np.sum, np.prod, np.cumsum, np.cumprod):
        assert f(x).dtype == f(x.numpy()).dtype == np.int64
        assert f(x, dtype="int8").tolist() == f(x.numpy(), dtype="int8").tolist()
    assert np.mean(x, where=[True, True, False]).item() == 100
    assert np.max(x, where=[True, True, False], initial=0).item() == 100
    assert np.min(clearprop.tensor([True, False]), where=[True, False], initial=True).item() is True
    assert np.nansum(x).item() == 203
    assert np.nanmedian(x).item() == np.median(x).item() == 100
    assert np.quantile(x, 0.5, method="lower").dtype == np.int8
    assert np.linalg.norm(x[1:] - 97).item() == np.linalg.norm(x.numpy()[1:] - 97)


def test_half_precision_is_added_up_in_single() -> None:
    x = (np.arange(2_000) % 7 + 100).astype(np.float16)  # the sum is beyond half precision
    for f, expected in (
        (np.mean, 103),
        (lambda x: np.mean(x, where=x > 0), 103),
        (np.nanmean, 103),
        (np.nanvar, np.var(x.astype(float))),
        (lambda x: np.std(x, where=x > 0), np.std(x.astype(float))),
    ):
        value, g = clearprop.value_and_grad(f)(x)
        assert (value.dtype, g.dtype) == (np.float16, np.float16)
        assert value == pytest.approx(expected, rel=1e-3)
        assert np.isfinite(g).all()
    g = clearprop.grad(np.std)(x[:500])
    d = x[:500].astype(float) - x[:500].astype(float).mean()
    np.testing.assert_allclose(g, d / 500 / d.std(), 2e-2, 2e-5)


@pytest.mark.parametrize("f", [np.quantile, np.nanquantile])
def test_quantiles_in_single_precision(f: Any) -> None:
    x = draw(ONE)[0].astype("float32")
    for q in (0.3, 1, np.float64(0.3), np.float32(0.5), [0.3]):
        result, expected = f(clearprop.tensor(x), q, axis=1), f(x, q, axis=1)
        assert result.dtype == expected.dtype
        np.testing.assert_allclose(np.asarray(result.value), expected, 1e-6)


# ---- numbers that are none


def test_nan_among_the_sorted() -> None:
    x = np.array([[1.0, np.nan, 2.0], [1.0, 4.0, 2.0]])
    for f in (lambda x: np.median(x, 1), lambda x: np.quantile(x, 0.25, 1)):
        value, pullback = clearprop.vjp(f, x)
        np.testing.assert_array_equal(value, f(x))
        (g,) = pullback(np.ones(2))
        assert g[0].tolist() == [0, 0, 0]
        assert g[1].sum() == 1


def test_nothing_but_nan() -> None:
    x = clearprop.tensor([[np.nan, np.nan], [1.0, np.nan]])
    for f in (np.nanmedian, np.nanmean, np.nanvar, lambda x, axis: np.nanquantile(x, 0.5, axis)):
        with np.errstate(invalid="ignore"):
            value = f(x, axis=1)
            assert np.isnan(value.value).tolist() == [True, False]
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        assert np.isnan(np.nanmax(x, axis=1).value).tolist() == [True, False]
    with np.errstate(divide="ignore", invalid="ignore"):
        assert clearprop.grad(lambda x: np.nanmean(x, 1)[1])(x.value).tolist() == [[0, 0], [1, 0]]


# ---- messages


@pytest.mark.parametrize(
    ("f", "error", "words"),
    [
        (lambda x: np.sum(x, 2), ShapeError, "axis 2 is out of range"),
        (lambda x: np.sum(x, where=np.ones(3, bool)), ShapeError, r"shape \(3,\) does not stretch"),
        (lambda x: np.prod(x, where=np.ones((2, 3, 4), bool)), ShapeError, "does not stretch"),
        (lambda x: np.mean(x, where=np.ones(4)), DtypeError, "mask of booleans, not float64"),
        (lambda x: np.sum(x, dtype=int), DtypeError, "int64 cannot hold float64"),
        (lambda x: np.mean(x, dtype=int), DtypeError, "cannot hold a mean of float64"),
        (lambda x: np.sum(x, out=np.zeros(())), LostGradientError, "np.sum .* plain array .out="),
        (lambda x: np.max(x, where=x > 0), ValueError, "initial="),
        (lambda x: np.var(x, ddof=1, correction=1), ValueError, "one parameter by two names"),
        (lambda x: np.average(x, weights=np.ones(4)), ShapeError, "name the axis"),
        (lambda x: np.average(x, 0, np.ones(4)), ShapeError, "do not fit axis 0"),
        (lambda x: np.average(x, 1, np.zeros(4)), ZeroDivisionError, "add up to zero"),
        (lambda x: np.cov(x[None]), ShapeError, "more than 2 axes"),
        (lambda x: np.cov(x, fweights=[1, 2]), ShapeError, "fweights= .* for 4 observations"),
        (lambda x: np.cov(x, fweights=WEIGHTS), DtypeError, "counts observations"),
        (lambda x: np.median(x + 1j), DtypeError, "have no order"),
        (lambda x: np.quantile(x, 1.5), ValueError, r"\[0, 1\]"),
        (lambda x: np.quantile(x, 0.5, method="best"), ValueError, "best"),
        (lambda x: np.quantile(x[:0], 0.5, axis=0), ShapeError, "no entries over axis 0"),
        (lambda x: np.cumulative_sum(x), ShapeError, "more than one axis; say which"),
        (lambda x: np.diff(x, -1), ValueError, "0, 1, 2"),
        (lambda x: np.diff(x[0, 0]), ShapeError, "no neighbours"),
        (lambda x: np.ediff1d(x, to_end=1j), DtypeError, "to_end= of complex128"),
        (lambda x: np.gradient(x, 1, 2, 3), TypeError, "3 spacings for 2 axes"),
        (lambda x: np.gradient(x, [1, 2, 3], axis=1), ShapeError, "it takes 4 of them"),
        (lambda x: np.gradient(x[:2], edge_order=2), ShapeError, "needs 3 or more"),
        (lambda x: np.gradient(x, edge_order=3), ValueError, "order 1 or 2"),
        (lambda x: np.trapezoid(x, [1.0, 2.0, 4.0]), ShapeError, "does not fit y of shape"),
        (lambda x: np.linalg.norm(x, 3), ValueError, "no norm of matrices"),
        (lambda x: np.linalg.norm(x[0], "fro"), ValueError, "for matrices"),
        (lambda x: np.linalg.norm(x[None], 2), ShapeError, "vector_norm takes any number"),
        (lambda x: np.bincount([0, 1], x[0]), ShapeError, "each needs one"),
        (lambda x: np.histogram([0, 1], weights=x), ShapeError, "12 weights for 2 numbers"),
        (lambda x: np.digitize(x, [0, 2, 1]), ValueError, "rise or fall"),
    ],
)
def test_messages(f: Callable[..., Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        f(clearprop.tensor(draw(ONE)[0]))


def test_what_needs_numbers_cannot_be_traced() -> None:
    with pytest.raises(TraceError, match=r"np\.histogram needs numbers"):
        clearprop.trace(lambda x: np.histogram(x)[0], np.ones(3))


def test_no_degrees_of_freedom() -> None:
    with pytest.warns(RuntimeWarning), np.errstate(divide="ignore", invalid="ignore"):
        assert np.isnan(np.cov(clearprop.tensor([[1.0], [2.0]])).value).all()


def test_formulas() -> None:
    x = np.array([1.0, 2.0, 3.0])
    told = clearprop.explain(lambda x: np.sum(np.cumsum(x) ** 2), x)
    assert told.formula("x") == "dout/dx = cumsum(2 * cumsum(x, axis=0), axis=0, reverse=True)"
