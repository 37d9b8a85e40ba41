"""Changes in place: a Tensor becomes another value, and what was computed from the old one does not notice.

There are two ways. What is recorded makes a new version: the Tensor takes the state of an operation's result,
its old state moves to a Tensor of its own, `before`, and users that are older than the change find it by its
number (`version_at`). The update of a parameter, or of a buffer of the user's, keeps nothing, so that a loop
does not fill the memory; a backward pass that would need the old value says so.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import PLAIN, numbers_of
from .errors import DtypeError, GradientError, ShapeError, UnsupportedError
from .primitive import NO_PARAMS, Primitive, primitives
from .settings import Origin, settings

next_number = count(1).__next__
"""A place in the order of making, later than all that were given out."""


class _Happened:
    """What has happened since the start, so that programs that change nothing in place never look for it."""

    __slots__ = ("changes", "versions", "windows", "windows_may_lag")

    def __init__(self) -> None:
        self.changes = self.versions = self.windows = self.windows_may_lag = False

    def note(self, *, changes: bool = False, versions: bool = False, windows: bool = False) -> None:
        self.changes = self.changes or changes
        self.versions = self.versions or versions
        self.windows = self.windows or windows
        self.windows_may_lag = self.changes and self.windows


happened = _Happened()


class Versions:
    """What a Tensor does to change in place."""

    __slots__ = ()

    if TYPE_CHECKING:  # Tensor has them
        before: Any
        grad: Any
        inputs: tuple[Any, ...]
        number: int
        origin: Origin | None
        params: Any
        primitive: Primitive | None
        requires_grad: bool
        value: Any

        @property
        def shape(self) -> tuple[int, ...]: ...
        @property
        def dtype(self) -> np.dtype[Any]: ...
        def astype(self, dtype: Any) -> Any: ...

    def _change(self, primitive: Primitive, other: Any) -> Any:
        """An operator in place; a parameter's update, which nothing records, without detours."""
        if self.primitive is None and not settings.grad_enabled and settings.plain:
            y = other.value if isinstance(other, Versions) else other
            value = primitive.forward(self.value, y)  # type: ignore[misc]
            old = self.value
            if type(value) is type(old) and value.shape == old.shape and value.dtype == old.dtype:
                return self._replace(value)
        if type(other) not in PLAIN and not isinstance(other, Versions):
            other = numbers_of(other, f"{primitive.name} got")
        new = primitive(self, other)
        if self.primitive is not None and type(self.value) is not np.ndarray and not self.shape:
            return new  # NumPy's numbers do not change, they are replaced
        return self._become(new)

    def _become(self, new: Any) -> Any:
        """Change in place: this object becomes `new`, which no one else has."""
        if new is self:
            return self
        if new.shape != self.shape:
            raise ShapeError(
                f"a change in place cannot turn shape {self.shape} into {new.shape}; "
                f"write t = t + v instead of t += v"
            )
        if new.dtype is not self.dtype and new.dtype != self.dtype:
            if not np.can_cast(new.dtype, self.dtype, "same_kind"):
                raise DtypeError(f"a change in place cannot turn {self.dtype} into {new.dtype}")
            new = new.astype(self.dtype)
        if self._is_parameter() and settings.grad_enabled:
            raise GradientError(
                "a leaf that requires a gradient was changed in place, which would change what its gradient "
                "means. Update parameters within clearprop.no_grad(); change a copy, t.copy(); or, for an "
                "array to be filled, make it with clearprop.tensor(array, requires_grad=False)."
            )
        if self.primitive is not None and self.primitive.view:
            if self.primitive is primitives.window and not self._is_number():
                return self._write_through(new)
            raise UnsupportedError(
                "this tensor is a window on another one (a reshape or a transpose), and in NumPy the change "
                "would reach that one, too. Assign into the whole tensor, or take a copy first: t.T.copy()."
            )
        return self._turn_into(new)

    def _become_result(self, result: Any, since: int) -> Any:
        """Take in what a function was asked to write here (`out=`); copied if it is older than the call."""
        if not isinstance(result, Versions):
            result = type(self)(np.array(result)[()], None, (), NO_PARAMS, False)  # type: ignore[call-arg]
        elif result.number < since:
            result = primitives.copy(result)
        if result.shape != self.shape:
            result = np.broadcast_to(result, self.shape)
        return self._become(result)

    def _is_parameter(self) -> bool:
        """Whether this is a leaf whose gradient a user may ask for; what a transform made serves it alone."""
        return self.primitive is None and self.requires_grad and self.number < settings.began

    def _keeps_old_values(self) -> bool:
        """Whether what is overwritten may still be needed, and will be forgotten with what needs it."""
        if self.primitive is not None or hasattr(self, "before"):
            return True
        return settings.grad_enabled and self.number >= settings.began

    def _turn_into(self: Any, new: Any) -> Any:
        if new.primitive is None and not self._keeps_old_values():
            return self._replace(new.value)
        happened.note(changes=True, versions=True)
        kind: Any = type(self)
        before = kind.__new__(kind)
        for slot in kind.__slots__:
            if hasattr(self, slot):
                setattr(before, slot, getattr(self, slot))
        before.origin = self.origin and Origin(None, self.origin.line, self.origin.scope)
        self.value, self.primitive, self.params = new.value, new.primitive, new.params
        self.inputs = tuple(before if x is self else x for x in new.inputs)
        self.number, self.requires_grad = new.number, new.requires_grad
        self.origin = new.origin
        self.grad = None
        self.before = before
        return self

    def _replace(self: Any, value: Any) -> Any:
        happened.note(changes=True)
        if type(value) is np.ndarray:
            value.setflags(write=False)
        self.value, self.number = value, next_number()
        if happened.versions and hasattr(self, "before"):  # no longer what it was before this
            del self.before
        return self

    def _write_through(self, new: Any) -> Any:
        """Change a slice in place: as in NumPy, what it is a slice of changes with it."""
        base, index = self.inputs[0], self.params["index"]
        base._become(primitives.assign(base, new, index=index))
        if new.primitive is None:  # not recorded
            return self._replace(new.value)
        return self._turn_into(primitives.window(base, index=index))

    def _is_number(self) -> bool:
        """Whether this is an entry taken out, as in t[0]: in NumPy that is a copy, no window."""
        return (
            self.primitive is primitives.window
            and not self.shape
            and ... not in self.params["index"]
        )


def version_at(x: Any, number: float) -> Any:
    """What `x` was when the operation of this `number` used it: inputs are older than their users."""
    while x.number >= number:
        if not hasattr(x, "before"):
            raise GradientError(
                "a tensor that the backward pass needs was changed in place after it was used. "
                "Call backward() before updating parameters, or change a copy: t.copy()."
            )
        x = x.before
    return x


def check_windows(inputs: tuple[Any, ...]) -> None:
    """Refuse a window that NumPy would have seen change under its hands."""
    for x in inputs:
        if lags(x):
            raise UnsupportedError(
                f"this tensor of shape {x.shape} is a window (a slice, a reshape or a transpose) on one "
                f"that was changed in place since; NumPy would show the new values. Take it again now."
            )


def lags(x: Any) -> bool:
    """Whether `x` is a window on a Tensor that was changed in place since."""
    while isinstance(x, Versions) and x.primitive and x.primitive.view and not x._is_number():
        base = x.inputs[0]
        if isinstance(base, Versions) and base.number > x.number:
            return True
        x = base
    return False
