"""Leaving for plain NumPy and Python: never with a gradient lost in silence."""

from __future__ import annotations

import dis
import operator
from typing import Any

import numpy as np

from .callsite import scipy_asks, user_frame
from .errors import LostGradientError, TraceError
from .refusals import TO_BUILD
from .settings import settings
from .spec import ArraySpec

_INTO_ARRAY = "a conversion to a plain array (np.array, np.asarray, or assignment into an array)"
_INSTEAD_OF_ARRAY = (
    f"{TO_BUILD}, clearprop.tensor(array, requires_grad=False) as the array to assign into, or t.detach() "
    f"where no gradient is wanted"
)
_INSTEAD_OF_SCIPY = (
    "the function of this name in clearprop.scipy, if it is there (as in `from clearprop.scipy import "
    "special`), or t.detach() where no gradient is wanted"
)
_STORE_SUBSCR = dis.opmap["STORE_SUBSCR"]


def _is_array_assignment() -> bool:
    """Whether the user's line is running ``array[i] = ...``: NumPy asks for float(t) there, too."""
    frame = user_frame()
    return frame is not None and frame.f_code.co_code[frame.f_lasti] == _STORE_SUBSCR


class Conversions:
    """What turns a Tensor into a number, a list or an array."""

    __slots__ = ()
    value: Any
    requires_grad: bool

    @property
    def is_known(self) -> bool:
        """False while tracing, when there is a shape and a dtype but no number."""
        return type(self.value) is not ArraySpec

    def item(self, *args: Any) -> Any:
        """One number as a Python scalar: the only one, or the one at this place.

        Its gradient stays behind, which the name makes plain.
        """
        self._refuse_unknown("item()")
        return self.value.item(*args)

    def tolist(self) -> Any:
        """The numbers as (nested) Python lists."""
        self._refuse_unknown("tolist()")
        if self.requires_grad and settings.transforms:
            raise LostGradientError(
                "tolist() makes plain numbers, which have no gradient. Use list(t), whose entries are "
                "tensors, or t.detach().tolist() if you mean to drop the gradient."
            )
        return self.value.tolist()

    def numpy(self) -> Any:
        """The value as a read-only array; call `detach` first if it requires a gradient."""
        return self._plain("numpy()", ".detach().numpy()")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        instead = _INSTEAD_OF_SCIPY if scipy_asks() else _INSTEAD_OF_ARRAY
        if not self.is_known:
            raise TraceError(
                f"{_INTO_ARRAY} needs numbers, but while tracing only the spec {self.value} is known. Use "
                f"{instead}."
            )
        value = self._plain(_INTO_ARRAY, instead)
        return np.array(value, dtype=dtype, copy=copy)

    def __float__(self) -> float:
        return float(self._number("float(t)"))

    def __int__(self) -> int:
        return int(self._number("int(t)"))

    def __complex__(self) -> complex:
        return complex(self._number("complex(t)"))

    def __index__(self) -> int:
        self._refuse_unknown("an index")
        return operator.index(self.value)

    def __bool__(self) -> bool:
        self._refuse_unknown("the truth of a value (`if`, `while`, `and`, `or`)")
        return bool(self.value)

    def _number(self, what: str) -> Any:
        self._refuse_unknown(what)
        if self.requires_grad and _is_array_assignment():
            self._plain(_INTO_ARRAY, _INSTEAD_OF_ARRAY)
        if self.requires_grad and settings.transforms:
            raise LostGradientError(
                f"{what} makes a plain number, which has no gradient. Use NumPy's functions on the "
                f"tensor (np.sin, not math.sin), or t.item() if you mean to drop the gradient."
            )
        return self.value

    def _plain(self, what: str, instead: str) -> Any:
        self._refuse_unknown(what)
        if self.requires_grad:
            raise LostGradientError(
                f"{what} would drop the gradient of a tensor of shape {self.value.shape}. Use {instead}."
            )
        return self.value

    def _refuse_unknown(self, what: str) -> None:
        if not self.is_known:
            raise TraceError(
                f"{what} needs a number, but while tracing only the spec {self.value} is known. "
                f"Use np.where(condition, a, b) or np.maximum for a choice between values; make the "
                f"value an argument that is no array (an int, a bool, a string) to fix it when tracing."
            )
