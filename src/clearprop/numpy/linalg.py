"""`numpy.linalg`, of lists that hold Tensors, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.linalg as _linalg

from .lists import taking_lists as _taking_lists

if TYPE_CHECKING:
    from numpy.linalg import *  # noqa: F403

__all__ = list(_linalg.__all__)


def __getattr__(name: str) -> Any:
    found = globals()[name] = _taking_lists(getattr(_linalg, name))
    return found


def __dir__() -> list[str]:
    return list(__all__)
