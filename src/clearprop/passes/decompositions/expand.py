"""Composite primitives written with simpler ones, for readers that know only those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.arrays import is_array
from ...engine.primitive import primitives
from ...engine.spec import shape_of
from ...graph.graph import Graph, Node, Wire
from ...graph.tracing import trace_parts
from ...ops.einsum import contract
from ...ops.einsum_subscripts import read

_EXPANSIONS: dict[str, tuple[Callable[..., Any], Callable[..., bool]]] = {}
"""By the name of a primitive: the function, and when it applies."""

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
    opened = graph.open()
    nodes = tuple(_with_parts(node) for node in opened.nodes)
    if all(new is old for new, old in zip(nodes, opened.nodes, strict=True)):
        return opened
    return expand(replace(opened, nodes=nodes))


def _with_parts(node: Node) -> Node:
    if node.primitive.name not in _EXPANSIONS or node.out.spec.dtype.char not in _WRITTEN:
        return node
    examples = [_example(w, node.out.spec.dtype) for w in node.inputs]
    function = expanded_by(node, examples)
    if function is None:
        return node
    body = trace_parts(node.primitive.name, _following(node, function), examples, node.params)
    body.nodes = tuple(
        replace(part, line=node.line, is_backward=node.is_backward) for part in body.nodes
    )
    return replace(node, body=body)


def _following(node: Node, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` in the dtype that the primitive's spec promises: whole numbers become floating first, as in
    NumPy, so that their squares and sums do not wrap around.
    """
    dtype, labels = node.out.spec.dtype, _LABELS.get(node.primitive.name)
    if all(i == labels or w.spec.dtype == dtype for i, w in enumerate(node.inputs)):
        return function

    def computed(*inputs: Any, **params: Any) -> Any:
        numbers = (x if i == labels else x.astype(dtype) for i, x in enumerate(inputs))
        return function(*numbers, **params)

    return computed


def expanded_by(node: Node, examples: list[Any]) -> Callable[..., Any] | None:
    """The function that writes a node with simpler primitives, if one applies to inputs like these."""
    function, applies = _EXPANSIONS.get(node.primitive.name, (None, None))
    return function if applies is not None and applies(*examples, **node.params) else None


def _example(wire: Wire, dtype: np.dtype[Any]) -> Any:
    """A wire's constant or spec; a Python number is computed with in the dtype of the result."""
    if not wire.is_constant:
        return wire.spec
    is_weak = isinstance(wire.constant, int | float) and not is_array(wire.constant)
    return dtype.type(wire.constant) if is_weak else wire.constant


