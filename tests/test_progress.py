"""What a terminal shows while something takes long: with a terminal and a clock of the tests' own."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import progress as module
from clearprop.progress import ProgressLine, keep_shown, progress


class Terminal(io.StringIO):
    """A terminal of one line, which knows what stands on it."""

    columns = 80

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 99

    @property
    def shown(self) -> str:
        cells: list[str] = []
        for part in self.getvalue().split("\r"):
            cells[: len(part)] = part
        return "".join(cells).rstrip()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    found = Terminal()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=found))
    monkeypatch.delenv("CLEARPROP_PROGRESS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((found.columns, 24)))
    return found


class Clock:
    """Time passes when somebody waits, and no more than `end` seconds."""

    def __init__(self, end: float) -> None:
        self.now, self.end = 0.0, end
        self.seen: list[str] = []

    def __call__(self) -> float:
        return self.now

    def waiting(self, terminal: Terminal) -> Callable[[float], bool]:
        """Return what lets time pass, and notes what is on the terminal before."""

        def wait(seconds: float) -> bool:
            self.seen.append(terminal.shown)
            self.now += seconds
            return self.now > self.end

        return wait


def test_nothing_is_shown_in_the_first_two_seconds(terminal: Terminal) -> None:
    clock = Clock(1.9)
    line = ProgressLine(terminal, clock)
    line.tasks.append("compiling loss")
    for now in (0.0, 1.0, 1.99):
        clock.now = now
        line.show()
    line.clear()
    assert terminal.getvalue() == ""


def test_after_two_seconds_it_is_said_what_is_done_and_for_how_long(terminal: Terminal) -> None:
    clock = Clock(3.1)
    line = ProgressLine(terminal, clock)
    line.tasks += ["compiling loss", "tracing"]
    keep_shown(line, clock.waiting(terminal))
    first, *others = clock.seen
    assert first == "", "two seconds are waited for"
    assert others[0] == "compiling loss: tracing (2 s)"
    assert others[-1] == "compiling loss: tracing (3 s)"
    line.clear()
    assert terminal.shown == ""
    assert "\n" not in terminal.getvalue(), "it stays in one line"


def test_a_shorter_line_leaves_nothing_of_a_longer_one(terminal: Terminal) -> None:
    clock = Clock(10)
    clock.now = 0.0
    line = ProgressLine(terminal, clock)
    clock.now = 5.0
    line.tasks += ["compiling loss", "making stages of 12,345 operations"]
    line.show()
    line.tasks.pop()
    line.show()
    assert terminal.shown == "compiling loss (5 s)"
    line.clear()
    assert terminal.shown == ""


def test_a_line_is_no_longer_than_the_terminal_is_wide(terminal: Terminal) -> None:
    terminal.columns = 24
    clock = Clock(10)
    line = ProgressLine(terminal, clock)
    line.tasks.append("compiling a_function_with_a_long_name")
    clock.now = 12.0
    line.show()
    assert terminal.shown == "compiling a_func (12 s)", "one column is left"


def test_a_terminal_that_is_gone_is_no_error() -> None:
    gone = Terminal()
    clock = Clock(10)
    line = ProgressLine(gone, clock)
    line.tasks.append("compiling loss")
    clock.now = 3.0
    gone.close()
    line.show()
    line.clear()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The tasks of every line that is begun, each with those it stands within."""
    found: list[list[str]] = []

    class Tasks(list[str]):
        def append(self, task: str) -> None:
            super().append(task)
            found[-1].append(": ".join(self))

    class Noting(ProgressLine):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.tasks = Tasks()
            found.append([])

    monkeypatch.setattr(module, "ProgressLine", Noting)
    return found


def test_a_compile_says_what_it_does(terminal: Terminal, lines: list[list[str]]) -> None:
    pytest.importorskip("llvmlite")

    def loss(x: Any) -> Any:
        return np.sum(np.tanh(x) ** 2)

    compiled = clearprop.compile(clearprop.grad(loss))
    compiled(np.linspace(0.0, 1.0, 7))
    (said,) = lines
    assert said[:2] == ["compiling loss", "compiling loss: tracing"]
    compiled(np.linspace(0.0, 1.0, 7))
    assert len(lines) == 1, "what is compiled says nothing"


def test_code_that_is_made_anew_says_each_step(
    terminal: Terminal, lines: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")

    def loss(x: Any) -> Any:
        return np.sum(np.tanh(x) ** 2)

    clearprop.compile(loss)(np.ones(3))
    (said,) = lines
    steps = [task.removeprefix("compiling loss") for task in said]
    assert steps == [
        "",
        ": tracing",
        ": simplifying",
        ": making stages of 3 operations",
        ": writing code for 1 stages",
        ": machine code of 1 stages, by LLVM",
    ]


def test_tasks_within_others_share_their_line(terminal: Terminal, lines: list[list[str]]) -> None:
    with progress("outer"):
        with progress("inner"):
            pass
        with progress("last"):
            pass
    assert lines == [["outer", "outer: inner", "outer: last"]]


def test_an_error_ends_the_line(terminal: Terminal, lines: list[list[str]]) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), progress("outer"), progress("inner"):
            raise ZeroDivisionError
    assert lines == [["outer", "outer: inner"]] * 2


def test_a_pipe_gets_nothing(monkeypatch: pytest.MonkeyPatch, lines: list[list[str]]) -> None:
    for no_terminal in (io.StringIO(), None):
        monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=no_terminal))
        with progress("compiling loss"):
            assert lines == []


def test_an_environment_variable_turns_it_off(
    terminal: Terminal, lines: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARPROP_PROGRESS", "0")
    with progress("compiling loss"):
        assert lines == []
