"""Arrays that are made and then written into part by part."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..graph import Node
from ..ops.indexing import Slot
from ..passes.person.seeing import number
from ..primitive import primitives
from .facts import is_one_term, may_repeat
from .forms.slices import ascending
from .languages import Language, Written, index_text, is_literal


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
        places, value = _upward(language, node, value)
        index = index_text(places, [t for t, _ in arrays])
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


def _upward(language: Language, node: Node, value: str) -> tuple[Any, str]:
    """The index, and what is written there; where slices only go up, that is turned instead."""
    index = node.params["index"]
    if language.module != "torch":
        return index, value
    found = ascending(index, node.out.spec.shape)
    if found is None:
        raise language.missing(node)
    index, turned = found
    written = node.inputs[1] if node.primitive is primitives.assign else node.inputs[0]
    shape = written.spec.shape
    added = np.broadcast_to(0, node.out.spec.shape)[index].ndim - len(shape) if turned else 0
    own = [axis - added for axis in turned if axis >= added and shape[axis - added] > 1]
    if own and number(written) is None:
        axes = ", ".join(map(str, own))
        value = f"{value if value.isidentifier() else f'({value})'}.flip({axes})"
    return index, value


def _repeated(language: Language, name: str, index: str, how: str, value: str, node: Node) -> str:
    """Adding where a place may come more than once."""
    if language.module == "torch":
        value = f"-({value})" if how == "-=" else value
        if all(isinstance(part, Slot) for part in node.params["index"]):
            return f"{name}.index_put_(({index},), {value}, accumulate=True)"
        shape, picked = node.out.spec.shape, node.inputs[0].spec.shape
        sizes = ", ".join(map(str, shape))
        places = f"torch.arange({node.out.spec.size}).view({sizes})[{index}]"
        if is_literal(value, node.inputs[0]):
            value = language.scalar(value, node.out.spec.dtype)
        value = f"{value if value.isidentifier() else f'({value})'}.expand{picked}"
        return f"{name}.view(-1).index_add_(0, {places}.reshape(-1), {value}.reshape(-1))"
    if node.out.spec.ndim > 32:
        raise UnsupportedError(
            f"the gradient of picked entries needs np.add.at, which crashes for arrays of more than 32 axes, "
            f"and this one has {node.out.spec.ndim}; reshape it first"
        )
    verb = "subtract" if how == "-=" else "add"
    places_text = index if "," not in index and ":" not in index else f"np.s_[{index}]"
    return f"np.{verb}.at({name}, {places_text}, {value})"
