"""Containers of arrays (dicts, lists, tuples, dataclasses), in and out.

optree does the work; it is imported when the first container comes by. Dataclasses need no
registration: each type is registered the first time one of its instances is seen.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from .forks import fork_waits_for, load
from .spec import ArraySpec
from .tensor import Tensor

_NAMESPACE = "clearprop"
_LEAVES = (float, int, bool, complex, str, np.ndarray, Tensor, ArraySpec, np.generic)

_registered: set[type] = set()
_registering = threading.RLock()
fork_waits_for(_registering)

Unflatten = Callable[[Sequence[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Unflatten]:
    """The leaves of a container in a fixed order, and the function that puts others in their places.

    >>> leaves, unflatten = flatten({"w": 1.0, "b": [2.0, 3.0]})
    >>> leaves, unflatten([10, 20, 30])
    ([2.0, 3.0, 1.0], {'w': 30, 'b': [10, 20]})
    """
    if isinstance(tree, _LEAVES):
        return [tree], _single
    leaves, structure = _flatten(tree)
    return leaves, structure.unflatten


def paths(tree: Any) -> list[tuple[Any, ...]]:
    """For each leaf, the keys, indices and field names that lead to it; ``()`` for a lone leaf."""
    if isinstance(tree, _LEAVES):
        return [()]
    return list(_flatten(tree)[1].paths())


def _single(leaves: Sequence[Any]) -> Any:
    (leaf,) = leaves
    return leaf


def _flatten(tree: Any) -> tuple[list[Any], Any]:
    optree = _optree()
    while True:
        leaves, structure = optree.tree_flatten(tree, namespace=_NAMESPACE)
        new = {
            type(leaf)
            for leaf in leaves
            if dataclasses.is_dataclass(leaf) and not isinstance(leaf, _LEAVES)
        }
        if not new:
            return leaves, structure
        with _registering:
            for kind in new - _registered:  # another thread may have been quicker
                _register(kind)
                _registered.add(kind)


@cache
def _optree() -> Any:
    return load("optree")


def _register(kind: Any) -> None:
    names = tuple(field.name for field in dataclasses.fields(kind))

    def take_apart(instance: Any) -> tuple[list[Any], None, tuple[str, ...]]:
        return [getattr(instance, name) for name in names], None, names

    def put_together(_: Any, values: Any) -> Any:
        instance = object.__new__(
            kind
        )  # no __init__: it might check or convert what is only passing through
        for name, value in zip(names, values, strict=True):
            object.__setattr__(instance, name, value)
        return instance

    _optree().register_pytree_node(kind, take_apart, put_together, namespace=_NAMESPACE)
