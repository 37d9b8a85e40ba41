"""Choices and loops without a count, in IR.

Carried values of a loop without a count alternate between two places: each step reads where the one before it
has written, the first one where the loop starts. Those that a step may write over what they were lie in one.

What steps keep for the way back lies in memory that doubles when it is full. It belongs to the function,
which gives it back wherever it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..stages.buffers import Arena, apart, donors
from ..stages.composites import Back, Carried, Choice, Loop, While
from ..stages.ir import Buffer, Composite, Host, Matrices, Nest, Program, Stage
from . import interrupts, machine, matrices
from .llvm_ir import Builder, Value
from .nests import work
from .types import BOOL, I64, Type

Native = Nest | Matrices | Composite


@dataclass(frozen=True)
class ProgramLayout:
    """Where a program within a stage keeps its temporaries."""

    steps: list[list[Native]]
    arena: Arena
    offset: int
    """In bytes from the workspace of the stage."""

    @property
    def end(self) -> int:
        return self.offset + self.arena.bytes


class Writer(Protocol):
    """What writes kernels."""

    services: set[str]

    def laid_out(self, program: Program, offset: int = 0) -> ProgramLayout: ...
    def program(
        self, b: Builder, program: Program, layout: ProgramLayout, places: dict[Buffer, str]
    ) -> bool: ...
    def write_stop(
        self, b: Builder, may_stop: bool, last: Callable[[], None] | None = None
    ) -> None: ...


def copy(b: Builder, source: str, target: str, buffer: Buffer) -> None:
    """Copy the bytes of one buffer into another of its size."""
    single = Type(buffer.dtype if buffer.dtype.kind != "b" else np.dtype("u1"))
    width = min(machine.vector_bits() // single.bits, 2 ** (buffer.size.bit_length() - 1))
    whole, item = buffer.size // width * width, buffer.dtype.itemsize
    wide = single.wide(width)
    with b.loop(0, whole, width) as loop:
        x = b.load(wide, b.offset(source, (loop.index, 1), size=item))
        b.store(x, b.offset(target, (loop.index, 1), size=item))
    if rest := buffer.size - whole:
        x = b.load(wide, b.offset(source, (whole, 1), size=item), lanes=rest)
        b.store(x, b.offset(target, (whole, 1), size=item), lanes=rest)


_STEPS = 1000
"""Of a loop without a count, for a guess at its work."""
_FIRST = 64 * 1024
"""Bytes of the memory that grows, at first."""


def work_of(stage: Stage) -> float:
    """Return about how many vector operations a stage takes."""
    if isinstance(stage, Nest):
        return work(stage)
    if isinstance(stage, Matrices):
        return matrices.work(stage)
    if isinstance(stage, Host):
        return 0
    each = list(map(_work_within, stage.programs))
    if isinstance(stage, Choice):
        return max(each)
    return sum(each) * (stage.length if isinstance(stage, Loop) else _STEPS)


def _work_within(program: Program) -> float:
    return sum(map(work_of, program.stages))


def is_long(loop: Loop) -> bool:
    """Return whether somebody may want to interrupt a loop."""
    return work_of(loop) > interrupts.STEPS_BETWEEN


def may_stop_late(stages: Sequence[Stage]) -> bool:
    """Return whether one of these stages may stop after it has begun to write."""
    inner = [stage for stage in stages if isinstance(stage, Composite)]
    return any(
        isinstance(stage, While)
        or (isinstance(stage, Loop) and is_long(stage))
        or any(p.stops or may_stop_late(p.stages) for p in stage.programs)
        for stage in inner
    )


def ask_now_and_then(kernel: Writer, b: Builder, step: Value, body: Program) -> None:
    """Stop a loop between two steps if there was an interrupt."""
    kernel.services.add(interrupts.TABLE)
    steps = max(1, int(interrupts.STEPS_BETWEEN / max(1.0, _work_within(body))))
    mask = (1 << (steps.bit_length() - 1)) - 1
    with b.only_if(b.compare("==", step & mask, mask)):
        stop_if(b, b.pointer("call i1 @is_interrupted()"))


def stop_if(b: Builder, flag: str, why: int | str = 1) -> None:
    """Stop where a flag is set: the function returns `why` then."""
    stopping, further = b.new_label(), b.new_label()
    b.do(f"br i1 {flag}, label %{stopping}, label %{further}")
    b.label(stopping)
    b.do(f"store i32 {why}, ptr %why")
    b.do("br label %stop")
    b.label(further)


# ---- choices


def write_choice(kernel: Writer, b: Builder, stage: Choice, outer: Callable[[Buffer], str]) -> bool:
    """Write a jump to one of several programs; return whether one of them may stop."""
    dtype = stage.index.dtype
    index = b.load(Type(dtype), outer(stage.index))
    index = b.convert(index, "u8" if dtype.kind == "u" else "i8")
    end, may_stop = b.new_label(), False
    for number, branch in enumerate(stage.branches):
        further = ""
        if number < len(stage.branches) - 1:
            here, further = b.new_label(), b.new_label()
            is_here = b.compare("<=", index, number).ref
            b.do(f"br i1 {is_here}, label %{here}, label %{further}")
            b.label(here)
        places = {inner: outer(x) for x, inner in zip(stage.inputs, branch.inputs, strict=True)}
        places |= {inner: outer(x) for x, inner in zip(stage.outputs, branch.outputs, strict=True)}
        may_stop |= kernel.program(b, branch, kernel.laid_out(branch), places)
        b.do(f"br label %{end}")
        if further:
            b.label(further)
    b.label(end)
    b.do("ret i32 0")
    kernel.write_stop(b, may_stop)
    return may_stop


# ---- loops without a count


class CarryLayout:
    """Where a loop keeps what it carries, in bytes from its workspace."""

    def __init__(self, body: Program, carried: Sequence[Carried], offset: int) -> None:
        given = donors(body, [c.before for c in carried])
        self.in_place = {c for c in carried if given.get(c.after) is c.before}
        self.places: dict[Carried, tuple[int, int]] = {}
        for c in carried:
            size = apart(c.before.bytes)
            self.places[c] = offset, offset + size
            offset += size if c in self.in_place else 2 * size
        self.end = offset


class WhileLayout:
    """Where a loop without a count keeps things, in bytes from its workspace."""

    def __init__(self, kernel: Writer, stage: While) -> None:
        self.forward = CarryLayout(stage.body, stage.carried, 0)
        self.back = CarryLayout(stage.body, (), self.forward.end)
        if stage.back is not None:
            self.back = CarryLayout(stage.back.body, stage.back.carried, self.forward.end)
        self.programs = {p: kernel.laid_out(p, self.back.end) for p in stage.programs}
        self.end = max(layout.end for layout in self.programs.values())


class _Carry:
    """The addresses of what a loop carries, in each step."""

    def __init__(
        self,
        b: Builder,
        carried: Sequence[Carried],
        layout: CarryLayout,
        outer: Callable[[Buffer], str],
    ) -> None:
        self.b, self.outer = b, outer
        self.fixed: dict[Buffer, str] = {}
        self.turns: list[tuple[Carried, str, str]] = []
        for c in carried:
            one, other = (b.offset("%workspace", (at, 1)) for at in layout.places[c])
            if c in layout.in_place:
                home = outer(c.end) if c.end is not None else one
                copy(b, outer(c.start), home, c.before)
                self.fixed[c.before] = self.fixed[c.after] = home
            else:
                self.turns.append((c, one, other))

    def places(self, t: Value) -> dict[Buffer, str]:
        """Return where carried values lie before and after step number `t`."""
        b = self.b
        is_first = b.compare("==", t, 0).ref
        is_odd = b.compare("==", t & 1, 1).ref
        found = dict(self.fixed)
        for c, one, other in self.turns:
            before = b.pointer(f"select i1 {is_odd}, ptr {one}, ptr {other}")
            found[c.after] = b.pointer(f"select i1 {is_odd}, ptr {other}, ptr {one}")
            found[c.before] = b.pointer(
                f"select i1 {is_first}, ptr {self.outer(c.start)}, ptr {before}"
            )
        return found

    def finish(self, count: Value) -> None:
        """Put the last values where they are wanted, after this many steps."""
        places = self.places(count)
        for c, _, _ in self.turns:
            if c.end is not None:
                copy(self.b, places[c.before], self.outer(c.end), c.before)


class _Kept:
    """Memory that grows, for what each step keeps."""

    def __init__(self, b: Builder, buffers: Sequence[Buffer]) -> None:
        self.b = b
        self.offsets: dict[Buffer, int] = {}
        self.size = 0
        for buffer in buffers:
            self.offsets[buffer] = self.size
            self.size += -(-buffer.bytes // 8) * 8
        self.base, self.capacity = b.stack("u8", 1), b.stack("i8", 1)
        b.do(f"store ptr null, ptr {self.base}")
        b.do(f"store i64 0, ptr {self.capacity}")

    def make_room(self, step: Value) -> None:
        """See to it that there is room for this step."""
        b = self.b
        grow, further = b.new_label(), b.new_label()
        capacity = b.load(I64, self.capacity)
        is_full = b.compare(">=", step, capacity).ref
        b.do(f"br i1 {is_full}, label %{grow}, label %{further}")
        b.label(grow)
        first = max(_FIRST // self.size, 1)
        more = b.select(b.compare("==", capacity, 0), capacity.like(first), capacity * 2)
        base = b.pointer(f"load ptr, ptr {self.base}")
        new = b.pointer(f"call ptr @grown(ptr {base}, i64 {(more * self.size).ref})")
        stop_if(b, b.pointer(f"icmp eq ptr {new}, null"), 2)
        b.do(f"store ptr {new}, ptr {self.base}")
        b.store(more, self.capacity)
        b.do(f"br label %{further}")
        b.label(further)

    def places(self, step: Value) -> dict[Buffer, str]:
        """Return where a step keeps its values."""
        base = self.b.pointer(f"load ptr, ptr {self.base}")
        entry = self.b.offset(base, (step, self.size))
        return {buffer: self.b.offset(entry, (at, 1)) for buffer, at in self.offsets.items()}

    def free(self) -> None:
        base = self.b.pointer(f"load ptr, ptr {self.base}")
        self.b.do(f"call void @given_back(ptr {base})")


def write_while(kernel: Writer, b: Builder, stage: While, outer: Callable[[Buffer], str]) -> bool:
    """Write a loop without a count, and the way back if it has one; return that it may stop."""
    layout = WhileLayout(kernel, stage)
    kept = None
    if stage.back is not None and stage.back.kept:
        kernel.services.add("memory")
        kept = _Kept(b, list(dict.fromkeys(buffer for buffer, _ in stage.back.kept)))
    closed = {inner: outer(buffer) for buffer, inner in stage.closed}
    carry = _Carry(b, stage.carried, layout.forward, outer)
    (flag,) = stage.condition.outputs
    answer, done = b.stack("u1", 1), b.new_label()
    with _endless(b) as count:
        places = closed | carry.places(count)
        asked = {i: places[c.before] for c, i in zip(stage.carried, stage.asked, strict=True)}
        condition = layout.programs[stage.condition]
        kernel.program(b, stage.condition, condition, {**closed, **asked, flag: answer})
        _leave_unless(b, b.load(BOOL, answer), done)
        if stage.limit is not None:
            stop_if(b, b.compare(">=", count, stage.limit).ref)
        ask_now_and_then(kernel, b, count, stage.body)
        if kept is not None:
            kept.make_room(count)
            places |= kept.places(count)
        kernel.program(b, stage.body, layout.programs[stage.body], places)
    b.label(done)
    carry.finish(count)
    if stage.back is not None:
        _write_back(kernel, b, stage.back, layout, kept, count, outer)
    if kept is not None:
        kept.free()
    b.do("ret i32 0")
    kernel.write_stop(b, True, kept.free if kept is not None else None)
    return True


def _write_back(
    kernel: Writer,
    b: Builder,
    back: Back,
    layout: WhileLayout,
    kept: _Kept | None,
    count: Value,
    outer: Callable[[Buffer], str],
) -> None:
    closed = {inner: outer(buffer) for buffer, inner in back.closed}
    carry = _Carry(b, back.carried, layout.back, outer)
    done = b.new_label()
    with _endless(b) as t:
        _leave_unless(b, b.compare("<", t, count), done)
        ask_now_and_then(kernel, b, t, back.body)
        places = closed | carry.places(t)
        if kept is not None:
            found = kept.places((count - 1) - t)
            places |= {inner: found[buffer] for buffer, inner in back.kept}
        kernel.program(b, back.body, layout.programs[back.body], places)
    b.label(done)
    carry.finish(t)


@contextmanager
def _endless(b: Builder) -> Iterator[Value]:
    """Count steps from 0; the body leaves by a jump."""
    before, head, back = (b.new_label() for _ in range(3))
    b.do(f"br label %{before}")
    b.label(before)
    b.do(f"br label %{head}")
    b.label(head)
    place = len(b.lines)
    index = Value(b, f"%i_{head}", I64)
    yield index
    b.do(f"br label %{back}")
    b.label(back)
    following = index + 1
    b.do(f"br label %{head}")
    b.lines.insert(place, f"  {index.ref} = phi i64 [0, %{before}], [{following.ref}, %{back}]")


def _leave_unless(b: Builder, condition: Value, end: str) -> None:
    further = b.new_label()
    b.do(f"br i1 {condition.ref}, label %{further}, label %{end}")
    b.label(further)
