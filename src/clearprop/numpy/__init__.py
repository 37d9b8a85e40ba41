"""NumPy with everything that keeps gradients: ``import clearprop.numpy as np``.

Plain NumPy works on Tensors as it is, but where it makes plain arrays before it asks a Tensor: an array of
a list of Tensors, a sum over such a list, an assignment into an array of zeros. Whoever changes the import
line gets those, too. Within a transform (`grad`, ...) or a trace, arrays made by ``np.zeros``, ``np.array``
and the like are Tensors without a gradient, to be filled; lists that hold Tensors are taken for arrays.
Everything else is NumPy's.

>>> import clearprop
>>> import clearprop.numpy as np
>>> def f(x):
...     rotation = np.array([[np.cos(x), -np.sin(x)], [np.sin(x), np.cos(x)]])
...     return np.sum(rotation @ np.array([1.0, 2.0]))
>>> clearprop.grad(f)(0.0)
np.float64(-1.0)
>>> def running(x):
...     y = np.zeros(3)
...     for i in range(3):
...         y[i] = x[i] ** 2 + (y[i - 1] if i else 0.0)
...     return np.sum(y)
>>> clearprop.grad(running)(np.array([1.0, 2.0, 3.0]))
array([6., 8., 6.])
"""

from __future__ import annotations

import sys as _sys
from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

import numpy as _numpy
import numpy.random as _random

from . import constructors as _constructors
from . import fft as _fft
from . import grids as _grids
from . import iteration as _loops
from . import linalg as _linalg
from . import scalars as _scalars
from .lists import taking_lists as _taking_lists

if TYPE_CHECKING:
    from numpy import *  # noqa: F403

__all__ = list(_numpy.__all__)

_OWN: dict[str, Any] = {
    **_constructors.MAKING,
    **{name: getattr(_constructors, name) for name in _constructors.__all__},
    **_scalars.TYPES,
    "r_": _grids.r_,
    "c_": _grids.c_,
    "vectorize": _loops.vectorize,
    "frompyfunc": _loops.frompyfunc,
    "fromiter": _loops.fromiter,
    "ndenumerate": _loops.ndenumerate,
    "nditer": _loops.nditer,
    "fft": _fft,
    "linalg": _linalg,
    "random": _random,  # as it is: random numbers have no gradient
}
_sys.modules[f"{__name__}.random"] = _random


def __getattr__(name: str) -> Any:
    """Return NumPy's own, made to take lists; keep it here, so that it is found at once the next time."""
    if name == "polynomial":  # loaded when somebody asks for it
        return _import_module(f"{__name__}.{name}")
    found = _OWN[name] if name in _OWN else _taking_lists(getattr(_numpy, name))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)
