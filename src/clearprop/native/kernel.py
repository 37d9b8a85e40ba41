"""Nests -> one function in IR: ``i32 @kernel(ptr table)``, of the addresses of buffers.

It returns 0, or 1 where it stopped because an index was out of range.

Each nest becomes a function of the addresses that it uses. Nests that are alike, such as those of a
loop that was unrolled, share one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ..stages.buffers import Arena, aligned, apart, arrange, donors, together
from ..stages.ir import Buffer, Carried, Host, Loop, Nest, Stage, read_by, written_by
from . import machine
from .expressions import Address
from .interrupts import STEPS_BETWEEN
from .llvm_ir import BOOL, Builder, Value
from .nests import parts, threads_of, work, workspace_bytes, write_nest
from .partition import Part
from .types import I64, Type

_EMBEDDED = 16 * 1024
"""Constants of up to this many bytes are put into the code."""


Native = Nest | Loop


@dataclass(frozen=True)
class LoopLayout:
    """Where a loop keeps things, in bytes from its workspace."""

    steps: list[list[Native]]
    in_place: set[Carried]
    """Those written over what they were."""
    scratch: dict[Buffer, int]
    """The places of carried values: by `after` where nobody wants the last one, else by `before`."""
    offset: int
    """Of the memory for one step."""
    arena: Arena

    @property
    def bytes(self) -> int:
        return self.offset + self.arena.bytes


class Kernel:
    """The text of a kernel, its arguments, and the memory that it needs."""

    def __init__(
        self,
        name: str,
        stages: Sequence[Native],
        arguments: Sequence[Buffer],
        stops: Collection[Buffer] = (),
    ) -> None:
        self.name = name
        self.stops = set(stops)
        self.stages = list(stages)
        self.arguments = list(arguments)
        self.constants = _large_constants(stages)
        """Those too large for the code, which finds their addresses in a table: `table`, to be filled."""
        self.table = f"{name}_constants"
        self.layouts: dict[Loop, LoopLayout] = {}
        self.steps = together(stages)
        self.arena = self._arranged(self.steps, self.arguments)
        self.builders: list[Builder] = []
        self.may_stop = False
        """Whether one of `stops` is written here, so that it may return 1."""
        self.asks = False
        """Whether a loop asks for interrupts, so that the module needs `ASK`."""
        self.is_shared = False
        """Whether the module needs `SHARE`."""
        self._globals: dict[Buffer, tuple[str, str]] = {}
        self._functions: dict[str, str] = {}
        """The names of functions, by their texts with ``NAME`` for the name."""
        self.text = self._write()

    def _write(self) -> str:
        b = Builder()
        self.builders.append(b)
        in_table = {buffer: i for i, buffer in enumerate(self.arguments)}
        constants = {buffer: i for i, buffer in enumerate(self.constants)}

        def address(buffer: Buffer) -> str:
            """Read where it is used: what waits in registers takes LLVM the square of its number."""
            if buffer in in_table:
                return _from_table(b, "%table", in_table[buffer])
            if buffer in constants:
                return _from_table(b, f"@{self.table}", constants[buffer])
            if buffer in self.arena.offsets:
                return b.offset("%arena", (self.arena.offsets[buffer], 1))
            return self._embed(buffer)

        b.first(f"%arena_at = getelementptr i8, ptr %table, i64 {8 * len(self.arguments)}")
        b.first("%arena = load ptr, ptr %arena_at")
        workspace = b.offset("%arena", (self.arena.workspace, 1))
        self.may_stop = self._sequence(b, self.steps, address, workspace, self.stops)
        b.do("ret i32 0")
        if self.may_stop:
            b.label("stop")
            b.do("ret i32 1")
        texts = [text for _, text in self._globals.values()]
        if self.constants:
            size = len(self.constants)
            texts.append(f"@{self.table} = global [{size} x ptr] zeroinitializer")
        functions = [t.replace("@NAME(", f"@{n}(", 1) for t, n in self._functions.items()]
        kernel = b.function(self.name, "ptr %table", returns="i32")
        return "\n".join([*texts, *functions, kernel])

    def _sequence(
        self,
        b: Builder,
        steps: Sequence[Sequence[Native]],
        address: Address,
        workspace: str,
        stops: Collection[Buffer],
    ) -> bool:
        """Write calls of all steps; return whether they may go to the label ``stop``."""
        may_stop = False

        def stop_if(flag: str) -> None:
            further = b.new_label()
            b.do(f"br i1 {flag}, label %stop, label %{further}")
            b.label(further)

        for step in steps:
            first = step[0]
            if isinstance(first, Loop):
                function, used, inner_stops = self._loop(first)
                pointers = ", ".join(f"ptr {p}" for p in (*map(address, used), workspace))
                stopped = b.value(BOOL, f"call i1 @{function}({pointers})")
                if inner_stops:
                    stop_if(stopped.ref)
                    may_stop = True
                continue
            if first.tiles is None:
                function, used, count = self._function(first)
            else:
                function, used, count = self._tiled([n for n in step if isinstance(n, Nest)])
            self._call(b, function, [*map(address, used), workspace], count)
            for nest in step:
                for buffer in written_by(nest) & set(stops):
                    stop_if(b.load(BOOL, address(buffer)).ref)
                    may_stop = True
        return may_stop

    def _loop(self, loop: Loop) -> tuple[str, list[Buffer], bool]:
        """Return the name of a loop's function, the buffers whose addresses it takes, whether it may stop.

        It gives true where it stopped. Carried values alternate between two places, one of which is where
        the last one is wanted; those that are added to lie in one.
        """
        b, names, layout = Builder(), dict[Buffer, str](), self._layout(loop)

        def outer(buffer: Buffer) -> str:
            return names.setdefault(buffer, f"%p{len(names)}")

        def scratch(buffer: Buffer) -> str:
            return b.offset("%workspace", (layout.scratch[buffer], 1))

        places = {inner: outer(buffer) for buffer, inner in loop.closed}
        turns: list[tuple[Carried, str, str]] = []
        for c in loop.carried:
            home = outer(c.end) if c.end is not None else scratch(c.after)
            if c in layout.in_place:
                _copy(b, outer(c.start), home, c.before)
                places[c.before] = places[c.after] = home
            else:
                turns.append((c, home, scratch(c.before)))
        arena = b.offset("%workspace", (layout.offset, 1))
        with b.loop(0, loop.length) as count:
            t = count.index
            is_first = b.compare("==", t, 0).ref
            is_last = b.compare("==", ((loop.length - 1) - t) & 1, 0).ref
            for c, home, other in turns:
                after = b.pointer(f"select i1 {is_last}, ptr {home}, ptr {other}")
                before = b.pointer(f"select i1 {is_last}, ptr {other}, ptr {home}")
                places[c.after] = after
                places[c.before] = b.pointer(
                    f"select i1 {is_first}, ptr {outer(c.start)}, ptr {before}"
                )
            entry = (loop.length - 1) - t if loop.reverse else t
            for buffer, inner in (*loop.entries, *loop.collected):
                places[inner] = b.offset(outer(buffer), (entry, inner.bytes))

            def address(buffer: Buffer) -> str:
                if buffer in places:
                    return places[buffer]
                if buffer in layout.arena.offsets:
                    return b.offset(arena, (layout.arena.offsets[buffer], 1))
                if buffer in self.constants:
                    return _from_table(b, f"@{self.table}", self.constants.index(buffer))
                return self._embed(buffer)

            workspace = b.offset(arena, (layout.arena.workspace, 1))
            may_stop = self._sequence(b, layout.steps, address, workspace, loop.body.stops)
            if is_long(loop):
                self.asks = may_stop = True
                _ask_now_and_then(b, t, loop)
        b.do("ret i1 false")
        if may_stop:
            b.label("stop")
            b.do("ret i1 true")
        pointers = ", ".join(f"ptr {name}" for name in (*names.values(), "%workspace"))
        return self._named(b, pointers, returns="i1"), list(names), may_stop

    def _layout(self, loop: Loop) -> LoopLayout:
        """Return where a loop keeps what it carries, and the temporaries of a step."""
        if loop not in self.layouts:
            given = donors(loop.body, [c.before for c in loop.carried])
            in_place = {c for c in loop.carried if given.get(c.after) is c.before}
            scratch: dict[Buffer, int] = {}
            offset = 0
            for c in loop.carried:
                wanted = [c.after] * (c.end is None) + [c.before] * (c not in in_place)
                for buffer in wanted:
                    scratch[buffer] = offset
                    offset += apart(buffer.bytes)
            steps = together([s for s in loop.body.stages if not isinstance(s, Host)])
            outside = [*loop.body.inputs, *loop.body.outputs]
            arena = self._arranged(steps, outside)
            self.layouts[loop] = LoopLayout(steps, in_place, scratch, offset, arena)
        return self.layouts[loop]

    def _arranged(self, steps: Sequence[Sequence[Native]], given: Sequence[Buffer]) -> Arena:
        nests = [stage for step in steps for stage in step if isinstance(stage, Nest)]
        own = {b for n in nests if n.tiles is not None for b in n.tiles.own}
        outside = {*given, *self.constants, *own}
        return arrange(steps, outside, self._workspace, room=apart)

    def _workspace(self, step: Sequence[Native]) -> int:
        """Return the memory that a step works in: of nests in tiles, all that is a tile's own, for each
        part.
        """
        first = step[0]
        if isinstance(first, Loop):
            return self._layout(first).bytes
        if first.tiles is None:
            return workspace_bytes(first)
        nests = [n for n in step if isinstance(n, Nest)]
        return threads_of(nests) * aligned(_own_arena(nests).bytes)

    def _call(self, b: Builder, function: str, pointers: Sequence[str], count: int) -> None:
        """Call a nest's function; one in parts gets its pointers in memory, where all threads find them."""
        if count == 1:
            b.do(f"call void @{function}({', '.join(f'ptr {p}' for p in pointers)})")
            return
        table = b.stack("u8", len(pointers))
        for i, pointer in enumerate(pointers):
            b.do(f"store ptr {pointer}, ptr {b.offset(table, (i, 8))}")
        b.do(f"call void @share(ptr @{function}, ptr {table}, i64 {count})")
        self.is_shared = True

    def _function(self, nest: Nest) -> tuple[str, list[Buffer], int]:
        """Return the name of a nest's function, the buffers whose addresses it takes, and its parts."""
        b, names, count = Builder(), dict[Buffer, str](), parts(nest)

        def address(buffer: Buffer) -> str:
            return names.setdefault(buffer, f"%p{len(names)}")

        part = None if count == 1 else (Value(b, "%part", I64), count)
        write_nest(b, nest, address, "%workspace", part)
        return self._finished(b, [*names.values(), "%workspace"], count), list(names), count

    def _tiled(self, nests: Sequence[Nest]) -> tuple[str, list[Buffer], int]:
        """Return the same of nests in tiles: for each tile of a part, a function of each nest."""
        b, names, count = Builder(), dict[Buffer, str](), threads_of(nests)
        tiles = nests[0].tiles
        assert tiles is not None
        own = _own_arena(nests)
        start: Value | int = 0
        stop: Value | int = tiles.count
        memory = "%workspace"
        if count > 1:
            part = Value(b, "%part", I64)
            memory = b.offset(memory, (part, aligned(own.bytes)))
            start, stop = Part(0, part, count).bounds(b, tiles.count, 1)
        places = {buffer: b.offset(memory, (at, 1)) for buffer, at in own.offsets.items()}
        workspace = b.offset(memory, (own.workspace, 1))
        with b.loop(start, stop) as loop:
            for nest in nests:
                function, used = self._of_a_tile(nest)
                given = [
                    places.get(buffer) or names.setdefault(buffer, f"%p{len(names)}")
                    for buffer in used
                ]
                pointers = ", ".join(f"ptr {p}" for p in (*given, workspace))
                b.do(f"call void @{function}({pointers}, i64 {loop.index.ref})")
        return self._finished(b, [*names.values(), "%workspace"], count), list(names), count

    def _of_a_tile(self, nest: Nest) -> tuple[str, list[Buffer]]:
        b, names = Builder(), dict[Buffer, str]()

        def address(buffer: Buffer) -> str:
            return names.setdefault(buffer, f"%p{len(names)}")

        write_nest(b, nest, address, "%workspace", (Value(b, "%tile", I64), nest.extents[0]))
        b.do("ret void")
        pointers = [f"ptr {name}" for name in (*names.values(), "%workspace")]
        return self._named(b, ", ".join([*pointers, "i64 %tile"])), list(names)

    def _finished(self, b: Builder, pointers: Sequence[str], count: int) -> str:
        """Return a function of pointers; one in parts reads them from a table."""
        b.do("ret void")
        arguments = ", ".join(f"ptr {name}" for name in pointers)
        if count > 1:
            arguments = "i64 %part, ptr %table"
            for i, name in enumerate(pointers):
                b.first(f"{name}_at = getelementptr i8, ptr %table, i64 {8 * i}")
                b.first(f"{name} = load ptr, ptr {name}_at")
        return self._named(b, arguments)

    def _named(self, b: Builder, arguments: str, returns: str = "void") -> str:
        """Return the name of a function, which others may have written before."""
        text = b.function("NAME", arguments, returns, linkage="internal")
        if text not in self._functions:
            self._functions[text] = f"{self.name}_nest{len(self._functions)}"
            self.builders.append(b)
        return self._functions[text]

    def _embed(self, buffer: Buffer) -> str:
        """Return a constant as part of the module."""
        assert buffer.role == "constant", buffer
        if buffer not in self._globals:
            name = f"@{self.name}_c{len(self._globals)}"
            data = "".join(f"\\{x:02x}" for x in np.ascontiguousarray(buffer.value).tobytes())
            text = f'{name} = private constant [{buffer.bytes} x i8] c"{data}", align 64'
            self._globals[buffer] = name, text
        return self._globals[buffer][0]

    @property
    def work(self) -> float:
        """About how many vector operations it takes: to tell a short call from a long one."""
        return sum(map(_work, self.stages))


