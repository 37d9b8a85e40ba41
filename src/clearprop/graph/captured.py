"""What a function reads besides its arguments: generators of random numbers, attributes, variables.

Code that is made from one run of a function keeps what that run found. Numbers that were drawn then are
never drawn again, an attribute that the function changed is never changed again, and a value that was read
stays as it was. This module finds those places, by walking from the function through what its code names, so
that whoever makes code of a function can say so, and look again.
"""

from __future__ import annotations

import dis
import gc
import os
import random
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pickle import dumps
from typing import Any

import numpy as np
from numpy.random import BitGenerator, Generator, RandomState

from ..callsite import Line, library_of
from ..engine.tensor import Tensor
from ..errors import TraceError
from .tracing import function_name

_MOST = 2_000
"""Objects that are looked at: what a function reads is near it."""
_NUMBERS = (bool, int, float, complex, str, bytes, type(None), np.generic)
_DATA = (*_NUMBERS, np.ndarray)
_GENERATORS = (Generator, RandomState, BitGenerator, random.Random)
MISSING = object()
"""What a place holds where nothing stands."""
_MAKERS = {"default_rng", "RandomState", "Random"}
_LIBRARIES = (
    os.path.dirname(dis.__file__) + os.sep,
    os.path.dirname(os.path.dirname(np.__file__)) + os.sep,
)
"""Where Python's own modules and installed ones are."""


@dataclass(eq=False)
class Place:
    """A variable or an attribute that a function reads: where it is kept, its name, and what it held."""

    owner: Any
    """The dictionary it stands in, or the cell of a variable of an enclosing function."""
    key: str
    name: str
    """As the user writes it: ``rate``, ``model.scale``."""
    value: Any

    def now(self) -> Any:
        if type(self.owner) is dict:
            return self.owner.get(self.key, MISSING)
        try:
            return self.owner.cell_contents
        except ValueError:  # not bound any more
            return MISSING

    def changed(self) -> bool:
        """Return whether it holds something else now; another object of the same value is the same number."""
        new = self.now()
        if new is self.value:
            return False
        if not isinstance(new, _NUMBERS) or type(new) is not type(self.value):
            return True
        return repr(new) != repr(self.value)  # which tells -0.0 from 0.0, and takes NaN for NaN


@dataclass(eq=False)
class _Generator:
    """A generator of random numbers, under the names by which code reads it, and its state."""

    generator: Any
    names: set[str]
    state: bytes

    def has_moved(self) -> bool:
        return _state(self.generator) != self.state


