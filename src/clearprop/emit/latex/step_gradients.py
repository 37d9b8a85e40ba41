"""Whose gradients the values of a backward step are: ``∂L/∂h_t``, where that is the whole of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from ...engine.primitive import primitives
from ...engine.spec import is_floating
from ...graph.graph import Node, Wire
from .scopes import Carried, Loop, called


def find_gradients(
    loop: Loop,
    there: Loop,
    gradient_of: dict[Wire, Wire],
    known: Collection[Wire],
    read_forward: Collection[Wire],
) -> None:
    """Add to `gradient_of` the values of a step back and the values there whose gradients they are.

    `known` are the values that have symbols; `read_forward` is what the forward pass, or anyone after it,
    reads: a collected array among it has a gradient of its own.
    """
    makes = [w for part in there.parts for w in part.outputs]
    makes += [inner for _, inner in there.entries]
    names = Counter(map(called, makes))
    ambiguous = {*there.names_around(), ""}
    values = {n: w for w in makes if names[n := called(w)] == 1 and n not in ambiguous}
    for carry, pair in loop.pairs.items():
        others = _other_gradients(there, pair, read_forward)
        if others == []:
            gradient_of[carry.before] = pair.after
            gradient_of[carry.after] = pair.before
        elif others is not None:
            _name_whole(loop, pair, carry, others, gradient_of)
    carried = {c.after for c in loop.carried}
    for part in loop.parts:
        for wire in part.outputs:
            of = values.get(wire.gradient_of)
            if of is not None and of in known and wire not in carried:
                gradient_of.setdefault(wire, of)


def pair_the_only(loop: Loop, there: Loop, totals: Collection[Carried]) -> None:
    """Pair the one gradient that is carried and no sum over all steps with the one value that has one."""
    gradients = [c for c in loop.carried if c not in totals]
    values = [c for c in there.carried if is_floating(c.before.spec.dtype)]
    if loop.pairs or not len(gradients) == len(values) == 1:
        return
    if gradients[0] is loop.carried[0] and gradients[0].before.spec == values[0].before.spec:
        loop.pairs[gradients[0]] = values[0]


def _other_gradients(
    there: Loop, carry: Carried, read_forward: Collection[Wire]
) -> list[Wire] | None:
    """Return the collected arrays through which what is carried on gets further gradients.

    None where it gets some within the step, too.
    """
    after = carry.after
    if not there.makes(carry) or after in there.reads():
        return None
    if [c.after for c in there.carried].count(after) > 1:
        return None
    return [outer for inner, outer in there.collected if inner is after and outer in read_forward]


def _name_whole(
    loop: Loop,
    pair: Carried,
    carry: Carried,
    others: list[Wire],
    gradient_of: dict[Wire, Wire],
) -> None:
    """Name the sum of what comes back from the next step and of what comes from the collected array."""
    entries = [w for outer, w in loop.entries if gradient_of.get(outer) in others]
    if not len(entries) == len(others) == 1:
        return
    for part in loop.parts:
        if not isinstance(part, Node) or part.primitive is not primitives.add:
            continue
        if {*part.inputs} == {carry.before, *entries}:
            gradient_of[part.out] = pair.after
