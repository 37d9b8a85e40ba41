"""Linking in a process whose free memory lies in far pieces, as after hours of work with large arrays."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("llvmlite")

IN_FAR_PIECES = '''
import ctypes
from clearprop.native.machine import Code, assemble

text = """
@table = private constant [8 x double] [{entries}]
define double @entry(i64 %i) {{
  %place = getelementptr double, ptr @table, i64 %i
  %x = load double, ptr %place
  ret double %x
}}"""
objects = [
    assemble(text.format(entries=", ".join(f"double {float(first + k)}" for k in range(8))))
    for first in range(10)
]
Code(objects[0], ("entry",))  # so that all is loaded

PAGE, FAR, ANYWHERE, EXACTLY = 4096, 3 << 30, 0x4022, 0x104022  # reserved, not used
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

room = libc.mmap(None, 64 * FAR, 0, ANYWHERE, -1, 0)
with open("/proc/self/maps") as maps:
    held = [[int(x, 16) for x in line.split()[0].split("-")] for line in maps]
for (_, end), (start, _) in zip(held, held[1:]):
    if 0 < start - end < 1 << 40:
        libc.mmap(end, start - end, 0, EXACTLY, -1, 0)
for i in range(1, 64):
    libc.munmap(room + i * FAR, PAGE)  # free pages, 3 GB apart

codes = [Code(x, ("entry",)) for x in objects]
function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64)
print(*(function(code.addresses["entry"])(3) for code in codes))
'''


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process's memory")
def test_code_reaches_its_constants() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_FAR_PIECES], capture_output=True, encoding="utf-8", timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [str(float(first + 3)) for first in range(10)]
