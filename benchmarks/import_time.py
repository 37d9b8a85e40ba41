"""What ``import clearprop`` costs above NumPy's own import."""

from __future__ import annotations

from .measure import Check, Report, installed, interleaved_processes

_PROGRAM = """
import sys, time
import numpy
start = time.perf_counter()
import {library}
print(1e3 * (time.perf_counter() - start))
"""


def run(*, quick: bool = False) -> Report:
    """Measure it for Clearprop and its peers, in fresh processes that take turns."""
    libraries = ["clearprop", *installed("autograd", "torch", "jax")]
    jobs = {library: ("-c", _PROGRAM.format(library=library)) for library in libraries}
    numbers = interleaved_processes(jobs, rounds=1 if quick else 15)
    return Report(
        "Import time above NumPy's",
        "ms",
        numbers,
        ours="clearprop",
        checks=[Check("ms to import clearprop, NumPy's own aside", numbers["clearprop"], 60)],
        note="in fresh processes, with NumPy imported first",
        peers=libraries[1:],
    )
