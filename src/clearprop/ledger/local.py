"""The local gradient of a gate as a formula: its vjp rule, run on symbols and printed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..emit.array_expressions import expression
from ..engine.array_types import AnyArray
from ..engine.bundle import Bundle
from ..engine.primitive import primitives, together
from ..engine.recorder import Origin
from ..engine.tensor import Tensor
from ..errors import TraceError
from ..graph.graph import Graph, Node, Wire
from ..graph.tracing import build, record
from ..passes import simplify
from ..transforms.derivatives import vjp
from .conjugates import conjugated

UPSTREAM = "upstream"
PARTS = "see the parts of the block"
MASKED = "the entries that the mask picks"
UNWRITTEN = (PARTS, MASKED)
"""What stands where there is no formula."""
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class LocalGradient:
    """A formula in the names of the gate's own wires.

    For an elementwise gate it is the factor that multiplies the upstream gradient. For others the
    local gradient is a Jacobian that nobody wants to write down, so the formula is that of the
    downstream gradient, with `upstream` in it; `is_factor` tells the two apart.
    """

    text: str
    is_factor: bool


def local_gradient(node: Node, position: int) -> LocalGradient:
    """Return the formula for one input of a gate."""
    is_factor = _is_elementwise(node)
    if len(node.outputs) != 1 and node.is_mark:
        return LocalGradient(PARTS, False)
    try:
        graph = rule_graph(node, position, is_factor)
    except TraceError:  # the number of entries that a mask picks is unknown
        return LocalGradient(MASKED, False)
    text = expression(graph, graph.outputs[0])
    if len(text) > _LONGEST and node.body is not None:
        return LocalGradient(PARTS, False)
    made, wanted = graph.outputs[0].spec.shape, node.inputs[position].spec.shape
    if not is_factor and math.prod(made) < math.prod(wanted):
        text += f", stretched to {wanted}"
    return LocalGradient(text, is_factor)


def _is_elementwise(node: Node) -> bool:
    """Return whether each entry's gradient is the upstream one times a number, not its conjugate."""
    if node.primitive in (primitives.conj, primitives.direction):
        return node.out.spec.dtype.kind != "c"
    return "elementwise" in node.primitive.traits or (
        node.body is not None and all(map(_is_elementwise, node.body.nodes))
    )


def rule_graph(node: Node, position: int, is_factor: bool) -> Graph:
    """Return the rule for one input as a graph from (inputs, output, upstream) to the downstream gradient.

    Rules are written for the conjugates of complex gradients (see `backprop.conjugate`), the graph for those
    that users see.
    """
    by_wire = {
        w: w.constant if w.is_constant and w.spec.shape == () else _symbol(w) for w in node.inputs
    }
    symbols = [by_wire[w] for w in node.inputs]
    outs = [_symbol(w) for w in node.outputs]
    upstreams: list[AnyArray] = [
        _symbol(Wire(UPSTREAM if len(outs) == 1 else f"d{w.name}", w.spec)) for w in node.outputs
    ]
    if is_factor:  # a real one, also where numbers are complex
        upstreams = [np.ones((), node.out.spec.dtype).real[()]]
    out: Any = outs[0] if len(outs) == 1 else Bundle(outs)
    g: Any = upstreams[0] if len(outs) == 1 else Bundle(upstreams)
    if not node.is_mark:
        rules = node.primitive.vjp

        def rule() -> AnyArray:
            sent = conjugated(g) if len(outs) == 1 else Bundle(map(conjugated, upstreams))
            if isinstance(rules, together):
                return conjugated(rules.rule(sent, out, *symbols, **node.params)[position])
            chosen = rules[position]
            assert chosen is not None
            return conjugated(chosen(sent, out, *symbols, **node.params))

    else:
        body = node.body
        assert body is not None
        if is_factor:  # a body is as large as its inputs, so its upstream gradient must be, too
            g = np.ones(node.out.spec.shape, node.out.spec.dtype)[()]

        def rule() -> AnyArray:
            def run(x: AnyArray) -> AnyArray:
                env = body.run([*symbols[:position], x, *symbols[position + 1 :]])
                return env[body.outputs[0]]

            return vjp(run, symbols[position])[1](g)[0]

    result, _ = record(rule, ((), {}), tracing=True)
    if result is None:  # a block's own gradient says that it does not depend on this input
        result = np.zeros((), node.inputs[position].spec.dtype)[()]
    involved = [*by_wire.values(), *upstreams, *outs]
    inputs = [s for s in involved if isinstance(s, Tensor)]
    return simplify(build(node.primitive.name, inputs, [result]))


def _symbol(wire: Wire) -> Tensor:
    return Tensor(wire.spec, None, (), {}, True, Origin(wire.name))
