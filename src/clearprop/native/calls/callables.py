"""Python callables of compiled kernels: with a generated entry, or without one."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from ..machine import Code
from .object_layout import function_address, python_function
from .python_entry import Entry
from .signature import ABSENT, ALIGNMENT, Argument, Result, Signature, Tree, same_key

_FLAGS = 0x80 | 0x2
"""METH_FASTCALL and METH_KEYWORDS."""


class _Otherwise(partial[Any]):
    """The ``__self__`` of a native callable: its fallback, and what has to live as long."""

    code: Code
    entry: Entry


def native_callable(
    code: Code, entry: Entry, fallback: Callable[..., Any], name: str = "native"
) -> Callable[..., Any]:
    """Return the Python callable of a compiled module that holds ``@kernel`` and the entry's text.

    It calls `fallback` with its arguments, keywords included, if they are not those compiled for.
    The code, the table and the fallback live as long as the callable does.
    """
    if not entry.text:
        return kernel_caller(code, entry.signature, fallback, name)
    addresses = [function_address(function) for function in entry.functions]
    addresses += [id(thing) for thing in entry.objects]
    filled = (ctypes.c_uint64 * len(addresses))(*addresses)
    ctypes.memmove(code.addresses["entry_table"], filled, ctypes.sizeof(filled))
    otherwise = _Otherwise(fallback)
    otherwise.code, otherwise.entry = code, entry
    weakref.finalize(otherwise, _free_arena, code).atexit = False
    definition = _definition(name, code.addresses["entry"], _describe(entry))
    return _new_builtin()(definition.ctypes.data, otherwise, definition)


def _definition(name: str, function: int, description: str) -> Any:
    """Return a PyMethodDef with its texts, in the memory of an array.

    CPython reads it once more while it frees the function, so it is that function's ``__module__``: the
    garbage collector clears no array, so whichever order it goes in, this one is freed after the function.
    """
    texts = [name.encode() + b"\0", description.encode() + b"\0"]
    memory = np.zeros(4 * 8 + sum(map(len, texts)), np.uint8)
    first = memory.ctypes.data + 4 * 8
    memory[32:] = np.frombuffer(b"".join(texts), np.uint8)
    memory[:32].view(np.uint64)[:] = first, function, _FLAGS, first + len(texts[0])
    return memory


@cache
def _new_builtin() -> Any:
    prototype = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.py_object
    )
    return prototype(python_function("PyCFunction_NewEx"))


def _free_arena(code: Code) -> None:
    place = ctypes.c_void_p.from_address(code.addresses["entry_arena"])
    kept, place.value = place.value, None
    if kept:
        release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        release(python_function("PyMem_RawFree"))(kept)


def _describe(entry: Entry) -> str:
    """Return the documentation of a native callable: what it takes, and what it returns."""

    def texts(things: Sequence[Argument | Result]) -> str:
        return ", ".join(f"{t.dtype}[{','.join(map(str, t.shape))}]" for t in things)

    signature = entry.signature
    return f"Native code: ({texts(signature.arguments)}) -> ({texts(signature.results)})"


# ---- without the entry


class Mismatch(Exception):
    """An argument is not as compiled for."""


class Stopped(IndexError):
    """An index is out of range, a matrix has no inverse, or the kernel cannot go on for another reason;
    nothing that was given has changed.
    """


def check(status: int) -> None:
    """Raise what the result of a kernel says: `Stopped` for 1, MemoryError for 2."""
    if status == 2:
        raise MemoryError
    if status:
        raise Stopped


def kernel_caller(
    code: Code, signature: Signature, fallback: Callable[..., Any], name: str = "native"
) -> Callable[..., Any]:
    """Return the same callable without generated guards, for any build of Python; it takes some 20 µs."""
    run = flat_caller(code, signature)

    def call(*values: Any, **keywords: Any) -> Any:
        try:
            results = run(_unpack_all(signature, values, keywords))
        except (Mismatch, Stopped):
            return fallback(*values, **keywords)
        return _packed(signature.output or (), results)

    call.__name__ = call.__qualname__ = name
    return call


def flat_caller(code: Code, signature: Signature) -> Callable[[Sequence[Any]], list[Any]]:
    """Return a kernel as a function of the arrays in its containers to the results.

    It may raise `Mismatch` or `Stopped`.
    """
    convention = ctypes.CFUNCTYPE if signature.release_gil else ctypes.PYFUNCTYPE
    kernel = convention(ctypes.c_int32, ctypes.c_void_p)(code.addresses["kernel"])

    def run(given: Sequence[Any]) -> list[Any]:
        inputs = [_accept(a, x) for a, x in zip(signature.arguments, given, strict=True)]
        read = [x.ctypes.data for x in inputs]
        _require(not _overlapping(signature, read))
        outputs = [
            np.empty(r.shape, r.dtype) if r.donor is None else given[r.donor]
            for r in signature.results
        ]
        arena = np.empty(signature.arena_bytes + ALIGNMENT, "u1")
        start = arena.ctypes.data
        addresses = [*read, *(y.ctypes.data for y in outputs), start + -start % ALIGNMENT]
        check(kernel((ctypes.c_void_p * len(addresses))(*addresses)))
        return [
            y[()] if r.is_scalar else y for r, y in zip(signature.results, outputs, strict=True)
        ]

    run.code = code  # type: ignore[attr-defined]  # lives as long
    return run


def _require(condition: bool) -> None:
    if not condition:
        raise Mismatch


def _unpack_all(signature: Signature, values: Sequence[Any], keywords: object) -> list[Any]:
    trees = signature.inputs or ()
    _require(not keywords and len(values) == len(trees))
    for owner, key, value in signature.read:
        now = owner.get(key, ABSENT) if type(owner) is dict else owner.cell_contents
        _require(now is value)
    found: dict[int, Any] = {}
    for tree, x in zip(trees, values, strict=True):
        _unpack(tree, x, found)
    return [found[i] for i in range(len(found))]


def _unpack(tree: Tree, x: Any, found: dict[int, Any]) -> None:
    kind, children = tree[0], tree[-1]
    if kind == "leaf":
        found[children] = x
    elif kind == "constant":
        _require(x is children)
    else:
        _require(type(x).__name__ == kind and type(x) in (tuple, list, dict))
        pairs = list(x.items() if kind == "dict" else enumerate(x))  # as they are now
        keys = tree[1] if kind == "dict" else range(len(children))
        _require(len(pairs) == len(children))
        _require(all(same_key(key, known) for (key, _), known in zip(pairs, keys, strict=True)))
        for (_, item), child in zip(pairs, children, strict=True):
            _unpack(child, item, found)


def _packed(tree: Tree, results: Sequence[Any]) -> Any:
    kind, children = tree[0], tree[-1]
    if kind == "leaf":
        return results[children]
    if kind == "constant":
        return children
    items = [_packed(child, results) for child in children]
    if kind == "dict":
        return dict(zip(tree[1], items, strict=True))
    return tuple(items) if kind == "tuple" else items


def _accept(wanted: Argument, x: Any) -> Any:
    """Return the argument as an array, if it is as wanted."""
    if type(x) in wanted.scalars:
        try:
            with np.errstate(over="ignore"):
                return np.asarray(x, wanted.dtype)
        except OverflowError:
            raise Mismatch from None
    _require(type(x) is np.ndarray and x.dtype == wanted.dtype and x.shape == wanted.shape)
    _require(type(x.dtype) is type(wanted.dtype))  # there may be two integers of one size
    _require(x.flags.c_contiguous and x.flags.aligned)
    _require(x.flags.writeable or not wanted.donated)
    return x


def _overlapping(signature: Signature, starts: Sequence[int]) -> bool:
    """Return whether a donated array, whose bytes start at one of these addresses, shares memory with another
    argument.
    """
    arguments = signature.arguments
    return any(
        i != k and starts[k] < starts[i] + donated.bytes and starts[i] < starts[k] + other.bytes
        for i, donated in enumerate(arguments)
        if donated.donated
        for k, other in enumerate(arguments)
    )
