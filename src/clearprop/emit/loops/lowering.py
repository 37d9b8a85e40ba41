"""A derived problem as a program of stages, with names for what it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...errors import UnsupportedError
from ...graph.graph import Graph, Node, Wire
from ...passes import expand, simplify
from ...passes.backward import Joint
from ...passes.decompositions import decomposition_of
from ...passes.person.spelled import spelled
from ...stages import fuse
from ...stages.ir import Program
from ...stages.lowerings import lowering
from ..derived import Derived
from ..naming.names import Names
from ..problem import Problem
from .routines import has_routine


@dataclass(frozen=True, eq=False)
class Lowered:
    """Readable stages, and what their results are called and shaped like: values first, then gradients."""

    program: Program
    names: dict[int, str]
    """Of results, by their number."""
    shapes: tuple[Sequence[tuple[int, ...]], Sequence[tuple[int, ...]]]
    """Of the values and of the gradients."""


def lowered(derived: Derived, language: str) -> Lowered:
    """Return the joint graph through the compiler's stages.

    Raises UnsupportedError for complex numbers, which have no form in the language.
    """
    problem, joint = derived.problem, spelled(derived.joint, _has)
    graph = joint.graph
    if any(w.spec.dtype.kind == "c" for w in graph.wires()):
        raise UnsupportedError(
            f"{problem.title} computes with complex numbers, which have no form in {language} here"
        )
    names = [w.name if w.is_named else "" for w in joint.outputs]
    if len(names) == 1:
        names = [names[0] or problem.title]
    whole = simplify(expand(_with_names(problem, joint, names)))
    _name(problem, joint, whole)
    names += [problem.gradient_names.format(problem.wire_at[i].name) for i in problem.wanted]
    given = {i: name for i, name in enumerate(names) if name}
    values, gradients = ([w.spec.shape for w in ws] for ws in (joint.outputs, joint.gradients))
    return Lowered(fuse(whole, readable=True), given, (values, gradients))


def _has(node: Node) -> bool:
    """Return whether loops compute it, be it by the parts that the compiler reads it as."""
    expands = decomposition_of(node, "compile") is not None
    return expands or lowering(node.primitive.name) is not None or has_routine(node)


def _with_names(problem: Problem, joint: Joint, results: Sequence[str]) -> Graph:
    """Return the joint graph with names for its gradients, and suggestions for what has none."""
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
    differentiable = [
        pair for pair in zip(joint.outputs, results, strict=True) if not pair[0].is_constant
    ]
    for seed, (wire, name) in zip(joint.seeds, differentiable, strict=False):
        known[seed].name = problem.gradient_names.format(name or names.suggestion(wire))
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
    names = Names(made, joint.gradient_of, problem.gradient_names, [problem.name], problem.spelling)
    for wire in graph.inputs:
        names.give(wire, wire.name)
    return names
