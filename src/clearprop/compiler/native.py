"""A graph as native code, with what NumPy computes between its parts."""

from __future__ import annotations

import ctypes
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Tree
from ..engine.forks import lazily
from ..engine.spec import spec_of
from ..errors import ClearpropError
from ..graph.captured import MISSING
from ..graph.graph import evaluate_node
from ..native import cache, calls, machine, pool
from ..native.kernel import Kernel
from ..native.llvm_ir import module
from ..native.machine import Code, vector_bits
from ..native.nests import parts
from ..native.services import SERVICES, connect, services_of
from ..progress import progress
from ..stages.ir import Buffer, Host
from ..stages.views import View
from .arguments import Arguments, OtherContainer
from .executable import Executable
from .fingerprint import fingerprint
from .plan import Plan, PlanSummary
from .report import Report, describe
from .trial import way

_LEVEL = 1
"""Of LLVM's code generation; higher ones take longer and gained nothing."""


class NativeExecutable(Executable):
    """Kernels, and a CPython function that calls them where nothing is left to NumPy."""

    def prepare(self, arguments: Arguments, given: Sequence[bool]) -> None:
        graph, self.given = self.graph, given
        self.floats = arguments.floats
        self.trees: tuple[Tree, Tree] | None = None
        self.entry: calls.Entry | None = None
        self.code: Code | None = None
        self.summary: PlanSummary | None = None
        """Of code that was linked without a plan."""
        wires = (*graph.inputs, *graph.outputs)
        if not arguments.kwargs and all(w.spec.dtype.kind in "biufc" for w in wires):
            with suppress(OtherContainer):
                self.trees = arguments.trees(graph)
        self.key = self.trees and fingerprint(
            graph, self.given, repr(self.trees), self._owners(), pool.num_threads(), vector_bits()
        )

    def generate(self) -> None:
        start = time.perf_counter()
        kept = cache.load(self.key, _LEVEL) if self.key else None
        if kept is not None and self._link_alone(kept):
            self.seconds["from disk"] = time.perf_counter() - start
            return
        self.seconds |= self.plan.seconds
        start = time.perf_counter()
        with progress(f"machine code of {len(self.plan.program.stages):,} stages, by LLVM"):
            self._assemble(self.key)
        self.seconds["LLVM"] = time.perf_counter() - start

    @lazily
    def plan(self) -> Plan:
        """Make the plan when it is needed: code from disk may do without."""
        return Plan(self.graph, self.given)

    # ---- code

    def _assemble(self, key: bytes | None) -> None:
        """Make and link the code, and keep it: by its graph's key, where that says all, or by its IR."""
        kernels = self.plan.kernels
        if not kernels or self.plan.is_refused:
            return
        services = services_of(kernels)
        if not self.plan.has_host and self.trees is not None:
            self.entry = _entry(self._signature(self.plan.summary))
        text = self._text()
        tables = [k.table for k in kernels if k.constants]
        symbols = self.entry.symbols if self.entry else tuple(k.name for k in kernels)
        names = (*symbols, *tables, *services)
        if key and self.entry is not None and not tables:
            code = machine.assemble(text, _LEVEL)
            summary = json.dumps(asdict(self.plan.summary)).encode()
            cache.store(key, _LEVEL, b"\n".join([summary, _digest(self.entry), code]))
            self.code = Code(code, names)
        else:
            self.code = cache.linked(text, _LEVEL, names)
        connect(self.code, services)
        for k in kernels:
            if k.constants:
                self.code.point(k.table, [b.value for b in k.constants])

    def _link_alone(self, kept: bytes) -> bool:
        """Link code that was kept, without a plan, if it has the very entry that is wanted here.

        Keys that are equal may be one object in one process and two in another, and so may dtypes. Nor is
        it relied on that this is what another version, or anything else, wrote under that name.
        """
        try:
            stored, digest, code = kept.split(b"\n", 2)
            summary = PlanSummary(**json.loads(stored))
            entry = _entry(self._signature(summary))
            if _digest(entry) != digest:
                return False
            linked = Code(code, (*entry.symbols, *summary.services))
        except (ValueError, TypeError, LookupError, RuntimeError):
            return False
        connect(linked, summary.services)
        self.entry, self.summary, self.code = entry, summary, linked
        return True

    def _text(self) -> str:
        """Return the IR of all kernels, and of the entry if there is one."""
        kernels = self.plan.kernels
        texts = [k.text for k in kernels] + ([self.entry.text] if self.entry else [])
        texts += [SERVICES[name].text for name in services_of(kernels)]
        return module(texts, [b for k in kernels for b in k.builders], width=vector_bits())

    def _signature(self, summary: PlanSummary) -> calls.Signature:
        assert self.trees is not None
        taken = set(summary.donors)
        arguments = [
            calls.Argument(w.spec.dtype, w.spec.shape, i in taken, w.spec.dtype == self.floats)
            for i, w in enumerate(self.graph.inputs)
        ]
        results = [
            calls.Result(w.spec.dtype, w.spec.shape, donor)
            for w, donor in zip(self.graph.outputs, summary.donors, strict=True)
        ]
        return calls.Signature(
            tuple(arguments),
            tuple(results),
            summary.arena,
            summary.is_long,
            summary.may_stop,
            *self.trees,
            tuple(
                (p.owner, p.key, calls.ABSENT if p.value is MISSING else p.value) for p in self.read
            ),
        )

    def _owners(self) -> list[Any]:
        """Return the kinds of places that the entry has to look at: its text depends on nothing else
        of them.
        """
        return [(type(place.owner).__name__, place.value is MISSING) for place in self.read]

    # ---- calls

    def native(self, fallback: Callable[..., Any]) -> Callable[..., Any] | None:
        """Return a callable for positional arguments like those compiled for; None where it takes more.

        What is not as compiled for, it leaves to `fallback`.
        """
        if self.code is None or self.entry is None:
            return None
        return calls.native_callable(self.code, self.entry, fallback, self.graph.name)

    def compute(self, flat: Sequence[AnyArray]) -> list[AnyArray]:
        if "plan" not in vars(self) and self.code is not None and self.entry is not None:
            with suppress(calls.Mismatch):
                return calls.flat_caller(self.code, self.entry.signature)(flat)
        plan = self.plan  # as it is now: another thread may make one at the same time
        if plan.is_refused:
            raise calls.Stopped
        program = plan.program
        memory: dict[Buffer, AnyArray] = {}
        for b, x in zip(program.inputs, flat, strict=True):
            if (x.shape, x.dtype) != (b.spec.shape, b.dtype):
                raise ClearpropError(
                    f"{self.graph.name}: {b} became {spec_of(x)} while the call was prepared for {b.spec}; "
                    f"arguments may not be changed meanwhile"
                )
            memory[b] = np.ascontiguousarray(x)
        for b, donor in plan.donors.items():
            place = program.inputs.index(donor)
            given, others = flat[place], [*flat[:place], *flat[place + 1 :]]
            whole = memory[donor] is given and given.flags.writeable
            if whole and not any(np.may_share_memory(given, x) for x in others):
                memory[b] = given
        for step in plan.steps:
            if isinstance(step, Host):
                memory.update(_by_numpy(step, memory))
            else:
                self._launch(step, memory)
        results = []
        for b, w in zip(program.outputs, self.graph.outputs, strict=True):
            results.append(memory[b].reshape(w.spec.shape)[()])
        return results

    def _launch(self, kernel: Kernel, memory: dict[Buffer, AnyArray]) -> None:
        assert self.code is not None
        pointers = []
        for b in kernel.arguments:
            if b not in memory:
                memory[b] = np.empty(b.size, b.dtype)
            pointers.append(memory[b].ctypes.data)
        # a plan made later may be one for another number of threads; the code needs what it was made for
        size = self.summary.arena if self.summary else kernel.arena.bytes
        arena = np.empty(size + 64, np.uint8)
        pointers.append(arena.ctypes.data + -arena.ctypes.data % 64)
        prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
        function = prototype(self.code.addresses[kernel.name])
        calls.check(function((ctypes.c_void_p * len(pointers))(*pointers)))

    # ---- what became of it

    def report(self) -> Report:
        plan = self.plan
        arena = sum(k.arena.bytes for k in plan.kernels)
        return describe(plan.graph, plan.program, self.seconds, arena, plan.donors, parts)

    def source(self, kind: str) -> str:
        if kind == "graph":
            return str(self.plan.graph)
        if kind == "stages":
            return str(self.plan.program)
        if kind == "llvm":
            return self._text()
        if kind == "asm":
            return machine.assembly(self._text(), _LEVEL)
        return super().source(kind)

    kinds = ("graph", "stages", "llvm", "asm")


def _entry(signature: calls.Signature) -> calls.Entry:
    """Return the generated entry, where such ones are known to work."""
    return calls.write_entry(signature) if way() == "entry" else calls.Entry(signature, "")


def _digest(entry: calls.Entry) -> bytes:
    return hashlib.sha256(entry.text.encode()).hexdigest().encode()


def _by_numpy(host: Host, memory: dict[Buffer, AnyArray]) -> dict[Buffer, AnyArray]:
    """Return the results of a node that NumPy computes, as their buffers want them."""
    values: list[AnyArray] = []
    for x in host.inputs:
        if isinstance(x, tuple) and isinstance(x[0], Buffer):
            buffer, view = x
            assert isinstance(view, View)
            if buffer not in memory:
                memory[buffer] = buffer.value
            array = memory[buffer].reshape(-1)[view.offset :]
            size = buffer.dtype.itemsize
            strides = tuple(s * size for s in view.strides)
            values.append(np.lib.stride_tricks.as_strided(array, view.shape, strides)[()])
        else:
            values.append(x)
    results = zip(host.outputs, evaluate_node(host.node, values), strict=True)
    return {buffer: np.ascontiguousarray(out) for buffer, out in results if buffer is not None}
