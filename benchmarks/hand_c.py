"""Loops as one writes them in C by hand, for fixed sizes: the limit of what a compiler may reach."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SOURCES = Path(__file__).parent / "by_hand"
FLAGS = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", "-lm")


def compiled(name: str, **sizes: int) -> Any:
    """Return the function ``gradient`` of a file, compiled for these sizes."""
    if not shutil.which("gcc"):
        raise NotImplementedError
    folder = tempfile.mkdtemp()
    library = Path(folder) / f"{name}.so"
    given = [f"-D{key}={n}" for key, n in sizes.items()]
    source = str(SOURCES / f"{name}.c")
    subprocess.run(["gcc", *given, source, "-o", str(library), *FLAGS], check=True)
    return ctypes.CDLL(str(library)).gradient


def _at(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def rnn(arguments: tuple[Any, ...]) -> Callable[[], Any]:
    p, xs, _ = arguments
    steps, width = xs.shape[0], xs.shape[-1]
    batch = xs.shape[1] if xs.ndim == 3 else 1
    function = compiled("rnn", STEPS=steps, BATCH=batch, WIDTH=width)
    function.restype = ctypes.c_float
    weights = [np.ascontiguousarray(p[k]) for k in ("wx", "wh", "b")]
    memory = np.empty((steps + 1, batch, width), np.float32)
    places = [_at(x) for x in (xs, *weights)]

    def call() -> Any:
        made = [np.empty_like(x) for x in weights]
        loss = function(*places, *map(_at, made), _at(memory))
        return loss, dict(zip(("wx", "wh", "b"), made, strict=True))

    return call


def heat(arguments: tuple[Any, ...]) -> Callable[[], Any]:
    (start,) = arguments
    function = compiled("heat", STEPS=HEAT_STEPS, POINTS=len(start))
    function.restype = ctypes.c_double

    def call() -> Any:
        made = np.empty_like(start)
        return function(_at(start), _at(made)), made

    return call


HEAT_STEPS = 10_000
