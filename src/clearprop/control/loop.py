"""A loop as one operation: its body is a graph, done once for each step.

The inputs are the values that all steps read (`closed`), the carried values at the start, and arrays of which
each step reads one entry along the first axis. The body's inputs are these, in this order, for one step; its
outputs are the carried values for the next step, and then what is collected from each step. The results of a
loop are the carried values at the end (of those numbered in `finals`), and the collected arrays. With
`recompute` its backward pass keeps nothing but the carried values, and computes all else again.

A loop that is traced collects all that its body computes. Which of it a backward pass reads is known only
later; what nobody reads goes when the trace becomes a graph (`pruned`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.backprop import conjugate
from ..engine.bundle import Bundle, alone
from ..engine.primitive import Call, Primitive, primitives, together
from ..engine.spec import ArraySpec
from ..engine.tensor import Tensor
from ..graph.graph import Graph, Node, Wire
from ..ops.bundles import results_of
from .loop_gradient import Gradient, reached


@dataclass(frozen=True)
class Parts:
    """A sequence, one entry for each input of a loop or of its body, cut into its three kinds."""

    closed: list[AnyArray]
    carried: list[AnyArray]
    entries: list[AnyArray]


def parts(values: Sequence[AnyArray], closed: int, carried: int) -> Parts:
    """Return the inputs of a loop by kind."""
    found = list(values)
    return Parts(found[:closed], found[closed : closed + carried], found[closed + carried :])


def _forward(
    *inputs: AnyArray,
    body: Graph,
    closed: int,
    carried: int,
    finals: tuple[int, ...],
    length: int,
    reverse: bool,
    recompute: bool = False,
) -> AnyArray:
    given = parts(inputs, closed, carried)
    specs = [w.spec for w in body.outputs]
    now = [np.asarray(x, s.dtype) for x, s in zip(given.carried, specs, strict=False)]
    collected = [np.empty((length, *s.shape), s.dtype) for s in specs[carried:]]
    for t in reversed(range(length)) if reverse else range(length):
        env = body.run([*given.closed, *now, *(x[t] for x in given.entries)])
        made = [np.asarray(env[w], w.spec.dtype)[()] for w in body.outputs]
        now = made[:carried]
        for array, y in zip(collected, made[carried:], strict=True):
            array[t] = y
    return alone([*(now[i] for i in finals), *collected])


def _spec(
    *inputs: AnyArray,
    body: Graph,
    closed: int,
    carried: int,
    finals: tuple[int, ...],
    length: int,
    reverse: bool,
    recompute: bool = False,
) -> AnyArray:
    made = [body.outputs[i].spec for i in finals]
    made += [ArraySpec((length, *w.spec.shape), w.spec.dtype) for w in body.outputs[carried:]]
    return alone(made)


def _vjp(
    g: AnyArray,
    out: AnyArray,
    *inputs: AnyArray,
    body: Graph,
    closed: int,
    carried: int,
    finals: tuple[int, ...],
    length: int,
    reverse: bool,
    recompute: bool = False,
) -> tuple[AnyArray, ...]:
    """Return the gradient of each input of a loop; None for those that get none."""
    opened = body.open()
    upstream = results_of(g)
    ends = {i: gy for i, gy in zip(finals, upstream, strict=False) if gy is not None}
    arrays = enumerate(upstream[len(finals) :], carried)
    stacked = {i: gy for i, gy in arrays if gy is not None}
    if not length or not (ends or stacked):
        return _of_no_steps(ends, inputs, closed)
    work = Gradient(opened, closed, carried, inputs, ends.keys(), stacked.keys(), recompute)
    kept = _Kept(opened, carried, len(finals), out)
    if kept.lacks(work.saved):  # somebody dropped what was not read then: go through the loop again
        wanted = [w for w in work.saved if w not in opened.outputs[carried:]]
        longer = replace(opened, outputs=(*opened.outputs, *wanted))
        params = {
            "body": longer,
            "closed": closed,
            "carried": carried,
            "finals": finals,
            "length": length,
            "reverse": reverse,
            "recompute": recompute,
        }
        again = loop(*inputs, **params)
        kept = _Kept(longer, carried, len(finals), again)
    starts = [
        np.zeros(w.spec.shape, w.spec.dtype) if (gy := ends.get(i)) is None else conjugate(gy)
        for i, w in work.carries.items()
    ]
    sums = [np.zeros(w.spec.shape, w.spec.dtype) for w in work.summed]
    entries = [inputs[i] for i in work.entries]
    given = (
        *(inputs[i] for i in work.closed),
        *starts,
        *sums,
        *map(kept, work.saved),
        *entries,
        *(conjugate(stacked[i]) for i in work.stacked),
    )
    params = {
        "body": work.body,
        "closed": len(work.closed),
        "carried": len(starts) + len(sums),
        "finals": tuple(range(len(starts) + len(sums))),
        "length": length,
        "reverse": not reverse,
    }
    made = [conjugate(d) for d in results_of(loop(*given, **params))]
    found: list[AnyArray] = [None] * len(inputs)
    places = [*(closed + i for i in work.carries), *work.summed.values(), *work.entry_gradients]
    for i, d in zip(places, made, strict=False):
        found[i] = d
    first = len(made) - len(work.collected)
    values = dict(zip(opened.inputs, inputs, strict=True)) | dict(
        zip(work.collected, made[first:], strict=True)
    )
    for i, product in work.products.items():
        left, right = (kept(w) if w in work.saved else values[w] for w in product.factors)
        found[i] = product.over_all_steps(left, right)
    return tuple(found)


class _Kept:
    """What a forward loop collected: an array for each value of its body that it kept."""

    def __init__(self, body: Graph, carried: int, finals: int, out: AnyArray) -> None:
        self.place = {w: finals + i for i, w in enumerate(body.outputs[carried:])}
        self.out = out

    def lacks(self, wires: Sequence[Wire]) -> bool:
        return any(w not in self.place for w in wires)

    def __call__(self, wire: Wire) -> AnyArray:
        value = self.out.value if isinstance(self.out, Tensor) else self.out
        if not isinstance(value, Bundle):
            return self.out
        return primitives.element(self.out, index=self.place[wire], count=len(value))


def _of_no_steps(
    ends: dict[int, AnyArray], inputs: Sequence[AnyArray], closed: int
) -> tuple[AnyArray, ...]:
    """Return the gradients of a loop that is never entered, or whose results nobody asks for: carried
    values pass theirs on.
    """
    found: list[AnyArray] = [None] * len(inputs)
    for i, gy in ends.items():
        found[closed + i] = gy
    return tuple(found)


def _pruned(node: Node, read: Collection[Wire]) -> Node:
    """Return the loop without results that nobody reads, and without what its steps need for those alone.

    What is carried along unchanged is what all steps read.
    """
    p = node.params
    body, closed, carried, finals = p["body"], p["closed"], p["carried"], p["finals"]
    made = dict(zip(finals, node.outputs, strict=False))
    arrays = zip(body.outputs[carried:], node.outputs[len(finals) :], strict=True)
    collected = [(inner, out) for inner, out in arrays if out in read]
    ends = [i for i in finals if made[i] in read]
    needed = reached(body, closed, carried, ends, [inner for inner, _ in collected])
    start = parts(body.inputs, closed, carried).carried
    fixed = {i for i in needed if start[i] is body.outputs[i] and i not in ends}
    carries = [i for i in needed if i not in fixed]
    outputs = (*(body.outputs[i] for i in carries), *(inner for inner, _ in collected))
    smaller = replace(body, outputs=outputs).without_unread()
    used = {w for n in smaller.nodes for w in n.inputs}.union(outputs)
    positions = parts(range(len(body.inputs)), closed, carried)
    free = [*positions.closed, *(positions.carried[i] for i in sorted(fixed))]
    free = [i for i in free if body.inputs[i] in used]
    entries = [i for i in positions.entries if body.inputs[i] in used]
    kept = [*free, *(positions.carried[i] for i in carries), *entries]
    place = {carry: i for i, carry in enumerate(carries)}
    return replace(
        node,
        inputs=tuple(node.inputs[i] for i in kept),
        outputs=(*(made[i] for i in ends), *(out for _, out in collected)),
        params={
            **p,
            "body": replace(smaller, inputs=tuple(body.inputs[i] for i in kept)),
            "closed": len(free),
            "carried": len(carries),
            "finals": tuple(place[i] for i in ends),
        },
    )


def _observed(node: Node) -> Node:
    """Return the loop with all that its steps know among its results."""
    p = node.params
    body = observed(p["body"], p["closed"], p["carried"])
    more = body.outputs[len(p["body"].outputs) :]
    specs = (ArraySpec((p["length"], *w.spec.shape), w.spec.dtype) for w in more)
    outputs = (*node.outputs, *(Wire("", spec) for spec in specs))
    return replace(node, outputs=outputs, params={**p, "body": body})


def _named(name: str) -> Primitive:
    return globals()[name]


loop = Primitive(
    "loop",
    _forward,
    _spec,
    together(_vjp),
    "mixes",
    "Each step hands its gradient to the step before; what all steps read gets the sum over them.",
    Call("loop"),
    found_by=lambda: (_named, ("loop",)),
    pruned=_pruned,
    observed=_observed,
)


def observed(body: Graph, closed: int, carried: int) -> Graph:
    """Return the body with all that its steps know among what is collected, what they are carried too."""
    known = set(body.outputs[carried:])
    inner = [*body.inputs[closed : closed + carried], *(w for n in body.nodes for w in n.outputs)]
    return replace(body, outputs=(*body.outputs, *(w for w in inner if w not in known)))
