"""What is switched on for this thread: gradients, a recorder, how deep in transforms we are."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import ContextDecorator, contextmanager
from types import FrameType
from typing import Any

import numpy as np

from .arrays import TensorBase
from .callsite import Line, called_in, library_in_c, library_of, line_of, user_frame
from .errors import ClearpropError
from .primitive import Primitive
from .spec import unstretched


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


class Settings(threading.local):
    """The switches; `plain` is true while nothing is recorded."""

    plain = True
    grad_enabled = True
    recorder: Recorder | None = None
    scope: Scope | None = None
    transforms = 0
    """How many of `grad`, `vjp`, ... are running: inside them, dropping a gradient is an error."""
    began: float = math.inf
    """The number at which the innermost of them began: what is younger, it made for itself."""
    covered: ClearpropError | None = None
    """The last refusal to make a number of a Tensor, over which C code that asks puts errors of its own."""

    @contextmanager
    def changed(self, **values: Any) -> Iterator[None]:
        """Set switches for the length of a `with`."""
        before = {name: getattr(self, name) for name in values}
        self._set(values)
        try:
            yield
        finally:
            self._set(before)

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)
        self.plain = self.recorder is None and self.scope is None


settings = Settings()


class uncovered:
    """Within it, an error of NumPy's or SciPy's that covers a refusal makes way for the refusal."""

    __slots__ = ("before",)

    def __enter__(self) -> None:
        self.before, settings.covered = settings.covered, None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        refusal, settings.covered = settings.covered, self.before
        if refusal and isinstance(error, Exception) and _covers(error, refusal):
            raise refusal from None


def _covers(error: Exception, refusal: ClearpropError) -> bool:
    """Whether an error stands for a refusal: as its consequence, or as what a library said instead."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if error.__cause__ is refusal or trace is None:
        return error.__cause__ is refusal
    library = library_of(trace.tb_frame.f_code)
    return bool(library or library_in_c(*called_in(trace.tb_frame, trace.tb_lasti)))


def raise_covered() -> None:
    """Raise the refusal that nothing has brought out since; without one, do nothing."""
    refusal, settings.covered = settings.covered, None
    if refusal:
        raise refusal


class no_grad(ContextDecorator):
    """Within it, operations are not recorded and their results require no gradient.

    A context manager and a decorator, as in PyTorch; each thread has its own.

    >>> import clearprop
    >>> w = clearprop.tensor(2.0)
    >>> with clearprop.no_grad():
    ...     w -= 0.5
    >>> print(w, w.requires_grad)
    1.5 True
    """

    def __init__(self) -> None:
        self._stack: list[bool] = []

    def __enter__(self) -> None:
        self._stack.append(settings.grad_enabled)
        settings.grad_enabled = False

    def __exit__(self, *exc: object) -> None:
        settings.grad_enabled = self._stack.pop()
