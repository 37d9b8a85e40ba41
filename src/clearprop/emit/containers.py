"""Containers in Python code: how an array in one is reached, and how one of the same kind is made."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from ..errors import UnsupportedError
from .spelling import Spelling

Path = tuple[Any, ...]


def _is_record(tree: Any) -> bool:
    return dataclasses.is_dataclass(tree) and not isinstance(tree, type)


def parts(tree: Any) -> list[tuple[Any, Any]]:
    """Return keys, field names or places in a container, with what is there; nothing of what is none."""
    if isinstance(tree, dict):
        return list(tree.items())
    if _is_record(tree):
        return [(x.name, getattr(tree, x.name)) for x in dataclasses.fields(tree)]
    return list(enumerate(tree)) if isinstance(tree, list | tuple) else []


def order(tree: Any, path: Path) -> list[Path]:
    """Return the paths of the leaves in the order in which they stand in the container."""
    inside = parts(tree)
    if not inside:
        return [path]
    return [leaf for key, value in inside for leaf in order(value, (*path, key))]


def dicts(tree: Any) -> Iterator[dict[Any, Any]]:
    """Yield every dictionary in a container."""
    if isinstance(tree, dict):
        yield tree
    for _, value in parts(tree):
        yield from dicts(value)


def reached(tree: Any, path: Path, access: str, spelling: Spelling) -> str:
    """Return the expression of what stands at a path in a container, which is itself written `access`."""
    for key in path:
        if not isinstance(tree, dict | list | tuple) and not _is_record(tree):
            raise UnsupportedError(
                f"code cannot take a {type(tree).__name__} apart: pass a dict, list, tuple or dataclass "
                f"instead"
            )
        access, tree = _part(tree, key, access, spelling), dict(parts(tree))[key]
    return access


def _part(tree: Any, key: Any, access: str, spelling: Spelling) -> str:
    return (
        f"{access}.{key}" if _is_record(tree) else f"{access}[{_key(tree, key, access, spelling)}]"
    )


def _key(tree: Any, key: Any, access: str, spelling: Spelling) -> str:
    """Return a key as code: its literal; members of an enumeration, whose class is not there, by their
    names.
    """
    literal = spelling.literal(key)
    if literal is not None:
        return literal
    name = str(key)
    if isinstance(key, Enum) and [str(other) for other in tree].count(name) == 1:
        return f"next(key for key in {access} if str(key) == {spelling.literal(name)})"
    raise UnsupportedError(
        f"a dict's key of type {type(key).__name__} has no literal that code could name it by: use a string "
        f"or a whole number"
    )


def packed(
    tree: Any, path: Path, text_at: Mapping[Path, str], access: str, spelling: Spelling
) -> str:
    """Return a container like `tree`, which is written `access`, with the texts of its leaves."""
    if path in text_at:
        return text_at[path]
    inside = [
        (key, packed(value, (*path, key), text_at, _part(tree, key, access, spelling), spelling))
        for key, value in parts(tree)
    ]
    texts = [text for _, text in inside]
    if not access and inside and type(tree) not in (dict, list, tuple):
        raise UnsupportedError(
            f"code cannot make a {type(tree).__name__} to return: return a dict, list or tuple"
        )
    if isinstance(tree, dict):
        pairs = ", ".join(f"{_key(tree, key, access, spelling)}: {text}" for key, text in inside)
        if isinstance(tree, OrderedDict):
            return f"type({access})({{{pairs}}})"
        if isinstance(tree, defaultdict):
            return f"type({access})({access}.default_factory, {{{pairs}}})"
        return f"{{{pairs}}}"
    if _is_record(tree):
        return f"type({access})({', '.join(f'{key}={text}' for key, text in inside)})"
    if hasattr(tree, "_fields"):
        return f"type({access})({', '.join(texts)})"
    if isinstance(tree, list):
        return f"[{', '.join(texts)}]"
    if isinstance(tree, tuple):
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    return "None"


def made(tree: Any, leaf: Callable[[Any], str], spelling: Spelling) -> str:
    """Return a container of results, which holds their numbers; each is written by `leaf`."""
    text_at: dict[Path, str] = {}

    def walk(x: Any, path: Path) -> None:
        inside = parts(x)
        for key, value in inside:
            walk(value, (*path, key))
        if isinstance(x, int):
            text_at[path] = leaf(x)

    walk(tree, ())
    return packed(tree, (), text_at, "", spelling)
