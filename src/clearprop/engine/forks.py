"""What a fork waits for.

A forked process has the one thread that forked. A lock that another thread held stays locked in it for
ever, and what that thread was in the middle of stays half done: a module half imported, LLVM within a call.
Such work is short here and runs nobody else's code, so a fork waits until it is done.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from importlib import import_module
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")

_locks: list[AbstractContextManager[Any]] = []
"""In the order in which a thread may take several of them."""
_held = ExitStack()


def fork_waits_for(lock: AbstractContextManager[Any]) -> None:
    """Let no fork happen while another thread holds `lock`; whoever holds it takes none of those
    before it.
    """
    _locks.append(lock)


def in_child(function: Callable[[], Any]) -> None:
    """Call `function` in every forked process before anything else runs there."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def load(name: str, package: str | None = None) -> Any:
    """Return a module that is imported late: `import_module`, for which a fork waits."""
    with _importing:
        return import_module(name, package)


class lazily(Generic[T]):
    """`functools.cached_property` without the lock that it takes in Python 3.11."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> lazily[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> lazily[T] | T:
        if instance is None:
            return self
        value = vars(instance)[self.name] = self.function(instance)
        return value


def _wait() -> None:
    global _held
    with ExitStack() as stack:
        for lock in _locks:
            stack.enter_context(lock)
        _held = stack.pop_all()


def _go_on() -> None:
    _held.close()


_importing = threading.RLock()
fork_waits_for(_importing)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait, after_in_parent=_go_on, after_in_child=_go_on)
