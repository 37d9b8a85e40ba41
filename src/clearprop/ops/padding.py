"""np.pad: a frame of constants, or of numbers taken from within."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.primitive import Sample, answers, floats, primitive
from ..engine.spec import ArraySpec
from ..engine.tensor import Tensor
from ..errors import LostGradientError, ShapeError, UnsupportedError
from .specs import shaped

Pairs = tuple[tuple[Any, Any], ...]
"""For each axis, something for its beginning and something for its end."""

_STATISTICS: dict[str, Callable[..., Any]] = {"maximum": np.max, "minimum": np.min, "mean": np.mean}


def _pad(x: Array, width: Pairs, value: Pairs) -> Array:
    """Do np.pad, whose generality costs ten microseconds, where the frame is of zeros."""
    if any(v for pair in value for v in pair):
        return np.pad(x, width, constant_values=value)
    out = np.zeros(_pad_spec(x, width, value).shape, x.dtype)
    out[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, width, strict=True))] = x
    return out


def _pad_spec(x: Array, width: Pairs, value: Pairs) -> ArraySpec:
    return ArraySpec(tuple(a + n + b for n, (a, b) in zip(x.shape, width, strict=True)), x.dtype)


def pad_vjp(g: Array, out: Array, x: Array, width: Pairs, value: Pairs) -> Array:
    return g[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, width, strict=True))]


_pad_record = primitive(
    "pad",
    _pad,
    spec=_pad_spec,
    vjp=(pad_vjp,),
    role="selects",
    why="The numbers within the frame get the gradients of their places; the frame is constant.",
    samples=(
        Sample(floats(2, 3), width=((1, 0), (2, 1)), value=((0, 0), (0, 0))),
        Sample(floats(3), width=((2, 2),), value=((1.5, -1.5),)),
        Sample(floats(0, 2), width=((1, 1), (0, 0)), value=((0, 0), (0, 0))),
    ),
)


def _pairs(name: str, given: AnyArray, ndim: int) -> Pairs:
    """Return ``n``, ``(n,)``, ``(before, after)`` or one pair for each axis, as pairs for all axes."""
    try:
        return tuple(map(tuple, np.broadcast_to(given, (ndim, 2)).tolist()))
    except ValueError as error:
        raise ShapeError(
            f"pad: {name}={given} does not fit {ndim} axes; write one number, (before, after), or one such "
            f"pair for each axis"
        ) from error


def _widths(given: AnyArray, ndim: int) -> Pairs:
    if isinstance(given, dict):  # by axis
        pairs: list[Any] = [(0, 0)] * ndim
        for axis, width in given.items():
            pairs[axis] = width if np.iterable(width) else (width, width)
        given = pairs
    if np.asarray(given).dtype.kind not in "iu":
        raise TypeError(f"pad: widths are whole numbers, not {given}")
    widths = _pairs("pad_width", given, ndim)
    if any(n < 0 for pair in widths for n in pair):
        raise ShapeError(f"pad: pad_width={given} is negative; to cut, write x[1:-1]")
    return widths


@answers(np.pad)
def pad(
    array: ArrayLike,
    pad_width: int | Sequence[Any] | Mapping[int, Any],
    mode: str = "constant",
    *,
    constant_values: ArrayLike = 0,
    end_values: ArrayLike = 0,
    reflect_type: str = "even",
    stat_length: AnyArray = None,
) -> Array:
    x = shaped(array)
    if isinstance(constant_values, Tensor) or isinstance(end_values, Tensor):
        raise LostGradientError(
            "pad: the frame's numbers are constants here, so this tensor would lose its gradient. Use "
            "np.concatenate, or assign x into np.full_like(x, value, shape=...)."
        )
    widths = _widths(pad_width, x.ndim)
    if mode == "constant":
        return _pad_record(
            x, width=widths, value=_pairs("constant_values", constant_values, x.ndim)
        )
    if mode == "linear_ramp":
        ends = _pairs("end_values", end_values, x.ndim)
        return _framed(x, widths, partial(_ramp, ends))
    if mode in _STATISTICS:
        lengths = _pairs("stat_length", stat_length, x.ndim)
        return _framed(x, widths, partial(_statistic, _STATISTICS[mode], lengths))
    if mode in ("reflect", "symmetric") and reflect_type != "even":
        raise UnsupportedError(
            f"pad: reflect_type={reflect_type!r} has no gradient here; 'even' has"
        )
    if mode in ("edge", "reflect", "symmetric", "wrap"):
        for axis, width in enumerate(
            widths
        ):  # which entry stands where: NumPy says it of positions
            if any(width):
                positions = np.pad(np.arange(x.shape[axis]), width, mode=mode)  # type: ignore[call-overload]
                x = np.take(x, positions, axis)
        return x if any(map(any, widths)) else np.copy(x)
    raise UnsupportedError(
        f"pad: mode={mode!r} is not supported; 'constant', 'edge', 'reflect', 'symmetric', 'wrap', "
        f"'linear_ramp', 'maximum', 'minimum' and 'mean' are"
    )


def _framed(x: Array, widths: Pairs, frame: Callable[[AnyArray, int, int, int], AnyArray]) -> Array:
    """Return `x` within ``frame(x, axis, side, width)`` on each side, axis after axis, as NumPy does it."""
    for axis, pair in enumerate(widths):
        sides = [frame(x, axis, side, n) if n else None for side, n in enumerate(pair)]
        x = np.concatenate([part for part in (sides[0], x, sides[1]) if part is not None], axis)
    return x


def _part(x: Array, axis: int, start: int | None, stop: int | None) -> Array:
    return x[(slice(None),) * axis + (slice(start, stop),)]


def _ramp(ends: Pairs, x: Array, axis: int, side: int, n: int) -> Array:
    """Go in equal steps from the end value, outermost, to the edge, which is not reached."""
    edge = _part(x, axis, *((-1, None) if side else (0, 1)))
    end, whole = ends[axis][side], x.dtype.kind in "iu"
    steps = np.arange(n)[:: -1 if side else 1].reshape((-1,) + (1,) * (x.ndim - axis - 1))
    ramp = steps.astype(float if whole else x.dtype) * ((edge - end) / n) + end
    return np.floor(ramp).astype(x.dtype) if whole else ramp


def _statistic(
    f: Callable[..., Any], lengths: Pairs, x: Array, axis: int, side: int, n: int
) -> Array:
    """Return the maximum, minimum or mean of the entries nearest to this side, `n` times."""
    size = x.shape[axis]
    length = size if lengths[axis][side] is None else min(lengths[axis][side], size)
    found = f(
        _part(x, axis, *((size - length, size) if side else (0, length))), axis, keepdims=True
    )
    if found.dtype != x.dtype:  # the mean of whole numbers
        found = np.rint(found).astype(x.dtype)
    return np.repeat(found, n, axis)
