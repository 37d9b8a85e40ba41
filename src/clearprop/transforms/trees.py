"""Containers of arrays (dicts, lists, tuples, dataclasses), in and out.

optree does the work; it is imported when the first container comes by. Where it is missing,
`optree_fallback` does the same in Python. Dataclasses need no registration.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import EllipsisType, MethodType, NoneType
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Tree
from ..engine.forks import fork_waits_for, load
from ..engine.spec import ArraySpec
from ..engine.tensor import Tensor

_NAMESPACE = "clearprop"
_LEAVES = (float, int, bool, complex, str, np.ndarray, Tensor, ArraySpec, np.generic)

_registered: set[type] = set()
_registering = threading.RLock()
fork_waits_for(_registering)

Unflatten = Callable[[Sequence[AnyArray]], Tree]


def flatten(tree: Tree) -> tuple[list[AnyArray], Unflatten]:
    """Return the leaves of a container in a fixed order, and the function that puts others in their places.

    >>> leaves, unflatten = flatten({"w": 1.0, "b": [2.0, 3.0]})
    >>> leaves, unflatten([10, 20, 30])
    ([2.0, 3.0, 1.0], {'w': 30, 'b': [10, 20]})
    """
    if isinstance(tree, _LEAVES):
        return [tree], _single
    leaves, structure = _flatten(tree)
    return leaves, structure.unflatten


def paths(tree: Tree) -> list[tuple[Any, ...]]:
    """Return, for each leaf, the keys, indices and field names that lead to it; ``()`` for a lone leaf."""
    if isinstance(tree, _LEAVES):
        return [()]
    return list(_flatten(tree)[1].paths())


def structure(tree: Tree) -> Hashable:
    """Return what a container is apart from its leaves: types, keys in their order, what registered
    classes say.

    Equal for those that a function cannot tell apart, whatever their ``repr`` says.

    >>> structure({"a": [1.0, 2.0]}) == structure({"a": [3.0, 4.0]})
    True
    >>> structure({1: 0.0}) == structure({True: 0.0})
    False
    """
    if isinstance(tree, _LEAVES):
        return ()
    leaves, spec = _flatten(tree)
    orders: list[tuple[Any, ...]] = []

    def described(kind: type, data: Any, children: Any) -> Hashable:
        return kind, same(data, _equal), children

    def note_order(node: Any) -> Any:
        if isinstance(node, dict):  # its leaves come sorted by their keys
            orders.append(tuple(node))
        return node

    spec.traverse(leaves, note_order)
    return spec.walk(leaves, described, lambda leaf: None), tuple(orders)


class Container:
    """A container without its leaves, which `pickle` stores as one that holds numbers."""

    def __init__(self, example: Tree) -> None:
        leaves, self._unflatten = flatten(example)
        self._count = len(leaves)

    def __call__(self, leaves: Sequence[AnyArray]) -> Tree:
        """Return the container with these leaves."""
        return self._unflatten(leaves)

    def __reduce__(self) -> tuple[Any, ...]:
        return Container, (self(range(self._count)),)


_BY_VALUE = frozenset([NoneType, EllipsisType, bool, int, str, bytes, range, MethodType])
"""Types whose equal objects are the same for everybody."""


class _Itself:
    """Equal to what stands for the very same object, which lives as long."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def same(x: Any, otherwise: Callable[[Any], Hashable] = _Itself) -> Hashable:
    """Return a key that is equal for values of the same type and value, down to the sign of a zero.

    Numbers, strings and what consists of such count by value; other objects stand for themselves, or
    as `otherwise` has it: their ``==`` may leave out what a function reads.

    >>> same(1) == same(True), same((0.0, "a")) == same((-0.0, "a")), same([1]) == same([1])
    (False, False, True)
    """
    kind = type(x)
    if kind in _BY_VALUE:
        return kind, x
    if kind is float:
        return kind, struct.pack("d", x)
    if kind is complex:
        return kind, struct.pack("dd", x.real, x.imag)
    if kind in (tuple, list) or (isinstance(x, tuple) and hasattr(x, "_fields")):
        return kind, tuple(same(item, otherwise) for item in x)
    if kind is bytearray:
        return kind, bytes(x)
    if kind in (set, frozenset):
        return kind, frozenset(same(item, otherwise) for item in x)
    if kind is dict:
        return kind, tuple((same(k, otherwise), same(v, otherwise)) for k, v in x.items())
    if kind is slice:
        return kind, same((x.start, x.stop, x.step), otherwise)
    if isinstance(x, np.generic) or kind is np.ndarray:
        return (kind, x.dtype, x.shape, x.tobytes()) if not x.dtype.hasobject else _Itself(x)
    if is_dataclass(x) and not isinstance(x, type):
        values = (same(getattr(x, field.name), otherwise) for field in fields(x))
        return kind, tuple(values)
    return otherwise(x)


def _equal(x: Any) -> Hashable:
    """Return a key for keys of dicts, and for what registered classes say of themselves: these are the
    same if they are equal.
    """
    try:
        hash(x)
    except TypeError:
        return _Itself(x)
    return type(x), x


def stop_gradient(x: Tree) -> Tree:
    """Return the same value, through which no gradient flows; of a container, the same container of
    such values.

    Arrays and numbers that are no Tensors stay as they are: outside of transforms it changes nothing.

    >>> import clearprop
    >>> clearprop.grad(lambda x: x * clearprop.stop_gradient(x))(3.0)
    np.float64(3.0)
    >>> clearprop.stop_gradient({"w": 1.0, "b": [2.0]})
    {'w': 1.0, 'b': [2.0]}
    """
    leaves, unflatten = flatten(x)
    return unflatten([leaf.detach() if isinstance(leaf, Tensor) else leaf for leaf in leaves])


def _single(leaves: Sequence[AnyArray]) -> AnyArray:
    (leaf,) = leaves
    return leaf


def _flatten(tree: Tree) -> tuple[list[AnyArray], Any]:
    optree = _optree()
    if optree is None:
        return _containers().flatten(tree, _LEAVES)
    while True:
        leaves, structure = optree.tree_flatten(tree, namespace=_NAMESPACE)
        new = {
            type(leaf)
            for leaf in leaves
            if not isinstance(leaf, _LEAVES) and is_dataclass(type(leaf))
        }
        if not new:
            return leaves, structure
        with _registering:
            for kind in new - _registered:  # another thread may have been quicker
                _register(optree, kind)
                _registered.add(kind)


@cache
def _optree() -> Any:
    """Return the library, or None."""
    try:
        return load("optree")
    except ModuleNotFoundError as error:
        if error.name != "optree":
            raise
        return None


@cache
def _containers() -> Any:
    return load(".optree_fallback", __package__)


def _register(optree: Any, kind: type) -> None:
    containers = _containers()
    names = containers.field_names(kind)

    def take_apart(instance: Any) -> tuple[list[Any], None, tuple[str, ...]]:
        return [getattr(instance, name) for name in names], None, names

    def put_together(_: Any, values: Any) -> Any:
        return containers.with_fields(kind, values)

    optree.register_pytree_node(kind, take_apart, put_together, namespace=_NAMESPACE)
