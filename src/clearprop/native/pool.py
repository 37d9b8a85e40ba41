"""Threads that share out the parts of one piece of work.

A job is a function of a part's number, and how many parts there are. Parts are claimed one by one from
a counter, so that a caller whose other cores are busy just does them all. Between jobs the threads watch
for the next one for some microseconds, then sleep. A job that finds the pool in use, or no threads, is
done by its caller alone.

The code of the pool is IR, too, so that the caller, itself native code, needs no Python to call it.
"""

from __future__ import annotations

import ctypes
import operator
import os
import platform
import reprlib
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..callsite import warn
from ..engine.forks import in_child
from .llvm_ir import module

if TYPE_CHECKING:
    from .machine import Code

_FUTEX = {"x86_64": 202, "aarch64": 98}.get(platform.machine(), 0)
"""The number of the system call to sleep and wake; known where the pool works."""
_PAUSE = {
    "x86_64": "call void @llvm.x86.sse2.pause()",
    "aarch64": "call void @llvm.aarch64.hint(i32 1)",
}
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_SPINS = 4000
"""How often a thread looks for a job before it sleeps: some tens of microseconds."""

_wanted: int | None = None
_code: Code | None = None


def set_num_threads(count: int) -> None:
    """Let compiled functions use up to `count` cores; 1 keeps each call to its own thread.

    The default is ``CLEARPROP_NUM_THREADS``, or all the cores that this process may use, which are never
    exceeded. Only long work is shared out, and only on Linux.

    Raises
    ------
    TypeError : `count` is no whole number.
    ValueError : `count` is less than 1.

    >>> import clearprop
    >>> clearprop.set_num_threads(2)
    """
    global _wanted
    try:
        number = operator.index(count)
    except TypeError:
        raise TypeError(f"set_num_threads({count!r}): the number of threads is an int") from None
    if number < 1:
        raise ValueError(f"set_num_threads({count}): at least one thread computes")
    _wanted = number
    if _code is not None:
        from .machine import LOCK

        with LOCK:
            _start(_code)


def num_threads() -> int:
    """Return how many cores compiled functions may use."""
    most = cores()
    return min(_wanted or _chosen(os.environ.get("CLEARPROP_NUM_THREADS", "")) or most, most)


def cores() -> int:
    """Return how many cores this process may use: all, those that it is bound to, or its container's
    share.
    """
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    return min(count, _share() or count)


