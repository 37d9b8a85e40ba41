"""What is switched on here and now, gradients and transforms; and what has happened in the process.

The switches are context variables, so each thread and each asyncio task has its own. A new thread starts
with gradients on; a task, or a call by `asyncio.to_thread`, with those of its maker. What is written down of
each operation is one more, `noted` in `recording`.

`happened` is one for all threads. Its flags are raised and never lowered: where one is up without need,
operations take a little longer and nothing else changes.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import AsyncIterator, Callable, Collection
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, TypeVar

from ..callsite import called_in, library_in_c, library_of
from ..errors import ClearpropError, UnsupportedError

_Function = TypeVar("_Function", bound=Callable[..., Any])


no_grads: ContextVar[tuple[object, ...]] = ContextVar("no_grads", default=())
"""What keeps gradients off, in any order: a generator may leave its `no_grad` while others are still on."""
transforms: ContextVar[int] = ContextVar("transforms", default=0)
"""How many of `grad`, `vjp`, ... are running: inside them, dropping a gradient is an error."""
began: ContextVar[float] = ContextVar("began", default=math.inf)
"""The number at which the innermost of them began: Tensors with higher numbers are its own."""
sealed: ContextVar[float] = ContextVar("sealed", default=-math.inf)
"""The number at which the trace of a step or a branch began: what is older may be read there, not changed."""
recomputes: ContextVar[bool] = ContextVar("recomputes", default=True)
"""Whether checkpoints compute again what they do not keep; not where equations are read from a trace."""
covered: ContextVar[tuple[ClearpropError, Any] | None] = ContextVar("covered", default=None)
"""The last refusal to make a number of a Tensor, over which C code that asks puts errors of its own."""


class _Happened:
    """What has happened since the start, so that programs that change nothing in place never look for it."""

    __slots__ = ("changes", "versions", "views", "views_may_lag")

    def __init__(self) -> None:
        self.changes = self.versions = self.views = self.views_may_lag = False

    def note(self, *, changes: bool = False, versions: bool = False, views: bool = False) -> None:
        if changes:
            self.changes = True
        if versions:
            self.versions = True
        if views:
            self.views = True
        if self.changes and self.views:
            self.views_may_lag = True


happened = _Happened()


class switched:
    """Within it, a switch has another value."""

    __slots__ = ("before", "value", "variable")

    def __init__(self, variable: ContextVar[Any], value: Any) -> None:
        self.variable, self.value = variable, value

    def __enter__(self) -> None:
        self.before = self.variable.set(self.value)

    def __exit__(self, *exc: object) -> None:
        self.variable.reset(self.before)


class uncovered:
    """Within it, an error of NumPy's or SciPy's that covers a refusal makes way for the refusal."""

    __slots__ = ("before",)

    def __enter__(self) -> None:
        self.before = covered.set(None)

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        waiting = covered.get()
        covered.reset(self.before)
        if waiting and isinstance(error, Exception) and _covers(error, waiting[0]):
            raise waiting[0] from None


def _covers(error: Exception, refusal: ClearpropError) -> bool:
    """Return whether an error stands for a refusal: as its consequence, or as what a library said instead."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if error.__cause__ is refusal or trace is None:
        return error.__cause__ is refusal
    library = library_of(trace.tb_frame.f_code)
    return bool(library or library_in_c(*called_in(trace.tb_frame, trace.tb_lasti)))


def raise_covered(reached: Collection[Any]) -> None:
    """Raise the refusal that nothing has brought out since, if its Tensor has to do with those reached."""
    waiting = covered.get()
    if waiting is None:
        return
    refusal, tensor = waiting
    nodes, seen = [tensor], {tensor}
    for node in nodes:  # grows while it is walked
        if node in reached:
            covered.set(None)
            raise refusal
        new = [x for x in node.inputs if isinstance(x, type(tensor)) and x not in seen]
        nodes += new
        seen.update(new)


class no_grad:
    """Within it, operations are not recorded and their results require no gradient.

    A context manager and a decorator, as in PyTorch. Each thread and each asyncio task has its own. As a
    decorator of a generator function it holds while the generator runs, not while its caller does; a
    ``with`` around a ``yield`` holds until the generator goes on, for its caller, too.

    >>> import clearprop
    >>> w = clearprop.tensor(2.0)
    >>> with clearprop.no_grad():
    ...     w -= 0.5
    >>> print(w, w.requires_grad)
    1.5 True
    >>> @clearprop.no_grad()
    ... def evaluate(x):
    ...     return x * w
    >>> evaluate(2.0).requires_grad
    False
    """

    def __enter__(self) -> None:
        no_grads.set((*no_grads.get(), self))

    def __exit__(self, *exc: object) -> None:
        entered = list(no_grads.get())
        if self in entered:  # else a generator was entered in one context and is left in another
            entered.remove(self)
            no_grads.set(tuple(entered))

    def __call__(self, function: _Function) -> _Function:
        if isinstance(function, type):
            raise UnsupportedError(
                f"no_grad() stands before the class {function.__name__}, of which it would make a function. "
                f"Put it before the methods that are to run without gradients."
            )
        return _while_running(function, self)


def _while_running(function: Any, guard: no_grad) -> Any:
    """Return a function within `guard`. What pauses, at a ``yield``, leaves it and enters it again."""
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            inner = function(*args, **kwargs)
            resume = partial(inner.send, None)
            while True:
                with guard:
                    try:
                        value = resume()
                    except StopIteration as stop:
                        return stop.value
                try:
                    resume = partial(inner.send, (yield value))
                except BaseException as error:
                    resume = partial(inner.throw, error)

    elif inspect.isasyncgenfunction(function):

        @wraps(function)
        async def guarded(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            inner = function(*args, **kwargs)
            resume = partial(inner.asend, None)
            while True:
                with guard:
                    try:
                        value = await resume()
                    except StopAsyncIteration:
                        return
                try:
                    resume = partial(inner.asend, (yield value))
                except BaseException as error:
                    resume = partial(inner.athrow, error)

    elif inspect.iscoroutinefunction(
        function
    ):  # while it waits, other tasks have their own settings

        @wraps(function)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            with guard:
                return await function(*args, **kwargs)

    else:

        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with guard:
                return function(*args, **kwargs)

    return guarded
