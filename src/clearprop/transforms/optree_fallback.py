"""Containers in pure Python: taking them apart and making them again as optree does, where that is missing.

What counts as a container, the order of its leaves and what is kept of it are optree's: a subclass of dict
or list is a leaf, None has no leaves, and a dict goes by its sorted keys but keeps its own order.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from types import NoneType
from typing import Any, NamedTuple

from ..engine.array_types import Tree


@dataclass(frozen=True, slots=True)
class Structure:
    """A container without its leaves. Containers that are built alike have equal ones."""

    kind: Any
    """Its type; None of a leaf."""
    entries: tuple[Any, ...] = ()
    """For each part its key, index or name of a field."""
    parts: tuple[Structure, ...] = ()
    more: Any = None
    """What a defaultdict makes, how many entries a deque may have."""
    order: tuple[Any, ...] = field(default=(), compare=False)
    """A dict's keys as they came."""

    @property
    def num_leaves(self) -> int:
        """The number of leaves, at any depth."""
        return 1 if self.kind is None else sum(part.num_leaves for part in self.parts)

    def paths(self) -> list[tuple[Any, ...]]:
        """Return the entries that lead to each leaf."""
        if self.kind is None:
            return [()]
        pairs = zip(self.entries, self.parts, strict=True)
        return [(entry, *path) for entry, part in pairs for path in part.paths()]

    def unflatten(self, leaves: Iterable[Any]) -> Tree:
        """Return the container with these leaves; ValueError where there are too few or too many."""
        given = list(leaves)
        if len(given) != self.num_leaves:
            raise ValueError(f"a container of {self.num_leaves} leaves cannot take {len(given)}")
        return self.traverse(given, lambda node: node)

    def traverse(self, leaves: Iterable[Any], of_node: Callable[[Any], Any]) -> Any:
        """Return the container with these leaves, in which each container has gone through `of_node`."""
        return self._filled(iter(leaves), of_node)

    def _filled(self, leaves: Iterator[Any], of_node: Callable[[Any], Any]) -> Any:
        if self.kind is None:
            return next(leaves)
        way = _way(self.kind)
        assert way is not None
        return of_node(way.make(self, [part._filled(leaves, of_node) for part in self.parts]))

    def walk(
        self,
        leaves: Iterable[Any],
        of_node: Callable[[Any, Any, tuple[Any, ...]], Any],
        of_leaf: Callable[[Any], Any],
    ) -> Any:
        """Return what `of_node` makes of a type, what else there is to know, and what it made of the
        parts.
        """
        return self._walked(iter(leaves), of_node, of_leaf)

    def _walked(self, leaves: Iterator[Any], of_node: Any, of_leaf: Callable[[Any], Any]) -> Any:
        if self.kind is None:
            return of_leaf(next(leaves))
        parts = tuple(part._walked(leaves, of_node, of_leaf) for part in self.parts)
        return of_node(self.kind, (self.entries, self.more), parts)


_LEAF = Structure(None)


_LEAF = Structure(None)


def flatten(tree: Tree, atoms: tuple[type, ...]) -> tuple[list[Any], Structure]:
    """Return the leaves and the structure of a container; everything of the types `atoms` is a leaf."""
    leaves: list[Any] = []
    return leaves, _taken_apart(tree, atoms, leaves)


def _taken_apart(tree: Tree, atoms: tuple[type, ...], leaves: list[Any]) -> Structure:
    kind = type(tree)
    way = None if isinstance(tree, atoms) else _way(kind)
    if way is None:
        leaves.append(tree)
        return _LEAF
    entries = way.entries(tree)
    parts = tuple(_taken_apart(x, atoms, leaves) for x in way.values(tree, entries))
    order = tuple(tree) if way is _DICT else ()
    return Structure(kind, entries, parts, way.more(tree), order)


# ---- the kinds


class _Way(NamedTuple):
    """How containers of one kind are taken apart and made again."""

    entries: Callable[[Any], tuple[Any, ...]]
    values: Callable[[Any, tuple[Any, ...]], Sequence[Any]]
    make: Callable[[Structure, list[Any]], Any]
    more: Callable[[Any], Any] = lambda tree: None


def _way(kind: type) -> _Way | None:
    if kind in _WAYS:
        return _WAYS[kind]
    if issubclass(kind, tuple):
        return _NAMED if _is_namedtuple(kind) else _SEQUENCE if _is_structseq(kind) else None
    return _FIELDS if is_dataclass(kind) else None


def _is_namedtuple(kind: type) -> bool:
    names = getattr(kind, "_fields", None)
    return isinstance(names, tuple) and all(isinstance(name, str) for name in names)


def _is_structseq(kind: type) -> bool:
    """Return whether it is one of Python's own tuples with names, such as `time.struct_time`."""
    return kind.__bases__ == (tuple,) and hasattr(kind, "n_sequence_fields")


def _indices(tree: Tree) -> tuple[int, ...]:
    return tuple(range(len(tree)))


def _sorted_keys(tree: Tree) -> tuple[Any, ...]:
    """Sort keys. Those that do not compare go by their types; if they still do not, they stay as they
    came.
    """
    for key in (None, lambda k: (f"{type(k).__module__}.{type(k).__qualname__}", k)):
        try:
            return tuple(sorted(tree, key=key))
        except TypeError:
            pass
    return tuple(tree)


def _by_key(tree: Tree, keys: tuple[Any, ...]) -> list[Any]:
    return [tree[key] for key in keys]


def _dict(s: Structure, values: list[Any]) -> Any:
    found = dict(zip(s.entries, values, strict=True))
    ordered = {key: found[key] for key in s.order}
    return ordered if s.kind is dict else defaultdict(s.more, ordered)


_SEQUENCE = _Way(_indices, lambda tree, _: tree, lambda s, values: s.kind(values))
_DICT = _Way(_sorted_keys, _by_key, _dict, lambda tree: getattr(tree, "default_factory", None))
_NAMED = _Way(_indices, lambda tree, _: tree, lambda s, values: s.kind(*values))
_WAYS = {
    NoneType: _Way(lambda _: (), lambda *_: (), lambda *_: None),
    tuple: _SEQUENCE,
    list: _SEQUENCE,
    dict: _DICT,
    defaultdict: _DICT,
    OrderedDict: _Way(tuple, _by_key, lambda s, v: OrderedDict(zip(s.entries, v, strict=True))),
    deque: _Way(
        _indices,
        lambda tree, _: tree,
        lambda s, values: deque(values, s.more),
        lambda tree: tree.maxlen,
    ),
}


# ---- dataclasses, for optree as well


def field_names(kind: Any) -> tuple[str, ...]:
    """Return the entries of a dataclass."""
    return tuple(f.name for f in fields(kind))


def with_fields(kind: Any, values: Iterable[Any]) -> Any:
    """Return an instance with these fields; no __init__, which might check or convert what only passes
    through.
    """
    instance = object.__new__(kind)
    for name, value in zip(field_names(kind), values, strict=True):
        object.__setattr__(instance, name, value)
    return instance


_FIELDS = _Way(
    field_names,
    lambda tree, names: [getattr(tree, name) for name in names],
    lambda s, values: with_fields(s.kind, values),
)
