"""Expressions in index notation: ``Σₖ x[i,k]·w[k,j]``, to be read, and to be evaluated.

An *entry* is a value with a *place* on each of its axes: a letter, a number, or something looked up. An
expression is evaluated for all values of its letters at once, as an array with one axis for each letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..emit.array_expressions import write
from ..emit.latex.symbols import number as number_tex
from ..emit.latex.symbols import subscripted, symbol
from ..emit.latex.tex import ATOM, SUMMATION, Tex, multiplied
from ..emit.latex.writer import Expressions
from ..engine.array_types import AnyArray
from ..engine.broadcasting import broadcast_shapes
from ..engine.forks import lazily
from ..engine.primitive import Primitive, primitives
from ..engine.spec import ArraySpec
from ..graph.graph import Graph, Node, Wire, evaluate_node

Positions = Mapping[str, AnyArray]
"""For each letter the numbers 0, 1, ..., along an axis of its own."""

_MULTIPLIED, _SUMMED = 20, 15
"""How tightly ``x * y`` and a sum over letters bind, in the scale of the primitives' notations."""
LETTERS = "ijklmnprstuvh"
"""Letters that Unicode has as subscripts."""
_LOW = dict(zip("ijklmnprstuvhaeox", "ᵢⱼₖₗₘₙₚᵣₛₜᵤᵥₕₐₑₒₓ", strict=True))
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Place:
    """Where along an axis: how it is written, which letters it has, and its value."""

    text: str
    tex: str
    letters: tuple[str, ...]
    at: Callable[[Positions], AnyArray]

    @property
    def is_letter(self) -> bool:
        return self.letters == (self.text,)


def letter(name: str) -> Place:
    return Place(name, name, (name,), lambda p: p[name])


def fixed(n: int) -> Place:
    return Place(str(n), str(n), (), lambda p: np.array(n))


def along(name: str, start: int, step: int) -> Place:
    """Return start + step · letter."""
    if start == 0 and step == 1:
        return letter(name)
    text = name if step == 1 else f"{step}·{name}" if step != -1 else f"-{name}"
    if start:
        text = f"{start}{text}" if text.startswith("-") else f"{text}{start:+d}"
    return Place(text, text.replace("·", " "), (name,), lambda p: start + step * p[name])


def looked_up(name: str, array: AnyArray, names: Sequence[str]) -> Place:
    """Return an index array's entry: ``r[i]``."""
    array = np.asarray(array)
    own = names[len(names) - array.ndim :] if array.ndim else []
    places = [
        letter(c) if n != 1 or array.size == 1 else fixed(0)
        for c, n in zip(own, array.shape, strict=True)
    ]
    entry = Entry(name, array, tuple(places))
    return Place(entry.text, entry.tex.text, entry.letters, entry.value)


# ---- expressions


class Term:
    """Something that can be written, and evaluated."""

    @property
    def text(self) -> str:
        raise NotImplementedError

    @property
    def tex(self) -> Tex:
        """In LaTeX."""
        raise NotImplementedError

    @property
    def binds(self) -> int:
        return ATOM

    @property
    def within(self) -> str:
        """As a factor: a sum stands in brackets."""
        return f"({self.text})" if self.binds < _MULTIPLIED else self.text

    def value(self, p: Positions) -> AnyArray:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Number(Term):
    """A number."""

    number: AnyArray

    @property
    def text(self) -> str:
        return repr(np.asarray(self.number).item()).removesuffix(".0")

    @property
    def tex(self) -> Tex:
        return Tex(number_tex(self.number))

    @property
    def binds(self) -> int:
        return 30 if self.text.startswith("-") else ATOM

    def value(self, p: Positions) -> AnyArray:
        return self.number


@dataclass(frozen=True, slots=True)
class Entry(Term):
    """One entry of an array."""

    name: str
    array: AnyArray = field(repr=False)
    places: tuple[Place, ...]
    is_gradient: bool = False

    @property
    def text(self) -> str:
        name = f"d{self.name}" if self.is_gradient else self.name
        return f"{name}[{','.join(place.text for place in self.places)}]" if self.places else name

    @property
    def tex(self) -> Tex:
        text = symbol(self.name, 0)
        if self.is_gradient:
            numbered = re.fullmatch(r"([^\d_]+)_?(\d+)", self.name)
            text = symbol("_bar_".join(numbered.groups()), 0) if numbered else f"\\bar{{{text}}}"
        return Tex(subscripted(text, [place.tex for place in self.places]) if self.places else text)

    @property
    def letters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for place in self.places for c in place.letters))

    def value(self, p: Positions) -> AnyArray:
        array = np.asarray(self.array)
        return array[tuple(place.at(p) for place in self.places)] if self.places else array


@dataclass(frozen=True, slots=True)
class ProductTerm(Term):
    """Factors one after the other."""

    factors: tuple[Term, ...]

    @property
    def text(self) -> str:
        *first, last = self.factors
        texts = [
            f"({f.text})" if f.binds <= _MULTIPLIED and " / " in f.text else f.within for f in first
        ]
        return "·".join([*texts, last.text if isinstance(last, Total) else last.within])

    @property
    def tex(self) -> Tex:
        result = self.factors[0].tex
        for factor in self.factors[1:]:
            result = multiplied(result, factor.tex)
        return result

    @property
    def binds(self) -> int:
        return _MULTIPLIED

    def value(self, p: Positions) -> AnyArray:
        result = self.factors[0].value(p)
        for factor in self.factors[1:]:
            result = result * factor.value(p)
        return result


