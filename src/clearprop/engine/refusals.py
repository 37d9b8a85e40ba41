"""Values and requests that no gradient can be had for, and the errors that say so."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import DtypeError, UnsupportedError
from .array_types import AnyArray
from .arrays import TensorBase, check_numbers
from .spec import is_floating, shape_of, spec_of


def check_floating(value: AnyArray, what: str = "this") -> None:
    """Raise DtypeError unless `value` can carry a gradient; `what` names it in the message."""
    dtype = spec_of(value).dtype
    if is_floating(dtype):
        return
    check_numbers(value, f"{what} is")
    example = "3.0 instead of 3" if shape_of(value) == () else "x.astype(float)"
    raise DtypeError(
        f"gradients need floating point numbers, but {what} is {dtype} of shape {shape_of(value)}: "
        f"a small step is not possible in {dtype}. Use {example}."
    )


def read_only(base: AnyArray, new: AnyArray, **params: Any) -> AnyArray:
    """Return what a view becomes that NumPy lets nobody write to: the `put` of a record."""
    raise UnsupportedError(
        f"this tensor of shape {new.shape} is a view that NumPy lets nobody write to: a diagonal, or what "
        f"np.broadcast_to stretched. Assign into the whole tensor (np.fill_diagonal for a diagonal), or take "
        f"a copy first: t.copy()."
    )


def check_request(transform: str, f: Any, argnums: Any) -> None:
    """Raise what to write instead where a transform did not get a function and positions of arguments."""
    if not callable(f):
        instead = (
            "for the gradient of a value that is already computed: y.backward(), then x.grad"
            if isinstance(f, TensorBase)
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
    """Return at which positions a function has arguments of these names, to be added to a message."""
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
    """Return the name of a function in messages."""
    return getattr(f, "__name__", type(f).__name__)


def kind_of(value: object) -> str:
    """Return what messages call a value: a float, None."""
    return f"{value!r}" if value is None else f"a {type(value).__name__}"
