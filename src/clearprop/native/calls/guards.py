"""The guards of an entry: is every argument as compiled for, and where are its numbers?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..llvm_ir import I64, Type, Value
from .python_entry_writer import FALLBACK, POINTER, EntryWriter
from .signature import ABSENT, COMPARED, Argument, Signature, Tree

_C_CONTIGUOUS, _ALIGNED, _WRITEABLE, _WARN_ON_WRITE = 0x1, 0x100, 0x400, 1 << 31
_EQUAL = "2"
"""Py_EQ."""
_I32, _U32 = Type(np.dtype("i4")), Type(np.dtype("u4"))


class Guards:
    """Writes an entry's first part, where nothing is owned, and the way to the fallback.

    What is found goes to tables on the stack: addresses that live in registers from the first block to the
    last cost LLVM a time that grows with the square of their number.
    """

    def __init__(self, writer: EntryWriter, signature: Signature) -> None:
        self.w, self.b, self.at = writer, writer.b, writer.at
        self.signature = signature
        count = len(signature.arguments)
        self.objects = writer.on_stack(8 * count)
        """Arguments that are needed once more, by number: donated ones, and those that may vanish."""
        self.table = writer.on_stack(8 * (count + len(signature.results) + 1))
        """What the kernel gets: where the numbers of arguments and results are, and the arena."""
        self.may_vanish: list[int] = []
        """Arguments in containers that another thread could change while the kernel runs."""

    def write(self) -> None:
        self.check_count()
        self.check_read()
        for k, tree in enumerate(self.signature.inputs or ()):
            self.unpack(tree, self.w.load_pointer("%args", 8 * k), False)
        self.check_overlap()

    def write_fallback(self) -> None:
        self.w.label(FALLBACK)
        result = self.w.python("PyObject_Vectorcall", "%self", "%args", "%count", "%keywords")
        self.b.do(f"ret ptr {result}")

    # -- containers

    def check_count(self) -> None:
        count = Value(self.b, "%count", I64)
        right = self.b.compare("==", count, len(self.signature.inputs or ()))
        self.w.go_on_if(right & self.w.same("%keywords", "null"))

    def check_read(self) -> None:
        """Check that what was read from around the function is still there, object for object."""
        for owner, key, value in self.signature.read:
            if type(owner) is dict:
                place = self.w.python(
                    "PyDict_GetItemWithError", self.w.known(owner), self.w.known(key)
                )
            else:  # the cell keeps it, so that it is not gone with this reference
                place = self.w.python("PyCell_Get", self.w.known(owner))
                self.w.python("Py_DecRef", place)
            wanted = "null" if value is ABSENT else self.w.known(value)
            self.w.go_on_if(self.w.same(place, wanted))

    def unpack(self, tree: Tree, thing: str, changeable: bool) -> None:
        """Check an argument, and find the arrays in it."""
        kind = tree[0]
        if kind == "leaf":
            number, wanted = tree[1], self.signature.arguments[tree[1]]
            may_vanish = changeable and self.signature.release_gil
            if may_vanish:
                self.may_vanish.append(number)
            if may_vanish or wanted.donated:
                self.w.put(thing, self.objects, number)
            self.w.put(self.check_leaf(wanted, thing), self.table, number)
        elif kind == "constant":
            self.w.go_on_if(self.w.same(thing, self.w.known(tree[1])))
        else:
            self.w.go_on_if(
                self.w.is_type(thing, {"tuple": tuple, "list": list, "dict": dict}[kind])
            )
            children = tree[-1]
            self.w.go_on_if(
                self.b.compare("==", self.w.field(I64, thing, self.at.size), len(children))
            )
            changeable = changeable or kind != "tuple"
            items, first = thing, self.at.tuple_items if kind == "tuple" else 0
            if kind == "dict" and children:
                items = self.dict_items(thing, tree[1])
            elif kind == "list" and children:
                items = self.w.load_pointer(thing, self.at.list_items)
            for k, child in enumerate(children):
                self.unpack(child, self.w.load_pointer(items, first + 8 * k), changeable)

    def dict_items(self, dictionary: str, keys: Sequence[Any]) -> str:
        """Return where the dict's items are put, in the order of our keys, which has to be its own, too.

        Mostly the dict has the very same keys, so that a walk through it finds them. If not, it begins
        again, and compares strings and whole numbers. No code of a user's runs between check and use.
        """
        items = self.w.on_stack(8 * len(keys), 8)
        position, found = self.w.on_stack(8, 8), self.w.on_stack(8, 8)
        places = [self.b.offset(items, (8 * k, 1)) for k in range(len(keys))]
        comparable = all(type(key) in COMPARED for key in keys)
        again = self.b.new_label() if comparable else FALLBACK
        self.b.do(f"store i64 0, ptr {position}")
        for key, place in zip(keys, places, strict=True):
            self.w.python("PyDict_Next", dictionary, position, found, place)
            self.w.go_on_if(self.w.same(self.w.load_pointer(found), self.w.known(key)), again)
        if not comparable:
            return items
        done = self.b.new_label()
        self.b.do(f"br label %{done}")
        self.w.label(again)
        self.b.do(f"store i64 0, ptr {position}")
        for key, place in zip(keys, places, strict=True):
            self.w.python("PyDict_Next", dictionary, position, found, place)
            other = self.w.load_pointer(found)
            self.w.go_on_if(self.w.is_type(other, type(key)))
            equal = self.w.python("PyObject_RichCompareBool", other, self.w.known(key), _EQUAL)
            self.w.go_on_if(self.b.compare("==", Value(self.b, equal, _I32), 1))
        self.b.do(f"br label %{done}")
        self.w.label(done)
        return items

    # -- arrays and numbers

    def check_leaf(self, wanted: Argument, thing: str) -> str:
        """Return the address of an argument's numbers, on the stack if it is a scalar."""
        if not wanted.scalars:
            self.w.go_on_if(self.w.is_type(thing, np.ndarray))
            return self.check_array(wanted, thing)
        slot = self.w.on_stack(16, 16)
        done, sources = self.b.new_label(), []
        for kind in (*wanted.scalars, np.ndarray):
            last = kind is np.ndarray
            other = FALLBACK if last else self.b.new_label()
            self.w.go_on_if(self.w.is_type(thing, kind), other)
            if last:
                sources.append((self.check_array(wanted, thing), self.w.block))
            else:
                self.read_scalar(wanted, kind, thing, slot)
                sources.append((slot, self.w.block))
            self.b.do(f"br label %{done}")
            self.w.label(done if last else other)
        return self.b.pointer(f"phi ptr {', '.join(f'[{p}, %{b}]' for p, b in sources)}")

    def check_array(self, wanted: Argument, thing: str) -> str:
        ndim = self.w.field(_I32, thing, self.at.ndim)
        asked = _C_CONTIGUOUS | _ALIGNED | (_WRITEABLE if wanted.donated else 0)
        seen = asked | (_WARN_ON_WRITE if wanted.donated else 0)
        flags = self.w.field(_U32, thing, self.at.flags) & seen
        self.w.go_on_if(  # the sizes can be read only if there are as many
            self.b.compare("==", ndim, len(wanted.shape))
            & self.b.compare("==", flags, asked)
            & self.is_dtype(self.w.load_pointer(thing, self.at.dtype), wanted.dtype)
        )
        if wanted.shape:
            sizes = self.w.load_pointer(thing, self.at.shape)
            first, *others = (
                self.w.field(I64, sizes, 8 * k) ^ size for k, size in enumerate(wanted.shape)
            )
            for difference in others:
                first = first | difference
            self.w.go_on_if(self.b.compare("==", first, 0))
        return self.w.load_pointer(thing, self.at.data)

    def is_dtype(self, dtype: str, wanted: np.dtype[Any]) -> Value:
        """Test a dtype by its class and the byte order: stored arrays have dtype objects of their own."""
        order = self.w.field(Type(np.dtype("u1")), dtype, self.at.byte_order)
        right = self.b.compare("==", order, ord(wanted.byteorder))
        return right & self.w.is_type(dtype, type(wanted))

    def read_scalar(self, wanted: Argument, kind: type, thing: str, slot: str) -> None:
        """Read a number object's value to the stack, as the wanted dtype."""
        b, dtype = self.b, wanted.dtype
        if kind is wanted.dtype.type:  # bytes, whatever they mean
            raw = Type(np.dtype("u1"), dtype.itemsize)
            number = self.w.field(raw, thing, self.at.value)
        else:
            source = Type(np.dtype(kind))
            number = b.convert(self.w.field(source, thing, self.at.value), dtype)
        b.store(number, slot)

    # -- shared memory

    def check_overlap(self) -> None:
        """Check that no donated array shares memory with another argument, which is still to be read.

        One donated array is compared to eight others at once. Both differences are taken without a
        sign: they are large if one lies far below.
        """
        arguments = self.signature.arguments
        if len(arguments) == 1 or not any(a.donated for a in arguments):
            return
        order = sorted(range(len(arguments)), key=lambda i: not arguments[i].donated)
        donated = sum(a.donated for a in arguments)
        b, lanes = self.b, POINTER.wide(8)
        starts, sizes, count = self.side_by_side(order, lanes.width)
        with b.loop(0, donated, carried=[b.constant(lanes.truth, True)]) as one:
            start, size = (
                b.spread(b.load(POINTER, b.offset(table, (one.index, 1), size=8)), lanes.width)
                for table in (starts, sizes)
            )
            with b.loop(0, count, lanes.width, one.carried) as group:
                others, extents = (
                    b.load(lanes, b.offset(table, (group.index, 1), size=8))
                    for table in (starts, sizes)
                )
                above = b.compare(">=", others - start, size)
                below = b.compare(">=", start - others, extents)
                places = b.counting(I64.wide(lanes.width)) + b.spread(group.index, lanes.width)
                itself = b.compare("==", places, b.spread(one.index, lanes.width))
                group.next = [group.carried[0] & ((above & below) | itself)]
            one.next = group.results
        bits = b.pointer(f"bitcast {lanes.truth.text} {one.results[0].ref} to i{lanes.width}")
        self.w.go_on_if(b.value(POINTER.truth, f"icmp eq i{lanes.width} {bits}, -1"))

    def side_by_side(self, order: Sequence[int], lanes: int) -> tuple[str, str, int]:
        """Return tables of the arguments' addresses and of their sizes in bytes, and how many entries these
        have: a multiple of `lanes`, with empty arrays at address 0 at the end.
        """
        left_over = -len(order) % lanes
        count = len(order) + left_over
        starts, sizes = self.w.on_stack(8 * count), "@entry_sizes"
        for k, i in enumerate(order):
            self.w.put(self.w.load_pointer(self.table, 8 * i), starts, k)
        for k in range(len(order), count):
            self.w.put("null", starts, k)
        extents = [*(self.signature.arguments[i].bytes for i in order), *[0] * left_over]
        numbers = ", ".join(f"i64 {n}" for n in extents)
        self.w.globals.append(f"{sizes} = private constant [{count} x i64] [{numbers}], align 64")
        return starts, sizes, count
