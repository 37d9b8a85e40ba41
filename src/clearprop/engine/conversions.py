"""Conversions of Tensors to plain NumPy and Python values: a gradient that would be lost is an error."""

from __future__ import annotations

import copy
import operator
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callsite import is_assigning, library_asking
from ..errors import ClearpropError, LostGradientError, TraceError
from .array_types import AnyArray, DTypeLike, Number
from .arrays import TO_BUILD
from .settings import covered, transforms
from .spec import ArraySpec
from .tensor_parameters import asked_by, gradients_count, is_answered, refusal
from .truth import question

_INTO_ARRAY = "a conversion to a plain array (np.array, np.asarray, or assignment into an array)"
_INSTEAD_OF_ARRAY = (
    f"{TO_BUILD}, clearprop.tensor(array, requires_grad=False) as the array to assign into, or t.detach() "
    f"where no gradient is wanted"
)
_INSTEAD = {
    "scipy.sparse": "S.toarray() in the place of a sparse S, or compute with it in a @clearprop.block that "
    "brings its own gradient",
    "pandas": "np.asarray(x) in the place of a pandas object x: pandas has no place for tensors",
    "xarray": "x.data, which is the tensor, in the place of x.values",
}
"""By the library that asks for an array."""
_TO_PICK = "Use clearprop.tensor(x, requires_grad=False)[i] to pick from a plain array x"
_FOR_MATH = "NumPy's functions on the tensor (np.sin, not math.sin)"


class Conversions:
    """What turns a Tensor into a number, a list or an array."""

    __slots__ = ()
    if TYPE_CHECKING:  # Tensor has them
        value: AnyArray
        grad: AnyArray | None
        requires_grad: bool
        origin: Any
        primitive: Any

        def copy(self, order: str) -> AnyArray: ...
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]: ...
        @property
        def is_leaf(self) -> bool: ...
        @property
        def shape(self) -> tuple[int, ...]: ...

    @property
    def is_known(self) -> bool:
        """False while tracing, when there is a shape and a dtype but no number."""
        return type(self.value) is not ArraySpec

    def item(self, *args: int | tuple[int, ...]) -> Number:
        """Return one number as a Python scalar: the only one, or the one at this place.

        Raises
        ------
        LostGradientError : within a transform, where the number's gradient would be lost.
        """
        self._refuse_parameter(sys._getframe(1), "t.detach()", by_conversion=False)
        return self._read("item()", "t, or t[i] for one entry", "t.detach().item()").item(*args)

    def tolist(self) -> Number | list[Any]:
        """Return the numbers as (nested) Python lists.

        Raises
        ------
        LostGradientError : within a transform, where the numbers' gradients would be lost.
        """
        self._refuse_parameter(sys._getframe(1), "t.detach()", by_conversion=False)
        entries = "list(t), whose entries are tensors"
        return self._read("tolist()", entries, "t.detach().tolist()").tolist()

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return the value as a read-only array; call `detach` first if it requires a gradient."""
        return self._plain("numpy()", ".detach().numpy()")

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        asked = None
        if self.requires_grad or not self.is_known:
            asked = asked_by(self, sys._getframe(1), in_lists=False)
        if asked and is_answered(asked):
            raise refusal(asked, self, "t.detach()")
        library = library_asking() or (asked.library if asked else "")
        instead = _INSTEAD.get(library, _INSTEAD_OF_ARRAY)
        if not self.is_known:
            raise TraceError(
                f"{_INTO_ARRAY} needs numbers, but while tracing only the spec {self.value} is known. Use "
                f"{instead}."
            )
        value = self._plain(_INTO_ARRAY, instead)
        return np.array(value, dtype=dtype, copy=copy)

    def __float__(self) -> float:
        return float(self._for_c("float", sys._getframe(1)))

    def __int__(self) -> int:
        return int(self._for_c("int", sys._getframe(1)))

    def __complex__(self) -> complex:
        return complex(self._for_c("complex", sys._getframe(1)))

    def __index__(self) -> int:
        try:
            self._refuse_parameter(sys._getframe(1), "int(t.detach())")
            self._refuse_unknown("an index", _TO_PICK)
        except ClearpropError as error:
            if transforms.get():
                covered.set((error, self))
            raise
        return operator.index(self.value)

    def __bool__(self) -> bool:
        self._refuse_parameter(sys._getframe(1), "bool(t.detach())")
        if not self.is_known:
            what, instead = question()
            self._refuse_unknown(what, instead)
        return bool(self.value)

    def _for_c(self, kind: str, frame: FrameType) -> AnyArray:
        """Return the value for a conversion that C code may ask for, which puts errors of its own over ours.

        What runs the user's function brings ours out again. Where nothing does, `backward` has to.
        """
        try:
            self._refuse_parameter(frame, "t.detach()")
            if self.requires_grad and is_assigning(frame):
                self._plain(_INTO_ARRAY, _INSTEAD_OF_ARRAY)
            return self._read(f"{kind}(t)", _FOR_MATH, f"{kind}(t.detach())")
        except ClearpropError as error:
            asked = asked_by(self, frame)
            waits = asked and asked.library != "clearprop" and self.is_known
            if transforms.get() or waits:
                covered.set((error, self))
            if transforms.get() or not waits:
                raise
            return self.value

    def _read(self, what: str, instead: str, detached: str) -> AnyArray:
        self._refuse_unknown(what)
        if self.requires_grad and transforms.get():
            raise LostGradientError(
                f"{what} makes plain numbers, which have no gradient. Use {instead}, or {detached} if you "
                f"mean to drop the gradient."
            )
        return self.value

    def _refuse_parameter(
        self, frame: FrameType, detached: str, *, by_conversion: bool = True
    ) -> None:
        """Raise if it is a function that asks, to which this was given as a parameter."""
        if (self.requires_grad and gradients_count()) or not self.is_known:
            asked = asked_by(self, frame, by_conversion=by_conversion)
            if asked:
                raise refusal(asked, self, detached)

    def _plain(self, what: str, instead: str) -> AnyArray:
        self._refuse_unknown(what)
        if self.requires_grad:
            raise LostGradientError(
                f"{what} would drop the gradient of a tensor of shape {self.value.shape}. Use {instead}."
            )
        return self.value

    def _refuse_unknown(
        self,
        what: str,
        instead: str = "Use np.where(condition, a, b) or np.maximum for a choice between values",
    ) -> None:
        if not self.is_known:
            raise TraceError(
                f"{what} needs a number, but while tracing only the spec {self.value} is known. "
                f"{instead}; make the "
                f"value an argument that is no array (an int, a bool, a string) to fix it when tracing."
            )

    # ---- copies

    def __copy__(self) -> AnyArray:
        """Copy a leaf as another leaf; a result, and within a transform, as a copy that gradients pass
        through.
        """
        if self.primitive is not None or transforms.get():
            return self.copy("K")
        make, parts = self.__reduce__()
        return make(*parts)

    def __deepcopy__(self, memo: dict[int, Any]) -> AnyArray:
        """Return a leaf of its own with the same value and gradient, as in PyTorch; within a transform
        a copy.
        """
        if transforms.get():
            return self.copy("K")
        make, parts = self.__reduce__()
        return make(*copy.deepcopy(parts, memo))
