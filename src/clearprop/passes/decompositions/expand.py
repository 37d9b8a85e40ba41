"""Composite primitives written with simpler ones, for readers that know only those."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.array_types import AnyArray
from ...engine.arrays import is_array
from ...graph.graph import Graph, Node, Wire
from .node_parts import answering, with_body
from .registry import decomposition_of

_LABELS: dict[str, int] = {"one_hot": 0, "nll_loss": 1}
"""Inputs that are whole numbers whatever the result is; all others are numbers to compute with."""

_WRITTEN = ("f", "d")
"""Results of these dtypes are written out. Others (half precision, complex numbers) NumPy computes in any
case, and some of them in a way of its own: its means of half precision are taken in single.
"""


def expand(graph: Graph) -> Graph:
    """The same computation without blocks and without primitives that others can express.

    Indices and labels are taken to be in range: nothing here looks whether they are.

    >>> import clearprop, numpy as np
    >>> print(expand(clearprop.trace(lambda x: x.mean(), np.ones(4))))
    <lambda>(x: f64[4]) {
      t1: f64 = sum(x; axis=(0,), keepdims=False)  # ...
      out: f64 = divide(t1, 4)                     # ...
      return out
    }
    """
    return _Expansion().of(graph)


class _Expansion:
    """One expansion: parts are traced once for all nodes that are alike."""

    def __init__(self) -> None:
        self.known: dict[Any, Graph] = {}

    def of(self, graph: Graph) -> Graph:
        whole = graph.open().in_parts(self._parts)
        whole.name_uniquely()
        return whole

    def _parts(self, node: Node) -> Graph | None:
        """Return what a node is made of, down to what has no parts; None where it has none."""
        function = decomposition_of(node, "compile")
        if function is None or node.out.spec.dtype.char not in _WRITTEN:
            return None
        examples = [_example(w, node.out.spec.dtype) for w in node.inputs]
        key = _key(node, function)
        body = self.known.get(key) if key else None
        if body is None:
            made = with_body(node, _following(node, function), examples).body
            assert made is not None
            body = self.of(made)
            if key:
                self.known[key] = body
        return answering(body, node)


def _key(node: Node, function: Callable[..., Any]) -> Any:
    """Return what the parts of a node depend on; None where that may change."""
    try:
        hash(tuple(node.params.values()))
    except TypeError:  # an array
        return None
    params = tuple((name, repr(value)) for name, value in sorted(node.params.items()))
    inputs = tuple((w.spec, _is_weak(w)) for w in node.inputs)
    return function, inputs, node.out.spec, params


def _following(node: Node, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` in the dtype that the primitive's spec promises: whole numbers become floating first, as in
    NumPy, so that their squares and sums do not wrap around.
    """
    dtype, labels = node.out.spec.dtype, _LABELS.get(node.primitive.name)
    if all(i == labels or w.spec.dtype == dtype for i, w in enumerate(node.inputs)):
        return function

    def computed(*inputs: AnyArray, **params: Any) -> AnyArray:
        numbers = (x if i == labels else x.astype(dtype) for i, x in enumerate(inputs))
        return function(*numbers, **params)

    return computed


def _example(wire: Wire, dtype: np.dtype[Any]) -> AnyArray:
    """A wire's constant or spec; a Python number is computed with in the dtype of the result."""
    if not wire.is_constant:
        return wire.spec
    return dtype.type(wire.constant) if _is_weak(wire) else wire.constant


def _is_weak(wire: Wire) -> bool:
    """Whether it is one of Python's numbers, which take on the dtype of what is beside them."""
    number = wire.constant
    return wire.is_constant and isinstance(number, int | float) and not is_array(number)
