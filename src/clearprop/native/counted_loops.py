"""Loops of a known number of steps, in IR.

What a loop carries alternates between two places, one of which is where the last value is wanted. What a
step may write over what it was lies in one. What is collected, too, goes from entry to entry of that array.
"""

from __future__ import annotations

from collections.abc import Callable

from ..stages.buffers import apart, donors
from ..stages.composites import Carried, Loop
from ..stages.ir import Buffer
from .branching import Writer, ask_now_and_then, copy, is_long
from .llvm_ir import Builder, Value

Address = Callable[[Buffer], str]
"""The name of the address of a buffer outside the loop."""


class LoopLayout:
    """Where a loop keeps things, in bytes from its workspace."""

    def __init__(self, kernel: Writer, loop: Loop) -> None:
        alternating = [c for c in loop.carried if not _is_collected(c)]
        given = donors(loop.body, [c.before for c in alternating])
        self.in_place = {c for c in alternating if given.get(c.after) is c.before}
        """Those written over what they were."""
        self.scratch: dict[Buffer, int] = {}
        """The places of carried values: by `after` where nobody wants the last one, else by `before`."""
        offset = 0
        for c in loop.carried:
            for buffer in self._without_place(c):
                self.scratch[buffer] = offset
                offset += apart(buffer.bytes)
        self.body = kernel.laid_out(loop.body, offset)

    def _without_place(self, c: Carried) -> list[Buffer]:
        if c.after_each is not None:
            return []
        alternates = c.before_each is None and c not in self.in_place
        return [c.after] * (c.end is None) + [c.before] * alternates


def _is_collected(c: Carried) -> bool:
    return c.before_each is not None or c.after_each is not None


def write_loop(kernel: Writer, b: Builder, loop: Loop, outer: Address) -> bool:
    """Write a loop; return whether it may stop."""
    layout = LoopLayout(kernel, loop)
    places = {inner: outer(buffer) for buffer, inner in loop.closed}
    carries = [_Carry(b, c, loop, layout, outer) for c in loop.carried]
    for carry in carries:
        carry.start()
    with b.loop(0, loop.length) as count:
        t = count.index
        entry = (loop.length - 1) - t if loop.reverse else t
        for carry in carries:
            places[carry.c.before], places[carry.c.after] = carry.places(t, entry)
        for buffer, inner in (*loop.entries, *loop.collected):
            places[inner] = b.offset(outer(buffer), (entry, inner.bytes))
        may_stop = kernel.program(b, loop.body, layout.body, places)
        if is_long(loop):
            may_stop = True
            ask_now_and_then(kernel, b, t, loop.body)
    for carry in carries:
        carry.finish()
    b.do("ret i32 0")
    kernel.write_stop(b, may_stop)
    return may_stop


class _Carry:
    """The places of a carried value before and after each step."""

    def __init__(
        self, b: Builder, c: Carried, loop: Loop, layout: LoopLayout, outer: Address
    ) -> None:
        self.b, self.c, self.outer, self.length = b, c, outer, loop.length
        self.is_in_place, self.scratch = c in layout.in_place, layout.scratch
        self.forward = -1 if loop.reverse else 1
        """From an entry to that of the next step."""
        self.first, self.last = (loop.length - 1, 0) if loop.reverse else (0, loop.length - 1)

    def start(self) -> None:
        """Put the value that the first step gets where it is read, unless that is where it lies."""
        c = self.c
        if c.before_each is not None:
            copy(self.b, self.outer(c.start), self._entry(c.before_each, self.first), c.before)
        elif self.is_in_place:
            copy(self.b, self.outer(c.start), self._home(), c.before)

    def places(self, t: Value, entry: Value) -> tuple[str, str]:
        """Return where the value lies before and after step `t`, whose entries have this number."""
        c = self.c
        if self.is_in_place:
            return self._home(), self._home()
        if not _is_collected(c):
            return self._alternating(t)
        if c.after_each is None:
            assert c.before_each is not None
            before = self._entry(c.before_each, entry)
            following = self.b.offset(before, (self.forward, c.before.bytes))
            return before, self._either(t, self.length - 1, self._home(), following)
        after = self._entry(c.after_each, entry)
        if c.before_each is not None:
            return self._entry(c.before_each, entry), after
        before = self.b.offset(after, (-self.forward, c.before.bytes))
        return self._either(t, 0, self.outer(c.start), before), after

    def finish(self) -> None:
        """Put the last value where it is wanted."""
        c = self.c
        if c.after_each is not None and c.end is not None:
            copy(self.b, self._entry(c.after_each, self.last), self.outer(c.end), c.after)

    def _alternating(self, t: Value) -> tuple[str, str]:
        b, home = self.b, self._home()
        other = self._scratch(self.c.before)
        is_last = b.compare("==", ((self.length - 1) - t) & 1, 0).ref
        after = b.pointer(f"select i1 {is_last}, ptr {home}, ptr {other}")
        before = b.pointer(f"select i1 {is_last}, ptr {other}, ptr {home}")
        return self._either(t, 0, self.outer(self.c.start), before), after

    def _either(self, t: Value, step: int, there: str, otherwise: str) -> str:
        """Return one address in a certain step, and another one in all others."""
        is_there = self.b.compare("==", t, step).ref
        return self.b.pointer(f"select i1 {is_there}, ptr {there}, ptr {otherwise}")

    def _home(self) -> str:
        """Return where the last value is wanted, or may lie."""
        return self.outer(self.c.end) if self.c.end is not None else self._scratch(self.c.after)

    def _scratch(self, buffer: Buffer) -> str:
        return self.b.offset("%workspace", (self.scratch[buffer], 1))

    def _entry(self, array: Buffer, number: Value | int) -> str:
        return self.b.offset(self.outer(array), (number, self.c.before.bytes))
