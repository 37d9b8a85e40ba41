"""A program cut in two: a forward function, and a backward one that gets what it reads of the first."""

from __future__ import annotations

from dataclasses import dataclass

from .draft import Draft
from .program import Statement


@dataclass
class Parts:
    """The two halves, and what goes from one to the other."""

    forward: list[Statement]
    backward: list[Statement]
    residuals: list[str]
    """Names of the forward pass that the backward pass reads, in the order in which they are made."""


def split(draft: Draft) -> Parts:
    """Split forward from backward statements; those that only the backward pass needs are its own."""
    program = draft.program
    forward = [s for s in program.statements if not s.is_backward]
    backward = [s for s in program.statements if s.is_backward]
    makers: dict[str, list[Statement]] = {}
    for statement in forward:
        for name in statement.names:
            makers.setdefault(name, []).append(statement)
    needed: set[str] = set()
    stack = list(program.outputs)
    while stack:  # what the value is made of
        name = stack.pop()
        if name in makers and name not in needed:
            needed.add(name)
            for statement in makers[name]:
                stack += [*statement.names, *statement.reads]
    seeds = set(draft.seed_names)
    made = {name for s in backward for name in s.names}
    read = [n for s in backward for n in s.reads] + list(program.gradients)
    constants = {name for name, own in makers.items() if not any(s.reads for s in own)}
    moved: list[Statement] = []
    names: set[str] = set()
    stack = read
    while stack:
        name = stack.pop()
        if name in seeds or name in made or name in names:
            continue
        names.add(name)
        if name in makers and (name in constants or name not in needed):
            moved += [s for s in makers[name] if s not in moved]
            stack += [n for s in makers[name] for n in s.reads]
    own = {n for s in moved for n in s.names}
    order = [*draft.leaf_names, *(n for s in forward for n in s.names)]
    residuals = [n for n in dict.fromkeys(order) if n in names and n not in own]
    moved.sort(key=forward.index)
    kept = [s for s in forward if any(n in needed for n in s.names)]
    return Parts(kept, [*moved, *backward], residuals)
