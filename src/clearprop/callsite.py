"""Where in the user's code we are: the line that a message names and that a node remembers."""

from __future__ import annotations

import builtins
import contextlib
import copy
import dis
import inspect
import linecache
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def printable(text: str) -> str:
    r"""Return the text without what moves a terminal's cursor, breaks a line, turns it around or is no
    letter.

    >>> printable("a\x1b[2Jb"), printable("π\u2028")
    ('a�[2Jb', 'π�')
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\ufffd" for c in text.replace("\t", " "))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of source: its file, its number (from 1) and the function it stands in."""

    file: str
    number: int
    function: str
    kept: str | None = field(default=None, compare=False)
    """The text, of a line that was pickled: its file may be another one here, or missing."""

    @property
    def text(self) -> str:
        """The source text without indentation, or an empty string where there is none to read."""
        if self.kept is not None:
            return self.kept
        return printable(linecache.getline(self.file, self.number).strip())

    def __reduce__(self) -> tuple[Any, ...]:
        return Line, (self.file, self.number, self.function, self.text)

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.number}"


_libraries: dict[str, str] = {}
"""By file, whose hash Python keeps, unlike that of code."""
_MODULES = ("numpy", "scipy.sparse", "scipy", "pandas", "xarray")
"""Of libraries whose functions users call with Tensors, or with what holds some; inner ones first."""


def library_of(code: CodeType) -> str:
    """Return whose code a frame runs: "clearprop" or the name of a library; "" is the user's."""
    file = code.co_filename
    known = _libraries.get(file)
    if known is None:
        own = {_HERE, contextlib.__file__}  # decorators call through the second
        places = dict.fromkeys(own, "clearprop") | {copy.__file__: "copy"}
        places |= {
            os.path.dirname(path) + os.sep: name
            for name in _MODULES
            if (path := getattr(sys.modules.get(name), "__file__", None))
        }
        found = (name for place, name in places.items() if file.startswith(place))
        known = _libraries[file] = next(found, "")
    return "" if id(code) in _outermost else known


_outermost: set[int] = set()
"""By identity, since Python keeps no hash of code."""


def called_by_nobody(function: F) -> F:
    """Mark a function: what called it, such as a console script, is no code of the user's."""
    _outermost.add(id(function.__code__))
    return function


def library_asking() -> str:
    """Return the library on whose behalf we were called, NumPy apart: it only hands on what others ask
    for.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (library := library_of(frame.f_code)):
        if library not in ("clearprop", "numpy"):
            return library
        frame = frame.f_back
    return ""


def user_frame() -> FrameType | None:
    """Return the innermost frame that is neither Clearprop's nor one of the libraries'."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        library = _libraries.get(code.co_filename)
        if id(code) in _outermost:
            return None
        if not (library_of(code) if library is None else library):
            return frame
        frame = frame.f_back
    return None


def is_assigning(frame: FrameType) -> bool:
    """Return whether a frame is running ``a[i] = ...``, where `a` may ask for a plain number, too."""
    return _step(frame.f_code, frame.f_lasti).operation == "STORE_SUBSCR"


def called_in(frame: FrameType, place: int | None = None) -> tuple[str, Any]:
    """Return the last name of what a frame calls (now, or at a place), and the function if names alone
    lead to it.

    Functions written in C have no frame, so the byte code of their caller is all there is to see.
    """
    step = _step(frame.f_code, frame.f_lasti if place is None else place)
    first, *rest = step.names
    if step.is_local or first in frame.f_globals:
        found = (frame.f_locals if step.is_local else frame.f_globals).get(first)
    else:
        found = getattr(builtins, first, None)
    for name in rest:
        found = inspect.getattr_static(found, name, None)  # runs no code of the user's
    return rest[-1] if rest else first, found


class _Step(NamedTuple):
    """What the byte code does at a place."""

    code: CodeType
    operation: str
    names: tuple[str, ...]
    """The names that lead to what is called, "" first where something else does, or nothing is called."""
    is_local: bool


_steps: dict[tuple[int, int], _Step] = {}
"""By the code's id, its own as long as the step keeps it: Python computes the hash of code anew each time."""


def _step(code: CodeType, place: int) -> _Step:
    known = _steps.get((id(code), place))
    if known is None:
        names, operation = _names_called(code, place)
        is_local = names[0] in (*code.co_varnames, *code.co_cellvars, *code.co_freevars)
        known = _steps[id(code), place] = _Step(code, operation, names, is_local)
    return known


def library_in_c(name: str, function: Any) -> str:
    """Return whose function `called_in` found: "numpy", "scipy", or "" if it is another's or unknown."""
    if function is None:  # only what is written in C asks from a frame of the user's
        owners = (np.ndarray, np.random.Generator)
        return "numpy" if any(hasattr(owner, name) for owner in owners) else ""
    module = getattr(function, "__module__", None)
    if module == "builtins":
        return ""
    owner = getattr(function, "__objclass__", type(getattr(function, "__self__", None)))
    if owner in _OF_NUMPY or owner.__module__.startswith("numpy.random."):
        return "numpy"
    module = str(module).partition(".")[0]
    return module if module in ("numpy", "scipy") else ""


def _names_called(code: CodeType, place: int) -> tuple[tuple[str, ...], str]:
    """Return the names that lead to what is called at a place of the byte code, and the operation there.

    What is called begins where the call begins in the source, and is loaded before its arguments.
    """
    instructions = {i.offset: i for i in dis.get_instructions(code)}
    call = instructions[max(offset for offset in instructions if offset <= place)]
    names: tuple[str, ...] = ("",)
    if call.opname not in _CALLS:
        return names, call.opname
    for i in instructions.values():
        if i is call:
            break
        if _start(i) != _start(call):
            continue
        if i.opname in _LOADS:
            names = (i.argval,)
        elif i.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            names = (*names, i.argval)
        elif i.opname in _RESULTS:
            names = ("",)
    return names, call.opname


def _start(instruction: dis.Instruction) -> tuple[int | None, int | None]:
    at = instruction.positions
    return (at.lineno, at.col_offset) if at else (None, None)


_OF_NUMPY = (np.ndarray, np.ufunc)
_CALLS = ("PRECALL", "CALL", "CALL_KW", "CALL_FUNCTION_EX")
_RESULTS = (*_CALLS[1:], "BINARY_SUBSCR", "BINARY_OP")
_LOADS = {
    *("LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF"),
    *("LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK"),
}


def line_of(frame: FrameType) -> Line:
    """Return the line that a frame is executing."""
    return Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def user_line() -> Line | None:
    """Return the user's line that led here, or None at the edge of an embedding."""
    frame = user_frame()
    return None if frame is None else line_of(frame)


def warn(message: str) -> None:
    """Warn, and name the user's line."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and library_of(frame.f_code):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def here() -> str:
    """Return the tail of an error message: where it happened, with the source text when it is known."""
    line = user_line()
    if line is None:
        return ""
    return f"\n  at {line.file}:{line.number}, in {line.function}" + (
        f"\n    {line.text}" if line.text else ""
    )
