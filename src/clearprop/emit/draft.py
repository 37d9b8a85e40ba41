"""A derived problem as statements of an array library, and the names that they use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..engine.spec import is_floating
from ..graph.graph import Graph, Wire
from ..passes.person.spelled import spelled
from .containers import dicts, made, order, packed, parts, reached
from .derived import Derived
from .forms.helpers import EXACT, HELPERS
from .languages import Language
from .naming.names import Names
from .problem import Place, Problem
from .program import Program
from .statements import Author


@dataclass(frozen=True, eq=False)
class Draft:
    """What a target lays out: statements, and the texts of arguments and results."""

    derived: Derived
    program: Program
    seed_names: Sequence[str]
    """Of the upstream gradients."""

    @property
    def problem(self) -> Problem:
        return self.derived.problem

    # ---- what goes in

    @property
    def parameters(self) -> list[str]:
        """The names of the arguments, without those that are fixed, and with the upstream gradients."""
        return [*self.problem.arguments, *self.seed_names]

    def name(self, wire: Wire) -> str:
        return self.program.names.given[wire]

    @property
    def leaf_names(self) -> list[str]:
        """The names of the arrays and numbers within the arguments."""
        return [self.name(wire) for wire in self.problem.wire_at.values()]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the arguments, by their names in the code."""
        return {self.name(wire): wire.spec.shape for wire in self.problem.wire_at.values()}

    def seed_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the upstream gradients, by their names in the code."""
        seeds = self.derived.joint.seeds
        return {n: w.spec.shape for n, w in zip(self.seed_names, seeds, strict=True)}

    def numbers(self, *, seeds: bool) -> dict[Wire, str]:
        """Return arguments that are single numbers, with their names in the code; with the upstream
        gradients.
        """
        given = [*self.problem.wire_at.values(), *(self.derived.joint.seeds if seeds else ())]
        return {w: self.name(w) for w in given if not w.spec.shape and is_floating(w.spec.dtype)}

    def container_of(self, name: str) -> str:
        """Return the argument that an array of this name is in."""
        for i, wire in self.problem.wire_at.items():
            if self.name(wire) == name:
                return self.problem.written[self.problem.places[i][:2]]
        return ""

    def is_packed(self, name: str) -> bool:
        """Return whether an array of this name stands within a container."""
        return any(
            self.name(w) == name and len(self.problem.places[i]) > 2
            for i, w in self.problem.wire_at.items()
        )

    def unpacking(self, read: set[str] | None = None) -> list[str]:
        """Return lines that take what is needed out of the containers."""
        problem, lines = self.problem, []
        for place, argument in problem.written.items():
            tree = problem.tree[place[0]][place[1]]
            rank = {path: i for i, path in enumerate(order(tree, place))}
            inside = [i for i in problem.wire_at if _is_within(problem.places[i], place)]
            inside.sort(key=lambda i: rank.get(problem.places[i], 0))
            pairs = [
                (
                    self.name(problem.wire_at[i]),
                    reached(tree, problem.places[i][2:], argument, problem.spelling),
                )
                for i in inside
            ]
            pairs = [pair for pair in pairs if read is None or pair[0] in read]
            for start in range(0, len(pairs), 3):
                some = pairs[start : start + 3]
                lines.append(f"{', '.join(n for n, _ in some)} = {', '.join(t for _, t in some)}")
        return lines

    def dicts(self) -> list[dict[Any, Any]]:
        """Return the dictionaries among the arguments."""
        return list(dicts(self.problem.tree))

    # ---- what comes out

    def values(self) -> list[str]:
        """Return the function's own results, as it returned them."""
        forward, outputs = self.problem.forward, self.program.outputs
        if forward.unpack is None:
            return outputs
        tree = forward.unpack(list(range(len(outputs))))
        texts, spelling = dict(enumerate(outputs)), self.problem.spelling
        if isinstance(tree, tuple) and not hasattr(tree, "_fields"):
            return [made(x, texts.__getitem__, spelling) for x in tree]
        return [made(tree, texts.__getitem__, spelling)]

    def gradients(self) -> list[str]:
        """Return the gradients, in the containers that the arguments came in."""
        text_at = self._gradient_at()
        wanted = {path[:2] for path in text_at}
        return [self._packed(place, text_at) for place in self.problem.written if place in wanted]

    def gradients_with_none(self) -> list[str]:
        """Return the gradient of each argument, ``None`` for those without."""
        text_at = self._gradient_at()
        wanted = {path[:2] for path in text_at}
        return [
            self._packed(place, text_at) if place in wanted else "None"
            for place in self.problem.read()
        ]

    def gradient_of_leaves(self) -> list[str | None]:
        """Return the gradient of each array within the arguments, None for those that have none."""
        found = dict(zip(self.problem.wanted, self.program.gradients, strict=True))
        return [found.get(i) for i in self.problem.wire_at]

    def _gradient_at(self) -> dict[Place, str]:
        """Return the texts of gradients, by where the leaves stand."""
        places, gradients = self.problem.places, self.program.gradients
        return {places[i]: text for i, text in zip(self.problem.wanted, gradients, strict=True)}

    def _packed(self, place: Place, text_at: Mapping[Place, str]) -> str:
        problem = self.problem
        tree = problem.tree[place[0]][place[1]]
        return packed(tree, place, text_at, problem.written[place], problem.spelling)


def _is_within(path: Place, place: Place) -> bool:
    return path[:2] == place and len(path) > 2


def picked_gradients(problem: Problem, at: Mapping[str, Any]) -> list[Any]:
    """Return the gradients that are wanted, out of those of all arguments by name."""
    found = []
    for i in problem.wanted:
        place = problem.places[i]
        value = at[problem.written[place[:2]]]
        for key in place[2:]:
            value = dict(parts(value))[key]
        found.append(value)
    return found


def draft(derived: Derived, language: Language) -> Draft:
    """Return the statements in a language, under names that are free."""
    problem = derived.problem
    if derived.exact:
        language = replace(language, entries={**language.entries, **EXACT})
    joint = spelled(derived.joint, language.has)
    makers = {wire: node for node in joint.graph.nodes for wire in node.outputs}
    taken = [problem.name, *problem.written.values(), *derived.blocks, *HELPERS]
    results = joint.graph.outputs
    pattern, spelling = problem.gradient_names, problem.spelling
    names = Names(makers, joint.gradient_of, pattern, taken, spelling, results)
    for i, wire in problem.wire_at.items():
        if len(problem.places[i]) == 2:
            names.given[wire] = problem.written[problem.places[i]]
        else:
            names.give(wire, wire.name)
    inputs = set(joint.graph.inputs)
    for wire in joint.outputs:
        if wire not in inputs and not wire.is_constant and not wire.is_named:
            names.give(wire, "out" if "out" not in _named(problem.forward) else "value")
    outputs = [wire for wire in joint.outputs if not wire.is_constant]
    seed_names = []
    if joint.seeds:
        seed_names = [
            names.give(seed, pattern.format(names.of(out)))
            for seed, out in zip(joint.seeds, outputs, strict=True)
        ]
    program = Author(joint, language, names, problem.input_wires()).write()
    return Draft(derived, program, seed_names)


def _named(graph: Graph) -> set[str]:
    """Return the names that the user gave to values."""
    return {wire.name for wire in graph.wires() if wire.is_named}
