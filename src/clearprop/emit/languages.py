"""What differs between NumPy, PyTorch and JAX in how an operation is written: one table for each.

An entry takes a node and its written operands, and gives the text and how tightly it binds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.primitive import Infix, Prefix, primitives
from ..engine.spec import is_floating
from ..errors import UnsupportedError
from ..graph.graph import Node, Wire
from ..graph.own_gradients import application_of
from ..ops.indexing import Slot
from ..passes.matching import number
from .array_expressions import ATOM, number_text
from .array_expressions import write as write_node
from .numpy_functions import numpy_path

Written = tuple[str, int]
Entry = Callable[["Language", Node, list[Written]], Written | None]

LARGEST_CONSTANT = 400
"""Arrays of more numbers than this are not written into code."""


def wrap(written: Written) -> str:
    """Return a text that may be followed by a dot or a bracket."""
    return written[0] if written[1] >= ATOM else f"({written[0]})"


@dataclass(frozen=True)
class Language:
    """One library's way of writing."""

    name: str
    module: str
    axis: str = "axis"
    keepdims: str = "keepdims"
    calls: Mapping[str, str] = field(default_factory=dict)
    """Functions of this library that take the inputs one by one, by primitive; see `derived` for the rest."""
    entries: Mapping[str, Entry | str] = field(default_factory=dict)
    """Templates (see `filled_in`), and functions for what takes more, by primitive."""
    lines: Mapping[str, Callable[[Node], tuple[str, ...]]] = field(default_factory=dict)
    """Templates of several lines, in place of an expression, with ``{name}`` for what they make."""
    control: Mapping[str, Callable[[Any, Node], None]] = field(default_factory=dict)
    """What writes loops and choices, given the author of what surrounds them, by primitive."""
    real: AbstractSet[str] = frozenset()
    """Operations that the library has for real numbers alone."""
    namesakes: Mapping[str, str] = field(default_factory=dict)
    """Modules beside NumPy's, with the one where this library has some of their functions."""
    complex_namesakes: AbstractSet[str] = frozenset()
    """Those of them for complex numbers, too, by primitive."""
    lacks: frozenset[str] = frozenset()
    """NumPy's functions without a counterpart of their name."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """NumPy's words for parameters and functions that are others here."""
    transforms_nothing: bool = True
    """Whether it has Fourier transforms of no numbers."""
    in_place: bool = True
    """Whether arrays may be assigned into."""
    takes_numbers: bool = False
    """Whether its functions take Python's numbers, and promote them as NumPy does."""
    wants_arrays: bool = False
    """Whether its functions take arrays alone: beside these, numbers do not promote."""
    maker: str = "array"
    """Its function that makes arrays of lists."""
    copier: str = "copy"
    """Its method that copies."""
    own_dtypes: frozenset[np.dtype[Any]] = frozenset([np.dtype("i8")])
    """What it makes of Python's numbers by itself."""

    def write(self, node: Node, operands: list[Written]) -> Written:
        """Return an operation as an expression; raises UnsupportedError where there is none."""
        written = self.form(node, operands)
        if written is None:
            raise self.missing(node)
        return written

    def form(self, node: Node, operands: list[Written]) -> Written | None:
        """Return an operation as an expression, or None."""
        name = node.primitive.name
        if application_of(node.primitive) is not None:
            return self.block_call(node, operands)
        if name in self.real and any(w.spec.dtype.kind == "c" for w in node.inputs):
            return None
        entry = self.entries.get(name)
        if isinstance(entry, str):
            return filled_in(entry, self, node, operands), ATOM
        if entry is not None:
            return entry(self, node, operands)
        if name in self.calls:
            return f"{self.calls[name]}({', '.join(arguments(self, node, operands))})", ATOM
        notation = node.primitive.notation
        if isinstance(notation, Infix | Prefix):
            if name == "power" and node.inputs[1].is_constant and " / " not in operands[1][0]:
                operands = [operands[0], (operands[1][0], ATOM)]
            return write_node(node, operands)
        return self.derived(node, operands)

    def derived(self, node: Node, operands: list[Written]) -> Written | None:
        """Return a call of the function that answers to the primitive's name, a method of that name for a
        reduction.
        """
        name, params = node.primitive.name, node.params
        if name in self.lacks:
            return None
        if {"axis", "keepdims"} <= params.keys() and hasattr(np.ndarray, name):
            return reduction(name)(self, node, operands)
        path, defaults = numpy_path(name, tuple(params))
        path = self.counterpart(node, path)
        if not path:
            return None
        texts = arguments(self, node, operands) + [
            f"{key}={value[0] if key in ('axis', 'shift') and one_of(value) else value!r}"
            for key, value in params.items()
            if repr(value) != repr(defaults.get(key)) and not (key == "keepdims" and not value)
        ]
        return f"{path}({', '.join(texts)})", ATOM

    def counterpart(self, node: Node, path: str) -> str:
        """Return where this library has a function of NumPy's or a wing's under the same name, if it has."""
        if node.params or not path:
            return ""
        if path.startswith("np."):
            return self.module + path.removeprefix("np")
        is_complex = any(w.spec.dtype.kind == "c" for w in node.inputs)
        if is_complex and node.primitive.name not in self.complex_namesakes:
            return ""
        home, _, called = path.rpartition(".")
        has = self.name in node.primitive.libraries
        return f"{self.namesakes[home]}.{called}" if has else ""

    def block_call(self, node: Node, operands: list[Written]) -> Written | None:
        """Return a call, by its name, of a block that nobody can look into: NumPy code alone can make it."""
        return None

    def promoted(self, node: Node, operands: list[Written]) -> list[Written]:
        """Return operands of an entry-by-entry operation, with a conversion where the result needs
        NumPy's dtype.
        """
        out = node.outputs[0].spec.dtype
        real = all(w.spec.dtype.kind in "fiub" for w in (*node.inputs, node.outputs[0]))
        if (
            self.takes_numbers
            or node.primitive is primitives.astype
            or "elementwise" not in node.primitive.traits
            or not (real and out.kind == "f")
        ):
            return operands
        numbers = [w for w in node.inputs if w.spec.dtype.kind != "b"]
        arrays = [w for w in numbers if w.spec.shape] or numbers
        own = {w.spec.dtype for w in (arrays if self.wants_arrays else numbers)}
        masked = node.primitive.name == "subtract" and self.wants_arrays
        found = list(operands)
        for i, wire in enumerate(node.inputs):
            mask = masked and wire.spec.dtype.kind == "b"
            if not mask and (out in own or wire not in numbers or wire.spec.dtype == out):
                continue
            if not is_literal(operands[i][0], wire):
                found[i] = self.converted(operands[i], out), ATOM
                own.add(out)
            elif mask:
                found[i] = f"{number(wire):g}", ATOM
        return found

    def converted(self, written: Written, dtype: np.dtype[Any]) -> str:
        """Return a value as numbers of another dtype."""
        return f"{wrap(written)}.astype({self.module}.{self.dtype_name(dtype)})"

    def has(self, node: Node) -> bool:
        """Return whether there is a way to write an operation."""
        if node.primitive.name in (*_BY_STATEMENTS, *self.control) or self.lines_of(node):
            return True
        return self.form(node, [("x", ATOM)] * len(node.inputs)) is not None

    def lines_of(self, node: Node) -> tuple[str, ...]:
        """Return the templates of the lines that make a value, if it takes several."""
        make = self.lines.get(node.primitive.name)
        return make(node) if make is not None else ()

    def missing(self, node: Node) -> UnsupportedError:
        """Return the error for an operation without a form here."""
        from .targets import having

        name = node.primitive.name
        where = f" ({node.line}: {node.line.text})" if node.line else ""
        others = [t for t in having(node) if t != self.name]
        hint = f"; targets that have it: {', '.join(others)}" if others else ""
        return UnsupportedError(f"{name} has no form in {self.name}{where}{hint}")

    def constant(self, value: Any) -> Written:
        """Return an array that the function has as a constant."""
        array = np.asarray(value)
        if not array.size:
            dtype = f"dtype={self.module}.{self.dtype_name(array.dtype)}"
            return f"{self.module}.zeros({array.shape}, {dtype})", ATOM
        n = array.shape[0] if array.ndim else 0
        if array.ndim == 1 and n > 2 and array.dtype.kind in "iu" and (array == np.arange(n)).all():
            dtype = self.dtype_argument(array.dtype) if array.dtype.kind == "u" else ""
            return f"{self.module}.arange({n}{dtype})", ATOM
        if array.ndim == 2 and array.dtype.kind == "b":
            for k in (0, -1):
                if (array == np.tri(n, array.shape[1], k, dtype=bool)).all():
                    return self.triangle(n, array.shape[1], k), ATOM
        square = array.ndim == 2 and n == array.shape[1] and array.dtype == float
        if square and n > 1 and (array == np.eye(n)).all():
            return f"{self.module}.eye({n}{self.dtype_argument(array.dtype)})", ATOM
        if array.size > LARGEST_CONSTANT:
            raise UnsupportedError(
                f"an array of shape {array.shape} that is no argument would stand in the code in full; "
                f"make it an argument of the function"
            )
        text = np.array2string(
            array, separator=", ", threshold=10**6, max_line_width=10**6, floatmode="unique"
        )
        text = re.sub(r"\b(nan|inf)\b", rf"{self.module}.\1", " ".join(text.split()))
        return f"{self.module}.{self.maker}({text}{self.dtype_argument(array.dtype)})", ATOM

    def triangle(self, rows: int, columns: int, k: int) -> str:
        """Write an array that is true in a lower triangle, up to the k-th diagonal."""
        size, word = (f"{rows}", "k=") if rows == columns else (f"{rows}, {columns}", "")
        return f"{self.module}.tri({size}{f', {word}{k}' if k else ''}, dtype=bool)"

    def number(self, value: Any) -> Written:
        """Return a number; infinity is the library's."""
        text, binds = number_text(value)
        return text.replace("np.", f"{self.module}."), binds

    def scalar(self, text: str, dtype: np.dtype[Any]) -> str:
        """Return a number as a result."""
        return f"{self.module}.{dtype.name}({text})"

    def dtype_name(self, dtype: np.dtype[Any]) -> str:
        return "bool_" if dtype.kind == "b" else dtype.name

    def dtype_argument(self, dtype: np.dtype[Any]) -> str:
        """Return what must be said about a dtype that the library would not choose."""
        if dtype.kind == "b" or dtype in self.own_dtypes:
            return ""
        return f", dtype={self.module}.{dtype.name}"

    def special(self, value: float) -> Written | None:
        """Return a number that people write with a function: multiples of pi, and roots."""
        if not np.isfinite(value) or abs(value) > 1e6 or float(value).is_integer():
            return None
        sign = "-" if value < 0 else ""
        size = abs(value)
        for factor in (1, 2, 3, 4, 0.5, 0.25):
            if size == factor * np.pi:
                first = {1: "", 0.5: "", 0.25: ""}.get(factor, f"{factor} * ")
                last = {0.5: " / 2", 0.25: " / 4"}.get(factor, "")
                return f"{sign}{first}{self.module}.pi{last}", 20
        for factor in (1, 0.5) if self.takes_numbers else ():
            if size == factor * np.log(2 * np.pi):
                m = self.module
                return f"{sign}{'' if factor == 1 else '0.5 * '}{m}.log(2 * {m}.pi)", 20
        below = round(size**2)
        if 1 < below < 10**5 and np.sqrt(below) == size:
            return f"{sign}{below}**0.5", 30 if sign else 40
        return None

    def filled(self, shape: tuple[int, ...], written: Written, wire: Wire) -> Written:
        """Return a number or row in a larger shape, as an array of its own."""
        text, sizes = self.as_floating(written[0], wire), tuple_text(shape)
        dtype = self.dtype_argument(wire.spec.dtype)
        if text in ("0", "1"):
            dtype = (
                dtype
                if is_floating(wire.spec.dtype)
                else f", dtype={self.module}.{self.dtype_name(wire.spec.dtype)}"
            )
            return f"{self.module}.{'zeros' if text == '0' else 'ones'}({sizes}{dtype})", ATOM
        return f"{self.module}.full({sizes}, {text}{dtype})", ATOM

    def empty(self, wire: Wire) -> str:
        """Return memory for a value of a wire's kind."""
        zeros, _ = self.filled(wire.spec.shape, ("0", ATOM), wire)
        return zeros.replace(f"{self.module}.zeros(", f"{self.module}.empty(")

    @staticmethod
    def as_floating(text: str, wire: Wire) -> str:
        """Return a whole number as one of floating numbers is written; 0 and 1 may stand."""
        whole = text.lstrip("-").isdigit() and text not in ("0", "1")
        return f"{text}.0" if whole and is_floating(wire.spec.dtype) else text

    def word(self, name: str) -> str:
        """Return the library's name for a parameter, method or function of NumPy's."""
        return self.renamed.get(name, name)

    def moved(self, text: str, start: int, end: int) -> str:
        """Return an array with an axis at another place."""
        return f"{self.module}.moveaxis({text}, {start}, {end})"

    def reversed(self, text: str) -> str:
        """Return an array with its first axis turned around."""
        return f"{text}[::-1]"

    def flipped(self, written: Written, axis: int) -> str:
        """Return an array with an axis turned around."""
        return f"{self.module}.flip({written[0]}, {axis})"

    def index_of(self, node: Node, arrays: list[str], value: str) -> tuple[str, str]:
        """Return the index of a part that is written, with its arrays; and what is written there."""
        return index_text(node.params["index"], arrays), value

    def added_at(self, node: Node, name: str, arrays: list[str], how: str, value: str) -> str:
        """Return a statement that adds to (``+=``) or takes from places which may come more than once."""
        raise self.missing(node)

    def zeros_like(self, text: str) -> str:
        return f"{self.module}.zeros_like({text})"

    def zeros_for(self, seed: str, alike: bool, wire: Wire) -> str | None:
        """Return zeros for a gradient, with the device or dtype of an upstream one, if that matters."""
        return None


