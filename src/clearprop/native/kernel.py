"""Stages -> one function in IR: ``i32 @kernel(ptr table)``, of the addresses of buffers.

It returns 0, or 1 where it stopped because an index was out of range, a matrix had no inverse or a loop
went on past its limit, or 2 where an exception is set.

Each stage becomes a function of the addresses that it uses. Stages that are alike, such as those of a
loop that was unrolled, share one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..stages.buffers import Arena, aligned, apart, arrange, together
from ..stages.composites import Choice, Loop, While
from ..stages.ir import (
    Buffer,
    Composite,
    Compute,
    Host,
    Matrices,
    Nest,
    Program,
    Stage,
    read_by,
    written_by,
)
from .alike import Form, Places
from .branching import (
    Native,
    ProgramLayout,
    WhileLayout,
    stop_if,
    work_of,
    write_choice,
    write_while,
)
from .counted_loops import LoopLayout, write_loop
from .llvm_ir import BOOL, Builder, Value
from .matrices import write_matrices
from .nests import parts, threads_of, workspace_bytes, write_nest
from .operation_code import has_long_code
from .partition import Part
from .types import I32, I64

_EMBEDDED = 16 * 1024
"""Constants of up to this many bytes are put into the code."""

_MOST_WRITTEN_OUT = 100
"""Long operations on single numbers, such as sines, from which on they are called: the code of so many no
longer fits the first cache, and takes LLVM its time."""

_TOGETHER = 32
"""Calls in a row without a jump: LLVM puts those in order in the square of their number."""

Address = Callable[[Buffer], str]
"""The name of a buffer's address in the IR."""