def _from_table(b: Builder, table: str, place: int) -> str:
    return b.pointer(f"load ptr, ptr {b.offset(table, (place, 8))}")


SHARE = """
@pool = global ptr null
define internal void @share(ptr %f, ptr %a, i64 %parts) {
entry:
  %pool = load ptr, ptr @pool
  %alone = icmp eq ptr %pool, null
  br i1 %alone, label %one, label %all
all:
  call void %pool(ptr %f, ptr %a, i64 %parts)
  ret void
one:
  %i = phi i64 [0, %entry], [%j, %one]
  call void %f(i64 %i, ptr %a)
  %j = add i64 %i, 1
  %left = icmp ult i64 %j, %parts
  br i1 %left, label %one, label %end
end:
  ret void
}
"""
"""Hands a nest in parts to the pool whose address stands in @pool; without one it does them all."""


def is_long(loop: Loop) -> bool:
    """Return whether somebody may want to interrupt a loop."""
    return _work(loop) > STEPS_BETWEEN


def may_stop_late(stages: Sequence[Stage]) -> bool:
    """Return whether one of these stages may stop after it has begun to write."""
    loops = [stage for stage in stages if isinstance(stage, Loop)]
    return any(
        loop.body.stops or is_long(loop) or may_stop_late(loop.body.stages) for loop in loops
    )


