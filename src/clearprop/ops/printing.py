"""Printing and saving: what is only written out needs no gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.array_types import Array
from ..engine.primitive import answers
from ..engine.tensor import Tensor


def _of_values(function: Callable[..., Any]) -> Callable[..., Any]:
    def write(*args: Any, **kwargs: Any) -> Array:
        return function(
            *(_value(x, function) for x in args),
            **{name: _value(x, function) for name, x in kwargs.items()},
        )

    return write


def _value(x: Array, function: Callable[..., Any]) -> Array:
    if not isinstance(x, Tensor):
        return x
    x._refuse_unknown(f"np.{function.__name__}")
    return np.asarray(x.value)


for _function in (
    np.save,
    np.savez,
    np.savez_compressed,
    np.savetxt,
    np.array2string,
    np.array_repr,
    np.array_str,
):
    answers(_function)(_of_values(_function))
