r"""A wire of a graph as an expression in LaTeX: the whole array, or some entries of it.

An *index* says which entries: one token for each axis, a letter or ``:`` for the whole axis; None means the
whole array. Entry-by-entry operations hand it on to their operands, so that a sum reads
``\sum_{ij} (x_{ij} - y_{ij})^2``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from ...engine.spec import MOST_AXES, first_entry
from ...graph.graph import Graph, Node, Wire
from ...passes.person.rationals import quotient
from .symbols import number, subscripted, symbol
from .tex import (
    ATOM,
    NEGATIVE,
    PRODUCT,
    SUM,
    Tex,
    beside,
    called,
    matrix,
    multiplied,
    numeric,
    operator,
    transposed,
    word,
)

Index = tuple[str, ...] | None
TexWriter = Callable[["Expressions", Node, Index], Tex]

WRITERS: dict[str, TexWriter] = {}
"""How each primitive is written; what is not here is written as a function of its inputs."""
FUNCTIONS: dict[str, str] = {}
"""Entry-by-entry functions that are not written by their own names."""


def writes(*names: str) -> Callable[[TexWriter], TexWriter]:
    """Let the decorated function write these primitives."""

    def note(function: TexWriter) -> TexWriter:
        WRITERS.update(dict.fromkeys(names, function))
        return function

    return note


_SHORT, _LONG = 3, 6
"""A number of more letters may become a fraction: one that only the backward pass has, one of the user's."""
_FEW = 9
"""An array of no more numbers is written in full."""
_LETTERS = "ijklmnpqrstuvabcdfgh"


class Expressions:
    """Writes wires: those in `symbols` as their symbols, others as expressions."""

    def __init__(self, graph: Graph, names: Collection[str]) -> None:
        self.makers = {wire: node for node in graph.nodes for wire in node.outputs}
        back = [w for node in graph.nodes if node.is_backward for w in node.inputs]
        written = {w for node in graph.nodes if not node.is_backward for w in node.inputs}
        self.derived = {w for w in back if w.is_constant} - written
        """Constants that only the backward pass has."""
        self.symbols: dict[Wire, tuple[Tex, Tex]] = {}
        """For each wire with a symbol: that of the array, and that of one entry."""
        self.sums: dict[Wire, Callable[[], Tex]] = {}
        """What is written as a sum over the steps of a loop."""
        self.rows: dict[Wire, Callable[[int], tuple[Tex, Tex]]] = {}
        """The entries of arrays that loops have collected: the symbol of the whole, and that of one entry."""
        self.names = set(names)
        letters = [*_LETTERS, *(f"i_{{{n}}}" for n in range(1, 2 * MOST_AXES))]
        self.letters = [c for c in letters if c not in self.names]
        self.bound: list[str] = []
        """Letters that sums around the present place run over."""

    # ---- wires

    def write(self, wire: Wire, index: Index = None) -> Tex:
        """Return the wire's symbol, number or expression."""
        if index is not None and all(token == ":" for token in index):
            index = None
        if wire.is_constant and wire not in self.symbols:
            text = self.constant(wire)
            return self.entries(wire, index, text) if self.shape(wire, None) else text
        if wire in self.symbols:
            whole, entry = self.symbols[wire]
            return self._entries(wire, index, whole, entry)
        if wire in self.sums:
            return self.entries(wire, index, self.sums[wire]())
        node = self.makers[wire]
        if len(node.outputs) == 1:
            is_function = "elementwise" in node.primitive.traits and not node.params
            write = WRITERS.get(node.primitive.name, function if is_function else None)
            if write is not None:
                return write(self, node, index)
        return self.entries(wire, index, plain_call(self, node))

    def entries(self, wire: Wire, index: Index, text: Tex) -> Tex:
        """Return entries of an expression for the whole array."""
        return self._entries(wire, index, text, text)

    def _entries(self, wire: Wire, index: Index, whole: Tex, entry: Tex) -> Tex:
        if index is None:
            return whole
        tokens = [t for t, n in zip(index, wire.spec.shape, strict=True) if n != 1]
        if not tokens:  # the only entry of an array of one
            return entry
        base = whole if ":" in tokens else entry
        if all(t == ":" for t in tokens):
            return whole
        return Tex(subscripted(base.within(ATOM), tokens))

    def constant(self, wire: Wire) -> Tex:
        if wire.constant is None:
            return Tex("\\mathrm{None}")
        value = np.asarray(wire.constant)
        if value.size and (value == first_entry(value)).all():
            first, text = first_entry(value), number(first_entry(value))
            if value.dtype.kind in "fiu" and np.isfinite(first):
                return numeric(float(first), self._quotient(wire, float(first), text))
            return Tex(text, NEGATIVE if text.startswith("-") else ATOM)
        if not value.size and value.ndim == 1:
            return Tex("()")
        if value.ndim == 2 and np.array_equal(value, np.eye(len(value))):
            return Tex("\\mathbf{I}")
        if 1 <= value.ndim <= 2 and 0 < value.size <= _FEW:
            rows = value.reshape(value.shape[0], -1)
            texts = (" & ".join(number(x) for x in row) for row in rows)
            return matrix(*texts)
        return Tex(symbol(wire.name or "c", wire.spec.ndim))

    def _quotient(self, wire: Wire, value: float, text: str) -> str:
        """Return a number that came of a division, such as by how many there are, as a fraction."""
        if found := quotient(wire):
            above, below = found
            return f"{'-' if above < 0 else ''}\\frac{{{abs(above)}}}{{{below}}}"
        one_over = round(1 / value) if abs(value) > 1e-6 else 0
        letters = _SHORT if wire in self.derived else _LONG
        long = len(text.lstrip("-")) > letters and "^" not in text
        if long and one_over and 1 / one_over == value:
            return f"{'-' if value < 0 else ''}\\frac{{1}}{{{abs(one_over)}}}"
        return text

    def gives_number(self, wire: Wire, index: Index) -> bool:
        """Return whether what is written is a number rather than an array."""
        return not extent(wire, index)

    # ---- letters

    def fresh(self, count: int, taken: Sequence[str] = ()) -> list[str]:
        """Return letters for new sums."""
        used = {*self.bound, *taken}
        free = [c for c in self.letters if c not in used]
        return free[:count]

    # ---- operands

    def operands(self, node: Node, index: Index) -> list[Tex]:
        """Return the inputs of an entry-by-entry operation, stretched to the shape of its result."""
        target = extent(node.outputs[0], index)
        found = []
        for wire in node.inputs:
            own = aligned(wire, index)
            found.append(stretched(self.write(wire, own), self.shape(wire, own), target))
        return found

    def shape(self, wire: Wire, index: Index) -> tuple[int, ...]:
        """Return the shape of what is written: a constant of equal entries is written as a number."""
        if wire.is_constant and wire not in self.symbols:
            value = np.asarray(wire.constant)
            if value.size and (value == first_entry(value)).all():
                return ()
        return extent(wire, index)


