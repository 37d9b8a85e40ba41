"""Loops over the entries of Tensors: ``np.vectorize``, ``np.ndenumerate``, ``np.nditer``."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, ArrayLike, DTypeLike, Shape
from ..engine.arrays import holds_tensor, joined
from ..engine.spec import shape_of
from ..engine.tensor import Tensor
from ..errors import UnsupportedError
from .constructors import array, is_watched
from .forwarding import forwarding, instead


class vectorize(np.vectorize):
    """`numpy.vectorize`; of Tensors, the function is called for each entry and the results are joined.

    >>> import clearprop
    >>> import clearprop.numpy as np
    >>> root = np.vectorize(lambda x: x**0.5 if x > 0 else 0.0 * x)
    >>> clearprop.grad(lambda x: np.sum(root(x)))(np.array([4.0, -1.0]))
    array([0.25, 0.  ])
    """

    def __call__(self, *args: Any, **kwargs: Any) -> AnyArray:
        if not holds_tensor((*args, *kwargs.values())):
            return super().__call__(*args, **kwargs)
        if self.signature is not None:
            raise UnsupportedError(
                "np.vectorize(signature=...) of tensors: loop over the leading axis and join the results "
                "with np.stack"
            )
        fixed = self.excluded
        names = [i for i in range(len(args)) if i not in fixed]
        names += [name for name in kwargs if name not in fixed]  # type: ignore[misc]
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        arrays = np.broadcast_arrays(*(joined(given[name]) for name in names))
        shape = shape_of(arrays[0])
        results = []
        for place in np.ndindex(shape):
            given.update((name, a[place]) for name, a in zip(names, arrays, strict=True))
            results.append(
                self.pyfunc(*(given[i] for i in range(len(args))), **{k: given[k] for k in kwargs})
            )
        if not results:
            raise ValueError("cannot call `vectorize` on size 0 inputs of tensors")
        if isinstance(results[0], tuple):
            return tuple(np.stack(column).reshape(shape) for column in zip(*results, strict=True))
        return np.stack(results).reshape(shape)


def frompyfunc(
    func: Callable[..., Any], /, nin: int, nout: int, **options: Any
) -> Callable[..., AnyArray]:
    """Answer `numpy.frompyfunc`; of Tensors, the function is called for each entry, as by `vectorize`."""
    ufunc = np.frompyfunc(func, nin, nout, **options)
    return forwarding(ufunc, instead(vectorize(func)))


def fromiter(
    iter: Iterable[AnyArray], dtype: DTypeLike, count: int = -1, **options: Any
) -> AnyArray:
    """Answer `numpy.fromiter`; of Tensors, join their numbers as one."""
    entries = chain(first := list(islice(it := builtins.iter(iter), 1)), it)
    if is_watched() or holds_tensor(first):
        given = list(entries if count < 0 else islice(entries, count))
        if holds_tensor(given):
            if len(given) < count:
                raise ValueError(f"iterator too short: expected {count} but got {len(given)} items")
            return array(given, dtype)
        entries = given  # type: ignore[assignment]
    return np.fromiter(entries, dtype, count, **options)


def ndenumerate(arr: ArrayLike) -> Iterator[tuple[Shape, AnyArray]]:
    """Answer `numpy.ndenumerate`, of Tensors, too: yield the indices of the entries, each with its entry."""
    if not holds_tensor(arr):
        return np.ndenumerate(arr)
    whole = joined(arr)
    return ((place, whole[place]) for place in np.ndindex(whole.shape))


def nditer(
    op: AnyArray,
    flags: Sequence[str] = (),
    op_flags: Sequence[str | Sequence[str]] | None = None,
    **options: Any,
) -> np.nditer | _Entries:
    """Answer `numpy.nditer`; of a Tensor, with one that reads its entries in C order.

    Raises UnsupportedError for several operands, for writing, and for ``external_loop`` and ``buffered``.
    """
    if not holds_tensor(op):
        return np.nditer(op, flags, op_flags, **options)  # type: ignore[arg-type]
    writes = any(flag in ("readwrite", "writeonly") for flag in np.ravel(op_flags or []))
    strange = [flag for flag in flags if flag not in _INDEX_FLAGS]
    if writes or strange or options or not isinstance(op, Tensor):
        raise UnsupportedError(
            "np.nditer of tensors reads the entries of one, with multi_index or c_index; to write, loop over "
            "np.ndindex(t.shape) and assign t[place] = value; several are joined by np.broadcast_arrays"
        )
    return _Entries(op)


_INDEX_FLAGS = {"multi_index", "c_index", "refs_ok", "zerosize_ok"}


class _Entries:
    """The entries of a Tensor one after the other, as `numpy.nditer` shows them."""

    def __init__(self, tensor: Tensor) -> None:
        self.operands = (tensor,)
        self.shape, self.itersize = tensor.shape, tensor.size
        self._places = list(np.ndindex(tensor.shape))
        self.index = 0

    @property
    def finished(self) -> bool:
        return self.index >= len(self._places)

    @property
    def multi_index(self) -> tuple[int, ...]:
        return self._places[self.index]

    @property
    def value(self) -> AnyArray:
        return self.operands[0][self.multi_index]

    def __getitem__(self, operand: int) -> AnyArray:
        return (self.value,)[operand]

    def iternext(self) -> bool:
        self.index += 1
        return not self.finished

    def __iter__(self) -> Iterator[AnyArray]:
        while not self.finished:
            yield self.value
            self.index += 1

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *exc: object) -> None:
        pass
