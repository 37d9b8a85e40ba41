"""Tensors that reach a function as parameters: which function asks for a plain value, and what to say.

NumPy and SciPy look for Tensors among a function's arrays alone. Whatever else they get (``left=``,
``initial=``, an axis, a size) they make a plain value of, by the conversions that Tensors have; so do the
functions here with what is no operand. The conversions ask whether a function wants the value, or the user.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import FrameType
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from ..callsite import called_in, library_in_c, library_of
from ..errors import LostGradientError, TraceError
from .array_types import AnyArray, Params
from .arrays import TensorBase
from .primitive import Primitive, numpy_name, numpy_table
from .settings import no_grads, transforms
from .spec import ArraySpec

_ROOMS = ("clearprop.ops", "clearprop.scipy", "clearprop.engine.array_methods", "clearprop.numpy")
"""Where the functions stand that users call; the frames of other modules only hand arguments on."""


POLYNOMIALS = "np.polynomial."
MASKED = "np.ma."
IN_THE_DROP_IN = "It has its gradient after `import clearprop.numpy as np`."
_KEEPERS = ("pandas", "xarray")
"""Libraries whose functions call methods of the arrays within their objects: it is the user who asks."""


class Asked(NamedTuple):
    """A function that asks for a plain value."""

    function: str
    parameter: str
    """Its name for the value; "" where that is not known."""
    library: str
    """Whose function it is; "" for a method of a plain array."""


def asked_by(
    value: Any, frame: FrameType | None, *, in_lists: bool = True, by_conversion: bool = True
) -> Asked | None:
    """Return the function that the user called and that now asks for a plain value; None if the user's
    code asks.

    The search begins at the frame that asks. With `in_lists`, the parameter may also be a list that holds the
    value. Without `by_conversion`, none of Python's conversions led here, so nothing written in C asks.
    """
    found: Asked | None = None
    while frame is not None and (library := library_of(frame.f_code)):
        name = frame.f_code.co_name.strip("_")
        if frame.f_globals["__name__"].startswith("clearprop."):
            library = "clearprop"  # also of NumPy's code that was loaded a second time
        if name == "answer_numpy" and found:
            found = found._replace(function=numpy_name(frame.f_locals["function"]))
        elif library in _KEEPERS or (found and _hands_on(frame)):
            pass  # they have Tensors in objects of theirs, or are called in another's place
        elif library != "clearprop" or frame.f_globals["__name__"].startswith(_ROOMS):
            parameter = _parameter(frame, value, in_lists)
            if parameter == "self":  # its own method: no parameter
                pass
            elif parameter or not found or found.library != library:  # or it is a wrapper
                found = Asked(_name_for_users(frame, name, library), parameter, library)
        frame = frame.f_back
    if frame is None:
        return found
    if found and found.library == "scipy":  # whose wrappers hide the name and the parameter
        name, function = called_in(frame)
        name = getattr(function, "__name__", name)
        return found if name in ("", found.function) else Asked(name, "", "scipy")
    return found or (_written_in_c(frame) if by_conversion else None)


def _hands_on(frame: FrameType) -> bool:
    """Return whether a function only calls another one, which users know by the same name."""
    return bool(frame.f_globals["__name__"] == "clearprop.numpy.forwarding")


def _name_for_users(frame: FrameType, name: str, library: str) -> str:
    """Return under which name users know the function of a frame."""
    _, _, module = frame.f_globals["__name__"].partition("numpy.polynomial.")
    if module == "_polybase":
        owner = frame.f_locals.get("self", frame.f_locals.get("cls"))
        kind = owner if isinstance(owner, type) else type(owner)
        return f"{POLYNOMIALS}{kind.__name__}" + ("" if name in ("init", "call") else f".{name}")
    if module:
        return f"{POLYNOMIALS}{module}.{name}"
    if frame.f_globals["__name__"].startswith("numpy.ma."):
        return MASKED + ("masked_array" if name == "new" else name)
    public = _public(name) if library == "numpy" else None
    return numpy_name(public) if public else name


def _public(name: str) -> Any:
    """Return NumPy's function of this name, if Tensors have an answer to it."""
    name = name.rpartition(".")[2]
    for place in (np, np.linalg, np.fft):
        function = getattr(place, name, None)
        if function is not None and function in numpy_table:
            return function
    return None


