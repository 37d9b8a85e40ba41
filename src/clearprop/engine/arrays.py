"""What is taken for an array: decided here, for arguments, operands, data, indices and results alike.

Arrays of NumPy's own class, its scalars, Python's numbers, Tensors and specs are taken as they are. An object
of another class is converted by `np.asarray`, once, and what comes out is looked at. Its own attributes are
not believed: with a dtype and a shape it may still keep its numbers anywhere. Where a Tensor or a plain array
would stand in for an object that computes in a way of its own (with units, a mask, labels), it is refused.
"""

from __future__ import annotations

import array
import operator
from contextlib import suppress
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np

from ..errors import ClearpropError, DtypeError, LostGradientError, ShapeError, UnsupportedError
from .array_types import AnyArray, Array, ArrayLike, DType
from .spec import ArraySpec, shape_of

TO_BUILD = "np.stack([...]) to build an array from tensors (or np.array after `import clearprop.numpy as np`)"
NUMERIC = frozenset("biufc")
"""The kinds of dtypes that are numbers."""
PLAIN: frozenset[type] = frozenset(
    [np.ndarray, bool, int, float, complex]
    + [kind for kind in set(np.sctypeDict.values()) if np.dtype(kind).kind in NUMERIC]
)
"""Classes that need no second look, apart from an array's dtype."""
NUMBERS = PLAIN - {np.ndarray}
LISTS = frozenset([list, tuple, range])
"""What NumPy's functions read as arrays, too."""


class TensorBase:
    """What every Tensor is: the modules that Tensor is built on know it by this."""

    __slots__ = ()
    dtype: Any
    requires_grad: bool
    value: AnyArray


def is_array(x: object) -> bool:
    """Return whether this, which was taken already, has a shape and a dtype; Python's numbers have none."""
    return isinstance(x, _ARRAYS)


_ARRAYS = (np.ndarray, np.generic, TensorBase, ArraySpec)


# ---- the doors


def argument(x: Any, who: str, *, specs: bool = False) -> Any:
    """Return an argument that a function will compute with; what is no array, such as a string, stays
    as it is.

    >>> argument(memoryview(b"ab"), "f got"), argument("mean", "f got"), argument(2.0, "f got")
    (array([97, 98], dtype=uint8), 'mean', 2.0)
    """
    if type(x) is ArraySpec and not specs:
        raise UnsupportedError(
            f"{who} an ArraySpec, which has no numbers. Use an array; clearprop.trace takes specs."
        )
    if _is_known(x) or not (claims_to_be_one(x) or isinstance(x, float | complex)):
        return _in_order(x)
    return operand(x, who)


def operand(x: Any, who: str) -> AnyArray:
    """Return what to compute with: `x` as it is, or converted where it has no arithmetic of its own.

    >>> operand([1, 2], "add got"), operand(3.0, "add got")
    (array([1, 2]), 3.0)
    """
    if not _is_known(x) and type(x) not in LISTS and has_own_arithmetic(x):
        _refuse(x, f"{who} a {type(x).__name__}, which has an arithmetic of its own")
    return numbers_of(x, who)


def beside(x: Any, operation: str, dtype: DType | None = None) -> AnyArray:
    """Return the other side of an operator, as an operand: of numbers, where those of this dtype are.

    For equality anything will do, as in NumPy.
    """
    if isinstance(x, TensorBase) or (operation in _EQUALITIES and not claims_to_be_one(x)):
        return x
    x = operand(x, f"{operation} got")
    if dtype is not None and dtype.kind in NUMERIC:
        check_numbers(x, f"{operation} got")
    return x


def asks_to_be_asked(x: object) -> bool:
    """Return whether an object's class says, by NumPy's protocol, that its own operators come first."""
    return getattr(x, "__array_ufunc__", True) is None


_EQUALITIES = {"equal", "not_equal"}


def as_inputs(operation: str, inputs: tuple[Any, ...]) -> tuple[AnyArray, ...]:
    """Return the inputs of an operation as arrays and numbers; a bound that is None stays."""
    for x in inputs:
        if type(x) not in NUMBERS and not isinstance(x, TensorBase):
            break
    else:
        return inputs
    who = f"{operation} got"
    with_text = any(  # arrays of text may pass through a trace
        isinstance(x, TensorBase) and getattr(x.dtype, "kind", "") in _TEXT for x in inputs
    )
    found = []
    for x in inputs:
        if not isinstance(x, TensorBase) and x is not None:
            x = numbers_of(x, who)
            if not with_text:
                check_numbers(x, who)
        found.append(x)
    return tuple(found)


