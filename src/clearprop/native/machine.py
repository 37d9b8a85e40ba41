"""This machine as LLVM sees it: features, vector width, IR text to object code to addresses."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import cache, wraps
from itertools import count
from threading import RLock
from typing import Any, ParamSpec, TypeVar

import llvmlite.binding as llvm

from ..engine.forks import fork_waits_for

P = ParamSpec("P")
T = TypeVar("T")

LOCK = getattr(llvm.ffi.lib, "_lock", None) or RLock()
"""llvmlite's own, which it holds in each call: a child that is forked within one could never call LLVM."""
fork_waits_for(LOCK)


def _once(make: Callable[P, T]) -> Callable[P, T]:
    """Cache what there may be one of only, however many threads ask for it at the same time."""
    kept: Any = cache(make)

    @wraps(make)
    def get(*args: P.args, **kwargs: P.kwargs) -> T:
        with LOCK:
            return kept(*args, **kwargs)

    get.cache_clear = kept.cache_clear  # type: ignore[attr-defined]
    return get


@cache
def host() -> tuple[str, str]:
    """Return the processor's name and features, as LLVM has them."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@cache
def vector_bits() -> int:
    """Return the size of this machine's vector registers in bits."""
    features = host()[1].split(",")
    return 512 if "+avx512f" in features else 256 if "+avx2" in features else 128


@_once
def machine(level: int) -> Any:
    """Return the machine that code is generated for, with LLVM's optimisation `level` (0 to 3)."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = host()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=level, reloc="pic", codemodel="small", jit=True
    )


@_once
def _linker() -> Any:
    """Return LLVM's newer linker, which puts an object's code and constants in one piece of memory.

    There is one, since code that it linked goes when it goes.

    The older one places each section where there is room. Code reaches constants over 2 GB at most,
    so in a process with much memory in use, it ends the process now and then. For Windows' object
    files the newer one is not ready yet.
    """
    return llvm.create_lljit_compiler(machine(2), use_jit_link=sys.platform != "win32")


def assemble(text: str, level: int = 2) -> bytes:
    """Return the object code of a module's IR text. No pass of LLVM's runs on the IR: it is written as
    wanted.
    """
    parsed = llvm.parse_assembly(text)
    parsed.verify()
    return machine(level).emit_object(parsed)


def assembly(text: str, level: int = 2) -> str:
    """Return the module in this machine's assembly language, to read."""
    return machine(level).emit_assembly(llvm.parse_assembly(text))


_next_name = count(1).__next__
"""Numbers for libraries: each must have a name of its own, whichever thread links it."""


class Code:
    """Object code in memory, ready to be called; it lives as long as this object does."""

    def __init__(self, object_code: bytes, names: tuple[str, ...]) -> None:
        library = llvm.JITLibraryBuilder().add_object_img(object_code).add_current_process()
        for name in names:
            library.export_symbol(name)
        self._tracker = library.link(_linker(), f"clearprop{_next_name()}")
        self.addresses: dict[str, int] = {name: self._tracker[name] for name in names}
        self._kept: list[Any] = []

    def point(self, table: str, arrays: Sequence[Any]) -> None:
        """Put the addresses of arrays, which live as long as the code, into a table in it."""
        addresses = (ctypes.c_void_p * len(arrays))(*(x.ctypes.data for x in arrays))
        ctypes.memmove(self.addresses[table], addresses, ctypes.sizeof(addresses))
        self._kept += arrays
