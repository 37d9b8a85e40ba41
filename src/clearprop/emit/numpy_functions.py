"""NumPy's functions and those of wings, as code calls them, by the primitives that answer them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..engine.primitive import late_families, numpy_table


@lru_cache(maxsize=1024)
def numpy_path(name: str, params: tuple[str, ...]) -> tuple[str, Mapping[str, Any]]:
    """Return ``np.linalg.inv`` for the function of this name that a primitive answers, with these
    parameters; or one of a wing's. And the parameters' defaults.
    """
    for function in numpy_table:
        called = getattr(function, "__name__", "")
        if called not in (name, name.rstrip("_"), name.removeprefix("special_")):
            continue
        for prefix in ("numpy", "numpy.linalg", "numpy.fft", *late_families):
            module = sys.modules.get(prefix)
            if getattr(module, called, None) is function and _takes(function, params):
                return f"{prefix.replace('numpy', 'np')}.{called}", _defaults(function)
    return "", {}


def _defaults(function: Any) -> dict[str, Any]:
    if isinstance(function, np.ufunc):
        return {}
    found = inspect.signature(function).parameters.values()
    return {p.name: None if p.default is p.empty else p.default for p in found}


def _takes(function: Any, params: tuple[str, ...]) -> bool:
    if isinstance(function, np.ufunc):
        return not params
    try:
        return set(params) <= set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return not params
