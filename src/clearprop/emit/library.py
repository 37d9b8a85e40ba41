"""Targets that are array libraries: their code is a Python module, run where the library is installed."""

from __future__ import annotations

import linecache
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import GradientMismatch
from ..graph.graph import Node
from .derived import Derived
from .draft import Draft, draft
from .languages import Language
from .problem import Problem
from .target import RUN_INSTEAD, Code, Target, commented
from .verify import instead


class Library(Target):
    """An array library: how it writes operations is its `language`."""

    language: Language

    @property
    def package(self) -> str:
        """The package that the code imports."""
        return self.name

    @abstractmethod
    def body(self, draft: Draft) -> str:
        """Return the text, without its header."""

    @abstractmethod
    def public_name(self, problem: Problem) -> str:
        """Return the name of what the code defines."""

    @abstractmethod
    def call(
        self, problem: Problem, function: Any, args: Any, kwargs: Any
    ) -> tuple[list[Any], list[Any]]:
        """Return values and gradients as flat lists of NumPy arrays."""

    def write(self, derived: Derived) -> Code:
        return Module(self, derived, self.body(draft(derived, self.language)))

    def has(self, node: Node) -> bool:
        return self.language.has(node)

    def stored(self, function: Any) -> Any:
        return None if function is None else (function.__module__, function.__name__)

    def restored(self, stored: Any, text: str, blocks: Mapping[str, Any]) -> Any:
        if stored is None or find_spec(self.package) is None:
            return None
        file, name = stored
        return loaded(file, text, blocks)[name]


@dataclass(frozen=True, eq=False)
class Module(Code):
    """Python code, which is loaded from its text."""

    target: Library
    derived: Derived
    body: str

    def text(self, header: Sequence[str] = (), steps: Sequence[str] = ()) -> str:
        return commented("#", self.target.spelling, self.body, header, steps)

    @property
    def not_run(self) -> str:  # type: ignore[override]
        why = f"{self.target.package} is not installed here, so this code was not run:"
        return f"{why} {RUN_INSTEAD}"

    def load(self, text: str) -> Any:
        if find_spec(self.target.package) is None:
            return None
        problem = self.derived.problem
        kind = "" if self.target.name == "numpy" else f" for {self.target.name}"
        space = loaded(f"<clearprop source {problem.title}{kind}>", text, self.derived.blocks)
        return space[self.target.public_name(problem)]

    def run(self, function: Any, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        problem = self.derived.problem
        args, kwargs = problem.unflatten([_kept(x) for x in leaves])
        try:
            return self.target.call(problem, function, args, kwargs)
        except Exception as error:
            raise GradientMismatch(
                f"the code written for {problem.title} raised {type(error).__name__}: {error}. "
                f"{instead(problem)}"
            ) from error


def loaded(file: str, text: str, blocks: Mapping[str, Any]) -> dict[str, Any]:
    """Return the module that the code makes, with the blocks that it calls.

    Tracebacks and debuggers can show its lines.
    """
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space: dict[str, Any] = {"__name__": file, **blocks}
    exec(compile(text, file, "exec"), space)
    return space


def _kept(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x
