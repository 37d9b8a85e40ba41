"""Nodes with bodies as stages that hold programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..control.choice import choice
from ..control.loop import loop
from ..control.while_operation import repetition, repetition_back
from ..engine.primitive import Primitive
from ..graph.graph import Graph, Node
from .composites import Choice
from .ir import Buffer, Composite, Host, Program
from .loop_stages import loop_stage, while_back_stage, while_stage
from .lowerings import is_native

Make = Callable[[Node, list[Program], list[Buffer], list[Buffer]], Composite]


class Making(NamedTuple):
    """How a node becomes a stage: by the programs of its bodies, and buffers for its inputs and outputs."""

    make: Make
    part: str
    """What a body is, in a sentence."""


def programs_of(
    node: Node, program: Callable[[Graph], Program | None]
) -> tuple[list[Program], str]:
    """Return the programs of a node's bodies; none, and why, where native code cannot go through all of
    them.
    """
    for wire in (*node.inputs, *node.outputs):
        if not is_native(wire.spec.dtype):
            return [], f"{wire.spec.dtype} has no native code"
        if not wire.spec.size:
            return [], "an array of no entries"
    if node.primitive is loop and not node.params["length"]:
        return [], "a loop of no steps"
    programs = []
    for body in node.bodies:
        made = program(body)
        if made is None:
            return [], f"{body.name} has an index that is out of range"
        for stage in made.stages:
            if isinstance(stage, Host):
                part, name = COMPOSITES[node.primitive].part, stage.node.primitive.name
                return [], f"{part} leaves {name} to NumPy: {stage.why}"
        programs.append(made)
    return programs, ""


def choice_stage(
    node: Node, programs: list[Program], inputs: list[Buffer], outputs: list[Buffer]
) -> Choice:
    """Return the choice among programs that read and write these buffers."""
    index, *read = inputs
    name = ", ".join(body.name for body in node.bodies)
    return Choice(index, programs, read, outputs, name)


COMPOSITES: dict[Primitive, Making] = {
    loop: Making(loop_stage, "each step"),
    choice: Making(choice_stage, "a branch"),
    repetition: Making(while_stage, "each step"),
    repetition_back: Making(while_back_stage, "each step"),
}
"""By the primitive of the node."""
