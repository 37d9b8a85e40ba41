"""Values and requests that no gradient can be had for, and the errors that say so."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import DtypeError, LostGradientError, UnsupportedError
from .spec import is_floating, shape_of

TO_BUILD = "np.stack([...]) to build an array from tensors (or np.array after `import clearprop.numpy as np`)"
OBJECTS = np.dtype(object)


def check_floating(value: Any, what: str = "this") -> None:
    """Raise DtypeError unless `value` can carry a gradient; `what` names it in the message."""
    dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    if is_floating(dtype):
        return
    refuse_objects(value, f"{what} is")
    example = "3.0 instead of 3" if shape_of(value) == () else "x.astype(float)"
    raise DtypeError(
        f"gradients need floating point numbers, but {what} is {dtype} of shape {shape_of(value)}: "
        f"a small step is not possible in {dtype}. Use {example}."
    )


def refuse_objects(array: Any, who: str) -> None:
    """Raise what to write instead if this is an array of Python objects: NumPy would go on with it alone."""
    if type(array) is not np.ndarray:
        _refuse_own_arithmetic(array, who)
        return
    if array.dtype is not OBJECTS:
        return
    what = f"{who} an array of Python objects (dtype=object, shape {array.shape})"
    if any(hasattr(x, "requires_grad") for x in array.flat):
        raise LostGradientError(
            f"{what} that holds tensors, and their gradients would be lost. Use {TO_BUILD}."
        )
    raise DtypeError(f"{what}, which has no gradient. If it holds numbers, use x.astype(float).")


def plain(value: Any, what: str) -> Any:
    """A result or an argument as NumPy has it; matrices and masked arrays compute in ways of their own."""
    if type(value) is complex:  # as Python makes it of 1j and a NumPy float
        return np.complex128(value)
    _refuse_own_arithmetic(value, f"{what} got")
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        value = np.asarray(value)
        value.flags.writeable = False
    return value


def _refuse_own_arithmetic(value: Any, who: str) -> None:
    if isinstance(value, np.ndarray) and type(value).__mul__ is not np.ndarray.__mul__:
        raise UnsupportedError(
            f"{who} a {type(value).__name__}, which has an arithmetic of its own. Pass np.asarray(x), and "
            f"the mask of a masked array beside it, for np.where."
        )


def check_request(transform: str, f: Any, argnums: Any) -> None:
    """Raise what to write instead where a transform did not get a function and positions of arguments."""
    if not callable(f):
        instead = (
            "for the gradient of a value that is already computed: y.backward(), then x.grad"
            if hasattr(f, "requires_grad")
            else f"the arguments go to what it returns: {transform}(f)(x)"
        )
        raise UnsupportedError(f"{transform} takes a function, not {kind_of(f)}; {instead}")
    if isinstance(argnums, int):
        return
    if isinstance(argnums, str) or not isinstance(argnums, Sequence):
        given = [argnums]
    else:
        given = [i for i in argnums if not isinstance(i, int)]
    if given:
        raise UnsupportedError(
            f"{transform} of {called(f)}: argnums={argnums!r} is to say which arguments to differentiate "
            f"with respect to, by position, as in 0 or (0, 2){_where_found(f, given)}. The arguments "
            f"themselves go to what {transform} returns: {transform}(f)(x)"
        )


def _where_found(f: Callable[..., Any], names: Sequence[Any]) -> str:
    """At which positions a function has arguments of these names, to be added to a message."""
    try:
        arguments = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return ""
    found = [
        f"{name!r} is at {arguments.index(name)}"
        for name in names
        if isinstance(name, str) and name in arguments
    ]
    return f" ({', '.join(found)})" if found else ""


def called(f: Callable[..., Any]) -> str:
    """The name of a function in messages."""
    return getattr(f, "__name__", type(f).__name__)


def kind_of(value: Any) -> str:
    """What a value is, in messages: a float, None."""
    return f"{value!r}" if value is None else f"a {type(value).__name__}"
