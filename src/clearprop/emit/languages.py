"""What differs between NumPy, PyTorch and JAX in how an operation is written: one table for each.

An entry takes a node and its written operands, and gives the text and how tightly it binds.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..graph import Node, Wire
from ..ops.indexing import Slot
from ..own_gradients import application_of
from ..passes.person.seeing import number
from ..primitive import Infix, Prefix, numpy_table
from ..spec import is_floating
from .expressions import ATOM, number_text
from .expressions import write as write_node
from .spelling import python_spelling

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
    """Functions of this library that take the inputs one by one, by primitive; see `derived` for the rest."""
    entries: Mapping[str, Entry | str] = field(default_factory=dict)
    """Templates (see `filled_in`), and functions for what takes more, by primitive."""
    lines: Mapping[str, Callable[[Node], tuple[str, ...]]] = field(default_factory=dict)
    """Templates of several lines, in place of an expression, with ``{name}`` for what they make."""
    real: frozenset[str] = frozenset()
    """Operations that the library has for real numbers alone."""
    specials: str = ""
    """The module of functions that SciPy has in scipy.special."""
    complex_specials: frozenset[str] = frozenset()
    """Those of them for complex numbers, too."""
    lacks: frozenset[str] = frozenset()
    """NumPy's functions without a counterpart of their name."""
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
        """A call of the function that has NumPy's name or SciPy's, a method of that name for a reduction."""
        name, params = node.primitive.name, node.params
        if name in self.lacks:
            return None
        if {"axis", "keepdims"} <= params.keys() and hasattr(np.ndarray, name):
            return reduction(name)(self, node, operands)
        path, defaults = numpy_path(name, tuple(params))
        if self.module != "np":
            path = self.counterpart(node, path)
        if not path:
            return None
        texts = arguments(self, node, operands) + [
            f"{key}={value[0] if key == 'axis' and one_of(value) else value!r}"
            for key, value in params.items()
            if repr(value) != repr(defaults.get(key)) and not (key == "keepdims" and not value)
        ]
        return f"{path}({', '.join(texts)})", ATOM

    def counterpart(self, node: Node, path: str) -> str:
        """Where this library has a function of NumPy's or SciPy's under the same name, if it has."""
        if node.params or not path:
            return ""
        if path.startswith("np."):
            return self.module + path.removeprefix("np")
        is_complex = any(w.spec.dtype.kind == "c" for w in node.inputs)
        if is_complex and node.primitive.name not in self.complex_specials:
            return ""
        has = self.name in node.primitive.libraries
        return self.specials + path.removeprefix("scipy.special") if has else ""

    def block_call(self, node: Node, operands: list[Written]) -> Written | None:
        """A call, by its name, of a block that nobody can look into: NumPy code alone can make it."""
        block = application_of(node.primitive)
        assert block is not None
        name, alone = node.primitive.name, len(node.outputs) == 1
        if self.module != "np" or not (block.is_by_position and alone and is_name(name)):
            return None
        texts = [text for text, _ in operands]
        texts += [f"{key}={value!r}" for key, value in node.params.items()]
        return f"{name}({', '.join(texts)})", ATOM

    def promoted(self, node: Node, operands: list[Written]) -> list[Written]:
        """Operands of an entry-by-entry operation, with a conversion where the result needs NumPy's dtype."""
        out = node.outputs[0].spec.dtype
        real = all(w.spec.dtype.kind in "fiub" for w in (*node.inputs, node.outputs[0]))
        if (
            self.module == "np"
            or "elementwise" not in node.primitive.traits
            or not (real and out.kind == "f")
        ):
            return operands
        numbers = [w for w in node.inputs if w.spec.dtype.kind != "b"]
        arrays = [w for w in numbers if w.spec.shape] or numbers
        own = {w.spec.dtype for w in (arrays if self.module == "torch" else numbers)}
        masked = node.primitive.name == "subtract" and self.module == "torch"
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
        """A value as numbers of another dtype."""
        verb = "to" if self.module == "torch" else "astype"
        plain = self.module == "np" and dtype == np.float64
        word = "float" if plain else f"{self.module}.{self.dtype_name(dtype)}"
        return f"{wrap(written)}.{verb}({word})"

    def has(self, node: Node) -> bool:
        """Whether there is a way to write an operation."""
        if node.primitive.name in _BY_STATEMENTS or self.lines_of(node):
            return True
        return self.form(node, [("x", ATOM)] * len(node.inputs)) is not None

    def lines_of(self, node: Node) -> tuple[str, ...]:
        """The templates of the lines that make a value, if it takes several."""
        make = self.lines.get(node.primitive.name)
        return make(node) if make is not None else ()

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
        array, m = np.asarray(value), self.module
        if not array.size:
            return f"{m}.zeros({array.shape}, dtype={m}.{self.dtype_name(array.dtype)})", ATOM
        n = array.shape[0] if array.ndim else 0
        if array.ndim == 1 and n > 2 and array.dtype.kind == "i" and (array == np.arange(n)).all():
            return f"{m}.arange({n})", ATOM
        if array.ndim == 2 and array.dtype.kind == "b":
            for k in (0, -1):
                if (array == np.tri(n, array.shape[1], k, dtype=bool)).all():
                    square = n == array.shape[1] and m != "torch"
                    shift = f", {'k=' if square else ''}{k}" if k else ""
                    size = f"{n}" if square else f"{n}, {array.shape[1]}"
                    if m == "torch":
                        return f"torch.ones({size}, dtype=torch.bool).tril({k or ''})", ATOM
                    return f"{m}.tri({size}{shift}, dtype=bool)", ATOM
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
        text = re.sub(r"\b(nan|inf)\b", rf"{m}.\1", " ".join(text.split()))
        maker = {"np": "np.array", "torch": "torch.tensor", "jnp": "jnp.array"}[m]
        return f"{maker}({text}{self.dtype_argument(array.dtype)})", ATOM

    def number(self, value: Any) -> Written:
        """A number; infinity is the library's."""
        text, binds = number_text(value)
        return text.replace("np.", f"{self.module}."), binds

    def scalar(self, text: str, dtype: np.dtype[Any]) -> str:
        """A number as a result."""
        if self.module == "torch":
            return f"torch.tensor({text}, dtype=torch.{dtype.name})"
        return f"{self.module}.{dtype.name}({text})"

    def dtype_name(self, dtype: np.dtype[Any]) -> str:
        return "bool_" if dtype.kind == "b" and self.module != "torch" else dtype.name

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
            if number(wire) is not None or text.replace(".", "").isdigit():
                return f"torch.full({sizes}, {text}{dtype})", ATOM
            return f"{wrap(written)}.expand{sizes}.clone()", ATOM
        if text in ("0", "1"):
            dtype = (
                dtype
                if is_floating(wire.spec.dtype)
                else f", dtype={self.module}.{self.dtype_name(wire.spec.dtype)}"
            )
            return f"{self.module}.{'zeros' if text == '0' else 'ones'}({sizes}{dtype})", ATOM
        return f"{self.module}.full({sizes}, {text}{dtype})", ATOM


