"""Variances, standard deviations and covariances."""

from __future__ import annotations

import warnings

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, Axes, AxesLike, DTypeLike
from ..engine.broadcasting import add_up
from ..engine.primitive import Draw, Primitive, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes
from ..engine.tensor import Tensor, apply
from ..errors import DtypeError, ShapeError
from .reduction import ADDED_AS_THEY_ARE, count, how_many, mean_dtype, mean_spec, only, wide
from .specs import kept, shaped


def _centred(x: Array, axis: Axes) -> Array:
    if x.dtype.char not in ADDED_AS_THEY_ARE:
        return x - np.mean(x, axis=axis, keepdims=True)
    return x - add_up(x, axis, keepdims=True) / count(x, axis)


def _square(d: Array) -> Array:
    return d.real * d.real + d.imag * d.imag if d.dtype.kind == "c" else d * d


def _var(x: Array, axis: Axes, ddof: float, keepdims: bool) -> Array:
    if x.dtype.char not in ADDED_AS_THEY_ARE:
        return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)
    return add_up(_square(_centred(x, axis)), axis, keepdims=keepdims) / _degrees(x, axis, ddof)


def _degrees(x: Array, axis: Axes, ddof: AnyArray) -> Array:
    return max(count(x, axis) - ddof, 0)


def _std(x: Array, axis: Axes, ddof: float, keepdims: bool) -> Array:
    if x.dtype.char not in ADDED_AS_THEY_ARE:
        return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)
    return np.sqrt(_var(x, axis, ddof, keepdims))


def _away(x: Array, axis: Axes) -> Array:
    """Return the direction in which a step of each entry makes the spread larger."""
    d = _centred(x, axis)
    return np.conj(d) if x.dtype.kind == "c" else d


def var_vjp(g: Array, out: Array, x: Array, axis: Axes, ddof: float, keepdims: bool) -> Array:
    degrees = _degrees(x, axis, ddof)
    return kept(g * (2 / degrees if degrees else np.nan), x, axis, keepdims) * _away(x, axis)


def std_vjp(g: Array, out: Array, x: Array, axis: Axes, ddof: float, keepdims: bool) -> Array:
    equal = out == 0  # no gradient rather than 0/0
    steep = np.where(equal, 0.0, g / np.where(equal, 1.0, out))
    d = _centred(_away(x, axis), axis)  # again: rounding of the mean is no deviation
    return kept(steep, x, axis, keepdims) / _degrees(x, axis, ddof) * d


def _spread_spec(x: Array, axis: Axes, ddof: float, keepdims: bool) -> ArraySpec:
    spec = mean_spec(x, axis, keepdims)
    return ArraySpec(spec.shape, np.empty((), spec.dtype).real.dtype)


_SPREADS = (
    Sample(floats(3, 4), axis=(0, 1), ddof=0, keepdims=False),
    Sample(floats(3, 4), axis=(0,), ddof=1, keepdims=True),
    Sample(floats(2, 3, 4), axis=(0, 2), ddof=1, keepdims=False),
    Sample(Draw((3, 4), dtype="complex128"), axis=(1,), ddof=1, keepdims=False),
)

_var_record = primitive(
    "var",
    _var,
    spec=_spread_spec,
    vjp=(var_vjp,),
    role="mixes",
    why="Each entry is pushed away from the mean, the harder the further away it is.",
    samples=(*_SPREADS, Sample(floats(), axis=(), ddof=0, keepdims=False)),
)

_std_record = primitive(
    "std",
    _std,
    spec=_spread_spec,
    vjp=(std_vjp,),
    role="mixes",
    why="Each entry is pushed away from the mean; equal entries get no gradient.",
    samples=_SPREADS,
)


@answers(np.var)
def var(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: AnyArray = True,
    mean: Array | None = None,
    correction: float | None = None,
) -> Array:
    if correction is not None:
        ddof = _one_ddof(ddof, correction, "var")
    if dtype is None and where is True and mean is None and not isinstance(ddof, Tensor):
        return _plain(_var_record, a, axis, ddof, keepdims)
    return _variance(a, axis, dtype, ddof, keepdims, where, mean, "var")


@answers(np.std)
def std(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: AnyArray = True,
    mean: Array | None = None,
    correction: float | None = None,
) -> Array:
    if correction is not None:
        ddof = _one_ddof(ddof, correction, "std")
    if dtype is None and where is True and mean is None and not isinstance(ddof, Tensor):
        return _plain(_std_record, a, axis, ddof, keepdims)
    result = _variance(a, axis, dtype, ddof, keepdims, where, mean, "std")
    equal = result == 0
    return np.where(equal, result, np.sqrt(np.where(equal, result.dtype.type(1), result)))


