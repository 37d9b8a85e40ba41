"""Products, and running sums and products: exact whatever number of zeros the entries hold.

Nothing is divided by an entry: the product of all other entries is that of those before times that of those
after, and running products lead to a recurrence that is a primitive itself.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, Axes, AxesLike, DTypeLike
from ..engine.primitive import Draw, Primitive, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes, ufunc_dtype
from ..engine.tensor import apply
from ..errors import ShapeError
from .reduction import COMPLEX_SUM, NOTHING, count, in_dtype, only
from .samples import REDUCTIONS
from .shaping import row_or_axis
from .specs import kept, reduced, shaped

Axis = int


def _part(axis: Axis, start: int | None, stop: int | None) -> tuple[slice, ...]:
    """Return the index of a stretch along an axis."""
    return (slice(None),) * axis + (slice(start, stop),)


def _unit(x: Array, axis: Axis) -> Array:
    """Return ones in the shape of `x`, of length one along `axis`."""
    return np.ones((*x.shape[:axis], 1, *x.shape[axis + 1 :]), x.dtype)


def _before(out: Array, axis: Axis, reverse: bool) -> Array:
    """Return, of running products, those of the entries before each entry (after it, in reverse)."""
    one = _unit(out, axis)
    if reverse:
        return np.concatenate([out[_part(axis, 1, None)], one], axis=axis)
    return np.concatenate([one, out[_part(axis, None, -1)]], axis=axis)


# ---- running sums


def _accumulate(ufunc: np.ufunc, x: Array, axis: Axis, reverse: bool) -> Array:
    back = (slice(None),) * axis + (slice(None, None, -1),)
    return ufunc.accumulate(x[back], axis)[back] if reverse else ufunc.accumulate(x, axis)


def _cumsum(x: Array, axis: Axis, reverse: bool) -> Array:
    return _accumulate(np.add, x, axis, reverse)


def cumsum_vjp(g: Array, out: Array, x: Array, axis: Axis, reverse: bool) -> Array:
    return _cumsum_record(g, axis=axis, reverse=not reverse)


def _running_spec(x: Array, axis: Axis, reverse: bool) -> ArraySpec:
    return ArraySpec(x.shape, np.add.reduce(np.zeros(1, x.dtype)).dtype)  # small integers widen


_RUNNING = (
    Sample(floats(3, 4), axis=1, reverse=False),
    Sample(floats(2, 3, 2), axis=1, reverse=True),
    Sample(floats(1), axis=0, reverse=False),
    Sample(floats(0, 2), axis=0, reverse=False),
    Sample(Draw((3, 4), dtype="complex128"), axis=0, reverse=False),
)

_cumsum_record = primitive(
    "cumsum",
    _cumsum,
    spec=_running_spec,
    vjp=(cumsum_vjp,),
    role="spreads",
    why="An entry is part of every running sum from its place on, so it gets the sum of their gradients.",
    traits=["linear"],
    samples=_RUNNING,
)


def _scan(record: Primitive, a: Array, axis: int | None, dtype: DTypeLike, function: str) -> Array:
    a, axis = row_or_axis(a, axis)
    out = record(in_dtype(a, dtype, function), axis=axis, reverse=False)
    return out if dtype is None else out.astype(dtype)


@answers(np.cumsum)
def cumsum(a: Array, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    return _scan(_cumsum_record, a, axis, dtype, "cumsum")


@answers(np.cumulative_sum)
def cumulative_sum(
    x: Array, /, *, axis: int | None = None, dtype: DTypeLike = None, include_initial: bool = False
) -> Array:
    return _cumulative(np.cumsum, 0, x, axis, dtype, include_initial)


def _cumulative(
    function: Callable[..., Array],
    start: int,
    x: Array,
    axis: int | None,
    dtype: DTypeLike,
    include_initial: bool,
) -> Array:
    if axis is None:
        if x.ndim > 1:
            raise ShapeError(
                f"cumulative_{function.__name__[3:]}: shape {x.shape} has more than one axis; say which"
            )
        axis = 0
    out = function(x, axis=axis, dtype=dtype)
    if include_initial:
        axis = normalize_axes(axis, out.ndim)[0]
        out = np.concatenate([_unit(out, axis) * out.dtype.type(start), out], axis=axis)
    return out


# ---- running products


def _cumprod(x: Array, axis: Axis, reverse: bool) -> Array:
    return _accumulate(np.multiply, x, axis, reverse)


def cumprod_vjp(g: Array, out: Array, x: Array, axis: Axis, reverse: bool) -> Array:
    """Return the gradient of what an entry multiplies, times the product of the entries before it."""
    links = x[_part(axis, None, -1) if reverse else _part(axis, 1, None)]
    later = _recurrence_record(links, g, axis=axis, reverse=not reverse)
    return later * _before(out, axis, reverse)


_cumprod_record = primitive(
    "cumprod",
    _cumprod,
    spec=_running_spec,
    vjp=(cumprod_vjp,),
    role="mixes",
    why="An entry is a factor of every running product from its place on, and matters there as much as the "
    "other factors are large.",
    samples=(*_RUNNING, Sample(np.array([1.5, 0.0, -2.0, 0.0, 3.0]), axis=0, reverse=False)),
)


@answers(np.cumprod)
def cumprod(a: Array, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    return _scan(_cumprod_record, a, axis, dtype, "cumprod")


@answers(np.cumulative_prod)
def cumulative_prod(
    x: Array, /, *, axis: int | None = None, dtype: DTypeLike = None, include_initial: bool = False
) -> Array:
    return _cumulative(np.cumprod, 1, x, axis, dtype, include_initial)


def _recurrence(links: AnyArray, x: AnyArray, axis: Axis, reverse: bool) -> Array:
    """Compute ``s[i] = x[i] + links[i - 1] * s[i - 1]``; in reverse, ``s[i] = x[i] + links[i] * s[i +
    1]``.
    """
    dtype = np.result_type(links, x)
    if not x.size:
        return x.astype(dtype)
    turn = slice(None, None, -1 if reverse else None)
    a, b = np.moveaxis(links, axis, 0)[turn], np.moveaxis(x, axis, 0)[turn]
    if b.ndim == 1:  # Python's numbers are quicker one by one
        a, b = a.tolist(), b.tolist()
    rows = accumulate(zip(a, b[1:], strict=True), lambda s, row: row[1] + row[0] * s, initial=b[0])
    return np.moveaxis(np.array(list(rows), dtype)[turn], 0, axis)


def recurrence_vjp_links(
    g: Array, out: Array, links: Array, x: Array, axis: Axis, reverse: bool
) -> Array:
    later = recurrence_vjp_x(g, out, links, x, axis, reverse)
    after, until = _part(axis, 1, None), _part(axis, None, -1)
    return later[until] * out[after] if reverse else later[after] * out[until]


def recurrence_vjp_x(
    g: Array, out: Array, links: Array, x: Array, axis: Axis, reverse: bool
) -> Array:
    return _recurrence_record(links, g, axis=axis, reverse=not reverse)


def _recurrence_spec(links: Array, x: Array, axis: Axis, reverse: bool) -> ArraySpec:
    return ArraySpec(x.shape, ufunc_dtype(np.multiply, links, x))


_recurrence_record = primitive(
    "recurrence",
    _recurrence,
    spec=_recurrence_spec,
    vjp=(recurrence_vjp_links, recurrence_vjp_x),
    role="mixes",
    why="Each entry lives on in all that follow, and the links between weaken or strengthen its gradient.",
    samples=(
        Sample(floats(3, 3), floats(3, 4), axis=1, reverse=False),
        Sample(floats(2, 3), floats(3, 3), axis=0, reverse=True),
        Sample(floats(4), floats(5), axis=0, reverse=True),
        Sample(floats(0), floats(1), axis=0, reverse=False),
        Sample(
            Draw((3,), dtype="complex128"), Draw((4,), dtype="complex128"), axis=0, reverse=False
        ),
    ),
)


# ---- products


def _prod(x: Array, axis: Axes, keepdims: Any) -> Array:
    return np.multiply.reduce(x, axis=axis, keepdims=keepdims)


def prod_vjp(g: Array, out: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    return kept(g, x, axis, keepdims) * _others(x, axis)


def _others(x: Array, axis: Axes) -> Array:
    """Return, for each entry, the product of all others over `axis`."""
    if count(x, axis) < 2:
        return np.ones(x.shape, x.dtype)[()]
    if len(axis) > 1:
        order = (*(i for i in range(x.ndim) if i not in axis), *axis)
        lined = np.transpose(x, order)
        free = lined.shape[: x.ndim - len(axis)]
        others = _others(lined.reshape((*free, count(x, axis))), (len(free),)).reshape(lined.shape)
        return np.transpose(others, tuple(sorted(range(x.ndim), key=order.__getitem__)))
    (along,) = axis
    upwards = _cumprod_record(x, axis=along, reverse=False)
    downwards = _cumprod_record(x, axis=along, reverse=True)
    return _before(upwards, along, False) * _before(downwards, along, True)


def _prod_spec(x: Array, axis: Axes, keepdims: bool) -> ArraySpec:
    dtype = np.multiply.reduce(np.ones(1, x.dtype)).dtype  # small integers widen
    return ArraySpec(reduced(x.shape, axis, keepdims), dtype)


_ZEROS = np.array([[1.5, 0.0, -2.0], [0.0, 3.0, 0.0], [1.0, 2.0, -0.5]])

_prod_record = primitive(
    "prod",
    _prod,
    spec=_prod_spec,
    vjp=(prod_vjp,),
    role="mixes",
    why="Each factor gets the upstream gradient times the product of all the others.",
    repeats="multiply",
    samples=(
        *REDUCTIONS,
        COMPLEX_SUM,
        NOTHING,
        Sample(_ZEROS, axis=(1,), keepdims=False),
        Sample(floats(1, 3), axis=(0,), keepdims=False),
    ),
)


@answers(np.prod)
def prod(
    a: Array,
    axis: AxesLike = None,
    dtype: DTypeLike = None,
    *,
    keepdims: bool = False,
    initial: AnyArray = None,
    where: AnyArray = True,
) -> Array:
    if dtype is None and where is True and initial is None:
        axes = normalize_axes(axis, a.ndim, reduces=True)
        return apply(_prod_record, (a,), {"axis": axes, "keepdims": bool(keepdims)})
    a = only(where, in_dtype(shaped(a), dtype, "prod"), 1, "prod")
    total = np.prod(a, axis=axis, keepdims=keepdims)
    total = total if initial is None else (total * initial).astype(total.dtype)
    return total if dtype is None else total.astype(dtype)
