"""Statements as lines of Python, with comments at their ends and above the blocks of a backward pass."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..engine.primitive import primitives
from ..graph.graph import Node, Wire
from ..passes.matching import number
from .draft import Draft
from .program import INDENT, Program, written


def size_lines(
    program: Program, shapes: Mapping[str, tuple[int, ...]], shape: str = "{}.shape"
) -> list[str]:
    """Return assertions of the shapes that the code's constants hold for, of what is read; none for
    numbers alone.

    `shape` is how the shape of what may be a number is written.
    """
    read = {name for s in program.statements for name in s.reads} | program.reads
    known = {name: sizes for name, sizes in shapes.items() if name in read}
    if not any(known.values()):
        return []
    lines = []
    for name, sizes in known.items():
        own = f"{name}.shape" if sizes else shape.format(name)
        told = f"{name} has shape {{{own}}}, written for {sizes}"
        lines.append(f'assert {own} == {sizes}, f"{told}"')
    return [*lines, ""]


def number_lines(draft: Draft, made: str, *, seeds: bool) -> list[str]:
    """Return lines that make the library's numbers of Python's, where these have no such method, or
    other powers.
    """
    names = draft.numbers(seeds=seeds)
    made_of: dict[Wire, set[Wire]] = {wire: {wire} for wire in names}
    needed: set[Wire] = set()
    for node in draft.derived.joint.graph.nodes:
        found: set[Wire] = set().union(*(made_of.get(w, set()) for w in node.inputs))
        if _needs_array(node):
            needed |= found
        elif "elementwise" in node.primitive.traits:
            made_of.update((wire, found) for wire in node.outputs if not wire.spec.shape)
    return [
        f"{names[w]} = {made.format(name=names[w], dtype=w.spec.dtype.name)}"
        for w in names
        if w in needed
    ]


def _needs_array(node: Node) -> bool:
    if node.primitive is primitives.power:
        exponent = number(node.inputs[1])
        return exponent is None or exponent != int(exponent)
    return "elementwise" not in node.primitive.traits or node.primitive.name in (
        "conj",
        "astype",
        "as_integer",
    )


def body(program: Program) -> list[str]:
    """Write forward, then backward, each backward block under the forward line that it answers."""
    forward = [s for s in program.statements if not s.is_backward]
    backward = [s for s in program.statements if s.is_backward]
    lines = written(forward)
    if backward:
        lines += ["", *written(backward, headed=True)]
    return lines


def function_lines(head: str, inside: Sequence[str], end: str) -> list[str]:
    """Return a function: its first line, what it does, and what it returns."""
    inner = [*inside, *([""] if inside else []), *_broken(end)]
    return [head, *(f"{INDENT}{line}".rstrip() for line in inner)]


def _broken(line: str, width: int = 96) -> list[str]:
    """Return a long ``return a, b, ...`` over several lines: cut between results, or within containers."""
    if len(line) <= width:
        return [line]
    head, _, rest = line.partition(" ")
    lines: list[str] = []
    for part in _parts(rest):
        if len(part) + 5 <= width or part[0] not in "{[(":
            plain = lines and lines[-1][0] not in "{[( " and part[0] not in "{[("
            if plain and len(lines[-1]) + len(part) + 7 <= width:
                lines[-1] += f" {part},"
                continue
            lines.append(f"{part},")
            continue
        lines += [part[0], *(f"{INDENT}{inner}," for inner in _parts(part[1:-1])), f"{part[-1]},"]
    return [f"{head} (", *(f"{INDENT}{inner}" for inner in lines), ")"]


_PIECE = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|.""", re.DOTALL)
"""A string, or a letter outside of strings."""


def _parts(text: str) -> list[str]:
    """Return what stands between the commas that are in no brackets."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth += (piece in "([{") - (piece in ")]}")
        if piece == "," and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]
