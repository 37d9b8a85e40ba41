"""The table of index forms: for each primitive, what one entry of its result is, and of a gradient.

A form is written by a function of a `Use`: one input of one gate. What is not in the table, nor entry by
entry, has no index form.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.primitive import primitives
from ..engine.spec import MOST_AXES, first_entry
from ..graph.graph import Node, Wire
from ..ops.einsum_subscripts import read
from .account import Account
from .index_expressions import (
    LETTERS,
    Apply,
    Entry,
    Equation,
    Number,
    Place,
    Positions,
    Term,
    Where,
    apply,
    fixed,
    letter,
    looked_up,
    product,
    ratio,
    total,
)
from .local import rule_graph


class Form(NamedTuple):
    """What an entry of a gate's result is, and what reaches an entry of one of its inputs."""

    forward: Equation
    backward: Equation
    reason: str = ""
    """Why, where the letters alone do not say it."""


class Use:
    """One input of one gate, with the values and gradients around it."""

    def __init__(self, account: Account, node: Node, position: int, upstream: AnyArray) -> None:
        self.account = account
        self.node = node
        self.position = position
        self.wire = node.inputs[position]
        self.out = node.outputs[0]
        self.upstream = upstream
        names = {wire.name for wire in account.graph.wires()}
        letters = [*LETTERS, *string.ascii_letters, *(f"i{n}" for n in range(2 * MOST_AXES))]
        self.letters = [c for c in dict.fromkeys(letters) if c not in names]

    def shape(self, position: int | None = None) -> tuple[int, ...]:
        return self.node.inputs[self.position if position is None else position].spec.shape

    def result(self, places: Sequence[Place]) -> Entry:
        """Return an entry of the gate's result."""
        return Entry(self.out.name, self.account.values[self.out], tuple(places))

    def given(self, places: Sequence[Place]) -> Entry:
        """Return an entry of the upstream gradient."""
        return Entry(self.out.name, self.upstream, tuple(places), is_gradient=True)

    def target(self, places: Sequence[Place]) -> Entry:
        """Return an entry of what reaches the input."""
        return Entry(self.wire.name, np.empty(self.shape()), tuple(places), is_gradient=True)

    def read(self, position: int, places: Sequence[Place]) -> Term:
        """Return an entry of an input."""
        return self.term(self.node.inputs[position], places)

    def term(self, wire: Wire, places: Sequence[Place]) -> Term:
        if wire.is_constant and not wire.is_named:
            value = np.asarray(wire.constant)
            if value.size and (value.ndim == 0 or (value == first_entry(value)).all()):
                return Number(first_entry(value))
        return Entry(wire.name, self.account.values[wire], tuple(places))


_LONGEST = 25
"""A slope that takes more operations is no formula to be read."""
FormWriter = Callable[[Use], Form | None]
FORMS: dict[str, FormWriter] = {}


def forms(*names: str) -> Callable[[FormWriter], FormWriter]:
    """Let the decorated function write the form of these primitives."""

    def note(function: FormWriter) -> FormWriter:
        FORMS.update(dict.fromkeys(names, function))
        return function

    return note


def form_of(use: Use) -> Form | None:
    """Return the index form of a gate for one of its inputs, if it has one."""
    wires = (*use.node.inputs, *use.node.outputs)
    if len(use.node.outputs) != 1 or any(w.spec.dtype.kind == "c" for w in wires):
        return None
    write = FORMS.get(use.node.primitive.name)
    if write is not None:
        return write(use)
    return entry_by_entry(use) if "elementwise" in use.node.primitive.traits else None


# ---- entry by entry


def aligned(shape: Sequence[int], letters: Sequence[str], target: Sequence[int]) -> list[Place]:
    """Return the places of an operand that is stretched to the target, whose axes have these letters."""
    own = list(letters[len(letters) - len(shape) :])
    return [
        fixed(0) if n == 1 and m != 1 else letter(c)
        for c, n, m in zip(own, shape, target[len(target) - len(shape) :], strict=True)
    ]


