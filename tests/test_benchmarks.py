"""The benchmarks run, on tiny sizes; what they measure is no matter for a test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rich.console import Console

from benchmarks import (
    chain,
    compiled,
    epoch,
    gradbench,
    import_time,
    large_layers,
    loop_gradients,
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


def test_gradients_of_loops_report_every_task() -> None:
    pytest.importorskip("llvmlite")
    found = loop_gradients.run(quick=True)
    assert [name for name, _ in found.rows] == list(loop_gradients.TASKS)
    assert all(number > 0 for _, numbers in found.rows for number in numbers)


def test_an_epoch_comes_to_the_same_parameters_in_every_way() -> None:
    pytest.importorskip("llvmlite")
    found = epoch.run(quick=True)
    assert found.numbers["scan"] > 0
    assert len(found.checks) == 2


def test_gradbench_reports_an_evaluation() -> None:
    pytest.importorskip("llvmlite")
    (row,) = gradbench.run(quick=True).rows
    assert row.task == "ode gradient, n=1000, s=1"
    assert row.seconds["clearprop"] > 0


def _evaluated(module: str, function: str, given: dict[str, object]) -> object:
    tool = gradbench.TOOLS["clearprop"]()
    message = {"id": 3, "kind": "evaluate", "module": module, "function": function}
    found = gradbench.answer(tool, {**message, "input": {**given, "min_runs": 2, "min_seconds": 0}})
    assert found["id"] == 3
    assert found["success"]
    assert [timing["name"] for timing in found["timings"]] == ["evaluate"] * 2
    return found["output"]


def test_gradbench_ode_by_hand() -> None:
    x = [0.5, 0.7, 0.9]
    # y0 = x0 t, y1 = x0 x1 t²/2, y2 = x0 x1 x2 t³/6: the method is exact for polynomials of the fourth degree
    y = np.cumprod(x) * [2.0, 2.0, 8 / 6]
    np.testing.assert_allclose(_evaluated("ode", "primal", {"x": x, "s": 5}), y, rtol=1e-13)
    gradient = _evaluated("ode", "gradient", {"x": x, "s": 5})
    np.testing.assert_allclose(gradient, y[-1] / np.array(x), rtol=1e-13)


def test_gradbench_lstm_by_differences() -> None:
    rng = np.random.default_rng(0)
    given = {
        "main_params": rng.random((4, 12)),
        "extra_params": rng.random((3, 3)),
        "state": rng.random((4, 3)),
        "sequence": rng.integers(0, 2, (5, 3)).astype(float),
    }
    gradient = _evaluated("lstm", "jacobian", given)
    found, h = [], 1e-6
    for name in ("main_params", "extra_params"):
        for at in np.ndindex(given[name].shape):
            sides = []
            for nudge in (h, -h):
                moved = given[name].copy()
                moved[at] += nudge
                sides.append(_evaluated("lstm", "objective", {**given, name: moved}))
            found.append((sides[0] - sides[1]) / (2 * h))
    np.testing.assert_allclose(gradient, found, rtol=1e-6, atol=1e-9)


def test_gradbench_messages_are_acknowledged() -> None:
    tool = gradbench.TOOLS["clearprop"]()
    assert gradbench.answer(tool, {"id": 0, "kind": "start"}) == {"id": 0, "tool": "clearprop"}
    define = {"id": 1, "kind": "define", "module": "ode"}
    assert gradbench.answer(tool, define) == {"id": 1, "success": True}
    assert not gradbench.answer(tool, {**define, "module": "gmm"})["success"]
    other = {"id": 2, "kind": "evaluate", "module": "ode", "function": "hessian", "input": {}}
    assert gradbench.answer(tool, other) == {
        "id": 2,
        "success": False,
        "error": "there is no hessian in ode",
    }
    assert gradbench.answer(tool, {"id": 4, "kind": "analysis", "of": 3}) == {"id": 4}


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