class Surroundings:
    """What can be reached from a function and its arguments, as it is before the function runs."""

    def __init__(self, f: Callable[..., Any], arguments: Sequence[Any] = ()) -> None:
        self.function = f
        self.codes: dict[types.CodeType, dict[str, Any]] = {}
        """The code of each of the user's functions, with its global variables."""
        self.places: list[Place] = []
        """The variables, attributes and entries of dicts that it may read, and what they hold."""
        self._generators: dict[int, _Generator] = {}
        self._seen: dict[int, Any] = {}
        self._objects: list[tuple[str, Any]] = []
        self._classes: list[tuple[str, type]] = []
        self._note_generator(np.random.mtrand._rand, "random")
        self._note_generator(random._inst, "random")
        self._walk([("", f), *(("", x) for x in arguments)])
        self._note_attributes()

    # ---- before

    def _walk(self, start: Sequence[tuple[str, Any]]) -> None:
        waiting = list(start)
        while waiting and len(self._seen) < _MOST:
            name, thing = waiting.pop()
            if isinstance(thing, _GENERATORS):
                self._note_generator(thing, name)
            elif id(thing) not in self._seen and not isinstance(thing, (*_DATA, Tensor)):
                self._seen[id(thing)] = thing
                waiting += self._reached(name, thing)

    def _reached(self, name: str, thing: Any) -> Iterator[tuple[str, Any]]:
        """Yield what this leads to, each with the name it is read by."""
        if isinstance(thing, types.FunctionType):
            yield from self._function(thing)
        elif isinstance(thing, type):
            yield from self._class(name, thing)
        elif isinstance(thing, types.MethodType | types.BuiltinMethodType):
            yield name, thing.__self__  # of rng.normal, too
            yield name, getattr(thing, "__func__", None)
        elif isinstance(thing, partial):
            yield from (("", x) for x in (thing.func, *thing.args, *thing.keywords.values()))
        elif isinstance(thing, dict):
            for key, x in thing.items():
                if type(thing) is dict and type(key) is str and _is_compared(x):
                    self.places.append(Place(thing, key, f"{name}[{key!r}]", x))
                yield name, x
        elif isinstance(thing, list | tuple | set | frozenset):
            yield from ((name, x) for x in thing)
        elif not isinstance(thing, types.ModuleType):
            yield from self._object(name, thing)

    def _object(self, name: str, thing: Any) -> Iterator[tuple[str, Any]]:
        attributes = getattr(thing, "__dict__", None)
        if type(attributes) is dict:
            self._objects.append((name, thing))
            yield from attributes.items()
        yield name, type(thing)

    def _class(self, name: str, kind: type) -> Iterator[tuple[str, Any]]:
        """Yield the functions of a class of the user's, and its attributes that are looked at afterwards."""
        for base in kind.__mro__:
            if not _is_users(base):
                continue
            self._classes.append((name or base.__name__, base))
            for key, value in vars(base).items():
                function = getattr(value, "fget", getattr(value, "__func__", value))
                if isinstance(function, types.FunctionType) and not _is_library(function.__code__):
                    yield key, function

    def _function(self, f: types.FunctionType) -> Iterator[tuple[str, Any]]:
        for key, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:  # not bound yet
                continue
            self._note_place(cell, key, value, f)
            yield key, value
        yield from (("", x) for x in (f.__defaults__ or ()))
        yield from (f.__kwdefaults__ or {}).items()
        if _is_library(f.__code__):
            return
        waiting = [f.__code__]
        while waiting:
            code = waiting.pop()
            self.codes[code] = f.__globals__
            waiting += [c for c in code.co_consts if isinstance(c, types.CodeType)]
            for key in code.co_names:
                if key in f.__globals__:
                    value = f.__globals__[key]
                    self._note_place(f.__globals__, key, value, f)
                    yield key, value
                for module in self._modules(code, f.__globals__):
                    if key in vars(module):
                        value = vars(module)[key]
                        self._note_place(vars(module), key, value, f)
                        yield key, value

    def _modules(self, code: types.CodeType, space: dict[str, Any]) -> list[types.ModuleType]:
        """Return the user's own modules that code names: of a library only generators would matter."""
        found = (space.get(key) for key in code.co_names)
        return [
            x
            for x in found
            if isinstance(x, types.ModuleType) and not _is_installed(getattr(x, "__file__", None))
        ]

    def _note_generator(self, generator: Any, name: str) -> None:
        state = _state(generator)
        if state is not None:
            known = self._generators.setdefault(id(generator), _Generator(generator, set(), state))
            known.names.add(name)

    def _note_place(self, owner: Any, key: str, value: Any, f: types.FunctionType) -> None:
        if _is_compared(value) and not _is_library(f.__code__):
            self.places.append(Place(owner, key, key, value))

    def _note_attributes(self) -> None:
        """Note the attributes of objects and classes that some of the code names."""
        read = {name for code in self.codes for name in code.co_names}
        for name, thing in self._objects:
            attributes = vars(thing)
            of = name or type(thing).__name__.lower()
            of_class = {
                key for base in type(thing).__mro__ if _is_users(base) for key in vars(base)
            }
            for key in sorted(
                read & (attributes.keys() | of_class)
            ):  # one of the class may be hidden later
                self.places.append(
                    Place(attributes, key, f"{of}.{key}", attributes.get(key, MISSING))
                )
        for name, kind in self._classes:
            attributes = _dict_of(kind)
            for key in sorted(read & attributes.keys()):
                self.places.append(Place(attributes, key, f"{name}.{key}", attributes[key]))

    # ---- after

    def drawn(self) -> list[_Generator]:
        """Return the generators that gave random numbers since."""
        return [g for g in self._generators.values() if g.has_moved()]

    def changes(self) -> list[Place]:
        """Return the variables and attributes that hold something else than before, where they held
        something.
        """
        held = [p for p in self.places if p.value is not None and p.value is not MISSING]
        return [place for place in held if place.changed()]

    def settle(self) -> None:
        """Settle counters and memos: from now on, what the places hold after the run counts."""
        for place in self.places:
            place.value = place.now()

    def line_with(self, names: set[str], also: str = "LOAD") -> Line | None:
        """Return the first line on which code reads one of these names, or does something else with it."""
        for code in self.codes:
            for one in dis.get_instructions(code):
                if one.argval in names and one.opname.startswith(("LOAD", also)):
                    return _line_of(code, one)
        return None

    def unseeded(self) -> Line | None:
        """Return the first line on which code makes a generator that gives other numbers each time."""
        for code in self.codes:
            steps = [
                i for i in dis.get_instructions(code) if i.opname not in ("PUSH_NULL", "PRECALL")
            ]
            for made, called in pairwise(steps):
                if made.argval in _MAKERS and called.opname == "CALL" and called.arg == 0:
                    return _line_of(code, made)
        return None


