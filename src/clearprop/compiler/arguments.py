"""The arguments of compiled functions, and where arrays stand in them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, DType, Tree
from ..engine.arrays import argument, is_array
from ..engine.spec import spec_of
from ..graph.graph import Graph
from ..graph.tracing import function_name, in_order, is_input
from ..transforms.trees import flatten, same, structure


class Arguments:
    """What one call was given, taken apart once: nobody changes the containers that are kept here.

    Python floats take the precision of the arrays beside them, as they do in NumPy.
    """

    def __init__(self, args: Sequence[Tree], kwargs: Mapping[str, Tree], function: str) -> None:
        leaves, self._unflatten = flatten((args, kwargs))
        self.leaves = [argument(leaf, f"{function} got") for leaf in leaves]
        self.floats = _dtype_of_floats(self.leaves)
        """The precision that Python floats take."""
        number = self.floats.type
        self._values = [number(x) if type(x) is float else x for x in self.leaves]
        self.args, self.kwargs = self._unflatten(self._values)

    @property
    def inputs(self) -> list[AnyArray]:
        """The arrays and numbers that are inputs of a graph, as they stand in the containers."""
        return [x for x in self._values if is_input(x)]

    def key(self) -> Hashable:
        """Return a key that is equal where the same code will do: the same shapes and dtypes,
        constants and containers.
        """
        return tuple(map(_kind, self._values)), structure((self.args, self.kwargs))

    # ---- by place: what is passed twice is one object in two of them

    def places(self, f: Callable[..., Any]) -> list[int]:
        """Return, for each input of the graph of `f`, its number among `inputs`."""
        return _numbers(in_order(f, *self._marked()))

    def donated(self, f: Callable[..., Any], names: Sequence[str]) -> list[bool]:
        """Return, for each input of the graph of `f`, whether it stands within an argument of these names."""
        places = self.places(f)
        if not names:
            return [False] * len(places)
        args, kwargs = self._marked()
        bound = inspect.signature(f).bind(*args, **kwargs).arguments
        unknown = [name for name in names if name not in bound]
        if unknown:
            raise TypeError(f"donate={unknown[0]!r}: {function_name(f)} has no such argument")
        given = set(_numbers([bound[name] for name in names]))
        return [place in given for place in places]

    def trees(self, graph: Graph) -> tuple[Tree, Tree]:
        """Return where arrays stand in the arguments and in the result, as `native.calls` describes it."""
        args, _ = self._marked()
        assert graph.unpack is not None
        output = graph.unpack([_Place(i) for i in range(len(graph.outputs))])
        return tuple(map(_tree, args)), _tree(output)

    def _marked(self) -> tuple[Tree, Tree]:
        """Return the arguments with numbered places instead of inputs."""
        numbers = count()
        marked = [_Place(next(numbers)) if is_input(x) else x for x in self._values]
        args, kwargs = self._unflatten(marked)
        return args, kwargs


def _kind(leaf: AnyArray) -> Hashable:
    if is_array(leaf):
        return leaf.dtype, leaf.shape
    return spec_of(leaf) if is_input(leaf) else same(leaf)


def _dtype_of_floats(leaves: Sequence[AnyArray]) -> DType:
    floating = [x.dtype for x in leaves if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    return np.result_type(*floating) if floating else np.dtype(float)


class _Place:
    """Stands in a container where array number `number` belongs."""

    def __init__(self, number: int) -> None:
        self.number = number


def _numbers(tree: Tree) -> list[int]:
    """Return the numbers of the places in a container, in the order of its leaves."""
    return [x.number for x in flatten(tree)[0] if isinstance(x, _Place)]


def _tree(x: Tree) -> Tree:
    """Return a container of places as `calls` describes it; other things are what they are."""
    if isinstance(x, _Place):
        return ("leaf", x.number)
    if type(x) is dict:
        return ("dict", tuple(x), tuple(map(_tree, x.values())))
    if type(x) in (tuple, list):
        return (type(x).__name__, tuple(map(_tree, x)))
    if x is None or (_is_leaf(x) and not isinstance(x, set | bytearray)):  # which may change
        return ("constant", x)
    raise OtherContainer


def _is_leaf(x: object) -> bool:
    leaves, _ = flatten(x)
    return len(leaves) == 1 and leaves[0] is x


class OtherContainer(Exception):
    """A container that generated guards do not know, such as a dataclass."""
