"""The reverse sweep: from an output's gradient to the gradients of everything it was made from.

Nodes are visited from the newest to the oldest, so all users of a value have added their gradients before
the value passes its own on. There is no recursion: a chain of a million operations is fine.

The same sweep works on numbers and on Tensors. On numbers it is fast and records nothing; on Tensors
(`create_graph`, nested transforms, tracing) the backward pass is itself a differentiable computation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from ..errors import GradientError, ShapeError
from .array_types import AnyArray, ArrayLike
from .arrays import as_array, check_numbers, numbers_of
from .broadcasting import repeats, shrink
from .in_place import lags, refresh, version_at
from .late_methods import defines
from .primitive import Call, Primitive, Rule, each, never, primitives, together
from .recorder import Origin, recorder_here
from .settings import covered, happened, no_grads, raise_covered
from .spec import ArraySpec, shape_of
from .tensor import Tensor

_number = attrgetter("number")
_float64 = np.float64


_FREED = Primitive("freed", never, never, each(never), "blocks", "", Call("freed"))
"""Stands for the primitive of an operation whose memory was given back."""


class Reach(NamedTuple):
    """What a sweep will visit: found once, and good for several sweeps."""

    nodes: list[Tensor]
    """Every Tensor that gradients can reach, oldest first."""
    wanted: frozenset[Tensor] | None
    """Where gradients are collected; None means at leaves and where `retain_grad` was called."""
    since: int
    """Nothing with a number below this is visited."""
    changed: bool
    """Whether a Tensor on the way was changed in place, so that inputs must be looked up by version."""
    watched: bool
    """Whether something older is involved: then an enclosing transform will differentiate the sweep."""


def reach(
    outputs: Iterable[Tensor], wanted: Iterable[Tensor] | None = None, since: int = 0
) -> Reach:
    """Find what a sweep from `outputs` visits."""
    stops = None if wanted is None else frozenset(wanted)
    nodes = list(dict.fromkeys(t for t in outputs if t.requires_grad))
    seen = set(nodes)
    changed = False
    recorder = recorder_here()
    watched = recorder is not None and recorder.tracing
    for node in nodes:  # grows while it is walked
        number = node.number
        if number < since:
            watched = True
            continue
        stop = stops is not None and node in stops
        for x in node.inputs:
            if type(x) is Tensor:
                if x.number >= number:
                    x, changed = version_at(x, number), True
                if not x.requires_grad:
                    continue
                if x.number < since:
                    watched = True
                elif x not in seen and not stop:
                    seen.add(x)
                    nodes.append(x)
        if node.primitive is _FREED:
            raise GradientError(
                f"this graph was freed by an earlier backward pass, so its saved values are gone (met "
                f"at a value of shape {node.shape}). Call backward(retain_graph=True) the first "
                f"time, or compute the loss again."
            )
    nodes.sort(key=_number)
    return Reach(nodes, stops, since, changed, watched)


def sweep(
    span: Reach,
    outputs: Iterable[Tensor],
    seeds: Iterable[AnyArray],
    *,
    create_graph: bool = False,
    free: bool = False,
) -> dict[Tensor, AnyArray]:
    """Send `seeds`, the gradients of `outputs`, back through the graph; return those that are wanted.

    Where an enclosing transform watches, or with `create_graph`, the gradients are Tensors. With
    `free`, operations forget their inputs as the sweep passes them, and `span` is used up.
    """
    create_graph = create_graph or span.watched
    free = free and not create_graph
    recorder = recorder_here()
    if recorder is None:
        return _sweep(span, outputs, seeds, create_graph, free)
    answering = recorder.answering
    try:
        return _sweep(span, outputs, seeds, create_graph, free)
    finally:  # an outer sweep goes on, or the user's code does, even after an error
        recorder.answering = answering


def _sweep(
    span: Reach,
    outputs: Iterable[Tensor],
    seeds: Iterable[AnyArray],
    create_graph: bool,
    free: bool,
) -> dict[Tensor, AnyArray]:
    gradients: dict[Tensor, AnyArray] = {}
    for output, seed in zip(outputs, seeds, strict=True):
        gradients[output] = gradients[output] + seed if output in gradients else seed
    nodes = span.nodes if free else span.nodes.copy()
    wanted, since, changed = span.wanted, span.since, span.changed
    found: dict[Tensor, AnyArray] = {}
    while nodes:
        node = nodes.pop()
        g = gradients.pop(node, None)
        if g is None:  # reached only through inputs that get nothing
            continue
        if create_graph:
            _note_gradient(node, g)
        primitive = node.primitive
        if wanted is None:
            if primitive is None or node.retains_grad:
                found[node] = g
            if primitive is None:
                continue
        elif node in wanted:
            found[node] = g
            continue
        elif primitive is None:
            continue
        # One gate: upstream in, downstream out, added to what other users already sent. Unrolled
        # here, because a scalar program is mostly this.
        inputs = _inputs_then(node) if changed else node.inputs
        parts = None
        if create_graph:
            values: Sequence[AnyArray] = _as_read(inputs)
            (out,) = _as_read((node,))
            if "elementwise" in primitive.traits:
                parts = _parts(g, out, *values)
        else:
            values = [x._value if type(x) is Tensor else x for x in inputs]
            out = node._value
        params = node.params
        rules: Any = primitive.vjp
        if type(rules) is together:
            given = rules.rule(g, out, *values, **params)
            rules = [None if d is None else partial(_given, d) for d in given]
        for x, rule in zip(inputs, rules):  # noqa: B905  # inputs past the last rule get nothing
            if type(x) is Tensor and x.requires_grad and x.number >= since and rule is not None:
                if parts is None:
                    downstream = rule(g, out, *values, **params)
                else:
                    downstream = _by_parts(rule, parts, g, out, *values, **params)
                value = x._value
                if type(downstream) is not _float64 or type(value) is not _float64:
                    shape = value.shape
                    if downstream.shape != shape or downstream.dtype is not value.dtype:
                        downstream = shrink(downstream, value)
                        if downstream.shape != shape and x not in gradients:
                            # alike along an axis: the rule of a sum returns such a one
                            downstream = np.broadcast_to(downstream, shape)
                if x in gradients:
                    gradients[x] = gradients[x] + downstream
                else:
                    gradients[x] = downstream
        if free and primitive.put is None:  # a view holds its base's memory anyway, and follows it
            node.inputs = ()
            node.primitive = _FREED
    return found


def _inputs_then(node: Tensor) -> tuple[AnyArray, ...]:
    """Return the inputs of an operation as they were when it ran."""
    number = node.number
    return tuple(version_at(x, number) if type(x) is Tensor else x for x in node.inputs)


def _as_read(inputs: tuple[AnyArray, ...]) -> tuple[AnyArray, ...]:
    """Return what an operation read, to be read again: copies of views on what was changed since."""
    if not happened.views_may_lag:
        return inputs
    return tuple(
        Tensor(x._value, primitives.copy, (x,), {}, x.requires_grad, x.origin) if lags(x) else x
        for x in inputs
    )


def _parts(g: AnyArray, *values: AnyArray) -> list[AnyArray] | None:
    """Return a large plain gradient, and what it meets, without what repeats in all of them; None where
    nothing does.
    """
    if not repeats(g):
        return None
    arrays = [x for x in (g, *values) if type(x) is np.ndarray]
    kept = {
        axis - x.ndim
        for x in arrays
        for axis, (stride, n) in enumerate(zip(x.strides, x.shape, strict=True))
        if stride and n != 1
    }
    if len(kept) == g.ndim:
        return None

    def part(x: AnyArray) -> AnyArray:
        if type(x) is not np.ndarray:
            return x
        axes = range(-x.ndim, 0)
        return x[(*(slice(None) if axis in kept else slice(0, 1) for axis in axes), ...)]

    return [part(x) for x in (g, *values)]


def _by_parts(rule: Rule, parts: Sequence[AnyArray], *whole: AnyArray, **params: Any) -> AnyArray:
    """Return what an elementwise rule makes of the parts; of the whole, if there is a Tensor in that."""
    found = rule(*parts, **params)
    if type(found) is Tensor:
        return rule(*whole, **params)
    return np.broadcast_to(found, whole[0].shape)


def _given(downstream: AnyArray, *args: Any, **params: Any) -> AnyArray:
    return downstream


def _note_gradient(node: Tensor, g: AnyArray) -> None:
    """Tell the recorder which forward operation the next ones belong to, and of which Tensor `g` is the
    gradient.
    """
    recorder = recorder_here()
    if recorder is None:
        return
    recorder.answering = node.origin or Origin()
    origin = g.origin if isinstance(g, Tensor) else None
    if origin is not None and origin.is_backward and origin.gradient_of is None:
        origin.gradient_of = node


def check_seed(output: Tensor, seed: AnyArray) -> AnyArray:
    """Return `seed` as an upstream gradient of `output`; raise ShapeError where it does not fit."""
    shape = shape_of(output)
    seed = as_array(numbers_of(seed, "the gradient given is"))
    check_numbers(seed, "the gradient given is")
    if seed.shape != shape:
        raise ShapeError(
            f"the gradient given for a value of shape {shape} has shape "
            f"{seed.shape}; it needs one number for each entry, so shape {shape}"
        )
    if not isinstance(output, Tensor):  # a constant: its gradient goes nowhere
        return seed
    if isinstance(seed, Tensor):
        return shrink(seed, output.value)
    return np.array(seed, dtype=output.dtype)[()]


def conjugate(g: AnyArray) -> AnyArray:
    """Return a gradient on its way in or out of the sweep.

    Rules multiply by the local derivative, so within the sweep the gradient of a complex value is the
    conjugate of what users see: the direction of steepest ascent.
    """
    return primitives.conj(g) if g.dtype.kind == "c" else g


def ones_like(value: AnyArray) -> AnyArray:
    """Return the gradient of a value with respect to itself."""
    if type(value) is ArraySpec or value.shape:
        return np.ones(value.shape, value.dtype)[()]
    return value.dtype.type(1)


def own(g: AnyArray, given: set[int]) -> AnyArray:
    """Return a gradient to hand out: writable memory that nobody else holds."""
    if type(g) is np.ndarray:
        if g.ndim == 0:  # a scalar, as NumPy's operators would give
            return g[()]
        if g.base is not None or not g.flags.writeable or id(g) in given:
            g = g.copy()
        given.add(id(g))
    return g


@defines(Tensor.backward)
def backward(
    output: Tensor,
    gradient: ArrayLike | None = None,
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> None:
    refresh((output,))
    if not output.requires_grad:
        raise GradientError(_why_no_gradient(output))
    if gradient is None:
        if output.size != 1:
            raise GradientError(
                f"backward() starts from one number, but this value has shape {output.shape}. Reduce "
                f"it first (.sum(), .mean()), pass backward(gradient) with shape {output.shape}, or "
                f"use clearprop.jacobian or clearprop.vjp."
            )
        if output.dtype.kind == "c":
            raise GradientError(WHY_REAL.format("backward()"))
        seed = ones_like(output.value)
    else:
        seed = conjugate(check_seed(output, gradient))
    span = reach([output])
    if covered.get():
        raise_covered(set(span.nodes))
    found = sweep(span, [output], [seed], create_graph=create_graph, free=not retain_graph)
    given: set[int] = set() if gradient is None else {id(seed)}
    for node, g in found.items():
        if g.dtype.kind == "c":
            g = conjugate(g)
        if not create_graph:
            g = own(g, given)
        node.grad = g if node.grad is None else node.grad + g


WHY_REAL = (
    "{} starts from a real number, but this one is complex: only real values have a steepest ascent. Take "
    "its .real, np.abs or another real number of it, or pass the upstream gradient."
)


def _why_no_gradient(output: Tensor) -> str:
    why = "backward() on a value that requires no gradient: "
    if no_grads.get():
        why += "it was made within no_grad(), or backward() is called there. Move it out of the `with`."
    elif output.dtype.kind not in "fc":
        why += f"it is {output.dtype}, and only floating point values have gradients."
    else:
        why += (
            "nothing that it was made from does. Make an input with clearprop.tensor(x) and "
            "requires_grad not False, and compute the value from it outside no_grad() and without "
            "detach()."
        )
    return why