def warn_of_changes(f: Callable[..., Any], places: Sequence[Place]) -> None:
    """Say that `f` is compiled anew, since it reads what has changed."""
    around = Surroundings(f)
    for place in places:
        line = around.line_with({place.key})
        message = (
            f"{function_name(f)} reads {place.name}{_place(line)}, which has changed since it was compiled, "
            f"so it is compiled anew. Pass {place.name} as an argument: what changes costs nothing there"
        )
        _warn(around, line, message)


@contextmanager
def watched(
    f: Callable[..., Any], arguments: Sequence[Any], code: str, *, refuse: bool = False
) -> Iterator[Surroundings]:
    """Warn, while `f` runs to be made into `code`, of random numbers drawn, and of attributes changed.

    Raises TraceError for random numbers with `refuse`: where what is made is to be compared with `f`.
    """
    around = Surroundings(f, arguments)
    yield around
    lines = [around.line_with(g.names) for g in around.drawn()]
    unseeded = around.unseeded()
    for line in [*lines, unseeded] if unseeded else lines:
        message = (
            f"{function_name(f)} draws random numbers{_place(line)}. They were drawn once, and the {code} "
            f"uses these very numbers in every call. Draw them from a key that is an argument: "
            f"clearprop.random.normal(key, x.shape), with f(x, key=clearprop.random.key(0)). Or draw them "
            f"outside, and pass them as an argument: f(x, noise=rng.normal(size=x.shape))"
        )
        if refuse:
            raise TraceError(message)
        _warn(around, line, message)
    for place in around.changes():
        line = around.line_with({place.key}, "STORE")
        message = (
            f"{function_name(f)} changes {place.name}{_place(line)}. That happened once, and the {code} does "
            f"not do it again. Pass {place.name} as an argument, and return its new value"
        )
        _warn(around, line, message)


def _is_compared(value: Any) -> bool:
    """Return whether another object in its place would make another function: anything but a module."""
    return not isinstance(value, types.ModuleType)


def _is_users(kind: type) -> bool:
    """Return whether a class is the user's own."""
    if kind.__module__.partition(".")[0] == "clearprop":
        return False
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return kind.__module__ == "__main__" or not _is_installed(file)


def _dict_of(kind: type) -> dict[str, Any]:
    """Return the dictionary of a class, of which Python shows a view alone."""
    (attributes,) = gc.get_referents(vars(kind))
    return attributes


def _line_of(code: types.CodeType, instruction: dis.Instruction) -> Line:
    positions = instruction.positions
    number = (positions and positions.lineno) or code.co_firstlineno
    return Line(code.co_filename, number, code.co_name)


def _place(line: Line | None) -> str:
    return f" at {line.file}:{line.number}" if line else ""


def _warn(around: Surroundings, line: Line | None, message: str) -> None:
    """Warn at a line of the user's, once for each line."""
    if line is None:
        warnings.warn(message, stacklevel=4)
        return
    spaces = (space for code, space in around.codes.items() if code.co_filename == line.file)
    registry = next(spaces, {}).setdefault("__warningregistry__", {})
    warnings.warn_explicit(message, UserWarning, line.file, line.number, registry=registry)


def _is_library(code: types.CodeType) -> bool:
    """Return whether code is Clearprop's or an installed library's, rather than the user's."""
    return bool(library_of(code)) or _is_installed(code.co_filename)


def _is_installed(file: str | None) -> bool:
    return file is None or file.startswith(("<frozen", *_LIBRARIES))


def _state(generator: Any) -> bytes | None:
    """Return the state of a generator as bytes; None of one that has none, such as the system's."""
    if isinstance(generator, random.Random):
        try:
            return dumps(generator.getstate())
        except NotImplementedError:
            return None
    if isinstance(generator, RandomState):
        return dumps(generator.get_state(legacy=False))
    bits = getattr(generator, "bit_generator", generator)
    return dumps(bits.state)
