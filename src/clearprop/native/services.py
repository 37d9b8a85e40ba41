"""What kernels call outside of their module: the pool of threads, Python's interrupts, memory that grows."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from . import interrupts, pool
from .calls.object_layout import python_function
from .machine import Code


class Service(NamedTuple):
    """IR with a global of the service's name, which `connect` fills when the code is linked."""

    text: str
    connect: Callable[[Code], None]


class Needs(Protocol):
    """A kernel, of which it is known what it needs."""

    services: set[str]


def services_of(kernels: Iterable[Needs]) -> list[str]:
    """Return the names of what any of these kernels needs, in an order that is always the same."""
    needed = set[str]().union(*(k.services for k in kernels))
    return [name for name in SERVICES if name in needed]


def connect(code: Code, names: Iterable[str]) -> None:
    """Let linked code find its services."""
    for name in names:
        SERVICES[name].connect(code)


SHARE = """
@pool = global ptr null
define internal void @share(ptr %f, ptr %a, i64 %parts) {
entry:
  %pool = load ptr, ptr @pool
  %alone = icmp eq ptr %pool, null
  br i1 %alone, label %one, label %all
all:
  call void %pool(ptr %f, ptr %a, i64 %parts)
  ret void
one:
  %i = phi i64 [0, %entry], [%j, %one]
  call void %f(i64 %i, ptr %a)
  %j = add i64 %i, 1
  %left = icmp ult i64 %j, %parts
  br i1 %left, label %one, label %end
end:
  ret void
}
"""
"""Hands a nest in parts to the pool whose address stands in @pool; without one it does them all."""


GROW = """
@memory = global [2 x ptr] zeroinitializer
define internal ptr @grown(ptr %old, i64 %bytes) {
  %realloc = load ptr, ptr @memory
  %new = call ptr %realloc(ptr %old, i64 %bytes)
  ret ptr %new
}
define internal void @given_back(ptr %old) {
  %at1 = getelementptr i8, ptr @memory, i64 8
  %free = load ptr, ptr %at1
  call void %free(ptr %old)
  ret void
}
"""
"""Python's allocator, which needs no lock held."""
_ALLOCATOR = ("PyMem_RawRealloc", "PyMem_RawFree")


def _share(code: Code) -> None:
    """Let threads share the work of this code."""
    place = ctypes.c_void_p.from_address(code.addresses["pool"])
    place.value = pool.address() or None


def _allocate(code: Code) -> None:
    addresses = (ctypes.c_uint64 * len(_ALLOCATOR))(*map(python_function, _ALLOCATOR))
    ctypes.memmove(code.addresses["memory"], addresses, ctypes.sizeof(addresses))


SERVICES = {
    "pool": Service(SHARE, _share),
    interrupts.TABLE: Service(interrupts.ASK, interrupts.answer),
    "memory": Service(GROW, _allocate),
}
"""By the name of their global."""
