"""Arrays that are made and then written into part by part."""

from __future__ import annotations

from ..graph import Node
from .facts import is_one_term, may_repeat
from .languages import Language, Written, index_text


def part_lines(
    language: Language,
    name: str,
    base: str,
    writes: list[tuple[str, Node, str, list[Written]]],
    *,
    atom: bool = True,
) -> list[str]:
    """Lines that make an array and write parts of it."""
    text = base
    lines = [f"{name} = {base}"]
    for how, node, value, arrays in writes:
        index = index_text(node.params["index"], [t for t, _ in arrays])
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
            lines.append(_repeated(language, name, index, how, value, node))
        else:
            lines.append(f"{name}[{index}] {how} {value}")
    return lines


def _repeated(language: Language, name: str, index: str, how: str, value: str, node: Node) -> str:
    """Adding where a place may come more than once."""
    if language.module == "torch":
        places = [f"slice({p.start}, {p.stop})" if isinstance(p, slice) else p for p in [index]]
        value = f"-({value})" if how == "-=" else value
        return f"{name}.index_put_(({places[0]},), {value}, accumulate=True)"
    verb = "subtract" if how == "-=" else "add"
    places_text = index if "," not in index and ":" not in index else f"np.s_[{index}]"
    return f"np.{verb}.at({name}, {places_text}, {value})"
