"""A graph as native code, with what NumPy computes between its parts."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..graph import Graph, evaluate_node
from ..native import cache, calls, pool
from ..native.ir import module
from ..native.kernel import SHARE, Kernel
from ..native.nests import parts
from ..native.target import Code, assembly, vector_bits
from ..passes import expand, simplify
from ..stages import fuse
from ..stages.checking import verify
from ..stages.language import Buffer, Host, Nest, Program
from ..stages.memory import donors
from ..stages.views import View
from .arguments import OtherContainer, donated, trees
from .executable import Executable
from .report import Report, describe

_LEVEL = 1
"""Of LLVM's code generation; higher ones take longer and gained nothing."""
_LONG = 5_000
"""Vector operations in a call from which other threads may run meanwhile."""


class NativeExecutable(Executable):
    """Kernels, and a CPython function that calls them where nothing is left to NumPy."""

    def prepare(self, graph: Graph, donate: tuple[str, ...]) -> None:
        start = time.perf_counter()
        self.graph = simplify(expand(graph))
        self.program: Program = fuse(self.graph)
        verify(self.program)
        given = donated(self.function, self.args, self.kwargs, donate)
        buffers = [b for b, is_given in zip(self.program.inputs, given, strict=True) if is_given]
        self.donors = donors(self.program, buffers) if not self._has_host else {}
        staged = time.perf_counter()
        self.steps = self._steps()
        written = time.perf_counter()
        self.code = self._assemble()
        self.seconds["stages"] = staged - start
        self.seconds["code"] = written - staged
        self.seconds["LLVM"] = time.perf_counter() - written

    @property
    def _has_host(self) -> bool:
        return any(isinstance(stage, Host) for stage in self.program.stages)

    # ---- code

    def _steps(self) -> list[Kernel | Host]:
        """Runs of nests as kernels, and what NumPy computes between them."""
        runs: list[list[Nest] | Host] = []
        for stage in self.program.stages:
            if isinstance(stage, Host):
                runs.append(stage)
            elif runs and isinstance(runs[-1], list):
                runs[-1].append(stage)
            else:
                runs.append([stage])
        if not self._has_host:
            nests = [stage for stage in self.program.stages if isinstance(stage, Nest)]
            return [Kernel("kernel", nests, [*self.program.inputs, *self.program.outputs])]
        used = [_used(run) for run in runs]
        ends = {*self.program.inputs, *self.program.outputs}
        steps: list[Kernel | Host] = []
        for i, run in enumerate(runs):
            if isinstance(run, Host):
                steps.append(run)
                continue
            others = ends.union(*used[:i], *used[i + 1 :])
            shared = [b for b in used[i] if b in others and b.role != "constant"]
            steps.append(Kernel(f"kernel{i}", run, shared))
        return steps

    def _assemble(self) -> Code | None:
        kernels = self.kernels
        if not kernels:
            return None
        self.entry: calls.Entry | None = None
        if not self._has_host:
            with suppress(OtherContainer):
                self.entry = calls.write_entry(self._signature(kernels[0]))
        is_shared = any(k.is_shared for k in kernels)
        texts = [k.text for k in kernels] + ([self.entry.text] if self.entry else [])
        texts += [SHARE] if is_shared else []
        self.llvm = module(texts, [b for k in kernels for b in k.builders], width=vector_bits())
        symbols = self.entry.symbols if self.entry else tuple(k.name for k in kernels)
        tables = [k.table for k in kernels if k.constants]
        code = Code(
            cache.object_code(self.llvm, _LEVEL), (*symbols, *tables, *["pool"] * is_shared)
        )
        for k in kernels:
            if k.constants:
                code.point(k.table, [b.value for b in k.constants])
        if is_shared:
            place = ctypes.c_void_p.from_address(code.addresses["pool"])
            place.value = pool.address() or None
        return code

    @property
    def kernels(self) -> list[Kernel]:
        return [step for step in self.steps if isinstance(step, Kernel)]

    def _signature(self, kernel: Kernel) -> calls.Signature:
        taken = {id(b) for b in self.donors.values()}
        arguments = [
            calls.Argument(b.dtype, w.spec.shape, id(b) in taken)
            for b, w in zip(self.program.inputs, self.graph.inputs, strict=True)
        ]
        results = []
        for b, w in zip(self.program.outputs, self.graph.outputs, strict=True):
            donor = self.donors.get(b)
            place = None if donor is None else self.program.inputs.index(donor)
            results.append(calls.Result(b.dtype, w.spec.shape, place))
        inputs, output = trees(self.args, self.graph)
        return calls.Signature(
            tuple(arguments),
            tuple(results),
            kernel.arena.bytes,
            kernel.work > _LONG,
            inputs,
            output,
        )

    # ---- calls

    def native(self, fallback: Callable[..., Any]) -> Callable[..., Any] | None:
        """A callable for positional arguments like those compiled for; None where it takes more.

        What is not as compiled for, it leaves to `fallback`.
        """
        if self.code is None or self.entry is None or self.kwargs:
            return None
        return calls.native_callable(self.code, self.entry, fallback, self.graph.name)

    def compute(self, flat: Sequence[Any]) -> list[Any]:
        memory: dict[Buffer, Any] = {}
        for b, x in zip(self.program.inputs, flat, strict=True):
            memory[b] = np.ascontiguousarray(x)
        for b, donor in self.donors.items():
            given = flat[self.program.inputs.index(donor)]
            if memory[donor] is given and given.flags.writeable:
                memory[b] = memory[donor]
        for step in self.steps:
            if isinstance(step, Host):
                memory.update(_by_numpy(step, memory))
            else:
                self._launch(step, memory)
        results = []
        for b, w in zip(self.program.outputs, self.graph.outputs, strict=True):
            results.append(memory[b].reshape(w.spec.shape)[()])
        return results

    def _launch(self, kernel: Kernel, memory: dict[Buffer, Any]) -> None:
        assert self.code is not None
        pointers = []
        for b in kernel.arguments:
            if b not in memory:
                memory[b] = np.empty(b.size, b.dtype)
            pointers.append(memory[b].ctypes.data)
        arena = np.empty(kernel.arena.bytes + 64, np.uint8)
        pointers.append(arena.ctypes.data + -arena.ctypes.data % 64)
        function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(pointers))
        function(self.code.addresses[kernel.name])(*pointers)

    # ---- what became of it

    def report(self) -> Report:
        arena = sum(k.arena.bytes for k in self.kernels)
        return describe(self.graph, self.program, self.seconds, arena, self.donors, parts)

    def source(self, kind: str) -> str:
        if kind == "stages":
            return str(self.program)
        if kind == "llvm":
            return self.llvm
        if kind == "asm":
            return assembly(self.llvm, _LEVEL)
        return super().source(kind)

    kinds = ("graph", "stages", "llvm", "asm")


def _used(run: list[Nest] | Host) -> set[Buffer]:
    if isinstance(run, Host):
        return {*run.reads(), *run.writes()}
    return {a.buffer for nest in run for a in (*nest.reads(), *nest.writes())}


def _by_numpy(host: Host, memory: dict[Buffer, Any]) -> dict[Buffer, Any]:
    """The results of a node that NumPy computes, as their buffers want them."""
    values: list[Any] = []
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
