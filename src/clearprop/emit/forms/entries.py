"""Entries that need more than a template, shared by the tables of several libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...engine.spec import is_floating
from ...graph.graph import Node
from ..array_expressions import ATOM
from ..languages import Entry, Language, Written, arguments, filled_in, read_index, wrap


def fourier(name: str) -> Entry:
    """Return a Fourier transform over one axis or several."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written:
        if not (node.out.spec.size or language.transforms_nothing):
            return language.constant(np.zeros(node.out.spec.shape, node.out.spec.dtype))
        axes = node.params.get("axes") or (node.params["axis"],)
        several = len(axes) > 1
        options = [operands[0][0]]
        if "n" in node.params:
            options.append(str(node.params["n"]))
        if several:
            options.append(f"{language.word('axes')}={axes}")
        elif axes != (-1,):
            options.append(f"{language.axis}={axes[0]}")
        if node.params["norm"] != "backward":
            options.append(f'norm="{node.params["norm"]}"')
        return f"{language.module}.fft.{name}{'n' if several else ''}({', '.join(options)})", ATOM

    return entry


def norm(language: Language, node: Node, operands: list[Written]) -> Written:
    """Return the length of vectors; of matrices that of all their entries."""
    axis, options = node.params["axis"], [operands[0][0]]
    whole = len(axis) == node.inputs[0].spec.ndim
    if not whole:
        options.append(f"{language.axis}={axis[0] if len(axis) == 1 else axis}")
    if node.params["keepdims"]:
        options.append(f"{language.keepdims}=True")
    several = len(axis) > 2 or (whole and len(axis) != 1) or not axis
    name = "vector_norm" if several else language.word("norm")
    return f"{language.module}.linalg.{name}({', '.join(options)})", ATOM


def along_all(method: str) -> Entry:
    """Return a reduction that takes one axis at a time: one after the other, the last first."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written | None:
        axis, keepdims = node.params["axis"], node.params["keepdims"]
        text = wrap(operands[0])
        if len(axis) == node.inputs[0].spec.ndim and not keepdims:
            return f"{text}.{method}()", ATOM
        kept = f", {language.keepdims}=True" if keepdims else ""
        return text + "".join(f".{method}({i}{kept})" for i in sorted(axis, reverse=True)), ATOM

    return entry


def recurrence(language: Language, node: Node, operands: list[Written]) -> Written:
    """Return a call of the helper, which goes along the first axis."""
    axis = node.params["axis"]
    if not node.out.spec.size:
        return operands[1]
    texts = [wrap(x) for x in operands]
    if axis:
        texts = [language.moved(x, axis, 0) for x in texts]
    if node.params["reverse"]:
        texts = [language.reversed(x) for x in texts]
    text = f"recurrence({', '.join(texts)})"
    if node.params["reverse"]:
        text = language.reversed(text)
    return (language.moved(text, 0, axis) if axis else text), ATOM


def without(text: str, *allowed: str) -> Entry:
    """Return a template for an operation without any parameters set, but those that are allowed."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written | None:
        if any(v not in (None, False) for k, v in node.params.items() if k not in allowed):
            return None
        return filled_in(text, language, node, operands), ATOM

    return entry


def of_order(order: int, function: str) -> Entry:
    """Return a family of which the library has one member alone."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written | None:
        return (f"{function}({operands[0][0]})", ATOM) if node.params["order"] == order else None

    return entry


def factors(template: str, several: str = "") -> Entry:
    """Return a factorization of one matrix; `several` is for stacks, which may have none."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written | None:
        single = all(w.spec.ndim == 2 for w in node.inputs)
        text = template if single else several
        if not text:
            return None
        return text.format(*(t for t, _ in operands), m=language.module, **node.params), ATOM

    return entry


def matrix_of_uniform(value: Any) -> float | None:
    """Return the one number that an array is padded with, if it is one."""
    numbers = {v for pair in value for v in pair}
    return numbers.pop() if len(numbers) == 1 else None


def expand_dims(language: Language, node: Node, operands: list[Written]) -> Written:
    axes, ndim = node.params["axis"], node.out.spec.ndim
    places = ["None" if i in axes else ":" for i in range(ndim)]
    while places and places[-1] == ":":
        places.pop()
    return f"{wrap(operands[0])}[{', '.join(places)}]", ATOM


def reshape(language: Language, node: Node, operands: list[Written]) -> Written:
    shape, new = node.inputs[0].spec.shape, node.out.spec.shape
    for i in range(len(new)):
        if len(new) == len(shape) + 1 and new[:i] + new[i + 1 :] == shape and new[i] == 1 and shape:
            places = [":"] * i + ["None"]
            return f"{wrap(operands[0])}[{', '.join(places)}]", ATOM
    for i in range(len(shape)):
        if len(shape) == len(new) + 1 and shape[:i] + shape[i + 1 :] == new and shape[i] == 1:
            places = [":"] * i + ["0"]
            return f"{wrap(operands[0])}[{', '.join(places)}]", ATOM
    sizes = ", ".join(map(str, node.out.spec.shape)) or "()"
    return f"{wrap(operands[0])}.reshape({sizes})", ATOM


