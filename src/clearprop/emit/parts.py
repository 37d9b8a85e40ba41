"""Arrays that are made and then written into part by part."""

from __future__ import annotations

import numpy as np

from ..errors import UnsupportedError
from ..graph import Node
from ..ops.indexing import Slot
from ..passes.person.seeing import number
from ..primitive import primitives
from .facts import is_one_term, may_repeat
from .forms.slices import ascending, beside_arrays
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
        texts = [t for t, _ in arrays]
        index, value = _index(language, node, texts, value)
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
            lines.append(_repeated(language, name, texts, how, value, node))
        else:
            lines.append(f"{name}[{index}] {how} {value}")
    return lines


def _index(language: Language, node: Node, arrays: list[str], value: str) -> tuple[str, str]:
    """The index, and what is written there, which is turned around where slices only go up."""
    index, whole = node.params["index"], node.out.spec.shape
    if language.module != "torch":
        return index_text(index, arrays), value
    if arrays:
        return _places(node, arrays), value
    index, turned = ascending(index, whole)
    written = node.inputs[1] if node.primitive is primitives.assign else node.inputs[0]
    shape = written.spec.shape
    added = np.broadcast_to(0, whole)[index].ndim - len(shape) if turned else 0
    own = [axis - added for axis in turned if axis >= added and shape[axis - added] > 1]
    if own and number(written) is None:
        axes = ", ".join(map(str, own))
        value = f"{value if value.isidentifier() else f'({value})'}.flip({axes})"
    return index_text(index, arrays), value


def _places(node: Node, arrays: list[str], *, apart: bool = False) -> str:
    """An index with arrays in PyTorch; where slices go down, or if `apart`, as an array for each axis."""
    specs = [w.spec for w in node.inputs[-len(arrays) :]]
    shape = node.out.spec.shape
    index, turned = beside_arrays(node.params["index"], shape, specs)
    text = index_text(index, arrays)
    if all(isinstance(part, Slot) for part in index):
        return f"({text},)" if apart else text
    if not turned and not apart:
        return text
    turn = f".flip({', '.join(map(str, turned))})" if turned else ""
    counted = f"torch.arange({node.out.spec.size}).view({shape}){turn}[{text}]"
    return f"torch.unravel_index({counted}, {shape})"


def _repeated(
    language: Language, name: str, arrays: list[str], how: str, value: str, node: Node
) -> str:
    """Adding where a place may come more than once."""
    index = index_text(node.params["index"], arrays)
    if language.module == "torch":
        value = f"-({value})" if how == "-=" else value
        if is_literal(value, node.inputs[0]):
            value = language.scalar(value, node.out.spec.dtype)
        places = _places(node, arrays, apart=True)
        return f"{name}.index_put_({places}, {value}, accumulate=True)"
    if node.out.spec.ndim > 32:
        raise UnsupportedError(
            f"the gradient of picked entries needs np.add.at, which crashes for arrays of more than 32 axes, "
            f"and this one has {node.out.spec.ndim}; reshape it first"
        )
    verb = "subtract" if how == "-=" else "add"
    places_text = index if "," not in index and ":" not in index else f"np.s_[{index}]"
    return f"np.{verb}.at({name}, {places_text}, {value})"
