"""Expressions and effects of a nest on other axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .ir import (
    Access,
    Accumulate,
    Compute,
    Effect,
    Expression,
    Gather,
    Index,
    Load,
    Nest,
    Position,
    Reduction,
    Store,
)


def rewrite(
    nest: Nest,
    reduced: frozenset[int],
    access: Callable[[Access], Access],
    axes: Callable[[frozenset[int]], frozenset[int]],
    axis: Callable[[int], int],
) -> tuple[dict[Expression, Expression], list[Effect]]:
    """Rewrite expressions and effects on other axes, by what becomes of accesses, sets of axes and axes."""
    new: dict[Expression, Expression] = {}

    def moved(indices: tuple[Index, ...]) -> tuple[Index, ...]:
        return tuple((new[number], stride, count) for number, stride, count in indices)

    for e in nest.expressions():
        if isinstance(e, Load):
            new[e] = Load(e.dtype, axes(e.axes), access(e.access))
        elif isinstance(e, Gather):
            new[e] = Gather(e.dtype, axes(e.axes), access(e.access), moved(e.indices))
        elif isinstance(e, Compute):
            new[e] = replace(e, axes=axes(e.axes), operands=tuple(new[x] for x in e.operands))
        elif isinstance(e, Reduction):
            new[e] = replace(e, axes=axes(e.operand.axes) - reduced, operand=new[e.operand])
        elif isinstance(e, Position):
            new[e] = replace(e, axes=axes(e.axes), axis=axis(e.axis))
        else:
            new[e] = replace(e, axes=axes(e.axes))
    effects: list[Effect] = []
    for effect in nest.effects:
        value, place = new[effect.value], access(effect.access)
        if isinstance(effect, Store):
            effects.append(Store(value, place))
        else:
            domain, indices = axes(effect.domain), moved(effect.indices)
            effects.append(Accumulate(effect.how, value, place, domain, indices))
    return new, effects
