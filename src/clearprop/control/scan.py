"""`scan` and `fori_loop`: loops over the entries of arrays, and over a range of numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Tree
from ..engine.arrays import argument, is_array
from ..engine.recorder import recorder_here
from ..engine.settings import recomputes
from ..engine.spec import ArraySpec, shape_of, spec_of
from ..engine.tensor import apply
from ..errors import ShapeError, UnsupportedError
from ..graph.tracing import argument_names, function_name
from ..ops.bundles import results_of
from ..transforms.trees import flatten, paths
from .body import Body, trace_body
from .carried import check_carry, settled, starting_values
from .checkpoint import checkpoint as checkpointed
from .loop import loop, observed

Step = Callable[[Tree, Tree], tuple[Tree, Tree]]


def scan(
    f: Step,
    init: Tree,
    xs: Tree = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    checkpoint: int | None = None,
) -> tuple[Tree, Tree]:
    """Carry a value through the entries of arrays: ``carry, y = f(carry, x)`` for each x of xs.

    In a trace, and so in `compile`, the loop is one node, whatever its length; anywhere else it is the plain
    Python loop that it looks like. Gradients go through it either way.

    Parameters
    ----------
    f : of the carried value and one entry of `xs`; returns the carried value for the next step, and what is
        to be collected, or None. It may read other arrays and Tensors.
    init : what is carried at first: a number, an array or a container of such. Every step returns the same
        shapes and dtypes; a Python number takes the dtype that `f` gives.
    xs : an array or a container of arrays of the same length n along their first axis; None where there is
        nothing to read.
    length : the number of steps, where `xs` is None.
    reverse : go from the last entry to the first; what is collected stands where its entry stood.
    checkpoint : how many states to keep for a backward pass, which computes the steps between two of them
        again. The root of the number of steps takes the least memory. By default every state is kept.

    Returns
    -------
    The carried value after the last step, and what was collected: arrays of shape ``(n, ...)``.

    Raises
    ------
    ShapeError : lengths differ, or `f` returns what is carried in another shape, dtype or structure.

    >>> import numpy as np
    >>> def running_sum(total, x):
    ...     total = total + x
    ...     return total, total
    >>> total, sums = scan(running_sum, 0.0, np.array([1.0, 2.0, 4.0]))
    >>> float(total), sums
    (7.0, array([1., 3., 7.]))
    """
    steps = _Steps(f, xs, length)
    if checkpoint is not None:
        if operator.index(checkpoint) < 1:
            raise ShapeError(f"scan keeps at least one state, not checkpoint={checkpoint}")
        if checkpoint < steps.count and recomputes.get():
            return _in_segments(steps, init, reverse, checkpoint)
    recorder = recorder_here()
    if recorder is not None and recorder.tracing:
        return _as_node(steps, init, reverse)
    return _plainly(steps, init, reverse)


def _in_segments(steps: _Steps, init: Tree, reverse: bool, count: int) -> tuple[Tree, Tree]:
    """Go through segments of equal length, each computed again in a backward pass, and through the steps
    that are left.
    """
    size = -(-steps.count // count)
    count = steps.count // size
    first = steps.count - count * size if reverse else 0
    rest = slice(0, first) if reverse else slice(count * size, None)
    segments = [
        np.reshape(x[first : first + count * size], (count, size, *shape_of(x)[1:]))
        for x in steps.leaves
    ]

    def segment(carry: Tree, xs: Tree) -> tuple[Tree, Tree]:
        return scan(steps.f, carry, xs, size, reverse)

    with suppress(AttributeError):
        segment.__signature__ = steps.__signature__  # type: ignore[attr-defined]  # as its user calls them
    recorder = recorder_here()
    if recorder is not None and recorder.tracing:
        outer = _Steps(segment, steps.unflatten(segments), count)
        carry, ys = _as_node(outer, init, reverse, recompute=True)
    else:
        outer = _Steps(checkpointed(segment), steps.unflatten(segments), count)
        carry, ys = _plainly(outer, init, reverse)
    parts, unflatten = flatten(ys)
    parts = [np.reshape(y, (count * size, *shape_of(y)[2:])) for y in parts]
    if left := steps.count - count * size:
        last = steps.unflatten([x[rest] for x in steps.leaves])
        carry, more = scan(steps.f, carry, last, left, reverse)
        both = zip(flatten(more)[0], parts, strict=True)
        parts = [np.concatenate([new, y] if reverse else [y, new]) for new, y in both]
    return carry, unflatten(parts)


def fori_loop(
    lower: int, upper: int, body_fun: Callable[[Tree, Tree], Tree], init_val: Tree
) -> Tree:
    """Do ``value = body_fun(i, value)`` for each i from `lower` up to, not including, `upper`.

    Returns the last value; see `scan`, which it is in a trace. The number i is an int64 as NumPy's are, so
    beside float32 it gives float64; `i.astype("float32")` does not.

    >>> float(fori_loop(1, 5, lambda i, x: x * i, 1.0))
    24.0
    """
    numbers = range(operator.index(lower), operator.index(upper))
    number, named = argument_names(body_fun, (0, 0), [(0, 0), (0, 1)])  # as its user calls them

    def step(carry: Any, _: None) -> tuple[Any, None]:
        i, value = carry[number], carry[named]
        after = body_fun(i, value)
        check_carry(body_fun, value, after)
        return {number: i + 1, named: after}, None

    step.__name__ = function_name(body_fun)
    if not numbers:
        return init_val
    start = {number: np.int64(lower), named: init_val}
    return scan(step, start, length=len(numbers))[0][named]


@dataclass
class _Steps:
    """What a scan does in each step, and over what."""

    f: Step
    xs: Tree
    length: int | None

    def __post_init__(self) -> None:
        self.__name__ = function_name(self.f)
        with suppress(TypeError, ValueError):
            self.__signature__ = signature(
                self.f
            )  # its body's arguments have the names of the function's
        who = f"scan of {self.__name__}"
        leaves, self.unflatten = flatten(self.xs)
        self.leaves = [argument(x, f"{who} got") for x in leaves]
        sizes = [shape_of(x)[:1] for x in self.leaves]
        if () in sizes:
            raise ShapeError(
                f"{who} goes along the first axis of xs, but {_name(self.xs, sizes.index(()))} is a number. "
                f"Close over it, or repeat it: np.full(n, x)."
            )
        lengths = {n for (n,) in sizes}
        if self.length is not None:
            self.length = operator.index(self.length)
            if self.length < 0:
                raise ShapeError(f"{who} cannot go {self.length} steps: length is negative")
            lengths.add(self.length)
        if not lengths:
            raise ShapeError(f"{who} got neither xs nor a length; say how many steps: length=n")
        if len(lengths) > 1:
            found = ", ".join(f"{_name(self.xs, i)} {n}" for i, (n,) in enumerate(sizes))
            found += f"{', ' if found else ''}length {self.length}" * (self.length is not None)
            raise ShapeError(f"{who} needs the same number of steps of all, but got: {found}")
        (self.count,) = lengths

    def __call__(self, carry: Tree, x: Tree) -> tuple[Tree, Tree]:
        made = self.f(carry, x)
        if not (isinstance(made, tuple) and len(made) == 2):
            raise UnsupportedError(
                f"{function_name(self.f)} returned {type(made).__name__}; a step of scan returns two things, "
                f"the carried value and what is to be collected (or None): return carry, y"
            )
        return made

    def entry(self, t: int) -> Tree:
        return self.unflatten([x[t] for x in self.leaves])


def _name(tree: Tree, leaf: int) -> str:
    return "xs" + "".join(f"[{key!r}]" for key in paths(tree)[leaf])


# ---- as a plain loop


def _plainly(steps: _Steps, init: Tree, reverse: bool) -> tuple[Tree, Tree]:
    if (
        not steps.count
    ):  # what is collected are arrays without entries, of which a body knows the shapes
        return init, _as_node(steps, init, reverse)[1]
    collected: list[Tree] = []
    carry = init
    for t in reversed(range(steps.count)) if reverse else range(steps.count):
        before = carry
        carry, y = steps(carry, steps.entry(t))
        check_carry(steps.f, before, carry)
        if not collected and (start := settled(before, carry)) is not None:
            carry, y = steps(start, steps.entry(t))
            check_carry(steps.f, start, carry)
        collected.append(y)
    if reverse:
        collected.reverse()
    _, unflatten = flatten(collected[0])
    columns = zip(*(flatten(y)[0] for y in collected), strict=True)
    return carry, unflatten([np.stack(_alike(column)) for column in columns])


def _alike(column: Sequence[AnyArray]) -> Sequence[AnyArray]:
    """Return entries with Python numbers, as the first of what is carried may be, in the others' dtype."""
    dtype = next((x.dtype for x in reversed(column) if is_array(x)), None)
    if dtype is None:
        return column
    return [x if is_array(x) else dtype.type(x) for x in column]


