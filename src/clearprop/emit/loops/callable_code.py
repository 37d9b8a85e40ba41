"""Code of loops as a Python function, to be verified with."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import CompileError, DtypeError, ShapeError
from ..derived import Derived
from ..target import Code
from .lowering import Lowered

Run = Callable[[Sequence[Any]], list[Any]]
"""Takes the inputs as arrays, and gives the results."""


class Running:
    """A function of a list of arrays that returns the values and the gradients.

    It is pickled as what was written, and run anew where it is unpickled: None if nothing there can.
    """

    def __init__(
        self, run: Run, made: Any, start: Callable[[Any], Run | None], shapes: Any
    ) -> None:
        self._run = run
        self.made, self.start, self.shapes = made, start, shapes

    def __call__(self, arrays: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        results = iter(self._run(self._checked(arrays)))
        values, gradients = ([next(results).reshape(s)[()] for s in group] for group in self.shapes)
        return values, gradients

    def _checked(self, arrays: Sequence[Any]) -> list[Any]:
        """Return what goes in as arrays. Of other sizes, C would read what lies behind them."""
        name, inputs = self.made.name, self.made.inputs
        wanted = f"{name} takes a list of {len(inputs)} arrays: {', '.join(b.name for b in inputs)}"
        if not isinstance(arrays, list | tuple):
            raise CompileError(f"{wanted}; got {type(arrays).__name__}. Write function([...])")
        if len(arrays) != len(inputs):
            raise CompileError(f"{wanted}; got {len(arrays)}")
        given = [np.asarray(x) for x in arrays]
        for b, x in zip(inputs, given, strict=True):
            if x.shape != b.spec.shape:
                raise ShapeError(
                    f"{name}: {b.name} has shape {x.shape}, written for {b.spec.shape}; "
                    f"for other shapes, call clearprop.source again"
                )
            if not np.can_cast(x.dtype, b.dtype, "same_kind"):
                raise DtypeError(
                    f"{name}: {b.name} has dtype {x.dtype}, written for {b.dtype}; "
                    f"for other dtypes, call clearprop.source again"
                )
        return given

    def __reduce__(self) -> tuple[Any, ...]:
        return running, (self.made, self.start, self.shapes)


def running(made: Any, start: Callable[[Any], Run | None], shapes: Any) -> Running | None:
    """Return the written code as a function; None where nothing here can run it."""
    run = start(made)
    return None if run is None else Running(run, made, start, shapes)


@dataclass(frozen=True, eq=False)
class LoopCode(Code):
    """A function over arrays, and what it was derived for."""

    derived: Derived
    lowered: Lowered

    @abstractmethod
    def start(self) -> Running | None:
        """Return the code as a function; None where nothing here can run it."""

    @cached_property
    def _started(self) -> Running | None:
        return self.start()

    def load(self, text: str) -> Any:
        """Return the code as started once: comments change nothing."""
        return self._started

    def run(self, function: Any, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        problem = self.derived.problem
        arrays = [np.asarray(leaves[i]) for i in problem.wire_at]
        values, gradients = function([*arrays, *map(np.asarray, problem.seeds)])
        return values, gradients
