"""A loop without a count as one operation, and the way there and back through it as another.

The inputs of a `repetition` are the values that all steps read (`closed`) and the carried values at the
start. Condition and body have inputs for all of them; the condition's output says whether there is another
step, the body's are the carried values after it. The results are the carried values at the end, of those
numbered in `finals`.

How many steps there are is known only when they are done. So the backward pass is an operation that goes
through the loop again: there, keeping what the way back needs, and back. Its inputs are those of the loop,
then what each step back reads (`back_closed`), then what the way back carries: the gradients of carried
values, at first those at the end, and the sums of the gradients of what all steps read. `of` says which
inputs these are the gradients of. The body's outputs are the carried values and what is kept; the inputs of
`back` are what it reads, what it carries, and what was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.backprop import conjugate
from ..engine.bundle import Bundle
from ..engine.primitive import Call, Primitive, primitives, together
from ..engine.spec import is_floating
from ..graph.graph import Graph, Node, Wire
from ..graph.tracing import trace
from ..ops.bundles import results_of
from ..passes.backward import mark_gradient, with_backward
from ..transforms.jacobians import jvp
from .loop_gradient import asks_gradient, is_cheap, is_zero, reached
from .while_steps import (
    pruned_back,
    pruned_there,
    spec_back,
    spec_there,
    there,
    there_and_back,
)


def _vjp(
    g: AnyArray,
    out: AnyArray,
    *inputs: AnyArray,
    condition: Graph,
    body: Graph,
    closed: int,
    carried: int,
    finals: tuple[int, ...],
    limit: int | None,
) -> tuple[AnyArray, ...]:
    """Return the gradient of each input, by going there and back."""
    ends = {i: gy for i, gy in zip(finals, results_of(g), strict=True) if gy is not None}
    found: list[AnyArray] = [None] * len(inputs)
    if not ends:
        return tuple(found)
    wanted = [i for i in range(closed) if asks_gradient(inputs[i])]
    way = _way_back(body.open(), closed, carried, wanted, list(ends))
    starts = [
        np.zeros(w.spec.shape, w.spec.dtype)
        if (gy := ends.get(i - closed)) is None
        else conjugate(gy)
        for i, w in zip(way.of, way.back.outputs, strict=True)
    ]
    params = {
        "condition": condition,
        "body": way.body,
        "back": way.back,
        "closed": closed,
        "carried": carried,
        "back_closed": len(way.closed),
        "of": way.of,
        "finals": tuple(range(len(way.of))),
        "limit": limit,
    }
    made = repetition_back(*inputs, *(inputs[i] for i in way.closed), *starts, **params)
    for i, d in zip(way.of, results_of(made), strict=True):
        found[i] = conjugate(d)
    return tuple(found)


class _Way(NamedTuple):
    """How a step goes there and back."""

    body: Graph
    """The forward step, with what it keeps."""
    back: Graph
    closed: list[int]
    """The inputs that a step back reads."""
    of: tuple[int, ...]
    """The inputs whose gradients it carries."""


def _way_back(
    body: Graph, closed: int, carried: int, wanted: Sequence[int], ends: Sequence[int]
) -> _Way:
    """Return the backward pass of a step, for gradients of these closed values and of carried ones."""
    starts = body.inputs[closed : closed + carried]
    live = [i for i in reached(body, closed, carried, ends) if is_floating(starts[i].spec.dtype)]
    asked = [i for i in wanted if is_floating(body.inputs[i].spec.dtype)]
    asked += [closed + i for i in live]
    joint = with_backward(body, asked, live)
    joint.mark_gradients()
    gradients = dict(zip(asked, joint.gradients, strict=True))
    gains = {i: w for i, w in gradients.items() if i < closed and not is_zero(w)}
    totals = [Wire(f"d{body.inputs[i].name}", w.spec) for i, w in gains.items()]
    added = [
        Node(primitives.add, (total, w), (Wire("", w.spec),), is_backward=True)
        for total, w in zip(totals, gains.values(), strict=True)
    ]
    for seed, i in zip(joint.seeds, live, strict=True):
        mark_gradient(seed, starts[i])
        mark_gradient(seed, body.outputs[i])
    for total, i in zip(totals, gains, strict=True):
        mark_gradient(total, body.inputs[i])
    outputs = (*(gradients[closed + i] for i in live), *(node.out for node in added))
    nodes = (*joint.graph.nodes[len(body.nodes) :], *added)
    needed = replace(joint.graph, nodes=nodes, outputs=outputs).without_unread().nodes
    read = {w for node in needed for w in node.inputs}.union(outputs)
    kept: list[Wire] = []
    again: list[Node] = []
    for node in reversed(body.nodes):
        if read.isdisjoint(node.outputs):
            continue
        if is_cheap(node):
            again.append(node)
            read.update(node.inputs)
        else:
            kept += [w for w in node.outputs if w in read]
    kept += [w for w in starts if w in read]
    free = [i for i in range(closed) if body.inputs[i] in read]
    arguments = (*(body.inputs[i] for i in free), *joint.seeds, *totals, *kept)
    back = Graph(f"{body.name}_backward", arguments, (*again[::-1], *needed), outputs).open(0)
    back.name_rest()
    longer = replace(body, outputs=(*body.outputs[:carried], *kept))
    return _Way(longer, back, free, (*(closed + i for i in live), *gains))


def _back_vjp(
    g: AnyArray,
    out: AnyArray,
    *inputs: AnyArray,
    condition: Graph,
    body: Graph,
    back: Graph,
    closed: int,
    carried: int,
    back_closed: int,
    of: tuple[int, ...],
    finals: tuple[int, ...],
    limit: int | None,
) -> tuple[AnyArray, ...]:
    """Return the gradient of each input of a way there and back.

    What goes back is the transpose of what tangents do on the way there: with tangents w of what gradients
    are taken of, ``w · back(seeds) = seeds · tangents at the end``. So the gradient of the seeds is what the
    tangents become, by a loop that carries them along; and those of all else are the gradients of that loop.
    """
    first = closed + carried
    seeds = inputs[first + back_closed :]
    given = {of[i]: gy for i, gy in zip(finals, results_of(g), strict=True) if gy is not None}
    found: list[AnyArray] = [None] * len(inputs)
    if not given:
        return tuple(found)
    moved_closed = [i for i in range(closed) if i in given]
    moved = [i for i in range(carried) if is_floating(body.outputs[i].spec.dtype)]
    tangents = [
        np.zeros(w.spec.shape, w.spec.dtype)
        if (gy := given.get(closed + i)) is None
        else conjugate(gy)
        for i, w in ((i, body.outputs[i]) for i in moved)
    ]
    ends = {i - closed: position for position, i in enumerate(of) if i >= closed}
    params: dict[str, Any] = {
        "condition": _widened(condition, body, closed, moved_closed, moved),
        "body": _with_tangents(body.open(), closed, carried, moved_closed, moved),
        "closed": closed + len(moved_closed),
        "carried": carried + len(moved),
        "finals": tuple(carried + moved.index(i) for i in ends),
        "limit": limit,
    }
    way = (
        *inputs[:closed],
        *(conjugate(given[i]) for i in moved_closed),
        *inputs[closed:first],
        *tangents,
    )
    made = repetition(*way, **params)
    for position, y in zip(ends.values(), results_of(made), strict=True):
        found[first + back_closed + position] = conjugate(y)
    upstream = [conjugate(seeds[position]) for position in ends.values()]
    whole = upstream[0] if len(upstream) == 1 else Bundle(upstream)
    gradients = _vjp(whole, made, *way, **params)
    found[:closed] = gradients[:closed]
    start = closed + len(moved_closed)
    found[closed:first] = gradients[start : start + carried]
    return tuple(found)


def _widened(
    condition: Graph, body: Graph, closed: int, moved_closed: Sequence[int], moved: Sequence[int]
) -> Graph:
    """Return a condition with inputs for tangents, which it does not read."""
    inputs = condition.inputs
    free = [Wire("", body.inputs[i].spec) for i in moved_closed]
    more = [Wire("", body.outputs[i].spec) for i in moved]
    wide = replace(condition, inputs=(*inputs[:closed], *free, *inputs[closed:], *more)).open(0)
    wide.name_rest()
    return wide


def _with_tangents(
    body: Graph, closed: int, carried: int, moved_closed: Sequence[int], moved: Sequence[int]
) -> Graph:
    """Return a step that carries tangents along, of these closed and these carried values."""
    free = [body.inputs[i].spec for i in moved_closed]
    more = [body.outputs[i].spec for i in moved]
    places = [*moved_closed, *(closed + i for i in moved)]

    def step(*given: AnyArray) -> list[AnyArray]:
        start = closed + len(free)
        values = [*given[:closed], *given[start : start + carried]]
        tangents = [*given[closed:start], *given[start + carried :]]

        def run(*chosen: AnyArray) -> list[AnyArray]:
            env = body.run(_with(values, places, chosen))
            return [env[body.outputs[i]] for i in moved]

        after, rates = jvp(run, tuple(values[i] for i in places), tuple(tangents))
        env = body.run(values)
        results = _with([env[w] for w in body.outputs[:carried]], moved, after)
        return [*results, *rates]

    specs = [w.spec for w in body.inputs]
    whole = trace(step, *specs[:closed], *free, *specs[closed:], *more)
    return replace(whole, name=body.name, pack=None, unpack=None)


def _with(
    values: Sequence[AnyArray], places: Sequence[int], others: Sequence[AnyArray]
) -> list[AnyArray]:
    """Return values with others in some places."""
    found = list(values)
    for i, x in zip(places, others, strict=True):
        found[i] = x
    return found


def _itself(name: str) -> Primitive:
    return repetition if name == repetition.name else repetition_back


repetition = Primitive(
    "while_loop",
    there,
    spec_there,
    together(_vjp),
    "mixes",
    "Each step hands its gradient to the step before; what all steps read gets the sum over them.",
    Call("while_loop"),
    found_by=lambda: (_itself, ("while_loop",)),
    pruned=pruned_there,
)
repetition_back = Primitive(
    "while_loop_backward",
    there_and_back,
    spec_back,
    together(_back_vjp),
    "mixes",
    "It goes through the loop once more, there and back.",
    Call("while_loop_backward"),
    found_by=lambda: (_itself, ("while_loop_backward",)),
    pruned=pruned_back,
)