_BY_STATEMENTS = ("scatter", "assign", "broadcast_to")
"""What statements know how to write in any library."""


def tuple_text(shape: tuple[int, ...]) -> str:
    """Return a shape of one axis or more as code."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def one_of(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 1


def filled_in(
    text: str, language: Language, node: Node, operands: Sequence[Written], name: str = ""
) -> str:
    """Return a template with ``{0}`` for the first input, ``{w0}`` where a dot or a bracket follows
    it, ``{t0}`` where it must be an array even if it is a number, ``{all}`` for all of them,
    ``{m}`` for the library's module, ``{dtype}`` for what must be said about the result's dtype,
    and parameters by their names.
    """
    words: dict[str, Any] = {
        key: value[0] if key in ("axis", "shift") and one_of(value) else value
        for key, value in node.params.items()
    }
    texts = [text for text, _ in operands]
    arrays = arguments(language, node, operands)
    for i, (written, array) in enumerate(zip(operands, arrays, strict=True)):
        words |= {f"w{i}": wrap(written), f"t{i}": array}
    outputs = [w.spec.dtype for w in node.outputs]
    words |= {"all": ", ".join(texts), "m": language.module, "name": name}
    return text.format(*texts, **words, dtype=language.dtype_argument(outputs[0]))


def arguments(language: Language, node: Node, operands: Sequence[Written]) -> list[str]:
    """Write operands as a function of the library takes them."""
    texts = []
    whole = node.outputs[0].spec.dtype
    for (text, _), wire in zip(operands, node.inputs, strict=True):
        if language.wants_arrays and is_literal(text, wire):
            truth = wire.spec.dtype.kind == "b"
            text = language.scalar(
                text, whole if is_floating(whole) and not truth else wire.spec.dtype
            )
        texts.append(text)
    return texts


def is_literal(text: str, wire: Wire) -> bool:
    """Return whether an operand is a number in the text."""
    if not wire.is_constant or wire.constant is None:
        return False
    if np.ndim(wire.constant) and "(" in text.lstrip("(-"):  # all alike, but written as an array
        return False
    return (not text.isidentifier() or text in ("True", "False")) and "([" not in text


# ---- entries that several libraries share


def index_text(index: tuple[Any, ...], arrays: Sequence[str]) -> str:
    """Return an index as it stands between brackets."""

    def part(item: Any) -> str:
        if isinstance(item, Slot):
            return arrays[item.number]
        if isinstance(item, slice):
            start, stop = ("" if n is None else str(n) for n in (item.start, item.stop))
            return f"{start}:{stop}" + ("" if item.step is None else f":{item.step}")
        return "..." if item is Ellipsis else str(item)

    return ", ".join(map(part, index)) or "()"


def read_index(
    language: Language, node: Node, operands: list[Written], index: tuple[Any, ...] | None = None
) -> Written:
    x, *arrays = operands
    index = node.params["index"] if index is None else index
    return f"{wrap(x)}[{index_text(index, [text for text, _ in arrays])}]", ATOM


def reduction(method: str, function: str = "", **options: Any) -> Entry:
    """Write ``x.sum(axis=0, keepdims=True)``; of a whole expression ``np.sum(...)``."""

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
