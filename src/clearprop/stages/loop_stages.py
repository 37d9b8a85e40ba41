"""Loops of a graph as loops of programs."""

from __future__ import annotations

from dataclasses import replace

from ..control.loop import parts
from ..graph.graph import Node
from .composites import Back, Carried, Loop, While
from .ir import Buffer, Program


def loop_stage(
    node: Node, programs: list[Program], inputs: list[Buffer], outputs: list[Buffer]
) -> Loop:
    """Return the loop of a body that reads and writes these buffers."""
    (body,), p = programs, node.params
    outer = parts(inputs, p["closed"], p["carried"])
    inner = parts(body.inputs, p["closed"], p["carried"])
    finals = dict(zip(p["finals"], outputs, strict=False))
    carried = _carried(outer.carried, inner.carried, body.outputs, finals)
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


def while_stage(
    node: Node, programs: list[Program], inputs: list[Buffer], outputs: list[Buffer]
) -> While:
    """Return the loop without a count of a condition and a body."""
    (condition, body), p = programs, node.params
    ends = dict(zip(p["finals"], outputs, strict=True))
    outer = parts(inputs, p["closed"], p["carried"])
    inner = parts(body.inputs, p["closed"], p["carried"])
    asked = parts(condition.inputs, p["closed"], p["carried"])
    closed = [
        *zip(outer.closed, inner.closed, strict=True),
        *zip(outer.closed, asked.closed, strict=True),
    ]
    carried = _carried(outer.carried, inner.carried, body.outputs, ends)
    name = node.params["body"].name
    return While(condition, body, p["limit"], closed, carried, asked.carried, None, name)


def while_back_stage(
    node: Node, programs: list[Program], inputs: list[Buffer], outputs: list[Buffer]
) -> While:
    """Return the loop without a count that goes there and back."""
    (condition, body, back), p = programs, node.params
    ends = dict(zip(p["finals"], outputs, strict=True))
    there = p["closed"] + p["carried"]
    way = replace(node, params={**p, "finals": ()})
    forward = while_stage(way, [condition, body], inputs[:there], [])
    outer = parts(inputs[there:], p["back_closed"], len(p["of"]))
    inner = parts(back.inputs, p["back_closed"], len(p["of"]))
    forward.back = Back(
        back,
        list(zip(outer.closed, inner.closed, strict=True)),
        _carried(outer.carried, inner.carried, back.outputs, ends),
        list(zip(body.outputs[p["carried"] :], inner.entries, strict=True)),
    )
    return forward


def _carried(
    starts: list[Buffer], before: list[Buffer], after: list[Buffer], ends: dict[int, Buffer]
) -> list[Carried]:
    """Return what is carried; `after` may have more behind it."""
    rows = enumerate(zip(starts, before, after, strict=False))
    return [Carried(start, x, y, ends.get(i)) for i, (start, x, y) in rows]