def _one_ddof(ddof: float, correction: float, function: str) -> float:
    if isinstance(ddof, Tensor) or ddof:
        raise ValueError(
            f"{function}: ddof= and correction= are one parameter by two names; give one"
        )
    return correction


def _plain(record: Primitive, a: Array, axis: AxesLike, ddof: float, keepdims: bool) -> Array:
    axes = normalize_axes(axis, a.ndim)
    return apply(record, (a,), {"axis": axes, "ddof": ddof, "keepdims": bool(keepdims)})


def _variance(
    a: ArrayLike,
    axis: AxesLike,
    dtype: DTypeLike,
    ddof: float,
    keepdims: bool,
    where: AnyArray,
    mean: Array | None,
    function: str,
) -> Array:
    """Return the variance of chosen entries, or about a mean that is given."""
    a = shaped(a)
    result_dtype = np.empty((), mean_dtype(a, dtype, function)).real.dtype
    a = wide(a, dtype)
    if mean is None:
        mean = np.mean(a, axis=axis, keepdims=True, where=where)
    squares = np.sum(_square(only(where, a - mean, 0, function)), axis=axis, keepdims=keepdims)
    axes = normalize_axes(axis, a.ndim)
    if where is True and not isinstance(ddof, Tensor):
        degrees: AnyArray = _degrees(a, axes, ddof)
    else:
        number = count(a, axes) if where is True else how_many(where, a, axis, keepdims, function)
        degrees = np.maximum(number - ddof, 0)
    return (squares / degrees).astype(result_dtype)


# ---- of several variables


@answers(np.cov)
def cov(
    m: ArrayLike,
    y: ArrayLike | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: ArrayLike | None = None,
    aweights: ArrayLike | None = None,
    *,
    dtype: DTypeLike = None,
) -> Array:
    x = _variables(shaped(m), rowvar)
    if y is not None:
        y = shaped(y)  # one row stays a row, as in NumPy
        x = np.concatenate([x, _variables(y, rowvar or y.shape[:1] == (1,))], axis=0)
    dtype = np.dtype(np.result_type(x.dtype, np.float64) if dtype is None else dtype)
    x = x.astype(dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    if fweights is None and aweights is None:
        degrees: AnyArray = x.shape[1] - ddof
        x = other = x - np.mean(x, axis=1, keepdims=True)
    else:
        often, heavy = _weights("fweights", fweights, x), _weights("aweights", aweights, x)
        weights = often * heavy
        total = np.sum(weights)
        x = x - np.sum(x * weights, axis=1, keepdims=True) / total
        other = x * weights
        # an observation seen twice is two, but one that weighs twice as much is not
        lost = 1 if aweights is None else np.sum(weights * heavy) / total
        degrees = total - ddof * lost if ddof else total
    if not isinstance(degrees, Tensor) and degrees <= 0:
        warnings.warn("cov: no degrees of freedom are left", RuntimeWarning, stacklevel=2)
        degrees = 0.0
    return np.squeeze(x @ np.conj(other).T * np.true_divide(1, degrees)).astype(dtype)


def _variables(x: Array, rowvar: bool) -> Array:
    """Return one variable a row."""
    if x.ndim > 2:
        raise ShapeError(
            f"cov: shape {x.shape} has more than 2 axes; they stand for variables and observations"
        )
    return x.reshape(1, -1) if x.ndim < 2 else x if rowvar else x.T


def _weights(name: str, given: ArrayLike | None, x: Array) -> Array:
    """Return one weight for each observation; ones where none are given."""
    if given is None:
        return np.ones(x.shape[1])
    given = shaped(given)
    if given.shape != x.shape[1:]:
        raise ShapeError(
            f"cov: {name}= of shape {given.shape} for {x.shape[1]} observations; it takes one for each"
        )
    if name == "fweights" and given.dtype.kind not in "iu":
        raise DtypeError(f"cov: fweights= counts observations: integers, not {given.dtype}")
    return given.astype(float)


@answers(np.corrcoef)
def corrcoef(
    x: Array, y: ArrayLike | None = None, rowvar: bool = True, *, dtype: DTypeLike = None
) -> Array:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    places = np.arange(c.shape[0])
    spread = np.sqrt(c[places, places].real)
    c = c / np.expand_dims(spread, 1) / spread
    if c.dtype.kind != "c":
        return np.clip(c, -1, 1)
    return np.clip(c.real, -1, 1) + np.clip(c.imag, -1, 1) * 1j
