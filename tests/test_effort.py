"""What has its turn: less than everything, but of every record and every mode something."""

from __future__ import annotations

import pytest

from tests import effort
from tests.effort import in_modes, part_of

MODES = ("one", "two", "three")
CASES = [pytest.param(f"r{r}", i, id=f"r{r}-{i}") for r in range(50) for i in range(6)]


@pytest.fixture
def chosen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    monkeypatch.setattr(effort, "effort", lambda: request.param)
    return [case.values for case in in_modes(CASES, MODES)]


@pytest.mark.parametrize("chosen", ["all", "fuzz"], indirect=True)
def test_all(chosen: list[tuple]) -> None:
    assert chosen == [(*case.values, mode) for case in CASES for mode in MODES]


@pytest.mark.parametrize("chosen", ["fair"], indirect=True)
def test_fair(chosen: list[tuple]) -> None:
    first = {(record, mode) for record, sample, mode in chosen if sample == 0}
    assert len(first) == 50 * len(MODES)
    others = [(record, sample) for record, sample, _ in chosen if sample]
    assert len(others) == len(set(others)), "each in one mode"
    assert 250 / 5 < len(others) < 250 / 2
    assert {mode for _, sample, mode in chosen if sample} == set(MODES)
    assert {sample for _, sample, _ in chosen} == set(range(6))


@pytest.mark.parametrize("chosen", ["fast"], indirect=True)
def test_fast(chosen: list[tuple]) -> None:
    assert [record for record, _, _ in chosen] == [f"r{r}" for r in range(50)]
    assert {mode for _, _, mode in chosen} == set(MODES)
    assert {sample for _, sample, _ in chosen} == {0}


@pytest.mark.parametrize("level", effort.PROGRAMS)
def test_part_of(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "effort", lambda: level)
    names = [f"name {i}" for i in range(100)]
    found = part_of(names)
    assert (found == names) == (level in ("all", "fuzz"))
    assert found == [case.id for case in part_of(pytest.param(id=n) for n in names)]
    assert len(found) > 20
