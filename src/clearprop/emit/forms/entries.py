"""Entries that need more than a template, shared by the tables of several libraries."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph import Node
from ..expressions import ATOM
from ..languages import Entry, Language, Written, filled_in, wrap


def fourier(name: str) -> Entry:
    """A Fourier transform over one axis or several."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written:
        if not node.out.spec.size and language.module == "torch":  # which has none of no numbers
            return language.constant(np.zeros(node.out.spec.shape, node.out.spec.dtype))
        axes = node.params.get("axes") or (node.params["axis"],)
        several = len(axes) > 1
        options = [operands[0][0]]
        if "n" in node.params:
            options.append(str(node.params["n"]))
        if several:
            options.append(f"{'dim' if language.module == 'torch' else 'axes'}={axes}")
        elif axes != (-1,):
            options.append(f"{language.axis}={axes[0]}")
        if node.params["norm"] != "backward":
            options.append(f'norm="{node.params["norm"]}"')
        return f"{language.module}.fft.{name}{'n' if several else ''}({', '.join(options)})", ATOM

    return entry


def norm(language: Language, node: Node, operands: list[Written]) -> Written:
    """The length of vectors; of matrices that of all their entries."""
    axis, options = node.params["axis"], [operands[0][0]]
    whole = len(axis) == node.inputs[0].spec.ndim
    if not whole:
        options.append(f"{language.axis}={axis[0] if len(axis) == 1 else axis}")
    if node.params["keepdims"]:
        options.append(f"{language.keepdims}=True")
    several = len(axis) > 2 or (whole and len(axis) != 1) or not axis
    name = "vector_norm" if several or language.module == "torch" else "norm"
    return f"{language.module}.linalg.{name}({', '.join(options)})", ATOM


def along_all(method: str) -> Entry:
    """A reduction that takes one axis at a time: one after the other, the last first."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written | None:
        axis, keepdims = node.params["axis"], node.params["keepdims"]
        text = wrap(operands[0])
        if len(axis) == node.inputs[0].spec.ndim and not keepdims:
            return f"{text}.{method}()", ATOM
        kept = f", {language.keepdims}=True" if keepdims else ""
        return text + "".join(f".{method}({i}{kept})" for i in sorted(axis, reverse=True)), ATOM

    return entry


def recurrence(language: Language, node: Node, operands: list[Written]) -> Written:
    """A call of the helper, which goes along the first axis."""
    axis = node.params["axis"]
    if not node.out.spec.size:
        return operands[1]
    texts = [wrap(x) for x in operands]
    turned = language.module == "torch"
    if axis:
        verb = "movedim" if turned else f"{language.module}.moveaxis"
        texts = [f"{x}.movedim({axis}, 0)" if turned else f"{verb}({x}, {axis}, 0)" for x in texts]
    if node.params["reverse"]:
        texts = [f"{x}.flip(0)" if turned else f"{x}[::-1]" for x in texts]
    text = f"recurrence({', '.join(texts)})"
    if node.params["reverse"]:
        text += ".flip(0)" if turned else "[::-1]"
    if axis:
        text = (
            f"{text}.movedim(0, {axis})"
            if turned
            else f"{language.module}.moveaxis({text}, 0, {axis})"
        )
    return text, ATOM


def without(text: str, *allowed: str) -> Entry:
    """A template for an operation without any parameters set, but those that are allowed."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written | None:
        if any(v not in (None, False) for k, v in node.params.items() if k not in allowed):
            return None
        return filled_in(text, language, node, operands), ATOM

    return entry


def factors(template: str, several: str = "") -> Entry:
    """A factorization of one matrix; `several` is for stacks, which may have none."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written | None:
        single = all(w.spec.ndim == 2 for w in node.inputs)
        text = template if single else several
        if not text:
            return None
        return text.format(*(t for t, _ in operands), m=language.module, **node.params), ATOM

    return entry


def matrix_of_uniform(value: Any) -> float | None:
    """The one number that an array is padded with, if it is one."""
    numbers = {v for pair in value for v in pair}
    return numbers.pop() if len(numbers) == 1 else None