def aligned(wire: Wire, index: Index) -> Index:
    """Return the part of a result's index that an operand's axes are at."""
    if index is None:
        return None
    return index[len(index) - wire.spec.ndim :]


def extent(wire: Wire, index: Index) -> tuple[int, ...]:
    """Return the sizes of the axes that an index leaves."""
    if index is None:
        return wire.spec.shape
    return tuple(n for n, t in zip(wire.spec.shape, index, strict=True) if t == ":")


def stretched(x: Tex, shape: Sequence[int], target: Sequence[int]) -> Tex:
    """Return a row or column repeated to a matrix, by a product with ones; numbers need none."""
    if len(target) != 2 or tuple(shape) == tuple(target):
        return x
    rows, columns = target
    ones = "\\mathbf{1}"
    if len(shape) == 1 and shape[0] != 1:
        return linear(x, lambda x: Tex(beside(ones, transposed(x).text), PRODUCT))
    if len(shape) == 2 and shape[1] == 1 != columns and shape[0] == rows:
        return linear(x, lambda x: Tex(beside(x.within(PRODUCT), f"{ones}^\\top"), PRODUCT))
    if len(shape) == 2 and shape[0] == 1 != rows and shape[1] == columns:
        return linear(x, lambda x: Tex(beside(ones, x.within(PRODUCT)), PRODUCT))
    return x


def laid_out(x: Tex, shape: Sequence[int], target: Sequence[int]) -> Tex:
    """Return the same numbers in another shape: transposed where a row becomes a column, or a column a
    row.
    """

    def is_row(sizes: Sequence[int]) -> bool:
        return len(sizes) == 2 and sizes[0] == 1 != sizes[1]

    return linear(x, transposed) if is_row(shape) != is_row(target) else x


def linear(x: Tex, change: Callable[[Tex], Tex]) -> Tex:
    """Write `change`, which is linear, with a number left in front."""
    if x.factor is None or x.factor[2] is None:
        return change(x)
    value, text, _ = x.factor
    return multiplied(numeric(value, text), change(x.factor[2]))


def function(writer: Expressions, node: Node, index: Index) -> Tex:
    """Write a function entry by entry: its name before its arguments."""
    name = FUNCTIONS.get(node.primitive.name, operator(node.primitive.name))
    if name[1:].lower() in {
        word.lower() for word in writer.names
    }:  # the user means something else by it
        name = operator(node.primitive.name)
    return called(name, *(x.text for x in writer.operands(node, index)))


def plain_call(writer: Expressions, node: Node) -> Tex:
    """Write an operation without notation of its own: its name before its inputs, and the parameters
    that matter.
    """
    texts = [writer.write(wire).text for wire in node.inputs]
    shown = _shown(node.params)
    name = operator(node.primitive.name)
    return called(f"{name}_{{{shown}}}" if shown else name, *texts)


def _shown(params: Mapping[str, object]) -> str:
    """Write parameters as a subscript, each with its name: ``axis=1``; not those that are off."""
    found = []
    for key, value in params.items():
        values = value if isinstance(value, tuple) else (value,)
        off = value is None or value is False or key == "keepdims"
        if not off and values and all(map(_is_plain, values)):
            texts = (number(v) if isinstance(v, int | float) else word(str(v)) for v in values)
            found.append(f"{word(key)}={','.join(texts)}")
    return ";".join(found)


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | str)


def product(writer: Expressions, node: Node, index: Index) -> Tex:
    """Write numbers first, arrays side by side with them; arrays among each other entry by entry."""
    x, y = node.inputs
    first, second = aligned(x, index), aligned(y, index)
    left, right = writer.write(x, first), writer.write(y, second)
    m, n = writer.shape(x, first), writer.shape(y, second)
    target = extent(node.outputs[0], index)
    if not m or not n:
        if not n and m:
            left, right, m, n = right, left, n, m
        elif _comes_first(right, left):
            left, right = right, left
        return multiplied(left, stretched(right, n, target))
    if len(target) == 2 and len(m) == 2 and m[1] == 1 != target[1] and n == target[1:]:
        return multiplied(left, linear(right, transposed))
    both = [stretched(t, s, target) for t, s in ((left, m), (right, n))]
    return multiplied(*both, entrywise=True)


def _comes_first(y: Tex, x: Tex) -> bool:
    """Return whether y stands before x in a product of numbers: a sum after what is a single factor."""
    return x.binds <= SUM and y.binds == ATOM