def _ask_now_and_then(b: Builder, step: Value, loop: Loop) -> None:
    """Stop a loop between two steps if there was an interrupt."""
    steps = max(1, int(STEPS_BETWEEN / max(1.0, _work(loop) / loop.length)))
    mask = (1 << (steps.bit_length() - 1)) - 1
    with b.only_if(b.compare("==", step & mask, mask)):
        further = b.new_label()
        found = b.value(BOOL, "call i1 @is_interrupted()")
        b.do(f"br i1 {found.ref}, label %stop, label %{further}")
        b.label(further)


def _work(stage: Native) -> float:
    if isinstance(stage, Loop):
        return stage.length * sum(_work(s) for s in stage.body.stages if not isinstance(s, Host))
    return work(stage)


def _copy(b: Builder, source: str, target: str, buffer: Buffer) -> None:
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


def _own_arena(nests: Sequence[Nest]) -> Arena:
    tiles = nests[0].tiles
    assert tiles is not None
    used = {a.buffer for nest in nests for a in (*nest.reads(), *nest.writes())}
    return arrange([[n] for n in nests], used - tiles.own, lambda step: workspace_bytes(step[0]))


def _large_constants(stages: Sequence[Stage]) -> list[Buffer]:
    found: dict[Buffer, None] = {}
    for stage in stages:
        if isinstance(stage, Loop):
            found.update(dict.fromkeys(_large_constants(stage.body.stages)))
        for buffer in read_by(stage):
            if buffer.role == "constant" and buffer.bytes > _EMBEDDED:
                found[buffer] = None
    return list(found)
