"""The same number again: copies, detached values, other precisions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.primitive import Custom, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, is_floating
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


def _copy(x: Any, order: Any = "C") -> Any:
    return x.copy(order)


def copy_vjp(g: Any, out: Any, x: Any, order: Any = "C") -> Any:
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
def copy(a: Any, order: str = "K") -> Any:
    """Copy an array. `order` is about memory alone, and so about which reshapes of the copy are
    windows on it.
    """
    return _copy_record(a) if order == "C" or a.ndim < 2 else _copy_record(a, order=order)


def _astype(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


def _astype_spec(x: Any, dtype: Any) -> ArraySpec:
    return ArraySpec(x.shape, dtype)


def astype_vjp(g: Any, out: Any, x: Any, dtype: Any) -> Any:
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
def astype(x: Any, dtype: Any, *, copy: bool = True) -> Any:
    dtype = np.dtype(dtype)
    if dtype == x.dtype:
        return _copy_record(x) if copy else x
    return (_convert if is_floating(dtype) else _truncate)(x, dtype=dtype)
