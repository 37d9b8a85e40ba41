"""The account of a computation: its values, and gate by gate the gradients passed back and their sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.backprop import ones_like
from ..engine.broadcasting import stretched_axes
from ..engine.spec import MOST_AXES, is_floating, shape_of
from ..engine.tensor import Tensor
from ..errors import GradientError
from ..graph.graph import Graph, Node, Wire, evaluate_node
from ..transforms.derivatives import vjp
from ..transforms.jacobians import jacobian
from .local import LocalGradient, local_gradient

_SMALL_JACOBIAN = 64
"""A gate that is not elementwise shows its Jacobian up to this many numbers."""


@dataclass(slots=True)
class Passage:
    """What one gate hands to one of its inputs; the local gradient is found when somebody reads it."""

    node: Node
    position: int
    values: Sequence[AnyArray]
    """The values of all inputs of the gate."""
    downstream: AnyArray
    summed_axes: tuple[int, ...]
    """Axes of the gate's output along which broadcasting repeated the input."""
    before: AnyArray
    """What the input had received from other users by then; None if nothing."""
    total: AnyArray
    """`before` and `downstream` added up."""
    _local: LocalGradient | None = None
    _local_value: AnyArray = ...

    @property
    def wire(self) -> Wire:
        """The input."""
        return self.node.inputs[self.position]

    @property
    def local(self) -> LocalGradient:
        """The local gradient as a formula."""
        if self._local is None:
            self._local = local_gradient(self.node, self.position)
        return self._local

    @property
    def local_value(self) -> AnyArray:
        """The local gradient as numbers: elementwise for elementwise gates, else the Jacobian (outputs ×
        inputs) when small, else None.
        """
        if self._local_value is ...:
            self._local_value = _local_value(self.node, self.values, self.position, self.local)
        return self._local_value


@dataclass(slots=True)
class Gate:
    """One gate's entry in the backward pass."""

    node: Node
    upstream: list[AnyArray]
    """One for each output; None where an output got no gradient."""
    passages: list[Passage] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """Everything that an explanation shows."""

    graph: Graph
    values: dict[Wire, AnyArray]
    gradients: dict[Wire, AnyArray]
    gates: list[Gate]
    contributions: dict[Wire, list[AnyArray]]
    step: float | None = None
    """How far scalar inputs were nudged."""
    nudges: dict[Wire, tuple[float, float]] = field(default_factory=dict)
    """For each scalar input: the change of the output that the gradient predicts, and the real one."""


def keep_account(graph: Graph, inputs: Sequence[AnyArray], seed: AnyArray | None = None) -> Account:
    """Run the graph forward on numbers, then backward gate by gate.

    `seed` is the upstream gradient of the (only) output; by default 1 for a scalar.
    """
    values = graph.run(inputs)
    output = _output(graph)
    if seed is None:
        if output.spec.size != 1:
            raise GradientError(
                f"explain starts from one number, but {output.name} has shape {output.spec.shape}. Reduce it "
                f"(.sum(), .mean()), or pass gradient=... of that shape."
            )
        seed = ones_like(np.asarray(values[output]))  # a constant may be a Python number
    account = Account(graph, values, {output: seed}, [], {})
    reached = _reached(graph)
    for node in reversed(graph.nodes):
        upstream = [account.gradients.get(wire) for wire in node.outputs]
        if any(g is not None for g in upstream):
            account.gates.append(_pass_back(account, node, upstream, reached))
    return account


def _output(graph: Graph) -> Wire:
    if len(graph.outputs) != 1:
        raise GradientError(
            f"explain follows one output back, but {graph.name} returns {len(graph.outputs)}; return the "
            f"loss alone"
        )
    return graph.outputs[0]


def _reached(graph: Graph) -> set[Wire]:
    """Return wires that an input's gradient depends on: floating, and made from a floating input."""
    reached = {wire for wire in graph.inputs if is_floating(wire.spec.dtype)}
    for node in graph.nodes:
        if any(_passes_to(node, i) and wire in reached for i, wire in enumerate(node.inputs)):
            reached.update(wire for wire in node.outputs if is_floating(wire.spec.dtype))
    return reached


