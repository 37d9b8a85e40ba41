"""The shape of a nest: which axis runs along lanes, which axes are walked as one, what is kept."""

from __future__ import annotations

from dataclasses import replace

from ..engine.spec import ArraySpec
from .axes import rewrite
from .ir import Access, Buffer, Compute, Expression, Nest, Position, Reduction, operands
from .operations import COSTS
from .views import dense


def cost(e: Expression) -> float:
    """Return what it takes to compute an entry from what is loaded, in additions."""
    if isinstance(e, Compute):
        return COSTS[e.operation] + sum(map(cost, e.operands))
    return 0.0


def lanes(nest: Nest) -> int | None:
    """Return the axis along which most accesses go to neighbouring entries; None for a nest without axes."""
    if not nest.extents:
        return None
    if nest.product is not None:
        return len(nest.extents) - 1
    accesses = [*nest.reads(), *nest.writes()]

    def score(axis: int) -> tuple[int, int]:
        strides = [abs(a.strides[axis]) for a in accesses]
        return sum(s == 1 for s in strides) - 2 * sum(s > 1 for s in strides), axis

    return max(map(score, range(len(nest.extents))))[1]


def coalesce(nest: Nest) -> None:
    """Make one axis of two neighbours that every access walks like one."""
    if nest.product is not None:
        _coalesce_batch(nest)
        return
    positions = {e.axis for e in nest.expressions() if isinstance(e, Position)}
    axis = 0
    while axis + 1 < len(nest.extents):
        inner = axis + 1
        alike = (axis in nest.reduced) == (inner in nest.reduced)
        if (
            alike
            and not positions & {axis, inner}
            and all(
                a.strides[axis] == a.strides[inner] * nest.extents[inner]
                for a in (*nest.reads(), *nest.writes())
            )
        ):
            _merge(nest, axis)
        else:
            axis += 1


def _coalesce_batch(nest: Nest) -> None:
    """Make rows of one tall matrix of a stack of them that meets the same right factor."""
    while len(nest.extents) > 2 and nest.product is not None:
        p, last = nest.product, len(nest.extents) - 3
        rows = nest.extents[last + 1]
        positions = {e.axis for e in nest.expressions() if isinstance(e, Position)}
        accesses = [
            p.left,
            *(a for a in (*nest.reads(), *nest.writes()) if a not in (p.left, p.right)),
        ]
        if (
            p.right.strides[last]
            or positions & {last, last + 1}
            or any(a.strides[last] != a.strides[last + 1] * rows for a in accesses)
        ):
            return
        left = (*p.left.strides[:last], *p.left.strides[last + 1 :])
        right = (*p.right.strides[:last], *p.right.strides[last + 1 :])
        nest.product = None
        _merge(nest, last)
        nest.product = replace(
            p, left=replace(p.left, strides=left), right=replace(p.right, strides=right)
        )


def _merge(nest: Nest, axis: int) -> None:
    """Make one axis of `axis` and the next one, whose strides the new one has."""
    inner = axis + 1

    def axes(old: frozenset[int]) -> frozenset[int]:
        return frozenset(a if a <= axis else a - 1 for a in old)

    def access(old: Access) -> Access:
        strides = (*old.strides[:axis], old.strides[inner], *old.strides[inner + 1 :])
        return Access(old.buffer, strides, old.offset)

    reduced = axes(nest.reduced)
    _, nest.effects = rewrite(nest, reduced, access, axes, lambda a: a if a <= axis else a - 1)
    nest.reduced = reduced
    extents = list(nest.extents)
    extents[axis : inner + 1] = [extents[axis] * extents[inner]]
    nest.extents = tuple(extents)
    if nest.lanes is not None and nest.lanes > axis:
        nest.lanes -= 1


def keep(nest: Nest, cheap: float) -> None:
    """Choose the values that later phases read back: those that cost more than `cheap` to compute again.

    Costs are in additions an entry. A kept value has a buffer with one entry for each point that it varies
    over.
    """
    if not nest.reduced:
        return
    phases = nest.phases()
    inside = [e for e in nest.expressions() if e.axes & nest.reduced]
    needed = _needed_later(phases, inside, set())
    again: dict[Expression, float] = {}
    chosen: set[Expression] = set()
    for e in inside:
        price = COSTS[e.operation] if isinstance(e, Compute) else 0.0
        price += sum(again.get(x, 0.0) for x in operands(e))
        if e in needed and price > cheap:
            chosen.add(e)
            price = 0.0
        again[e] = price
    needed = _needed_later(phases, inside, chosen)
    for e in inside:
        if e in chosen & needed:
            shape = tuple(n if a in e.axes else 1 for a, n in enumerate(nest.extents))
            scratch = Buffer(f"kept{len(nest.kept) + 1}", ArraySpec(shape, e.dtype))
            nest.kept[e] = Access(scratch, dense(shape))


def _needed_later(
    phases: dict[Expression, int], inside: list[Expression], kept: set[Expression]
) -> set[Expression]:
    """Return values that an expression of a later phase reads, perhaps through others that are not kept."""
    found: set[Expression] = set()
    for e in reversed(inside):
        for x in operands(e):
            later = phases[e] - isinstance(e, Reduction) > phases[x]
            if later or (e in found and e not in kept and not isinstance(e, Reduction)):
                found.add(x)
    return found
