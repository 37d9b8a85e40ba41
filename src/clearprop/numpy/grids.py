"""``np.r_`` and ``np.c_`` with Tensors between the brackets."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, IndexLike
from ..engine.arrays import holds_tensor, joined
from ..errors import UnsupportedError
from .constructors import fillable, is_watched
from .forwarding import REFUSED


class _Joiner:
    """What is written between brackets, joined; without Tensors NumPy does it."""

    def __init__(self, name: str, plain: Any) -> None:
        self._name, self._plain = name, plain

    def __getitem__(self, key: IndexLike) -> AnyArray:
        try:
            found = self._plain[key]
        except REFUSED:
            parts = key if isinstance(key, tuple) else (key,)
            if not holds_tensor(parts):
                raise
            return self._joined(parts)
        return fillable(found) if is_watched() else found

    def _joined(self, parts: tuple[AnyArray, ...]) -> AnyArray:
        if any(isinstance(part, str) for part in parts):
            raise UnsupportedError(
                f"np.{self._name} of tensors takes no text such as {parts[0]!r}; use np.concatenate or "
                f"np.stack with axis="
            )
        arrays = [
            np.r_[part] if isinstance(part, slice) else np.atleast_1d(joined(part))
            for part in parts
        ]
        return self._join(arrays)

    def __len__(self) -> int:
        return 0

    def _join(self, arrays: list[AnyArray]) -> AnyArray:
        raise NotImplementedError


class _Rows(_Joiner):
    def _join(self, arrays: list[AnyArray]) -> AnyArray:
        return np.concatenate(arrays)


class _Columns(_Joiner):
    def _join(self, arrays: list[AnyArray]) -> AnyArray:
        return np.concatenate([a.reshape(-1, 1) if a.ndim == 1 else a for a in arrays], -1)


r_ = _Rows("r_", np.r_)
c_ = _Columns("c_", np.c_)
