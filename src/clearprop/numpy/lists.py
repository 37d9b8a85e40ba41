"""NumPy's functions, of lists that hold Tensors, too.

NumPy asks its arguments whether one of them answers, but does not look into lists: it makes arrays of
those, which a Tensor refuses. So each function is tried as it is, and where that would lose a gradient, the
lists are joined first. Whoever passes no such lists pays for one more call.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.arrays import holds_tensor, joined
from .forwarding import forwarding

_OF_SEQUENCES = {
    *(np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack, np.block),
    *(np.select, np.piecewise, np.choose, np.linalg.multi_dot),
}
"""Functions whose lists are sequences of arrays, not arrays."""


def taking_lists(thing: Any) -> Any:
    """Return a function or ufunc of NumPy's that joins lists which hold Tensors; anything else as it is."""
    if isinstance(thing, np.ufunc):
        return _ufunc(thing)
    if isinstance(thing, types.FunctionType) or type(thing).__name__ in _DISPATCHERS:
        return _function(thing)
    return thing


_DISPATCHERS = {type(np.sum).__name__, type(np.concatenate).__name__}


def _function(function: Callable[..., AnyArray]) -> Callable[..., AnyArray]:
    return forwarding(function, partial(_with_joined, function))


def _ufunc(ufunc: np.ufunc) -> Callable[..., AnyArray]:
    """Return a ufunc as a function that takes lists; its methods do, too, and its attributes are there."""
    call = _function(ufunc)
    for name in dir(ufunc):
        if not name.startswith("__"):
            found = getattr(ufunc, name)
            setattr(call, name, _function(found) if name in _METHODS else found)
    return call


_METHODS = {"reduce", "accumulate", "outer", "reduceat", "at"}


def _with_joined(
    function: Callable[..., AnyArray],
    error: Exception,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> AnyArray:
    """Call it once more with lists joined, where they hold Tensors; else let the error be."""
    new_args = tuple(_as_array(function, x) for x in args)
    new_kwargs = {name: _as_array(function, x) for name, x in kwargs.items()}
    changed = any(x is not y for x, y in zip(args, new_args, strict=True))
    if not changed and all(kwargs[name] is x for name, x in new_kwargs.items()):
        raise error
    return function(*new_args, **new_kwargs)


def _as_array(function: Callable[..., Any], x: Any) -> Any:
    if not isinstance(x, list | tuple) or not holds_tensor(x):
        return x
    if function is np.block:
        return [_as_array(np.block, part) for part in x] if isinstance(x, list) else x
    if function in _OF_SEQUENCES:
        return type(x)([joined(part) if isinstance(part, list | tuple) else part for part in x])
    return joined(x)
