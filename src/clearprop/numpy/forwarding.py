"""Functions that call NumPy's with as little as possible between: written for each, as text.

To take ``*args, **kwargs`` and hand them on costs three times as much as to name them. So the first
parameters have NumPy's names and defaults, and go on by position; what else there may be is handed on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.arrays import holds_tensor
from ..engine.settings import transforms
from ..engine.tensor import Tensor
from ..errors import LostGradientError, TraceError

REFUSED = (LostGradientError, TraceError, ValueError, TypeError)
"""What NumPy's functions raise where a list holds Tensors."""
_TEXT = """
def {name}({parameters}*rest, **options):
    {first}
    try:
        if options:
            found = _function({names}*rest, **options)
        elif rest:
            found = _function({names}*rest)
        elif {by_default}:
            found = _function({required})
        else:
            found = _function({names})
    except _REFUSED as error:
        found = _otherwise(error, ({names}*rest,), options)
    return {result}
"""
_FIRST = """
    if {are_tensors}:
        return _otherwise(None, ({names}*rest,), options)
"""
_SIMPLE = (type(None), bool, int, float, str)
_UNLESS_MADE = {"out", "dtype", "where", "initial", "keepdims"}
"""Parameters that answers for Tensors may lack: they are handed on only where they are given."""
_MANY = 3


def forwarding(
    function: Callable[..., AnyArray],
    otherwise: Callable[[Any, tuple[Any, ...], dict[str, Any]], AnyArray],
    made: Callable[[AnyArray], AnyArray] | None = None,
    *,
    of_tensors: int = 0,
) -> Callable[..., AnyArray]:
    """Return `function`, and `otherwise` of the error and the arguments where that refuses.

    What it makes goes through `made` while a transform or a trace runs. Where one of the first
    `of_tensors` parameters is a Tensor, `otherwise` gets them without trying, with None as the error.
    """
    found = _first_parameters(function, () if made else _UNLESS_MADE)
    optional = {p.name: p.default for p in found if p.default is not p.empty}
    texts = []
    for i, p in enumerate(found):
        texts.append(f"{p.name}=_{p.name}" if p.name in optional else p.name)
        if p.kind is p.POSITIONAL_ONLY and (i + 1 == len(found) or found[i + 1].kind is not p.kind):
            texts.append("/")
    names, first = _listed(p.name for p in found), ""
    if of_tensors and found:
        tests = [f"type({p.name}) is _Tensor" for p in found[:of_tensors]]
        first = _FIRST.format(are_tensors=" or ".join(tests), names=names)
    name = function.__name__ if function.__name__.isidentifier() else "call"
    text = _TEXT.format(
        first=first,
        name=name,
        parameters=_listed(texts),
        names=names,
        required=_listed(p.name for p in found if p.name not in optional),
        by_default=" and ".join(f"{name} is _{name}" for name in optional) or "True",
        result="_made(found) if _is_watched() else found" if made else "found",
    )
    scope: dict[str, Any] = {f"_{name}": value for name, value in optional.items()}
    scope |= {"__name__": __name__, "_Tensor": Tensor, "_REFUSED": REFUSED, "_made": made}
    scope |= {"_is_watched": transforms.get, "_function": function, "_otherwise": otherwise}
    exec(compile(text, __file__, "exec"), scope)
    return wraps(function)(scope[name])


def instead(ours: Callable[..., Any], looks_at: int | None = None) -> Callable[..., AnyArray]:
    """Return an `otherwise` that calls ours if Tensors are among the arguments (the first ones); else
    the error stands.
    """

    def otherwise(
        error: Exception | None, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> AnyArray:
        if error is not None and not holds_tensor((*args[:looks_at], *kwargs.values())):
            raise error
        return ours(*args, **kwargs)

    return otherwise


def _listed(texts: Iterable[str]) -> str:
    return "".join(f"{text}, " for text in texts)


def _first_parameters(
    function: Callable[..., Any], by_keyword: Collection[str]
) -> list[inspect.Parameter]:
    if isinstance(function, np.ufunc):
        return [
            inspect.Parameter(f"x{i + 1}", inspect.Parameter.POSITIONAL_ONLY)
            for i in range(function.nin)
        ]
    try:
        signature = inspect.signature(function)
    except ValueError:  # written in C
        return []
    found: list[inspect.Parameter] = []
    for p in list(signature.parameters.values())[:_MANY]:
        may_stay_out = p.default is not p.empty
        if may_stay_out and p.kind is p.POSITIONAL_ONLY:  # it matters whether it is given
            return []
        if p.kind > p.POSITIONAL_OR_KEYWORD or (may_stay_out and p.name in by_keyword):
            break
        if may_stay_out and not isinstance(p.default, _SIMPLE):
            break
        found.append(p)
    return found
