"""What is made of a graph before LLVM sees it: stages, kernels, and where results go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..graph.graph import Graph
from ..native.branching import Native, may_stop_late
from ..native.kernel import Kernel
from ..native.services import services_of
from ..passes import expand, simplify
from ..progress import progress
from ..stages import fuse
from ..stages.bounds import with_bounds
from ..stages.buffers import donors
from ..stages.ir import Buffer, Host, Program, touched_by
from ..stages.verifier import verify

_LONG = 5_000
"""Vector operations in a call from which other threads may run meanwhile."""


@dataclass(frozen=True)
class PlanSummary:
    """What has to be known of a plan to call its code."""

    arena: int
    """Bytes of temporary memory."""
    is_long: bool
    """Whether other threads should run meanwhile."""
    donors: tuple[int | None, ...]
    """For each output, the number of the input that it is written over."""
    may_stop: bool
    """Whether it may find that it cannot go on, by an index out of range or a matrix without an inverse."""
    services: tuple[str, ...]
    """What it needs of the process, by the names in `SERVICES`."""


class Plan:
    """The program of a graph and its kernels; `given` says which inputs may be written over."""

    def __init__(self, graph: Graph, given: Sequence[bool]) -> None:
        start = time.perf_counter()
        with progress("simplifying"):
            self.graph = simplify(expand(graph))
            asked, stops, self.is_refused = with_bounds(self.graph)
        with progress(f"making stages of {len(asked.nodes):,} operations"):
            self.program: Program = fuse(asked, stops=stops)
            verify(self.program)
        buffers = [b for b, is_given in zip(self.program.inputs, given, strict=True) if is_given]
        self.donors: dict[Buffer, Buffer] = {}
        if not self.has_host and not may_stop_late(
            self.program.stages
        ):  # else arguments must stay as they are until the end
            self.donors = donors(self.program, buffers)
        staged = time.perf_counter()
        with progress(f"writing code for {len(self.program.stages):,} stages"):
            self.steps = self._steps()
        self.seconds = {"stages": staged - start, "code": time.perf_counter() - staged}

    @property
    def has_host(self) -> bool:
        """True if something is left to NumPy."""
        return any(isinstance(stage, Host) for stage in self.program.stages)

    @property
    def kernels(self) -> list[Kernel]:
        """The native parts."""
        return [step for step in self.steps if isinstance(step, Kernel)]

    @property
    def summary(self) -> PlanSummary:
        """Return what the entry of a plan with one kernel has to know."""
        (kernel,) = self.kernels
        inputs = self.program.inputs
        places = [self.donors.get(b) for b in self.program.outputs]
        numbers = tuple(None if b is None else inputs.index(b) for b in places)
        return PlanSummary(
            kernel.arena.bytes,
            kernel.work > _LONG,
            numbers,
            kernel.may_stop,
            tuple(services_of([kernel])),
        )

    def _steps(self) -> list[Kernel | Host]:
        """Return the steps: runs of nests as kernels, and what NumPy computes between them."""
        runs: list[list[Native] | Host] = []
        for stage in self.program.stages:
            if isinstance(stage, Host):
                runs.append(stage)
            elif runs and isinstance(runs[-1], list):
                runs[-1].append(stage)
            else:
                runs.append([stage])
        if not self.has_host:
            native = [stage for stage in self.program.stages if not isinstance(stage, Host)]
            arguments = [*self.program.inputs, *self.program.outputs]
            return [Kernel("kernel", native, arguments, self.program.stops)]
        used = [_used(run) for run in runs]
        ends = {*self.program.inputs, *self.program.outputs}
        steps: list[Kernel | Host] = []
        for i, run in enumerate(runs):
            if isinstance(run, Host):
                steps.append(run)
                continue
            others = ends.union(*used[:i], *used[i + 1 :])
            shared = [b for b in used[i] if b in others and b.role != "constant"]
            steps.append(Kernel(f"kernel{i}", run, shared, self.program.stops))
        return steps


def _used(run: list[Native] | Host) -> list[Buffer]:
    """Return the buffers of a run, in an order that is the same in every process."""
    if isinstance(run, Host):
        return list(dict.fromkeys((*run.reads(), *run.writes())))
    return list(dict.fromkeys(b for stage in run for b in touched_by(stage)))
