"""NumPy's floating scalar types, which convert Tensors instead of making plain numbers of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor


class _Standing(type):
    """The class of types that stand for NumPy's: they compare, hash and test for instances as those do."""

    of: type

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) is Tensor:
            return args[0].astype(cls.of)
        return cls.of(*args, **kwargs) if kwargs else cls.of(*args)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.of)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, getattr(cls, "of", cls))

    def __eq__(cls, other: object) -> bool:
        return cls.of is getattr(other, "of", other)

    def __hash__(cls) -> int:
        return hash(cls.of)

    def __repr__(cls) -> str:
        return repr(cls.of)


_NAMES = ["half", "single", "double", "longdouble", "csingle", "cdouble", "clongdouble"]
_NAMES += ["float16", "float32", "float64", "complex64", "complex128"]
TYPES = {
    name: _Standing(kind.__name__, (kind,), {"of": kind})
    for name in _NAMES
    for kind in [getattr(np, name)]
}
"""What is found under NumPy's names."""
