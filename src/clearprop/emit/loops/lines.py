"""Lines of code, with loops that open and close."""

from __future__ import annotations

from collections.abc import Iterable

from ...graph.graph import Node
from .dialect import Dialect
from .scalar_expressions import letter

_LONGEST = 80
"""Longer lines of the user's are cut in comments."""


class Lines:
    """Lines at the depth of the loops that are open, and the names that are taken."""

    def __init__(self, dialect: Dialect, taken: set[str]) -> None:
        self.dialect = dialect
        self.taken = taken
        self.outside: set[str] = set()
        """Names of the function's own variables, which no loop holds."""
        self.lines: list[str] = []
        self.depth = 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def open(self, axis: int, extent: int, *, down: bool = False) -> None:
        """Begin a loop along an axis."""
        self.line(f"{self.dialect.loop(letter(axis), extent, down=down)} {{")
        self.depth += 1

    def close(self, count: int = 1) -> None:
        for _ in range(count):
            self.depth -= 1
            self.line("}")

    def remarks(self, nodes: Iterable[Node]) -> None:
        """Write the user's lines that these nodes compute, or answer."""
        found: dict[tuple[bool, str], None] = {}
        for node in nodes:
            if node.line is not None and node.line.text:
                found[node.is_backward, " ".join(node.line.text.split())] = None
        for is_backward, text in found:
            text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
            self.line(self.dialect.remark(f"{'backward of: ' * is_backward}{text}"))

    def fresh(self, wished: str) -> str:
        """Return this name, or one like it that is free."""
        name, count = wished, 1
        while name in self.taken:
            count += 1
            name = f"{wished}{count}"
        self.taken.add(name)
        if not self.depth:
            self.outside.add(name)
        return name