def numbers_of(x: Any, who: str) -> AnyArray:
    """Return what is read for its numbers alone, as NumPy's functions read it: labels do not matter there.

    >>> numbers_of(array.array("d", [1.0, 2.0]), "stack got")
    array([1., 2.])
    """
    if _is_known(x):
        return _in_order(x)
    if isinstance(x, np.ndarray):
        if has_own_arithmetic(x):  # a mask or a unit would be lost
            _refuse(x, f"{who} a {type(x).__name__}, which has an arithmetic of its own")
        return _in_order(np.asarray(x))
    if isinstance(x, int | float | complex):  # of a class of its own, such as an IntEnum
        return x.conjugate()
    if type(x) in LISTS:
        return joined(x)
    found = _read(x)
    if found is None:
        _refuse(x, f"{who} a {type(x).__name__}, which NumPy cannot read as an array")
    return _in_order(found)


def holds_tensor(x: object) -> bool:
    """Return whether there is a Tensor in this nested list, or in this array of objects."""
    if isinstance(x, TensorBase):
        return True
    if isinstance(x, list | tuple):
        return any(map(holds_tensor, x))
    return isinstance(x, np.ndarray) and x.dtype.hasobject and any(map(holds_tensor, x.flat))


def joined(x: Any) -> AnyArray:
    """Return a nested list as an array; as one Tensor where it holds some.

    Raises
    ------
    ShapeError : the entries beside a Tensor have different shapes.
    """
    if isinstance(x, TensorBase):
        return x
    if not holds_tensor(x):
        return _in_order(np.asarray(x))
    parts = [joined(part) for part in (x if isinstance(x, list | tuple) else x.tolist())]
    shapes = list(dict.fromkeys(shape_of(part) for part in parts))
    if len(shapes) > 1:
        raise ShapeError(
            f"np.array: the entries have shapes {' and '.join(map(str, shapes))}, which make no array; "
            f"np.concatenate joins arrays of different length"
        )
    return np.stack(parts)


def as_array(x: ArrayLike) -> Array:
    """Return `x` with a dtype and a shape, for what computes its shapes before the operation looks at
    its inputs.

    >>> as_array(2.0), as_array([1.0])
    (np.float64(2.0), array([1.]))
    """
    if isinstance(x, _ARRAYS):
        return x  # type: ignore[return-value]  # what TensorBase does not show, Tensor has
    found: AnyArray = np.asarray(numbers_of(x, "an operation got"))
    return (found if found.dtype != object else found.astype(float))[
        ()
    ]  # an integer beyond 64 bits


def positions(x: Any) -> AnyArray | None:
    """Return an index of any class as an int or an array, a Tensor as it is; None where it is neither.

    >>> positions(np.int8(2)), positions([True, False]), positions([]), positions("a")
    (2, array([ True, False]), array([], dtype=int64), None)
    """
    if isinstance(x, TensorBase):
        return x
    if isinstance(x, list | tuple | range):
        return np.asarray(x) if len(x) else np.zeros(0, np.intp)
    if not isinstance(x, np.ndarray | bool | np.bool_):
        with suppress(TypeError):  # as NumPy does it, before it looks for an array
            return operator.index(x)
        if not claims_to_be_one(x):
            return None
    return _in_order(_read(x))


def result(x: Any, who: str) -> Any:
    """Return a function's result: plain, or the Tensor within its labels; a string and the like as it is."""
    if not _is_known(x):
        if _is_labelled(x) and isinstance(x.data, TensorBase):
            return x.data
        if claims_to_be_one(x) or isinstance(x, int | float | complex):
            x = operand(x, who)
    refuse_objects(x, who)
    return x


def unchanging(x: Any) -> AnyArray:
    """Return a copy of an array, unless nobody can write into this one; what is no array, as it is."""
    if type(x) is np.ndarray and (x.flags.writeable or x.base is not None):
        x = x.copy("K")
        x.setflags(write=False)
    return x


# ---- what it is


def _is_known(x: object) -> bool:
    return type(x) in PLAIN or (isinstance(x, _ARRAYS) and not isinstance(x, np.ndarray))


def claims_to_be_one(x: Any) -> bool:
    """Return whether an object is offered as an array; classes and modules have such names for other
    reasons.
    """
    if isinstance(x, type):
        return False
    return (
        isinstance(x, np.ndarray | memoryview | array.array)
        or any(hasattr(x, name) for name in _PROTOCOLS)
        or (
            isinstance(getattr(x, "dtype", None), np.dtype)
            and isinstance(getattr(x, "shape", None), tuple)
        )
    )


def _is_labelled(x: Any) -> bool:
    """Return whether this is one of xarray's, which compute with the Tensor in them, and put labels
    around it.
    """
    return any(base.__module__.startswith("xarray.") for base in type(x).__mro__)


_PROTOCOLS = (
    "__array__",
    "__array_interface__",
    "__array_struct__",
    "__dlpack__",
    "__cuda_array_interface__",
)


def has_own_arithmetic(x: Any) -> bool:
    """Return whether an object computes in another way than plain arrays and numbers do.

    >>> has_own_arithmetic(np.ma.ones(3)), has_own_arithmetic(np.rec.array([1.0])), has_own_arithmetic(b"")
    (True, False, False)
    """
    kind: Any = type(x)
    return _computes_in_its_way(kind)


