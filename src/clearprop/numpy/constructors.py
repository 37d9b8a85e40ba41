"""What makes arrays: of lists that hold Tensors, and to be filled with Tensors.

Inside a transform or a trace, arrays of floating numbers that are made here are Tensors without a gradient
of their own, so that what is assigned into them keeps its gradient. Elsewhere they are NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..arrays import holds_tensor, joined
from ..errors import DtypeError, LostGradientError, TraceError
from ..settings import transforms
from ..spec import is_floating
from ..tensor import Tensor, tensor

__all__ = ["array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray"]
__all__ += ["asfortranarray", "empty_like", "full", "full_like", "ones_like", "zeros_like"]

REFUSED = (LostGradientError, TraceError, ValueError, TypeError)
"""What NumPy's functions raise where a list holds Tensors."""


is_watched = transforms.get
"""Whether a transform or a trace runs: outside of them, asking is all that this module costs."""


def fillable(numbers: Any) -> Any:
    """A new array as it is to be handed out: within a transform or a trace, one that Tensors can fill."""
    if is_watched() and type(numbers) is np.ndarray and is_floating(numbers.dtype):
        return tensor(numbers, requires_grad=False)
    return numbers


def _making(function: Callable[..., Any]) -> Callable[..., Any]:
    """One of NumPy's functions that make a new array of numbers."""

    @wraps(function)
    def make(*args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs) if kwargs else function(*args)
        return fillable(made) if is_watched() else made

    return make


MAKING = {
    name: _making(getattr(np, name))
    for name in (
        *("zeros", "ones", "empty", "eye", "identity", "tri"),
        *("arange", "linspace", "logspace", "geomspace"),
    )
}
"""NumPy's functions that make arrays of numbers, by name."""


def _converting(function: Callable[..., Any], ndmin: int = 0) -> Callable[..., Any]:
    """One of NumPy's functions that make an array of something: of what holds Tensors, a Tensor."""

    @wraps(function)
    def convert(*args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) is Tensor:
            return _converted(*args, **{"ndmin": ndmin, **kwargs})
        try:
            return function(*args, **kwargs) if kwargs else function(*args)
        except REFUSED:
            if not holds_tensor(args[:1]):
                raise
        return _converted(*args, **{"ndmin": ndmin, **kwargs})

    return convert


def _converted(
    object: Any, dtype: Any = None, order: Any = None, *, ndmin: int = 0, **options: Any
) -> Any:
    """What holds a Tensor, as one Tensor; NumPy's other options have no meaning for Tensors."""
    if dtype is not None and np.dtype(dtype).kind not in "biufc":
        raise DtypeError(
            f"np.array: tensors hold numbers, so there is none of dtype {np.dtype(dtype)}"
        )
    result = joined(object)
    if dtype is not None:
        result = result.astype(dtype)
    if result.ndim < ndmin:
        result = result.reshape((1,) * (ndmin - result.ndim) + result.shape)
    return result


asarray, asanyarray = _converting(np.asarray), _converting(np.asanyarray)
ascontiguousarray = _converting(np.ascontiguousarray, 1)
asfortranarray = _converting(np.asfortranarray, 1)


@wraps(np.array, assigned=())  # for its signature
def array(*args: Any, **kwargs: Any) -> Any:
    """`numpy.array`, also of Tensors and of nested lists that hold some: then the result is a Tensor.

    Parameters
    ----------
    object : anything that NumPy takes; Tensors in nested lists or tuples, or in an array of objects, are
        joined with the numbers beside them
    dtype : by default what NumPy would choose
    copy : with True the result is another Tensor than `object`
    ndmin : axes of size one are put in front until there are as many
    order, subok, ndmax, like : NumPy's, without meaning for Tensors

    Raises
    ------
    ShapeError : the entries have different shapes. DtypeError : `dtype` is not a number's.

    >>> import clearprop
    >>> x = clearprop.tensor([1.0, 2.0])
    >>> y = array([[x[0], 0], [3, x[1]]])
    >>> y.sum().backward()
    >>> print(y, x.grad)
    [[1. 0.]
     [3. 2.]] [1. 1.]
    """
    if not (args and type(args[0]) is Tensor):
        try:
            made = np.array(*args, **kwargs) if kwargs else np.array(*args)
            return fillable(made) if is_watched() else made
        except REFUSED:
            if not holds_tensor(args[:1]):
                raise
    result = _converted(*args, **kwargs)
    return result.copy() if kwargs.get("copy", True) and result is args[0] else result


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """`numpy.asarray_chkfinite`: like `asarray`, a ValueError where a number is infinite or NaN."""
    if not holds_tensor(a):
        return np.asarray_chkfinite(a, dtype, order)
    result = array(a, dtype, copy=None)
    if not np.all(np.isfinite(result)):
        raise ValueError("array must not contain infs or NaNs")
    return result


def _quickly(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: NumPy's function itself where the arguments are plain at first sight."""

    def with_ours(ours: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(ours)
        def make(*args: Any, **kwargs: Any) -> Any:
            if kwargs or type(args[-1]) not in _PLAIN:
                return ours(*args, **kwargs)
            first = args[0]
            if type(first) not in _PLAIN or (type(first) is np.ndarray and first.dtype.hasobject):
                return ours(*args)
            return fillable(function(*args)) if is_watched() else function(*args)

        return make

    return with_ours


_PLAIN = frozenset([np.ndarray, int, float, np.float64])


@_quickly(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.full`; a Tensor as the `fill_value` gets the gradients of all its copies."""
    if not holds_tensor(fill_value):
        return fillable(np.full(shape, fill_value, dtype, **options))
    return np.broadcast_to(array(fill_value, dtype), shape).copy()


@_quickly(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.full_like`; a Tensor as the `fill_value` gets the gradients of all its copies."""
    if not holds_tensor(fill_value):
        return _like(np.full_like, a, fill_value, dtype=dtype, **options)
    model, value = asarray(a), array(fill_value)
    if dtype is None and not np.can_cast(value.dtype, model.dtype, "same_kind"):
        raise DtypeError(
            f"np.full_like: {value.dtype} numbers in an array of {model.dtype} would lose their gradient; "
            f"say dtype=float"
        )
    return full(options.get("shape") or model.shape, value, dtype or model.dtype)


@_quickly(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.zeros_like`; of Tensors, one of constants that may be assigned into."""
    return _like(np.zeros_like, a, dtype=dtype, **options)


@_quickly(np.ones_like)
def ones_like(a: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.ones_like`; of Tensors, one of constants that may be assigned into."""
    return _like(np.ones_like, a, dtype=dtype, **options)


@_quickly(np.empty_like)
def empty_like(a: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.empty_like`; of Tensors, one of constants that may be assigned into."""
    return _like(np.empty_like, a, dtype=dtype, **options)


def _like(constructor: Callable[..., Any], a: Any, *args: Any, dtype: Any, **options: Any) -> Any:
    if not holds_tensor(a):
        return fillable(constructor(a, *args, dtype=dtype, **options))
    model = asarray(a)
    example = np.empty((0,) * model.ndim, model.dtype)
    shape = options.pop("shape", model.shape)
    numbers = constructor(example, *args, dtype=dtype, shape=shape, **options)
    return tensor(numbers, requires_grad=False)
