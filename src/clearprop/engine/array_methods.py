"""The operators, methods and attributes that a Tensor shares with NumPy's arrays.

Each one is a NumPy function under another name, so it is answered through the same table.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DtypeError, UnsupportedError
from .array_types import (
    AnyArray,
    ArrayLike,
    AxesLike,
    Casting,
    DType,
    DTypeLike,
    IndexLike,
    Params,
    Shape,
    ShapeLike,
)
from .arrays import PLAIN, TO_BUILD, numbers_of, refuse_objects
from .bundle import Bundle
from .flat_iterator import Flat
from .primitive import Primitive, numpy_table, primitives


class ArrayMethods:
    """What `Tensor` has of `numpy.ndarray`; results are Tensors.

    They are annotated as `AnyArray`, since by NumPy's stubs its functions make plain ndarrays of Tensors.
    """

    __slots__ = ()
    __hash__ = object.__hash__

    if TYPE_CHECKING:  # the records of the primitives install these, or Tensor has them
        inputs: tuple[AnyArray, ...]
        params: Params
        primitive: Primitive | None
        value: AnyArray

        def __add__(self, other: ArrayLike) -> AnyArray: ...
        def __radd__(self, other: ArrayLike) -> AnyArray: ...
        def __sub__(self, other: ArrayLike) -> AnyArray: ...
        def __rsub__(self, other: ArrayLike) -> AnyArray: ...
        def __mul__(self, other: ArrayLike) -> AnyArray: ...
        def __rmul__(self, other: ArrayLike) -> AnyArray: ...
        def __truediv__(self, other: ArrayLike) -> AnyArray: ...
        def __rtruediv__(self, other: ArrayLike) -> AnyArray: ...
        def __pow__(self, other: ArrayLike) -> AnyArray: ...
        def __rpow__(self, other: ArrayLike) -> AnyArray: ...
        def __matmul__(self, other: ArrayLike) -> AnyArray: ...
        def __rmatmul__(self, other: ArrayLike) -> AnyArray: ...
        def __mod__(self, other: ArrayLike) -> AnyArray: ...
        def __rmod__(self, other: ArrayLike) -> AnyArray: ...
        def __floordiv__(self, other: ArrayLike) -> AnyArray: ...
        def __rfloordiv__(self, other: ArrayLike) -> AnyArray: ...
        def __neg__(self) -> AnyArray: ...
        def __pos__(self) -> AnyArray: ...
        def __abs__(self) -> AnyArray: ...
        def __lt__(self, other: ArrayLike) -> AnyArray: ...
        def __le__(self, other: ArrayLike) -> AnyArray: ...
        def __gt__(self, other: ArrayLike) -> AnyArray: ...
        def __ge__(self, other: ArrayLike) -> AnyArray: ...
        def __eq__(self, other: object) -> AnyArray: ...
        def __ne__(self, other: object) -> AnyArray: ...
        def __and__(self, other: ArrayLike) -> AnyArray: ...
        def __rand__(self, other: ArrayLike) -> AnyArray: ...
        def __or__(self, other: ArrayLike) -> AnyArray: ...
        def __ror__(self, other: ArrayLike) -> AnyArray: ...
        def __xor__(self, other: ArrayLike) -> AnyArray: ...
        def __rxor__(self, other: ArrayLike) -> AnyArray: ...
        def __lshift__(self, other: ArrayLike) -> AnyArray: ...
        def __rlshift__(self, other: ArrayLike) -> AnyArray: ...
        def __rshift__(self, other: ArrayLike) -> AnyArray: ...
        def __rrshift__(self, other: ArrayLike) -> AnyArray: ...
        def __invert__(self) -> AnyArray: ...
        def _refuse_parameter(
            self, frame: FrameType, detached: str, *, by_conversion: bool = True
        ) -> None: ...
        def _change(self, primitive: Primitive, other: AnyArray) -> AnyArray: ...
        def _become(self, new: AnyArray) -> AnyArray: ...
        @property
        def dtype(self) -> DType: ...
        @property
        def shape(self) -> Shape: ...
        @property
        def size(self) -> int: ...

    def __divmod__(self, other: ArrayLike) -> tuple[AnyArray, AnyArray]:
        return np.divmod(self, other)  # type: ignore[call-overload]

    def __rdivmod__(self, other: ArrayLike) -> tuple[AnyArray, AnyArray]:
        return np.divmod(other, self)  # type: ignore[call-overload]

    def __round__(self, ndigits: int | None = None) -> AnyArray:
        return self.round(ndigits or 0)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[AnyArray]:
        if type(self.value) is Bundle:
            count = len(self.value)
            return (primitives.element(self, index=i, count=count) for i in range(count))
        if not self.shape:
            self._refuse_parameter(sys._getframe(1), "t.detach()")
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, index: IndexLike) -> AnyArray:
        return numpy_table[operator.getitem](self, index)

    def __setitem__(self, index: IndexLike, value: ArrayLike) -> None:
        if type(value) not in PLAIN:
            value = numbers_of(value, "assign got")
        refuse_objects(value, "assign got")
        self._become(numpy_table[operator.setitem](self, index, value))

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if hasattr(type(self), name)]

    # ---- methods that NumPy arrays have

    @property
    def T(self) -> AnyArray:
        return numpy_table[np.transpose](self)

    @property
    def mT(self) -> AnyArray:
        return numpy_table[np.swapaxes](self, -1, -2)

    @property
    def real(self) -> AnyArray:
        return numpy_table[np.real](self)

    @real.setter
    def real(self, value: ArrayLike) -> None:
        self.real[...] = value

    @property
    def imag(self) -> AnyArray:
        return numpy_table[np.imag](self)

    @imag.setter
    def imag(self, value: ArrayLike) -> None:
        self.imag[...] = value

    def conj(self) -> AnyArray:
        return numpy_table[np.conjugate](self)

    conjugate = conj

    def sum(
        self,
        axis: AxesLike = None,
        dtype: DTypeLike = None,
        *,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike = True,
    ) -> AnyArray:
        return numpy_table[np.sum](
            self, axis, dtype, keepdims=keepdims, initial=initial, where=where
        )

    def prod(
        self,
        axis: AxesLike = None,
        dtype: DTypeLike = None,
        *,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike = True,
    ) -> AnyArray:
        return numpy_table[np.prod](
            self, axis, dtype, keepdims=keepdims, initial=initial, where=where
        )

    def cumsum(self, axis: int | None = None, dtype: DTypeLike = None) -> AnyArray:
        return numpy_table[np.cumsum](self, axis, dtype)

    def cumprod(self, axis: int | None = None, dtype: DTypeLike = None) -> AnyArray:
        return numpy_table[np.cumprod](self, axis, dtype)

    def mean(
        self,
        axis: AxesLike = None,
        dtype: DTypeLike = None,
        *,
        keepdims: bool = False,
        where: ArrayLike = True,
    ) -> AnyArray:
        return numpy_table[np.mean](self, axis, dtype, keepdims=keepdims, where=where)

    def var(
        self,
        axis: AxesLike = None,
        dtype: DTypeLike = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
        where: ArrayLike = True,
        mean: ArrayLike | None = None,
    ) -> AnyArray:
        return numpy_table[np.var](
            self, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean
        )

    def std(
        self,
        axis: AxesLike = None,
        dtype: DTypeLike = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
        where: ArrayLike = True,
        mean: ArrayLike | None = None,
    ) -> AnyArray:
        return numpy_table[np.std](
            self, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean
        )

    def max(
        self,
        axis: AxesLike = None,
        *,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike = True,
    ) -> AnyArray:
        return numpy_table[np.max](self, axis, keepdims=keepdims, initial=initial, where=where)

    def min(
        self,
        axis: AxesLike = None,
        *,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike = True,
    ) -> AnyArray:
        return numpy_table[np.min](self, axis, keepdims=keepdims, initial=initial, where=where)

    def all(
        self, axis: AxesLike = None, *, keepdims: bool = False, where: ArrayLike = True
    ) -> AnyArray:
        return numpy_table[np.all](self, axis, keepdims=keepdims, where=where)

    def any(
        self, axis: AxesLike = None, *, keepdims: bool = False, where: ArrayLike = True
    ) -> AnyArray:
        return numpy_table[np.any](self, axis, keepdims=keepdims, where=where)

    def argmax(self, axis: AxesLike = None, *, keepdims: bool = False) -> AnyArray:
        return numpy_table[np.argmax](self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: AxesLike = None, *, keepdims: bool = False) -> AnyArray:
        return numpy_table[np.argmin](self, axis=axis, keepdims=keepdims)

    def clip(self, min: ArrayLike | None = None, max: ArrayLike | None = None) -> AnyArray:
        return numpy_table[np.clip](self, min, max)

    def round(self, decimals: int = 0) -> AnyArray:
        return numpy_table[np.round](self, decimals)

    def dot(self, other: ArrayLike) -> AnyArray:
        return numpy_table[np.dot](self, other)

    def reshape(self, *shape: ShapeLike, order: str = "C", copy: bool | None = None) -> AnyArray:
        return numpy_table[np.reshape](
            self, shape[0] if len(shape) == 1 else shape, order, copy=copy
        )

    def ravel(self, order: str = "C") -> AnyArray:
        return numpy_table[np.ravel](self, order)

    def flatten(self, order: str = "C") -> AnyArray:
        return self.ravel(order).copy()

    @property
    def flat(self) -> Flat:
        """The numbers in one row, to read, to write and to loop over."""
        return Flat(self)

    @flat.setter
    def flat(self, value: ArrayLike) -> None:
        if self.size:
            self[...] = np.resize(value, self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    def transpose(self, *axes: AxesLike) -> AnyArray:
        return numpy_table[np.transpose](self, (axes[0] if len(axes) == 1 else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> AnyArray:
        return numpy_table[np.swapaxes](self, axis1, axis2)

    def squeeze(self, axis: AxesLike = None) -> AnyArray:
        return numpy_table[np.squeeze](self, axis)

    def astype(
        self, dtype: DTypeLike, *, casting: Casting = "unsafe", copy: bool = True
    ) -> AnyArray:
        if casting != "unsafe" and not np.can_cast(self.dtype, np.dtype(dtype), casting):
            raise DtypeError(
                f"astype: casting={casting!r} does not allow to make {np.dtype(dtype)} of {self.dtype}"
            )
        return numpy_table[np.astype](self, dtype, copy=copy)

    def copy(self, order: str = "C") -> AnyArray:
        return numpy_table[np.copy](self, order)

    def clone(self) -> AnyArray:
        return primitives.copy(self)

    def view(self, *args: DTypeLike, **kwargs: DTypeLike) -> AnyArray:
        if not kwargs and args in ((), (np.ndarray,)):
            return self[...]
        raise UnsupportedError(
            "view: the bytes of a tensor read as other numbers have no gradient. To convert the numbers, "
            "use t.astype(dtype); for another shape, t.reshape(shape)."
        )

    # ---- parts and their order

    def repeat(self, repeats: ArrayLike, axis: int | None = None) -> AnyArray:
        return numpy_table[np.repeat](self, repeats, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> AnyArray:
        return numpy_table[np.diagonal](self, offset, axis1, axis2)

    def trace(
        self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike = None
    ) -> AnyArray:
        return numpy_table[np.trace](self, offset, axis1, axis2, dtype)

    def take(self, indices: ArrayLike, axis: int | None = None, *, mode: str = "raise") -> AnyArray:
        return numpy_table[np.take](self, indices, axis, mode=mode)

    def compress(self, condition: ArrayLike, axis: int | None = None) -> AnyArray:
        return numpy_table[np.compress](condition, self, axis)

    def choose(self, choices: Sequence[ArrayLike], *, mode: str = "raise") -> AnyArray:
        return numpy_table[np.choose](self, choices, mode=mode)

    def nonzero(self) -> tuple[AnyArray, ...]:
        return numpy_table[np.nonzero](self)

    def searchsorted(
        self, v: ArrayLike, side: str = "left", sorter: ArrayLike | None = None
    ) -> AnyArray:
        return numpy_table[np.searchsorted](self, v, side, sorter)

    def argsort(
        self, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None
    ) -> AnyArray:
        return numpy_table[np.argsort](self, axis, kind, stable=stable)

    def argpartition(self, kth: int | Sequence[int], axis: int | None = -1) -> AnyArray:
        return numpy_table[np.argpartition](self, kth, axis)

    def sort(self, axis: int = -1, kind: str | None = None, *, stable: bool | None = None) -> None:
        self._become(numpy_table[np.sort](self, axis))

    def partition(self, kth: int | Sequence[int], axis: int = -1) -> None:
        self._become(numpy_table[np.partition](self, kth, axis))

    def fill(self, value: ArrayLike) -> None:
        self[...] = value

    def put(self, indices: ArrayLike, values: ArrayLike, mode: str = "raise") -> None:
        numpy_table[np.put](self, indices, values, mode)


class _NotAMethod:
    """What users ask Tensors for by another library's name: an AttributeError that says what to write.

    NumPy looks for a method of a ufunc's name when it is to compute with an array of objects. A descriptor,
    since ``__getattr__`` would slow every attribute of a Tensor down.
    """

    def __init__(self, name: str, instead: str) -> None:
        self.name = name
        self.instead = instead

    def __get__(self, instance: Any, owner: type) -> Any:
        raise AttributeError(
            f"a tensor has no {self.name!r}; {self.instead}", name=self.name, obj=instance
        )

    def __set__(self, instance: Any, value: Any) -> None:
        self.__get__(instance, type(instance))


_TO_CONVERT = "to convert the numbers: t.astype(dtype)"
_TO_CHANGE = "operators change in place (t += v), within clearprop.no_grad() also parameters"
_TORCH = {
    "data": f"to read the numbers: t.value; {_TO_CHANGE}",
    "t": "NumPy's is t.T",
    "mm": "NumPy's is a @ b",
    "bmm": "NumPy's is a @ b",
    "mv": "NumPy's is a @ b",
    "unsqueeze": "NumPy's is np.expand_dims(t, axis)",
    "permute": "NumPy's is t.transpose(axes)",
    "expand": "NumPy's is np.broadcast_to(t, shape)",
    "unfold": "NumPy's is np.lib.stride_tricks.sliding_window_view(t, size, axis)",
    "dim": "NumPy's is t.ndim",
    "numel": "NumPy's is t.size",
    "clamp": "NumPy's is t.clip(min, max)",
    "norm": "NumPy's is np.linalg.norm(t)",
    "masked_fill": "NumPy's is np.where(mask, value, t)",
    "index_select": "NumPy's is t.take(indices, axis)",
    "flip": "NumPy's is np.flip(t, axis)",
    "relu": "write clearprop.relu(t)",
    "sigmoid": "write clearprop.sigmoid(t)",
    "softmax": "write clearprop.softmax(t, axis)",
    "log_softmax": "write clearprop.log_softmax(t, axis)",
    "logsumexp": "write clearprop.logsumexp(t, axis)",
    "float": _TO_CONVERT,
    "double": _TO_CONVERT,
    "long": _TO_CONVERT,
    "to": f"everything is on the CPU; {_TO_CONVERT}",
    "cpu": "everything is on the CPU, so leave it out",
    "cuda": "everything is on the CPU, so leave it out",
    "add_": _TO_CHANGE,
    "sub_": _TO_CHANGE,
    "mul_": _TO_CHANGE,
    "div_": _TO_CHANGE,
    "zero_": "write t.fill(0)",
    "fill_": "write t.fill(value)",
    "copy_": "write t[...] = value",
}
"""What PyTorch's tensors have, and what to write here."""

for _name, _instead in _TORCH.items():
    setattr(ArrayMethods, _name, _NotAMethod(_name, _instead))
for _name, _value in vars(
    np
).items():  # `dir` would name, and getattr then import, what NumPy loads late
    if isinstance(_value, np.ufunc) and _name not in vars(ArrayMethods):
        _instead = f"NumPy's function is np.{_name}(t). To compute with an array of tensors, use {TO_BUILD}"
        setattr(ArrayMethods, _name, _NotAMethod(_name, _instead))