def _parameter(frame: FrameType, value: Any, in_lists: bool) -> str:
    """Return the name under which the function of a frame got `value`."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    given = {name: frame.f_locals.get(name) for name in code.co_varnames[:count]}
    if code.co_flags & inspect.CO_VARKEYWORDS:
        count += bool(code.co_flags & inspect.CO_VARARGS)
        given |= frame.f_locals.get(code.co_varnames[count], {})
    return next(
        (name for name, x in given.items() if x is value or (in_lists and _holds(x, value))), ""
    )


def _holds(given: Any, value: Any) -> bool:
    if isinstance(given, tuple | list):
        return any(part is value or _holds(part, value) for part in given)
    return False


def _written_in_c(frame: FrameType) -> Asked | None:
    """Return a function of NumPy's or SciPy's that runs without a frame of its own."""
    name, function = called_in(frame)
    library = library_in_c(name, function)
    if not library:
        return None
    name = getattr(function, "__name__", name)  # it may go by another one here
    owner = getattr(function, "__objclass__", type(getattr(function, "__self__", None)))
    if owner is np.ndarray or (function is None and hasattr(np.ndarray, name)):
        return Asked(name, "", "")
    homes = (owner.__module__, str(getattr(function, "__module__", "")))
    if function is None or any(home.startswith("numpy.random.") for home in homes):
        return Asked(f"np.random.{name}", "", library)
    return Asked(f"np.ufunc.{name}" if owner is np.ufunc else numpy_name(function), "", library)


def refusal(asked: Asked, tensor: AnyArray, detached: str) -> LostGradientError | TraceError:
    """Return the error for a Tensor of which a function wants the plain value; `detached` would give
    it one.
    """
    parameter = f"{asked.parameter}=" if asked.parameter else "a tensor"
    what = f"{asked.function} takes {parameter} as a plain value"
    if type(tensor.value) is ArraySpec:
        instead = _instead(asked) or (
            "To fix it when tracing, make it an argument that is no array: an int, a bool, a string."
        )
        return TraceError(
            f"{what}, but while tracing only the spec {tensor.value} is known. {instead.strip()}"
        )
    return LostGradientError(
        f"{what}, so the gradient of this tensor of shape {tensor.shape} would be lost. {_instead(asked)}"
        f"Where no gradient is wanted, write {detached}."
    )


_POSITIONS = (
    "x[rng.permutation(len(x))], or x[rng.choice(len(x), size)]: draw positions, and take those"
)
_WRITE = {
    "as_strided": "np.lib.stride_tricks.sliding_window_view(x, size, axis)",
    **{f"np.random.{name}": _POSITIONS for name in ("choice", "permutation", "permuted")},
}
"""What to write instead of functions that make plain arrays of what they get."""


def is_answered(asked: Asked) -> bool:
    """Return whether there is more to say of it than of any conversion to an array."""
    if asked.library in ("", "scipy") or asked.function in _WRITE:
        return True
    if asked.function.startswith((POLYNOMIALS, MASKED)):
        return True
    return bool(asked.library == "numpy" and asked.parameter and _public(asked.function))


def _instead(asked: Asked) -> str:
    if asked.function in _WRITE:
        return f"Write {_WRITE[asked.function]}. "
    if asked.library == "" and asked.function == "dot":
        return "Write X @ t or np.dot(X, t) instead of X.dot(t). "
    if asked.library == "" and _public(asked.function):
        return f"Write np.{asked.function}(array, ...) instead of array.{asked.function}(...). "
    if asked.library == "scipy":
        ours = _ours(asked.function)
        return f"Use {ours}. " if ours else "Write it with functions that have gradients. "
    if asked.function.startswith(MASKED):
        return "Keep the mask beside the array: np.where(mask, 0.0, x), np.sum(x, where=~mask). "
    if asked.library == "numpy" and asked.function.startswith(POLYNOMIALS):
        return f"{IN_THE_DROP_IN} "
    if asked.function.startswith(POLYNOMIALS) and not asked.parameter:
        return (
            "It decides by a value. Call it outside of what is traced, or call np.polyfit, np.polydiv and "
            "their like, which decide nothing and take the highest power first. "
        )
    if asked.library == "numpy" and (_public(asked.function) or "ufunc" in asked.function):
        return (
            "NumPy looks for tensors among its arrays alone: make one of those a tensor, as in "
            "clearprop.tensor(x, requires_grad=False). "
        )
    return ""


P = ParamSpec("P")
R = TypeVar("R")


def _ours(name: str) -> str:
    """Return the function of SciPy's name that stands here with gradients, if there is one."""
    for place in ("clearprop.scipy.linalg", "clearprop.scipy.special"):
        function = vars(import_module(place)).get(name)
        if getattr(function, "__module__", "").startswith("clearprop"):
            return f"{place}.{name}"
    return ""


def plain_parameters(function: Callable[P, R]) -> Callable[P, R]:
    """Guard the decorated function: what is not annotated as an array is no operand, and no Tensor goes
    on with it.
    """
    signature = inspect.signature(function)
    plain = [p.name for p in signature.parameters.values() if "Array" not in p.annotation]

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if holds_tensor((*args, *kwargs.values())):
            bound = signature.bind(*args, **kwargs)
            for name in plain:
                if name in bound.arguments:
                    value = _plain(bound.arguments[name], function.__name__, name)
                    bound.arguments[name] = value
            return function(*bound.args, **bound.kwargs)
        return function(*args, **kwargs)

    return checked


_SIMPLE = frozenset((type(None), bool, int, float, str, type(...)))
"""Types of most parameters."""


def holds_tensor(given: Any) -> bool:
    """Return whether a parameter is a Tensor, or a list or slice with one in it."""
    if type(given) in _SIMPLE:
        return False
    if isinstance(given, slice):
        given = (given.start, given.stop, given.step)
    if isinstance(given, tuple | list):
        return any(map(holds_tensor, given))
    return isinstance(given, TensorBase)


def plain_params(primitive: Primitive, params: Params) -> Params:
    """Return parameters without Tensors: those that are constants by their values, all others refused."""
    if not any(map(holds_tensor, params.values())):
        return params
    return {name: _plain(part, primitive.name, name) for name, part in params.items()}


def _plain(part: Any, function: str, name: str) -> Any:
    if isinstance(part, tuple | list):
        return type(part)(_plain(p, function, name) for p in part)
    if not isinstance(part, TensorBase):
        return part
    if type(part.value) is ArraySpec or (part.requires_grad and gradients_count()):
        raise refusal(Asked(function, name, "clearprop"), part, "t.detach()")
    return part.value


def gradients_count() -> bool:
    """Return whether a plain value would lose a gradient that somebody may ask for."""
    return not no_grads.get() or transforms.get() > 0