def entry_by_entry(use: Use) -> Form | None:
    node, out = use.node, use.out.spec.shape
    names = use.letters[: len(out)]
    sizes = dict(zip(names, out, strict=True))
    places = {w: aligned(w.spec.shape, names, out) for w in node.inputs}
    y = [letter(c) for c in names]
    forward = Apply(node, tuple(use.term(w, places[w]) for w in node.inputs))
    graph = rule_graph(node, use.position, is_factor=True)
    if len(graph.nodes) > _LONGEST or not all(
        "elementwise" in part.primitive.traits for part in graph.nodes
    ):
        return None
    wires = {w.name: w for w in node.inputs}
    terms: dict[Wire, Term] = {}
    for wire in graph.inputs:
        known = wires.get(wire.name)
        terms[wire] = use.result(y) if known is None else use.term(known, places[known])
    for part in graph.nodes:
        inputs = []
        for wire in part.inputs:
            value = np.asarray(wire.constant) if wire.is_constant else None
            if value is not None and wire not in terms:
                if value.size and not (value == first_entry(value)).all():
                    return None
                terms[wire] = Number(first_entry(value) if value.size else 0.0)
            inputs.append(terms[wire])
        terms[part.out] = Apply(part, tuple(inputs))
    end = graph.outputs[0]
    factor = terms.get(end) or Number(first_entry(np.asarray(end.constant)))
    dy = use.given(y)
    body: Term = product(dy, factor)
    if isinstance(factor, Number) and abs(factor.number) == 1:
        body = dy if factor.number == 1 else apply(primitives.negative, dy)
    elif isinstance(factor, Apply) and factor.node.primitive is primitives.negative:
        body = apply(primitives.negative, product(dy, factor.inputs[0]))
    elif isinstance(factor, Apply) and _is_one_over(factor):
        body = apply(primitives.divide, dy, factor.inputs[1])
    own = places[use.wire]
    stretched = [c for c in names if not any(c in place.letters for place in own)]
    stretched = [c for c in stretched if sizes[c] != 1]
    reason = ""
    if stretched:
        reason = (
            f"{use.wire.name} was stretched over {_and(stretched)}: every copy of an entry hands its "
            f"gradient back"
        )
    backward = Equation(use.target(own), total(stretched, body), sizes)
    return Form(Equation(use.result(y), forward, sizes), backward, reason)


def _is_one_over(factor: Apply) -> bool:
    if factor.node.primitive is not primitives.divide:
        return False
    first = factor.inputs[0]
    return isinstance(first, Number) and first.number == 1


def _and(letters: Sequence[str]) -> str:
    return " and ".join([", ".join(letters[:-1]), letters[-1]] if len(letters) > 1 else letters)


# ---- sums of products


def sum_of_products(use: Use, terms: Sequence[str], output: str, sizes: dict[str, int]) -> Form:
    """Return operands whose axes have these letters, multiplied, and summed over what the output lacks."""
    places = [
        [
            fixed(0) if n == 1 != sizes[c] else letter(c)
            for c, n in zip(t, use.shape(i), strict=True)
        ]
        for i, t in enumerate(terms)
    ]
    y = [letter(c) for c in output]
    summed = [c for c in sizes if c not in output]
    factors = [use.read(i, places[i]) for i in range(len(terms))]
    own = places[use.position]
    left = use.target(own)
    back: list[Term] = list(factors)
    back[use.position] = use.given(y)
    over = [
        c
        for c in sizes
        if c not in left.letters and any(c in f.letters for f in back if isinstance(f, Entry))
    ]
    alone = all(c in left.letters for c in output)
    entry = factors[use.position].text
    reason = f"{entry} goes into {use.result(y).text} alone" if alone else ""
    diagonal = len(set(terms[use.position])) < len(terms[use.position])
    return Form(
        Equation(use.result(y), total(summed, product(*factors)), sizes),
        Equation(left, total(over, product(*back)), sizes, note="0 elsewhere" if diagonal else ""),
        reason,
    )


@forms("matmul")
def _matmul(use: Use) -> Form | None:
    x, y = use.shape(0), use.shape(1)
    free = iter(use.letters)
    i, j, k = next(free), next(free), next(free)
    batch = [next(free) for _ in range(max(len(x), len(y)) - 2)]
    if any(len(c) > 1 for c in batch):  # more axes than letters
        return None
    first = "".join(batch[len(batch) - len(x) + 2 :]) + i + k if len(x) > 1 else k
    second = "".join(batch[len(batch) - len(y) + 2 :]) + k + j if len(y) > 1 else k
    output = "".join(batch) + (i if len(x) > 1 else "") + (j if len(y) > 1 else "")
    sizes: dict[str, int] = {}
    for term, shape in ((first, x), (second, y)):
        for c, n in zip(term, shape, strict=True):
            sizes[c] = n if sizes.get(c, 1) == 1 else sizes[c]
    return sum_of_products(use, (first, second), output, sizes)