_BY_STATEMENTS = ("scatter", "assign", "broadcast_to")
"""What statements know how to write in any library."""


def is_name(text: str) -> bool:
    """Whether code can call something so that is not its own: no word, module or function that it needs."""
    return python_spelling("np", "scipy").parameter(text) == text and text.isidentifier()


def one_of(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 1


def filled_in(
    text: str, language: Language, node: Node, operands: Sequence[Written], name: str = ""
) -> str:
    """A template with ``{0}`` for the first input, ``{w0}`` where a dot or a bracket follows it, ``{t0}``
    where it must be an array even if it is a number, ``{all}`` for all of them, ``{m}`` for the library's
    module, ``{dtype}`` for what must be said about the result's dtype, and parameters by their names.
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
    """Operands as a function of the library takes them: PyTorch's take no numbers."""
    texts = []
    whole = node.outputs[0].spec.dtype
    for (text, _), wire in zip(operands, node.inputs, strict=True):
        if language.module == "torch" and is_literal(text, wire):
            truth = wire.spec.dtype.kind == "b"
            dtype = whole if is_floating(whole) and not truth else wire.spec.dtype
            text = f"torch.tensor({text}, dtype=torch.{dtype.name})"
        texts.append(text)
    return texts


def is_literal(text: str, wire: Wire) -> bool:
    """Whether an operand is a number in the text."""
    known = wire.is_constant and wire.constant is not None
    return known and (not text.isidentifier() or text in ("True", "False")) and "([" not in text


@lru_cache(maxsize=1024)
def numpy_path(name: str, params: tuple[str, ...]) -> tuple[str, Mapping[str, Any]]:
    """``np.linalg.inv`` for the function of this name that a primitive answers, with these parameters; or
    one of SciPy's. And the parameters' defaults.
    """
    for function in numpy_table:
        called = getattr(function, "__name__", "")
        if called not in (name, name.rstrip("_"), name.removeprefix("special_")):
            continue
        for prefix in ("numpy", "numpy.linalg", "numpy.fft", "scipy.special"):
            module = sys.modules.get(prefix)
            if getattr(module, called, None) is function and _takes(function, params):
                return f"{prefix.replace('numpy', 'np')}.{called}", _defaults(function)
    return "", {}


def _defaults(function: Any) -> dict[str, Any]:
    if isinstance(function, np.ufunc):
        return {}
    found = inspect.signature(function).parameters.values()
    return {p.name: None if p.default is p.empty else p.default for p in found}


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

    return ", ".join(map(part, index)) or "()"


def read_index(
    language: Language, node: Node, operands: list[Written], index: tuple[Any, ...] | None = None
) -> Written:
    x, *arrays = operands
    index = node.params["index"] if index is None else index
    return f"{wrap(x)}[{index_text(index, [text for text, _ in arrays])}]", ATOM


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
