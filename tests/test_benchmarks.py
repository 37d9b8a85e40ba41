"""The benchmarks run, on tiny sizes; what they measure is no matter for a test."""

from __future__ import annotations

import math

import pytest
from rich.console import Console

from benchmarks import (
    chain,
    compiled,
    import_time,
    large_layers,
    loops,
    report,
    source,
    straight_lines,
    training_step,
)
from benchmarks.measure import Check, Grid, Report, Row, interleaved


@pytest.mark.parametrize("case", [training_step, chain, large_layers, import_time, source])
def test_a_case_reports_numbers(case: object, capsys: pytest.CaptureFixture[str]) -> None:
    found = case.run(quick=True)  # type: ignore[attr-defined]
    assert found.ours in found.numbers
    assert set(found.peers) <= set(found.numbers)
    assert all(math.isfinite(n) and n > 0 for n in found.numbers.values())
    report.show(found, Console())
    assert found.title in capsys.readouterr().out


def test_compiled_reports_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("llvmlite")
    found = compiled.run(quick=True)
    assert found.rows[0].task == "sigmoid neuron"
    assert all(0 < row.seconds["clearprop"] <= row.first["clearprop"] for row in found.rows)
    report.show(found, Console(width=200))
    assert "sigmoid neuron" in capsys.readouterr().out


def test_a_grid_names_what_was_missed() -> None:
    row = Row("task", {"ours": 2e-6, "JAX": 6e-6, "slow": 1e-3}, {"ours": 0.1, "JAX": 0.4}, 5.0)
    page = report.to_markdown([Grid("Grid", "ours", [row], "note")], {})
    assert "| µs per call | ours | JAX | slow |" in page
    assert "| task | 2.0 | 6.0 | 1,000.0 | 3.00 | 5, MISSED | 0.25 |" in page


def test_a_limit_is_no_peer() -> None:
    row = Row("task", {"ours": 2e-6, "JAX": 6e-6, "C": 1e-6}, {"ours": 0.1, "JAX": 0.4}, 3.0)
    page = report.to_markdown([Grid("Grid", "ours", [row], "note", "C")], {})
    assert "| task | 2.0 | 6.0 | 1.0 | 3.00 | 2.00 | 3, met | 0.25 |" in page


def test_loops_report_every_task() -> None:
    pytest.importorskip("llvmlite")
    (row,) = loops.run(quick=True).rows
    assert row.task == "RNN, 1,000 steps, batch 1, width 8"
    assert row.seconds["clearprop"] > 0


def test_contenders_take_turns_at_going_first() -> None:
    calls: list[str] = []
    times = interleaved(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2, seconds=0
    )
    assert calls[-4:] == ["a", "b", "b", "a"]
    assert times.keys() == {"a", "b"}


def test_a_page_names_the_best_peer_and_what_was_missed() -> None:
    found = Report(
        "Case",
        "ms",
        {"ours": 2.0, "slow": 4.0, "slower": 8.0},
        ours="ours",
        checks=[Check("ours ÷ slow", 0.5, 0.4)],
        peers=["slow", "slower"],
    )
    page = report.to_markdown([found], {"Python": "3"})
    assert "| slower | 8 | 4.00× |" in page
    assert "ours ÷ slow: 0.5, at most 0.4 wanted: MISSED" in page
    assert "best of the others: slow; ours takes 0.50× its time" in page


def test_straight_lines_report_every_program() -> None:
    pytest.importorskip("llvmlite")
    found = straight_lines.run(quick=True)
    names = {name.partition(",")[0] for name, _ in found.rows}
    assert {"RNN", "leapfrog", "scalars at random"} <= names
    assert all(len(numbers) == len(found.columns) and numbers[0] > 0 for _, numbers in found.rows)
