"""The entry of a kernel: a function in IR that CPython calls, and what it has to know."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from .guards import Guards
from .object_layout import FUNCTIONS, probe
from .python_entry_writer import EntryWriter
from .results import Results
from .signature import Signature


@dataclass(frozen=True)
class Entry:
    """The IR of an entry (empty if this build's layout is unknown), and what its table holds."""

    signature: Signature
    text: str
    functions: tuple[str, ...] = ()
    """Of Python and NumPy, those that it calls: their addresses come first in the table."""
    objects: tuple[Any, ...] = ()
    """Types, dtypes and keys that it knows: their addresses follow.

    Keys are the objects that the signature has: a dict with those very keys is read the fastest.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _stored_entry, (self.signature, self.text, self.functions, self.objects)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names that `Code` has to make known."""
        if not self.text:
            return ("kernel",)
        return ("kernel", "entry", "entry_table", "entry_arena")


def _stored_entry(
    signature: Signature, text: str, functions: tuple[str, ...], objects: tuple[Any, ...]
) -> Entry:
    return Entry(signature, text, functions, tuple(map(_itself, objects)))


def _itself(thing: Any) -> Any:
    """Return this process's own object for a stored dtype or name: NumPy's dtype, the interned name."""
    if isinstance(thing, np.dtype):
        return np.dtype(thing.type)
    return sys.intern(thing) if type(thing) is str else thing


def write_entry(signature: Signature) -> Entry:
    """Return the function that CPython calls, in IR, for a module that has ``@kernel`` too."""
    layout = probe()
    if layout is None:
        return Entry(signature, "")
    writer = EntryWriter(layout)
    guards = Guards(writer, signature)
    guards.write()
    Results(writer, signature, guards).write()
    guards.write_fallback()
    return Entry(signature, writer.text(), tuple(FUNCTIONS), tuple(writer.objects))
