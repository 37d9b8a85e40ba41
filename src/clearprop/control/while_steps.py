"""What a loop without a count does, there and back, and what of it is left where nobody reads the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.bundle import alone
from ..errors import StepLimitError
from ..graph.graph import Graph, Node, Wire
from .choice import used_inputs
from .loop import parts
from .loop_gradient import reached


def there(
    *inputs: AnyArray,
    condition: Graph,
    body: Graph,
    closed: int,
    carried: int,
    finals: tuple[int, ...],
    limit: int | None,
) -> AnyArray:
    kept: list[list[AnyArray]] = []
    given = parts(inputs, closed, carried)
    last = _go(given.closed, given.carried, condition, body, limit, kept)
    return alone([np.array(last[i])[()] for i in finals])


def _go(
    closed: Sequence[AnyArray],
    start: Sequence[AnyArray],
    condition: Graph,
    body: Graph,
    limit: int | None,
    kept: list[list[AnyArray]],
) -> list[AnyArray]:
    """Go through a loop, note what each step keeps, and return the carried values at the end."""
    closed = _as_read(closed, body.inputs)
    now = _as_read(start, body.inputs[len(closed) :])
    while bool(condition.run([*closed, *now])[condition.outputs[0]]):
        if limit is not None and len(kept) >= limit:
            raise limit_reached(body.name, limit)
        env = body.run([*closed, *now])
        made = _as_read([env[w] for w in body.outputs], body.outputs)
        now = made[: len(start)]
        kept.append(made[len(start) :])
    return now


def _as_read(values: Sequence[AnyArray], wires: Sequence[Wire]) -> list[AnyArray]:
    return [np.asarray(x, w.spec.dtype)[()] for x, w in zip(values, wires, strict=False)]


def limit_reached(name: str, limit: int) -> StepLimitError:
    return StepLimitError(
        f"while_loop of {name} was to go on after {limit} steps, its limit. See whether its condition can "
        f"become false, or give a higher limit"
    )


def spec_there(
    *inputs: AnyArray,
    condition: Graph,
    body: Graph,
    closed: int,
    carried: int,
    finals: tuple[int, ...],
    limit: int | None,
) -> AnyArray:
    return alone([body.outputs[i].spec for i in finals])


def there_and_back(
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
) -> AnyArray:
    kept: list[list[AnyArray]] = []
    there = parts(inputs, closed, carried)
    _go(there.closed, there.carried, condition, body, limit, kept)
    given = parts(there.entries, back_closed, len(of))
    read = _as_read(given.closed, back.inputs)
    now = _as_read(given.carried, back.inputs[back_closed:])
    while kept:
        env = back.run([*read, *now, *kept.pop()])
        now = _as_read([env[w] for w in back.outputs], back.outputs)
    return alone([np.array(now[i])[()] for i in finals])


def spec_back(*inputs: AnyArray, back: Graph, finals: tuple[int, ...], **others: Any) -> AnyArray:
    return alone([back.outputs[i].spec for i in finals])


# ---- without what nobody reads


def pruned_there(node: Node, read: Collection[Wire]) -> Node:
    """Return the loop without results that nobody reads, and without what its steps need for those alone."""
    p = node.params
    made = dict(zip(p["finals"], node.outputs, strict=True))
    ends = [i for i in p["finals"] if made[i] in read]
    there = _There(p, ends)
    return replace(
        node,
        inputs=tuple(node.inputs[i] for i in there.inputs),
        outputs=tuple(made[i] for i in ends),
        params={**p, **there.params, "finals": tuple(there.place[i] for i in ends)},
    )


def pruned_back(node: Node, read: Collection[Wire]) -> Node:
    """Return the same of a way there and back. What it gives gradients of stays, for derivatives of these."""
    p = node.params
    count, first = len(p["of"]), p["closed"] + p["carried"]
    made = dict(zip(p["finals"], node.outputs, strict=True))
    ends = [i for i in p["finals"] if made[i] in read]
    needed = reached(p["back"], p["back_closed"], count, ends)
    outputs = tuple(p["back"].outputs[i] for i in needed)
    back = replace(p["back"], outputs=outputs).without_unread()
    used = used_inputs([back])
    places = parts(range(len(back.inputs)), p["back_closed"], count)
    free = [i for i in places.closed if i in used]
    carries = [places.carried[i] for i in needed]
    entries = [i for i in places.entries if i in used]
    kept = [p["body"].outputs[p["carried"] + i - len(places.closed) - count] for i in entries]
    of = [p["of"][i] for i in needed]
    there = _There(p, [i - p["closed"] for i in of if i >= p["closed"]], kept, of)
    place = {carry: i for i, carry in enumerate(needed)}
    return replace(
        node,
        inputs=tuple(node.inputs[i] for i in (*there.inputs, *(first + i for i in free + carries))),
        outputs=tuple(made[i] for i in ends),
        params={
            **p,
            **there.params,
            "back": replace(
                back, inputs=tuple(back.inputs[i] for i in (*free, *carries, *entries))
            ),
            "back_closed": len(free),
            "of": tuple(there.inputs.index(i) for i in of),
            "finals": tuple(place[i] for i in ends),
        },
    )


class _There:
    """A condition and a body that do no more than they must: for carried values that are wanted at the end,
    for wires to be kept, and with certain inputs in any case.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        ends: Iterable[int],
        kept: Sequence[Wire] = (),
        inputs: Sequence[int] = (),
    ) -> None:
        condition, body = params["condition"].without_unread(), params["body"]
        closed, carried = params["closed"], params["carried"]
        asked = {i - closed for i in used_inputs([condition]) if i >= closed}
        carries = reached(body, closed, carried, asked.union(ends), kept)
        self.place = {carry: i for i, carry in enumerate(carries)}
        """Of the carried values that are left, their new numbers."""
        outputs = (*(body.outputs[i] for i in carries), *kept)
        body = replace(body, outputs=outputs).without_unread()
        used = {*used_inputs([condition, body]), *inputs}
        free = [i for i in range(closed) if i in used]
        self.inputs = [*free, *(closed + i for i in carries)]
        """The numbers of the inputs that are left."""
        self.params = {
            "condition": replace(condition, inputs=tuple(condition.inputs[i] for i in self.inputs)),
            "body": replace(body, inputs=tuple(body.inputs[i] for i in self.inputs)),
            "closed": len(free),
            "carried": len(carries),
        }