def expansion(
    applies: Callable[..., bool] = lambda *inputs, **params: True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: this function does what the primitive of its name does, to inputs where it applies."""

    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        assert hasattr(primitives, function.__name__)
        _EXPANSIONS[function.__name__] = function, applies
        return function

    return note


def _count(x: Any, axis: tuple[int, ...]) -> int:
    return int(np.prod([x.shape[i] for i in axis], dtype=int))


@expansion()
def mean(x: Any, axis: Any, keepdims: Any) -> Any:
    return x.sum(axis, keepdims=keepdims) / _count(x, axis)


def _is_real(x: Any, **params: Any) -> bool:
    return bool(x.dtype.kind != "c")


@expansion(_is_real)
def var(x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    centred = x - x.sum(axis, keepdims=True) / _count(x, axis)
    return (centred * centred).sum(axis, keepdims=keepdims) / max(_count(x, axis) - ddof, 0)


@expansion(_is_real)
def norm(x: Any, axis: Any, keepdims: Any) -> Any:
    return np.sqrt((x * x).sum(axis, keepdims=keepdims))


@expansion(_is_real)
def std(x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    return np.sqrt(var(x, axis, ddof, keepdims))


@expansion()
def square(x: Any) -> Any:
    return x * x


@expansion()
def reciprocal(x: Any) -> Any:
    return 1 / x


@expansion()
def positive(x: Any) -> Any:
    return x.copy()


@expansion()
def deg2rad(x: Any) -> Any:
    return x * (np.pi / 180)


@expansion()
def rad2deg(x: Any) -> Any:
    return x * (180 / np.pi)


@expansion()
def tan(x: Any) -> Any:
    return np.sin(x) / np.cos(x)


@expansion()
def hypot(x: Any, y: Any) -> Any:
    """The longer leg times what the ratio of the legs adds, so that no square overflows."""
    x, y = abs(x), abs(y)
    longer, shorter = np.maximum(x, y), np.minimum(x, y)
    ratio = np.where(longer == shorter, 1.0, shorter) / np.where(longer == shorter, 1.0, longer)
    endless = (x == np.inf) | (y == np.inf)  # whatever the other is, and be it no number
    return np.where(endless, np.inf, longer * np.sqrt(ratio * ratio + 1))


@expansion()
def logaddexp(x: Any, y: Any) -> Any:
    top = np.maximum(x, y)
    apart = np.minimum(x, y) - np.where(np.isfinite(top), top, 0.0)
    return top + np.log1p(np.exp(apart))


@expansion()
def softmax(x: Any, axis: Any) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@expansion()
def log_softmax(x: Any, axis: Any) -> Any:
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@expansion()
def logsumexp(x: Any, axis: Any, keepdims: Any) -> Any:
    top = x.max(axis, keepdims=True)
    top = np.where(np.isfinite(top), top, top.dtype.type(0))
    out = np.log(np.exp(x - top).sum(axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis)


@expansion()
def nll_loss(log_p: Any, labels: Any) -> Any:
    hits = primitives.one_hot(labels, classes=log_p.shape[-1], dtype=np.dtype(bool))
    picked = np.where(hits, log_p, log_p.dtype.type(0)).sum(-1)
    return -(picked.sum() / picked.size)


@expansion()
def outer(x: Any, y: Any) -> Any:
    return np.expand_dims(x.reshape(-1), 1) * y.reshape(-1)


def _has_vector(x: Any, y: Any) -> bool:
    return 1 in (x.ndim, y.ndim) or (x.ndim == y.ndim == 2 and 1 in (x.shape[0], y.shape[1]))


@expansion(_has_vector)
def matmul(x: Any, y: Any) -> Any:
    """A vector as a factor makes sums of products, which are bound by memory and fuse with others."""
    if y.ndim == 1:
        return (x * y).sum(-1)
    if x.ndim == 1:
        return (np.expand_dims(x, -1) * y).sum(-2)
    if y.shape[1] == 1:
        return (x * y.T).sum(1, keepdims=True)
    return (x.T * y).sum(0, keepdims=True)


def _has_no_diagonal(*operands: Any, subscripts: str) -> bool:
    terms = read(subscripts, tuple(map(shape_of, operands))).terms
    return all(len(set(term)) == len(term) for term in terms)


@expansion(_has_no_diagonal)
def einsum(*operands: Any, subscripts: str) -> Any:
    return contract(subscripts, operands, _sum_products)


def _sum_products(subscripts: str, *operands: Any) -> Any:
    """Operands stretched to each other, multiplied, and added up."""
    left, _, output = subscripts.partition("->")
    terms = left.split(",")
    summed = "".join(dict.fromkeys(c for c in left if c != "," and c not in output))
    letters = output + summed
    product: Any = None
    for x, term in zip(operands, terms, strict=True):
        order = sorted(term, key=letters.index)
        if order != list(term):
            x = x.transpose([term.index(c) for c in order])
        missing = tuple(i for i, c in enumerate(letters) if c not in term)
        x = np.expand_dims(x, missing) if missing else x
        product = x if product is None else product * x
    return product.sum(tuple(range(len(output), len(letters)))) if summed else product


@expansion()
def one_hot(labels: Any, classes: int, dtype: Any) -> Any:
    hits = primitives.one_hot(labels, classes=classes, dtype=np.dtype(bool))
    return hits.astype(dtype)


@expansion()
def roll(x: Any, shift: tuple[int, ...], axis: tuple[int, ...] | None) -> Any:
    if axis is None:
        return roll(x.reshape(-1), (sum(shift),), (0,)).reshape(x.shape)
    for step, i in zip(shift, axis, strict=True):
        cut = -step % max(x.shape[i], 1)
        if cut:
            before = (slice(None),) * i
            x = np.concatenate([x[(*before, slice(cut, None))], x[(*before, slice(cut))]], i)
    return x


@expansion()
def pad(x: Any, width: Any, value: Any) -> Any:
    shape = tuple(a + n + b for n, (a, b) in zip(x.shape, width, strict=True))
    index = tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, width, strict=True))
    if any(v for pair in value for v in pair):
        frame = np.pad(np.zeros(x.shape, x.dtype), width, constant_values=value)
        return primitives.assign(frame, x, index=index)
    return primitives.scatter(x, index=index, shape=shape)


@expansion()
def repeat(x: Any, repeats: int, axis: int) -> Any:
    shape = list(x.shape)
    shape[axis] *= repeats
    copies = (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    return np.broadcast_to(np.expand_dims(x, axis + 1), copies).reshape(shape)


@expansion()
def tile(x: Any, reps: tuple[int, ...]) -> Any:
    shape = (1,) * (len(reps) - x.ndim) + x.shape
    pairs = list(zip(reps, shape, strict=True))
    apart = [n for times, size in pairs for n in ((1, size) if times != 1 else (size,))]
    copies = [n for times, size in pairs for n in ((times, size) if times != 1 else (size,))]
    whole = [r * n for r, n in zip(reps, shape, strict=True)]
    return np.broadcast_to(x.reshape(apart), copies).reshape(whole)
