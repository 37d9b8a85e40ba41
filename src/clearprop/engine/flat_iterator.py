"""The numbers of a Tensor in one row, `t.flat`: read, they are copies; written, they go into the Tensor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .array_types import AnyArray, ArrayLike, IndexLike


class Flat:
    """What `numpy.ndarray.flat` is to an array.

    >>> import clearprop
    >>> t = clearprop.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=False)
    >>> t.T.flat[1] = 7.0
    >>> t.tolist(), len(t.flat)
    ([[1.0, 2.0], [7.0, 4.0]], 4)
    """

    __slots__ = ("_tensor",)

    def __init__(self, tensor: AnyArray) -> None:
        self._tensor = tensor

    def __len__(self) -> int:
        return self._tensor.size

    def __iter__(self) -> Iterator[AnyArray]:
        return iter(self.copy())

    def __getitem__(self, index: IndexLike) -> AnyArray:
        return self.copy()[index]

    def __setitem__(self, index: IndexLike, value: ArrayLike) -> None:
        places = np.arange(len(self))[index]
        if places.size and np.ndim(value):
            value = np.resize(value, places.shape)  # too few begin anew, as in NumPy
        self._tensor[np.unravel_index(places, self._tensor.shape)] = value

    def copy(self) -> AnyArray:
        """Return the numbers as a Tensor of one axis."""
        return self._tensor.flatten()

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function(*(x.copy() if isinstance(x, Flat) else x for x in args), **kwargs)

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: AnyArray, **kwargs: Any
    ) -> AnyArray:
        raise UnsupportedError(
            f"np.{ufunc.__name__} got the row of a tensor's numbers, t.flat. Write t.ravel() to compute with "
            f"them."
        )
