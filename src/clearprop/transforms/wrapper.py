"""What `grad`, `compile` and `block` make of a function: a callable with its name and signature."""

from __future__ import annotations

import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial, update_wrapper
from types import FunctionType, MethodType
from typing import Any, Generic, ParamSpec, TypeVar

from ..engine.array_types import Tree
from ..engine.refusals import called
from ..errors import GradientError

P = ParamSpec("P")
R = TypeVar("R")


class Wrapper(ABC, Generic[P, R]):
    """A callable made of a function, with its name, documentation and signature.

    It is a method where the function would be one. `pickle` finds it by its name, as it finds functions;
    one that has none, as ``grad(f)``, is stored as what it was made of, and is made anew.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        self.__name__ = called(function)
        self.__qualname__ = self.__name__
        update_wrapper(self, function, updated=())
        self.function = function

    @abstractmethod
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @abstractmethod
    def made_by(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return a function, and its arguments, that makes another one like this."""

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind it as a method: the object it was called on is the first argument."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> str | tuple[Any, ...]:
        path = self._path()
        if path is None:
            return self.made_by()
        if self.__module__ != "__main__":
            return path
        # Another process has another __main__, and cloudpickle sends its functions there in full. For that
        # the function must be in what is stored; and for pickle, which stores names, it must have one.
        if isinstance(self.function, FunctionType):
            self.function.__qualname__ = f"{path}.function"
        return _found_or_made, (path, self.function, *self.made_by())

    def _path(self) -> str | None:
        """Return where its module has it: under its name, or within another wrapper that has the name."""
        found, path = _at(self.__module__, self.__qualname__), self.__qualname__
        while found is not self:
            if not isinstance(found, Wrapper):
                return None
            found, path = found.function, f"{path}.function"
        return path


class Transformed(Wrapper[P, R]):
    """What a transform of a function returns; see `clearprop.grad`."""

    def __init__(
        self,
        compute: Callable[P, R],
        transform: Callable[..., Any],
        f: Callable[P, Any],
        **options: Any,
    ) -> None:
        super().__init__(f)
        self._compute = compute
        self._transform, self._options = transform, options

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._compute(*args, **kwargs)

    def __repr__(self) -> str:
        f = self.function
        of = repr(f)[1:-1] if isinstance(f, Wrapper) else called(f)
        return f"<{called(self._transform)} of {of}>"

    def made_by(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return partial(self._transform, **self._options), (self.function,)


class Pullback:
    """From upstream to downstream gradients, along what one run of a function left behind."""

    def __init__(self, compute: Callable[[Tree], Tree], name: str) -> None:
        self._compute, self._name = compute, name

    def __call__(self, gradient: Tree) -> Tree:
        return self._compute(gradient)

    def __repr__(self) -> str:
        return f"<pullback of {self._name}>"

    def __reduce__(self) -> Any:
        raise GradientError(
            f"a pullback of {self._name} holds the history of one run, which cannot be copied or pickled. "
            f"Take along what it returns, or the function and its arguments, and call clearprop.vjp there."
        )


class Signature:
    """The name of a function and those of its parameters, in its place: these can always be pickled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__name__ = called(function)
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # some of C's have none
            return
        empty = inspect.Parameter.empty
        self.__signature__ = inspect.Signature(
            [
                p.replace(annotation=empty, default=empty if p.default is empty else None)
                for p in parameters
            ]
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("only its signature is of use")


def _at(module: str, path: str) -> Any:
    found: Any = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _found_or_made(
    path: str, function: Any, make: Callable[..., Any], arguments: tuple[Any, ...]
) -> Any:
    found = _at("__main__", path)
    return found if getattr(found, "function", None) is function else make(*arguments)
