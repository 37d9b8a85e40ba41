"""Fourier transforms: linear maps whose matrices are symmetric, so that a gradient is transformed likewise.

Four primitives, `fft` and `ifft` over any axes, `rfft` and `irfft` over one; NumPy's others are made of them.
Axes are counted from the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..engine.array_types import Array, Axes, AxesLike, DType, Shape
from ..engine.primitive import Custom, Draw, Notation, Primitive, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, normalize_axes
from ..errors import DtypeError, ShapeError

_DUAL = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


@lru_cache(maxsize=64)
def _result_dtype(transform: Callable[..., Any], dtype: DType) -> DType:
    return transform(np.zeros(2, dtype)).dtype


def _options(axes: Axes, norm: str) -> str:
    text = "" if axes == (-1,) else f", axis={axes[0]}" if len(axes) == 1 else f", axes={axes}"
    return text + ("" if norm == "backward" else f", norm='{norm}'")


# ---- complex transforms


def _over_axes(one: Callable[..., Any], several: Callable[..., Any]) -> Callable[..., Array]:
    def forward(x: Array, axes: Axes, norm: str) -> Array:
        if len(axes) == 1:
            return one(x, axis=axes[0], norm=norm)
        return several(x, axes=axes, norm=norm)

    return forward


def _spec_like(transform: Callable[..., Any]) -> Callable[..., ArraySpec]:
    def spec(x: Array, axes: Axes, norm: str) -> ArraySpec:
        return ArraySpec(x.shape, _result_dtype(transform, x.dtype))

    return spec


def _notation(name: str) -> Notation:
    def write(x: str, axes: Axes, norm: str) -> str:
        if axes == (-2, -1):
            return f"{name}2({x}{_options((-1,), norm)})"
        return f"{name}{'n' if len(axes) > 1 else ''}({x}{_options(axes, norm)})"

    return Custom(write, wraps=False)


_COMPLEX = (
    Sample(Draw((3, 4), dtype="complex128"), axes=(-1,), norm="backward"),
    Sample(Draw((3, 4), dtype="complex128"), axes=(-2,), norm="forward"),
    Sample(Draw((2, 3, 4), dtype="complex128"), axes=(-3, -1), norm="ortho"),
    Sample(floats(2, 5), axes=(-1,), norm="backward"),
    Sample(floats(3, 4), axes=(-2, -1), norm="forward"),
    Sample(floats(0, 3), axes=(-1,), norm="backward"),
    Sample(floats(1), axes=(-1,), norm="ortho"),
)


def fft_vjp(g: Array, out: Array, x: Array, axes: Axes, norm: str) -> Array:
    return _fft_record(g, axes=axes, norm=norm)


_fft_record = primitive(
    "fft",
    _over_axes(np.fft.fft, np.fft.fftn),
    spec=_spec_like(np.fft.fft),
    vjp=(fft_vjp,),
    role="mixes",
    why="Every entry is in every frequency, with a weight that is the same both ways, so the upstream "
    "gradient is transformed likewise.",
    notation=_notation("fft"),
    samples=_COMPLEX,
)


def ifft_vjp(g: Array, out: Array, x: Array, axes: Axes, norm: str) -> Array:
    return _ifft_record(g, axes=axes, norm=norm)


_ifft_record = primitive(
    "ifft",
    _over_axes(np.fft.ifft, np.fft.ifftn),
    spec=_spec_like(np.fft.ifft),
    vjp=(ifft_vjp,),
    role="mixes",
    why="Every frequency is in every entry, with a weight that is the same both ways, so the upstream "
    "gradient is transformed likewise.",
    notation=_notation("ifft"),
    samples=_COMPLEX,
)


# ---- transforms of real numbers, which keep one of two mirrored halves


@lru_cache(maxsize=64)
def _times(n: int, axis: int) -> Array:
    """Return how often a kept frequency is in the whole: twice, but for the zeroth and a middle one."""
    times = np.full((n // 2 + 1,), 2, np.int8)  # which changes no dtype that it multiplies
    times[0] = 1
    if n % 2 == 0:
        times[-1] = 1
    times = times.reshape((-1,) + (1,) * (-axis - 1))
    times.setflags(write=False)
    return times


def _rfft(x: Array, axis: int, norm: Any) -> Array:
    return np.fft.rfft(x, axis=axis, norm=norm)


def _rfft_spec(x: Array, axis: int, norm: str) -> ArraySpec:
    return ArraySpec(
        _with_size(x.shape, axis, x.shape[axis] // 2 + 1), _result_dtype(np.fft.rfft, x.dtype)
    )


def rfft_vjp(g: Array, out: Array, x: Array, axis: int, norm: str) -> Array:
    n = x.shape[axis]
    return _irfft_record(np.conj(g) / _times(n, axis), n=n, axis=axis, norm=_DUAL[norm])


_rfft_record = primitive(
    "rfft",
    _rfft,
    spec=_rfft_spec,
    vjp=(rfft_vjp,),
    role="mixes",
    why="The way back of a transform is a transform: of the half of the frequencies that are kept.",
    notation=Custom(lambda x, axis, norm: f"rfft({x}{_options((axis,), norm)})", wraps=False),
    samples=(
        Sample(floats(3, 4), axis=-1, norm="backward"),
        Sample(floats(3, 5), axis=-1, norm="forward"),
        Sample(floats(3, 2), axis=-2, norm="ortho"),
        Sample(floats(1), axis=-1, norm="backward"),
        Sample(floats(2), axis=-1, norm="backward"),
        Sample(floats(0, 3), axis=-1, norm="backward"),
    ),
)


def _irfft(x: Array, n: int, axis: int, norm: Any) -> Array:
    return np.fft.irfft(x, n, axis=axis, norm=norm)


def _irfft_spec(x: Array, n: int, axis: int, norm: str) -> ArraySpec:
    return ArraySpec(_with_size(x.shape, axis, n), _result_dtype(np.fft.irfft, x.dtype))


def irfft_vjp(g: Array, out: Array, x: Array, n: int, axis: int, norm: str) -> Array:
    return np.conj(_rfft_record(g, axis=axis, norm=_DUAL[norm])) * _times(n, axis)


_irfft_record = primitive(
    "irfft",
    _irfft,
    spec=_irfft_spec,
    vjp=(irfft_vjp,),
    role="mixes",
    why="The way back of a transform is a transform; most frequencies stand for two, and count double.",
    notation=Custom(
        lambda x, n, axis, norm: f"irfft({x}, n={n}{_options((axis,), norm)})", wraps=False
    ),
    samples=(
        Sample(Draw((3, 3), dtype="complex128"), n=4, axis=-1, norm="backward"),
        Sample(Draw((3, 3), dtype="complex128"), n=5, axis=-1, norm="forward"),
        Sample(Draw((2, 3), dtype="complex128"), n=2, axis=-2, norm="ortho"),
        Sample(Draw((1,), dtype="complex128"), n=1, axis=-1, norm="backward"),
        Sample(floats(3), n=4, axis=-1, norm="backward"),
    ),
)


# ---- NumPy's signatures


def _with_size(shape: Shape, axis: int, n: int) -> tuple[int, ...]:
    place = axis % len(shape)
    return (*shape[:place], n, *shape[place + 1 :])


def _resized(x: Array, n: int, axis: int) -> Array:
    """Return `x` cut off, or filled up with zeros, to the size n."""
    size = x.shape[axis]
    if n < size:
        return x[(..., slice(0, n), *(slice(None),) * (-axis - 1))]
    if n > size:
        return np.concatenate([x, np.zeros(_with_size(x.shape, axis, n - size), x.dtype)], axis)
    return x


def _from_end(name: str, x: Array, axis: int) -> int:
    if not x.ndim:
        raise ShapeError(f"{name}: a number has no axis to transform")
    return normalize_axes(int(axis), x.ndim)[0] - x.ndim


def _checked(name: str, x: Array, n: int | None, axis: int, norm: str | None) -> str:
    """Return the name of the norm, if all is well."""
    if (x.shape[axis] if n is None else n) < 1:
        raise ShapeError(
            f"{name}: at least one number is needed along axis {axis}, but the shape is {x.shape} and "
            f"n={n}"
        )
    norm = norm or "backward"
    if norm not in _DUAL:
        raise ValueError(f"{name}: norm is 'backward', 'ortho' or 'forward', not {norm!r}")
    return norm


def _single(name: str, record: Primitive) -> Callable[..., Array]:
    def transform(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
        axis = _from_end(name, a, axis)
        norm = _checked(name, a, n, axis, norm)
        return record(
            _resized(a, a.shape[axis] if n is None else int(n), axis), axes=(axis,), norm=norm
        )

    return transform


fft = answers(np.fft.fft)(_single("fft", _fft_record))
ifft = answers(np.fft.ifft)(_single("ifft", _ifft_record))


@answers(np.fft.rfft)
def rfft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    axis = _from_end("rfft", a, axis)
    norm = _checked("rfft", a, n, axis, norm)
    if a.dtype.kind == "c":
        raise DtypeError(
            f"rfft: real numbers are needed, but this is {a.dtype}; use np.fft.fft, or take the .real part"
        )
    return _rfft_record(
        _resized(a, a.shape[axis] if n is None else int(n), axis), axis=axis, norm=norm
    )


@answers(np.fft.irfft)
def irfft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    axis = _from_end("irfft", a, axis)
    n = 2 * (a.shape[axis] - 1) if n is None else int(n)
    norm = _checked("irfft", a, n, axis, norm)
    return _irfft_record(_resized(a, n // 2 + 1, axis), n=n, axis=axis, norm=norm)


@answers(np.fft.hfft)
def hfft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    return irfft(np.conj(a), n, axis, _swapped(norm))


@answers(np.fft.ihfft)
def ihfft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    return np.conj(rfft(a, n, axis, _swapped(norm)))


def _swapped(norm: str | None) -> str | None:
    """Return the norm of the transform in the other direction; what is no norm is refused there."""
    return _DUAL.get(norm or "backward", norm)


def _sizes_and_axes(
    name: str, a: Array, s: Sequence[int | None] | None, axes: Any, *, halved: bool = False
) -> tuple[list[int], list[int]]:
    """Return sizes and axes of a transform over several axes, as NumPy understands them."""
    if axes is None:
        axes = range(-len(s), 0) if s is not None else range(-a.ndim, 0)
    axes = [_from_end(name, a, axis) for axis in axes]
    if s is None:
        sizes = [a.shape[axis] for axis in axes]
        if halved and axes:
            sizes[-1] = 2 * (sizes[-1] - 1)
    else:
        if len(s) != len(axes):
            raise ShapeError(
                f"{name}: s={tuple(s)} gives {len(s)} sizes for {len(axes)} axes; -1 leaves one as it is"
            )
        sizes = [
            a.shape[axis] if n in (-1, None) else int(n) for n, axis in zip(s, axes, strict=True)
        ]
    return sizes, axes


def _over(
    name: str,
    record: Primitive,
    a: Array,
    sizes: Sequence[int],
    axes: Sequence[int],
    norm: str | None,
) -> Array:
    """Return the complex transform over several axes: at once, or one by one where sizes change."""
    for n, axis in zip(sizes, axes, strict=True):
        norm = _checked(name, a, n, axis, norm)
    if not axes:
        return a
    if [a.shape[axis] for axis in axes] == list(sizes):
        return record(a, axes=tuple(axes), norm=norm)
    for n, axis in zip(reversed(sizes), reversed(axes), strict=True):
        a = record(_resized(a, n, axis), axes=(axis,), norm=norm)
    return a


def _several(name: str, record: Primitive, default: Axes | None) -> Callable[..., Array]:
    def transform(
        a: Array,
        s: Sequence[int | None] | None = None,
        axes: AxesLike = default,
        norm: str | None = None,
    ) -> Array:
        sizes, axes = _sizes_and_axes(name, a, s, axes)
        return _over(name, record, a, sizes, axes, norm)

    return transform


fftn = answers(np.fft.fftn)(_several("fftn", _fft_record, None))
ifftn = answers(np.fft.ifftn)(_several("ifftn", _ifft_record, None))
fft2 = answers(np.fft.fft2)(_several("fft2", _fft_record, (-2, -1)))
ifft2 = answers(np.fft.ifft2)(_several("ifft2", _ifft_record, (-2, -1)))


def _real(name: str, default: Axes | None) -> Callable[..., Array]:
    def transform(
        a: Array,
        s: Sequence[int | None] | None = None,
        axes: AxesLike = default,
        norm: str | None = None,
    ) -> Array:
        sizes, axes = _sizes_and_axes(name, a, s, axes)
        half = rfft(a, sizes[-1], axes[-1], norm)
        return _over(name, _fft_record, half, sizes[:-1], axes[:-1], norm)

    return transform


def _inverse_real(name: str, default: Axes | None) -> Callable[..., Array]:
    def transform(
        a: Array,
        s: Sequence[int | None] | None = None,
        axes: AxesLike = default,
        norm: str | None = None,
    ) -> Array:
        sizes, axes = _sizes_and_axes(name, a, s, axes, halved=True)
        half = _over(name, _ifft_record, a, sizes[:-1], axes[:-1], norm)
        return irfft(half, sizes[-1], axes[-1], norm)

    return transform


rfftn = answers(np.fft.rfftn)(_real("rfftn", None))
rfft2 = answers(np.fft.rfft2)(_real("rfft2", (-2, -1)))
irfftn = answers(np.fft.irfftn)(_inverse_real("irfftn", None))
irfft2 = answers(np.fft.irfft2)(_inverse_real("irfft2", (-2, -1)))


# ---- order of the frequencies


def _shifted(x: Array, axes: AxesLike, sign: int) -> Array:
    for axis in normalize_axes(axes, x.ndim):
        start = -sign * (x.shape[axis] // 2)
        if start:
            before = (slice(None),) * axis
            parts = (x[(*before, slice(start, None))], x[(*before, slice(0, start))])
            x = np.concatenate(parts, axis)
    return x


@answers(np.fft.fftshift)
def fftshift(x: Array, axes: AxesLike = None) -> Array:
    return _shifted(x, axes, 1)


@answers(np.fft.ifftshift)
def ifftshift(x: Array, axes: AxesLike = None) -> Array:
    return _shifted(x, axes, -1)
