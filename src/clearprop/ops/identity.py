"""Copies, detached values and conversions to other dtypes."""

from __future__ import annotations

import numpy as np

from ..engine.array_types import Array, DType, DTypeLike
from ..engine.primitive import Custom, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, is_floating, shape_of
from .makers import STEP, ufunc
from .samples import ANY, COMPLEX
from .specs import same

stop_gradient = primitive(
    "stop_gradient",
    np.positive,
    spec=same,
    why="Detached on purpose: the value goes on, the gradient does not.",
    traits=["elementwise", "detaches"],
    samples=(Sample(floats(2, 3)),),
)


def _copy(x: Array, order: str = "C") -> Array:
    return x.copy(order)


def copy_vjp(g: Array, out: Array, x: Array, order: str = "C") -> Array:
    return g


_copy_record = primitive(
    "copy",
    _copy,
    spec=same,
    vjp=(copy_vjp,),
    role="passes",
    why="The same number under another name.",
    traits=["elementwise", "keeps", "conjugates"],
    samples=(*ANY, *COMPLEX),
)


positive = ufunc(
    np.positive,
    copy_vjp,
    operator="pos",
    role="passes",
    why="The same number, and the same gradient.",
    samples=(*ANY, *COMPLEX),
)


@answers(np.copy)
def copy(a: Array, order: str = "K") -> Array:
    """Copy an array. `order` is about memory alone, and so about which reshapes of the copy are views."""
    return _copy_record(a) if order == "C" or a.ndim < 2 else _copy_record(a, order=order)


def _astype(x: Array, dtype: DType) -> Array:
    return x.astype(dtype)


def _astype_spec(x: Array, dtype: DType) -> ArraySpec:
    return ArraySpec(shape_of(x), dtype)


def astype_vjp(g: Array, out: Array, x: Array, dtype: DType) -> Array:
    return g  # the sweep gives every gradient its input's dtype


_convert = primitive(
    "astype",
    _astype,
    spec=_astype_spec,
    vjp=(astype_vjp,),
    role="passes",
    why="The same number in another precision.",
    notation=Custom(lambda x, dtype: f"{x}.astype({dtype})"),
    traits=["elementwise", "keeps", "conjugates"],
    samples=(
        Sample(floats(2, 3), dtype=np.dtype("float32")),
        Sample(floats(2, 3), dtype=np.dtype("complex128")),
        Sample(COMPLEX[0].inputs[0], dtype=np.dtype("complex64")),
    ),
)

_truncate = primitive(
    "as_integer",
    _astype,
    spec=_astype_spec,
    why=STEP,
    notation=Custom(lambda x, dtype: f"{x}.astype({dtype})"),
    traits=["elementwise", "detaches"],
    samples=(Sample(floats(2, 3), dtype=np.dtype("int64")),),
)


@answers(np.astype)
def astype(x: Array, dtype: DTypeLike, *, copy: bool = True) -> Array:
    dtype = np.dtype(dtype)
    if dtype == x.dtype:
        return _copy_record(x) if copy else x
    return (_convert if is_floating(dtype) else _truncate)(x, dtype=dtype)