def transpose(language: Language, node: Node, operands: list[Written]) -> Written:
    axes, n = node.params["axes"], len(node.params["axes"])
    x = wrap(operands[0])
    if axes == (1, 0):
        return f"{x}.T", ATOM
    if axes == (*range(n - 2), n - 1, n - 2):
        return f"{x}.mT", ATOM
    return f"{x}.{language.word('transpose')}({', '.join(map(str, axes))})", ATOM


def joining(verb: str) -> Entry:
    def entry(language: Language, node: Node, operands: list[Written]) -> Written:
        floating = is_floating(node.out.spec.dtype)
        texts = ", ".join(
            t + ".0" if floating and t.lstrip("-").isdigit() else t for t, _ in operands
        )
        axis = node.params["axis"]
        numbers = verb == "stack" and all(w.spec.shape == () for w in node.inputs)
        if numbers and not language.wants_arrays:
            return f"{language.module}.array([{texts}])", ATOM
        where = f", {language.axis}={axis}" if axis else ""
        return f"{language.module}.{verb}([{texts}]{where})", ATOM

    return entry


def method(text: str) -> Entry:
    """Return a text with ``{}`` for the input."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written:
        return text.format(wrap(operands[0])), ATOM

    return entry


def convert(language: Language, node: Node, operands: list[Written]) -> Written:
    return language.converted(operands[0], np.dtype(node.params["dtype"])), ATOM


def clip(language: Language, node: Node, operands: list[Written]) -> Written:
    x, low, high = (text for text, _ in operands)
    if not all(w.is_constant for w in node.inputs[1:]):
        x, low, high = arguments(language, node, operands)
    return f"{language.module}.{language.word('clip')}({x}, {low}, {high})", ATOM


def one_hot(language: Language, node: Node, operands: list[Written]) -> Written:
    dtype = language.dtype_argument(np.dtype(node.params["dtype"]))
    return f"{language.module}.eye({node.params['classes']}{dtype})[{operands[0][0]}]", ATOM


def einsum(language: Language, node: Node, operands: list[Written]) -> Written:
    texts = ", ".join(text for text, _ in operands)
    return f'{language.module}.einsum("{node.params["subscripts"]}", {texts})', ATOM


def running(language: Language, node: Node, operands: list[Written]) -> Written | None:
    """Write running sums and products, also from the end."""
    axis, name = node.params["axis"], node.primitive.name
    if axis is None:
        return None
    if node.params.get("reverse"):
        text = f"{language.flipped(operands[0], axis)}.{name}({axis})"
        return language.flipped((text, ATOM), axis), ATOM
    return f"{wrap(operands[0])}.{name}({axis})", ATOM


ALIKE: Mapping[str, Entry | str] = {
    "einsum": einsum,
    "cumsum": running,
    "cumprod": running,
    "slice": read_index,
    "gather": read_index,
    "reshape": reshape,
    "squeeze": reshape,
    "expand_dims": expand_dims,
    "transpose": transpose,
    "astype": convert,
    "as_integer": convert,
    "clip": clip,
    "one_hot": one_hot,
    **{name: fourier(name) for name in ("fft", "ifft", "rfft", "irfft")},
    "stack": joining("stack"),
    "real": method("{}.real"),
    "imag": method("{}.imag"),
    "conj": method("{}.conj()"),
    "recurrence": recurrence,
    "exponent": "{m}.frexp({0})[1]",
    "isin": "{m}.isin({0}, {1}, invert={invert})",
}
"""What is written alike in all libraries, but for the module's name."""

LIKE_NUMPY: Mapping[str, Entry | str] = {
    **ALIKE,
    "concatenate": joining("concatenate"),
    "norm": norm,
    "p_norm": "{m}.linalg.vector_norm({0}, axis={axis}, keepdims={keepdims}, ord={ord})",
    "pad": "{m}.pad({0}, {width}, constant_values={value})",
    "take_along_axis": "{m}.take_along_axis({0}, {1}, {axis})",
    "lexsort": "{m}.lexsort(({all}), axis={axis})",
    "vander": "{m}.vander({0}, {n}, increasing={increasing})",
}
"""By NumPy and by JAX, which follows it."""

BY_POSITION: Mapping[str, Entry | str] = {
    "roll": "{m}.roll({0}, {shift}, {axis})",
    "tile": "{m}.tile({0}, {reps})",
    "diagonal": "{w0}.diagonal({offset}, {axis1}, {axis2})",
    "pinv": without("{m}.linalg.pinv({0})"),
    "matrix_rank": without("{m}.linalg.matrix_rank({0})"),
    "svd": "{m}.linalg.svd({0}, full_matrices={full_matrices})",
}
"""By PyTorch and by JAX, where NumPy's call has keywords."""
