"""The table of index forms: for each primitive, what one entry of its result is, and of a gradient.

A form is written by a function of a `Use`: one input of one gate. What is not in the table, nor entry by
entry, has no index form.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..emit.latex.parts import is_count
from ..graph import Node, Wire
from ..ops.indexing import Slot
from ..ops.subscripts import read
from ..primitive import primitives
from .account import Account
from .indices import (
    LETTERS,
    Apply,
    Entry,
    Equation,
    Number,
    Place,
    Term,
    Where,
    along,
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

    def __init__(self, account: Account, node: Node, position: int, upstream: Any) -> None:
        self.account = account
        self.node = node
        self.position = position
        self.wire = node.inputs[position]
        self.out = node.outputs[0]
        self.upstream = upstream
        names = {wire.name for wire in account.graph.wires()}
        self.letters = [c for c in LETTERS + string.ascii_letters if c not in names]

    def shape(self, position: int | None = None) -> tuple[int, ...]:
        return self.node.inputs[self.position if position is None else position].spec.shape

    def result(self, places: Sequence[Place]) -> Entry:
        """An entry of the gate's result."""
        return Entry(self.out.name, self.account.values[self.out], tuple(places))

    def given(self, places: Sequence[Place]) -> Entry:
        """An entry of the upstream gradient."""
        return Entry(self.out.name, self.upstream, tuple(places), is_gradient=True)

    def target(self, places: Sequence[Place]) -> Entry:
        """An entry of what reaches the input."""
        return Entry(self.wire.name, np.empty(self.shape()), tuple(places), is_gradient=True)

    def read(self, position: int, places: Sequence[Place]) -> Term:
        """An entry of an input."""
        return self.term(self.node.inputs[position], places)

    def term(self, wire: Wire, places: Sequence[Place]) -> Term:
        if wire.is_constant and not wire.is_named:
            value = np.asarray(wire.constant)
            if value.size and (value.ndim == 0 or (value == value.flat[0]).all()):
                return Number(value.flat[0])
        return Entry(wire.name, self.account.values[wire], tuple(places))


Writer = Callable[[Use], Form | None]
FORMS: dict[str, Writer] = {}


def forms(*names: str) -> Callable[[Writer], Writer]:
    """Decorator: this function writes the form of these primitives."""

    def note(function: Writer) -> Writer:
        FORMS.update(dict.fromkeys(names, function))
        return function

    return note


def form_of(use: Use) -> Form | None:
    """The index form of a gate for one of its inputs, if it has one."""
    wires = (*use.node.inputs, *use.node.outputs)
    if len(use.node.outputs) != 1 or any(w.spec.dtype.kind == "c" for w in wires):
        return None
    write = FORMS.get(use.node.primitive.name)
    if write is not None:
        return write(use)
    return entry_by_entry(use) if use.node.primitive.elementwise else None


# ---- entry by entry


def aligned(shape: Sequence[int], letters: Sequence[str], target: Sequence[int]) -> list[Place]:
    """The places of an operand that is stretched to the target, whose axes have these letters."""
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
    if not all(part.primitive.elementwise for part in graph.nodes):
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
                if value.size and not (value == value.flat[0]).all():
                    return None
                terms[wire] = Number(value.flat[0] if value.size else 0.0)
            inputs.append(terms[wire])
        terms[part.out] = Apply(part, tuple(inputs))
    end = graph.outputs[0]
    factor = terms.get(end) or Number(np.asarray(end.constant).flat[0])
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
    """Operands whose axes have these letters, multiplied, and summed over what the output lacks."""
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
def _matmul(use: Use) -> Form:
    x, y = use.shape(0), use.shape(1)
    free = iter(use.letters)
    i, j, k = next(free), next(free), next(free)
    batch = [next(free) for _ in range(max(len(x), len(y)) - 2)]
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


class Reduction:
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
    r = Reduction(use)
    forward = Equation(use.result(r.y), total(r.gone, use.read(0, r.x)), r.sizes)
    return Form(forward, Equation(use.target(r.x), use.given(r.y), r.sizes))


@forms("mean")
def _mean(use: Use) -> Form:
    r = Reduction(use)
    share = ratio(1, r.count)
    forward = product(share, total(r.gone, use.read(0, r.x)))
    back = apply(primitives.divide, use.given(r.y), Number(r.count))
    return Form(
        Equation(use.result(r.y), forward, r.sizes), Equation(use.target(r.x), back, r.sizes)
    )


@forms("max", "min")
def _extreme(use: Use) -> Form:
    r = Reduction(use)
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


