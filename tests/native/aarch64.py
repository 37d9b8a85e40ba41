"""Kernels as programs for AArch64 that need no system but Linux's kernel, run by qemu.

The program holds its inputs, calls the kernel, and writes the outputs' bytes. So all that is needed beside
qemu is a linker.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from clearprop.compiler.plan import Plan
from clearprop.graph.graph import Graph
from clearprop.graph.tracing import trace
from clearprop.native.llvm_ir import module
from clearprop.native.services import SERVICES, services_of

CPU, VECTOR_BITS = "neoverse-n1", 128


PREFIX = "aarch64-linux-gnu-"
"""Of the names of the assembler and the linker."""


QEMU = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
MISSING = [
    *["qemu-aarch64"] * (QEMU is None),
    *(PREFIX + name for name in ("as", "ld") if shutil.which(PREFIX + name) is None),
]
"""What there is not; on Debian: apt-get install qemu-user binutils-aarch64-linux-gnu."""

_START = """
.globl _start
_start:
  adrp x0, table
  add x0, x0, :lo12:table
  bl kernel
  mov w20, w0
  adrp x19, results
  add x19, x19, :lo12:results
next:
  ldp x1, x2, [x19], #16
  cbz x1, end
further:
  mov x0, #1
  mov x8, #64
  svc #0
  add x1, x1, x0
  subs x2, x2, x0
  b.gt further
  b next
end:
  mov w0, w20
  mov x8, #93
  svc #0
"""
"""Calls the kernel, has Linux write each result to standard output, and ends with the kernel's answer."""

_MEMORY = """
define ptr @memset(ptr %to, i32 %value, i64 %count) {
entry:
  %byte = trunc i32 %value to i8
  br label %head
head:
  %i = phi i64 [0, %entry], [%j, %body]
  %more = icmp ult i64 %i, %count
  br i1 %more, label %body, label %end
body:
  %place = getelementptr i8, ptr %to, i64 %i
  store volatile i8 %byte, ptr %place
  %j = add i64 %i, 1
  br label %head
end:
  ret ptr %to
}
"""
"""The function of C's that LLVM takes for granted."""


def plan_of(f: Callable[..., Any], arrays: Sequence[Any]) -> tuple[Graph, Plan]:
    """Code is chosen for the vectors that `native.target` sees: those of `CPU`, says the caller."""
    graph = trace(f, *arrays)
    return graph, Plan(graph, [False] * len(graph.inputs))


def is_native(f: Callable[..., Any], arrays: Sequence[Any]) -> bool:
    """Whether it is one kernel, of which nothing is left to NumPy."""
    _, plan = plan_of(f, arrays)
    alone = bool(plan.kernels) and not plan.has_host and not plan.is_refused
    return alone and not plan.kernels[0].constants


def run(f: Callable[..., Any], arrays: Sequence[Any], folder: Path) -> list[Any]:
    """The results of a function that is native, flat; `folder` is for files."""
    graph, plan = plan_of(f, arrays)
    (kernel,) = plan.kernels
    results = [np.zeros(w.spec.shape, w.spec.dtype) for w in graph.outputs]
    texts = [kernel.text, *(SERVICES[name].text for name in services_of([kernel])), _MEMORY]
    texts.append(_buffers(arrays, results, kernel.arena.bytes))
    text = module(texts, kernel.builders, width=VECTOR_BITS)
    (folder / "kernel.o").write_bytes(_machine().emit_object(llvm.parse_assembly(text)))
    (folder / "start.s").write_text(_START)
    for command in ("as start.s -o start.o", "ld start.o kernel.o -o program"):
        subprocess.run(f"{PREFIX}{command}".split(), cwd=folder, check=True)
    command = [str(QEMU), str(folder / "program")]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    written = ended.stdout
    for i, y in enumerate(results):
        results[i] = np.frombuffer(written[: y.nbytes], y.dtype).reshape(y.shape)
        written = written[y.nbytes :]
    return results


def _machine() -> Any:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    found = llvm.Target.from_triple("aarch64-unknown-linux-gnu")
    return found.create_target_machine(cpu=CPU, opt=1, reloc="pic", codemodel="small", jit=True)


def _buffers(inputs: Sequence[Any], outputs: Sequence[Any], arena: int) -> str:
    """The program's memory: what the kernel reads and writes, and where that is."""
    given = {f"given{i}": np.ascontiguousarray(x).tobytes() for i, x in enumerate(inputs)}
    made = {f"made{i}": y.nbytes for i, y in enumerate(outputs)}
    texts = [_bytes(name, content) for name, content in given.items()]
    texts += [
        f"@{name} = global [{size} x i8] zeroinitializer, align 64"
        for name, size in {**made, "arena": arena}.items()
    ]
    table = [f"ptr @{name}" for name in (*given, *made, "arena")]
    results = [f"ptr @{name}, i64 {size}" for name, size in made.items()]
    return "\n".join(
        [
            *texts,
            f"@table = global [{len(table)} x ptr] [{', '.join(table)}]",
            f"@results = global {{ {'ptr, i64, ' * len(made)}ptr, i64 }} "
            f"{{ {', '.join([*results, 'ptr null, i64 0'])} }}",
        ]
    )


def _bytes(name: str, content: bytes) -> str:
    text = "".join(f"\\{byte:02x}" for byte in content)
    return f'@{name} = global [{len(content)} x i8] c"{text}", align 64'
