"""One line on a terminal that says what takes long, and for how long it has."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TextIO

_QUIET = 2.0
"""Seconds in which nothing is shown."""
_PAUSE = 0.2
"""Seconds from one writing of the line to the next."""
_USUAL_WIDTH = 80
_terminal = threading.Lock()
"""Held by whoever has the line: where several threads are busy, it tells of the first."""


class ProgressLine:
    """A line that is written over again and again, and gone at the end.

    It is written with spaces and carriage returns alone, which every terminal knows.
    """

    def __init__(self, terminal: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.terminal, self.clock = terminal, clock
        self.start = clock()
        self.tasks: list[str] = []
        """What is being done, and what is done within it."""
        self._written = 0

    def show(self) -> None:
        """Write what is being done, and the seconds since the start; nothing in the first two."""
        seconds = self.clock() - self.start
        if seconds < _QUIET or not self.tasks:
            return
        end = f" ({seconds:.0f} s)"
        text = ": ".join(self.tasks)[: self._width() - len(end)] + end
        self._write("\r" + text.ljust(self._written))
        self._written = len(text)

    def clear(self) -> None:
        """Leave the line as it was found."""
        if self._written:
            self._write("\r" + " " * self._written + "\r")
            self._written = 0

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that is gone is no reason to fail
            self.terminal.write(text)
            self.terminal.flush()

    def _width(self) -> int:
        """Return the columns to be used: in the last one, some terminals begin a new line."""
        try:
            return (os.get_terminal_size(self.terminal.fileno()).columns or _USUAL_WIDTH) - 1
        except (OSError, ValueError):
            return _USUAL_WIDTH - 1


_line: ContextVar[ProgressLine | None] = ContextVar("progress line", default=None)


@contextmanager
def progress(task: str) -> Iterator[None]:
    """Say on the terminal that a task is being done, if it takes longer than two seconds.

    Tasks within it stand behind it, in the same line. Nothing is written where standard error is no
    terminal, or where ``CLEARPROP_PROGRESS`` is 0.
    """
    line = _line.get()
    if line is not None:
        line.tasks.append(task)
        try:
            yield
        finally:
            line.tasks.pop()
        return
    if not _is_wanted() or not _terminal.acquire(blocking=False):
        yield
        return
    line = ProgressLine(sys.stderr)
    line.tasks.append(task)
    token, done = _line.set(line), threading.Event()
    writer = threading.Thread(target=keep_shown, args=(line, done.wait), daemon=True)
    writer.start()
    try:
        yield
    finally:
        _line.reset(token)
        done.set()
        writer.join()
        line.clear()
        _terminal.release()


def keep_shown(line: ProgressLine, wait: Callable[[float], bool]) -> None:
    """Write a line now and then, until `wait`, told for how many seconds, returns that all is done."""
    pause = _QUIET
    while not wait(pause):
        line.show()
        pause = _PAUSE


def _is_wanted() -> bool:
    """Return whether there is a terminal to write to, whose user has not said no."""
    if os.environ.get("CLEARPROP_PROGRESS") == "0":
        return False
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is no standard error, or it is closed
        return False
