"""A graph as NumPy code: what is run where there is no LLVM."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from ..engine.array_types import AnyArray
from ..passes import simplify
from .arguments import Arguments
from .executable import Executable
from .report import Report
from .runnable import runnable
from .trial import missing


class PlainExecutable(Executable):
    """A Python function without loops or lookups, in which each value is gone after its last use."""

    kinds = ("graph", "numpy")

    def prepare(self, arguments: Arguments, given: Sequence[bool]) -> None:
        """Do nothing: there is nothing to find out."""

    def generate(self) -> None:
        start = time.perf_counter()
        self.graph = simplify(self.graph.open())
        self.text, names = runnable(self.graph)
        exec(compile(self.text, f"<compiled {self.graph.name}>", "exec"), names)
        self._call = names["compiled"]
        self.seconds["NumPy source"] = time.perf_counter() - start

    def compute(self, flat: Sequence[AnyArray]) -> list[AnyArray]:
        return [np.array(x)[()] for x in self._call(*flat)]

    def report(self) -> Report:
        lines = [
            f"{self.graph.name}: {len(self.graph.nodes)} operations as NumPy code, "
            f"since {missing()}",
            *(f"  {what} {seconds * 1e3:.1f} ms" for what, seconds in self.seconds.items()),
        ]
        return Report("\n".join(lines))

    def source(self, kind: str) -> str:
        return self.text if kind == "numpy" else super().source(kind)
