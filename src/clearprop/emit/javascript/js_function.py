"""A program of stages as one JavaScript function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...stages.ir import Buffer
from ..loops.lowering import Lowered
from ..loops.memory_layout import Layout
from .js_dialect import DIALECT
from .js_operators import ARRAYS, HELPERS, USES


@dataclass(frozen=True)
class Script:
    """A JavaScript module that exports one function."""

    name: str
    text: str
    """Without a header."""
    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]


def script(made: Lowered, name: str) -> Script:
    """Write a program of stages.

    Raises UnsupportedError where an operation has no form in JavaScript.
    """
    return _Writer(made, name).write()


class _Writer:
    def __init__(self, made: Lowered, name: str) -> None:
        self.layout = Layout(made.program, DIALECT, name, made.names)
        self.program, self.names = made.program, self.layout.names
        values, gradients = made.shapes
        self.shapes = [*values, *gradients]

    def write(self) -> Script:
        layout, program = self.layout, self.program
        parameters = ", ".join(self.names[b] for b in program.inputs)
        body = [*self._checks(), *self._memory(), *layout.lines, "", self._results()]
        function = [
            "/**",
            *(f" * {line}" for line in self._types()),
            " */",
            f"export function {layout.name}({parameters}) {{",
            *(f"    {line}" if line else "" for line in body),
            "}",
        ]
        parts = [*self._helpers(), *self._constants(), "\n".join(function)]
        inputs, outputs = tuple(program.inputs), tuple(program.outputs)
        return Script(layout.name, "\n\n".join(parts) + "\n", inputs, outputs)

    def _types(self) -> Iterator[str]:
        for b in self.program.inputs:
            size = f" {_sizes(b)}" if b.spec.shape else ""
            yield f"@param {{{_type(b, b.spec.shape)}}} {self.names[b]}{size}"
        pairs = zip(self.program.outputs, self.shapes, strict=True)
        found = ", ".join(f"{self.names[b]}: {_type(b, shape)}" for b, shape in pairs)
        yield f"@returns {{{{{found}}}}}"

    def _checks(self) -> Iterator[str]:
        """Yield checks of lengths: another one would give other numbers, or none."""
        for b in self.program.inputs:
            if b.spec.shape:
                name = self.names[b]
                told = f"{name} has length ${{{name}.length}}, written for {_sizes(b)}"
                yield f"if ({name}.length !== {b.size}) throw new RangeError(`{told}`);"

    def _memory(self) -> Iterator[str]:
        made = [*self.program.outputs, *dict.fromkeys(self.layout.temporaries())]
        for b in made:
            if DIALECT.single(b, self.names[b]):
                yield f"let {self.names[b]};"
            else:
                yield f"const {self.names[b]} = new {_array(b)}({b.size}); // {_sizes(b)}"

    def _results(self) -> str:
        parts = []
        for b, shape in zip(self.program.outputs, self.shapes, strict=True):
            name = self.names[b]
            parts.append(f"{name}: {_array(b)}.of({name})" if b.size == 1 and shape else name)
        return f"return {{ {', '.join(parts)} }};"

    def _helpers(self) -> list[str]:
        needed: dict[str, None] = {}
        waiting = sorted((name for name, _ in self.layout.helpers), reverse=True)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed[name] = None
                waiting += USES.get(name, ())
        return [HELPERS[name] for name in sorted(needed)]

    def _constants(self) -> Iterator[str]:
        for b, numbers in self.layout.constants():
            array = f"[{numbers}]" if b.dtype.itemsize == 8 and b.dtype.kind in "iu" else ""
            yield f"const {self.names[b]} = {array or f'{_array(b)}.of({numbers})'};"


def _array(b: Buffer) -> str:
    return ARRAYS[f"{b.dtype.kind}{b.dtype.itemsize}"]


def _type(b: Buffer, shape: tuple[int, ...]) -> str:
    """Return the type of an argument or a result, as documentation has it."""
    if not shape:
        return "boolean" if b.dtype == np.bool_ else "number"
    return "ArrayLike<number>" if b.role == "input" and b.dtype.kind in "iub" else _array(b)


def _sizes(b: Buffer) -> str:
    return " x ".join(map(str, b.spec.shape)) or "1"
