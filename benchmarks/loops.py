"""``python -m benchmarks.loops``: compiled loops beside JAX's scan, loops in Python, and C by hand."""

from __future__ import annotations

from typing import Any

from . import hand_c
from .compiled import CONTENDERS, MALLOC, Call, Contender, main
from .loop_workloads import WORKLOADS, heat, rnn
from .measure import Grid, Row, in_fresh_process
from .workloads import Workload

BY_HAND = {rnn: hand_c.rnn, heat: hand_c.heat}
"""Those that somebody has written in C."""


def c_by_hand(workload: Workload, arguments: tuple[Any, ...]) -> Call:
    if workload.function not in BY_HAND:
        raise NotImplementedError
    return BY_HAND[workload.function](arguments)


LOOPS: dict[str, Contender] = {
    **{name: CONTENDERS[name] for name in ("clearprop", "JAX", "PyTorch", "autograd")},
    "C by hand": ("numpy", c_by_hand),
}


def run(*, quick: bool = False, cores: int = 1) -> Grid:
    """Run everything on so many cores, in a process that has only those."""
    command = ["-m", "benchmarks.loops", "--json", *(["--quick"] if quick else [])]
    rows = [Row(**row) for row in in_fresh_process(command, cores=cores, environment=MALLOC)]
    return Grid(
        f"Compiled loops, on {'one core' if cores == 1 else f'{cores} cores'}",
        "clearprop",
        rows,
        "value and gradient; JAX by jit and scan, PyTorch and autograd as loops in Python; C by hand for the "
        "very sizes, gcc -O3 -march=native -ffast-math, shows what can be reached",
        "C by hand",
    )


if __name__ == "__main__":
    main(WORKLOADS, LOOPS, ["RNN, 1,000 steps, batch 1, width 8"])
