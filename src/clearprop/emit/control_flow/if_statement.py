"""``if``, ``elif`` and ``else``."""

from __future__ import annotations

from collections.abc import Sequence

from ...graph.graph import Graph, Node
from ..array_expressions import ATOM
from ..program import Statement
from ..statements import Author
from .body_author import BodyAuthor
from .control import Control, indented


def choice(author: Author, node: Node) -> None:
    """Write a choice among branches."""
    control = Control(author, node)
    index, *inputs = node.inputs
    branches: Sequence[Graph] = node.params["branches"]
    if len(branches) > 2 and index in author.pending:
        author.materialise(index)
    (test, binds), reads = author.operand(index)
    control.reads |= reads
    results = [control.result(wire) for wire in node.outputs]
    known = frozenset(control.names.taken)
    written = []
    for branch in branches:
        inner = BodyAuthor(author, branch, dict(zip(branch.inputs, inputs, strict=True)))
        inner.results = set(inner.graph.outputs)
        for wire, name in zip(inner.graph.outputs, results, strict=True):
            if wire in inner.names.made:
                inner.names.given.setdefault(wire, name)
        inner.write_all()
        for wire, name in zip(inner.graph.outputs, results, strict=True):
            text, read = control.value(inner, wire)
            if text != name:
                inner.statements.append(Statement([f"{name} = {text}"], (name,), read))
        control.reads |= inner.reads(known)
        written.append(indented(inner.lines(headed=node.is_backward, under=control.answers)))
    if index.spec.dtype.kind == "b":
        control.state([f"if {test}:", *written[1], "else:", *written[0]])
        return
    test = test if binds >= ATOM else f"({test})"
    heads = [f"if {test} <= 0:", *(f"elif {test} == {i}:" for i in range(1, len(branches) - 1))]
    heads = [*heads, "else:"] if len(branches) > 1 else ["if True:"]
    control.state(
        line for head, lines in zip(heads, written, strict=True) for line in (head, *lines)
    )
