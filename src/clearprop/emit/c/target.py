"""`source(..., to="c")`: the joint graph of forward and backward pass, through the compiler's stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import CompileError, UnsupportedError
from ...graph import Graph, Node, Wire
from ...passes import expand, simplify
from ...passes.backward import Joint
from ...passes.person.spelled import spelled
from ...passes.person.spellings import SPELLINGS
from ...stages import fuse
from ...stages.lowerings import lowering
from ..derived import Derived
from ..names import Names
from ..problem import Problem
from ..target import RUN_INSTEAD, Code, Target
from .function import CFunction, c_function
from .running import compiler, run_c
from .words import SPELLING


class C(Target):
    """C99: a function over memory of the caller's, and its header."""

    name = "c"
    spelling = SPELLING
    highlighting = "c"

    def write(self, derived: Derived) -> Code:
        return CCode(derived, _function(derived))


@dataclass(frozen=True, eq=False)
class CCode(Code):
    """A C function, and what it was derived for."""

    derived: Derived
    function: CFunction
    not_run = (
        f"There is no C compiler here, so this code was neither compiled nor run: {RUN_INSTEAD}"
    )

    def text(self, header: Sequence[str] = (), steps: Sequence[str] = ()) -> str:
        """The header and the source, one after the other, each under its file's name."""
        parts = [(f"/* ---- {n} */", "", text) for n, text in self.files(header, steps).items()]
        return "\n".join(line for part in reversed(parts) for line in part)

    def files(self, header: Sequence[str], steps: Sequence[str]) -> dict[str, str]:
        made = replace(self.function, comments=(*header, *steps))
        return {f"{made.name}.c": made.source, f"{made.name}.h": made.header}

    def load(self, text: str) -> Any:
        """Comments change nothing, so it is compiled once."""
        return self._compiled

    @cached_property
    def _compiled(self) -> Compiled | None:
        if compiler() is None:
            return None
        joint = self.derived.joint
        return Compiled(
            self.function,
            *(tuple(w.spec.shape for w in wires) for wires in (joint.outputs, joint.gradients)),
        )

    def run(self, function: Any, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        problem = self.derived.problem
        arrays = [np.asarray(leaves[i]) for i in problem.wire_at]
        values, gradients = function([*arrays, *map(np.asarray, problem.seeds)])
        return values, gradients


def _function(derived: Derived) -> CFunction:
    """The joint graph through the compiler's stages."""
    problem, joint = derived.problem, spelled(derived.joint, _has)
    graph = joint.graph
    if any(w.spec.dtype.kind == "c" for w in graph.wires()):
        raise UnsupportedError(
            f"{problem.title} computes with complex numbers, which have no form in C here"
        )
    whole = simplify(expand(_with_names(problem, joint)))
    _name(problem, joint, whole)
    names = [w.name if w.is_named else "" for w in joint.outputs]
    if len(names) == 1:
        names = [names[0] or problem.title]
    names += [problem.gradient_names.format(problem.wire_at[i].name) for i in problem.wanted]
    given = {i: name for i, name in enumerate(names) if name}
    program = fuse(whole, readable=True)
    return c_function(program, name=problem.name, outputs=given)


def _has(node: Node) -> bool:
    name = node.primitive.name
    return name not in SPELLINGS or lowering(name) is not None


def _with_names(problem: Problem, joint: Joint) -> Graph:
    """The joint graph with names for its gradients, and suggestions for what has none."""
    graph = joint.graph
    names = _names(problem, joint, graph)
    known: dict[Wire, Wire] = {}
    for wire in graph.wires():
        known[wire] = new = wire.copy()
        if wire.is_constant or wire in graph.inputs or (wire.is_named and wire in joint.outputs):
            continue
        new.called = names.suggestion(wire)
        of = joint.gradient_of.get(wire)
        if of is not None and of.is_named and not new.is_named:
            new.name, new.is_named = new.called, True
    nodes = tuple(
        replace(
            node,
            inputs=tuple(known[w] for w in node.inputs),
            outputs=tuple(known[w] for w in node.outputs),
        )
        for node in graph.nodes
    )
    outputs = tuple(known[w] for w in (*joint.outputs, *joint.gradients))
    inputs = tuple(known[w] for w in graph.inputs)
    return replace(graph, inputs=inputs, nodes=nodes, outputs=outputs)


def _name(problem: Problem, joint: Joint, graph: Graph) -> None:
    """Give each value a name of its own: its user's, the one suggested, or one by its meaning."""
    names = _names(problem, joint, graph)
    for wire in graph.wires():
        if wire not in graph.inputs:
            named = wire.called or (wire.name if wire.is_named else "")
            wire.name = names.give(wire, named) if named else names.of(wire)


def _names(problem: Problem, joint: Joint, graph: Graph) -> Names:
    made = {wire: node for node in graph.nodes for wire in node.outputs}
    names = Names(made, joint.gradient_of, problem.gradient_names, [problem.name], SPELLING)
    for wire in graph.inputs:
        names.give(wire, wire.name)
    return names


class Compiled:
    """Compiled C as a function of a list of arrays that returns the values and the gradients."""

    def __init__(self, function: CFunction, *shapes: Sequence[Any]) -> None:
        self.function = function
        self.shapes = shapes
        self._run = run_c(function)

    def __call__(self, arrays: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        if len(arrays) != len(self.function.inputs):
            raise CompileError(f"{self.function.name} takes {len(self.function.inputs)} arrays")
        results = iter(self._run(arrays))
        values, gradients = ([next(results).reshape(s)[()] for s in group] for group in self.shapes)
        return values, gradients

    def __reduce__(self) -> tuple[Any, ...]:
        return _compiled_again, (self.function, *self.shapes)


def _compiled_again(function: CFunction, *shapes: Sequence[Any]) -> Compiled | None:
    """Where there is a C compiler here, too."""
    return None if compiler() is None else Compiled(function, *shapes)


TARGET = C()
