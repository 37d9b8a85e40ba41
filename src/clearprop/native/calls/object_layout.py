"""Where numbers stand in the objects of this build of CPython and NumPy, and where functions are.

`probe` looks whether all is as expected; nothing here is to be relied on before it said so.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Layout:
    """Where numbers stand inside of objects, in bytes from their start."""

    head: int
    """Size of what every object has: the count of references and the type."""
    tuple_items: int

    @property
    def type(self) -> int:
        return self.head - 8

    @property
    def size(self) -> int:
        """Of a tuple, list or dict. Also where the first thing in an array or a scalar stands."""
        return self.head

    data = value = size  # of an array; of a float or NumPy scalar

    @property
    def ndim(self) -> int:
        return self.head + 8

    @property
    def list_items(self) -> int:
        return self.head + 8

    @property
    def shape(self) -> int:
        return self.head + 16

    @property
    def strides(self) -> int:
        return self.head + 24

    @property
    def dtype(self) -> int:
        return self.head + 40

    @property
    def flags(self) -> int:
        return self.head + 48

    @property
    def byte_order(self) -> int:
        """Of a dtype."""
        return self.head + 10


def _number(kind: Any, address: int) -> int:
    return kind.from_address(address).value


def _word(address: int) -> int:
    return _number(ctypes.c_uint64, address)


@cache
def probe() -> Layout | None:
    """Return the layout of this build's objects, or None where it is not the one that is known here."""
    if (
        sys.implementation.name != "cpython"
        or "free-threading" in sys.version
        or ctypes.sizeof(ctypes.c_void_p) != 8
        or sys.byteorder != "little"
    ):
        return None
    layout = Layout(object.__basicsize__, tuple.__basicsize__)
    try:
        right = (
            all(_array_as_expected(layout, a) for a in _samples())
            and all(_dtype_as_expected(layout, code) for code in "?bhilqefdFD")
            and _scalars_as_expected(layout)
            and _containers_as_expected(layout)
            and _functions_as_expected()
        )
    except (AttributeError, ImportError, ValueError, TypeError):
        return None
    return layout if right else None


def _samples() -> list[Any]:
    read_only = np.arange(2.0)
    read_only.flags.writeable = False
    return [
        np.zeros((3, 5, 7), "f4"),
        np.zeros((4, 6), "i8")[1:, ::2],
        np.zeros((2, 3), "f8", order="F"),
        np.array(1.5),
        read_only,
    ]


def _array_as_expected(at: Layout, array: Any) -> bool:
    start, n = id(array), array.ndim
    shape, strides = _word(start + at.shape), _word(start + at.strides)
    return (
        type(array).__basicsize__ >= at.flags + 4
        and _word(start + at.type) == id(type(array)) == id(np.ndarray)
        and _word(start + at.data) == array.__array_interface__["data"][0]
        and _number(ctypes.c_int32, start + at.ndim) == n
        and tuple(_word(shape + 8 * k) for k in range(n)) == array.shape
        and tuple(_word(strides + 8 * k) for k in range(n)) == array.strides
        and _word(start + at.dtype) == id(np.dtype(array.dtype.type))
        and _number(ctypes.c_uint32, start + at.flags) & 0xFFFF == array.flags.num
    )


def _dtype_as_expected(at: Layout, code: str) -> bool:
    native = np.dtype(code)
    swapped = native.newbyteorder("S")
    return all(
        _word(id(d) + at.type) == id(type(native))
        and ctypes.string_at(id(d) + at.byte_order, 1) == d.byteorder.encode()
        for d in (native, swapped)
    )


def _scalars_as_expected(at: Layout) -> bool:
    scalars = [np.dtype(code).type(1) for code in "?bBhHiIlLqQefdFD"]
    plain = ctypes.string_at(id(2.5) + at.value, 8) == np.float64(2.5).tobytes()
    return plain and all(
        ctypes.string_at(id(x) + at.value, x.itemsize) == x.tobytes() for x in scalars
    )


def _containers_as_expected(at: Layout) -> bool:
    items = "first", "second", "third"
    as_tuple, as_list, as_dict = tuple(items), list(items), dict.fromkeys(items)
    list_items = _word(id(as_list) + at.list_items)
    return all(_word(id(c) + at.size) == 3 for c in (as_tuple, as_list, as_dict)) and all(
        _word(id(as_tuple) + at.tuple_items + 8 * k) == _word(list_items + 8 * k) == id(item)
        for k, item in enumerate(items)
    )


def _functions_as_expected() -> bool:
    """Return whether NumPy's functions that are used are where its header has them, and do what they
    are called.
    """
    version = ctypes.CFUNCTYPE(ctypes.c_uint)(_numpy_function(0))()
    if version >> 24 != 2:
        return False
    pointer, thing = ctypes.c_void_p, ctypes.py_object
    scalar = ctypes.PYFUNCTYPE(thing, pointer, thing, pointer)(function_address("PyArray_Scalar"))
    number = ctypes.c_double(2.5)
    made = scalar(ctypes.addressof(number), np.dtype("f8"), None)
    return type(made) is np.float64 and made == 2.5 and all(map(function_address, FUNCTIONS))


# ---- functions

FUNCTIONS = {
    "Py_IncRef": "void (ptr)",
    "Py_DecRef": "void (ptr)",
    "PyObject_Vectorcall": "ptr (ptr, ptr, i64, ptr)",
    "PyErr_NoMemory": "ptr ()",
    "PyEval_SaveThread": "ptr ()",
    "PyEval_RestoreThread": "void (ptr)",
    "PyMem_RawMalloc": "ptr (i64)",
    "PyMem_RawFree": "void (ptr)",
    "PyTuple_New": "ptr (i64)",
    "PyList_New": "ptr (i64)",
    "PyDict_New": "ptr ()",
    "PyDict_Next": "i32 (ptr, ptr, ptr, ptr)",
    "PyObject_RichCompareBool": "i32 (ptr, ptr, i32)",
    "PyDict_GetItemWithError": "ptr (ptr, ptr)",
    "PyCell_Get": "ptr (ptr)",
    "PyDict_SetItem": "i32 (ptr, ptr, ptr)",
    "PyArray_Empty": "ptr (i32, ptr, ptr, i32)",
    "PyArray_Scalar": "ptr (ptr, ptr, ptr)",
}
"""Those of Python and NumPy that an entry may call, with their types in IR."""

_NUMPY_FUNCTIONS = {"PyArray_Empty": 184, "PyArray_Scalar": 60}
"""Places in NumPy's table of functions, which never change."""


def python_function(name: str) -> int:
    """Return the address of a function of Python's."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


@cache
def _numpy_table() -> int:
    from numpy._core import _multiarray_umath  # type: ignore[attr-defined, unused-ignore]

    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    address = ctypes.cast(pointer, ctypes.c_void_p).value or 0
    return prototype(address)(_multiarray_umath._ARRAY_API, None) or 0


def _numpy_function(place: int) -> int:
    return _word(_numpy_table() + 8 * place)


@cache
def function_address(name: str) -> int:
    """Return the address of one of `FUNCTIONS`."""
    if name in _NUMPY_FUNCTIONS:
        return _numpy_function(_NUMPY_FUNCTIONS[name])
    return python_function(name)
