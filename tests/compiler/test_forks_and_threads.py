"""Compiling while other threads compile, and in children forked meanwhile: nobody waits for ever."""

from __future__ import annotations

import dataclasses
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine import forks
from clearprop.engine.garbage import no_collections
from clearprop.transforms import trees

pytest.importorskip("llvmlite")
from clearprop.compiler import compiled, native
from clearprop.native import machine

x = np.linspace(0.0, 1.0, 5)

forking = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.filterwarnings(
        "ignore:.*fork.*:RuntimeWarning"
    ),  # JAX, where another test loaded it
]


def forks_well(function: Callable[[], Any]) -> Callable[[], Any]:
    for mark in forking:
        function = mark(function)
    return function


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")


def compiles() -> bool:
    """Whether a new function compiles, and is right."""
    return np.allclose(clearprop.compile(lambda x: np.sin(x) * 3)(x), np.sin(x) * 3)


def child(check: Callable[[], bool], seconds: int = 20) -> int:
    """The exit code of a forked process: 0 where `check` holds there in time."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            signal.alarm(seconds)
            code = 0 if check() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextmanager
def meanwhile(work: Callable[[threading.Event], Any]) -> Iterator[None]:
    """Run `work` in another thread; go on once it has set its event."""
    begun = threading.Event()
    thread = threading.Thread(target=work, args=[begun])
    thread.start()
    assert begun.wait(20)
    yield
    thread.join()


# ---- threads


def test_a_function_may_wait_for_a_thread_that_compiles() -> None:
    other = clearprop.compile(lambda x: np.sin(x) + 1)
    with ThreadPoolExecutor(1) as pool:

        def f(x: Any) -> Any:
            return x * pool.submit(other, x0).result(timeout=20)

        x0 = np.ones(5)
        np.testing.assert_allclose(clearprop.compile(f)(x0), np.sin(1) + 1)


def test_functions_may_wait_for_each_other() -> None:
    """Both are being traced at the same time, or neither would get past the barrier."""
    both = threading.Barrier(2, timeout=20)

    def f(x: Any) -> Any:
        both.wait()
        return np.tanh(x)

    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda _: clearprop.compile(f)(x), range(2))
        for result in results:
            np.testing.assert_allclose(result, np.tanh(x), rtol=1e-15)


def test_threads_that_want_the_same_code_make_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    generate = native.NativeExecutable.generate

    def counted(self: Any) -> None:
        made.append(self)
        time.sleep(0.05)  # time for the others to come and wait
        generate(self)

    monkeypatch.setattr(native.NativeExecutable, "generate", counted)
    f = clearprop.compile(lambda x: np.exp(x) * 2)
    begin = threading.Barrier(8)

    def call(_: int) -> Any:
        begin.wait(20)
        return f(x)

    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(call, range(8)):
            np.testing.assert_allclose(result, np.exp(x) * 2, rtol=1e-15)
    assert len(made) == 1


def test_there_is_one_linker_for_all_threads() -> None:
    """Code that a second one linked would go with it."""
    made: list[object] = []

    @machine._once
    def make() -> object:
        time.sleep(0.02)
        made.append(object())
        return made[-1]

    begin = threading.Barrier(8)

    def get(_: int) -> object:
        begin.wait(20)
        return make()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(get, range(8))) == set(made)
    assert len(made) == 1


def test_garbage_is_looked_for_again_after_threads_compiled() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: compiles(), range(12)))
    assert gc.isenabled()


# ---- forks


@forks_well
def test_a_fork_while_a_thread_makes_code() -> None:
    done = threading.Event()

    def work(begun: threading.Event) -> None:
        with compiled._making, no_collections():
            begun.set()
            done.wait(20)

    with meanwhile(work):
        code = child(lambda: compiles() and gc.isenabled())
        done.set()
    assert code == 0
    assert gc.isenabled()


@forks_well
def test_a_fork_within_a_traced_function() -> None:
    """Garbage is looked for again in the child when the function is compiled there, as in the parent."""
    codes = []

    def f(x: Any) -> Any:
        codes.append(child(lambda: compiles() and not gc.isenabled()))
        return np.tanh(x) * 2

    np.testing.assert_allclose(clearprop.compile(f)(x), np.tanh(x) * 2)
    assert codes == [0]
    assert gc.isenabled()


@forks_well
def test_a_fork_waits_until_llvm_is_done() -> None:
    assert (
        machine.LOCK is machine.llvm.ffi.lib._lock
    )  # or calls of other libraries would not be seen
    inside = []

    def work(begun: threading.Event) -> None:
        with machine.LOCK:
            inside.append(True)
            begun.set()
            time.sleep(0.2)
            inside.clear()

    with meanwhile(work):
        assert child(lambda: not inside and compiles()) == 0


@forks_well
def test_a_fork_waits_until_a_module_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slowly_imported.py").write_text(
        "import sys, time\nsys.begun.set()\ntime.sleep(0.2)\nvalue = 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def work(begun: threading.Event) -> None:
        monkeypatch.setattr(sys, "begun", begun, raising=False)
        forks.load("slowly_imported")

    try:
        with meanwhile(work):
            assert child(lambda: forks.load("slowly_imported").value == 1) == 0
    finally:
        sys.modules.pop("slowly_imported", None)


IMPORTS = """
import sys
import numpy as np, clearprop
from clearprop.engine import forks
from clearprop.engine.garbage import no_collections

class Watching:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("clearprop", "numpy", "optree", "llvmlite")) and not forks._importing._is_owned():
            print(name)

sys.meta_path.insert(0, Watching())
x = np.ones(3)
clearprop.compile(clearprop.value_and_grad(lambda p: np.sum(np.sort(p["a"]) @ p["b"])))({"a": x, "b": x})
clearprop.explain(lambda x: x * x, 2.0)
clearprop.source(lambda x: x * x, 2.0)
"""


def test_a_fork_waits_for_everything_that_is_imported_late() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, encoding="utf-8", timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@forks_well
def test_a_fork_waits_until_a_container_is_registered() -> None:
    kind = dataclasses.make_dataclass("Kind", ["w"])

    def work(begun: threading.Event) -> None:
        with trees._registering:
            begun.set()
            time.sleep(0.2)

    with meanwhile(work):
        assert child(lambda: trees.flatten(kind(2.0))[0] == [2.0]) == 0


@forks_well
def test_forks_while_a_thread_compiles() -> None:
    stop = threading.Event()

    def work(begun: threading.Event) -> None:
        for k in range(1_000_000):
            clearprop.compile(lambda x, k=k: np.tanh(x * k) + np.exp(x) * k)(x)
            begun.set()
            if stop.is_set():
                return

    with meanwhile(work):
        try:
            codes = [child(compiles) for _ in range(8)]
        finally:
            stop.set()
    assert codes == [0] * 8


@forks_well
def test_threads_that_fork_at_the_same_time() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: child(compiles), range(8))) == [0] * 8
    assert compiles()