class _Function(NamedTuple):
    """The function of stages that are alike."""

    name: str
    takes: list[int]
    """The buffers whose addresses it takes, by their numbers in the stages' forms."""
    parts: int
    """In how many it is done."""


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
        self.arenas: dict[Program, tuple[list[list[Native]], Arena]] = {}
        self.steps = together(stages)
        self.arena = self._arranged(self.steps, self.arguments)
        self.builders: list[Builder] = []
        self.may_stop = False
        """Whether it may return 1 or 2."""
        self.services: set[str] = set()
        """What the module needs of `SERVICES`."""
        self._globals: dict[Buffer, tuple[str, str]] = {}
        self._functions: dict[str, str] = {}
        """The names of functions, by their texts with ``NAME`` for the name."""
        self._alike: dict[Any, _Function] = {}
        """By the keys of stages' forms."""
        self._written_out = 0
        """How many long operations on single numbers there are in nests of single numbers."""
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
            if buffer.whole in self.arena.offsets:
                return b.offset("%arena", (_offset(self.arena, buffer), 1))
            return self._embed(buffer)

        b.first(f"%arena_at = getelementptr i8, ptr %table, i64 {8 * len(self.arguments)}")
        b.first("%arena = load ptr, ptr %arena_at")
        workspace = b.offset("%arena", (self.arena.workspace, 1))
        self.may_stop = self.sequence(b, self.steps, address, workspace, self.stops)
        b.do("ret i32 0")
        self.write_stop(b, self.may_stop)
        texts = [text for _, text in self._globals.values()]
        if self.constants:
            size = len(self.constants)
            texts.append(f"@{self.table} = global [{size} x ptr] zeroinitializer")
        functions = [t.replace("@NAME(", f"@{n}(", 1) for t, n in self._functions.items()]
        kernel = b.function(self.name, "ptr %table", returns="i32")
        return "\n".join([*texts, *functions, kernel])

    def write_stop(
        self, b: Builder, may_stop: bool, last: Callable[[], None] | None = None
    ) -> None:
        """Write the end of a function at which it stops, saying why, after what it has to do at last."""
        if may_stop:
            b.first("%why = alloca i32")
            b.label("stop")
            if last is not None:
                last()
            b.do(f"ret i32 {b.pointer('load i32, ptr %why')}")

    def sequence(
        self,
        b: Builder,
        steps: Sequence[Sequence[Native]],
        address: Address,
        workspace: str,
        stops: Collection[Buffer],
    ) -> bool:
        """Write calls of all steps; return whether they may go to the label ``stop``."""
        may_stop, stops = False, set(stops)

        for number, step in enumerate(steps):
            if number and number % _TOGETHER == 0:
                following = b.new_label()
                b.do(f"br label %{following}")
                b.label(following)
            first = step[0]
            if isinstance(first, Composite):
                function, used, inner_stops = self._composite(first)
                pointers = ", ".join(f"ptr {p}" for p in (*map(address, used), workspace))
                why = b.value(I32, f"call i32 @{function}({pointers})")
                if inner_stops:
                    stop_if(b, b.compare("!=", why, 0).ref, why.ref)
                    may_stop = True
                continue
            if isinstance(first, Matrices) or first.tiles is None:
                function, entries, count = self._function(first)
            else:
                function, used, count = self._tiled([n for n in step if isinstance(n, Nest)])
                entries = [(buffer, 0) for buffer in used]
            addresses = [
                b.offset(address(buffer), (start, 1), size=buffer.dtype.itemsize)
                for buffer, start in entries
            ]
            self._call(b, function, [*addresses, workspace], count)
            for stage in step:
                for buffer in written_by(stage) & stops:
                    stop_if(b, b.load(BOOL, address(buffer)).ref)
                    may_stop = True
        return may_stop

    def _composite(self, stage: Composite) -> tuple[str, list[Buffer], bool]:
        """Return the name of a stage's function, the buffers whose addresses it takes, and whether it may
        stop.
        """
        b, names = Builder(), dict[Buffer, str]()

        def outer(buffer: Buffer) -> str:
            return names.setdefault(buffer, f"%p{len(names)}")

        if isinstance(stage, Loop):
            may_stop = write_loop(self, b, stage, outer)
        elif isinstance(stage, Choice):
            may_stop = write_choice(self, b, stage, outer)
        else:
            assert isinstance(stage, While), stage
            may_stop = write_while(self, b, stage, outer)
        pointers = ", ".join(f"ptr {name}" for name in (*names.values(), "%workspace"))
        return self.named(b, pointers, returns="i32"), list(names), may_stop

    def laid_out(self, program: Program, offset: int = 0) -> ProgramLayout:
        """Return where a program that is done within a stage keeps its temporaries."""
        if program not in self.arenas:
            steps = together([s for s in program.stages if not isinstance(s, Host)])
            arena = self._arranged(steps, [*program.inputs, *program.outputs])
            self.arenas[program] = steps, arena
        return ProgramLayout(*self.arenas[program], offset)

    def program(
        self, b: Builder, program: Program, layout: ProgramLayout, places: dict[Buffer, str]
    ) -> bool:
        """Write a program whose inputs and outputs are at these places; return whether it may stop."""
        arena = b.offset("%workspace", (layout.offset, 1))

        def address(buffer: Buffer) -> str:
            if buffer in places:
                return places[buffer]
            if buffer.whole in layout.arena.offsets:
                return b.offset(arena, (_offset(layout.arena, buffer), 1))
            if buffer in self.constants:
                return _from_table(b, f"@{self.table}", self.constants.index(buffer))
            return self._embed(buffer)

        workspace = b.offset(arena, (layout.arena.workspace, 1))
        return self.sequence(b, layout.steps, address, workspace, program.stops)

    def _arranged(self, steps: Sequence[Sequence[Native]], given: Sequence[Buffer]) -> Arena:
        nests = [stage for step in steps for stage in step if isinstance(stage, Nest)]
        own = {b for n in nests if n.tiles is not None for b in n.tiles.own}
        outside = {*given, *self.constants, *own}
        return arrange(steps, outside, self._workspace, room=apart)

    def _workspace(self, step: Sequence[Native]) -> int:
        """Return the bytes that a step works in: of nests in tiles, all that a tile owns, for each part."""
        first = step[0]
        if isinstance(first, Loop):
            return LoopLayout(self, first).body.end
        if isinstance(first, Choice):
            return max(self.laid_out(branch).end for branch in first.branches)
        if isinstance(first, Matrices):
            return 0
        if not isinstance(first, Nest):
            assert isinstance(first, While), first
            return WhileLayout(self, first).end
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
        self.services.add("pool")

    def _function(self, stage: Nest | Matrices) -> tuple[str, list[tuple[Buffer, int]], int]:
        """Return the name of a stage's function, the entries of buffers whose addresses it takes, and its
        parts.
        """
        form = Form(stage)
        buffers = form.buffers
        if form.key not in self._alike:
            b, places, count = Builder(calls=self._has_much(stage)), Places(form.starts), 1
            if isinstance(stage, Matrices):
                write_matrices(b, stage, places)
            else:
                count = parts(stage)
                part = None if count == 1 else (Value(b, "%part", I64), count)
                write_nest(b, stage, places, "%workspace", part)
            name = self._finished(b, [*places.names.values(), "%workspace"], count)
            self._alike[form.key] = _Function(name, list(map(buffers.index, places.names)), count)
        name, takes, count = self._alike[form.key]
        return name, [(buffers[i], form.starts[buffers[i]]) for i in takes], count

    def _has_much(self, stage: Nest | Matrices) -> bool:
        """Return whether single numbers' functions have been written out so often that they are called."""
        if not isinstance(stage, Nest) or stage.product or math.prod(stage.extents) > 1:
            return False
        much = self._written_out > _MOST_WRITTEN_OUT
        self._written_out += sum(
            isinstance(e, Compute) and has_long_code(e.operation) for e in stage.expressions()
        )
        return much

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
        b, places = Builder(), Places()
        write_nest(b, nest, places, "%workspace", (Value(b, "%tile", I64), nest.extents[0]))
        b.do("ret void")
        pointers = [f"ptr {name}" for name in (*places.names.values(), "%workspace")]
        return self.named(b, ", ".join([*pointers, "i64 %tile"])), list(places.names)

    def _finished(self, b: Builder, pointers: Sequence[str], count: int) -> str:
        """Return a function of pointers; one in parts reads them from a table."""
        b.do("ret void")
        arguments = ", ".join(f"ptr {name}" for name in pointers)
        if count > 1:
            arguments = "i64 %part, ptr %table"
            for i, name in enumerate(pointers):
                b.first(f"{name}_at = getelementptr i8, ptr %table, i64 {8 * i}")
                b.first(f"{name} = load ptr, ptr {name}_at")
        return self.named(b, arguments)

    def named(self, b: Builder, arguments: str, returns: str = "void") -> str:
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
        return sum(map(work_of, self.stages))


def _from_table(b: Builder, table: str, place: int) -> str:
    """Return the address at place 0, 1, ... of a table of addresses, of eight bytes each."""
    return b.pointer(f"load ptr, ptr {b.offset(table, (place, 8))}")


def _offset(arena: Arena, buffer: Buffer) -> int:
    """Return where a buffer starts in the arena, in bytes."""
    return arena.offsets[buffer.whole] + buffer.first * buffer.dtype.itemsize


def _own_arena(nests: Sequence[Nest]) -> Arena:
    tiles = nests[0].tiles
    assert tiles is not None
    used = {a.buffer for nest in nests for a in (*nest.reads(), *nest.writes())}
    return arrange([[n] for n in nests], used - tiles.own, lambda step: workspace_bytes(step[0]))


def _large_constants(stages: Sequence[Stage]) -> list[Buffer]:
    found: dict[Buffer, None] = {}
    for stage in stages:
        if isinstance(stage, Composite):
            for program in stage.programs:
                found.update(dict.fromkeys(_large_constants(program.stages)))
        for buffer in read_by(stage):
            if buffer.role == "constant" and buffer.bytes > _EMBEDDED:
                found[buffer] = None
    return list(found)
