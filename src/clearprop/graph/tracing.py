"""From a Python function, or from Tensors that exist already, to a Graph.

Tracing runs the function once on Tensors that have a shape and a dtype but no value. What happens to
them is the graph. Names are those of the user's variables and arguments; every node knows its line.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from ..callsite import printable
from ..engine.array_types import AnyArray, Params, Tree
from ..engine.arrays import argument, is_array
from ..engine.arrays import result as as_result
from ..engine.garbage import no_collections
from ..engine.in_place import next_number, refresh
from ..engine.primitive import Primitive, primitives
from ..engine.recorder import Noted, Origin, Recorder, noted
from ..engine.settings import began, switched, transforms, uncovered
from ..engine.spec import ArraySpec, is_floating, spec_of
from ..engine.tensor import Tensor
from ..errors import ClearpropError, TraceError
from ..transforms.trees import Container, flatten, paths, same
from ..transforms.wrapper import Signature
from .from_tensors import Nodes
from .graph import Graph


def trace(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Graph:
    """Return the graph of a function, for arguments of these shapes and dtypes.

    Parameters
    ----------
    f : a function of arrays, floats and containers of them, or anything made of such: ``grad(loss)``
    args, kwargs : examples: arrays, floats or `ArraySpec`. Ints, bools, strings and None are not
        inputs of the graph: they are fixed, and Python may branch on them.

    Returns
    -------
    Graph : prints as a short program; ``graph.verify()``, ``graph.evaluate(*args)``.

    Raises
    ------
    TraceError : Python needed a value, for an `if`, a `float()`, or a size.

    >>> import numpy as np
    >>> print(trace(lambda x, y: np.tanh(x) * y, 1.0, np.zeros(3)))  # doctest: +ELLIPSIS
    <lambda>(x: f64, y: f64[3]) {
      t1: f64 = tanh(x)             # ...
      out: f64[3] = multiply(t1, y) # ...
      return out
    }
    """
    return _traced(f, args, kwargs, whole=False)


def whole_trace(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Graph:
    """Return the graph with all results of its loops, also those that nobody reads."""
    return _traced(f, args, kwargs, whole=True)


@no_collections()
def _traced(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], *, whole: bool
) -> Graph:
    inputs, fill = _inputs(f, args, kwargs, specs=True)
    tensors = [argument_tensor(name, spec_of(x)) for name, x in inputs]
    examples = {t: x for t, (_, x) in zip(tensors, inputs, strict=True) if type(x) is not ArraySpec}
    result, recorder = record(f, fill(tensors), tracing=True, examples=examples)
    outputs, _ = flatten(result)
    for y in outputs:
        if not (is_array(y) or isinstance(y, float | int)):
            raise ClearpropError(
                f"a traced function returns arrays, but {function_name(f)} returned {y!r}"
            )
    passed = as_passed(tensors, [name for name, _ in inputs])
    graph = build(function_name(f), passed, outputs, recorder.array_names, whole=whole)
    graph.by_rows = recorder.asks_layout
    graph.pack, graph.unpack = _Packer(f, args, kwargs), Container(result)
    return graph


@no_collections()
def graph_at(f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Graph:
    """Return the graph of `f` at these very values, on which Python may branch."""
    inputs, fill = _inputs(f, args, kwargs)
    tensors = [
        argument_tensor(name, x.value if isinstance(x, Tensor) else np.asarray(x)[()])
        for name, x in inputs
    ]
    result, recorder = record(f, fill(tensors), tracing=False)
    outputs, _ = flatten(result)
    passed = as_passed(tensors, [name for name, _ in inputs])
    return build(function_name(f), passed, outputs, recorder.array_names)


def record(
    f: Callable[..., Any],
    arguments: tuple[tuple[Any, ...], dict[str, Any]],
    *,
    tracing: bool,
    examples: Mapping[Tensor, AnyArray] = MappingProxyType({}),
) -> tuple[Tree, Recorder]:
    """Run `f` with a recorder on; return its result and what the recorder saw."""
    recorder = Recorder(tracing=tracing)
    recorder.examples.update(examples)
    args, kwargs = arguments
    with (
        switched(noted, Noted(recorder, None)),
        switched(transforms, transforms.get() + 1),
        switched(began, next_number()),
        uncovered(),
    ):
        result = f(*args, **kwargs)
        refresh(flatten(result)[0])
    recorder.finish()
    outputs, unflatten = flatten(result)
    who = f"{function_name(f)} returned"
    return unflatten([as_result(y, who) for y in outputs]), recorder


def function_name(f: Callable[..., Any]) -> str:
    """Return the name of a function, or of the type of a callable object."""
    return printable(getattr(f, "__name__", type(f).__name__))


# ---- arguments


def named_inputs(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[tuple[str, AnyArray]]:
    """Return every array and float among the arguments, with a name: its argument's, or its key's
    within it.
    """
    return _inputs(f, args, kwargs, specs=True)[0]


def argument_tensor(name: str, value: AnyArray) -> Tensor:
    """Return what a recorded function gets for an argument: a copy, which it may assign into."""
    t = Tensor(value, primitives.copy, (), {}, is_floating(value.dtype), Origin(name))
    t.retains_grad = True  # like a leaf, should the function call backward()
    return t


def as_passed(tensors: Sequence[Tensor], names: Sequence[str]) -> list[Tensor]:
    """Return the arguments as they were before the function assigned into them, under their names."""
    passed = list(tensors)
    for i, t in enumerate(passed):
        while hasattr(t, "before"):
            t = passed[i] = t.before
    for t, name in zip(passed, names, strict=True):
        t.origin = Origin(name)
    return passed


def is_input(leaf: object) -> bool:
    """Return whether a graph has an input for it: arrays and floating numbers; everything else is fixed."""
    return isinstance(leaf, float | complex) or is_array(leaf)


def _inputs(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], *, specs: bool = False
) -> tuple[
    list[tuple[str, AnyArray]],
    Callable[[Sequence[AnyArray]], tuple[tuple[Any, ...], dict[str, Any]]],
]:
    """Return the named inputs, and the function that puts others in their places."""
    args, kwargs = in_order(f, args, kwargs)
    tree = (tuple(args), dict(kwargs))
    leaves, unflatten = flatten(tree)
    leaves = [argument(leaf, f"{function_name(f)} got", specs=specs) for leaf in leaves]
    places = [i for i, leaf in enumerate(leaves) if is_input(leaf)]
    found = paths(tree)
    names = argument_names(f, args, [found[i] for i in places])

    def fill(values: Sequence[AnyArray]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        filled = list(leaves)
        for i, value in zip(places, values, strict=True):
            filled[i] = value
        return unflatten(filled)

    return [(name, leaves[i]) for name, i in zip(names, places, strict=True)], fill


def in_order(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return the arguments in the order of the signature, however they were passed."""
    try:
        bound = inspect.signature(f).bind(*args, **kwargs)
    except (TypeError, ValueError):  # calling it will say what is wrong
        return args, kwargs
    return bound.args, bound.kwargs