@lru_cache(maxsize=1024)
def _computes_in_its_way(kind: Any) -> bool:
    for base in (np.ndarray, int, float, complex):
        if issubclass(kind, base):
            names = {*_OPERATORS, *_OF_SEQUENCES, *(_METHODS if base is np.ndarray else ())}
            return any(getattr(kind, n, None) is not getattr(base, n, None) for n in names)
    return any(getattr(kind, name, None) is not None for name in _OPERATORS)


_OPERATORS = (
    *("__array_ufunc__", "__array_function__", "__neg__", "__abs__"),
    *(f"__{r}{name}__" for name in ("sub", "truediv", "pow", "matmul") for r in ("", "r")),
)
_OF_SEQUENCES = ("__add__", "__radd__", "__mul__", "__rmul__", "__lt__", "__gt__")
"""Operators that lists and strings have, too, where they mean other things."""
_METHODS = ("sum", "prod", "mean", "var", "std", "max", "min", "cumsum", "dot", "round", "clip")


def _read(x: Any) -> AnyArray:
    """Return what NumPy reads in an object; None where it sees a thing without numbers."""
    try:
        found = np.asarray(x)
    except ClearpropError:  # a Tensor is in it
        raise
    except Exception:
        return None
    return None if found.dtype.kind == "O" and not found.ndim else found


def _in_order(x: Any) -> AnyArray:
    """Return an array in this machine's byte order, at an address that suits its numbers."""
    if type(x) is np.ndarray:
        if not x.dtype.isnative:
            return x.astype(x.dtype.newbyteorder("="))
        if not x.flags.aligned:
            return x.copy()
    return x


# ---- refusals


def _refuse(x: Any, why: str) -> NoReturn:
    raise UnsupportedError(f"{why}. {_instead(x)}")


def _instead(x: Any) -> str:
    """Return how to get the numbers in an object; most ways were tried before they are recommended."""
    if isinstance(getattr(x, "data", None), TensorBase):
        return "Use x.data, the tensor in it."
    if isinstance(x, np.ma.MaskedArray):
        return "Use np.asarray(x), and the mask beside it, for np.where."
    if hasattr(x, "toarray"):  # sparse: to be computed, it may be large
        return f"Use x.toarray(), or {_IN_A_BLOCK}."
    for text, needs, convert in _CONVERSIONS:
        if hasattr(x, needs):
            with suppress(Exception):
                if np.asarray(convert(x)).dtype.kind in NUMERIC:
                    return f"Use {text}."
    return f"Use the numbers in it as a plain array, or {_IN_A_BLOCK}."


_IN_A_BLOCK = "compute with it in a @clearprop.block that brings its own gradient"
_CONVERSIONS: tuple[tuple[str, str, Any], ...] = (
    ("np.asarray(x)", "__class__", np.asarray),
    ("np.asarray(x, dtype=float)", "__array__", lambda x: np.asarray(x, dtype=float)),
    ("x.detach().numpy()", "detach", lambda x: x.detach().numpy()),
    ("x.detach().cpu().numpy()", "detach", lambda x: x.detach().cpu().numpy()),
    ("x.get()", "__cuda_array_interface__", lambda x: x.get()),
    ("np.from_dlpack(x)", "__dlpack__", np.from_dlpack),
    ("float(x)", "__float__", float),
)
"""Ways to a plain array: what to write, the attribute that it needs, and the same as a function."""


def check_numbers(x: Any, who: str) -> None:
    """Raise what to write instead if an array holds anything but numbers."""
    refuse_objects(x, who)
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind not in NUMERIC:
        words = _WORDS.get(x.dtype.kind, "records")
        raise DtypeError(
            f"{who} {words} (dtype={x.dtype}, shape {x.shape}), not numbers. {_as_numbers(x)}"
        )


_TEXT = frozenset("SUT")
_WORDS = {"M": "dates", "m": "durations", **dict.fromkeys(_TEXT, "text")}


def _as_numbers(x: Any) -> str:
    if x.dtype.names:
        return f"Use one of the fields: x[{x.dtype.names[0]!r}]."
    with suppress(Exception):
        x.astype(float)
        return "Use x.astype(float)."
    return "Keep it apart from what is differentiated."


def refuse_objects(x: Any, who: str) -> None:
    """Raise what to write instead if this is an array of Python objects: NumPy would go on with it alone."""
    if type(x) is not np.ndarray or x.dtype.kind != "O":
        return
    what = f"{who} an array of Python objects (dtype=object, shape {x.shape})"
    if any(isinstance(entry, TensorBase) for entry in x.flat):
        raise LostGradientError(
            f"{what} that holds tensors, and their gradients would be lost. Use {TO_BUILD}."
        )
    raise DtypeError(f"{what}, which has no gradient. If it holds numbers, use x.astype(float).")
