"""Sliding windows, as in convolutions and running means: entries picked by where they stand."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import answers

_views = np.lib.stride_tricks.sliding_window_view


@answers(_views)
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    """A copy, where NumPy gives a view: each entry stands in many places."""
    places = np.arange(x.size).reshape(x.shape)
    try:
        places = _views(places, window_shape, axis)
    except ValueError as error:
        raise ShapeError(
            f"sliding_window_view: windows of shape {window_shape} along axis={axis} do not fit into shape "
            f"{x.shape}: {error}"
        ) from error
    return x.reshape(-1)[np.ascontiguousarray(places)]
