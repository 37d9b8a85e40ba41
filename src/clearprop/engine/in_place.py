"""Changes in place: a Tensor becomes another value, and what was computed from the old one does not notice.

There are two ways. What is recorded makes a new version: the Tensor takes the state of an operation's result,
its old state moves to a Tensor of its own, `before`, and users that are older than the change find it by its
number (`version_at`). The update of a parameter, or of a buffer of the user's, keeps nothing, so that a loop
does not fill the memory; a backward pass that would need the old value says so.

A *view* shows memory of another Tensor, its base. To write to it is to write to the base, by the record's
`put`; after the base has changed, the view is taken again when it is next used.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..errors import DtypeError, GradientError, ShapeError, UnsupportedError
from .array_types import AnyArray, DType, DTypeLike, Params
from .arrays import PLAIN, numbers_of
from .primitive import NO_PARAMS, Primitive, primitives
from .recorder import Origin, noted
from .settings import began, happened, no_grads, sealed, switched
from .view_or_copy import laid_out_like, shows_memory

_no_grads, _noted = no_grads.get, noted.get
next_number = count(1).__next__
"""A place in the order of making, later than all that were given out."""


class Versions:
    """What a Tensor does to change in place."""

    __slots__ = ()

    if TYPE_CHECKING:  # Tensor has them
        before: AnyArray
        grad: AnyArray | None
        inputs: tuple[AnyArray, ...]
        number: int
        origin: Origin | None
        params: Params
        primitive: Primitive | None
        requires_grad: bool
        _value: AnyArray

        @property
        def value(self) -> AnyArray: ...
        @property
        def shape(self) -> tuple[int, ...]: ...
        @property
        def dtype(self) -> DType: ...
        def astype(self, dtype: DTypeLike) -> AnyArray: ...

    def _change(self, primitive: Primitive, other: AnyArray) -> AnyArray:
        """Apply an operator in place; a parameter's update, which nothing records, without detours."""
        if self.primitive is None and _no_grads() and _noted() is None:
            old, y = self._value, other.value if isinstance(other, Versions) else other
            value = primitive.forward(old, y)
            if type(value) is type(old) and value.shape == old.shape and value.dtype == old.dtype:
                return self._replace(laid_out_like(old, value) if value.ndim > 1 else value)
        if type(other) not in PLAIN and not isinstance(other, Versions):
            other = numbers_of(other, f"{primitive.name} got")
        new = primitive(self, other)
        if self.primitive is not None and self._is_number():
            return new  # NumPy's numbers do not change, they are replaced
        return self._become(new)

    def _become(self, new: AnyArray) -> AnyArray:
        """Change in place: this object becomes `new`, which no one else has."""
        if new is self:
            return self
        if self.number < sealed.get():
            raise UnsupportedError(
                "a step of a loop, or a branch, changed an array in place that it was not given. It is "
                "traced once, however often it runs. Change a copy and return it: y = x.copy(); y[i] = v; "
                "return y"
            )
        if new.shape != self.shape:
            raise ShapeError(
                f"a change in place cannot turn shape {self.shape} into {new.shape}; "
                f"write t = t + v instead of t += v"
            )
        if new.dtype is not self.dtype and new.dtype != self.dtype:
            if not np.can_cast(new.dtype, self.dtype, "same_kind"):
                raise DtypeError(f"a change in place cannot turn {self.dtype} into {new.dtype}")
            new = new.astype(self.dtype)
        if self._is_parameter() and not _no_grads():
            raise GradientError(
                "a leaf that requires a gradient was changed in place, which would change what its gradient "
                "means. Update parameters within clearprop.no_grad(); change a copy, t.copy(); or, for an "
                "array to be filled, make it with clearprop.tensor(array, requires_grad=False)."
            )
        if self._is_view():
            base, put = self.inputs[0], cast(Primitive, self.primitive).put
            base._become(put(base, new, **self.params))  # type: ignore[misc]
            return self
        if self.primitive is primitives.slice and self._is_number():
            raise UnsupportedError(
                "this is a number, taken out of an array as in t[0], and numbers do not change in place. "
                "Assign into the array, t[0] = v, or take a view without axes, t[0, ...]."
            )
        if new.primitive is not None and new.primitive.put is not None:
            new = primitives.copy(new)  # what was changed is no view itself
        if new.primitive is None and not self._keeps_old_values():
            return self._replace(laid_out_like(self._value, new._value))
        return self._turn_into(new, laid_out_like(self._value, new._value))

    def _become_result(self, result: AnyArray, since: int) -> AnyArray:
        """Take in what a function was asked to write here (`out=`); copied if it is older than the call."""
        if not isinstance(result, Versions):
            result = type(self)(np.array(result)[()], None, (), NO_PARAMS, False)  # type: ignore[call-arg]
        elif result.number < since:
            result = primitives.copy(result)
        if result.shape != self.shape:
            result = np.broadcast_to(result, self.shape)
        return self._become(result)

    def _is_parameter(self) -> bool:
        """Return whether this is a leaf whose gradient a user may ask for; what a transform made
        serves it alone.
        """
        return self.primitive is None and self.requires_grad and self.number < began.get()

    def _keeps_old_values(self) -> bool:
        """Return whether what is overwritten may still be needed, and will be forgotten with what
        needs it.
        """
        if self.primitive is not None or hasattr(self, "before"):
            return True
        return not _no_grads() and self.number >= began.get()

    def _turn_into(self: AnyArray, new: AnyArray, value: AnyArray) -> AnyArray:
        happened.note(changes=True, versions=True)
        kind: Any = type(self)
        before = kind.__new__(kind)
        for slot in kind.__slots__:
            if hasattr(self, slot):
                setattr(before, slot, getattr(self, slot))
        before.origin = self.origin and Origin(None, self.origin.line, self.origin.scope)
        before.is_past = True
        self._value, self.primitive, self.params = value, new.primitive, new.params
        self.inputs = tuple(before if x is self else x for x in new.inputs)
        self.number, self.requires_grad = new.number, new.requires_grad
        self.origin = new.origin
        self.grad = None
        self.before = before
        return self

    def _replace(self: AnyArray, value: AnyArray) -> AnyArray:
        happened.note(changes=True)
        if type(value) is np.ndarray:
            value.setflags(write=False)
        self._value, self.number = value, next_number()
        if happened.versions and hasattr(self, "before"):  # no longer what it was before this
            del self.before
        return self

    # ---- views

    def _is_number(self) -> bool:
        """Return whether NumPy has a number here, as in t[0]: those are copies, and no array has
        views on them.
        """
        if self.shape:
            return False
        if self.primitive is None or self.primitive.put is None:
            return type(self._value) is not np.ndarray
        if self.primitive is primitives.slice:
            return ... not in self.params["index"]
        base = self.inputs[0]
        return not isinstance(base, Versions) or base._is_number()

    def _is_view(self) -> bool:
        """Return whether this shows the memory of another Tensor: what one of them becomes, so does
        the other.
        """
        if self.primitive is None or self.primitive.put is None or hasattr(self, "is_past"):
            return False
        base = self.inputs[0]
        if not isinstance(base, Versions) or base._is_number() or self._is_number():
            return False
        return shows_memory(self)

    def _take_again(self) -> None:
        """See what has become of the memory that this view shows."""
        base = self.inputs[0]
        if lags(base):
            base._take_again()
        if base.number < self.number or not self._is_view():
            return
        then = base
        while then.number > self.number and hasattr(then, "before"):
            then = then.before
        taken_without_gradient = then.requires_grad and not self.requires_grad
        with switched(no_grads, (self,) if taken_without_gradient else ()):
            new = self.primitive(base, **self.params)  # type: ignore[misc]
        if hasattr(base, "before"):
            self._turn_into(new, new._value)
        else:
            self._replace(new._value)


def version_at(x: AnyArray, number: float) -> AnyArray:
    """Return what `x` was when the operation of this `number` used it: inputs are older than their users."""
    while x.number >= number:
        if not hasattr(x, "before"):
            raise GradientError(
                "a tensor that the backward pass needs was changed in place after it was used. "
                "Call backward() before updating parameters, or change a copy: t.copy()."
            )
        x = x.before
    return x


def refresh(values: Iterable[AnyArray]) -> None:
    """Take views again whose bases changed since, so that they show what NumPy's would."""
    for x in values:
        if lags(x):
            x._take_again()


def lags(x: AnyArray) -> bool:
    """Return whether `x` is a view on a Tensor that was changed in place since."""
    looked_at = x
    while isinstance(x, Versions) and x.primitive is not None and x.primitive.put is not None:
        base = x.inputs[0]
        if isinstance(base, Versions) and base.number > x.number:
            return _is_view_on(looked_at, base)
        x = base
    return False


def _is_view_on(x: AnyArray, base: AnyArray) -> bool:
    """Return whether all between `x` and what it was made from are views, and no copies."""
    while x is not base:
        if not x._is_view():
            return False
        x = x.inputs[0]
    return True
