"""Values that no gradient can be had for, and the errors that say so."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DtypeError, LostGradientError
from .spec import is_floating, shape_of

TO_BUILD = "np.stack([...]) to build an array from tensors (or np.array after `import clearprop.numpy as np`)"
OBJECTS = np.dtype(object)


def check_floating(value: Any, what: str = "this") -> None:
    """Raise DtypeError unless `value` can carry a gradient; `what` names it in the message."""
    dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    if is_floating(dtype):
        return
    refuse_objects(value, f"{what} is")
    example = "3.0 instead of 3" if shape_of(value) == () else "x.astype(float)"
    raise DtypeError(
        f"gradients need floating point numbers, but {what} is {dtype} of shape {shape_of(value)}: "
        f"a small step is not possible in {dtype}. Use {example}."
    )


def refuse_objects(array: Any, who: str) -> None:
    """Raise what to write instead if this is an array of Python objects: NumPy would go on with it alone."""
    if type(array) is not np.ndarray or array.dtype is not OBJECTS:
        return
    what = f"{who} an array of Python objects (dtype=object, shape {array.shape})"
    if any(hasattr(x, "requires_grad") for x in array.flat):
        raise LostGradientError(
            f"{what} that holds tensors, and their gradients would be lost. Use {TO_BUILD}."
        )
    raise DtypeError(f"{what}, which has no gradient. If it holds numbers, use x.astype(float).")
