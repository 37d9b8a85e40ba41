"""`source(..., to="javascript")`: one function over typed arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..derived import Derived
from ..loops.callable_code import LoopCode, Run, Running, running
from ..loops.lowering import lowered
from ..target import RUN_INSTEAD, Code, Target, commented
from .js_dialect import DIALECT
from .js_function import Script, script
from .js_operators import SPELLING
from .node_process import node, run_script


class JavaScript(Target):
    """JavaScript, through the compiler's stages."""

    name = "javascript"
    spelling = SPELLING
    highlighting = "javascript"

    def write(self, derived: Derived) -> Code:
        made = lowered(derived, DIALECT.name)
        return JavaScriptCode(derived, made, script(made, derived.problem.name))


@dataclass(frozen=True, eq=False)
class JavaScriptCode(LoopCode):
    """A module that exports one function."""

    script: Script
    not_run = f"Node is not installed here, so this code was not run: {RUN_INSTEAD}"

    def text(self, header: Sequence[str] = (), steps: Sequence[str] = ()) -> str:
        code = f"\n{self.script.text}" if header else self.script.text
        return commented("//", SPELLING, code, header, steps)

    def start(self) -> Running | None:
        return running(self.script, _start, self.lowered.shapes)


def _start(written: Script) -> Run | None:
    return None if node() is None else run_script(written)


TARGET = JavaScript()
