"""The rest of an entry: outputs, temporary memory, the kernel's call, and what is returned."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..llvm_ir import I64, Type, Value
from .guards import Guards
from .python_entry_writer import FALLBACK, EntryWriter
from .signature import ALIGNMENT, Result, Signature, Tree

STACK_BYTES = 16 * 1024
"""Temporaries up to this size are put on the stack."""

_I32 = Type(np.dtype("i4"))


class Results:
    """Writes what an entry does once its guards have found the arrays, and the ways out of an error."""

    def __init__(self, writer: EntryWriter, signature: Signature, guards: Guards) -> None:
        self.w, self.b, self.at = writer, writer.b, writer.at
        self.signature = signature
        self.table, self.given, self.may_vanish = guards.table, guards.objects, guards.may_vanish
        self.held = 0
        """References that are ours by now, in a table on the stack, to be dropped upon an error."""
        self.errors: list[tuple[int, str]] = []
        """How many were held where an error may come up, and in which block that is."""
        self.made: list[int] = []
        """Where in that table the new arrays are, in the order of the results."""
        self.arena_fails_to = ""
        self.held_when_stopped = 0

    def write(self) -> None:
        self.hold_inputs()
        self.make_outputs()
        claimed = self.claim_arena()
        stopped = self.call_kernel()
        self.give_arena_back(claimed)
        if self.signature.may_stop:
            if self.arena_fails_to:  # without an arena, nothing grows
                self.w.go_on_if(self.b.compare("!=", stopped, 2), "no_memory")
            self.w.go_on_if(self.b.compare("==", stopped, 0), self.stopped_holding())
        self.b.do(f"ret ptr {self.pack(self.make_results())}")
        self.write_drops()

    # -- what is held, and dropped upon an error

    def hold(self, thing: str) -> int:
        """Note a reference that is ours; returns its place in the table."""
        self.w.put(thing, "%held", self.held)
        self.held += 1
        return self.held - 1

    def object(self, place: int) -> str:
        return self.w.load_pointer("%held", 8 * place)

    def failed(self, block: str = "") -> str:
        """Return where to go upon an error: drops what is held by now."""
        if not self.held:
            return "failed"
        self.errors.append((self.held, block or self.w.block))
        return "failed_holding"

    def stopped_holding(self) -> str:
        """Return where to go when the kernel stopped: what is held by now is of no use."""
        self.held_when_stopped = self.held
        return "stopped_holding" if self.held else FALLBACK

    def new(self, thing: str) -> int:
        """Return a new object of ours, unless there was no memory for it."""
        self.w.go_on_if(self.w.not_null(thing), self.failed())
        return self.hold(thing)

    def write_drops(self) -> None:
        self.w.stack.append(f"  %held = alloca [{self.held} x ptr]")
        if self.arena_fails_to:
            self.w.label("no_memory")
            self.w.python("PyErr_NoMemory")
            self.b.do(f"br label %{self.arena_fails_to}")
        if self.errors:
            self.w.label("failed_holding")
            ways = ", ".join(f"[{count}, %{block}]" for count, block in self.errors)
            self.drop(self.b.value(I64, f"phi i64 {ways}"))
            self.b.do("br label %failed")
        self.w.label("failed")
        self.b.do("ret ptr null")
        if self.held_when_stopped:
            self.w.label("stopped_holding")
            self.drop(self.held_when_stopped)
            self.b.do(f"br label %{FALLBACK}")

    def drop(self, count: Value | int) -> None:
        with self.b.loop(0, count) as loop:
            place = self.b.offset("%held", (loop.index, 8))
            self.w.python("Py_DecRef", self.w.load_pointer(place))

    # -- outputs, arena, kernel

    def hold_inputs(self) -> None:
        """Hold the inputs: while other threads run, they could drop arrays from lists and dicts that
        we read.
        """
        for number in self.may_vanish:
            thing = self.w.load_pointer(self.given, 8 * number)
            self.w.python("Py_IncRef", thing)
            self.hold(thing)

    def make_outputs(self) -> None:
        """Get memory for each result: an array of ours, an argument's, or for a scalar a place on the
        stack.
        """
        for place, r in enumerate(self.signature.results, len(self.signature.arguments)):
            if r.donor is not None:
                pointer = self.w.load_pointer(self.table, 8 * r.donor)
            elif r.is_scalar:
                pointer = self.w.on_stack(16, 16)
            else:
                self.made.append(self.new_array(r))
                pointer = self.w.load_pointer(self.object(self.made[-1]), self.at.data)
            self.w.put(pointer, self.table, place)

    def new_array(self, wanted: Result) -> int:
        name = f"@entry_shape{len(self.w.globals)}"
        sizes = ", ".join(f"i64 {n}" for n in wanted.shape)
        ndim = len(wanted.shape)
        self.w.globals.append(f"{name} = private constant [{ndim} x i64] [{sizes}]")
        dtype = self.w.known(wanted.dtype)
        self.w.python("Py_IncRef", dtype)  # the array takes this reference
        return self.new(self.w.python("PyArray_Empty", str(ndim), name, dtype, "0"))

    def claim_arena(self) -> str | None:
        """Claim temporary memory, and return what to give back: nothing if it is on the stack.

        A large one is kept from call to call: above 32 MiB, malloc would take fresh pages each time. One
        call has it at a time; if there are two, the second makes another.
        """
        size = self.signature.arena_bytes
        if not size:
            return None
        place = len(self.signature.arguments) + len(self.signature.results)
        if size <= STACK_BYTES:
            self.w.put(self.w.on_stack(size), self.table, place)
            return None
        kept = self.b.pointer("atomicrmw xchg ptr @entry_arena, ptr null acq_rel")
        make, ready = self.b.new_label(), self.b.new_label()
        before = self.w.block
        self.b.do(f"br i1 {self.w.not_null(kept).ref}, label %{ready}, label %{make}")
        self.w.label(make)
        made = self.w.python("PyMem_RawMalloc", str(size + ALIGNMENT - 1))
        self.w.go_on_if(self.w.not_null(made), "no_memory")
        made_in = self.w.block
        self.b.do(f"br label %{ready}")
        self.w.label(ready)
        claimed = self.b.pointer(f"phi ptr [{kept}, %{before}], [{made}, %{made_in}]")
        self.arena_fails_to = self.failed("no_memory")
        aligned = (self.w.address(claimed) + (ALIGNMENT - 1)) & -ALIGNMENT
        self.w.put(self.b.pointer(f"inttoptr i64 {aligned.ref} to ptr"), self.table, place)
        return claimed

    def call_kernel(self) -> Value:
        """Call the kernel, and return what it returns."""
        released = self.signature.release_gil
        state = self.w.python("PyEval_SaveThread") if released else ""
        stopped = self.b.value(_I32, f"call i32 @kernel(ptr {self.table})")
        if released:
            self.w.python("PyEval_RestoreThread", state)
        return stopped

    def give_arena_back(self, claimed: str | None) -> None:
        if claimed is None:
            return
        other = self.b.pointer(f"atomicrmw xchg ptr @entry_arena, ptr {claimed} acq_rel")
        free, further = self.b.new_label(), self.b.new_label()
        self.b.do(f"br i1 {self.w.not_null(other).ref}, label %{free}, label %{further}")
        self.w.label(free)
        self.w.python("PyMem_RawFree", other)
        self.b.do(f"br label %{further}")
        self.w.label(further)

    # -- results

    def make_results(self) -> list[int]:
        """Make the results, and return where we hold an object for each."""
        made, places = iter(self.made), []
        for number, r in enumerate(self.signature.results, len(self.signature.arguments)):
            if r.donor is not None:
                thing = self.w.load_pointer(self.given, 8 * r.donor)
                self.w.python("Py_IncRef", thing)
                places.append(self.hold(thing))
            elif r.is_scalar:
                pointer, dtype = self.w.load_pointer(self.table, 8 * number), self.w.known(r.dtype)
                places.append(self.new(self.w.python("PyArray_Scalar", pointer, dtype, "null")))
            else:
                places.append(next(made))
        return places

    def pack(self, results: list[int]) -> str:
        """Return the results in their containers.

        First all containers are made, then dicts are filled, which can fail, too; from there on
        nothing does, and what we hold moves into its place.
        """
        entries: list[tuple[int, Any, int]] = []
        sequences: list[tuple[int, str, list[int]]] = []
        root = self.make_container(self.signature.output or (), results, entries, sequences)
        for dictionary, key, item in entries:
            things = self.object(dictionary), self.w.known(key), self.object(item)
            failed = self.w.python("PyDict_SetItem", *things)
            right = self.b.compare("==", Value(self.b, failed, _I32), 0)
            self.w.go_on_if(right, self.failed())
        for _, _, item in entries:
            self.w.python("Py_DecRef", self.object(item))  # the dict has one of its own
        for sequence, kind, children in sequences:
            first = self.b.offset(self.object(sequence), (self.at.tuple_items, 1))
            if kind == "list":
                first = self.w.load_pointer(self.object(sequence), self.at.list_items)
            for k, item in enumerate(children):
                self.w.put(self.object(item), first, k)
        for number in self.may_vanish:
            self.w.python("Py_DecRef", self.w.load_pointer(self.given, 8 * number))
        return self.object(root)

    def make_container(
        self,
        tree: Tree,
        results: list[int],
        entries: list[tuple[int, Any, int]],
        sequences: list[tuple[int, str, list[int]]],
    ) -> int:
        """Make a container, and return where we hold it; note what is to be put into which container."""
        kind, children = tree[0], tree[-1]
        if kind == "leaf":
            return results[children]
        if kind == "constant":
            self.w.python("Py_IncRef", constant := self.w.known(children))
            return self.hold(constant)
        names = {"tuple": "PyTuple_New", "list": "PyList_New", "dict": "PyDict_New"}
        sizes = () if kind == "dict" else (str(len(children)),)
        made = self.new(self.w.python(names[kind], *sizes))
        items = [self.make_container(child, results, entries, sequences) for child in children]
        if kind == "dict":
            entries += [(made, key, item) for key, item in zip(tree[1], items, strict=True)]
        elif items:
            sequences.append((made, kind, items))
        return made
