"""The forward pass and, gate by gate, the backward pass of an explanation as one graph."""

from __future__ import annotations

from dataclasses import replace

from ..engine.broadcasting import stretched_axes
from ..engine.primitive import primitives
from ..graph.graph import Graph, Node, Wire
from .account import Account, Gate, keep_account
from .local import UPSTREAM, rule_graph


def joint_graph(account: Account) -> tuple[Graph, list[tuple[Wire, Wire]]]:
    """Return the forward gates, then what each gate hands back; and which wire is whose gradient.

    Blocks with several results and no gradient of their own are opened.
    """
    account = _opened(account)
    graph = account.graph
    output = graph.outputs[0]
    seed = Wire(f"d{output.name}", output.spec, account.gradients[output])
    work = _Joining({output: seed})
    uses = dict.fromkeys(account.gradients, 0)
    for gate in account.gates:
        for passage in gate.passages:
            uses[passage.wire] = uses.get(passage.wire, 0) + 1
    for gate in account.gates:
        for passage in gate.passages:
            work.hand_back(gate, passage.wire, passage.position, uses)
    gradients = [work.gradients[w] for w in graph.inputs if w in work.gradients and w is not output]
    joint = replace(
        graph,
        nodes=(*graph.nodes, *work.nodes),
        outputs=(output, *gradients),
        pack=None,
        unpack=None,
    )
    pairs = [(gradient, wire) for wire, gradient in work.gradients.items() if wire is not output]
    return joint, [*pairs, *work.same]


def _opened(account: Account) -> Account:
    """Return the account with the blocks open that only their parts can explain."""
    names = {
        node.primitive.name
        for node in account.graph.nodes
        if len(node.outputs) != 1 and node.is_mark
    }
    if not names:
        return account
    graph = account.graph
    for name in names:
        graph = graph.open(only=name)
    inputs = [account.values[wire] for wire in account.graph.inputs]
    return _opened(keep_account(graph, inputs, account.gradients[account.graph.outputs[0]]))


class _Joining:
    """Collects the nodes of the backward pass."""

    def __init__(self, gradients: dict[Wire, Wire]) -> None:
        self.gradients = gradients
        self.received: dict[Wire, list[Wire]] = {}
        self.nodes: list[Node] = []
        self.same: list[tuple[Wire, Wire]] = []

    def hand_back(self, gate: Gate, wire: Wire, position: int, uses: dict[Wire, int]) -> None:
        """Add what a gate hands to an input; with the last one that it gets, its gradient is complete."""
        part = self._unstretched(gate.node, self._rule(gate.node, position), wire)
        parts = self.received.setdefault(wire, [])
        parts.append(part)
        if len(parts) < uses[wire]:
            return
        total = parts[0]
        for other in parts[1:]:
            total = self._add(primitives.add, total, other)
        self.gradients[wire] = self._own(total, wire)

    def _own(self, total: Wire, wire: Wire) -> Wire:
        """Return a wire of its own for a gradient: what passes on unchanged stays to be seen."""
        taken = (
            total in self.gradients.values()
            or not self.nodes
            or total not in self.nodes[-1].outputs
        )
        return self._add(primitives.copy, total) if taken else total

    def _rule(self, node: Node, position: int) -> Wire:
        graph = rule_graph(node, position, is_factor=False)
        upstream = [self.gradients.get(w, Wire("", w.spec, 0.0)) for w in node.outputs]
        names = [UPSTREAM] if len(node.outputs) == 1 else [f"d{w.name}" for w in node.outputs]
        known: dict[str, Wire] = {w.name: w for w in (*node.inputs, *node.outputs)}
        known |= dict(zip(names, upstream, strict=True))
        own = {w: known[w.name] for w in graph.inputs}
        for part in graph.nodes:
            outputs = tuple(Wire("", w.spec) for w in part.outputs)
            inputs = tuple(own.get(w, w) for w in part.inputs)
            self.nodes.append(replace(part, inputs=inputs, outputs=outputs, is_backward=True))
            own.update(zip(part.outputs, outputs, strict=True))
        return own.get(graph.outputs[0], graph.outputs[0])

    def _unstretched(self, node: Node, part: Wire, wire: Wire) -> Wire:
        """Sum what reaches an input that was stretched over its copies."""
        if part.spec.shape == wire.spec.shape:
            return part
        if len(part.spec.shape) < len(wire.spec.shape) or part.spec.size < wire.spec.size:
            return self._add(primitives.broadcast_to, part, shape=wire.spec.shape)
        axes = stretched_axes(wire.spec.shape, part.spec.shape)
        part = self._add(primitives.sum, part, axis=axes, keepdims=False)
        if part.spec.shape != wire.spec.shape:
            part = self._add(primitives.reshape, part, shape=wire.spec.shape)
        return part

    def _add(self, primitive: object, *inputs: Wire, **params: object) -> Wire:
        specs = [w.constant if w.is_constant else w.spec for w in inputs]
        spec = primitive.spec(*specs, **params)  # type: ignore[attr-defined]
        out = Wire("", spec)
        self.nodes.append(Node(primitive, inputs, (out,), params, is_backward=True))  # type: ignore[arg-type]
        return out
