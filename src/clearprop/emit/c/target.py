"""`source(..., to="c")`: the joint graph of forward and backward pass, through the compiler's stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import CompileError, UnsupportedError
from ...graph import Graph
from ...passes import expand, simplify
from ...stages import fuse
from ..names import Names
from ..problem import Problem
from .function import CFunction, c_function
from .running import compiler, run_c


def made(problem: Problem, comments: Sequence[str] = ()) -> CFunction:
    """The C function of a problem whose backward pass is derived."""
    joint = problem.joint
    assert joint is not None
    graph = joint.graph
    if any(w.spec.dtype.kind == "c" for w in graph.wires()):
        raise UnsupportedError(
            f"{problem.title} computes with complex numbers, which have no form in C here"
        )
    outputs = (*joint.outputs, *joint.gradients)
    whole = simplify(expand(replace(graph, outputs=outputs), trusted=True))
    _name(problem, whole)
    names = [w.name if w.is_named else "" for w in joint.outputs]
    if len(names) == 1:
        names = [names[0] or problem.title]
    names += [problem.gradient_names.format(problem.wire_at[i].name) for i in problem.wanted]
    given = {i: name for i, name in enumerate(names) if name}
    program = fuse(whole, readable=True)
    return c_function(program, name=problem.name, comments=comments, outputs=given)


def _name(problem: Problem, graph: Graph) -> None:
    """Give values that the user did not name names by their meaning."""
    joint = problem.joint
    assert joint is not None
    made = {wire: node for node in graph.nodes for wire in node.outputs}
    names = Names(made, joint.gradient_of, problem.gradient_names, [problem.name])
    for wire in graph.inputs:
        names.give(wire, wire.name)
    for wire in graph.wires():
        if wire not in graph.inputs:
            wire.name = names.of(wire)


def write(problem: Problem, comments: Sequence[str] = ()) -> str:
    """The header and the source, one after the other, each under its file's name."""
    function = made(problem, comments)
    return "\n".join(
        [
            f"/* ---- {function.name}.h */",
            "",
            function.header,
            f"/* ---- {function.name}.c */",
            "",
            function.source,
        ]
    )


def files(problem: Problem, comments: Sequence[str]) -> dict[str, str]:
    """What `save` writes: the source and its header."""
    function = made(problem, comments)
    return {f"{function.name}.c": function.source, f"{function.name}.h": function.header}


def load(problem: Problem) -> Any:
    """The compiled code as a Python function of the arguments; None where there is no C compiler."""
    if compiler() is None:
        return None
    function = made(problem)
    run = run_c(function)

    def call(arrays: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        if len(arrays) != len(function.inputs):
            raise CompileError(f"{function.name} takes {len(function.inputs)} arrays")
        results = run(arrays)
        count = len(results) - len(problem.wanted)
        return results[:count], results[count:]

    return call


def run_on(problem: Problem, function: Any, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Values and gradients for leaves of the arguments."""
    arrays = [np.asarray(leaves[i]) for i in problem.wire_at]
    values, gradients = function([*arrays, *map(np.asarray, problem.seeds)])
    return values, gradients
