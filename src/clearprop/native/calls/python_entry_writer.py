"""The text of an entry while it is written: code that reads Python's objects and calls its functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..llvm_ir import Builder, Type, Value
from .object_layout import FUNCTIONS, Layout
from .signature import ALIGNMENT

POINTER = Type(np.dtype("u8"))
"""An address as a number."""

FALLBACK = "fallback"
"""Where to go with arguments that are not as compiled for."""


class EntryWriter:
    """Writes one entry; the guards and the results are written through it."""

    def __init__(self, layout: Layout) -> None:
        self.at = layout
        self.b = Builder()
        self.objects: list[Any] = []
        self.stack: list[str] = []  # instructions that belong to the start of the function
        self.globals: list[str] = []
        self.block = "entry"

    def text(self) -> str:
        """Return all that was written, with the table and the place of the arena."""
        body = "\n".join([*self.stack, *self.b.lines])
        function = (  # optnone: half the time to compile, a few ns more to run
            "define ptr @entry(ptr %self, ptr %args, i64 %count, ptr %keywords) "
            f"nounwind noinline optnone {{\nentry:\n{body}\n}}\n"
        )
        size = len(FUNCTIONS) + len(self.objects)
        table = f"@entry_table = global [{size} x ptr] zeroinitializer, align 64"
        return "\n".join([table, "@entry_arena = global ptr null", *self.globals, function])

    def label(self, name: str) -> None:
        self.b.label(name)
        self.block = name

    def go_on_if(self, condition: Value, otherwise: str = FALLBACK) -> None:
        further = self.b.new_label()
        self.b.do(
            f"br i1 {condition.ref}, label %{further}, label %{otherwise}, "
            '!prof !{!"branch_weights", i32 2000, i32 1}'
        )
        self.label(further)

    def load_pointer(self, pointer: str, offset: int = 0) -> str:
        """Return the address that stands `offset` bytes after another one."""
        return self.b.pointer(f"load ptr, ptr {self.b.offset(pointer, (offset, 1))}")

    def put(self, pointer: str, table: str, place: int) -> None:
        """Put an address into a table, at place 0, 1, ...: of eight bytes each."""
        self.b.do(f"store ptr {pointer}, ptr {self.b.offset(table, (place, 8))}")

    def field(self, type: Type, pointer: str, offset: int) -> Value:
        """Return the number of this type that stands `offset` bytes after an address."""
        return self.b.load(type, self.b.offset(pointer, (offset, 1)))

    def address(self, pointer: str) -> Value:
        return self.b.value(POINTER, f"ptrtoint ptr {pointer} to i64")

    def same(self, pointer: str, other: str) -> Value:
        return self.b.value(POINTER.truth, f"icmp eq ptr {pointer}, {other}")

    def not_null(self, pointer: str) -> Value:
        return self.b.value(POINTER.truth, f"icmp ne ptr {pointer}, null")

    def known(self, thing: Any) -> str:
        """Return the address of an object, from the table."""
        for place, other in enumerate(self.objects):  # noqa: B007
            if other is thing:
                break
        else:
            place = len(self.objects)
            self.objects.append(thing)
        return self.load_pointer("@entry_table", 8 * (len(FUNCTIONS) + place))

    def python(self, name: str, *arguments: str) -> str:
        """Call a function of Python's or NumPy's."""
        function = self.load_pointer("@entry_table", 8 * list(FUNCTIONS).index(name))
        returns, _, types = FUNCTIONS[name].partition(" ")
        typed = zip(types.strip("()").split(", "), arguments, strict=False)
        text = f"call {returns} {function}({', '.join(f'{t} {a}' for t, a in typed)})"
        if returns == "void":
            self.b.do(text)
            return ""
        return self.b.pointer(text)

    def on_stack(self, size: int, align: int = ALIGNMENT) -> str:
        """Return the address of `size` bytes on the stack, a multiple of `align`."""
        ref = f"%stack{len(self.stack)}"
        self.stack.append(f"  {ref} = alloca [{size} x i8], align {align}")
        return ref

    def is_type(self, thing: str, kind: type) -> Value:
        return self.same(self.load_pointer(thing, self.at.type), self.known(kind))
