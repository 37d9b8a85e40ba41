"""Loops of a graph as loops of programs."""

from __future__ import annotations

from collections.abc import Callable

from ..control.loop import parts
from ..graph.graph import Graph, Node
from .ir import Buffer, Carried, Host, Loop, Program
from .lowerings import is_native


def loop_body(node: Node, program: Callable[[Graph], Program]) -> tuple[Program | None, str]:
    """Return the program of a loop's body; None, and why, where native code cannot go through the loop."""
    for wire in (*node.inputs, *node.outputs):
        if not is_native(wire.spec.dtype):
            return None, f"{wire.spec.dtype} has no native code"
        if not wire.spec.size:
            return None, "an array of no entries"
    body = program(node.params["body"])
    for stage in body.stages:
        if isinstance(stage, Host):
            name = stage.node.primitive.name
            return None, f"each step leaves {name} to NumPy: {stage.why}"
    return body, ""


def loop_stage(node: Node, body: Program, inputs: list[Buffer], outputs: list[Buffer]) -> Loop:
    """Return the loop of a body that reads and writes these buffers."""
    p = node.params
    outer = parts(inputs, p["closed"], p["carried"])
    inner = parts(body.inputs, p["closed"], p["carried"])
    finals = dict(zip(p["finals"], outputs, strict=False))
    carried = [
        Carried(start, before, after, finals.get(i))
        for i, (start, before, after) in enumerate(
            zip(outer.carried, inner.carried, body.outputs, strict=False)
        )
    ]
    collected = zip(outputs[len(finals) :], body.outputs[p["carried"] :], strict=True)
    return Loop(
        body,
        p["length"],
        p["reverse"],
        list(zip(outer.closed, inner.closed, strict=True)),
        carried,
        list(zip(outer.entries, inner.entries, strict=True)),
        list(collected),
        p["body"].name,
    )
