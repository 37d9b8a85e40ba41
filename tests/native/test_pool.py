"""Threads: every part is computed once, whoever does it."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import clearprop

pytest.importorskip("llvmlite")
from clearprop.native import nests, pool
from clearprop.native.llvm_ir import module
from clearprop.native.machine import Code, assemble
from clearprop.stages import partial_sums
from tests.programs import ODD, Program, programs

COUNT = """
define void @part(i64 %i, ptr %a) {
entry:
  %p = getelementptr i64, ptr %a, i64 %i
  br label %loop
loop:
  %k = phi i64 [0, %entry], [%k1, %loop]
  %v = load volatile i64, ptr %p
  %v1 = add i64 %v, 1
  store volatile i64 %v1, ptr %p
  %k1 = add i64 %k, 1
  %more = icmp ult i64 %k1, 1000
  br i1 %more, label %loop, label %end
end:
  ret void
}
"""
"""Adds 1 to its number a thousand times, in the sight of all."""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the pool needs Linux")


@pytest.fixture(autouse=True)
def two_threads(many_cores: None) -> Iterator[None]:
    before = pool.num_threads()
    clearprop.set_num_threads(2)
    yield
    clearprop.set_num_threads(before)


@pytest.fixture(scope="module")
def part() -> Code:
    return Code(assemble(module([COUNT], [])), ("part",))


def counted(part: Code, parts: int) -> list[int]:
    numbers = np.zeros(parts, np.int64)
    parallel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long)
    parallel(pool.address())(part.addresses["part"], numbers.ctypes.data, parts)
    return numbers.tolist()


@linux
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("parts", [1, 2, 3, 16, 100])
def test_every_part_once(part: Code, parts: int, threads: int) -> None:
    clearprop.set_num_threads(threads)
    for _ in range(20):
        assert counted(part, parts) == [1000] * parts


@linux
def test_several_callers(part: Code) -> None:
    wrong: list[Any] = []

    def call() -> None:
        for _ in range(50):
            numbers = counted(part, 8)
            if numbers != [1000] * 8:
                wrong.append(numbers)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for c in callers:
        c.start()
    for c in callers:
        c.join()
    assert wrong == []


@linux
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*fork.*:RuntimeWarning")  # JAX, where another test loaded it
def test_after_fork(part: Code) -> None:
    counted(part, 4)
    child = os.fork()
    if not child:
        os._exit(0 if counted(part, 4) == [1000] * 4 else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert counted(part, 4) == [1000] * 4


@linux
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*fork.*:RuntimeWarning")  # JAX, where another test loaded it
def test_a_system_that_refuses_threads(part: Code, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a child: there is no memory for so many threads' stacks."""
    import resource

    monkeypatch.setattr(pool, "cores", lambda: 500)
    counted(part, 4)
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 20, -1))
        clearprop.set_num_threads(500)
        refused = len(os.listdir("/proc/self/task")) < 500
        os._exit(0 if refused and counted(part, 16) == [1000] * 16 else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("count", [0, -3, np.int64(0)])
def test_at_least_one_thread(count: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        clearprop.set_num_threads(count)
    assert pool.num_threads() == 2


@pytest.mark.parametrize("count", ["4", 2.0, None, np.array([1, 2])])
def test_the_number_of_threads_is_an_int(count: Any) -> None:
    with pytest.raises(TypeError, match="the number of threads is an int"):
        clearprop.set_num_threads(count)
    assert pool.num_threads() == 2


def test_no_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    clearprop.set_num_threads(10**9)
    assert pool.num_threads() == 8
    monkeypatch.setattr(pool, "cores", lambda: 4)
    assert pool.num_threads() == 4
    monkeypatch.setattr(pool, "_wanted", None)
    assert pool.num_threads() == 4
    monkeypatch.setenv("CLEARPROP_NUM_THREADS", "1500")
    assert pool.num_threads() == 4


def test_cores_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)
    for limit, wanted in [("max 100000", 12), ("350000 100000", 4), ("20000 100000", 1), ("", 12)]:
        (tmp_path / "cpu.max").write_text(limit)
        monkeypatch.setattr(pool, "_QUOTA", tmp_path / "cpu.max")
        pool._share.cache_clear()
        assert pool.cores() == wanted
    pool._share.cache_clear()
    monkeypatch.setattr(pool, "_QUOTA", tmp_path / "nothing")
    assert pool.cores() == 12
    monkeypatch.delattr(os, "sched_getaffinity")
    assert pool.cores() == 16
    pool._share.cache_clear()


@pytest.mark.parametrize(("text", "number"), [("3", 3), (" 3 ", 3), ("٣", 3), ("", 8)])
def test_the_number_of_threads_from_the_environment(
    text: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_wanted", None)
    monkeypatch.setenv("CLEARPROP_NUM_THREADS", text)
    assert pool.num_threads() == number


@pytest.mark.parametrize("text", ["²", "-3", "0", "many", "1e3", "2.0", "9" * 5000])
def test_what_is_no_number_of_threads(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_wanted", None)
    monkeypatch.setenv("CLEARPROP_NUM_THREADS", text)
    pool._chosen.cache_clear()
    x = np.arange(3.0)
    with pytest.warns(UserWarning, match="CLEARPROP_NUM_THREADS=.* is not used") as caught:
        np.testing.assert_allclose(clearprop.compile(lambda x: x + 2)(x), x + 2)
    (warned,) = caught
    assert warned.filename == __file__
    assert len(str(warned.message)) < 200
    assert pool.num_threads() == 8
    np.testing.assert_allclose(clearprop.compile(lambda x: x + 3)(x), x + 3)  # without a word


@settings(
    max_examples=settings().max_examples * 2 // 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(programs(ODD))
def test_programs_in_parts(monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")  # what was kept was made with other numbers
    monkeypatch.setattr(nests, "_ENOUGH", 1)  # share everything that can be shared
    monkeypatch.setattr(partial_sums, "_LONG", 0)
    inputs = program.arrays()
    f = clearprop.value_and_grad(program, argnums=range(len(inputs)))
    value, gradients = clearprop.compile(f)(*inputs)
    expected, exact = f(*inputs)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-10)
    for g, wanted in zip(gradients, exact, strict=True):
        scale = float(np.max(np.abs(wanted), initial=1e-3))
        np.testing.assert_allclose(g, wanted, rtol=1e-10, atol=1e-10 * scale)


SUMS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "of everything": (lambda x: np.sum(np.tanh(x)) / 3, (96,)),
    "of everything, of a matrix": (lambda x: np.sum(x * x.T), (48, 48)),
    "two of one nest": (lambda x: np.sum(x) * np.sum(x * x) + np.max(x), (80,)),
    "of rows": (lambda x: np.sum(np.log(np.sum(np.exp(x), 1))), (48, 7)),
    "of rows and columns": (
        lambda x: np.sum(x * x, 0) / np.sum(np.sqrt(np.sum(x * x, 1))),
        (30, 5),
    ),
    "after another one": (lambda x: np.sum((x - np.sum(x)) ** 2), (64,)),
    "of a length without divisors": (lambda x: np.sum(x), (97,)),
    "of truth": (lambda x: np.any(x > 1.5) & np.all(x > -9), (64,)),
}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("threads", [1, 2])
def test_sums_in_parts(
    name: str, threads: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")  # what was kept was made with other numbers
    monkeypatch.setattr(nests, "_ENOUGH", 1)
    monkeypatch.setattr(partial_sums, "_LONG", 0)
    clearprop.set_num_threads(threads)
    f, shape = SUMS[name]
    x = rng.normal(size=shape)
    compiled = clearprop.compile(f)
    np.testing.assert_allclose(compiled(x), f(x), rtol=1e-12)
    assert np.array_equal(compiled(x), compiled(x))
    if f(x).dtype != bool:
        loss = clearprop.grad(lambda x: np.sum(f(x) ** 2))
        np.testing.assert_allclose(clearprop.compile(loss)(x), loss(x), rtol=1e-10)


def test_a_sum_does_not_depend_on_the_number_of_threads(rng: np.random.Generator) -> None:
    f = clearprop.compile(clearprop.value_and_grad(lambda x: np.sum(np.tanh(x) * x)))
    x = rng.normal(size=480_000)
    found = []
    for threads in (1, 2, 3):
        clearprop.set_num_threads(threads)
        found.append(f(x))
    assert "@share" in f.source("llvm")
    assert found[0][0] == found[1][0] == found[2][0]
    assert all(np.array_equal(g, found[0][1]) for _, g in found)


def test_products_in_parts(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")  # what was kept was made with other numbers
    monkeypatch.setattr(nests, "_ENOUGH", 1)
    f = clearprop.compile(lambda x, y: np.tanh(x @ y) + 1)
    for m, k, n in [(4, 5, 6), (64, 33, 17), (6, 200, 1), (96, 300, 130)]:
        x, y = rng.normal(size=(m, k)), rng.normal(size=(k, n))
        np.testing.assert_allclose(f(x, y), np.tanh(x @ y) + 1, atol=1e-11)
    stack = rng.normal(size=(7, 5, 3))
    np.testing.assert_allclose(f(stack, stack.mT), np.tanh(stack @ stack.mT) + 1, atol=1e-12)
    assert "@share" in f.source("llvm")
