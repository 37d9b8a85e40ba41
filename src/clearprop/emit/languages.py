"""What differs between NumPy, PyTorch and JAX in how an operation is written: one table for each.

An entry takes a node and its written operands, and gives the text and how tightly it binds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..graph import Node, Wire
from ..ops.indexing import Slot
from ..primitive import Custom, Infix, Prefix, numpy_table
from ..spec import is_floating
from .expressions import ATOM
from .expressions import write as write_node

Written = tuple[str, int]
Entry = Callable[["Language", Node, list[Written]], Written | None]

LARGEST_CONSTANT = 400
"""Arrays of more numbers than this are not written into code."""


def wrap(written: Written) -> str:
    """Text that may be followed by a dot or a bracket."""
    return written[0] if written[1] >= ATOM else f"({written[0]})"


@dataclass(frozen=True)
class Language:
    """One library's way of writing."""

    name: str
    module: str
    axis: str = "axis"
    keepdims: str = "keepdims"
    calls: Mapping[str, str] = field(default_factory=dict)
    """Functions of this library that take the inputs one by one, by primitive."""
    entries: Mapping[str, Entry] = field(default_factory=dict)
    in_place: bool = True
    """Whether arrays may be assigned into."""

    def write(self, node: Node, operands: list[Written]) -> Written:
        """An operation as an expression; raises UnsupportedError where there is none."""
        written = self.form(node, operands)
        if written is None:
            raise self.missing(node)
        return written

    def form(self, node: Node, operands: list[Written]) -> Written | None:
        """An operation as an expression, or None."""
        name = node.primitive.name
        if name in self.entries:
            return self.entries[name](self, node, operands)
        if name in self.calls:
            return f"{self.calls[name]}({', '.join(text for text, _ in operands)})", ATOM
        notation = node.primitive.notation
        if isinstance(notation, Infix | Prefix):
            if name == "power" and node.inputs[1].is_constant and " / " not in operands[1][0]:
                operands = [operands[0], (operands[1][0], ATOM)]
            return write_node(node, operands)
        path = numpy_path(name, tuple(node.params))
        if path and self.module == "np":
            texts = [text for text, _ in operands] + [
                f"{key}={value!r}"
                for key, value in node.params.items()
                if value not in (False, None)
            ]
            return f"{path}({', '.join(texts)})", ATOM
        if isinstance(notation, Custom) and self.module == "np":
            return write_node(node, operands)
        return None

    def missing(self, node: Node) -> UnsupportedError:
        """The error for an operation without a form here."""
        from .targets import having

        name = node.primitive.name
        where = f" ({node.line}: {node.line.text})" if node.line else ""
        others = [t for t in having(node) if t != self.name]
        hint = f"; targets that have it: {', '.join(others)}" if others else ""
        return UnsupportedError(f"{name} has no form in {self.name}{where}{hint}")

    def constant(self, value: Any) -> Written:
        """An array that the function has as a constant."""
        array = np.asarray(value)
        n = array.shape[0] if array.ndim else 0
        m = self.module
        if array.ndim == 1 and n > 2 and array.dtype.kind == "i" and (array == np.arange(n)).all():
            return f"{m}.arange({n})", ATOM
        if array.ndim == 2 and array.dtype.kind == "b":
            for k in (0, -1):
                if (array == np.tri(n, array.shape[1], k, dtype=bool)).all():
                    shift = f", {k}" if k else ""
                    square = n == array.shape[1] and m != "torch"
                    sizes = f"{n}" if square else f"{n}, {array.shape[1]}"
                    if m == "torch":
                        return f"torch.ones({sizes}, dtype=torch.bool).tril({k or ''})", ATOM
                    return f"{m}.tri({sizes}{shift}, dtype=bool)", ATOM
        square = array.ndim == 2 and n == array.shape[1] and array.dtype == float
        if square and n > 1 and (array == np.eye(n)).all():
            return f"{m}.eye({n}{self.dtype_argument(array.dtype)})", ATOM
        if array.size > LARGEST_CONSTANT:
            raise UnsupportedError(
                f"an array of shape {array.shape} that is no argument would stand in the code in full; "
                f"make it an argument of the function"
            )
        text = np.array2string(
            array, separator=", ", threshold=10**6, max_line_width=10**6, floatmode="unique"
        )
        text = " ".join(text.split())
        maker = {"np": "np.array", "torch": "torch.tensor", "jnp": "jnp.array"}[m]
        return f"{maker}({text}{self.dtype_argument(array.dtype)})", ATOM

    def dtype_argument(self, dtype: np.dtype[Any]) -> str:
        """What must be said about a dtype that the library would not choose."""
        if dtype.kind == "b" or dtype == np.int64:
            return ""
        if self.module == "np" and dtype == np.float64:
            return ""
        return f", dtype={self.module}.{dtype.name}"

    def special(self, value: float) -> Written | None:
        """A number that people write with a function: multiples of pi, and roots."""
        if not np.isfinite(value) or abs(value) > 1e6 or float(value).is_integer():
            return None
        sign = "-" if value < 0 else ""
        size = abs(value)
        for factor in (1, 2, 3, 4, 0.5, 0.25):
            if size == factor * np.pi:
                first = {1: "", 0.5: "", 0.25: ""}.get(factor, f"{factor} * ")
                last = {0.5: " / 2", 0.25: " / 4"}.get(factor, "")
                return f"{sign}{first}{self.module}.pi{last}", 20
        if self.module == "np":
            for factor in (1, 0.5):
                if size == factor * np.log(2 * np.pi):
                    return f"{sign}{'' if factor == 1 else '0.5 * '}np.log(2 * np.pi)", 20
        below = round(size**2)
        if 1 < below < 10**5 and np.sqrt(below) == size:
            return f"{sign}{below}**0.5", 30 if sign else 40
        return None

    def filled(self, shape: tuple[int, ...], written: Written, wire: Wire) -> Written:
        """A number or row in a larger shape, as an array of its own."""
        text = written[0]
        if is_floating(wire.spec.dtype) and text.lstrip("-").isdigit() and text not in ("0", "1"):
            text += ".0"
        sizes = ", ".join(map(str, shape))
        sizes = f"({sizes},)" if len(shape) == 1 else f"({sizes})"
        dtype = self.dtype_argument(wire.spec.dtype)
        if self.module == "torch":
            if wire.is_constant or text.replace(".", "").isdigit():
                return f"torch.full({sizes}, {text}{dtype})", ATOM
            return f"{wrap(written)}.expand{sizes}.clone()", ATOM
        if text in ("0", "1"):
            return f"{self.module}.{'zeros' if text == '0' else 'ones'}({sizes}{dtype})", ATOM
        return f"{self.module}.full({sizes}, {text}{dtype})", ATOM


