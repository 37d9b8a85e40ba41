"""Answering NumPy: what happens when one of its functions meets a Tensor."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from ..errors import DtypeError, LostGradientError, ShapeError, TraceError, UnsupportedError
from .array_types import AnyArray
from .arrays import check_numbers
from .in_place import Versions, next_number
from .primitive import Primitive, late_families, numpy_name, numpy_table, ufunc_methods
from .recorder import recorder_here
from .spec import ArraySpec, shape_of, spec_of
from .tensor_parameters import IN_THE_DROP_IN, POLYNOMIALS


def find_answer(function: Any) -> Callable[..., Any] | None:
    """Return what answers `function`, if anything does; a late family registers when it is first
    looked for.
    """
    answer = numpy_table.get(function)
    if answer is None:
        for module, register in late_families.items():
            if module in sys.modules:
                register()
        answer = numpy_table.get(function)
    return answer


def answer_numpy(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call what answers `function`, and say what is wrong where nothing does."""
    if "out" in kwargs:
        return _answer_into(function, args, **kwargs)
    answer = find_answer(function) or _method_answer(function)
    if answer is None:
        raise _unsupported(function)
    if kwargs and isinstance(answer, Primitive):  # where=, dtype=: not the primitive's parameters
        _refuse_arguments(function, answer, args, kwargs, None)
    try:
        return answer(*args, **kwargs)
    except TypeError as error:
        if not isinstance(error, (UnsupportedError, DtypeError, LostGradientError)):
            _refuse_arguments(function, answer, args, kwargs, error)
        raise


def _answer_into(function: Any, args: tuple[Any, ...], *, out: AnyArray, **kwargs: Any) -> Any:
    """Return the answer, written into Tensors that change in place; None stands for a new one.

    Where a ufunc's ``where=`` says no, the target stays, and the function is taken of ones, whose slopes are
    dropped again.
    """
    targets = out if isinstance(out, tuple) else (out,)
    if not all(target is None or isinstance(target, Versions) for target in targets):
        raise LostGradientError(
            f"{numpy_name(function)} was asked to write a tensor into a plain array (out=, or an in-place "
            f"operator such as `a += t`). Write a = a + t, or make the array a tensor first: "
            f"a = clearprop.tensor(a, requires_grad=False)."
        )
    since = next_number()
    chosen = True
    if isinstance(function, np.ufunc) and all(target is not None for target in targets):
        chosen = kwargs.pop("where", True)
    if chosen is not True:
        args = tuple(np.where(chosen, x, np.ones_like(x)) for x in args)
    answer = answer_numpy(function, args, kwargs)
    several = isinstance(answer, tuple)
    if chosen is not True:
        parts = answer if several else (answer,)
        parts = tuple(np.where(chosen, *pair) for pair in zip(parts, targets, strict=True))
        answer = parts if several else parts[0]
    if (
        several
    ):  # all of them are computed before the first is written, perhaps to what they were made of
        answer = tuple(map(numpy_table[np.copy], answer))
    results = [
        result if target is None else target._become_result(result, since)
        for result, target in zip(answer if several else (answer,), targets, strict=True)
    ]
    return tuple(results) if several else results[0]


def _method_answer(function: Any) -> Callable[..., Any] | None:
    """Return what answers a method of a ufunc that is itself answered: ``np.hypot.outer``."""
    ufunc = getattr(function, "__self__", None)
    if not isinstance(ufunc, np.ufunc) or find_answer(ufunc) is None:
        return None
    answer = ufunc_methods.get(function.__name__)
    return answer and partial(answer, ufunc)


_INSTEAD = {
    "where": "np.where(mask, f(x), otherwise) instead of where=",
    "dtype": "f(x.astype(dtype)) instead of dtype=",
}
"""What to write for options of ufuncs, by their names."""


def _refuse_arguments(
    function: Any, answer: Callable[..., Any], args: Any, kwargs: Any, error: TypeError | None
) -> None:
    """Turn a signature mismatch into a message that names the argument; let other errors be."""
    name = numpy_name(function)
    if isinstance(answer, Primitive):
        strange, supported = list(kwargs), f"{name} takes no keyword here"
    else:
        signature = inspect.signature(answer)
        try:
            signature.bind(*args, **kwargs)
            return
        except TypeError:
            parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        bare = signature.replace(parameters=parameters, return_annotation=signature.empty)
        strange, supported = _strange(parameters, kwargs), f"{name}{bare} is what is supported"
    what = ", ".join(f"{option}=" for option in strange) or "so many arguments, or so few"
    options = [_INSTEAD[option] for option in strange if option in _INSTEAD]
    instead = f" Write {', '.join(options)}." if options and isinstance(function, np.ufunc) else ""
    raise UnsupportedError(
        f"{name} of a tensor does not take {what}: {supported}.{instead}"
    ) from error


def _strange(parameters: list[inspect.Parameter], kwargs: Any) -> list[str]:
    """Return the keywords that are none of a function's."""
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return []
    known = {p.name for p in parameters if p.kind not in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL)}
    return [name for name in kwargs if name not in known]


def _unsupported(function: Any) -> UnsupportedError:
    name = numpy_name(function)
    if name.startswith(POLYNOMIALS):
        return UnsupportedError(f"{name} does not take tensors as it is. {IN_THE_DROP_IN}")
    known = sorted({numpy_name(f) for f in numpy_table if getattr(f, "__name__", None)})
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f" Near it: {', '.join(near)}." if near else ""
    return UnsupportedError(
        f"{name} has no gradient in Clearprop yet.{hint} Write it with supported functions, give "
        f"your own with @clearprop.block and its gradient, pass t.detach().numpy() if no gradient is wanted, "
        f"or add a primitive in one file (see CONTRIBUTING.md)."
    )


def fail(primitive: Primitive, values: list[AnyArray], error: Exception) -> NoReturn:
    """Raise what the user can act on: operation, shapes, line."""
    for v in values:
        check_numbers(v, f"{primitive.name} got")
    recorder = recorder_here()
    if any(type(v) is ArraySpec for v in values) and not (recorder and recorder.tracing):
        raise TraceError(
            f"{primitive.name} met a tensor without a value: it was made while tracing and kept "
            f"afterwards. Return it from the traced function instead of storing it outside."
        ) from error
    for v in values:
        if isinstance(v, str):
            raise DtypeError(
                f"{primitive.name} got the text {v!r} beside a tensor, which holds numbers"
            )
    shapes = " and ".join(str(shape_of(v)) for v in values)
    if isinstance(error, ValueError) and not isinstance(error, np.linalg.LinAlgError):
        why = _in_own_words(primitive, values) or error
        raise ShapeError(f"{primitive.name}: shapes {shapes} do not fit: {why}") from error
    error.add_note(f"while applying {primitive.name} to shapes {shapes}")
    raise error


def _in_own_words(primitive: Primitive, values: list[AnyArray]) -> str:
    """Return what the rule for shapes says: plainer than NumPy, where it needs no parameters."""
    try:
        primitive.spec(*map(spec_of, values))
    except Exception as error:
        return str(error) if type(error) is ValueError else ""
    return ""