def argument_names(
    f: Callable[..., Any], args: Sequence[Any], found: list[tuple[Any, ...]]
) -> list[str]:
    """Return a name for each path into the arguments: ``(0, position, *keys)``, ``(1, keyword, *keys)``."""
    try:
        bound = inspect.signature(f).bind_partial(*args).arguments
        positions = list(bound)
        if len(positions) < len(args):  # *args gather the rest
            star = positions.pop()
            positions += [f"{star}{i}" for i in range(len(args) - len(positions))]
    except (TypeError, ValueError):
        positions = [f"x{i}" for i in range(len(args))]
    full, short = [], []
    for kind, key, *rest in found:
        argument = positions[key] if kind == 0 else key
        parts = [printable(str(part)) for part in (argument, *rest)]
        full.append("_".join(parts))
        last = parts[-1]
        short.append(last if last.isidentifier() else "_".join(parts))
    return [s if short.count(s) == 1 else long for s, long in zip(short, full, strict=True)]


class _Packer:
    """From a function's arguments to the arrays among them, in order; `pickle` needs no function for it."""

    def __init__(
        self, f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        self.f = Signature(f)
        self.fixed = _fixed(self.f, args, kwargs)
        self.known, self.places = same(self.fixed), paths(in_order(self.f, args, kwargs))

    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[AnyArray]:
        now, name = _fixed(self.f, args, kwargs), function_name(self.f)
        if same(now) != self.known:
            raise TraceError(
                f"{name} was traced with the fixed values {self.fixed}, but was called with {now}; trace it "
                f"again for these"
            )
        found = paths(in_order(self.f, args, kwargs))
        other = next(
            (new for new, old in zip(found, self.places, strict=False) if new != old), None
        )
        if other is not None and len(found) == len(self.places):
            raise TraceError(
                f"{name} was traced for other keys than it was called with: {other[-1]!r} is none of them, "
                f"or stands in another place; trace it again for these"
            )
        return [x for _, x in _inputs(self.f, args, kwargs)[0]]


def _fixed(f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[AnyArray]:
    args, kwargs = in_order(f, args, kwargs)
    leaves, _ = flatten((tuple(args), dict(kwargs)))
    taken = [argument(leaf, f"{function_name(f)} got", specs=True) for leaf in leaves]
    return [leaf for leaf in taken if not is_input(leaf)]


# ---- Tensors to nodes


def build(
    name: str,
    inputs: Sequence[Tensor],
    outputs: Sequence[AnyArray],
    array_names: Mapping[int, str] = MappingProxyType({}),
    *,
    whole: bool = False,
) -> Graph:
    """Return the graph that leads from `inputs` to `outputs`; other values on the way are constants.

    Results of loops that nobody reads are left out, unless the `whole` is asked for.
    """
    graph = Nodes(inputs, outputs, array_names, _body).build(name)
    if not whole and any(node.primitive.pruned for node in graph.nodes):
        graph = graph.without_unread()
    graph.name_rest()
    return graph


def trace_parts(
    name: str, function: Callable[..., Any], examples: Sequence[Any], params: Params
) -> Graph:
    """Return what an operation stands for, as a graph: this function, traced on inputs like these."""
    specs = map(spec_of, examples)
    tensors = [Tensor(s, primitives.copy, (), {}, is_floating(s.dtype), Origin()) for s in specs]
    result, recorder = record(function, (tuple(tensors), dict(params)), tracing=True)
    for i, t in enumerate(tensors):  # which the function's own variables have not named
        t.origin.name = t.origin.name or f"x{i + 1}"
    results = list(result) if isinstance(result, tuple) else [result]
    return build(name, tensors, results, recorder.array_names)


def _body(primitive: Primitive, specs: Sequence[ArraySpec], params: Params) -> Graph | None:
    """Return the parts of a block that brings its own gradient; None where they cannot be traced."""
    assert primitive.function is not None
    try:
        return trace_parts(primitive.name, primitive.function, specs, params)
    except Exception:  # any error: its author need not have thought of unknown values
        return None
