"""Long sums as sums of parts, so that several threads can work on a nest.

Threads take ranges of a nest's outermost free axis. A nest that adds everything up has none, and one that
adds to memory as it goes would meet others there. Such a nest gets a new outermost axis, the *part*: each
part adds up its own share, and a second nest adds up the parts. The result does not depend on how
many threads there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..engine.spec import ArraySpec
from .axes import rewrite
from .ir import (
    Access,
    Accumulate,
    Buffer,
    Compute,
    Effect,
    Expression,
    Gather,
    Load,
    Nest,
    Position,
    Reduction,
    Stage,
    Store,
    operands,
)
from .operations import COSTS
from .views import dense

_LONG = 250_000
"""Additions from which a nest is worth sharing: some tens of microseconds."""
_PARTS = 16
"""Most parts of a nest."""


def share(stage: Stage) -> list[Stage]:
    """Return the stage, or two and more that do the same in parts."""
    if not isinstance(stage, Nest) or not _is_stuck(stage) or _work(stage) < _LONG:
        return [stage]
    axes = [a for a in range(len(stage.extents)) if a not in stage.reduced] or list(stage.reduced)
    for axis in sorted(axes, key=lambda a: (a == stage.lanes, -stage.extents[a])):
        count = _count(stage.extents[axis])
        if count > 1 and can_split(stage, axis, count):
            return split(stage, axis, count)
    return [stage]


def _is_stuck(nest: Nest) -> bool:
    if nest.product is not None or nest.tiles is not None:
        return False
    adds = any(isinstance(e, Accumulate) for e in nest.effects)
    return adds or len(nest.reduced) == len(nest.extents) > 0


def _work(nest: Nest) -> float:
    """Return what a nest takes, in additions: its points times the cost of one."""
    costs = (COSTS[e.operation] for e in nest.expressions() if isinstance(e, Compute))
    return math.prod(nest.extents) * (1 + sum(costs))


def _count(extent: int) -> int:
    """Return in how many equal parts an axis of so many entries falls, at most `_PARTS`; 1 if in none."""
    return next((n for n in range(_PARTS, 1, -1) if extent % n == 0), 1)


def can_split(nest: Nest, axis: int, count: int) -> bool:
    """Return whether `split` can make `count` parts of an axis, at no great cost."""
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
    late = [e for e in nest.effects if phases[e.value]]
    alone = all(isinstance(e, Store) and not e.access.axes() & nest.reduced for e in late)
    return not again and alone and not any(isinstance(e, Gather | Position) for e in _after(late))


def _after(late: Sequence[Effect]) -> set[Expression]:
    """Return the expressions that effects need once the sums are there."""
    found, stack = set[Expression](), [e.value for e in late]
    while stack:
        e = stack.pop()
        if e not in found:
            found.add(e)
            stack += () if isinstance(e, Reduction) else operands(e)
    return found


def split(nest: Nest, axis: int, count: int) -> list[Stage]:
    """Return `count` parts of an axis as a new first axis, and the nests that add up what the parts found.

    The axis keeps its place with a part's entries; `count` divides its extent.
    """
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
    late: list[Store] = []
    phases = nest.phases()
    for old, effect in zip(nest.effects, effects, strict=True):
        if isinstance(effect, Store):
            if isinstance(old, Store) and axis in nest.reduced and phases[old.value]:
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
            totals.append(total(effect.how, parts, whole))
        first.effects.append(effect)
    if late:
        totals.insert(0, _finish(nest, first, late, new, count))
    return [first, *totals]


def total(how: str, parts: Buffer, whole: Buffer) -> Nest:
    """Return the sum of the parts of an accumulation: of shape (count, size) in `parts`, of `size` entries in
    `whole`.
    """
    count = parts.spec.shape[0]
    load = Load(whole.dtype, frozenset({0, 1}), Access(parts, dense(parts.spec.shape)))
    value = Reduction(whole.dtype, frozenset({1}), how, load)
    nest = Nest((count, whole.size), frozenset({0}), [Store(value, Access(whole, (0, 1)))])
    nest.lanes = 1 if whole.size > 1 else 0
    return nest


def _finish(
    nest: Nest,
    first: Nest,
    late: list[Store],
    new: dict[Expression, Expression],
    count: int,
) -> Nest:
    """Return what follows from sums over an axis: the sums of the parts' sums, and the rest as it was."""
    free = [a for a in range(len(nest.extents)) if a not in nest.reduced]
    extents = [nest.extents[a] for a in free]
    everywhere = frozenset(range(1, len(free) + 1))

    def access(old: Access) -> Access:
        return Access(old.buffer, (0, *(old.strides[a] for a in free)), old.offset)

    def axes(old: frozenset[int]) -> frozenset[int]:
        return frozenset(free.index(a) + 1 for a in old if a in free)

    known: dict[Expression, Expression] = {}
    for e in Nest(nest.extents, nest.reduced, list[Effect](late)).expressions():
        if isinstance(e, Reduction):
            parts = Buffer(f"part{len(known) + 1}", ArraySpec((count, *extents), e.dtype))
            strides = dense(parts.spec.shape)
            spread = [0] * len(nest.extents)
            for a, stride in zip(free, strides[1:], strict=True):
                spread[a] = stride
            first.effects.append(Store(new[e], Access(parts, (strides[0], *spread))))
            load = Load(e.dtype, frozenset({0}) | everywhere, Access(parts, strides))
            known[e] = Reduction(e.dtype, everywhere, e.how, load)
        elif isinstance(e, Load):
            known[e] = Load(e.dtype, axes(e.axes), access(e.access))
        elif isinstance(e, Compute):
            operands = tuple(known[x] for x in e.operands)
            together = frozenset[int]().union(*(x.axes for x in operands))
            known[e] = replace(e, axes=together, operands=operands)
        else:
            known[e] = e
    effects: list[Effect] = [Store(known[e.value], access(e.access)) for e in late]
    result = Nest((count, *extents), frozenset({0}), effects)
    result.lanes = len(free)
    return result
