"""What is switched on here and now: gradients, a recorder, how deep in transforms we are.

The switches are context variables, so each thread and each asyncio task has its own. A new thread starts
with gradients on and nothing recorded; a task, or a call by `asyncio.to_thread`, with those of its maker.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextvars import ContextVar
from functools import partial, wraps
from types import FrameType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .arrays import TensorBase
from .callsite import Line, called_in, library_in_c, library_of, line_of, user_frame
from .errors import ClearpropError, UnsupportedError
from .primitive import Primitive
from .spec import unstretched

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Scope:
    """One call of a block: which block, and the call it happened in."""

    __slots__ = ("arguments", "line", "parent", "primitive")

    def __init__(
        self,
        primitive: Primitive,
        parent: Scope | None,
        arguments: dict[int, str],
        line: Line | None,
    ) -> None:
        self.primitive = primitive
        self.parent = parent
        self.arguments = arguments
        """Argument names by the sequence number of the Tensor that was passed."""
        self.line = line


class Origin:
    """Where a Tensor comes from: its name, the user's line, the block call that made it."""

    __slots__ = ("depth", "gradient_of", "is_backward", "line", "name", "scope")

    def __init__(
        self, name: str | None = None, line: Line | None = None, scope: Scope | None = None
    ) -> None:
        self.name = name
        self.line = line
        self.scope = scope
        self.depth = 0 if name else 1 << 30
        """How deep in calls the name was found: a name nearer the top is nearer to the user."""
        self.is_backward = False
        """Whether a reverse sweep made it; `line` is then the forward line that it answers."""
        self.gradient_of: Any = None
        """The Tensor whose gradient it is, if any."""

    def rename(self, name: str, depth: int) -> None:
        if depth < self.depth:
            self.name, self.depth = name, depth


class Recorder:
    """Notes the origin of every operation while it is on.

    Names are read from the locals of the frames that operations run in, at each operation (so that
    a variable bound twice gives its name to both values) and once more when recording ends (a frame
    keeps its locals after it returns), when the globals that their code uses are read, too.
    """

    def __init__(self, *, tracing: bool) -> None:
        self.tracing = tracing
        """Whether values are unknown, so that every operation must be kept, not only gradients'."""
        self.asks_layout = False
        """Whether it mattered that arguments lie in memory row by row."""
        self.answering: Origin | None = None
        """While a reverse sweep runs: the origin of the operation that it is passing."""
        self.array_names: dict[int, str] = {}
        """Names of arrays and of users' own Tensors met there, by id: constants deserve names, too."""
        self.examples: dict[Any, Any] = {}
        """While tracing: what Tensors without a value stand for, at the examples that the trace got."""
        self._frames: dict[FrameType, int] = {}
        self._arrays: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        """Plain arrays that operations read, by id, each with its latest copy."""
        self._named: list[Any] = []
        """What has a name lives as long as the recorder, so that nothing else comes to have its id."""

    def as_now(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The values with copies of plain arrays, which the function may fill with other numbers later."""
        return tuple(self._copy(x) if isinstance(x, np.ndarray) else x for x in values)

    def _copy(self, array: np.ndarray) -> np.ndarray:
        _, copy = self._arrays.get(id(array), (array, None))
        if copy is None or not _same(copy, array):
            copy = frozen(array)
            self._arrays[id(array)] = array, copy
        return copy

    def note(self, scope: Scope | None) -> Origin:
        if self.answering is not None:
            origin = Origin(None, self.answering.line)
            origin.is_backward = True
            return origin
        frame = user_frame()
        if frame is None:
            return Origin(scope=scope)
        if frame not in self._frames:
            self._frames[frame] = _depth(frame)
        self._read_names(frame)
        origin = Origin(None, line_of(frame), scope)
        origin.depth = (
            self._frames[frame] + 2
        )  # a name comes from the frame it is made in, or above
        return origin

    def finish(self) -> None:
        """Read the last names and let go of the frames."""
        for frame in self._frames:
            self._read_names(frame)
        for frame in self._frames:
            called = {name: frame.f_globals.get(name) for name in frame.f_code.co_names}
            self._give_names(called, self._frames[frame])
        self._frames.clear()
        for array, copy in self._arrays.values():
            self.array_names[id(copy)] = self.array_names.get(id(array), "")

    def _read_names(self, frame: FrameType) -> None:
        self._give_names(dict(frame.f_locals), self._frames[frame])

    def _give_names(self, variables: dict[str, Any], depth: int) -> None:
        for name, value in variables.items():
            if not name.isidentifier():  # such as a comprehension's .0
                continue
            origin = getattr(value, "origin", None)
            if type(origin) is Origin:
                origin.rename(name, depth + 1)
            elif id(value) in self.array_names:
                pass
            elif isinstance(value, np.ndarray | TensorBase):
                self.array_names[id(value)] = name
                self._named.append(value)


def frozen(array: np.ndarray) -> np.ndarray:
    """A copy that nobody can change; the array itself if it is one. What repeats is copied once."""
    if not array.flags.writeable and array.base is None:
        return array
    part = unstretched(array)
    if part.size > _LONG and _repeats(part):
        part = part[(slice(0, 1),) * part.ndim]
    part = part.copy("K")
    part.flags.writeable = False
    return part if part.shape == array.shape else np.broadcast_to(part, array.shape)


_LONG = 1000
"""Entries from which it is worth a look whether all are alike, as in the gradient of a sum."""


def _repeats(array: np.ndarray) -> bool:
    entries = _bytes(array).reshape(array.size, -1)
    some = entries[:: array.size // 7]
    return bool((some == entries[0]).all() and (entries == entries[0]).all())


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays have the same bytes: also where those mean NaN, or zeros of either sign."""
    if one is other:
        return True
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return np.array_equal(_bytes(one), _bytes(other))


def _bytes(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(unstretched(array)).reshape(-1).view(np.uint8)


def _depth(frame: FrameType | None) -> int:
    depth = 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


class Noted(NamedTuple):
    """What is written down about each operation; at least one of the two."""

    recorder: Recorder | None
    scope: Scope | None


noted: ContextVar[Noted | None] = ContextVar("noted", default=None)
no_grads: ContextVar[tuple[object, ...]] = ContextVar("no_grads", default=())
"""What keeps gradients off, in any order: a generator may leave its `no_grad` while others are still on."""
transforms: ContextVar[int] = ContextVar("transforms", default=0)
"""How many of `grad`, `vjp`, ... are running: inside them, dropping a gradient is an error."""
began: ContextVar[float] = ContextVar("began", default=math.inf)
"""The number at which the innermost of them began: what is younger, it made for itself."""
covered: ContextVar[tuple[ClearpropError, Any] | None] = ContextVar("covered", default=None)
"""The last refusal to make a number of a Tensor, over which C code that asks puts errors of its own."""


def recorder_here() -> Recorder | None:
    """The recorder that is on, if any."""
    now = noted.get()
    return now and now.recorder


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
    """Whether an error stands for a refusal: as its consequence, or as what a library said instead."""
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
    """A function within `guard`. What pauses, at a ``yield``, leaves it and enters it again."""
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