def product(*factors: Term) -> Term:
    """Return a product; ones are left out."""
    kept = tuple(f for f in factors if not (isinstance(f, Number) and f.number == 1)) or factors[:1]
    return kept[0] if len(kept) == 1 else ProductTerm(kept)


def ratio(x: float, y: float) -> Term:
    """Return a quotient of numbers, as a number where it is whole."""
    return Number(x / y) if y and x % y == 0 else apply(primitives.divide, Number(x), Number(y))


@dataclass(frozen=True, slots=True)
class Total(Term):
    """A sum over letters."""

    letters: tuple[str, ...]
    body: Term

    @property
    def text(self) -> str:
        known = all(c in _LOW for c in self.letters)
        low = "".join(_LOW[c] for c in self.letters) if known else f"_{{{','.join(self.letters)}}}"
        return f"Σ{low} {self.body.within}"

    @property
    def tex(self) -> Tex:
        low = "".join(self.letters)
        return Tex(f"\\sum_{{{low}}} {self.body.tex.within(SUMMATION)}", SUMMATION)

    @property
    def binds(self) -> int:
        return _SUMMED

    def value(self, p: Positions) -> AnyArray:
        value = np.asarray(self.body.value(p))
        for c in self.letters:
            stretched = np.broadcast_to(value, broadcast_shapes(value.shape, np.shape(p[c])))
            value = stretched.sum(list(p).index(c), keepdims=True)
        return value


def total(letters: Sequence[str], body: Term) -> Term:
    """Return a sum; over no letters it is its body."""
    return Total(tuple(letters), body) if letters else body


class Apply(Term):
    """A primitive or a block on entries; written and evaluated once, however often it is used."""

    def __init__(self, node: Node, inputs: tuple[Term, ...]) -> None:
        self.node = node
        self.inputs = inputs
        self.known: tuple[Positions, AnyArray] | None = None

    @property
    def text(self) -> str:
        return self.written[0]

    @property
    def binds(self) -> int:
        return self.written[1]

    @lazily
    def written(self) -> tuple[str, int]:
        """Return the text, and how tightly it binds."""
        text, binds = write(self.node, [(x.text, x.binds) for x in self.inputs])
        text = text.replace(" * ", "·")
        powers = re.sub(r"\*\*(\d+)(?![.\d])", lambda m: m[1].translate(_RAISED), text)
        return powers, binds

    @lazily
    def tex(self) -> Tex:
        spec = ArraySpec((), np.dtype(float))
        wires = tuple(Wire("x", spec) for _ in self.inputs)
        node = Node(self.node.primitive, wires, (Wire("y", spec),), self.node.params)
        writer = Expressions(Graph("", wires, (node,), ()), ())
        writer.symbols = {w: (x.tex, x.tex) for w, x in zip(wires, self.inputs, strict=True)}
        return writer.write(node.out)

    def value(self, p: Positions) -> AnyArray:
        if self.known is None or self.known[0] is not p:
            self.known = (p, evaluate_node(self.node, [x.value(p) for x in self.inputs])[0])
        return self.known[1]


def apply(primitive: Primitive, *inputs: Term, **params: Any) -> Apply:
    """Return an elementwise primitive on entries."""
    return Apply(Node(primitive, (), (), params), inputs)


@dataclass(frozen=True, slots=True)
class Where(Term):
    """Iverson's bracket: 1 where two entries are equal, else 0."""

    left: Term
    right: Term

    @property
    def text(self) -> str:
        return f"[{self.left.text} = {self.right.text}]"

    @property
    def tex(self) -> Tex:
        return Tex(f"\\left[{self.left.tex.text} = {self.right.tex.text}\\right]")

    def value(self, p: Positions) -> AnyArray:
        return np.equal(self.left.value(p), self.right.value(p)).astype(float)


# ---- equations


@dataclass(frozen=True, slots=True)
class Equation:
    """An entry and what it is, for all values of the letters; `sizes` has every letter's axis."""

    left: Entry
    right: Term
    sizes: Mapping[str, int]
    adds: bool = False
    """Whether an entry may come several times, so that contributions add up."""
    note: str = ""

    @property
    def text(self) -> str:
        note = f", {self.note}" if self.note else ""
        return f"{self.left.text} {'+=' if self.adds else '='} {self.right.text}{note}"

    @property
    def tex(self) -> str:
        note = f" \\quad \\text{{({self.note})}}" if self.note else ""
        sign = "\\mathrel{+}=" if self.adds else "="
        return f"{self.left.tex.text} {sign} {self.right.tex.text}{note}"

    def evaluate(self) -> AnyArray:
        """Return the whole array that the equation describes, entry by entry."""
        names = list(self.sizes)
        positions = {
            c: np.arange(n).reshape([n if c == other else 1 for other in names])
            for c, n in self.sizes.items()
        }
        value = np.asarray(self.right.value(positions))
        shape = [self.sizes[c] if c in self.left.letters else 1 for c in names]
        value = np.broadcast_to(value, shape)
        out = np.zeros(np.shape(self.left.array), np.result_type(value, float))
        where = tuple(np.broadcast_to(place.at(positions), shape) for place in self.left.places)
        np.add.at(out, where, value) if where else out.__iadd__(value.reshape(()))
        return out