def _kept(use: Use, r: Reduction) -> Any:
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
        from dataclasses import replace

        return replace(inner, text=inner.text.replace("\\sum", f"\\{self.name}", 1))

    def value(self, p: Any) -> Any:
        value = np.asarray(self.body.value(p))
        axes = tuple(list(p).index(c) for c in self.letters)
        return self.reduce(value, axis=axes, keepdims=True) if axes else value


@forms("var", "std")
def _spread(use: Use) -> Form:
    r = Reduction(use)
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
    r = Reduction(use)
    x, y = use.read(0, r.x), use.result(r.y)
    forward = apply(primitives.log, total(r.gone, apply(primitives.exp, x)))
    back = product(use.given(r.y), apply(primitives.exp, apply(primitives.subtract, x, y)))
    return Form(Equation(y, forward, r.sizes), Equation(use.target(r.x), back, r.sizes))


@forms("softmax")
def _softmax(use: Use) -> Form:
    r = Reduction(use)
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
    r = Reduction(use)
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


# ---- what only moves entries


def moved(
    use: Use,
    to: Sequence[Place],
    source: Sequence[Place],
    sizes: dict[str, int],
    *,
    adds: bool = False,
    note: str = "",
    forward_note: str = "",
) -> Form:
    """y[to] = x[source]: the gradient goes the way back, and adds up over the copies."""
    y, dx = use.result(to), use.target(source)
    over = [c for c in y.letters if c not in dx.letters]
    back = Equation(dx, total(over, use.given(to)), sizes, adds, note)
    return Form(Equation(y, use.read(0, source), sizes, note=forward_note), back)


@forms("transpose")
def _transpose(use: Use) -> Form:
    names = use.letters[: len(use.shape())]
    x = [letter(c) for c in names]
    sizes = dict(zip(names, use.shape(), strict=True))
    return moved(use, [x[a] for a in use.node.params["axes"]], x, sizes)


@forms("broadcast_to")
def _broadcast(use: Use) -> Form:
    out = use.out.spec.shape
    names = use.letters[: len(out)]
    sizes = dict(zip(names, out, strict=True))
    return moved(use, [letter(c) for c in names], aligned(use.shape(), names, out), sizes)


@forms("reshape", "expand_dims", "squeeze")
def _reshape(use: Use) -> Form:
    old, new = use.shape(), use.out.spec.shape
    names = iter(use.letters)
    x: list[Place] = []
    sizes: dict[str, int] = {}
    groups = []
    for n in old:
        c = next(names)
        x.append(letter(c) if n != 1 else fixed(0))
        if n != 1:
            sizes[c] = n
            groups.append((c, n))
    if [n for _, n in groups] == [n for n in new if n != 1]:
        left = iter(groups)
        return moved(use, [fixed(0) if n == 1 else letter(next(left)[0]) for n in new], x, sizes)
    to: list[Place] = []
    after = int(np.prod(new)) if new else 1
    total_size = after
    for n in new:
        after //= max(n, 1)
        to.append(fixed(0) if n == 1 else _digit(groups, after, n, total_size))
    return moved(use, to, x, sizes)


