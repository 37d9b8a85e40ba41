"""A program of stages as the body of a function: names for its buffers, and the lines of its loops."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np

from ...errors import UnsupportedError
from ...stages.ir import Buffer, Host, Nest, Program
from ..targets import having
from .dialect import Dialect, Helpers
from .lines import Lines
from .loop_nests import nest_lines
from .routines import has_routine, routine_lines


class Layout:
    """What a function is put together from.

    Raises UnsupportedError where a stage has no form in the dialect.
    """

    def __init__(
        self, program: Program, dialect: Dialect, name: str, outputs: Mapping[int, str]
    ) -> None:
        """Lay out memory; `outputs` are names of results by their number, where they are to be others
        than the program's.
        """
        for stage in program.stages:
            if isinstance(stage, Host) and not has_routine(stage.node):
                raise _missing(stage, dialect)
        self.program, self.dialect = program, dialect
        self.taken: set[str] = set()
        self.name = dialect.spelling.identifier(name)
        self.names: dict[Buffer, str] = {}
        for number, b in enumerate(program.outputs):
            self.names[b] = self._unique(outputs.get(number, b.name))
        kept = [a.buffer for s in program.stages if isinstance(s, Nest) for a in s.kept.values()]
        for b in (*program.inputs, *program.buffers(), *kept):
            if b not in self.names:
                self.names[b] = self._unique(b.name)
        self.helpers: Helpers = set()
        self.places: dict[Buffer, int] = {}
        """Constant arrays that are used as indices, and how many places they choose from."""
        self.lines: list[str] = []
        for stage in program.stages:
            assert isinstance(stage, Nest | Host)  # others are left to routines, so far without any
            self.lines += ["", *self._stage(stage)]

    def _stage(self, stage: Nest | Host) -> list[str]:
        names = set(self.taken) if _is_in_loops(stage) else self.taken
        written: Lines
        if isinstance(stage, Host):
            written = routine_lines(stage, self.dialect, self.names, names)
        else:
            written = nest_lines(stage, self.dialect, self.names, names)
            self.helpers |= written.words.helpers
            self.places |= written.words.places
        self.taken |= written.outside
        return written.lines

    def _unique(self, name: str) -> str:
        name = self.dialect.spelling.identifier(name)
        base, count = name, 1
        while name in self.taken:
            count += 1
            name = f"{base}_{count}"
        self.taken.add(name)
        return name

    # ---- memory

    def temporaries(self) -> Iterator[Buffer]:
        """Yield the buffers that are made on the way; those of one number are variables."""
        return (b for b in self.program.buffers() if b.role == "temporary")

    def constants(self) -> Iterator[tuple[Buffer, str]]:
        """Yield arrays that the code reads, with their numbers: a loop without any round may not get
        to its own.
        """
        body = "\n".join(self.lines)
        for b in self.program.buffers():
            if b.role == "constant" and re.search(rf"\b{self.names[b]}\b", body):
                value = b.value.reshape(-1)
                if b in self.places:  # indices count from the end only in Python
                    value = np.where(value < 0, value + self.places[b], value)
                yield b, ", ".join(self.dialect.number(x, b.dtype) for x in value)


def _is_in_loops(stage: Nest | Host) -> bool:
    """Return whether variables of a stage stand within a loop, rather than being the function's."""
    if isinstance(stage, Host):
        return sum(n != 1 for n in stage.node.inputs[-1].spec.shape) > 1
    return len(stage.reduced) < len(stage.extents)


def _missing(stage: Host, dialect: Dialect) -> UnsupportedError:
    others = having(stage.node)
    hint = f"; targets that have it: {', '.join(others)}" if others else ""
    why = stage.why.replace("native code", "code")
    name = stage.node.primitive.name
    return UnsupportedError(f"{name} has no form in {dialect.name}: {why}{hint}")
