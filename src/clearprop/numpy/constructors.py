"""What makes arrays: of lists that hold Tensors, and to be filled with Tensors.

Inside a transform or a trace, arrays of floating numbers that are made here are Tensors without a gradient
of their own, so that what is assigned into them keeps its gradient. Elsewhere they are NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np

from ..engine.array_types import AnyArray, ArrayLike, DTypeLike, ShapeLike
from ..engine.arrays import holds_tensor, joined
from ..engine.settings import transforms
from ..engine.spec import is_floating
from ..engine.tensor import Tensor, tensor
from ..errors import DtypeError
from .forwarding import forwarding, instead

__all__ = ["array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray"]
__all__ += ["asfortranarray", "empty_like", "full", "full_like", "ones_like", "zeros_like"]

Order = Literal["K", "A", "C", "F"] | None
"""How the numbers are to lie in memory."""
is_watched = transforms.get
"""Whether a transform or a trace runs: outside of them, asking is all that this module costs."""


def fillable(numbers: AnyArray) -> AnyArray:
    """Return a new array as it is to be handed out: within a transform or a trace, one that Tensors
    can fill.
    """
    if is_watched() and type(numbers) is np.ndarray and is_floating(numbers.dtype):
        return tensor(numbers, requires_grad=False)
    return numbers


def _refused(error: Exception, args: Any, kwargs: Any) -> Any:
    raise error


MAKING = {
    name: forwarding(getattr(np, name), _refused, fillable)
    for name in (
        *("zeros", "ones", "empty", "eye", "identity", "tri"),
        *("arange", "linspace", "logspace", "geomspace"),
    )
}
"""NumPy's functions that make arrays of numbers, by name."""


def _converting(function: Callable[..., AnyArray], ndmin: int = 0) -> Callable[..., AnyArray]:
    """Return one of NumPy's functions that make an array of something: of what holds Tensors, a Tensor."""
    ours = partial(_converted, ndmin=ndmin)
    return forwarding(function, instead(ours, 1), of_tensors=1)


def _converted(
    object: ArrayLike,
    dtype: DTypeLike = None,
    order: Order = None,
    *,
    ndmin: int = 0,
    **options: Any,
) -> AnyArray:
    """Return what holds a Tensor as one Tensor; NumPy's other options have no meaning for Tensors."""
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


def _array(
    object: AnyArray, dtype: DTypeLike = None, *, copy: bool | None = True, **options: Any
) -> AnyArray:
    """Make a `numpy.array`, also of Tensors and of nested lists that hold some: then the result is a Tensor.

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
    result = _converted(object, dtype, **options)
    return result.copy() if copy and result is object else result


array = forwarding(np.array, instead(_array, 1), fillable, of_tensors=1)
array.__doc__ = _array.__doc__


def asarray_chkfinite(a: AnyArray, dtype: DTypeLike = None, order: Order = None) -> AnyArray:
    """Answer `numpy.asarray_chkfinite`: like `asarray`, a ValueError where a number is infinite or NaN."""
    if not holds_tensor(a):
        return np.asarray_chkfinite(a, dtype, order)
    result = array(a, dtype, copy=None)
    if not np.all(np.isfinite(result)):
        raise ValueError("array must not contain infs or NaNs")
    return result


def _full(
    shape: ShapeLike, fill_value: ArrayLike, dtype: DTypeLike = None, *rest: Any, **options: Any
) -> AnyArray:
    """Answer `numpy.full`; a Tensor as the `fill_value` gets the gradients of all its copies."""
    return np.broadcast_to(array(fill_value, dtype), shape).copy()


def _full_like(
    a: ArrayLike, fill_value: ArrayLike, dtype: DTypeLike = None, *rest: Any, **options: Any
) -> AnyArray:
    """Answer `numpy.full_like`; a Tensor as the `fill_value` gets the gradients of all its copies."""
    model, value = asarray(a), array(fill_value)
    if dtype is None and not np.can_cast(value.dtype, model.dtype, "same_kind"):
        raise DtypeError(
            f"np.full_like: {value.dtype} numbers in an array of {model.dtype} would lose their gradient; "
            f"say dtype=float"
        )
    return full(options.get("shape") or model.shape, value, dtype or model.dtype)


full = forwarding(np.full, instead(_full, 2), fillable)
full_like = forwarding(np.full_like, instead(_full_like, 2), fillable)


def _like(constructor: Callable[..., AnyArray], a: ArrayLike, *args: Any, **options: Any) -> Tensor:
    """Return constants like a list that holds Tensors, which may be assigned into."""
    model = asarray(a)
    options.setdefault("shape", model.shape)
    example = np.empty((0,) * model.ndim, model.dtype)
    return tensor(constructor(example, *args, **options), requires_grad=False)


def _making_like(constructor: Callable[..., AnyArray]) -> Callable[..., AnyArray]:
    return forwarding(constructor, instead(partial(_like, constructor), 1), fillable)


zeros_like, ones_like = _making_like(np.zeros_like), _making_like(np.ones_like)
empty_like = _making_like(np.empty_like)
