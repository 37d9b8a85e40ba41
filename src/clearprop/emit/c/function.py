"""A program of stages as one C function and its header."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import UnsupportedError
from ...stages.language import Buffer, Host, Nest, Program
from ...stages.memory import arrange
from ..targets import having
from .nests import nest_lines
from .words import HELPERS, SPELLING, helper, number, type_of


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
    return _Writer(program, name, comments, outputs or {}).write()


class _Writer:
    def __init__(
        self, program: Program, name: str, comments: Sequence[str], outputs: Mapping[int, str]
    ) -> None:
        for stage in program.stages:
            if isinstance(stage, Host):
                others = having(stage.node)
                hint = f"; targets that have it: {', '.join(others)}" if others else ""
                why = stage.why.replace("native code", "code")
                raise UnsupportedError(f"{stage.node.primitive.name} has no form in C: {why}{hint}")
        self.program, self.comments = program, comments
        self.nests = [stage for stage in program.stages if isinstance(stage, Nest)]
        self.taken: set[str] = set()
        self.places: dict[Buffer, int] = {}
        self.name = SPELLING.identifier(name)
        self.names: dict[Buffer, str] = {}
        for number_, b in enumerate(program.outputs):
            self.names[b] = self._unique(outputs.get(number_, b.name))
        for b in (*program.inputs, *program.buffers()):
            if b not in self.names:
                self.names[b] = self._unique(b.name)
        scratch = [a.buffer for nest in self.nests for a in nest.kept.values()]
        for b in scratch:
            self.names.setdefault(b, self._unique(b.name))
        outside = {*program.inputs, *program.outputs, *self._single()}
        self.arena = arrange([[n] for n in self.nests], outside, lambda step: 0, hand_on=False)

    def _single(self) -> list[Buffer]:
        """Temporaries of one number, which are variables."""
        return [b for b in self.program.buffers() if b.role == "temporary" and b.size == 1]

    # ---- names

    def _unique(self, name: str) -> str:
        name = SPELLING.identifier(name)
        base, count = name, 1
        while name in self.taken:
            count += 1
            name = f"{base}_{count}"
        self.taken.add(name)
        return name

    # ---- text

    def write(self) -> CFunction:
        body, helpers = [], set[tuple[str, str]]()
        for nest in self.nests:
            # what stands in no loop is a variable of the function
            free = len(nest.reduced) < len(nest.extents)
            names = set(self.taken) if free else self.taken
            lines, words = nest_lines(nest, self._reference, names)
            body += ["", *lines]
            helpers |= words.helpers
            self.places |= words.places
        workspace = self.arena.bytes
        prototype = self._prototype(workspace)
        definition = [
            "#include <math.h>",
            "#include <stdint.h>",
            f'#include "{self.name}.h"',
            *self._helpers(helpers),
            *self._constants("\n".join(body)),
            "",
            prototype,
            "{",
            *(f"    {line}" if line else "" for line in [*self._memory(), *body]),
            "}",
        ]
        return CFunction(
            self.name,
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
        line = f"void {self.name}({', '.join(parts) or 'void'})"
        if len(line) <= 100:
            return line
        return f"void {self.name}(\n    " + ",\n    ".join(parts) + ")"

    def _helpers(self, used: set[tuple[str, str]]) -> list[str]:
        lines = []
        for name, text in sorted(used):
            f = "f" if text == "float" else ""
            written = HELPERS[name].format(T=text, f=f)
            if text not in ("float", "double"):
                written = written.replace(" || x != x", "")  # no whole number is NaN
            lines += ["", "static " + re.sub(rf"\b{name}\(", f"{helper(name, text)}(", written)]
        return lines

    def _constants(self, body: str) -> list[str]:
        """Arrays that the code reads: a loop without any round may not get to read its own."""
        lines = []
        for b in self.program.buffers():
            if b.role == "constant" and re.search(rf"\b{self.names[b]}\b", body):
                value = b.value.reshape(-1)
                if b in self.places:  # indices count from the end only in Python
                    value = np.where(value < 0, value + self.places[b], value)
                numbers = ", ".join(number(x, b.dtype) for x in value)
                lines += [
                    "",
                    f"static const {type_of(b.dtype)} {self.names[b]}[{b.size}] = {{{numbers}}};",
                ]
        return lines

    def _memory(self) -> list[str]:
        """Where temporaries lie; a word for the compiler on parameters that nothing reads."""
        read = {a.buffer for nest in self.nests for a in nest.reads()}
        lines = [f"(void){self.names[b]};" for b in self.program.inputs if b not in read]
        for b in self._single():
            lines.append(f"{type_of(b.dtype)} {self.names[b]};")
        for b, offset in self.arena.offsets.items():
            text = type_of(b.dtype)
            start = f"(char *)workspace + {offset}" if offset else "workspace"
            wrapped = f"({text} *)({start})" if offset else f"({text} *){start}"
            shape = "×".join(map(str, b.spec.shape))
            lines.append(f"{text} *{self.names[b]} = {wrapped}; /* {shape.replace('×', ' x ')} */")
        return lines

    def _reference(self, b: Buffer) -> tuple[str, bool]:
        """A buffer's name, and whether that is the number itself rather than where it lies."""
        by_value = (b.role == "input" and not b.spec.shape) or (
            b.role == "temporary" and b.size == 1
        )
        return self.names[b], by_value
