"""Reports as tables: for the terminal and for Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table as RichTable

from .measure import Check, Grid, Report, Table


def show(report: Report | Grid | Table, console: Console) -> None:
    """Print one case."""
    if not isinstance(report, Report):
        _show_cells(report, console)
        return
    table = RichTable(title=report.title, caption=report.note, title_justify="left", min_width=60)
    table.add_column("")
    table.add_column(report.unit, justify="right")
    table.add_column(f"÷ {report.ours}", justify="right")
    for name, number, ratio in _rows(report):
        table.add_row(name, number, ratio, style="bold" if name == report.ours else None)
    console.print(table)
    for check in report.checks:
        console.print(_verdict(check), style="green" if check.met else "red")
    if best := _best(report):
        console.print(best)
    console.print()


def _show_cells(report: Grid | Table, console: Console) -> None:
    shown = RichTable(title=report.title, caption=report.note, title_justify="left")
    head, rows = _cells(report)
    shown.add_column(head[0], no_wrap=True)
    for name in head[1:]:
        shown.add_column(name, justify="right")
    for cells in rows:
        shown.add_row(*cells)
    console.print(shown)
    console.print()


def _cells(report: Grid | Table) -> tuple[list[str], list[list[str]]]:
    return _grid_cells(report) if isinstance(report, Grid) else _table_cells(report)


def _table_cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Each number, and MISSED behind one above its column's limit; nothing where there is none (NaN)."""
    rows = []
    for name, numbers in table.rows:
        pairs = zip(numbers, table.limits, strict=True)
        texts = (f"{n:.3g}{' MISSED' * (n > most)}" for n, most in pairs)
        rows.append([name, *("" if text == "nan" else text for text in texts)])
    heads = [
        f"{name} (at most {most:g})" if math.isfinite(most) else name
        for name, most in zip(table.columns, table.limits, strict=True)
    ]
    return ["", *heads], rows


def _grid_cells(grid: Grid) -> tuple[list[str], list[list[str]]]:
    """Microseconds for each contender, then the ratio, beside what was wanted, and the first calls."""
    has_bars = any(row.bar is not None for row in grid.rows)
    rows = []
    for row in grid.rows:
        times = [
            f"{row.seconds[n] * 1e6:,.1f}" if n in row.seconds else "" for n in grid.contenders
        ]
        ratio = grid.ratio(row)
        cells = [row.task, *times, f"{ratio:.2f}"]
        if grid.limit:
            reached = row.seconds[grid.ours] / row.seconds.get(grid.limit, float("nan"))
            cells.append(f"{reached:.2f}".replace("nan", ""))
        if has_bars:
            met = row.bar is not None and ratio >= row.bar
            first = row.first[grid.ours] / row.first["JAX"] if "JAX" in row.first else float("nan")
            cells += [f"{row.bar:g}, {'met' if met else 'MISSED'}", f"{first:.2f}"]
        rows.append(cells)
    head = ["µs per call", *grid.contenders, "best peer ÷ ours"]
    head += [f"ours ÷ {grid.limit}"] if grid.limit else []
    return [*head, *(["wanted", "first call ÷ JAX's"] if has_bars else [])], rows


def _cells_markdown(report: Grid | Table) -> list[str]:
    head, rows = _cells(report)
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    lines += [f"| {' | '.join(cells)} |" for cells in rows]
    return [f"## {report.title}", f"{report.note}.", "\n".join(lines)]


def to_markdown(reports: Sequence[Report | Grid | Table], machine: Mapping[str, str]) -> str:
    """All cases as one page."""
    parts = [
        "# Measured",
        "Written by `make bench`: contenders take turns in one run, and medians count. "
        + " · ".join(f"{name} {value}" for name, value in machine.items()),
    ]
    for report in reports:
        if not isinstance(report, Report):
            parts += _cells_markdown(report)
            continue
        lines = [f"| | {report.unit} | ÷ {report.ours} |", "|---|---:|---:|"]
        lines += [f"| {' | '.join(row)} |" for row in _rows(report)]
        parts += [f"## {report.title}", f"{report.note}.", "\n".join(lines)]
        verdicts = [_verdict(check) for check in report.checks]
        if best := _best(report):
            verdicts.append(best)
        parts.append("\n".join(f"- {line}" for line in verdicts))
    return "\n\n".join(parts) + "\n"


def _rows(report: Report) -> list[tuple[str, str, str]]:
    ours = report.numbers[report.ours]
    return [(name, f"{n:.3g}", f"{n / ours:.2f}×") for name, n in report.numbers.items()]


def _verdict(check: Check) -> str:
    return (
        f"{check.what}: {check.value:.3g}, at most {check.limit:g} wanted: "
        f"{'met' if check.met else 'MISSED'}"
    )


def _best(report: Report) -> str:
    if report.best_peer is None:
        return ""
    ratio = report.numbers[report.ours] / report.numbers[report.best_peer]
    return f"best of the others: {report.best_peer}; {report.ours} takes {ratio:.2f}× its time"
