"""`numpy.polynomial`, also of Tensors: polynomials in six bases, by functions and by classes.

NumPy's own code does it, loaded a second time with our functions under the name ``np``. A function is NumPy's
where no argument is a Tensor. The classes are those of the second copy, and NumPy's count as theirs.

>>> import clearprop
>>> import clearprop.numpy as np
>>> from clearprop.numpy.polynomial import Chebyshev, polynomial
>>> clearprop.grad(lambda c: polynomial.polyval(2.0, c))(np.array([1.0, 1.0, 1.0]))
array([1., 2., 4.])
>>> clearprop.grad(lambda c: Chebyshev(c).deriv()(0.5))(np.array([1.0, 1.0, 1.0]))
array([0., 1., 2.])
"""

from __future__ import annotations

import numbers
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.polynomial as _polynomial
from numpy.polynomial._polybase import ABCPolyBase as _plain_base

from ..engine.array_types import AnyArray
from ..engine.tensor import Tensor, tensor
from .forwarding import forwarding, instead

if TYPE_CHECKING:
    from numpy.polynomial import *  # noqa: F403

__all__ = list(_polynomial.__all__)


def __dir__() -> list[str]:
    return list(__all__)


class _Array(type):
    """The class of the arrays that NumPy's code tests for: Tensors with axes are instances, too."""

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, np.ndarray) or (type(x) is Tensor and x.ndim > 0)


class _Number(type):
    """The class of the numbers that it tests for: Tensors without axes are instances, too."""

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, numbers.Number) or (type(x) is Tensor and not x.ndim)


class _OurNumPy(SimpleNamespace):
    """What the second copy finds under ``np``: it is called with Tensors, so all its arrays are Tensors."""

    ndarray = _Array("ndarray", (), {})

    def __getattr__(self, name: str) -> Any:
        found = getattr(sys.modules["clearprop.numpy"], name)
        if name in ("array", "empty", "zeros"):
            found = _making_tensors(found)
        setattr(self, name, found)
        return found


def _making_tensors(make: Callable[..., AnyArray]) -> Callable[..., Tensor]:
    def made(*args: Any, **kwargs: Any) -> Tensor:
        found = make(*args, **kwargs)
        return found if type(found) is Tensor else tensor(found, requires_grad=False)

    return made


def _for_both(
    plain: Callable[..., AnyArray], ours: Callable[..., AnyArray]
) -> Callable[..., AnyArray]:
    """Return NumPy's function, and ours where Tensors come by."""
    return forwarding(plain, instead(ours), of_tensors=3)


def _loaded(name: str) -> ModuleType:
    """Return a module of `numpy.polynomial` loaded once more, with functions for both."""
    plain = import_module(f"numpy.polynomial.{name}")
    module = sys.modules[f"{__name__}.{name}"] = ModuleType(f"{__name__}.{name}", plain.__doc__)
    module.__package__ = __name__
    exec(plain.__loader__.get_code(plain.__name__), vars(module))  # type: ignore[union-attr]
    both: dict[Any, Any] = {}
    for key, found in list(vars(module).items()):
        if getattr(found, "__module__", "") != module.__name__ or isinstance(found, type):
            continue
        both[found] = _for_both(getattr(plain, key), getattr(found, "_implementation", found))
        setattr(module, key, both[found])
    for kind in vars(module).values():  # which has functions of its module for methods
        if isinstance(kind, type) and kind.__module__ == module.__name__:
            for key, found in list(vars(kind).items()):
                if isinstance(found, staticmethod) and found.__func__ in both:
                    setattr(kind, key, staticmethod(both[found.__func__]))
    vars(module).update(np=_NP, numbers=_NUMBERS)
    return module


def _trimmed(seq: AnyArray) -> AnyArray:
    """Drop zeros at the end, as far as they are known."""
    if isinstance(seq, Tensor) and not seq.is_known:
        return seq
    return _trim(seq)


_NP, _NUMBERS = _OurNumPy(), SimpleNamespace(Number=_Number("Number", (), {}))
polyutils = _loaded("polyutils")
_trim, vars(polyutils)["trimseq"] = vars(polyutils)["trimseq"], _trimmed
_polybase = _loaded("_polybase")
_plain_base.register(
    _polybase.ABCPolyBase
)  # so that NumPy's classes refuse ours, instead of reading numbers
polynomial, chebyshev, legendre = map(_loaded, ("polynomial", "chebyshev", "legendre"))
hermite, hermite_e, laguerre = map(_loaded, ("hermite", "hermite_e", "laguerre"))

for _name in __all__:
    if isinstance(_plain := getattr(_polynomial, _name), type):
        _ours = getattr(globals()[_plain.__module__.rpartition(".")[2]], _name)
        _ours.register(_plain)
        globals()[_name] = _ours


def set_default_printstyle(style: Literal["ascii", "unicode"]) -> None:  # type: ignore[no-redef]
    """Answer `numpy.polynomial.set_default_printstyle`."""
    _polynomial.set_default_printstyle(style)
    _polybase.ABCPolyBase._use_unicode = style == "unicode"
