"""The arguments of compiled functions, and where arrays stand in them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from ..graph import Graph
from ..tracing import function_name, is_input, named_inputs
from ..trees import flatten


def alike(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Python floats take the precision of the arrays beside them, as they do in NumPy."""
    leaves, unflatten = flatten((args, kwargs))
    if not any(type(x) is float for x in leaves):
        return args, kwargs
    number = dtype_of_floats(leaves).type
    return unflatten([number(x) if type(x) is float else x for x in leaves])


def dtype_of_floats(args: Any) -> np.dtype[Any]:
    """The precision that Python floats take among these arguments."""
    leaves, _ = flatten(args)
    floating = [x.dtype for x in leaves if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    return np.result_type(*floating) if floating else np.dtype(float)


def donated(f: Callable[..., Any], args: Any, kwargs: Any, names: Sequence[str]) -> list[bool]:
    """For each input of the graph of `f`, whether it stems from an argument of these names."""
    inputs = named_inputs(f, args, kwargs)
    if not names:
        return [False] * len(inputs)
    bound = inspect.signature(f).bind(*args, **kwargs).arguments
    unknown = [name for name in names if name not in bound]
    if unknown:
        raise TypeError(f"donate={unknown[0]!r}: {function_name(f)} has no such argument")
    wanted = {id(x) for name in names for x in flatten(bound[name])[0]}
    return [id(x) in wanted for _, x in inputs]


def trees(args: Any, graph: Graph) -> tuple[Any, Any]:
    """Where arrays stand in the arguments and in the result, as `native.calls` describes it."""
    leaves, unflatten = flatten(tuple(args))
    numbers = count()
    marked = [_Leaf(next(numbers)) if is_input(x) else x for x in leaves]
    inputs = tuple(map(_tree, unflatten(marked)))
    assert graph.unpack is not None
    output = graph.unpack([_Leaf(i) for i in range(len(graph.outputs))])
    return inputs, _tree(output)


@dataclass(frozen=True)
class _Leaf:
    """Stands in a container where array number `number` belongs."""

    number: int


def _tree(x: Any) -> Any:
    """A container of leaves as `calls` describes it; other things are what they are."""
    if isinstance(x, _Leaf):
        return ("leaf", x.number)
    if type(x) is dict:
        return ("dict", tuple(x), tuple(map(_tree, x.values())))
    if type(x) in (tuple, list):
        return (type(x).__name__, tuple(map(_tree, x)))
    if x is not None and flatten(x)[0] != [x]:
        raise OtherContainer
    return ("constant", x)


class OtherContainer(Exception):
    """A container that generated guards do not know, such as a dataclass."""