@lru_cache(maxsize=1024)
def numpy_path(name: str, params: tuple[str, ...]) -> str:
    """``np.linalg.inv`` for the function of this name that a primitive answers, with these parameters."""
    for function in numpy_table:
        if getattr(function, "__name__", "") not in (name, name.rstrip("_")):
            continue
        called = getattr(function, "__name__", "")
        for module, prefix in ((np, "np"), (np.linalg, "np.linalg"), (np.fft, "np.fft")):
            if getattr(module, called, None) is function and _takes(function, params):
                return f"{prefix}.{called}"
    return ""


def _takes(function: Any, params: tuple[str, ...]) -> bool:
    if isinstance(function, np.ufunc):
        return not params
    try:
        return set(params) <= set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return not params


# ---- entries that several libraries share


def index_text(index: tuple[Any, ...], arrays: Sequence[str]) -> str:
    """An index as it stands between brackets."""

    def part(item: Any) -> str:
        if isinstance(item, Slot):
            return arrays[item.number]
        if isinstance(item, slice):
            start, stop = ("" if n is None else str(n) for n in (item.start, item.stop))
            return f"{start}:{stop}" + ("" if item.step is None else f":{item.step}")
        return "..." if item is Ellipsis else str(item)

    return ", ".join(map(part, index))


def read_index(language: Language, node: Node, operands: list[Written]) -> Written:
    x, *arrays = operands
    return f"{wrap(x)}[{index_text(node.params['index'], [text for text, _ in arrays])}]", ATOM


