"""The rest of an entry: outputs, temporary memory, the kernel's call, and what is returned."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Type, Value
from .guards import Guards
from .signature import ALIGNMENT, Result, Signature, Tree
from .writer import Writer

STACK_BYTES = 16 * 1024
"""Temporaries up to this size are put on the stack."""

_I32 = Type(np.dtype("i4"))


class Results:
    """Writes what an entry does once its guards have found the arrays, and the ways out of an error."""

    def __init__(self, writer: Writer, signature: Signature, guards: Guards) -> None:
        self.w, self.b, self.at = writer, writer.b, writer.at
        self.signature = signature
        self.inputs, self.data = guards.inputs, guards.data
        self.may_vanish = guards.may_vanish if signature.release_gil else []
        self.held: list[str] = []  # references that are ours, to be dropped upon an error
        self.drops: set[int] = set()
        self.no_memory_goes_to = ""

    def write(self) -> None:
        self.hold_inputs()
        outputs = self.make_outputs()
        arena, claimed = self.claim_arena()
        self.call_kernel(outputs, arena)
        self.give_arena_back(claimed)
        self.b.do(f"ret ptr {self.pack(self.make_results(outputs))}")
        self.write_drops()

    # -- what is held, and dropped upon an error

    def hold(self, thing: str) -> str:
        self.held.append(thing)
        return thing

    def failed(self) -> str:
        """Where to go upon an error: drops what is held by now."""
        self.drops.add(len(self.held))
        return f"drop{len(self.held)}"

    def new(self, thing: str) -> str:
        """A new object of ours, unless there was no memory for it."""
        self.w.go_on_if(self.w.not_null(thing), self.failed())
        return self.hold(thing)

    def write_drops(self) -> None:
        if not self.drops and not self.no_memory_goes_to:
            return
        if self.no_memory_goes_to:
            self.w.label("no_memory")
            self.w.python("PyErr_NoMemory")
            self.b.do(f"br label %{self.no_memory_goes_to}")
        for count in range(max(self.drops), 0, -1):
            self.w.label(f"drop{count}")
            self.w.python("Py_DecRef", self.held[count - 1])
            self.b.do(f"br label %drop{count - 1}")
        self.w.label("drop0")
        self.b.do("ret ptr null")

    # -- outputs, arena, kernel

    def hold_inputs(self) -> None:
        """While other threads run, they could drop arrays from lists and dicts that we read."""
        for thing in self.may_vanish:
            self.w.python("Py_IncRef", thing)
            self.hold(thing)

    def make_outputs(self) -> list[tuple[str, str]]:
        """The object (if there is one yet) and the address of numbers of each result."""
        outputs = []
        for r in self.signature.results:
            if r.donor is not None:
                outputs.append(("", self.data[r.donor]))
            elif r.is_scalar:
                outputs.append(("", self.w.on_stack(16, 16)))
            else:
                array = self.new_array(r)
                outputs.append((array, self.w.load_pointer(array, self.at.data)))
        return outputs

    def new_array(self, wanted: Result) -> str:
        name = f"@entry_shape{len(self.w.globals)}"
        sizes = ", ".join(f"i64 {n}" for n in wanted.shape)
        ndim = len(wanted.shape)
        self.w.globals.append(f"{name} = private constant [{ndim} x i64] [{sizes}]")
        dtype = self.w.known(wanted.dtype)
        self.w.python("Py_IncRef", dtype)  # the array takes this reference
        return self.new(self.w.python("PyArray_Empty", str(ndim), name, dtype, "0"))

    def claim_arena(self) -> tuple[str, str | None]:
        """Temporary memory, and what to give back: nothing if it is on the stack.

        A large one is kept from call to call: above 32 MiB, malloc would take fresh pages each time. One
        call has it at a time; if there are two, the second makes another.
        """
        size = self.signature.arena_bytes
        if not size:
            return "null", None
        if size <= STACK_BYTES:
            return self.w.on_stack(size), None
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
        self.no_memory_goes_to = self.failed()
        aligned = (self.w.address(claimed) + (ALIGNMENT - 1)) & -ALIGNMENT
        return self.b.pointer(f"inttoptr i64 {aligned.ref} to ptr"), claimed

    def call_kernel(self, outputs: list[tuple[str, str]], arena: str) -> None:
        data = [self.data[i] for i in range(len(self.data))]
        pointers = [*data, *(pointer for _, pointer in outputs), arena]
        released = self.signature.release_gil
        state = self.w.python("PyEval_SaveThread") if released else ""
        self.b.do(f"call void @kernel({', '.join(f'ptr {p}' for p in pointers)})")
        if released:
            self.w.python("PyEval_RestoreThread", state)

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

    def make_results(self, outputs: list[tuple[str, str]]) -> list[str]:
        """An object of ours for each result."""
        objects = []
        for r, (thing, pointer) in zip(self.signature.results, outputs, strict=True):
            if r.donor is not None:
                thing = self.hold(self.inputs[r.donor])
                self.w.python("Py_IncRef", thing)
            elif r.is_scalar:
                dtype = self.w.known(r.dtype)
                thing = self.new(self.w.python("PyArray_Scalar", pointer, dtype, "null"))
            objects.append(thing)
        return objects

    def pack(self, objects: list[str]) -> str:
        """The results in their containers.

        First all containers are made, then dicts are filled, which can fail, too; from there on
        nothing does, and what we hold moves into its place.
        """
        entries: list[tuple[str, Any, str]] = []
        places: list[tuple[str, str]] = []
        root = self.make_container(self.signature.output or (), objects, entries, places)
        for dictionary, key, item in entries:
            failed = self.w.python("PyDict_SetItem", dictionary, self.w.known(key), item)
            right = self.b.compare("==", Value(self.b, failed, _I32), 0)
            self.w.go_on_if(right, self.failed())
        for _, _, item in entries:
            self.w.python("Py_DecRef", item)  # the dict has one of its own
        for place, item in places:
            self.b.do(f"store ptr {item}, ptr {place}")
        for thing in self.may_vanish:
            self.w.python("Py_DecRef", thing)
        return root

    def make_container(
        self,
        tree: Tree,
        objects: list[str],
        entries: list[tuple[str, Any, str]],
        places: list[tuple[str, str]],
    ) -> str:
        kind, children = tree[0], tree[-1]
        if kind == "leaf":
            return objects[children]
        if kind == "constant":
            self.w.python("Py_IncRef", constant := self.w.known(children))
            return self.hold(constant)
        if kind == "dict":
            made = self.new(self.w.python("PyDict_New"))
            for key, child in zip(tree[1], children, strict=True):
                item = self.make_container(child, objects, entries, places)
                entries.append((made, key, item))
            return made
        name = "PyTuple_New" if kind == "tuple" else "PyList_New"
        made, items, first = self.new(self.w.python(name, str(len(children)))), "", 0
        if kind == "tuple":
            items, first = made, self.at.tuple_items
        elif children:
            items = self.w.load_pointer(made, self.at.list_items)
        for k, child in enumerate(children):
            item = self.make_container(child, objects, entries, places)
            places.append((self.b.offset(items, (first + 8 * k, 1)), item))
        return made
