"""Long sums as sums of parts, so that several threads can work on a nest.

Threads take ranges of a nest's outermost free axis. A nest that adds everything up has none, and one that
adds to memory as it goes would meet others there. Such a nest gets a new outermost axis, the *part*: each
part adds up its own share, and a second nest adds up the parts. The result does not depend on how
many threads there are.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ..spec import ArraySpec
from .language import (
    COSTS,
    Access,
    Accumulate,
    Buffer,
    Compute,
    Effect,
    Expression,
    Load,
    Nest,
    Position,
    Reduction,
    Stage,
    Store,
    rewrite,
)
from .views import dense

_LONG = 250_000
"""Additions from which a nest is worth sharing: some tens of microseconds."""
_PARTS = 16
"""Most parts of a nest."""


def share(stage: Stage) -> list[Stage]:
    """The stage, or two and more that do the same in parts."""
    if not isinstance(stage, Nest) or not _is_stuck(stage) or _work(stage) < _LONG:
        return [stage]
    axes = [a for a in range(len(stage.extents)) if a not in stage.reduced] or list(stage.reduced)
    for axis in sorted(axes, key=lambda a: (a == stage.lanes, -stage.extents[a])):
        count = _count(stage.extents[axis])
        if count > 1 and _can_split(stage, axis, count):
            return _split(stage, axis, count)
    return [stage]


def _is_stuck(nest: Nest) -> bool:
    if nest.product is not None:
        return False
    adds = any(isinstance(e, Accumulate) for e in nest.effects)
    return adds or len(nest.reduced) == len(nest.extents) > 0


def _work(nest: Nest) -> float:
    costs = (COSTS[e.operation] for e in nest.expressions() if isinstance(e, Compute))
    return math.prod(nest.extents) * (1 + sum(costs))


def _count(extent: int) -> int:
    """In how many equal parts an axis falls, at most `_PARTS`."""
    return next((n for n in range(_PARTS, 1, -1) if extent % n == 0), 1)


def _can_split(nest: Nest, axis: int, count: int) -> bool:
    if any(isinstance(e, Position) and e.axis == axis for e in nest.expressions()):
        return False
    for effect in nest.effects:
        if isinstance(effect, Accumulate):
            stride, size = effect.access.strides[axis], effect.access.buffer.size
            if stride and not effect.access.is_apart(axis, nest.extents[axis]):
                return False
            if not stride and count * size > _work(nest) / 8:
                return False
    if axis not in nest.reduced:
        return True
    # what needs the whole sum comes after it, so it must not be wanted at every point again
    phases = nest.phases()
    again = any(isinstance(e, Reduction) and phases[e.operand] for e in phases)
    return not again and all(
        not phases[e.value] if e.access.axes() else isinstance(e, Store) for e in nest.effects
    )


def _split(nest: Nest, axis: int, count: int) -> list[Stage]:
    """Parts of `axis` as a new first axis, and the nests that add up what the parts found."""
    size = nest.extents[axis] // count
    extents = list(nest.extents)
    extents[axis] = size

    def access(old: Access) -> Access:
        return Access(old.buffer, (old.strides[axis] * size, *old.strides), old.offset)

    def axes(old: frozenset[int]) -> frozenset[int]:
        return frozenset(a + 1 for a in old) | ({0} if axis in old else frozenset())

    reduced = frozenset(a + 1 for a in nest.reduced)
    new, effects = rewrite(nest, reduced, access, axes, lambda a: a + 1)
    first = Nest((count, *extents), reduced, [])
    first.lanes = None if nest.lanes is None else nest.lanes + 1
    first.kept = {new[e]: access(a) for e, a in nest.kept.items()}
    first.covers = nest.covers
    totals: list[Stage] = []
    late: list[Effect] = []
    for old, effect in zip(nest.effects, effects, strict=True):
        if isinstance(effect, Store):
            if axis in nest.reduced and not old.access.axes():
                late.append(old)
            else:
                first.effects.append(effect)
            continue
        effect = replace(effect, domain=effect.domain | {0})
        if not old.access.strides[axis]:
            whole = old.access.buffer
            parts = Buffer(f"{whole.name}_parts", ArraySpec((count, whole.size), whole.dtype))
            place = Access(parts, (whole.size, *old.access.strides), old.access.offset)
            effect = replace(effect, access=place)
            totals.append(_total(effect.how, parts, whole))
        first.effects.append(effect)
    if late:
        totals.insert(0, _finish(nest, first, late, new, count))
    return [first, *totals]


def _total(how: str, parts: Buffer, whole: Buffer) -> Nest:
    """The sum of the parts of an accumulation."""
    count = parts.spec.shape[0]
    load = Load(whole.dtype, frozenset({0, 1}), Access(parts, dense(parts.spec.shape)))
    value = Reduction(whole.dtype, frozenset({1}), how, load)
    nest = Nest((count, whole.size), frozenset({0}), [Store(value, Access(whole, (0, 1)))])
    nest.lanes = 1 if whole.size > 1 else 0
    return nest


def _finish(
    nest: Nest,
    first: Nest,
    late: list[Effect],
    new: dict[Expression, Expression],
    count: int,
) -> Nest:
    """What follows from sums over everything: the sums of the parts' sums, and the rest as it was."""
    wanted = Nest(nest.extents, nest.reduced, late).expressions()
    known: dict[Expression, Expression] = {}
    for e in wanted:
        if isinstance(e, Reduction):
            parts = Buffer(f"part{len(known) + 1}", ArraySpec((count,), e.dtype))
            place = Access(parts, (1, *[0] * len(nest.extents)))
            first.effects.append(Store(new[e], place))
            load = Load(e.dtype, frozenset({0}), Access(parts, (1,)))
            known[e] = Reduction(e.dtype, frozenset(), e.how, load)
        elif isinstance(e, Load):
            known[e] = Load(e.dtype, frozenset(), Access(e.access.buffer, (0,), e.access.offset))
        elif isinstance(e, Compute):
            known[e] = replace(e, axes=frozenset(), operands=tuple(known[x] for x in e.operands))
        else:
            known[e] = e
    effects: list[Effect] = [
        Store(known[e.value], Access(e.access.buffer, (0,), e.access.offset)) for e in late
    ]
    result = Nest((count,), frozenset({0}), effects)
    result.lanes = 0
    return result