# ---- as a node


@dataclass(frozen=True)
class _Traced:
    body: Body
    init: list[AnyArray]
    """The leaves of what is carried at first, with the dtypes that they have in the loop."""


def _trace(steps: _Steps, init: Tree) -> _Traced:
    """Return the body of a loop; it is traced once more where Python numbers are carried."""
    entry = steps.unflatten([ArraySpec(shape_of(x)[1:], spec_of(x).dtype) for x in steps.leaves])
    leaves = starting_values(
        "scan", steps.f, init, lambda carry: trace_body(steps, (carry, entry)).result[0]
    )
    _, unflatten = flatten(init)
    body = trace_body(steps, (unflatten(list(map(spec_of, leaves))), entry))
    check_carry(steps.f, unflatten(leaves), body.result[0])
    return _Traced(body, leaves)


def _as_node(
    steps: _Steps, init: Tree, reverse: bool, *, recompute: bool = False
) -> tuple[Tree, Tree]:
    traced = _trace(steps, init)
    body, carried = traced.body, len(traced.init)
    carry, y = body.result
    _, pack_carry = flatten(carry)
    collected, pack_collected = flatten(y)
    if not carried and not collected:
        return carry, y
    params = {
        "body": observed(body.graph, len(body.closed), carried),
        "closed": len(body.closed),
        "carried": carried,
        "finals": tuple(range(carried)),
        "length": steps.count,
        "reverse": reverse,
        "recompute": recompute,
    }
    made = results_of(apply(loop, (*body.closed, *traced.init, *steps.leaves), params))
    return pack_carry(made[:carried]), pack_collected(made[carried : carried + len(collected)])
