"""One function at one combination of shapes, dtypes and fixed values."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import Graph
from ..tracing import named_inputs, trace
from .arguments import alike
from .report import Report


class Executable(ABC):
    """A traced function and a way to run its graph."""

    kinds: tuple[str, ...] = ("graph",)
    """Of source that there is to show."""

    def __init__(
        self, f: Callable[..., Any], args: Any, kwargs: Any, donate: tuple[str, ...]
    ) -> None:
        start = time.perf_counter()
        self.function, self.args, self.kwargs = f, args, kwargs
        self.graph: Graph = trace(f, *args, **kwargs)
        self.seconds = {"trace": time.perf_counter() - start}
        """What each step of compiling took."""
        self.prepare(self.graph, donate)

    @abstractmethod
    def prepare(self, graph: Graph, donate: tuple[str, ...]) -> None:
        """Make code of the graph."""

    @abstractmethod
    def compute(self, flat: Sequence[Any]) -> list[Any]:
        """The outputs of the graph, for arrays in the order of its inputs."""

    @abstractmethod
    def report(self) -> Report:
        """What became of the function."""

    def native(self, fallback: Callable[..., Any]) -> Callable[..., Any] | None:
        """A faster callable for positional arguments like those compiled for, where there is one.

        What is not as compiled for, it leaves to `fallback`.
        """
        return None

    def run(self, args: Any, kwargs: Any) -> Any:
        """The function's results for arguments like those compiled for."""
        flat = [np.asarray(x) for _, x in named_inputs(self.function, *alike(args, kwargs))]
        assert self.graph.unpack is not None
        return self.graph.unpack(self.compute(flat))

    def source(self, kind: str) -> str:
        """The code at one level."""
        if kind == "graph":
            return str(self.graph)
        *most, last = map(repr, self.kinds)
        raise ValueError(f"source({kind!r}): there are {', '.join(most)} and {last}")
