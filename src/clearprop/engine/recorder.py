"""Recording: what is noted about each operation while a trace or an explanation is being made.

Where a Tensor comes from (`Origin`), the calls of blocks (`Scope`), and the `Recorder`, which reads names
from the frames of the user's functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from ..callsite import Line, line_of, user_frame
from .array_types import AnyArray
from .arrays import TensorBase
from .broadcasting import unstretched
from .primitive import Primitive


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
        self.gradient_of: AnyArray | None = None
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
        self.examples: dict[Any, AnyArray] = {}
        """While tracing: what Tensors without a value stand for, at the examples that the trace got."""
        self._frames: dict[FrameType, int] = {}
        self._arrays: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        """Plain arrays that operations read, by id, each with its latest copy."""
        self._lines: dict[tuple[int, int], tuple[CodeType, Line]] = {}
        """By the code's id, its own as long as the entry keeps it, and the number."""
        self._named: list[Any] = []
        """What has a name lives as long as the recorder, so that nothing else comes to have its id."""

    def as_now(self, values: Sequence[AnyArray]) -> tuple[AnyArray, ...]:
        """Return the values with copies of plain arrays, which the function may fill with other
        numbers later.
        """
        for x in values:
            if isinstance(x, np.ndarray):
                return tuple(self._copy(x) if isinstance(x, np.ndarray) else x for x in values)
        return tuple(values)

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
        origin = Origin(None, self._line(frame), scope)
        origin.depth = (
            self._frames[frame] + 2
        )  # a name comes from the frame it is made in, or above
        return origin

    def _line(self, frame: FrameType) -> Line:
        """Return the line that a frame is executing: one object for all that happens there."""
        key = id(frame.f_code), frame.f_lineno
        known = self._lines.get(key)
        if known is None:
            known = self._lines[key] = frame.f_code, line_of(frame)
        return known[1]

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
        depth += 1
        for name, value in variables.items():
            origin = getattr(value, "origin", None)
            if type(origin) is Origin:
                if depth < origin.depth and name.isidentifier():  # a comprehension's .0 is none
                    origin.rename(name, depth)
            elif (
                isinstance(value, _ARRAYS)
                and id(value) not in self.array_names
                and name.isidentifier()
            ):
                self.array_names[id(value)] = name
                self._named.append(value)


def frozen(array: np.ndarray) -> np.ndarray:
    """Return a copy that nobody can change; the array itself if it is one. What repeats is copied once."""
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
    """Return whether two arrays have the same bytes: also where those mean NaN, or zeros of either sign."""
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


_ARRAYS = (np.ndarray, TensorBase)


class Noted(NamedTuple):
    """What is written down about each operation; at least one of the two."""

    recorder: Recorder | None
    scope: Scope | None


noted: ContextVar[Noted | None] = ContextVar("noted", default=None)
"""What is written down here and now: a context variable, as those in `settings`."""


def recorder_here() -> Recorder | None:
    """Return the recorder that is on, if any."""
    now = noted.get()
    return now and now.recorder
