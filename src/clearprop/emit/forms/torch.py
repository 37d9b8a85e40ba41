"""PyTorch's forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.wings import open_rooms
from ...graph.graph import Node
from ..array_expressions import ATOM
from ..array_expressions import write as write_node
from ..languages import Entry, Language, Written, arguments, is_literal, read_index, reduction, wrap
from .entries import ALIKE, BY_POSITION, along_all, factors, joining, matrix_of_uniform, of_order
from .slices import ascending, beside_arrays


def _where(language: Language, node: Node, operands: list[Written]) -> Written:
    """Write a choice: the condition is no number, nor are both of the others."""
    texts, arrays = [text for text, _ in operands], arguments(language, node, operands)
    if is_literal(texts[1], node.inputs[1]) and is_literal(texts[2], node.inputs[2]):
        texts[1] = arrays[1]
    return f"torch.where({', '.join([arrays[0], *texts[1:]])})", ATOM


def _extreme(name: str, clamp: str) -> Entry:
    def entry(language: Language, node: Node, operands: list[Written]) -> Written:
        for position, wire in enumerate(node.inputs):
            if wire.is_constant and wire.spec.shape == ():
                other = operands[1 - position]
                return f"{wrap(other)}.clamp({clamp}={operands[position][0]})", ATOM
        return f"torch.{name}({operands[0][0]}, {operands[1][0]})", ATOM

    return entry


def _logaddexp(language: Language, node: Node, operands: list[Written]) -> Written:
    if operands[0][0] == "0":
        return f"torch.nn.functional.softplus({operands[1][0]})", ATOM
    return f"torch.logaddexp({', '.join(arguments(language, node, operands))})", ATOM


def _promoted(language: Language, node: Node, operands: list[Written]) -> list[Written]:
    """Convert the operands: PyTorch multiplies matrices of one dtype only."""
    dtype = node.out.spec.dtype
    return [
        x if w.spec.dtype == dtype else (f"{wrap(x)}.to(torch.{dtype.name})", ATOM)
        for x, w in zip(operands, node.inputs, strict=True)
    ]


def _matmul(language: Language, node: Node, operands: list[Written]) -> Written:
    return write_node(node, _promoted(language, node, operands))


def _solve(language: Language, node: Node, operands: list[Written]) -> Written:
    a, b = _promoted(language, node, operands)
    return f"torch.linalg.solve({a[0]}, {b[0]})", ATOM


def _cross(language: Language, node: Node, operands: list[Written]) -> Written | None:
    if node.inputs[0].spec.ndim != node.inputs[1].spec.ndim:
        return None
    return f"torch.linalg.cross({operands[0][0]}, {operands[1][0]})", ATOM


def _slice(language: Language, node: Node, operands: list[Written]) -> Written:
    """Write a slice. PyTorch's go up, so one that goes down is turned around afterwards."""
    index, turned = ascending(node.params["index"], node.inputs[0].spec.shape)
    text = f"{wrap(operands[0])}"
    if any(part != slice(None) for part in index):
        text, _ = read_index(language, node, operands, index)
    return text + (f".flip({', '.join(map(str, turned))})" if turned else ""), ATOM


def _gather(language: Language, node: Node, operands: list[Written]) -> Written:
    """Turn the array around before it is picked from: arrays move the axes of what is picked."""
    x, *arrays = node.inputs
    index, turned = beside_arrays(node.params["index"], x.spec.shape, [w.spec for w in arrays])
    if turned:
        text = f"{wrap(operands[0])}.flip({', '.join(map(str, turned))})"
        operands = [(text, ATOM), *operands[1:]]
    return read_index(language, node, operands, index)


def _pad(language: Language, node: Node, operands: list[Written]) -> Written | None:
    """Return the last axis comes first there, and all numbers are alike."""
    value = matrix_of_uniform(node.params["value"])
    if value is None:
        return None
    widths = [n for pair in reversed(node.params["width"]) for n in pair]
    rest = f", value={value}" if value else ""
    return f"torch.nn.functional.pad({operands[0][0]}, {tuple(widths)}{rest})", ATOM


def _convolve(language: Language, node: Node, operands: list[Written]) -> Written | None:
    """Write a convolution; PyTorch's does not turn its second sequence around."""
    x, y = node.inputs
    (a, b), (n, m) = operands, (x.spec.size, y.spec.size)
    if n < m:
        a, b, m = b, a, n
    if x.spec.dtype != y.spec.dtype:
        return None
    edge = f", padding={m - 1}" if node.params["mode"] == "full" and m > 1 else ""
    return (
        f"torch.nn.functional.conv1d({wrap(a)}[None, None], {wrap(b)}.flip(0)[None, None]{edge})[0, 0]",
        ATOM,
    )


