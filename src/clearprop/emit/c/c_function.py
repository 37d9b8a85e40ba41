"""A program of stages as one C function and its header."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...stages.buffers import arrange
from ...stages.ir import Buffer, Program, read_by
from ..loops.memory_layout import Layout
from .c_dialect import DIALECT
from .operators import HELPERS, SPELLING, helper, type_of


@dataclass(frozen=True)
class CFunction:
    """C source with its header."""

    name: str
    prototype: str
    definition: str
    """The source behind its first comment."""
    workspace: int
    """Bytes of memory that the caller lends to it, aligned as for a double; 0: it takes none."""
    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    comments: tuple[str, ...] = ()
    """Lines of the comment before the function, in both files."""

    @property
    def source(self) -> str:
        return "\n".join([*self._comment(), self.definition])

    @property
    def header(self) -> str:
        guard, size = f"{self.name.upper()}_H", f"{self.name.upper()}_WORKSPACE"
        lines = [f"#ifndef {guard}", f"#define {guard}", "", "#include <stdint.h>", ""]
        if self.workspace:
            lines += [f"#define {size} {self.workspace} /* bytes, aligned as for a double */", ""]
        lines += [*self._comment(), f"{self.prototype};", "", "#endif"]
        return "\n".join(lines) + "\n"

    def _comment(self) -> list[str]:
        if not self.comments:
            return []
        first, *rest = map(SPELLING.comment, self.comments)
        return [f"/* {first}", *(f" * {line}".rstrip() for line in rest), " */"]


def c_function(
    program: Program,
    *,
    name: str,
    comments: Sequence[str] = (),
    outputs: Mapping[int, str] | None = None,
) -> CFunction:
    """Write a program of stages.

    Parameters
    ----------
    program : readable stages (`fuse` with ``readable=True``) without any left to NumPy
    name : of the function
    comments : lines for the comment before it
    outputs : names of results by their number, where they are to be others than the program's

    Raises
    ------
    UnsupportedError : an operation has no form in C.
    """
    return _Writer(Layout(program, DIALECT, name, outputs or {}), comments).write()


class _Writer:
    def __init__(self, layout: Layout, comments: Sequence[str]) -> None:
        self.layout, self.comments = layout, comments
        self.program, self.names = layout.program, layout.names
        single = [b for b in layout.temporaries() if b.size == 1]
        self.single = list(dict.fromkeys(single))
        outside = {*self.program.inputs, *self.program.outputs, *self.single}
        steps = [[stage] for stage in self.program.stages]
        self.arena = arrange(steps, outside, lambda step: 0, hand_on=False)

    def write(self) -> CFunction:
        layout, workspace = self.layout, self.arena.bytes
        prototype = self._prototype(workspace)
        definition = [
            "#include <math.h>",
            "#include <stdint.h>",
            f'#include "{layout.name}.h"',
            *self._helpers(),
            *self._constants(),
            "",
            prototype,
            "{",
            *(f"    {line}" if line else "" for line in [*self._memory(), *layout.lines]),
            "}",
        ]
        return CFunction(
            layout.name,
            prototype,
            "\n".join(definition) + "\n",
            workspace,
            tuple(self.program.inputs),
            tuple(self.program.outputs),
            tuple(self.comments),
        )

    def _prototype(self, workspace: int) -> str:
        parts = []
        for b in self.program.inputs:
            text = type_of(b.dtype)
            parts.append(
                f"{text} {self.names[b]}" if not b.spec.shape else f"const {text} *{self.names[b]}"
            )
        parts += [f"{type_of(b.dtype)} *{self.names[b]}" for b in self.program.outputs]
        parts += ["void *workspace"] if workspace else []
        line = f"void {self.layout.name}({', '.join(parts) or 'void'})"
        if len(line) <= 100:
            return line
        return f"void {self.layout.name}(\n    " + ",\n    ".join(parts) + ")"

    def _helpers(self) -> list[str]:
        lines = []
        for name, text in sorted(self.layout.helpers):
            f = "f" if text == "float" else ""
            written = HELPERS[name].format(T=text, f=f)
            if text not in ("float", "double"):
                written = written.replace(" || x != x", "")  # no whole number is NaN
            lines += ["", "static " + re.sub(rf"\b{name}\(", f"{helper(name, text)}(", written)]
        return lines

    def _constants(self) -> list[str]:
        lines = []
        for b, numbers in self.layout.constants():
            name = f"{self.names[b]}[{b.size}]"
            lines += ["", f"static const {type_of(b.dtype)} {name} = {{{numbers}}};"]
        return lines

    def _memory(self) -> list[str]:
        """Declare the memory of temporaries; tell the compiler about parameters that nothing reads."""
        read = {b for stage in self.program.stages for b in read_by(stage)}
        lines = [f"(void){self.names[b]};" for b in self.program.inputs if b not in read]
        for b in self.single:
            lines.append(f"{type_of(b.dtype)} {self.names[b]};")
        for b, offset in self.arena.offsets.items():
            text = type_of(b.dtype)
            start = f"(char *)workspace + {offset}" if offset else "workspace"
            wrapped = f"({text} *)({start})" if offset else f"({text} *){start}"
            shape = " x ".join(map(str, b.spec.shape))
            lines.append(f"{text} *{self.names[b]} = {wrapped}; /* {shape} */")
        return lines
