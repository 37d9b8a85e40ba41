"""`source(..., to="c")`: one function over memory of the caller's, and its header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..derived import Derived
from ..loops.callable_code import LoopCode, Run, Running, running
from ..loops.lowering import lowered
from ..target import RUN_INSTEAD, Code, Target
from .c_dialect import DIALECT
from .c_function import CFunction, c_function
from .compile_and_load import compiler, run_c
from .operators import SPELLING


class C(Target):
    """C99, through the compiler's stages."""

    name = "c"
    spelling = SPELLING
    highlighting = "c"

    def write(self, derived: Derived) -> Code:
        made = lowered(derived, DIALECT.name)
        function = c_function(made.program, name=derived.problem.name, outputs=made.names)
        return CCode(derived, made, function)


@dataclass(frozen=True, eq=False)
class CCode(LoopCode):
    """A C function."""

    function: CFunction
    not_run = (
        f"There is no C compiler here, so this code was neither compiled nor run: {RUN_INSTEAD}"
    )

    def text(self, header: Sequence[str] = (), steps: Sequence[str] = ()) -> str:
        """Return the header and the source, one after the other, each under its file's name."""
        parts = [(f"/* ---- {n} */", "", text) for n, text in self.files(header, steps).items()]
        return "\n".join(line for part in reversed(parts) for line in part)

    def files(self, header: Sequence[str], steps: Sequence[str]) -> dict[str, str]:
        made = replace(self.function, comments=(*header, *steps))
        return {f"{made.name}.c": made.source, f"{made.name}.h": made.header}

    def start(self) -> Running | None:
        return running(self.function, _start, self.lowered.shapes)


def _start(function: CFunction) -> Run | None:
    return None if compiler() is None else run_c(function)


TARGET = C()
