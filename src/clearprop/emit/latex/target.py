"""`source(..., to="latex")`: the joint graph of forward and backward pass as equations for a document."""

from __future__ import annotations

from ...graph import Graph
from ...passes.person.ratios import quotient
from ...spec import spec_of
from ..problem import Problem
from .equations import equations
from .symbols import SPELLING, symbol

COMMENT = "%"
NEEDS = (
    "For a document that loads amsmath; Clearprop's docs/derivations.md explains the notation.",
)
NOT_RUN = "The computation that these equations are read from, run"
COMPOUNDS = True


def write(problem: Problem) -> str:
    """The text, without its header."""
    joint = problem.joint
    assert joint is not None
    pairs = [
        *joint.gradient_of.items(),
        *zip(joint.seeds, joint.outputs, strict=False),
        *zip(joint.gradients, problem.input_wires(), strict=True),
    ]
    style = "bar" if problem.gradient_names.endswith("_bar") else "fraction"
    forward, backward = equations(joint.graph, pairs, gradients=style)
    parts = ["% forward", " \\\\\n".join(forward)] if forward else []
    if backward:
        if forward:
            parts[-1] += " \\\\[1ex]"
        parts += ["% backward", " \\\\\n".join(backward)]
    text = "\n".join(["\\begin{align*}", *parts, "\\end{align*}"]) + "\n"
    return "".join(f"% {SPELLING.comment(line)}\n" for line in _constants(joint.graph, text)) + text


def _constants(graph: Graph, text: str) -> list[str]:
    """What the equations name but do not define: arrays that the function has."""
    found = []
    for wire in graph.wires():
        if wire.is_constant and wire.spec.ndim and not quotient(wire):
            name = symbol(wire.name or "c", wire.spec.ndim)
            if name in text and symbol(wire.name or "c", 0) + "_{ij} &=" not in text:
                found.append(f"{wire.name}: {spec_of(wire.spec)}, which the function has.")
    return found