def _take_along(language: Language, node: Node, operands: list[Written]) -> Written:
    axis = node.params["axis"]
    places = _from_front(node, operands[1], node.inputs[0].spec.shape[axis])
    return f"torch.take_along_dim({operands[0][0]}, {places}, {axis})", ATOM


def _from_front(node: Node, places: Written, size: int) -> str:
    """Count places along an axis from the front alone, as PyTorch does."""
    index = node.inputs[1]
    if node.params["once"] or (index.is_constant and np.min(index.constant, initial=0) >= 0):
        return places[0]
    return f"{wrap(places)} % {size}"


def _put_along(language: Language, node: Node, operands: list[Written]) -> Written | None:
    shape, axis = node.params["shape"], node.params["axis"]
    alike = node.inputs[0].spec.shape == node.inputs[1].spec.shape
    pairs = enumerate(zip(node.inputs[1].spec.shape, shape, strict=True))
    if not alike or any(n != m for i, (n, m) in pairs if i != axis):
        return None
    sizes, dtype = shape, language.dtype_argument(node.out.spec.dtype)
    verb = "scatter" if node.params["once"] else "scatter_add"
    texts = f"{axis}, {_from_front(node, operands[1], shape[axis])}, {operands[0][0]}"
    return f"torch.zeros({sizes}{dtype}).{verb}({texts})", ATOM


def _sorted(language: Language, node: Node, operands: list[Written]) -> Written:
    return f"{wrap(operands[0])}.sort({node.params['axis']}).values", ATOM


def _qr(language: Language, node: Node, operands: list[Written]) -> Any:
    mode = node.params["mode"]
    return f"torch.linalg.qr({operands[0][0]}{'' if mode == 'reduced' else f', {mode!r}'})", ATOM


_CALLED = "float_power remainder floor_divide"
"""What NumPy's code has operators for."""
CALLS = {
    **{name: f"torch.{name}" for name in _CALLED.split()},
    "i0": "torch.special.i0",
    "absolute": "torch.abs",
    "rint": "torch.round",
    "inv_or_nan": "torch.linalg.inv",
    "direction": "torch.sgn",
}
ENTRIES: dict[str, Entry | str] = {
    **ALIKE,
    **BY_POSITION,
    "slice": _slice,
    "gather": _gather,
    "where": _where,
    "maximum": _extreme("maximum", "min"),
    "minimum": _extreme("minimum", "max"),
    "logaddexp": _logaddexp,
    "max": reduction("amax"),
    "min": reduction("amin"),
    "var": reduction("var", ddof="correction"),
    "std": reduction("std", ddof="correction"),
    "prod": along_all("prod"),
    "concatenate": joining("cat"),
    "cbrt": "(torch.sign({0}) * torch.abs({0})**(1 / 3))",
    "p_norm": "torch.linalg.vector_norm({0}, {ord}, dim={axis}, keepdim={keepdims})",
    "repeat": "{w0}.repeat_interleave({repeats}, {axis})",
    "pad": _pad,
    "convolve": _convolve,
    "matmul": _matmul,
    "solve": _solve,
    "cross": _cross,
    "put_diagonal": "torch.zeros({shape}{dtype}).diagonal_scatter({0}, {offset}, {axis1}, {axis2})",
    "take_along_axis": _take_along,
    "put_along": _put_along,
    "sort": _sorted,
    "argsort": "torch.argsort({0}, dim={axis}, stable=True)",
    "searchsorted": 'torch.searchsorted({0}, {t1}, side="{side}")',
    "isclose": "torch.isclose({t0}, {t1}, rtol={rtol}, atol={atol}, equal_nan={equal_nan})",
    "modf": "({0}.frac(), {0}.trunc())",
    "vander": factors(
        "torch.vander({0}, {n}, {increasing})", "torch.vander({0}, {n}, {increasing})"
    ),
    "bessel_i": of_order(1, "torch.special.i1"),
    "spherical_bessel": of_order(0, "torch.special.spherical_bessel_j0"),
    "cholesky": "torch.linalg.cholesky({0}, upper={upper})",
    "eigh": 'torch.linalg.eigh({0}, "{UPLO}")',
    "eigvalsh": 'torch.linalg.eigvalsh({0}, "{UPLO}")',
    "qr": _qr,
}
_ORDERED = "maximum minimum fmax fmin max min sort argsort logaddexp round"
REAL = {*_ORDERED.split(), "i0"}
"""What PyTorch has for real numbers alone."""
LACKS = frozenset(["bitwise_count", "copy", "polyval", "roots", "spacing"])
NAMESAKES: dict[str, str] = {}
"""See `Language.namesakes`; wings say where theirs are."""

open_rooms(__name__)
