"""Arrays that are made and then written into part by part."""

from __future__ import annotations

from ..graph.graph import Node
from .languages import Language, Written
from .node_facts import is_one_term, may_repeat


def part_lines(
    language: Language,
    name: str,
    base: str,
    writes: list[tuple[str, Node, str, list[Written]]],
    *,
    atom: bool = True,
) -> list[str]:
    """Return lines that make an array and write parts of it."""
    text = base
    lines = [f"{name} = {base}"]
    for how, node, value, arrays in writes:
        texts = [t for t, _ in arrays]
        index, value = language.index_of(node, texts, value)
        if how == "+=" and value.startswith("-") and is_one_term(value):
            how, value = "-=", value[1:]
        twice = may_repeat(node)
        if not language.in_place:
            verb = "set" if how == "=" and not twice else "add"
            value = f"-({value})" if how == "-=" and not value.isidentifier() else value
            value = f"-{value}" if how == "-=" and value.isidentifier() else value
            text = text if atom else f"({text})"
            atom = True
            text += f".at[{index}].{verb}({value})"
            lines = [f"{name} = {text}"]
        elif twice:
            lines.append(language.added_at(node, name, texts, how, value))
        else:
            lines.append(f"{name}[{index}] {how} {value}")
    return lines