def _digit(groups: list[tuple[str, int]], after: int, n: int, size: int) -> Place:
    """One axis of a new shape: a digit of the entry's number in the old one."""
    weights = []
    rest = size
    for c, m in groups:
        rest //= max(m, 1)
        weights.append((c, rest, m))
    # an axis whose steps are whole multiples of n · after does not show, one below `after` neither
    used = [(c, w, m) for c, w, m in weights if w < n * after and w * m > after]
    exact = all(w >= after and w % after == 0 for _, w, _ in used) and used
    if exact and used[0][1] * used[0][2] == n * after:
        parts = [(c, w // after) for c, w, _ in used]
        text = " + ".join(c if w == 1 else f"{w}·{c}" for c, w in parts).replace(" ", "")
        tex = text.replace("·", " ")
        names = tuple(c for c, _ in parts)
        return (
            letter(text)
            if len(parts) == 1 and text == names[0]
            else Place(text, tex, names, lambda p: sum(w * p[c] for c, w in parts))
        )
    inner = "+".join(c if w == 1 else f"{w}·{c}" for c, w, _ in weights)
    text = f"({inner})"
    text = f"{text}//{after}" if after > 1 else text
    text = f"{text}%{n}" if n * after < size else text
    tex = text.replace("·", " ").replace("//", "\\backslash ").replace("%", "\\bmod ")
    return Place(
        text,
        tex,
        tuple(c for c, _, _ in weights),
        lambda p: sum(w * p[c] for c, w, _ in weights) // after % n,
    )


@forms("roll")
def _roll(use: Use) -> Form | None:
    if use.node.params["axis"] is None:
        return None
    names = use.letters[: len(use.shape())]
    sizes = dict(zip(names, use.shape(), strict=True))
    to = [letter(c) for c in names]
    shifts = dict.fromkeys(range(len(names)), 0)
    for axis, by in zip(use.node.params["axis"], use.node.params["shift"], strict=True):
        shifts[axis % len(names)] += by
    for axis, by in shifts.items():
        if by:
            to[axis] = _shifted(names[axis], by, use.shape()[axis])
    return moved(use, to, [letter(c) for c in names], sizes)


def _shifted(c: str, by: int, n: int) -> Place:
    text = f"({c}{by:+d})%{n}"
    return Place(text, f"({c}{by:+d}) \\bmod {n}", (c,), lambda p: (p[c] + by) % n)


@forms("concatenate", "stack")
def _concatenate(use: Use) -> Form:
    out, shape = use.out.spec.shape, use.shape()
    axis = use.node.params["axis"] % len(out)
    names = use.letters[: len(shape)]
    sizes = dict(zip(names, shape, strict=True))
    x = [letter(c) for c in names]
    if use.node.primitive.name == "stack":
        to = [*x[:axis], fixed(use.position), *x[axis:]]
    else:
        start = sum(use.shape(i)[axis] for i in range(use.position))
        to = [
            along(c, start, 1) if a == axis else p
            for a, (c, p) in enumerate(zip(names, x, strict=True))
        ]
    form = moved(use, to, x, sizes)
    return form._replace(forward=Equation(use.result(to), use.read(use.position, x), sizes))


@forms("pad")
def _pad(use: Use) -> Form | None:
    names = use.letters[: len(use.shape())]
    sizes = dict(zip(names, use.shape(), strict=True))
    to = [
        along(c, before, 1) for c, (before, _) in zip(names, use.node.params["width"], strict=True)
    ]
    return moved(use, to, [letter(c) for c in names], sizes, forward_note="a constant elsewhere")


@forms("repeat")
def _repeat(use: Use) -> Form | None:
    times, axis = use.node.params["repeats"], use.node.params["axis"]
    if not isinstance(times, int) or axis is None:
        return None
    names = use.letters[: len(use.shape())]
    copy = use.letters[len(names)]
    sizes = {**dict(zip(names, use.shape(), strict=True)), copy: times}
    c, to = names[axis], [letter(name) for name in names]
    to[axis] = Place(
        f"{times}·{c}+{copy}", f"{times} {c}+{copy}", (c, copy), lambda p: times * p[c] + p[copy]
    )
    return moved(use, to, [letter(name) for name in names], sizes)


@forms("tile")
def _tile(use: Use) -> Form:
    shape, out = use.shape(), use.out.spec.shape
    padded = (1,) * (len(out) - len(shape)) + shape
    names = use.letters[: len(out)]
    copies = use.letters[len(out) : 2 * len(out)]
    sizes = dict(zip(names, padded, strict=True))
    to: list[Place] = []
    for c, copy, n, m in zip(names, copies, padded, out, strict=True):
        if n == m:
            to.append(letter(c))
            continue
        sizes[copy] = m // max(n, 1)
        to.append(_tiled(c, copy, n))
    return moved(use, to, [letter(c) for c in names[len(out) - len(shape) :]], sizes)


def _tiled(c: str, copy: str, n: int) -> Place:
    if n == 1:
        return Place(copy, copy, (c, copy), lambda p: p[copy] + 0 * p[c])
    return Place(f"{n}·{copy}+{c}", f"{n} {copy}+{c}", (c, copy), lambda p: n * p[copy] + p[c])


@forms("diagonal")
def _diagonal(use: Use) -> Form:
    shape, params = use.shape(), use.node.params
    first, second = params["axis1"] % len(shape), params["axis2"] % len(shape)
    names = use.letters[: len(shape) - 1]
    sizes = dict(zip(names, use.out.spec.shape, strict=True))
    rest = iter(names[:-1])
    offset, last = params["offset"], names[-1]
    x = [
        along(last, max(-offset, 0), 1)
        if a == first
        else along(last, max(offset, 0), 1)
        if a == second
        else letter(next(rest))
        for a in range(len(shape))
    ]
    return moved(use, [letter(c) for c in names], x, sizes, note="0 elsewhere")


# ---- indices


def picked(use: Use, shape: Sequence[int]) -> tuple[list[Place], list[Place], dict[str, int], bool]:
    """What an index picks: places in the result, places in the array, and whether any may repeat."""
    node = use.node
    parts = list(node.params["index"])
    slots = [p for p in parts if isinstance(p, Slot)]
    first = len(node.inputs) - len(slots)
    wires = [node.inputs[first + p.number] for p in slots]
    arrays = [np.asarray(use.account.values[w]) for w in wires]
    used = sum(a.ndim if a.dtype.kind == "b" else 1 for a in arrays)
    used += sum(isinstance(p, int | slice) for p in parts)
    rest = [slice(None)] * (len(shape) - used)
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), None)
    parts = parts + rest if at is None else parts[:at] + rest + parts[at + 1 :]
    lookups: list[tuple[str, Any]] = []
    for wire, array in zip(wires, arrays, strict=True):
        if array.dtype.kind == "b":
            found = array.nonzero()
            names = [f"p{n}" for n in range(len(found))] if len(found) > 1 else ["p"]
            lookups += list(zip(names, found, strict=True))
        else:
            counts = len(arrays) > 1 and is_count(wire) and array.ndim == 1
            lookups.append(("" if counts else wire.name, array))
    common = np.broadcast_shapes(*(a.shape for _, a in lookups)) if lookups else ()
    free = iter(use.letters)
    # letters are given in the order of the result's axes
    kinds = ["new" if p is None else "slice" if isinstance(p, slice) else "array" for p in parts]
    touching = "".join(k[0] for k in kinds).strip("sn")
    together = not lookups or all(k == "a" for k in touching)
    sizes: dict[str, int] = {}
    letters_of_slices: dict[int, str] = {}
    index_letters: list[str] = []
    to: list[Place] = []

    def add_common() -> None:
        for n in common:
            c = next(free)
            index_letters.append(c)
            sizes[c] = n
            to.append(letter(c))

    if lookups and not together:
        add_common()
    axis = 0
    for i, part in enumerate(parts):
        if part is None:
            to.append(fixed(0))
        elif isinstance(part, slice):
            c = next(free)
            letters_of_slices[i] = c
            sizes[c] = len(range(*part.indices(shape[axis])))
            to.append(letter(c))
            axis += 1
        else:
            if lookups and together and not index_letters and "array" in kinds[i : i + 1]:
                if kinds.index("array") == i:
                    add_common()
            is_mask = isinstance(part, Slot) and arrays[part.number].dtype.kind == "b"
            axis += arrays[part.number].ndim if is_mask else 1  # type: ignore[union-attr]
    source: list[Place] = []
    left = iter(lookups)
    axis = 0
    for i, part in enumerate(parts):
        if part is None:
            continue
        if isinstance(part, slice):
            start, _, step = part.indices(shape[axis])
            source.append(along(letters_of_slices[i], start, step))
            axis += 1
        elif isinstance(part, Slot):
            array = arrays[part.number]
            for _ in range(array.ndim if array.dtype.kind == "b" else 1):
                name, found = next(left)
                counted = not name and len(common) == 1
                source.append(
                    letter(index_letters[0]) if counted else looked_up(name, found, index_letters)
                )
                axis += 1
        else:
            source.append(fixed(part % shape[axis]))
            axis += 1
    counted = any(not name for name, _ in lookups)
    repeats = any(a.dtype.kind in "iu" for a in arrays) and not counted
    return to, source, sizes, repeats


