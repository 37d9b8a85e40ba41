"""Methods that are declared in one module and defined in a later one.

Imports run one way, but the engine is a circle: records are applied to Tensors, which are made by records,
and Tensors start the reverse sweep, which walks Tensors. So a class declares what a method takes and does,
and the module that has all that it needs defines it::

    @declared                          # in the class Primitive
    def __call__(self, *inputs: AnyArray, **params: Any) -> AnyArray:
        '''Apply it.'''

    @defines(Primitive.__call__)       # in a module that knows Tensors
    def _call(self: Primitive, *inputs: AnyArray, **params: Any) -> AnyArray:
        ...

Then the class has the second function in place of the first, so a call costs nothing more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")

undefined: set[Callable[..., Any]] = set()
"""Methods that are declared and not yet defined: none, once Clearprop is imported."""


def declared(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Mark a method that a later module defines."""
    undefined.add(method)
    return method


def defines(
    method: Callable[Concatenate[S, P], R],
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Make the decorated function what a declared method does; the docstring stays the method's."""
    undefined.remove(method)
    owner, _, name = method.__qualname__.partition(".")

    def define(function: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        setattr(getattr(sys.modules[method.__module__], owner), name, function)
        update_wrapper(function, method)
        return function

    return define
