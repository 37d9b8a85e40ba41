"""Where no test runs, native code is tried in another process; what does not work there is left alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.compiler import compiled, trial
from clearprop.compiler.plain import PlainExecutable

pytest.importorskip("llvmlite")
from clearprop.compiler.native import NativeExecutable
from clearprop.native.calls import object_layout


def forget() -> None:
    for function in (trial.way, trial.missing, compiled._executables, object_layout.probe):
        function.cache_clear()


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A system that no test runs on, and an empty folder for what is found out about it."""
    monkeypatch.setattr(trial, "TESTED", set())
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(tmp_path))
    forget()
    yield
    monkeypatch.undo()
    forget()


def answers(monkeypatch: pytest.MonkeyPatch, *ways: str) -> list[str]:
    """Let only these ways survive; which ones are tried."""
    tried: list[str] = []

    def survives(way: str) -> bool:
        tried.append(way)
        return way in ways

    monkeypatch.setattr(trial, "survives", survives)
    return tried


def slope(x: Any) -> Any:
    return clearprop.grad(lambda x: np.sum(np.exp(x) * 2))(x)


X = np.linspace(0, 1, 7)


def executable() -> Any:
    """What is compiled here, having given the right numbers."""
    f = clearprop.compile(slope)
    for _ in range(2):
        np.testing.assert_allclose(f(X), 2 * np.exp(X), 1e-14)
    return f.executable(X)


@pytest.mark.parametrize("way", ["entry", "ctypes"])
def test_this_system_survives(way: str) -> None:
    assert trial.survives(way)


@pytest.mark.parametrize(
    "child", ["import os; os.abort()", "raise RuntimeError", "import time; time.sleep(60)"]
)
def test_what_ends_the_other_process_is_not_done_here(
    child: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_CHILD", child)
    monkeypatch.setattr(trial, "_SECONDS", 0.5)
    assert not trial.survives("entry")


def test_wrong_numbers_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as those that are not compiled at all, but a little off."""
    monkeypatch.setattr(trial, "_attempted", None)  # put back, whatever `attempt` sets
    monkeypatch.setattr(compiled, "compile", lambda f: lambda p, x, k: f(p, x, k * (1 + 1e-6)))
    with pytest.raises(RuntimeError, match="called by entry, gives wrong numbers"):
        trial.attempt("entry")


def test_entries_where_they_work(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers(monkeypatch, "entry", "ctypes") == []
    found = executable()
    assert isinstance(found, NativeExecutable)
    assert found.entry.text


def test_slower_calls_where_entries_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = answers(monkeypatch, "ctypes")
    found = executable()
    assert isinstance(found, NativeExecutable)
    assert (found.entry.text, tried) == ("", ["entry", "ctypes"])


def test_numpy_where_nothing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    with pytest.warns(UserWarning, match="native code does not run on this system, so compiled"):
        found = executable()
    assert isinstance(found, PlainExecutable)
    assert "since native code does not run on this system" in str(found.report())


def test_it_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = answers(monkeypatch, "ctypes")
    assert trial.way() == "ctypes"
    forget()
    assert trial.way() == "ctypes"
    assert tried == ["entry", "ctypes"]


def test_failures_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    assert trial.way() == "numpy"
    forget()
    answers(monkeypatch, "entry")
    assert trial.way() == "entry"


def test_a_program_that_is_not_python_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(trial.subprocess, "run", lambda *_, **__: pytest.fail("started"))
    assert trial.way() == "ctypes"


def test_addresses_of_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert trial.way() == "numpy"


def test_a_library_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, *_: Any) -> Any:
        raise OSError("no such symbol")

    monkeypatch.setattr(trial, "load", load)
    assert trial.missing() == "llvmlite cannot be loaded (no such symbol)"


def test_without_a_lock_objects_are_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads could change them meanwhile."""
    monkeypatch.setattr(sys, "version", "3.14.0 free-threading build (main)")
    answers(monkeypatch, "entry")
    found = executable()
    assert isinstance(found, NativeExecutable)
    assert found.entry.text == ""
