"""Wings: what readers know of another library's functions, in a package of its own.

A wing has rooms like the house. What the reader ``emit/forms/torch.py`` is to know of SciPy's functions, the
room ``scipy/emit/forms/torch.py`` adds to its tables. A room opens once its reader and its wing are loaded,
whichever comes first: so no reader knows a wing, and no wing loads a reader.
"""

from __future__ import annotations

from importlib import import_module

_HOUSE = __name__.removesuffix("engine.wings")
_readers: set[str] = set()
_rooms: dict[str, list[str]] = {}
"""By the name of a reader: modules that add to its tables."""

# What is loaded is noted before the others are looked at, so that of two threads, one with a reader and
# one with a wing, at least one opens the room; that both do does no harm. No lock is held while importing.


def open_wing(wing: str, *readers: str) -> None:
    """Open the rooms of this package that readers wait for, and each of the others with its reader."""
    for reader in readers:
        room = f"{wing}.{reader}"
        _rooms.setdefault(_HOUSE + reader, []).append(room)
        if _HOUSE + reader in _readers:
            import_module(room)


def open_rooms(reader: str) -> None:
    """Open what wings add to the tables of this module: the last thing that it does."""
    _readers.add(reader)
    for room in _rooms.get(reader, ()):
        import_module(room)
