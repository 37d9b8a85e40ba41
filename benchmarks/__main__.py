"""``python -m benchmarks``: run every case, print the tables, write results.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from . import (
    calls,
    chain,
    compiled,
    compiled_on_two,
    costs,
    drop_in,
    epoch,
    gradbench,
    import_time,
    large_layers,
    loop_gradients,
    loops,
    loops_on_two,
    machine,
    operations,
    report,
    source,
    straight_lines,
    training_step,
)

CASES = {
    "training_step": training_step,
    "chain": chain,
    "large_layers": large_layers,
    "import_time": import_time,
    "compiled": compiled,
    "compiled_on_two": compiled_on_two,
    "loops": loops,
    "loops_on_two": loops_on_two,
    "loop_gradients": loop_gradients,
    "epoch": epoch,
    "gradbench": gradbench,
    "straight_lines": straight_lines,
    "costs": costs,
    "operations": operations,
    "calls": calls,
    "drop_in": drop_in,
    "source": source,
}
RESULTS = Path(__file__).parent / "results.md"


def main() -> None:
    """Run the cases that were asked for; only a full run is written down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "case", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all if none"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    options = parser.parse_args()
    unknown = set(options.case) - set(CASES)
    if unknown:
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    console = Console()
    facts = machine.facts()
    console.print(" · ".join(f"{name} {value}" for name, value in facts.items()), "\n")
    reports = []
    for name in options.case or CASES:
        with console.status(f"measuring {name}"):
            found = CASES[name].run(quick=options.quick)
        report.show(found, console)
        reports.append(found)
    if not options.case and not options.quick:
        RESULTS.write_text(report.to_markdown(reports, facts), encoding="utf-8")
        console.print(f"written to {RESULTS.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
