"""From Tensors to nodes: what happened between a function's arguments and its results."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..engine.array_types import AnyArray, Params
from ..engine.bundle import Bundle, as_bundle
from ..engine.in_place import version_at
from ..engine.primitive import Primitive, primitives
from ..engine.recorder import Origin, Scope, frozen
from ..engine.spec import ArraySpec, spec_of
from ..engine.tensor import Tensor
from ..errors import TraceError
from .graph import Graph, Node, Wire

Parts = Callable[[Primitive, Sequence[ArraySpec], Params], "Graph | None"]
"""Returns the parts of a block that brings its own gradient; None where nobody can look inside."""


class Nodes:
    """The operations between Tensors, as nodes of a graph."""

    def __init__(
        self,
        inputs: Sequence[Tensor],
        outputs: Sequence[AnyArray],
        array_names: Mapping[int, str],
        parts: Parts,
    ) -> None:
        self.array_names = array_names
        self.parts = parts
        self.inputs = list(inputs)
        self.stops = set(inputs)
        self.constants: dict[int, Wire] = {}
        self.sources: dict[Tensor, tuple[AnyArray, ...]] = {}
        self.picks: dict[tuple[Tensor, int], Tensor] = {}
        """What stands for a result of an operation with several; other picks of it are the same."""
        self.element_names: dict[Tensor, str] = {}
        self.outputs = [self.resolve(y, math.inf) for y in outputs]
        self.results = {y for y in self.outputs if isinstance(y, Tensor)}
        self.order = self.collect()
        self.users: dict[Tensor, list[Tensor]] = {}
        for t in self.order:
            for x in self.sources[t]:
                if isinstance(x, Tensor):
                    self.users.setdefault(x, []).append(t)

    def resolve(self, x: AnyArray, number: float) -> AnyArray:
        """Return what an operation of this number read: the right version, seen through copies."""
        if isinstance(x, Tensor):
            x = version_at(x, number)
            while isinstance(x, Tensor) and x not in self.stops and x.primitive is primitives.copy:
                if not x.inputs:  # an argument of another recording
                    break
                number = x.number
                x = x.inputs[0]
                if isinstance(x, Tensor):
                    x = version_at(x, number)
            if isinstance(x, Tensor) and x.primitive is primitives.element and x not in self.stops:
                twin = self.picks.setdefault((x.inputs[0], x.params["index"]), x)
                self.element_names[twin] = self.element_names.get(twin) or _name_of(x)
                return twin
        return x

    def name_of(self, t: Tensor) -> str:
        return self.element_names.get(t) or _name_of(t)

    def results_of(self, t: Tensor) -> list[Tensor | None]:
        """Return what an operation made: itself, or its several results, None for those never picked."""
        if not isinstance(t._value, Bundle):
            return [t]
        return [self.picks.get((t, i)) for i in range(len(t._value))]

    def collect(self) -> list[Tensor]:
        """Return operations between inputs and outputs, in the order in which they happened."""
        nodes = list(dict.fromkeys(y for y in self.outputs if isinstance(y, Tensor)))
        seen = set(nodes)
        for t in nodes:  # grows while it is walked
            if t in self.stops or not t.inputs:
                continue
            self.sources[t] = tuple(self.resolve(x, t.number) for x in t.inputs)
            for x in self.sources[t]:
                if isinstance(x, Tensor) and x not in seen:
                    seen.add(x)
                    nodes.append(x)
        made = (t for t in self.sources if t.primitive is not primitives.element)
        return sorted(made, key=lambda t: t.number)

    def build(self, name: str) -> Graph:
        env = {t: Wire(_name_of(t), spec_of(t._value)) for t in self.inputs}
        nodes = self.emit(self.order, 0, env)
        outputs = tuple(self.wire(y, env) for y in self.outputs)
        return Graph(name, tuple(env[t] for t in self.inputs), tuple(nodes), outputs)

    def wire(self, x: AnyArray, env: dict[Tensor, Wire]) -> Wire:
        """Return the wire of an operand; what no operation made is a constant."""
        if isinstance(x, Tensor):
            if x in env:
                return env[x]
            key, value = id(x), x._value
            name = _name_of(x) or self.array_names.get(key, "")
            if type(value) is ArraySpec:
                raise TraceError(
                    "a tensor without a value reached this trace from another one: it was made while "
                    "tracing and kept afterwards. Pass it as an argument instead."
                )
        else:
            key, value, name = id(x), x, self.array_names.get(id(x), "")
        if type(value) is int and not -(2**63) <= value < 2**63:
            value = float(value)  # as NumPy takes it beside floats
        if np.ndim(value) == 0 and not name:
            return Wire("", spec_of(value), value)
        if key not in self.constants:
            if isinstance(value, np.ndarray):
                value = frozen(value)
            self.constants[key] = Wire(name, spec_of(value), value)
        return self.constants[key]

    def emit(self, order: Sequence[Tensor], depth: int, env: dict[Tensor, Wire]) -> list[Node]:
        """Return nodes for these operations, those of a block's call gathered into one."""
        nodes: list[Node] = []
        i = 0
        while i < len(order):
            scope = _scope(order[i], depth)
            if scope is None:
                nodes += self.nodes(order[i], env)
                i += 1
                continue
            j = i
            while j < len(order) and _scope(order[j], depth) is scope:
                j += 1
            nodes.append(self.block(scope, order[i:j], depth, env))
            i = j
        return nodes

    def nodes(self, t: Tensor, env: dict[Tensor, Wire]) -> list[Node]:
        """Return the node of an operation, after those that stop its gradient if it was made without one."""
        primitive, origin = t.primitive, t.origin or Origin()
        assert primitive is not None
        inputs = [self.wire(x, env) for x in self.sources[t]]
        stops = []
        if not t.requires_grad and primitive.differentiable:  # within no_grad
            for i, x in enumerate(self.sources[t]):
                if isinstance(x, Tensor) and x.requires_grad:
                    cut = Wire("", inputs[i].spec)
                    stops.append(
                        Node(primitives.stop_gradient, (inputs[i],), (cut,), line=origin.line)
                    )
                    inputs[i] = cut
        outputs = self.wires_of(t, env)
        body = None
        if primitive.function is not None:
            body = self.parts(primitive, [w.spec for w in inputs], t.params)
        node = Node(
            primitive, tuple(inputs), outputs, t.params, origin.line, body, origin.is_backward
        )
        return [*stops, node]

    def wires_of(self, t: Tensor, env: dict[Tensor, Wire]) -> tuple[Wire, ...]:
        """Return new wires for what an operation made, noted in `env`."""
        wires = []
        for result, value in zip(self.results_of(t), as_bundle(t._value), strict=True):
            name = "" if result is None else self.name_of(result)
            wires.append(Wire(name, spec_of(value)))
            if result is not None:
                env[result] = wires[-1]
        return tuple(wires)

    def block(
        self, scope: Scope, members: Sequence[Tensor], depth: int, env: dict[Tensor, Wire]
    ) -> Node:
        inside = dict.fromkeys(r for t in members for r in self.results_of(t) if r is not None)
        reads = dict.fromkeys(
            x
            for t in members
            for x in self.sources[t]
            if isinstance(x, Tensor) and x not in inside and x in env
        )
        ends = [
            t
            for t in inside
            if t in self.results or any(u not in inside for u in self.users.get(t, ()))
        ]
        inner = {t: Wire(scope.arguments.get(t.number, env[t].name), env[t].spec) for t in reads}
        nodes = self.emit(members, depth + 1, inner)
        body = Graph(
            scope.primitive.name,
            tuple(inner[t] for t in reads),
            tuple(nodes),
            tuple(inner[t] for t in ends),
        )
        body.name_rest()
        for t in ends:
            env[t] = Wire(self.name_of(t), spec_of(t._value))
        return Node(
            scope.primitive,
            tuple(env[t] for t in reads),
            tuple(env[t] for t in ends),
            {},
            scope.line,
            body,
        )


def _scope(t: Tensor, depth: int) -> Scope | None:
    """Return the block call at this depth (0: the outermost) that an operation belongs to."""
    chain = []
    scope = t.origin.scope if t.origin else None
    while scope is not None:
        chain.append(scope)
        scope = scope.parent
    return chain[-1 - depth] if len(chain) > depth else None


def _name_of(t: Tensor) -> str:
    """Return the user's name for a value; for a gradient, ``d`` and the name of what it is the
    gradient of.
    """
    origin = t.origin
    if origin is None:
        return ""
    if origin.name or origin.gradient_of is None:
        return origin.name or ""
    of = _name_of(origin.gradient_of)
    return f"d{of}" if of else ""