@cache
def _share() -> int | None:
    """Return the cores' time that a container gets, in cores; None where there is no limit."""
    try:
        quota, period = _QUOTA.read_text().split()
        return max(1, round(int(quota) / int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        return None


@cache
def _chosen(text: str) -> int | None:
    """Return what ``CLEARPROP_NUM_THREADS`` says, if anything."""
    with suppress(ValueError):
        if int(text) > 0:
            return int(text)
    if text:
        warn(
            f"CLEARPROP_NUM_THREADS={reprlib.repr(text)} is not used: it is no number of threads. "
            f"Set it to 1 or more."
        )
    return None


def address() -> int:
    """Return where ``void parallel(ptr function, ptr argument, i64 parts)`` is; 0 where there can be
    no threads.
    """
    global _code
    if not _FUTEX or not sys.platform.startswith("linux"):
        return 0
    from .cache import linked  # where there is no LLVM, the rest of this module works
    from .machine import LOCK

    made = _code or linked(module([_text()], []), 2, ("parallel", "start", "reset"))
    with LOCK:
        if _code is None:
            _code = made
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(_code))  # its threads outlive Python
            in_child(_reset)
            _start(_code)
    return _code.addresses["parallel"]


def _start(code: Code) -> None:
    """Start the threads that are missing; if the system refuses one, those that there are have to do.

    Whoever calls this holds LLVM's lock, so that no two callers count the same thread.
    """
    ctypes.PYFUNCTYPE(None, ctypes.c_long)(code.addresses["start"])(num_threads() - 1)


def _reset() -> None:
    """Forget the pool after a fork: a forked process has none of its parent's threads."""
    if _code is not None:
        ctypes.CFUNCTYPE(None)(_code.addresses["reset"])()
        _start(_code)


def _text() -> str:
    """Return the pool in IR.

    `claims` holds the number of parts above bit 32 and the next part's number below, so both are read
    at once.
    """
    pause = _PAUSE[platform.machine()]
    declared = pause.split("@")[1].split("(")[0]
    parameters = "i32" if "i32" in pause else ""
    return f"""
@generation = internal global i32 0
@sleepers = internal global i32 0
@running = internal global i64 0
@wanted = internal global i64 0
@busy = internal global i32 0
@done = internal global i64 0, align 64
@claims = internal global i64 0, align 64
@function = internal global ptr null
@argument = internal global ptr null
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i64 @syscall(i64, ...)
declare void @{declared}({parameters})

define internal void @drain() {{
entry:
  br label %next
next:
  %claim = atomicrmw add ptr @claims, i64 1 seq_cst
  %part = and i64 %claim, 4294967295
  %parts = lshr i64 %claim, 32
  %more = icmp ult i64 %part, %parts
  br i1 %more, label %run, label %end
run:
  %f = load ptr, ptr @function
  %a = load ptr, ptr @argument
  call void %f(i64 %part, ptr %a)
  %counted = atomicrmw add ptr @done, i64 1 release
  br label %next
end:
  ret void
}}

define internal ptr @work(ptr %number) {{
entry:
  %mine = ptrtoint ptr %number to i64
  %first = load atomic i32, ptr @generation acquire, align 4
  br label %wait
wait:
  %last = phi i32 [%first, %entry], [%seen, %job], [%seen, %help]
  br label %look
look:
  %spins = phi i64 [0, %wait], [%more, %again], [0, %sleep]
  %seen = load atomic i32, ptr @generation acquire, align 4
  %new = icmp ne i32 %seen, %last
  br i1 %new, label %job, label %again
again:
  {pause}
  %more = add i64 %spins, 1
  %tired = icmp ugt i64 %more, {_SPINS}
  br i1 %tired, label %sleep, label %look
sleep:
  %up = atomicrmw add ptr @sleepers, i32 1 seq_cst
  %slept = call i64 (i64, ...) @syscall(i64 {_FUTEX}, ptr @generation,
    i32 128, i32 %last, ptr null, ptr null, i32 0)
  %down = atomicrmw sub ptr @sleepers, i32 1 seq_cst
  br label %look
job:
  %limit = load atomic i64, ptr @wanted monotonic, align 8
  %takes = icmp ule i64 %mine, %limit
  br i1 %takes, label %help, label %wait
help:
  call void @drain()
  br label %wait
}}

define void @start(i64 %count) {{
entry:
  %thread = alloca i64
  store atomic i64 %count, ptr @wanted monotonic, align 8
  br label %check
check:
  %running = load i64, ptr @running
  %enough = icmp uge i64 %running, %count
  br i1 %enough, label %end, label %make
make:
  %number = add i64 %running, 1
  %p = inttoptr i64 %number to ptr
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @work, ptr %p)
  %ok = icmp eq i32 %failed, 0
  br i1 %ok, label %made, label %end
made:
  %id = load i64, ptr %thread
  %detached = call i32 @pthread_detach(i64 %id)
  store i64 %number, ptr @running
  br label %check
end:
  ret void
}}

define void @reset() {{
entry:
  store i64 0, ptr @running
  store i32 0, ptr @busy
  store i32 0, ptr @sleepers
  ret void
}}

define void @parallel(ptr %f, ptr %a, i64 %parts) {{
entry:
  %wanted = load atomic i64, ptr @wanted monotonic, align 8
  %alone = icmp eq i64 %wanted, 0
  br i1 %alone, label %one, label %take
take:
  %taken = cmpxchg ptr @busy, i32 0, i32 1 seq_cst seq_cst
  %free = extractvalue {{ i32, i1 }} %taken, 1
  br i1 %free, label %share, label %one
one:
  %i = phi i64 [0, %entry], [0, %take], [%j, %one]
  call void %f(i64 %i, ptr %a)
  %j = add i64 %i, 1
  %left = icmp ult i64 %j, %parts
  br i1 %left, label %one, label %end
share:
  store ptr %f, ptr @function
  store ptr %a, ptr @argument
  store atomic i64 0, ptr @done seq_cst, align 8
  %above = shl i64 %parts, 32
  store atomic i64 %above, ptr @claims seq_cst, align 8
  %old = atomicrmw add ptr @generation, i32 1 seq_cst
  %sleeping = load atomic i32, ptr @sleepers seq_cst, align 4
  %awake = icmp eq i32 %sleeping, 0
  br i1 %awake, label %go, label %wake
wake:
  %woken = call i64 (i64, ...) @syscall(i64 {_FUTEX}, ptr @generation,
    i32 129, i32 1000, ptr null, ptr null, i32 0)
  br label %go
go:
  call void @drain()
  br label %watch
watch:
  %count = load atomic i64, ptr @done acquire, align 8
  %all = icmp uge i64 %count, %parts
  br i1 %all, label %finish, label %rest
rest:
  {pause}
  br label %watch
finish:
  store atomic i32 0, ptr @busy release, align 4
  br label %end
end:
  ret void
}}
"""
