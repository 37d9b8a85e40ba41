"""A graph as a Python function to be run, not to be read: fast, and right for every primitive.

Values that are used once are written into the expression that uses them, so that NumPy can reuse their
memory; others are deleted after their last use.
"""

from __future__ import annotations

import math
import re
from typing import Any

from ..engine.array_types import AnyArray
from ..engine.primitive import Infix, Prefix, Primitive
from ..graph.graph import Graph, Node, Wire

_LONGEST = 200
"""Expressions longer than this get a name."""
_VALUE = re.compile(r"\bt\d+(?:_\d+)?\b")


def runnable(graph: Graph) -> tuple[str, dict[str, Any]]:
    """Return the source of ``compiled(*inputs) -> outputs``, and the names that it needs.

    Blocks must be open.

    >>> import clearprop, numpy as np
    >>> text, names = runnable(clearprop.trace(lambda x, y: np.sin(x) * y + x, 1.0, 2.0))
    >>> print(text)
    def compiled(x0, x1):
        return (((sin(x0) * x1) + x0),)
    """
    return _Writer(graph).write()


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names: dict[str, Any] = {}
        self.texts: dict[Wire, str] = {}
        self.functions: dict[Primitive, str] = {}
        self.uses = {wire: len(found) for wire, found in graph.users().items()}
        for wire in graph.outputs:
            self.uses[wire] = self.uses.get(wire, 0) + 1

    def write(self) -> tuple[str, dict[str, Any]]:
        for i, wire in enumerate(self.graph.inputs):
            self.texts[wire] = f"x{i}"
        lines = []
        for number, node in enumerate(self.graph.nodes):
            text = self._call(node)
            if len(node.outputs) > 1:
                names = [f"t{number}_{i}" for i in range(len(node.outputs))]
                self.texts.update(zip(node.outputs, names, strict=True))
                lines.append(f"{', '.join(names)} = {text}")
            elif self.uses[node.out] == 1 and len(text) <= _LONGEST:
                self.texts[node.out] = text
            else:
                self.texts[node.out] = f"t{number}"
                lines.append(f"t{number} = {text}")
        outputs = "".join(f"{self._text(w)}, " for w in self.graph.outputs).rstrip()
        lines = _with_deletions([*lines, f"return ({outputs})"])
        head = f"def compiled({', '.join(f'x{i}' for i in range(len(self.graph.inputs)))}):"
        return "\n".join([head, *(f"    {line}" for line in lines)]), self.names

    def _text(self, wire: Wire) -> str:
        if wire in self.texts:
            return self.texts[wire]
        self.texts[wire] = self._value(wire.constant)
        return self.texts[wire]

    def _value(self, value: AnyArray) -> str:
        """Return a literal, or the name of a value that has none."""
        if _is_literal(value):
            text = repr(value)
            return f"({text})" if text.startswith("-") else text
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def _call(self, node: Node) -> str:
        operands = [self._text(w) for w in node.inputs]
        notation = node.primitive.notation
        if isinstance(notation, Infix) and len(operands) == 2 and not node.params:
            return f"({operands[0]} {notation.symbol} {operands[1]})"
        if isinstance(notation, Prefix) and not node.params:
            return f"({notation.symbol}{operands[0]})"
        keywords = [f"{key}={self._value(value)}" for key, value in node.params.items()]
        return f"{self._function(node.primitive)}({', '.join([*operands, *keywords])})"

    def _function(self, primitive: Primitive) -> str:
        """Return the name of an operation: its own, but for blocks, which may be called anything."""
        if primitive not in self.functions:
            name = primitive.name if primitive.is_registered else f"f{len(self.functions)}"
            self.functions[primitive] = name
            self.names[name] = primitive.forward
        return self.functions[primitive]


def _is_literal(value: Any) -> bool:
    """Return whether Python reads back what `repr` writes, whatever names there are."""
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is tuple:
        return all(map(_is_literal, value))
    if type(value) is str:
        return not _VALUE.search(value)  # which would be taken for a variable
    return type(value) in (bool, int, type(None))


def _with_deletions(lines: list[str]) -> list[str]:
    """Return the lines, with each value deleted after the last one that uses it."""
    found: list[str] = []
    seen = set(_VALUE.findall(lines[-1]))
    for line in reversed(lines[:-1]):
        names = dict.fromkeys(_VALUE.findall(line))
        gone = [name for name in names if name not in seen]
        if gone:
            found.append(f"del {', '.join(gone)}")
        found.append(line)
        seen.update(names)
    return [*reversed(found), lines[-1]]
