"""Primitives that NumPy has no function for, as a person writes them with functions that it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.primitive import primitives
from ...graph.graph import Graph, Node, Wire
from ...graph.tracing import trace_parts
from ..person.composite_gradients import logaddexp
from ..person.matching import Sight

_FORMS: dict[str, Callable[..., Any]] = {}


def _form(function: Callable[..., Any]) -> Callable[..., Any]:
    _FORMS[function.__name__] = function
    return function


def readable(graph: Graph, *names: str) -> Graph:
    """The same computation with these primitives (all that have a form, if none is named) written out."""
    wanted = set(names) or set(_FORMS)
    nodes: list[Node] = []
    for node in graph.nodes:
        form = _FORMS.get(node.primitive.name) if node.primitive.name in wanted else None
        if form is None or node.primitive is not getattr(primitives, node.primitive.name):
            nodes.append(node)
            continue
        examples = [w.constant if w.is_constant else w.spec for w in node.inputs]
        body = trace_parts(node.primitive.name, form, examples, node.params)
        nodes.append(replace(node, body=body))
    opened = replace(graph, nodes=tuple(nodes))
    if all(node.body is None for node in nodes):
        return graph
    return inlined(opened)


def inlined(graph: Graph) -> Graph:
    """Bodies in place of their nodes; the wires of the graph stay the same."""
    nodes: list[Node] = []
    stand_in: dict[Wire, Wire] = {}
    for node in graph.nodes:
        node = replace(node, inputs=tuple(stand_in.get(w, w) for w in node.inputs))
        if node.body is None:
            nodes.append(node)
            continue
        known = dict(zip(node.body.inputs, node.inputs, strict=True))
        for inside, outside in zip(node.body.outputs, node.outputs, strict=True):
            if inside in known or inside.is_constant:
                stand_in[outside] = known.get(inside, inside)
            else:
                known[inside] = outside
        for part in node.body.nodes:
            for wire in (*part.inputs, *part.outputs):
                if wire not in known:
                    known[wire] = wire.copy()
                    known[wire].is_named = known[wire].is_named and wire.is_constant
            nodes.append(
                replace(
                    part,
                    inputs=tuple(known[w] for w in part.inputs),
                    outputs=tuple(known[w] for w in part.outputs),
                    line=node.line,
                    is_backward=node.is_backward,
                )
            )
    outputs = tuple(stand_in.get(w, w) for w in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


@_form
def relu(x: Any) -> Any:
    return np.maximum(x, 0)


@_form
def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


@_form
def softmax(x: Any, axis: Any) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@_form
def log_softmax(x: Any, axis: Any) -> Any:
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@_form
def logsumexp(x: Any, axis: Any, keepdims: Any) -> Any:
    top = x.max(axis, keepdims=keepdims)
    wide = top if keepdims or not top.shape else np.expand_dims(top, axis)
    return top + np.log(np.exp(x - wide).sum(axis, keepdims=keepdims))


@_form
def nll_loss(log_p: Any, labels: Any) -> Any:
    if log_p.ndim == 1:
        return -log_p[labels]
    if log_p.ndim > 2:
        log_p, labels = log_p.reshape(-1, log_p.shape[-1]), labels.reshape(-1)
    return -log_p[np.arange(len(log_p)), labels].mean()


@_form
def stop_gradient(x: Any) -> Any:
    return x


@_form
def copy(x: Any) -> Any:
    return x


def stable(graph: Graph, note: Any) -> Graph:
    """Logarithms of logistic functions, and of 1 + exp(x), without overflow and loss of digits."""
    from ..person.recognise import log_logistic, softplus

    sight = Sight()
    nodes: list[Node] = []
    for node in graph.nodes:
        found = None
        if len(node.outputs) == 1:
            sight.made[node.out] = node
            found = log_logistic(node, sight) or softplus(node, sight)
        if found is None:
            nodes.append(node)
            continue
        x, kind = found.inputs[0], found.primitive.name
        zero = Wire("", x.spec, 0)
        parts: list[Node] = []

        def part(
            primitive: Any,
            *inputs: Wire,
            line: Any = node.line,
            to: Any = parts,
            spec: Any = x.spec,
        ) -> Wire:
            to.append(Node(primitive, inputs, (Wire("", spec),), {}, line))
            return to[-1].out

        if kind == "softplus":
            part(logaddexp, zero, x)
        elif kind == "log_logistic":
            part(primitives.negative, part(logaddexp, zero, part(primitives.negative, x)))
        else:
            part(primitives.negative, part(logaddexp, zero, x))
        parts[-1] = replace(parts[-1], outputs=node.outputs)
        note(
            f"stable_{'softplus' if kind == 'softplus' else 'log_logistic'}",
            node,
            tuple(parts),
            sight.made,
        )
        nodes += parts
    return replace(graph, nodes=tuple(nodes))
