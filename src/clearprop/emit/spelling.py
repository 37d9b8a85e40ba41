"""How what others wrote stands in a text that we write: names, dictionaries' keys, lines of source, values.

Keys come from files, names from anywhere. Whatever a target's text takes over goes through one of the three
methods here, so that it can end neither a literal nor a comment, and names nothing but a variable.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Container, Iterable
from typing import Any

import numpy as np

from ..callsite import printable

_GREEK = re.compile("GREEK (SMALL|CAPITAL) LETTER (FINAL )?(?P<name>[A-Z]+)")


class Spelling:
    r"""The rules of one target's text.

    >>> python = python_spelling("np")
    >>> python.identifier("layer.0.weight"), python.identifier("for"), python.identifier("1")
    ('layer_0_weight', 'for_', 'x1')
    >>> print(python.literal('say "x"'))
    "say \"x\""
    """

    def __init__(
        self,
        words: Iterable[str],
        shadowed: Iterable[str] = (),
        helpers: Container[str] = frozenset(),
    ) -> None:
        self.words = frozenset(words)
        """What means something else."""
        self.helpers = helpers
        """Functions that may stand above the code: the table itself, to which wings add."""
        self.shadowed = frozenset(shadowed)
        """What means something that the code has no need of; people may call arguments so."""

    def identifier(self, name: str) -> str:
        """Return a name that is one in the target, as like to this one as may be; not always a new one."""
        name = self._letters(name)
        if not name.isidentifier():
            name = re.sub(r"\W+", "_", name)
            name = name if name.isidentifier() else f"x{name}"
        if not name.isidentifier():  # a digit or a mark of some script
            name = re.sub(r"\W+", "_", name, flags=re.ASCII)
        return f"{name}_" if name in self.shadowed or self.is_taken(name) else name

    def parameter(self, name: str) -> str:
        """Return the same for an argument, whose name is the caller's as well."""
        return name if name in self.shadowed else self.identifier(name)

    def is_taken(self, name: str) -> bool:
        """Return whether a name means something else, and is needed."""
        return name in self.words or name in self.helpers

    def comment(self, text: str) -> str:
        """Return one line that stays within a comment."""
        return printable(text)

    def literal(self, value: Any) -> str | None:
        """Return a key as it is written, equal to it; None where it has no literal."""
        plain = _plain(value)
        return None if plain is _NONE or not _is_same(plain, value) else _written(plain)

    def _letters(self, name: str) -> str:
        return unicodedata.normalize("NFKC", name)  # as Python reads it


class Letters(Spelling):
    """For texts that take no other letters than a to z."""

    def _letters(self, name: str) -> str:
        found = []
        for letter in unicodedata.normalize("NFKD", name):
            greek = _GREEK.fullmatch(unicodedata.name(letter, ""))
            if letter.isascii():
                found.append(letter)
            elif greek is not None:
                word = greek["name"].lower().replace("lamda", "lambda")
                found.append(word.capitalize() if greek[1] == "CAPITAL" else word)
            elif not unicodedata.combining(letter):
                found.append("_")
        return "".join(found)


def python_spelling(*words: str, helpers: Container[str] = frozenset()) -> Spelling:
    """Return names for Python code that needs these modules and variables of its own, and helpers."""
    needed = {*keyword.kwlist, "float", "next", "str", "type", *words}
    return Spelling(needed, {*keyword.softkwlist, *dir(builtins)} - needed, helpers)


_NONE = object()


def _plain(value: Any) -> Any:
    """Return a key as an object of Python's own types, which has a literal; `_NONE` if there is none."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple):
        parts = tuple(map(_plain, value))
        return _NONE if any(part is _NONE for part in parts) else parts
    if isinstance(value, str):
        return str.__str__(value)  # a subclass may have another str()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, bytes | float):
        return bytes(value) if isinstance(value, bytes) else float(value)
    return _NONE


def _is_same(plain: Any, value: Any) -> bool:
    """Return whether a dictionary finds under one key what is under the other."""
    return bool(plain == value) and hash(plain) == hash(value)


def _written(value: Any) -> str | None:
    if isinstance(value, tuple):
        parts = list(map(_written, value))
        if any(part is None for part in parts):
            return None
        return f"({', '.join(map(str, parts))}{',' if len(parts) == 1 else ''})"
    if isinstance(value, str):
        letters = (
            c if c.isprintable() and c not in '"\\' else f"\\{c}" if c in '"\\' else _escape(c)
            for c in value
        )
        return f'"{"".join(letters)}"'
    if isinstance(value, float) and value - value != 0:
        return None  # infinity and NaN
    return repr(value)


def _escape(letter: str) -> str:
    code = ord(letter)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
