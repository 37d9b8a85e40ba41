"""Fair measuring: contenders take turns, and the median counts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Check:
    """A measured number and the target that it should not pass."""

    what: str
    value: float
    limit: float

    @property
    def met(self) -> bool:
        return self.value <= self.limit


@dataclass(frozen=True)
class Report:
    """What one case found: a number for each contender, in the same unit."""

    title: str
    unit: str
    numbers: Mapping[str, float]
    ours: str
    """The contender that ratios are taken against."""
    checks: Sequence[Check] = ()
    note: str = ""
    peers: Sequence[str] = field(default=())
    """Other libraries among the contenders; the best of them is named."""

    @property
    def best_peer(self) -> str | None:
        return min(self.peers, key=self.numbers.__getitem__, default=None)


@dataclass(frozen=True)
class Row:
    """One task of a grid: seconds per call and first call, by contender; the least ratio wanted, if any."""

    task: str
    seconds: Mapping[str, float]
    first: Mapping[str, float]
    bar: float | None


@dataclass(frozen=True)
class Table:
    """What a case found that is no race: named columns, with what is wanted of each at most."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[float]]]
    limits: Sequence[float]
    """The largest number wanted in each column."""
    note: str = ""


@dataclass(frozen=True)
class Grid:
    """What a case with several tasks found."""

    title: str
    ours: str
    rows: Sequence[Row]
    note: str = ""
    limit: str = ""
    """A contender that is no peer, but shows what can be reached."""

    @property
    def contenders(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row.seconds))

    def ratio(self, row: Row) -> float:
        """Return the time of the best of the others ÷ ours."""
        others = [s for name, s in row.seconds.items() if name not in (self.ours, self.limit)]
        return min(others, default=float("nan")) / row.seconds[self.ours]


def installed(*modules: str) -> list[str]:
    """Those of `modules` that could be imported here."""
    return [module for module in modules if find_spec(module)]


def interleaved(
    contenders: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    seconds: float = 0.02,
    pause: float = 0.0,
) -> dict[str, float]:
    """Median seconds per call of each contender.

    In each round every contender runs for about `seconds`, and another one goes first, so that a
    slow spell of the machine falls on all of them. A `pause` before each turn lets the threads of
    the one before fall asleep: they wait busily for a while, on cores that the next one needs.
    """
    repeats = {name: _repeats(run, seconds) for name, run in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            sleep(pause)
            times[name].append(_time(contenders[name], repeats[name]))
    return {name: median(found) for name, found in times.items()}


def _time(run: Callable[[], object], repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        run()
    return (perf_counter() - start) / repeats


def _repeats(run: Callable[[], object], seconds: float) -> int:
    run()  # warm up
    return max(1, int(seconds / min(_time(run, 1) for _ in range(5))))


def in_fresh_process(
    arguments: Sequence[object],
    *,
    cores: int | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """Return what ``python ARGUMENTS`` prints, read as JSON; with `cores`, it gets only so many of them."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, **environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have their modules compiled once
    if cores:
        for library in ("OMP", "OPENBLAS", "MKL"):
            environment[f"{library}_NUM_THREADS"] = str(cores)
        if taskset := shutil.which("taskset"):
            command = [taskset, "-c", f"0-{cores - 1}", *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def interleaved_processes(jobs: Mapping[str, Sequence[object]], *, rounds: int) -> dict[str, float]:
    """Median of the number that each job prints, each time in a process of its own.

    A job is the arguments of a Python interpreter.
    """
    answers: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, arguments in jobs.items():
            answers[name].append(in_fresh_process(arguments))
    return {name: median(found) for name, found in answers.items()}