def _passes_to(node: Node, position: int) -> bool:
    """Return whether a gate has a gradient for an input: a step has none, nor has a condition."""
    rules = node.primitive.vjp
    if not isinstance(rules, tuple):
        return node.primitive.differentiable
    return position < len(rules) and rules[position] is not None


def _pass_back(account: Account, node: Node, upstream: list[AnyArray], reached: set[Wire]) -> Gate:
    gate = Gate(node, upstream)
    values = [account.values[wire] for wire in node.inputs]
    wanted = [i for i, wire in enumerate(node.inputs) if wire in reached and _passes_to(node, i)]
    downstreams = _downstreams(node, values, upstream, wanted)
    for position, downstream in zip(wanted, downstreams, strict=True):
        wire = node.inputs[position]
        before = account.gradients.get(wire)
        total = downstream if before is None else before + downstream
        account.gradients[wire] = total
        account.contributions.setdefault(wire, []).append(downstream)
        out = node.outputs[0].spec
        is_elementwise = "elementwise" in node.primitive.traits
        axes = stretched_axes(wire.spec.shape, out.shape) if is_elementwise else ()
        gate.passages.append(Passage(node, position, values, downstream, axes, before, total))
    return gate


def _as_function(node: Node, values: Sequence[AnyArray], wanted: Sequence[int]) -> Any:
    """Return the gate as a function of the inputs that get a gradient, the others fixed."""

    def gate(*chosen: AnyArray) -> AnyArray:
        filled = list(values)
        for i, x in zip(wanted, chosen, strict=True):
            filled[i] = x
        return tuple(evaluate_node(node, filled))

    return gate


def _downstreams(
    node: Node, values: Sequence[AnyArray], upstream: Sequence[AnyArray], wanted: Sequence[int]
) -> tuple[AnyArray, ...]:
    if not wanted:
        return ()
    outputs, pullback = vjp(_as_function(node, values, wanted), *(values[i] for i in wanted))
    seeds = tuple(
        np.zeros(shape_of(y), y.dtype) if g is None else g
        for y, g in zip(outputs, upstream, strict=True)
    )
    return pullback(seeds)


def _local_value(
    node: Node, values: Sequence[AnyArray], position: int, local: LocalGradient
) -> AnyArray:
    """Return the local gradient as numbers, by sending ones (or every unit vector) through the gate."""
    if len(node.outputs) != 1:
        return None
    shape = node.out.spec.shape
    if "elementwise" in node.primitive.traits:
        if not local.is_factor:
            return None
        spread = list(values)
        if shape_of(values[position]) != shape:
            spread[position] = np.array(np.broadcast_to(values[position], shape))
        (out,), pullback = vjp(_as_function(node, spread, [position]), spread[position])
        one = np.ones(shape, out.dtype)[()]
        factor = pullback((one,))[0]
        if out.dtype.kind == "c" and factor.dtype.kind != "c":  # a real input takes the real part
            factor = factor - 1j * pullback((one * 1j,))[0]
        return factor
    made, read = node.out.spec, node.inputs[position].spec
    if made.size * read.size > _SMALL_JACOBIAN or max(made.ndim, 1) + read.ndim > MOST_AXES:
        return None
    try:
        return jacobian(lambda x: _as_function(node, values, [position])(x)[0])(values[position])
    except GradientError:  # a complex function without a complex derivative
        return None


def nudge(account: Account, inputs: Sequence[AnyArray], step: float) -> None:
    """Raise each scalar input by `step`, and note what the output does beside what was predicted."""
    output = _output(account.graph)
    before = account.values[output]
    account.step = step
    for i, wire in enumerate(account.graph.inputs):
        if wire.spec.shape != () or wire not in account.gradients or output.spec.size != 1:
            continue
        moved = list(inputs)
        moved[i] = moved[i] + step
        after = account.graph.run(moved)[output]
        assert not isinstance(after, Tensor)
        predicted = float(account.gradients[wire]) * step
        account.nudges[wire] = (predicted, float(np.sum(after - before)))
