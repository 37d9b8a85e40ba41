"""A graph as aligned equations: what gets a symbol, which equations there are, and where long ones break."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

import numpy as np

from ...engine.primitive import primitives
from ...engine.spec import is_floating
from ...graph.graph import Graph, Node, Wire
from ...passes import simplify
from ...passes.person.rationals import quotient
from .indexing import counts_rows, index_tokens, is_one_hot
from .scopes import Part
from .steps import StepEquations
from .symbols import subscripted, symbol, visible
from .tex import ATOM, CLOSED, WIDEST, Tex, broken
from .unfolding import Unfolded
from .writer import Expressions, plain_call

_LONGEST = 46
"""A nameless expression of more letters gets a symbol."""
_CHEAP = 12
"""A nameless expression of fewer letters is written wherever it is used."""
_MOST_TERMS = 40
"""Longer sums are written in parts."""
_LAYOUT = {
    "transpose",
    "reshape",
    "expand_dims",
    "squeeze",
    "broadcast_to",
    "astype",
    "copy",
    "as_integer",
}
"""Written where they are read, however often."""


def latex(
    graph: Graph,
    *,
    gradients: str = "fraction",
    gradient_of: Iterable[tuple[Wire, Wire]] | None = None,
    all_steps: bool = False,
) -> str:
    r"""Return the equations of a graph, one for each value that a person would name.

    Numbers are italic, arrays bold, under the user's names; `1` in bold is an array of ones, and a vector
    is a column. Functions, fractions and powers with ⊙ are taken entry by entry, indices count from 0. Blocks
    and operations without a notation of their own are written as functions. Steps of loops are numbered, from
    1 or as a range counts; branches are cases.

    Parameters
    ----------
    graph : of a function, or of ``value_and_grad`` of one
    gradients : how the gradient of W is written: ``"fraction"`` for ∂L/∂W, ``"bar"`` for W with a bar
    gradient_of : pairs of a wire and the forward wire whose gradient it is; left out, names such as `dw`
        tell, and the graph is simplified first
    all_steps : an equation for each operation rather than for what a person would name

    >>> import clearprop
    >>> graph = clearprop.trace(lambda x, w: (x * w) ** 2, 2.0, 3.0)
    >>> print(latex(graph))
    \begin{aligned}
    L &= (x w)^2
    \end{aligned}
    """
    if gradients not in ("fraction", "bar"):
        raise ValueError(f"gradients={gradients!r}: write 'fraction' or 'bar'")
    if gradient_of is None:
        found = _by_name(graph)
        places = _results(graph, found)
        graph = graph if all_steps else simplify(graph)
        gradient_of = [*found.items(), *((graph.outputs[i], of) for i, of in places)]
    forward, backward = equations(graph, gradient_of, gradients=gradients, all_steps=all_steps)
    return "\\begin{aligned}\n" + " \\\\\n".join(forward + backward) + "\n\\end{aligned}"


def equations(
    graph: Graph,
    gradient_of: Iterable[tuple[Wire, Wire]],
    *,
    gradients: str = "fraction",
    all_steps: bool = False,
) -> tuple[list[str], list[str]]:
    """Return the lines of the forward and of the backward pass, each with its ``&``."""
    return Equations(graph, gradients, list(gradient_of), all_steps).write()


def _by_name(graph: Graph) -> dict[Wire, Wire]:
    """Find gradients by their names: d and the name of what they are the gradient of."""
    made_back = {w for node in graph.nodes if node.is_backward for w in node.outputs}
    forward = {w.name: w for w in graph.wires() if w.is_named and w not in made_back}
    found: dict[Wire, Wire] = {}
    for wire in graph.wires():
        of = forward.get(wire.name[1:]) if wire.is_named and wire.name[:1] == "d" else None
        given = wire in graph.inputs or (forward.get(wire.name) is wire and not wire.is_constant)
        if of is not None and not given and of.spec.shape == wire.spec.shape:
            found[wire] = of
    return found


def _results(graph: Graph, found: dict[Wire, Wire]) -> list[tuple[int, Wire]]:
    """Return which results are whose gradients: by their names, and where each input has one, by their
    places.
    """
    inputs = [w for w in graph.inputs if is_floating(w.spec.dtype)]
    results = graph.outputs[1:]
    named = {i: found[w] for i, w in enumerate(results, 1) if w in found}
    fits = (
        len(inputs) == len(results)
        and any(node.is_backward for node in graph.nodes)
        and all(w.spec == x.spec for w, x in zip(results, inputs, strict=True))
        and all(of is inputs[i - 1] or of not in inputs for i, of in named.items())
    )
    return list(enumerate(inputs, 1)) if fits else list(named.items())


class Equations:
    """The equations of both passes, in the making."""

    def __init__(
        self, graph: Graph, style: str, pairs: list[tuple[Wire, Wire]], all_steps: bool
    ) -> None:
        self.unfolded = Unfolded(graph)
        same = self.unfolded.wire
        nodes = list(self.unfolded.root.nodes())
        pairs = [(same(wire), same(of)) for wire, of in pairs]
        self.graph = graph = replace(graph, outputs=tuple(map(same, graph.outputs)))
        self.style = style
        self.all_steps = all_steps
        # what has no symbol is not what an equation is about: its gradient gets a letter of its own
        present = set(graph.wires())
        self.pairs = [
            (wire, of)
            for wire, of in pairs
            if of in present
            if all_steps or of.is_named or of in graph.inputs or wire in graph.inputs
        ]
        self.gradient_of: dict[Wire, Wire] = {}
        forward_made = {of for _, of in pairs}
        forward_made |= {w for node in graph.nodes if not node.is_backward for w in node.outputs}
        forward_made |= {w for w in graph.inputs if w.is_named}
        for wire, of in self.pairs:
            if wire not in forward_made:  # as where the gradient of x in x * w is w
                self.gradient_of.setdefault(wire, of)
        forward = [w for w in graph.wires() if w not in self.gradient_of]
        self.named = {w.name: w for w in forward if w.is_named}
        self.taken = {*self.named, *(w.name for w in self.unfolded.wires() if w.is_named)}
        """The names of all that has one, also within loops and branches."""
        self.expressions = Expressions(replace(graph, nodes=tuple(nodes)), self.taken)
        self.uses = Counter(self.unfolded.root.reads())
        self.readers = {x: reader for reader in nodes for x in reader.inputs[:1]}
        """Of what is the first input of one operation alone: that operation."""
        joins = (primitives.concatenate, primitives.stack)
        self.beside = {w: len(n.inputs) for n in nodes if n.primitive in joins for w in n.inputs}
        """How many stand side by side where an array is joined with others."""
        self.uses.update(graph.outputs)
        self.terms: dict[Wire, int] = {}
        """How many operations sums go on for, up to these."""
        self.given: set[str] = set()
        self.wanted: set[Wire] = set()
        """What gets an equation in any case."""
        self.accents = style == "fraction"
        letters = ("t", "delta", "eta") if not self.unfolded.loops else ("z", "delta", "eta")
        self.fresh: dict[str, Iterator[int]] = {kind: count(1) for kind in letters}
        self.loss = self._loss()
        self.steps = StepEquations(self, self.unfolded)

    def _loss(self) -> str:
        """Return what is differentiated: the first result."""
        wire = self.graph.outputs[0] if self.graph.outputs else None
        if wire is None or wire.spec.size != 1:
            return "L"
        named = wire.is_named and wire.name != self.graph.name
        return symbol(wire.name, wire.spec.ndim, accents=self.accents) if named else self._free("L")

    def _free(self, name: str) -> str:
        return (
            name
            if name not in self.named or self.named[name] is self.graph.outputs[0]
            else "\\mathcal{L}"
        )

    # ---- symbols

    def give(self, wire: Wire, whole: str, entry: str | None = None, binds: int = ATOM) -> None:
        other = whole
        while other in self.given:
            other += "'"
        self.given.add(other)
        self.expressions.symbols[wire] = (Tex(other, binds), Tex(entry or other, binds))

    def give_name(self, wire: Wire, name: str) -> None:
        whole, entry = self.symbol(name, wire.spec.ndim), self.symbol(name, 0)
        if self.steps.loops:
            self.steps.number(wire, whole, entry)
        else:
            self.give(wire, whole, entry)

    def symbol(self, name: str, ndim: int) -> str:
        """Return a name as a symbol, without accents where these are gradients."""
        return symbol(name, ndim, accents=self.accents)

    def gradient(self, of: Wire) -> tuple[str, int]:
        """Return how the gradient of a forward value is written."""
        if of in self.expressions.symbols:
            return self.gradient_of_text(self.expressions.symbols[of][0].text)
        return self.gradient_of_text(self.expressions.write(of).text)

    def gradient_of_text(self, text: str) -> tuple[str, int]:
        """Return how the gradient of what has this symbol is written."""
        if self.style == "bar":
            return f"\\bar{{{text}}}", ATOM
        return f"\\frac{{\\partial {self.loss}}}{{\\partial {text}}}", CLOSED

    def letter(self, wire: Wire, backward: bool) -> str:
        """Return a symbol for what has no name: t in the forward pass, δ in the backward pass."""
        forward = next(iter(self.fresh))
        kind = forward if not backward else "delta" if "delta" not in self.named else "eta"
        while True:
            n = next(self.fresh[kind])
            text = symbol(f"{kind}{n}", wire.spec.ndim)
            if text not in self.given and f"{kind}{n}" not in self.taken:
                return text

    # ---- equations

    def write(self) -> tuple[list[str], list[str]]:
        for wire in self.graph.inputs:
            of = self.gradient_of.get(wire)
            if of is None:
                self.give_name(wire, wire.name or "x")
        for wire in self.unfolded.wires():
            if wire.is_constant and wire.is_named and wire.spec.ndim and not quotient(wire):
                self.give_name(wire, wire.name)
        for wire in self.graph.inputs:  # upstream gradients of results
            of = self.gradient_of.get(wire)
            if of is not None:
                if of not in self.expressions.symbols:
                    self._give_forward(of)
                self.give(wire, self.gradient(of)[0], binds=self.gradient(of)[1])
        parts = self.unfolded.root.parts
        forward = [x for wire in self.expressions.symbols for x in self.definition(wire)]
        first = self.unfolded.forward()
        forward += [x for part in parts if part in first for x in self.part(part)]
        backward = [x for part in parts if part not in first for x in self.part(part)]
        known = {w for node in self.graph.nodes for w in node.outputs}
        for out, own in dict.fromkeys(self.pairs):
            if out not in self.graph.outputs or (self.gradient_of.get(out) is own and out in known):
                continue
            backward += broken(self.gradient(own)[0], self.whole(out))
        if not forward and not backward:
            forward = [f"{self.loss} &= {self.expressions.write(self.graph.outputs[0]).text}"]
        return forward, backward

    def whole(self, wire: Wire) -> Tex:
        """Write a value with ones where it is an array of one number."""
        text = self.expressions.write(wire)
        if not wire.is_constant or not (text.binds != ATOM or text.text[:1].isdigit()):
            return text
        ones = "" if not wire.spec.ndim else "\\mathbf{1}"
        if ones and text.text == "0":
            return Tex("\\mathbf{0}")
        return Tex(ones if ones and text.text == "1" else f"{text.text} {ones}".strip())

    def definition(self, wire: Wire) -> list[str]:
        """Return the definition of a constant, where it fits in a line."""
        value = np.asarray(wire.constant) if wire.is_constant else None
        if value is None or value.ndim != 2 or value.dtype.kind != "b":
            return []
        for k, sign in ((0, "\\geq"), (-1, ">")):
            rows, columns = value.shape
            if np.array_equal(value, np.tri(rows, columns, k, dtype=bool)):
                entry = self.expressions.write(wire, ("i", "j")).text
                return [f"{entry} &= \\left[i {sign} j\\right]"]
        return []

    def part(self, part: Part) -> list[str]:
        return self.equation(part) if isinstance(part, Node) else self.steps.lines(part)

    def is_asked(self, wire: Wire) -> bool:
        """Return whether there has to be an equation for a value, of this very symbol."""
        return wire in self.graph.outputs or wire in self.gradient_of or wire in self.wanted

    def place(self, wire: Wire, text: Tex, *, is_backward: bool) -> list[str]:
        """Let a value be written like this where it is read, or give it an equation."""
        if self.is_asked(wire) or self.uses[wire] > 1:
            return self.result(wire, text, is_backward=is_backward)
        self.expressions.symbols[wire] = text, text
        return []

    def result(self, wire: Wire, text: Tex, *, is_backward: bool) -> list[str]:
        """Write an equation for a value that no single operation makes."""
        self._give_any(wire, is_backward)
        return broken(self.expressions.symbols[wire][0].text, text)

    def equation(self, node: Node) -> list[str]:
        """Write an equation; no line where the value stands within the expression that reads it."""
        if len(node.outputs) > 1:
            for wire in node.outputs:
                self._give_any(wire, node.is_backward)
            left = ", ".join(self.expressions.symbols[w][0].text for w in node.outputs)
            return broken(left, plain_call(self.expressions, node))
        wire = node.out
        if not self.uses.get(wire) or not self._wants_name(node):
            return []
        text = self.right_side(node)
        forward = self.expressions.symbols.get(wire)
        if forward is None:
            self._give_any(wire, node.is_backward)
        left = self.expressions.symbols[wire][0].text
        if self._by_rows(node):
            value = self.expressions.write(node.inputs[0], (self._row(),))
            tokens = index_tokens(self.expressions, node, wire.spec.ndim)
            inner = self.expressions.symbols[wire][0].within(ATOM)
            return broken(
                subscripted(inner, tokens), Tex(f"{value.text} \\quad \\text{{(0 elsewhere)}}")
            )
        return broken(left, text)

    def _row(self) -> str:
        return self.expressions.fresh(1)[0]

    def right_side(self, node: Node) -> Tex:
        held = self.expressions.symbols.pop(node.out, None)
        text = self.expressions.write(node.out)
        if held is not None:
            self.expressions.symbols[node.out] = held
        return text

    def _wants_name(self, node: Node) -> bool:
        wire = node.out
        if self.is_asked(wire):
            return True
        if self.all_steps and not node.is_backward and wire.spec.dtype.kind != "b":
            return True
        if wire.is_named and not node.is_backward:
            return True
        if self._by_rows(node):
            return True
        if node.primitive.name in _LAYOUT:
            return False
        if self.uses[wire] == 1 and self._continues(node):
            return False
        width = visible(self.right_side(node).text)
        users = self.uses[wire]
        beside = self.beside.get(wire, 1)
        return (users > 1 and width > _CHEAP) or width > _LONGEST or beside * width > WIDEST

    def _by_rows(self, node: Node) -> bool:
        """Return whether an equation says what stands in each row, and that there is nothing elsewhere."""
        spreads = node.primitive is primitives.scatter and not is_one_hot(node)
        return spreads and counts_rows(node, node.out.spec.ndim)

    def _continues(self, node: Node) -> bool:
        """Return whether it is a sum that a sum goes on with: lines break between terms."""
        sums = (primitives.add, primitives.subtract)
        reader = self.readers.get(node.out)
        if reader is None or node.primitive not in sums or reader.primitive not in sums:
            return False
        self.terms[node.out] = terms = 1 + max(self.terms.get(w, 0) for w in node.inputs)
        return terms % _MOST_TERMS != 0

    def _give_any(self, wire: Wire, is_backward: bool) -> None:
        """Give a symbol to what an equation defines."""
        if wire in self.expressions.symbols:
            return
        of = self.gradient_of.get(wire)
        if of is not None:
            if not self.steps.number_gradient(wire, of):
                text, binds = self.gradient(of)
                self.give(wire, text, binds=binds)
        elif self.graph.outputs and wire is self.graph.outputs[0] and wire.spec.size == 1:
            self.give(wire, self.loss)
        else:
            self._give_forward(wire, is_backward)

    def _give_forward(self, wire: Wire, backward: bool = False) -> None:
        named = wire.is_named and not backward
        if named or (wire.name == self.graph.name and wire.name.isidentifier()):
            self.give_name(wire, wire.name)
        else:
            text = self.letter(wire, backward)
            if self.steps.loops:
                self.steps.number(wire, text, text)
                return
            self.give(wire, text, re.sub(r"\\\\(mathbf|boldsymbol)\{([^}]*)\}", r"\\2", text))