def reduction(method: str, function: str = "", **options: Any) -> Entry:
    """``x.sum(axis=0, keepdims=True)``; of a whole expression ``np.sum(...)``."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written:
        (x,) = operands
        axis, extra = node.params["axis"], []
        whole = (
            axis is None
            or len(axis if isinstance(axis, tuple) else (axis,)) == node.inputs[0].spec.ndim
        )
        if not whole or node.params.get("keepdims"):
            if isinstance(axis, tuple) and len(axis) == 1:
                axis = axis[0]
            extra.append(f"{axis}")
        if node.params.get("ddof"):
            extra.append(f"{options.get('ddof', 'ddof')}={node.params['ddof']}")
        elif "ddof" in node.params and "ddof" in options:
            extra.append(f"{options['ddof']}=0")
        if node.params.get("keepdims"):
            extra.append(f"{language.keepdims}=True")
        if whole and not node.params.get("keepdims") and x[1] < ATOM and not extra:
            return f"{language.module}.{function or method}({x[0]})", ATOM
        return f"{wrap(x)}.{method}({', '.join(extra)})", ATOM

    return entry


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
    method = "permute" if language.module == "torch" else "transpose"
    return f"{x}.{method}({', '.join(map(str, axes))})", ATOM


def joining(function: str) -> Entry:
    def entry(language: Language, node: Node, operands: list[Written]) -> Written:
        texts = ", ".join(text for text, _ in operands)
        axis = node.params["axis"]
        numbers = function.endswith(".stack") and all(w.spec.shape == () for w in node.inputs)
        if numbers and language.module != "torch":
            return f"{language.module}.array([{texts}])", ATOM
        where = f", {language.axis}={axis}" if axis else ""
        return f"{function}([{texts}]{where})", ATOM

    return entry


def method(text: str) -> Entry:
    """A text with ``{}`` for the input."""

    def entry(language: Language, node: Node, operands: list[Written]) -> Written:
        return text.format(wrap(operands[0])), ATOM

    return entry


def convert(language: Language, node: Node, operands: list[Written]) -> Written:
    dtype = np.dtype(node.params["dtype"])
    word = f"{language.module}.{'bool_' if dtype.kind == 'b' and language.module != 'torch' else dtype.name}"
    if language.module == "np" and dtype == np.float64:
        word = "float"
    verb = "to" if language.module == "torch" else "astype"
    return f"{wrap(operands[0])}.{verb}({word})", ATOM


def clip(language: Language, node: Node, operands: list[Written]) -> Written:
    x, low, high = (text for text, _ in operands)
    return (
        f"{language.module}.{'clamp' if language.module == 'torch' else 'clip'}({x}, {low}, {high})",
        ATOM,
    )


def one_hot(language: Language, node: Node, operands: list[Written]) -> Written:
    dtype = language.dtype_argument(np.dtype(node.params["dtype"]))
    return f"{language.module}.eye({node.params['classes']}{dtype})[{operands[0][0]}]", ATOM


def einsum(language: Language, node: Node, operands: list[Written]) -> Written:
    texts = ", ".join(text for text, _ in operands)
    return f'{language.module}.einsum("{node.params["subscripts"]}", {texts})', ATOM


def running(language: Language, node: Node, operands: list[Written]) -> Written | None:
    """Running sums and products, also from the end."""
    axis, name, x = node.params["axis"], node.primitive.name, wrap(operands[0])
    if axis is None:
        return None
    if node.params.get("reverse"):
        if language.module == "torch":
            return f"{x}.flip({axis}).{name}({axis}).flip({axis})", ATOM
        flip = f"{language.module}.flip"
        return f"{flip}({flip}({operands[0][0]}, {axis}).{name}({axis}), {axis})", ATOM
    return f"{x}.{name}({axis})", ATOM


SHARED: dict[str, Entry] = {
    "einsum": einsum,
    "cumsum": running,
    "cumprod": running,
    "window": read_index,
    "gather": read_index,
    "reshape": reshape,
    "squeeze": reshape,
    "expand_dims": expand_dims,
    "transpose": transpose,
    "astype": convert,
    "as_integer": convert,
    "clip": clip,
    "one_hot": one_hot,
}
