"""How much the tests try. Each effort is a profile of Hypothesis: ``pytest --hypothesis-profile=all``.

==== =========================================================================================
fast what one runs between two edits: some files, few programs, one mode of each record
fair the default: each record's first sample in all modes, of the others a part; fewer programs
all  every sample in every mode
fuzz new programs by the thousand, and more sizes
==== =========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import pytest
from hypothesis import settings

from clearprop.engine.primitive import Primitive, Sample

PROGRAMS = {"fast": 10, "fair": 40, "all": 100, "fuzz": 2000}
"""How many random programs a test is run on."""
_PART = 3
"""One of so many further samples has its turn, in one mode."""


def effort() -> str:
    """Ask while tests are collected, or later."""
    return settings.get_current_profile_name()


def is_thorough() -> bool:
    return effort() in ("all", "fuzz")


def part_of(cases: Iterable[Any]) -> list[Any]:
    """All of these names, or parameters with names, or those that have their turn."""
    return [case for case in cases if is_thorough() or _number(case) % _PART == 0]


def _number(case: Any) -> int:
    return crc32(getattr(case, "id", case).encode())


def samples_of(record: Primitive) -> tuple[Sample, ...]:
    """All of a record's, or the first."""
    return record.samples if is_thorough() else record.samples[:1]


def in_modes(cases: Iterable[Any], modes: Sequence[Any]) -> list[Any]:
    """Parameters of a test that takes a record, a sample and a mode: all, or those that have their turn.

    Which ones follows from their names, so that it is the same in each process and each run.
    """
    found, seen = [], set()
    for case in cases:
        record = case.values[0]
        turn = _number(case)
        for i, mode in enumerate(modes):
            if _is_due(i, len(modes), turn, is_first=record not in seen):
                name = getattr(mode, "__name__", str(mode)).removeprefix("check_")
                found.append(pytest.param(*case.values, mode, id=f"{case.id}-{name}"))
        seen.add(record)
    return found


def _is_due(mode: int, modes: int, turn: int, *, is_first: bool) -> bool:
    if is_thorough():
        return True
    if effort() == "fast":
        return is_first and mode == turn % modes
    return is_first or mode == turn % (modes * _PART)
