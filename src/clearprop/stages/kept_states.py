"""Loops that collect what they carry: it is kept once, where it is collected.

A backward pass reads what each step got, users collect what each step left, and a loop hands on the same
from step to step. So each step reads its carried values where they are collected, and leaves them there. What
all steps got and what they left are the same but for one entry: if nobody outside wants either, both are
parts of one array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ..engine.spec import ArraySpec
from .composites import Carried, Loop
from .ir import Access, Buffer, Effect, Host, Load, Nest, Program, Stage, Store


def keep_states_once(stages: Sequence[Stage]) -> None:
    """Let the loops of a program write what they carry to where it is collected, without a copy."""
    has_host = any(
        isinstance(stage, Host) for stage in stages
    )  # buffers are arrays of their own then
    for loop in stages:
        if isinstance(loop, Loop):
            for c in loop.carried:
                _keep_once(loop, c, may_share=not has_host)


def _keep_once(loop: Loop, carried: Carried, *, may_share: bool) -> None:
    before = after = None
    for pair in loop.collected:
        kind, copied = _Copy.found(loop, carried, *pair)
        if kind == "before" and before is None:
            before = copied
        elif kind == "after" and after is None:
            after = copied
    if before is not None and after is not None:
        if may_share and before.outer.role == after.outer.role == "temporary":
            _make_one(loop, carried, before.outer, after.outer)
        else:
            before = None
    if before is not None:
        carried.before_each = before.outer
        before.drop(loop)
    if after is not None:
        carried.after_each = after.outer
        after.drop(loop)


def _make_one(loop: Loop, carried: Carried, before: Buffer, after: Buffer) -> None:
    """Make parts of one array of what all steps get, and of what they leave."""
    state = carried.before.spec
    spec = ArraySpec((loop.length + 1, *state.shape), state.dtype)
    before.within = after.within = Buffer(f"{after}_states", spec)
    earlier, later = (after, before) if loop.reverse else (before, after)
    earlier.first, later.first = 0, state.size


class _Copy(NamedTuple):
    """A copy of a carried value that a loop collects."""

    outer: Buffer
    inner: Buffer
    nest: Nest
    effect: Store

    @classmethod
    def found(
        cls, loop: Loop, carried: Carried, outer: Buffer, inner: Buffer
    ) -> tuple[str, _Copy | None]:
        """Return whether what is collected is the carried value "before" or "after" each step; else ""."""
        written = _only_store(loop.body, inner)
        if written is None or carried.before.spec != inner.spec:
            return "", None
        nest, effect = written
        if _is_read(effect, carried.before):
            return "before", cls(outer, inner, nest, effect)
        if _is_read(effect, carried.after) or _is_made(nest, effect, carried):
            return "after", cls(outer, inner, nest, effect)
        return "", None

    def drop(self, loop: Loop) -> None:
        """Take the copy out of the loop's body."""
        nest, name = self.nest, self.inner.name
        nest.effects = [e for e in nest.effects if e is not self.effect]
        nest.covers = [
            n for n in nest.covers if (n.primitive.name, n.outputs[0].name) != ("copy", name)
        ]
        if not nest.effects:
            loop.body.stages.remove(nest)
        loop.body.outputs.remove(self.inner)
        loop.collected.remove((self.outer, self.inner))


def _only_store(program: Program, buffer: Buffer) -> tuple[Nest, Store] | None:
    """Return what writes a buffer, if that is one nest and all that it writes there is one value."""
    found: list[tuple[Nest, Effect]] = []
    for stage in program.stages:
        if isinstance(stage, Nest):
            found += [(stage, e) for e in stage.effects if e.access.buffer is buffer]
    if len(found) != 1:
        return None
    ((nest, effect),) = found
    return (nest, effect) if isinstance(effect, Store) and nest.tiles is None else None


def _is_read(effect: Store, buffer: Buffer) -> bool:
    """Return whether a store copies a buffer, entry by entry."""
    return isinstance(effect.value, Load) and effect.value.access == _access(effect, buffer)


def _is_made(nest: Nest, effect: Store, carried: Carried) -> bool:
    """Return whether a store writes what becomes the carried value."""
    return any(
        isinstance(e, Store)
        and e.value is effect.value
        and e.access == _access(effect, carried.after)
        for e in nest.effects
    )


def _access(effect: Store, buffer: Buffer) -> Access:
    return replace(effect.access, buffer=buffer)
