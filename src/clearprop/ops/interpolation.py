"""Values between given points, and angles without their jumps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.arrays import as_array
from ..engine.primitive import Sample, answers, floats, primitive, together
from ..engine.spec import ArraySpec, normalize_axes, promote, shape_of
from ..engine.tensor import Tensor
from ..errors import ShapeError
from .indexing import Slot, gather, scatter

_AT = (Slot(0),)


def _interp(x: Array, xp: Array, fp: Array, left: float | None, right: float | None) -> AnyArray:
    return np.interp(x, xp, fp, left, right)


def _interp_spec(
    x: Array, xp: Array, fp: Array, left: float | None, right: float | None
) -> ArraySpec:
    kind = np.complex128 if fp.dtype.kind == "c" else np.float64
    return ArraySpec(shape_of(x), np.dtype(kind))


def interp_vjp(
    g: Array, out: Array, x: Array, xp: Array, fp: Array, left: float | None, right: float | None
) -> tuple[Array, ...]:
    """Return what each point gets: on the way back of reading it, its weight in each result."""
    last = len(xp) - 1
    i = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, max(last - 1, 0))
    j = np.minimum(i + 1, last)
    x0, x1, f0, f1 = (gather(p, k, index=_AT) for p in (xp, fp) for k in (i, j))
    width = np.where(x1 == x0, 1.0, x1 - x0)
    weight = np.clip((x - x0) / width, 0.0, 1.0)
    slope = (f1 - f0) / width
    before, after = x < xp[0], x > xp[-1]
    gx = np.where(np.logical_or(before, after), 0.0, g)
    gf = g if left is None else np.where(before, 0.0, g)
    gf = gf if right is None else np.where(after, 0.0, gf)

    def placed(at_left: Array, at_right: Array) -> Array:
        return scatter(at_left, i, index=_AT, shape=xp.shape) + scatter(
            at_right, j, index=_AT, shape=xp.shape
        )

    downstream = gx * slope
    return (
        downstream,
        placed(downstream * (weight - 1), -downstream * weight),
        placed(gf * (1 - weight), gf * weight),
    )


_POINTS = np.array([-1.7, -0.6, 0.1, 1.3])

interp_record = primitive(
    "interp",
    _interp,
    spec=_interp_spec,
    vjp=together(interp_vjp),
    role="mixes",
    why="Each result is a mean of the two points beside it, and they share its gradient by their nearness.",
    samples=(
        Sample(floats(3, 4), _POINTS, floats(4), left=None, right=None),
        Sample(floats(5), _POINTS, floats(4), left=-1.0, right=2.0),
        Sample(floats(), _POINTS, floats(4), left=None, right=None),
    ),
)


@answers(np.interp)
def interp(
    x: Array,
    xp: Array,
    fp: Array,
    left: ArrayLike | None = None,
    right: ArrayLike | None = None,
    period: float | None = None,
) -> Array:
    """Answer `np.interp`. Gradients flow to x, to the points' places xp and values fp, and to left and
    right.
    """
    x, xp, fp = (as_array(v) for v in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(
            f"np.interp takes points as two rows of one length, at least 1, not shapes {xp.shape} and "
            f"{fp.shape}"
        )
    if period is not None:
        if not period:
            raise ValueError("np.interp: a period of 0 has no meaning")
        period, left, right = abs(period), None, None
        x, xp = x.astype(float) % period, xp.astype(float) % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate((xp[-1:] - period, xp, xp[:1] + period))
        fp = np.concatenate((fp[-1:], fp, fp[:1]))
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        inner = interp_record(x, xp, fp, left=None, right=None)
        inner = inner if left is None else np.where(x < xp[0], left, inner)
        return inner if right is None else np.where(x > xp[-1], right, inner)
    return interp_record(x, xp, fp, left=left, right=right)


# ---- unwrap


def _unwrap(p: Array, discont: float | None, axis: int, period: float) -> Array:
    return np.unwrap(p, discont, axis, period=period)


def _unwrap_spec(p: Array, discont: float | None, axis: int, period: float) -> ArraySpec:
    return ArraySpec(p.shape, promote(p, period))


def unwrap_vjp(g: Array, out: Array, p: Array, **params: Any) -> Array:
    return g


_unwrap_record = primitive(
    "unwrap",
    _unwrap,
    spec=_unwrap_spec,
    vjp=(unwrap_vjp,),
    role="passes",
    why="Whole turns are added, and a small step of an entry changes none of them.",
    samples=(
        Sample(floats(3, 4, low=-9.0, high=9.0), discont=None, axis=1, period=2 * np.pi),
        Sample(floats(5), discont=0.9, axis=0, period=1.0),
    ),
)


@answers(np.unwrap)
def unwrap(
    p: Array, discont: float | None = None, axis: int = -1, *, period: float = 2 * np.pi
) -> Array:
    (axis,) = normalize_axes(axis, p.ndim)
    return _unwrap_record(p, discont=discont, axis=axis, period=period)
