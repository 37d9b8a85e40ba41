"""Keeping Python from looking for garbage while many objects are made that all stay in use."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from .forks import in_child


@contextmanager
def no_collections() -> Iterator[None]:
    """Keep Python from looking for garbage: a large trace is many small objects, all of them in use.

    Each search walks all of them, so searches take longer the more there are, and find nothing. Where the
    search is off already, because the user or another thread stopped it, this changes nothing.

    >>> with no_collections():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    global _stopped_by
    if not gc.isenabled():  # whoever stopped it starts it again
        yield
        return
    gc.disable()
    _stopped_by = get_ident()
    try:
        yield
    finally:
        _stopped_by = None
        gc.enable()


_stopped_by: int | None = None
"""The thread for which Python looks for no garbage."""


def _after_fork() -> None:
    """Start the search for garbage again in a child: a thread that stopped it is not there to do so."""
    if _stopped_by not in (None, get_ident()):
        gc.enable()


in_child(_after_fork)