@forms("outer")
def _outer(use: Use) -> Form | None:
    if len(use.shape(0)) != 1 or len(use.shape(1)) != 1:
        return None
    i, j = use.letters[:2]
    return sum_of_products(use, (i, j), i + j, {i: use.shape(0)[0], j: use.shape(1)[0]})


@forms("einsum")
def _einsum(use: Use) -> Form:
    shapes = tuple(w.spec.shape for w in use.node.inputs)
    terms, output, sizes = read(use.node.params["subscripts"], shapes)
    taken = [c for c in sizes if c not in use.letters]
    spare = (c for c in use.letters if c not in sizes)
    turn = str.maketrans({c: next(spare) for c in taken})
    named = {c.translate(turn): n for c, n in sizes.items()}
    return sum_of_products(use, [t.translate(turn) for t in terms], output.translate(turn), named)


# ---- reductions


class ReducedLetters:
    """The letters of a reduction: all of the input's, those that stay, and those that go."""

    def __init__(self, use: Use) -> None:
        shape = use.shape()
        self.axes = [a % len(shape) for a in use.node.params["axis"]]
        self.names = use.letters[: len(shape)]
        self.sizes = dict(zip(self.names, shape, strict=True))
        self.x = [letter(c) for c in self.names]
        self.gone = [self.names[a] for a in self.axes]
        keeps = use.node.params.get("keepdims")
        kept = [fixed(0) if a in self.axes else p for a, p in enumerate(self.x)]
        self.y = kept if keeps else [p for a, p in enumerate(self.x) if a not in self.axes]
        self.count = int(np.prod([shape[a] for a in self.axes])) if self.axes else 1
        spare = iter(c for c in use.letters if c not in self.names)
        self.other = dict(zip(self.gone, spare, strict=False))
        """For sums within the gradient: other letters for the same axes."""
        self.all_sizes = self.sizes | {self.other[c]: self.sizes[c] for c in self.gone}
        self.x_other = [letter(self.other.get(c, c)) for c in self.names]


@forms("sum")
def _sum(use: Use) -> Form:
    r = ReducedLetters(use)
    forward = Equation(use.result(r.y), total(r.gone, use.read(0, r.x)), r.sizes)
    return Form(forward, Equation(use.target(r.x), use.given(r.y), r.sizes))


@forms("mean")
def _mean(use: Use) -> Form:
    r = ReducedLetters(use)
    share = ratio(1, r.count)
    forward = product(share, total(r.gone, use.read(0, r.x)))
    back = apply(primitives.divide, use.given(r.y), Number(r.count))
    return Form(
        Equation(use.result(r.y), forward, r.sizes), Equation(use.target(r.x), back, r.sizes)
    )


@forms("max", "min")
def _extreme(use: Use) -> Form:
    r = ReducedLetters(use)
    x, y = use.read(0, r.x), use.result(r.y)
    hit = Where(x, y)
    ties = Where(use.read(0, r.x_other), y)
    total_ties = total([r.other[c] for c in r.gone], ties)
    value = np.asarray(use.account.values[use.wire])
    winners = np.asarray(value == np.broadcast_to(_kept(use, r), value.shape))
    shared = bool(np.any(winners.sum(axis=tuple(r.axes)) > 1)) if r.axes else False
    back: Term = product(hit, use.given(r.y))
    if shared:
        back = apply(primitives.divide, back, total_ties)
    name = use.node.primitive.name
    forward = _Named(name, tuple(r.gone), x, np.max if name == "max" else np.min)
    reason = f"only the {'largest' if name == 'max' else 'smallest'} entry moves {y.text}"
    reason += "; entries that tie share it" if shared else ""
    return Form(
        Equation(y, forward, r.sizes),
        Equation(use.target(r.x), back, r.all_sizes if shared else r.sizes),
        reason,
    )


def _kept(use: Use, r: ReducedLetters) -> Any:
    value = np.asarray(use.account.values[use.out])
    shape = [1 if a in r.axes else n for a, n in enumerate(use.shape())]
    return value.reshape(shape)


