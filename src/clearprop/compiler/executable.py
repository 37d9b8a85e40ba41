"""One function at one combination of shapes, dtypes and fixed values."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Tree
from ..engine.garbage import no_collections
from ..errors import OutOfBoundsError
from ..graph.captured import watched
from ..graph.graph import Graph, Wire, evaluate_node
from ..graph.tracing import trace
from ..progress import progress
from .arguments import Arguments
from .report import Report


class Executable(ABC):
    """A traced function and, once its code is made, a way to run its graph.

    The user's code runs while an object of this class is created, never in `make`.
    """

    kinds: tuple[str, ...] = ("graph",)
    """Of source that there is to show."""

    def __init__(
        self,
        f: Callable[..., Any],
        arguments: Arguments,
        donate: tuple[str, ...],
    ) -> None:
        self.seconds: dict[str, float] = {}
        """What each step of compiling took."""
        with no_collections(), progress("tracing"):
            start = time.perf_counter()
            with watched(f, arguments.leaves, "compiled code") as around:
                self.graph: Graph = trace(f, *arguments.args, **arguments.kwargs)
            around.settle()
            self.read = around.places
            """What the function read besides its arguments: the code is for these very values."""
            self._places = arguments.places(f)
            self.prepare(arguments, arguments.donated(f, donate))
            self.seconds["trace"] = time.perf_counter() - start

    def make(self, fallback: Callable[..., Any]) -> None:
        """Make code of the graph."""
        with no_collections():
            self.generate()
        self.call = self.native(fallback) or fallback
        """The fastest callable for arguments like these; others it leaves to `fallback`."""

    @abstractmethod
    def prepare(self, arguments: Arguments, given: Sequence[bool]) -> None:
        """Find out what has to be known of the containers; `given` says what may be written over."""

    @abstractmethod
    def generate(self) -> None:
        """Make the code, without running any of the user's."""

    @abstractmethod
    def compute(self, flat: Sequence[AnyArray]) -> list[AnyArray]:
        """Return the outputs of the graph, for arrays in the order of its inputs."""

    @abstractmethod
    def report(self) -> Report:
        """Return the report on what became of the function."""

    def native(self, fallback: Callable[..., Any]) -> Callable[..., Any] | None:
        """Return a faster callable for positional arguments like those compiled for, where there is one.

        What is not as compiled for, it leaves to `fallback`.
        """
        return None

    def run(self, arguments: Arguments) -> Tree:
        """Return the function's results for arguments like those compiled for."""
        inputs = arguments.inputs
        flat = [np.asarray(inputs[place]) for place in self._places]
        try:
            outputs = self.compute(flat)
        except IndexError:
            outputs = evaluated(self.graph, flat)  # by NumPy, which says what is wrong
        assert self.graph.unpack is not None
        return self.graph.unpack(outputs)

    def source(self, kind: str) -> str:
        """Return the code at one level."""
        if kind == "graph":
            return str(self.graph)
        *most, last = map(repr, self.kinds)
        raise ValueError(f"source({kind!r}): there are {', '.join(most)} and {last}")


def evaluated(graph: Graph, flat: Sequence[AnyArray]) -> list[AnyArray]:
    """Return the outputs of a graph, by NumPy.

    Raises OutOfBoundsError where an index is out of range, naming the operation and its line.
    """
    opened = graph.open()
    env: dict[Wire, AnyArray] = {w: w.constant for w in opened.wires() if w.is_constant}
    env.update(zip(opened.inputs, flat, strict=True))
    for node in opened.nodes:
        try:
            results = evaluate_node(node, [env[wire] for wire in node.inputs])
        except IndexError as error:
            line = f", in {node.line}: {node.line.text}" if node.line else ""
            raise OutOfBoundsError(f"{graph.name}: {node.primitive.name}: {error}{line}") from None
        env.update(zip(node.outputs, results, strict=True))
    return [env[wire] for wire in opened.outputs]
