"""How native code is called on this system, or why it cannot be.

What is otherwise than expected would end the process. So on systems that the tests do not run on, it is
tried in another process, once: the answer is kept beside compiled code.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache

import numpy as np

from ..engine.array_types import AnyArray, Tree
from ..engine.forks import load
from ..native import cache as disk
from .fingerprint import versions

TESTED = {("linux", "x86_64")}
_CHILD = (
    "import sys; sys.path[:] = {path}; from clearprop.compiler import trial; trial.attempt({way!r})"
)
_SECONDS = 120
"""Seconds after which a process that tries is given up."""
_attempted: str | None = None
"""The way that this process was started to try; None in a user's process."""


@cache
def missing() -> str:
    """Return why there is no native code here; an empty string where there is."""
    try:
        load("llvmlite.binding")
    except ImportError:
        return "llvmlite is not installed"
    except OSError as error:  # its library does not fit this system
        return f"llvmlite cannot be loaded ({error})"
    return "native code does not run on this system" if way() == "numpy" else ""


@cache
def way() -> str:
    """Return how native code is called here.

    "entry": by functions made for CPython, if the layout of its objects is known; "ctypes": slower, by
    what works anywhere; "numpy": there is none.
    """
    if _attempted is not None:
        return _attempted
    if sys.maxsize < 2**32 or sys.byteorder != "little":  # the tables of addresses are for 64 bits
        return "numpy"
    if (sys.platform, platform.machine()) in TESTED:
        return "entry"
    key = b"way" + (versions() or b"")
    kept = disk.load(key, 0)
    if kept in (b"entry", b"ctypes"):
        return kept.decode()
    found = next(filter(survives, ("entry", "ctypes")), "numpy")
    if found != "numpy":  # which may have had a reason that passes
        disk.store(key, 0, found.encode())
    return found


def survives(way: str) -> bool:
    """Return whether another process calls native code this way, and gets the right numbers."""
    if not sys.executable or getattr(sys, "frozen", False):  # this program, not Python
        return way == "ctypes"
    child = _CHILD.format(path=sys.path, way=way)
    try:
        ended = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", child],
            env=os.environ | {"CLEARPROP_CACHE_DIR": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def attempt(way: str) -> None:
    """Call native code this way: with containers, numbers, temporary memory, products and threads.

    Raises
    ------
    RuntimeError : the numbers are wrong, or LLVM fails.
    """
    global _attempted
    _attempted = way
    compile = load(".compiled", __package__).compile

    def f(params: Tree, x: AnyArray, factor: AnyArray) -> AnyArray:
        h = np.tanh(x @ params["w"] + params["b"])
        h = np.exp(h - h.max(1, keepdims=True))
        return h, {"loss": factor * np.sum(h**2), "shares": (h / h.sum(1, keepdims=True)).mean(0)}

    rng, compiled = np.random.default_rng(0), compile(f)
    for rows in (3, 2000):
        params = {"w": rng.normal(size=(40, 9)), "b": rng.normal(size=9)}
        arguments = params, rng.normal(size=(rows, 40)), 1.5
        wanted = f(*arguments)
        for _ in range(3):  # the first one compiles
            h, more = compiled(*arguments)
            pairs = [(h, wanted[0]), *((more[name], wanted[1][name]) for name in wanted[1])]
            if not all(np.allclose(a, b, 1e-9, 1e-9) for a, b in pairs):
                raise RuntimeError(f"native code, called by {way}, gives wrong numbers")