def _mask_note(use: Use) -> str:
    masks = [w.name for w in use.node.inputs if w.spec.dtype.kind == "b"]
    return f"p counts the places where {masks[0]} is true" if masks else ""


@forms("window", "gather")
def _picked(use: Use) -> Form | None:
    if use.position:
        return None
    to, source, sizes, repeats = picked(use, use.shape())
    return moved(
        use,
        to,
        source,
        sizes,
        adds=repeats,
        note="" if repeats or all(p.is_letter for p in source) else "0 elsewhere",
        forward_note=_mask_note(use),
    )


@forms("scatter")
def _scatter(use: Use) -> Form | None:
    if use.position:
        return None
    to, source, sizes, repeats = picked(use, use.out.spec.shape)
    y = use.result(source)
    return Form(
        Equation(y, use.read(0, to), sizes, adds=repeats, note="0 elsewhere"),
        Equation(use.target(to), use.given(source), sizes),
    )


@forms("take_along_axis")
def _along(use: Use) -> Form | None:
    if use.position:
        return None
    axis = use.node.params["axis"] % len(use.shape())
    out = use.out.spec.shape
    names = use.letters[: len(out)]
    sizes = dict(zip(names, out, strict=True))
    positions = use.node.inputs[1]
    source = [letter(c) for c in names]
    if any(n == 1 != m for n, m in zip(use.shape(), out, strict=True)):
        return None
    source[axis] = looked_up(positions.name, use.account.values[positions], names)
    return moved(use, [letter(c) for c in names], source, sizes, adds=True)