class _Named(Term):
    """A maximum over letters: ``maxⱼ x[i,j]``."""

    def __init__(self, name: str, letters: tuple[str, ...], body: Term, reduce: Any) -> None:
        self.inner = total(letters, body)
        self.name, self.letters, self.body, self.reduce = name, letters, body, reduce

    @property
    def text(self) -> str:
        return self.inner.text.replace("Σ", self.name, 1) if self.letters else self.body.text

    @property
    def tex(self) -> Any:
        inner = self.inner.tex
        return replace(inner, text=inner.text.replace("\\sum", f"\\{self.name}", 1))

    def value(self, p: Positions) -> AnyArray:
        value = np.asarray(self.body.value(p))
        axes = tuple(list(p).index(c) for c in self.letters)
        return self.reduce(value, axis=axes, keepdims=True) if axes else value


@forms("var", "std")
def _spread(use: Use) -> Form:
    r = ReducedLetters(use)
    rest = r.count - use.node.params["ddof"]
    x, y = use.read(0, r.x), use.result(r.y)
    average = np.asarray(use.account.values[use.wire]).mean(axis=tuple(r.axes), keepdims=True)
    kept = average if use.node.params["keepdims"] else average.reshape(use.out.spec.shape)
    mean = Entry("mean", kept, tuple(r.y))
    away = apply(primitives.subtract, x, mean)
    share = ratio(1, rest)
    variance: Term = product(share, total(r.gone, apply(primitives.power, away, Number(2))))
    if use.node.primitive.name == "var":
        back = product(use.given(r.y), ratio(2, rest), away)
        forward: Term = variance
    else:
        forward = apply(primitives.sqrt, variance)
        below = product(Number(rest), y)
        back = product(use.given(r.y), apply(primitives.divide, away, below))
    reason = "the mean moves with the entries, too, but the deviations from it add up to 0"
    return Form(Equation(y, forward, r.sizes), Equation(use.target(r.x), back, r.sizes), reason)


@forms("logsumexp")
def _logsumexp(use: Use) -> Form:
    r = ReducedLetters(use)
    x, y = use.read(0, r.x), use.result(r.y)
    forward = apply(primitives.log, total(r.gone, apply(primitives.exp, x)))
    back = product(use.given(r.y), apply(primitives.exp, apply(primitives.subtract, x, y)))
    return Form(Equation(y, forward, r.sizes), Equation(use.target(r.x), back, r.sizes))


@forms("softmax")
def _softmax(use: Use) -> Form:
    r = ReducedLetters(use)
    y, others = use.result(r.x), [r.other[c] for c in r.gone]
    all_of = total(others, apply(primitives.exp, use.read(0, r.x_other)))
    forward = apply(primitives.divide, apply(primitives.exp, use.read(0, r.x)), all_of)
    mixed = total(others, product(use.given(r.x_other), use.result(r.x_other)))
    back = product(y, apply(primitives.subtract, use.given(r.x), mixed))
    reason = "each entry is in the numerator of one result and in the denominator of all"
    return Form(
        Equation(y, forward, r.all_sizes), Equation(use.target(r.x), back, r.all_sizes), reason
    )


@forms("log_softmax")
def _log_softmax(use: Use) -> Form:
    r = ReducedLetters(use)
    y, others = use.result(r.x), [r.other[c] for c in r.gone]
    all_of = total(others, apply(primitives.exp, use.read(0, r.x_other)))
    forward = apply(primitives.subtract, use.read(0, r.x), apply(primitives.log, all_of))
    spread = product(apply(primitives.exp, y), total(others, use.given(r.x_other)))
    back = apply(primitives.subtract, use.given(r.x), spread)
    return Form(Equation(y, forward, r.all_sizes), Equation(use.target(r.x), back, r.all_sizes))


@forms("nll_loss")
def _nll_loss(use: Use) -> Form | None:
    if use.position or len(use.shape()) != 2:
        return None
    i = use.letters[0]
    rows = use.shape()[0]
    label = use.node.inputs[1]
    right = [letter(i), looked_up(label.name, use.account.values[label], [i])]
    share = ratio(-1, rows)
    back = apply(primitives.negative, apply(primitives.divide, use.given([]), Number(rows)))
    return Form(
        Equation(use.result([]), product(share, total([i], use.read(0, right))), {i: rows}),
        Equation(use.target(right), back, {i: rows}, note="0 elsewhere"),
    )
