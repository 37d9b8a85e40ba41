"""NumPy, with array constructors that keep gradients: ``import clearprop.numpy as np``.

Plain NumPy works on Tensors as it is, but for what makes an array out of a list: ``np.array([t, 2 * t])``
is NumPy's own, and would have to drop the gradients, so it raises. Here it gives a Tensor. All other
names are NumPy's.

>>> import clearprop
>>> import clearprop.numpy as np
>>> def f(x):
...     rotation = np.array([[np.cos(x), -np.sin(x)], [np.sin(x), np.cos(x)]])
...     return np.sum(rotation @ np.array([1.0, 2.0]))
>>> clearprop.grad(f)(0.0)
np.float64(-1.0)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.fft
import numpy.linalg
import numpy.random

from .errors import DtypeError, ShapeError
from .spec import shape_of
from .tensor import Tensor, tensor

__all__ = list(np.__all__)

for _name in ("fft", "linalg", "random"):  # for those who import from these
    sys.modules[f"{__name__}.{_name}"] = getattr(np, _name)


def __getattr__(name: str) -> Any:
    return getattr(np, name)


def __dir__() -> list[str]:
    return dir(np)


def array(
    object: Any, dtype: Any = None, *, copy: Any = True, ndmin: int = 0, **options: Any
) -> Any:
    """`numpy.array`, also of Tensors and of nested lists that hold some: then the result is a Tensor.

    Parameters
    ----------
    object : anything that NumPy takes; Tensors in nested lists or tuples, or in an array of objects, are
        joined with the numbers beside them
    dtype : by default what NumPy would choose
    copy : with True the result is another Tensor than `object`
    ndmin : axes of size one are put in front until there are as many
    options : NumPy's `order`, `subok`, `ndmax` and `like`, without meaning for Tensors

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
    if not _holds_tensor(object):
        return np.array(object, dtype, copy=copy, ndmin=ndmin, **options)
    if dtype is not None and np.dtype(dtype).kind not in "biufc":
        raise DtypeError(
            f"np.array: tensors hold numbers, so there is none of dtype {np.dtype(dtype)}"
        )
    result = _joined(object)
    if dtype is not None:
        result = result.astype(dtype)
    if result.ndim < ndmin:
        result = result.reshape((1,) * (ndmin - result.ndim) + result.shape)
    return result.copy() if copy and result is object else result


def asarray(a: Any, dtype: Any = None, order: Any = None, **options: Any) -> Any:
    """`numpy.asarray`; a Tensor stays as it is, lists with Tensors become one (see `array`)."""
    if _holds_tensor(a):
        return array(a, dtype, copy=None)
    return np.asarray(a, dtype, order, **options)


def asanyarray(a: Any, dtype: Any = None, order: Any = None, **options: Any) -> Any:
    """`numpy.asanyarray`; a Tensor stays as it is, lists with Tensors become one (see `array`)."""
    if _holds_tensor(a):
        return array(a, dtype, copy=None)
    return np.asanyarray(a, dtype, order, **options)


def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """`numpy.ascontiguousarray`; of Tensors, like `asarray` with at least one axis."""
    if _holds_tensor(a):
        return array(a, dtype, copy=None, ndmin=1)
    return np.ascontiguousarray(a, dtype, like=like)


def asfortranarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """`numpy.asfortranarray`; of Tensors, like `asarray` with at least one axis."""
    if _holds_tensor(a):
        return array(a, dtype, copy=None, ndmin=1)
    return np.asfortranarray(a, dtype, like=like)


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """`numpy.asarray_chkfinite`: like `asarray`, a ValueError where a number is infinite or NaN."""
    if not _holds_tensor(a):
        return np.asarray_chkfinite(a, dtype, order)
    result = array(a, dtype, copy=None)
    if not np.all(np.isfinite(result)):
        raise ValueError("array must not contain infs or NaNs")
    return result


def full(shape: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.full`; a Tensor as the `fill_value` gets the gradients of all its copies."""
    if not _holds_tensor(fill_value):
        return np.full(shape, fill_value, dtype, **options)
    return np.broadcast_to(array(fill_value, dtype), shape).copy()


def full_like(a: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.full_like`; a Tensor as the `fill_value` gets the gradients of all its copies."""
    if not _holds_tensor(fill_value):
        return _like(np.full_like, a, fill_value, dtype=dtype, **options)
    model, value = asarray(a), array(fill_value)
    if dtype is None and not np.can_cast(value.dtype, model.dtype, "same_kind"):
        raise DtypeError(
            f"np.full_like: {value.dtype} numbers in an array of {model.dtype} would lose their gradient; "
            f"say dtype=float"
        )
    return full(options.get("shape") or model.shape, value, dtype or model.dtype)


def zeros_like(a: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.zeros_like`; of Tensors, one of constants that may be assigned into."""
    return _like(np.zeros_like, a, dtype=dtype, **options)


def ones_like(a: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.ones_like`; of Tensors, one of constants that may be assigned into."""
    return _like(np.ones_like, a, dtype=dtype, **options)


def empty_like(a: Any, dtype: Any = None, **options: Any) -> Any:
    """`numpy.empty_like`; of Tensors, one of constants that may be assigned into."""
    return _like(np.empty_like, a, dtype=dtype, **options)


def _like(constructor: Callable[..., Any], a: Any, *args: Any, dtype: Any, **options: Any) -> Any:
    if not _holds_tensor(a):
        return constructor(a, *args, dtype=dtype, **options)
    model = asarray(a)
    example = np.empty((0,) * model.ndim, model.dtype)
    shape = options.pop("shape", model.shape)
    numbers = constructor(example, *args, dtype=dtype, shape=shape, **options)
    return tensor(numbers, requires_grad=False)


def _holds_tensor(x: Any) -> bool:
    """Whether there is a Tensor in this nested list, or in this array of objects."""
    if isinstance(x, Tensor):
        return True
    if isinstance(x, list | tuple):
        return any(_holds_tensor(part) for part in x)
    return isinstance(x, np.ndarray) and x.dtype == object and any(map(_holds_tensor, x.flat))


def _joined(x: Any) -> Any:
    """What holds a Tensor, as one Tensor; anything else, as an array."""
    if isinstance(x, Tensor):
        return x
    if not _holds_tensor(x):
        return np.asarray(x)
    parts = [_joined(part) for part in (x if isinstance(x, list | tuple) else x.tolist())]
    shapes = list(dict.fromkeys(shape_of(part) for part in parts))
    if len(shapes) > 1:
        raise ShapeError(
            f"np.array: the entries have shapes {' and '.join(map(str, shapes))}, which make no array; "
            f"np.concatenate joins arrays of different length"
        )
    return np.stack(parts)
