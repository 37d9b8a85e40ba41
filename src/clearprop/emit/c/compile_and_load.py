"""Running generated C: through the system's compiler, to check it."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CompileError
from .c_function import CFunction

STRICT = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1")
"""Flags under which generated code compiles without a word."""


_FENCE, _FILLING = 256, 0xAB


def compiler() -> str | None:
    """Return the system's C compiler: ``CC``, or cc, gcc or clang; None where there is none."""
    names = [os.environ.get("CC", ""), "cc", "gcc", "clang"]
    return next((path for name in names if name and (path := shutil.which(name))), None)


def run_c(function: CFunction) -> Callable[[Sequence[Any]], list[Any]]:
    """Return a Python function that runs compiled C on arrays, in the order of its inputs, and returns
    its results.

    Raises
    ------
    CompileError : there is no C compiler, or it refuses the code.
    """
    cc = compiler()
    if cc is None:
        raise CompileError("there is no C compiler here: install gcc or clang, or set CC")
    with tempfile.TemporaryDirectory(prefix="clearprop", ignore_cleanup_errors=True) as folder:
        loaded = _built(function, cc, Path(folder))
    native = getattr(loaded, function.name)
    native.restype = None

    def run(arrays: Sequence[Any]) -> list[Any]:
        arguments: list[Any] = []
        alive: list[Any] = [loaded]
        for b, x in zip(function.inputs, arrays, strict=True):
            x = np.ascontiguousarray(x, b.dtype)
            alive.append(x)
            arguments.append(_by_value(x) if not b.spec.shape else _pointer(x))
        results = [_fenced(b.bytes) for b in function.outputs]
        lent = [*results, _fenced(function.workspace)] if function.workspace else results
        native(*arguments, *map(_pointer, lent))
        if any((x[-_FENCE:] != _FILLING).any() for x in lent):
            raise CompileError(f"{function.name} wrote beyond the memory that it was lent")
        return [
            x[:-_FENCE].view(b.dtype).reshape(b.spec.shape)[()]
            for x, b in zip(results, function.outputs, strict=True)
        ]

    return run


def _built(function: CFunction, cc: str, folder: Path) -> ctypes.CDLL:
    """Return the code as a library in this process."""
    (folder / f"{function.name}.h").write_text(function.header, encoding="utf-8")
    (folder / f"{function.name}.c").write_text(function.source, encoding="utf-8")
    library = folder / f"{function.name}.so"
    command = [cc, *STRICT, "-shared", "-fPIC", f"{function.name}.c", "-o", str(library), "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise CompileError(f"{' '.join(command)} refuses generated code:\n{done.stderr}")
    return ctypes.CDLL(str(library))


def _fenced(size: int) -> Any:
    """Return so many bytes and a fence behind them, filled with what nothing may rest on."""
    return np.full(-(-size // 8) * 8 + _FENCE, _FILLING, np.uint8)[: size + _FENCE]


def _pointer(x: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(x.ctypes.data)


def _by_value(x: Any) -> Any:
    kind = np.ctypeslib.as_ctypes_type(x.dtype)
    return kind(x.item())
