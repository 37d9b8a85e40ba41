"""Whether somebody pressed Ctrl-C, asked now and then by loops that take long.

Python hears of a signal when its own code runs again. Native code that goes on for minutes asks Python
whether one came; if so it marks it as come once more, and stops as it does where an index is out of range:
then Python's code runs, and raises KeyboardInterrupt.
"""

from __future__ import annotations

import ctypes

from .calls.object_layout import python_function
from .machine import Code

STEPS_BETWEEN = 1 << 24
"""Vector operations, about, from one question to the next: some hundredths of a second."""

_FUNCTIONS = (
    "PyGILState_Ensure",
    "PyOS_InterruptOccurred",
    "PyErr_SetInterrupt",
    "PyGILState_Release",
)
TABLE = "interrupts"

ASK = """
@interrupts = global [4 x ptr] zeroinitializer
define internal i1 @is_interrupted() {
entry:
  %ensure = load ptr, ptr @interrupts
  %unknown = icmp eq ptr %ensure, null
  br i1 %unknown, label %no, label %ask
ask:
  %state = call i32 %ensure()
  %at1 = getelementptr i8, ptr @interrupts, i64 8
  %occurred = load ptr, ptr %at1
  %signal = call i32 %occurred()
  %came = icmp ne i32 %signal, 0
  br i1 %came, label %again, label %done
again:
  %at2 = getelementptr i8, ptr @interrupts, i64 16
  %set = load ptr, ptr %at2
  call void %set()
  br label %done
done:
  %at3 = getelementptr i8, ptr @interrupts, i64 24
  %release = load ptr, ptr %at3
  call void %release(i32 %state)
  ret i1 %came
no:
  ret i1 false
}
"""
"""For modules with kernels that ask. Until `answer` filled the table, nobody answers."""


def answer(code: Code) -> None:
    """Let code that asks for interrupts reach Python."""
    addresses = (ctypes.c_uint64 * len(_FUNCTIONS))(*map(python_function, _FUNCTIONS))
    ctypes.memmove(code.addresses[TABLE], addresses, ctypes.sizeof(addresses))
