"""Differences of neighbours, slopes from them, and areas: NumPy's numerical calculus."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike, AxesLike
from ..engine.primitive import answers
from ..engine.spec import normalize_axes
from ..engine.tensor import Tensor
from ..errors import DtypeError, ShapeError
from .specs import shaped

_NOT_GIVEN: Any = object()


def _along(axis: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(start, stop),)


@answers(np.diff)
def diff(
    a: Array,
    n: int = 1,
    axis: int = -1,
    prepend: ArrayLike = _NOT_GIVEN,
    append: ArrayLike = _NOT_GIVEN,
) -> Array:
    if n < 0:
        raise ValueError(f"diff: n={n}, but differences are taken 0, 1, 2, ... times")
    if n == 0:
        return a
    a = shaped(a)
    if not a.ndim:
        raise ShapeError(
            "diff: a number alone has no neighbours; it takes an array of 1 axis or more"
        )
    (along,) = normalize_axes(axis, a.ndim)
    parts = [a]
    if prepend is not _NOT_GIVEN:
        parts.insert(0, _edge(prepend, a, along))
    if append is not _NOT_GIVEN:
        parts.append(_edge(append, a, along))
    if len(parts) > 1:
        a = np.concatenate(parts, axis=along)
    for _ in range(n):
        later, earlier = a[_along(along, 1, None)], a[_along(along, None, -1)]
        a = np.not_equal(later, earlier) if a.dtype.kind == "b" else later - earlier
    return a


def _edge(value: ArrayLike, a: Array, axis: int) -> Array:
    """Return what is joined to `a` along `axis`; a number stretches to a layer."""
    value = shaped(value)
    layer = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    return value if value.ndim else np.broadcast_to(value, layer)


@answers(np.ediff1d)
def ediff1d(
    ary: ArrayLike, to_end: ArrayLike | None = None, to_begin: ArrayLike | None = None
) -> Array:
    row = shaped(ary).reshape(-1)
    parts = [row[1:] - row[:-1]]
    if to_begin is not None:
        parts.insert(0, _joined("to_begin", to_begin, row))
    if to_end is not None:
        parts.append(_joined("to_end", to_end, row))
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _joined(name: str, given: ArrayLike, row: Array) -> Array:
    given = shaped(given)
    if not np.can_cast(given.dtype, row.dtype, "same_kind"):
        raise DtypeError(f"ediff1d: {name}= of {given.dtype} does not fit an array of {row.dtype}")
    return given.reshape(-1).astype(row.dtype)


# ---- slopes


@answers(np.gradient)
def gradient(
    f: AnyArray, *varargs: ArrayLike, axis: AxesLike = None, edge_order: int = 1
) -> Array | tuple[Array, ...]:
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order={edge_order}, but the edges are of order 1 or 2")
    f = shaped(f)
    if f.dtype.kind not in "fc":
        f = f.astype(float)
    given = range(f.ndim) if axis is None else axis if np.iterable(axis) else (axis,)
    axes = [normalize_axes(int(i), f.ndim)[0] for i in given]
    steps = [_steps(s, f, i) for s, i in zip(_spacings(varargs, axes), axes, strict=True)]
    found = tuple(_slope(f, h, i, edge_order) for h, i in zip(steps, axes, strict=True))
    return found[0] if len(found) == 1 else found


def _spacings(varargs: tuple[ArrayLike, ...], axes: list[int]) -> list[ArrayLike]:
    """Return one spacing for each axis."""
    if not varargs:
        return [1.0] * len(axes)
    if len(varargs) == 1 and np.ndim(varargs[0]) == 0:
        return list(varargs) * len(axes)
    if len(varargs) != len(axes):
        raise TypeError(
            f"gradient: {len(varargs)} spacings for {len(axes)} axes; give none, one number, or one (a "
            f"number or the coordinates) for each axis"
        )
    return list(varargs)


def _steps(spacing: ArrayLike, f: Array, axis: int) -> ArrayLike:
    """Return the distance between neighbours: a number if it is the same everywhere, or one for each pair."""
    if not np.ndim(spacing):
        return spacing
    spacing = shaped(spacing)
    if spacing.shape != (f.shape[axis],):
        raise ShapeError(
            f"gradient: coordinates of shape {spacing.shape} for axis {axis} of shape {f.shape}; it takes "
            f"{f.shape[axis]} of them in a row"
        )
    if spacing.dtype.kind in "iu":
        spacing = spacing.astype(float)
    steps = np.diff(spacing)
    if not isinstance(steps, Tensor) and len(steps) and (steps == steps[0]).all():
        return steps[0]
    return steps


def _slope(f: Array, h: AnyArray, axis: int, edge_order: int) -> Array:
    """Return central differences, and one-sided ones at both edges."""
    length = f.shape[axis]
    if length < edge_order + 1:
        raise ShapeError(
            f"gradient: axis {axis} of shape {f.shape} has {length} entries, but edge_order={edge_order} "
            f"needs {edge_order + 1} or more"
        )

    def at(start: int | None, stop: int | None) -> Array:
        return f[_along(axis, start, stop)]

    def weight(w: Array) -> Array:
        """Return the weights along the axis: a number for each step."""
        return w.reshape((-1,) + (1,) * (f.ndim - axis - 1))

    before, here, after = at(None, -2), at(1, -1), at(2, None)
    if np.ndim(h):
        first, last = h[0], h[-1]
        left, right = h[:-1], h[1:]
        both = left + right
        a, b, c = -right / (left * both), (right - left) / (left * right), left / (right * both)
        inner = weight(a) * before + weight(b) * here + weight(c) * after
    else:
        first = last = h
        inner = (after - before) / (2.0 * h)
    if edge_order == 1:
        start, end = (at(1, 2) - at(0, 1)) / first, (at(-1, None) - at(-2, -1)) / last
    else:
        second, last_but_one = (h[1], h[-2]) if np.ndim(h) else (h, h)
        start = _edge_slope(first, second, at(0, 1), at(1, 2), at(2, 3))
        end = -_edge_slope(last, last_but_one, at(-1, None), at(-2, -1), at(-3, -2))
    return np.concatenate([start, inner, end], axis=axis).astype(f.dtype)


def _edge_slope(
    near: AnyArray, far: AnyArray, edge: AnyArray, inner: AnyArray, innermost: AnyArray
) -> Array:
    """Return the slope at an edge from the parabola through three entries, looking inwards."""
    both = near + far
    return (
        -(2.0 * near + far) / (near * both) * edge
        + both / (near * far) * inner
        - near / (far * both) * innermost
    )


# ---- areas


@answers(np.trapezoid)
def trapezoid(y: ArrayLike, x: AnyArray = None, dx: ArrayLike = 1.0, axis: int = -1) -> Array:
    y = shaped(y)
    (along,) = normalize_axes(axis, y.ndim)
    width = dx
    if x is not None:
        x = shaped(x)
        if x.ndim == 1:
            width = np.diff(x).reshape((-1,) + (1,) * (y.ndim - along - 1))
        else:
            width = np.diff(x, axis=axis)
    both = y[_along(along, 1, None)] + y[_along(along, None, -1)]
    try:
        areas = width * both / 2.0
    except ValueError as error:
        raise ShapeError(
            f"trapezoid: x of shape {np.shape(x)} does not fit y of shape {y.shape} along axis {axis}"
        ) from error
    return np.sum(areas, axis=axis)
