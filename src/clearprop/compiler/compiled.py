"""`compile` and what it returns: one executable for each combination of shapes, dtypes and fixed values."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, ParamSpec, TypeVar, overload

from ..engine.forks import in_child, load
from ..engine.tensor import Tensor
from ..errors import ClearpropError
from ..graph.captured import Place, warn_of_changes
from ..progress import progress
from ..transforms.wrapper import Wrapper
from .arguments import Arguments
from .executable import Executable
from .plain import PlainExecutable
from .report import Report
from .trial import missing

P = ParamSpec("P")
R = TypeVar("R")
_MOST = 64
"""How many combinations of shapes, dtypes and fixed values a function keeps compiled."""
_making = threading.RLock()
"""Held while code is made of a graph: others that want the same code wait for it instead of making it again.

Never while a function is traced, which may wait for a thread that compiles, too.
"""


def _after_fork() -> None:
    """Make the lock anew after a fork: nobody goes on with what another thread was making."""
    global _making
    _making = threading.RLock()


in_child(_after_fork)


@overload
def compile(
    f: None = None, *, donate: str | Sequence[str] = ()
) -> Callable[[Callable[P, R]], Compiled[P, R]]: ...
@overload
def compile(f: Callable[P, R], *, donate: str | Sequence[str] = ()) -> Compiled[P, R]: ...
def compile(
    f: Callable[P, R] | None = None, *, donate: str | Sequence[str] = ()
) -> Compiled[P, R] | Callable[[Callable[P, R]], Compiled[P, R]]:
    """Compile a function of arrays to native code, upon its first call.

    Parameters
    ----------
    f : any function that `trace` takes: of arrays and containers of arrays, with Python's control flow
        on shapes and on arguments that are no arrays
    donate : names of arguments whose arrays may be overwritten with results of their shapes

    Returns
    -------
    A function with the same arguments and results. For each new combination of shapes, dtypes and other
    argument values it compiles anew. ``.report()`` says what became of it, ``.source("llvm")`` shows
    the code. Without `f`, a decorator.

    Raises
    ------
    TraceError : Python needed a value while tracing.

    >>> import clearprop, numpy as np
    >>> step = clearprop.compile(clearprop.grad(lambda x: np.sum(np.tanh(x) ** 2)))
    >>> step(np.array([0.0, 1.0]))
    array([0.        , 0.63970001])
    """
    names = (donate,) if isinstance(donate, str) else tuple(donate)
    if f is None:
        return lambda function: Compiled(function, names)
    return Compiled(f, names)


class Compiled(Wrapper[P, R]):
    """A compiled function; see `compile`."""

    def __init__(self, f: Callable[P, R], donate: tuple[str, ...]) -> None:
        super().__init__(f)
        self.donate = donate
        self._known: OrderedDict[Any, Executable] = OrderedDict()
        self._latest: Executable | None = None
        self._read: list[Place] = []
        """What the code that is known was made for besides the arguments."""
        self._call: Callable[P, R] = self._slow

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._call(*args, **kwargs)

    def made_by(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return what makes it again, without code: another process makes that for itself."""
        return Compiled, (self.function, self.donate)

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}>"

    def _slow(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Find what was compiled for arguments of any kind, or compile it."""
        arguments = Arguments(args, kwargs, self.__name__)
        if any(isinstance(leaf, Tensor) for leaf in arguments.leaves):
            return self.function(*args, **kwargs)  # someone wants gradients through it
        executable = self._executable(arguments)
        if not executable.graph.fits_layout(arguments.leaves):
            return self.function(*args, **kwargs)  # where NumPy copies, the code does not
        return executable.run(arguments)

    def executable(self, *args: P.args, **kwargs: P.kwargs) -> Executable:
        """Return what is compiled for arguments like these."""
        return self._executable(Arguments(args, kwargs, self.__name__))

    def _executable(self, arguments: Arguments) -> Executable:
        self._forget_outdated()
        key = arguments.key()
        executable = self._known.get(key)
        if executable is None:
            with progress(f"compiling {self.__name__}"):
                executable = self._made(key, arguments)
        with suppress(KeyError):  # another thread may have dropped it
            self._known.move_to_end(key)
        self._latest = executable
        if not arguments.kwargs:
            self._call = executable.call
        return executable

    def _made(self, key: Any, arguments: Arguments) -> Executable:
        executable = _executables()(self.function, arguments, self.donate)
        with _making:
            if key in self._known:  # another thread was quicker
                return self._known[key]
            executable.make(self._slow)
            self._known[key] = executable
            self._read += executable.read
            is_full = len(self._known) > _MOST
            if is_full:
                self._known.popitem(last=False)
        if is_full:
            warnings.warn(
                f"{self.__name__} was compiled for more than {_MOST} combinations of shapes, dtypes and "
                f"fixed values, so old ones are dropped. Pass numbers that change as arrays.",
                stacklevel=5,
            )
        return executable

    def _forget_outdated(self) -> None:
        """Drop the code if what it was made for is another object now, and say so if it has another value."""
        if all(place.now() is place.value for place in self._read):
            return
        changed = [place for place in self._read if place.changed()]
        with _making:
            self._known.clear()
            self._read.clear()
        warn_of_changes(self.function, changed)

    def report(self) -> Report:
        """Return the report on the latest combination of arguments.

        It prints as words; in Jupyter, and by its ``.svg()``, it is a picture, too.
        """
        return self._one().report()

    def source(self, kind: str = "stages") -> str:
        """Return the code of the latest combination: ``"graph"``, ``"stages"``, ``"llvm"`` or
        ``"asm"``; without LLVM ``"graph"`` or ``"numpy"``.
        """
        return self._one().source(kind)

    def _one(self) -> Executable:
        if self._latest is None:
            raise ClearpropError(f"{self.__name__} has not been called yet, so nothing is compiled")
        return self._latest


@cache
def _executables() -> type[Executable]:
    """Return the kind of executable: native code, where it runs."""
    reason = missing()
    if not reason:
        return load(".native", __package__).NativeExecutable
    advice = " For native code: pip install llvmlite" if "installed" in reason else ""
    warnings.warn(
        f"{reason}, so compiled functions run as NumPy code, about as fast as NumPy.{advice}",
        stacklevel=6,
    )
    return PlainExecutable
