"""From a compiled kernel to a Python callable: generated guards, generated allocation of outputs.

A *kernel* is ``i32 @kernel(ptr table)``; the table has the addresses of C-contiguous buffers: the inputs,
the outputs, and the arena. Next to it stands an *entry*, written here in the same language, that CPython
calls as a built-in function. It checks every argument, makes the outputs, calls the kernel and hands back
the results. Whatever is not exactly as compiled for goes to a Python function, the *fallback*, with the very
same arguments; so does a call whose kernel returns 1. One that returns 2 found no memory.

    signature = Signature((Argument("f4", (3,)),), (Result("f4", (3,)),))
    entry = write_entry(signature)
    code = Code(assemble(module([kernel, entry.text], [builder])), entry.symbols)
    function = native_callable(code, entry, fallback, "double")

The entry's text names no address of this process, so its object code can be kept in a file: what it
needs to know (types, dtypes, keys, functions) stands in a table that `native_callable` fills in.
Where numbers stand inside of Python's objects belongs to the build of CPython and NumPy; `probe` looks
whether it is as expected. If not, `native_callable` returns a slower function that does the same.
"""

from .callables import Mismatch, Stopped, check, flat_caller, kernel_caller, native_callable
from .python_entry import Entry, write_entry
from .signature import ABSENT, Argument, Result, Signature, Tree

__all__ = [
    "ABSENT",
    "Argument",
    "Entry",
    "Mismatch",
    "Result",
    "Signature",
    "Stopped",
    "Tree",
    "check",
    "flat_caller",
    "kernel_caller",
    "native_callable",
    "write_entry",
]
