"""A problem with its backward pass, whatever it will be written in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..graph.graph import Node, Wire
from ..graph.own_gradients import application_of
from ..passes.backward import Joint
from ..passes.person import derive_backward
from .problem import Problem


@dataclass(frozen=True, eq=False)
class Derived:
    """The joint graph of both passes, and the problem that it answers."""

    problem: Problem
    joint: Joint
    exact: bool
    """Whether to write what holds everywhere, even where a shorter form mostly does."""

    @property
    def blocks(self) -> dict[str, Callable[..., Any]]:
        """The user's blocks, and gradients of them, that NumPy code calls by name, each with its function."""
        called = [node.primitive for node in self.joint.graph.nodes_within()]
        return {p.name: p for p in called if application_of(p) is not None}

    @cached_property
    def by_gates(self) -> Derived:
        """The same with the backward pass that the engine goes through, gate by gate."""
        problem = self.problem
        joint = derive_backward(
            problem.forward,
            problem.positions,
            problem.seeded,
            upstream=bool(self.joint.seeds),
            simplify=False,
        )
        return replace(self, joint=joint)

    def run(self, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Compute values and gradients by the computation itself, for leaves of the arguments."""
        env = self._run(leaves)
        outputs, gradients = self.joint.outputs, self.joint.gradients
        return [env[w] for w in outputs], [np.asarray(env[w])[()] for w in gradients]

    def _run(self, leaves: Sequence[Any]) -> dict[Wire, Any]:
        joint, problem = self.joint, self.problem
        ones = [np.ones(s.spec.shape, s.spec.dtype)[()] for s in joint.seeds]
        graph = replace(joint.graph, nodes=tuple(map(_on_arrays, joint.graph.nodes)))
        with np.errstate(all="ignore"):
            return graph.run([*(leaves[i] for i in problem.wire_at), *(problem.seeds or ones)])

    def largest_terms(self, leaves: Sequence[Any]) -> tuple[float, float]:
        """Return the largest finite numbers that the values are made of, and those in the backward pass."""
        env = self._run(leaves)

        def largest(wires: Iterable[Wire]) -> float:
            values = (env.get(w, w.constant) for w in wires)  # some numbers run as arrays
            found = [np.abs(np.asarray(x, dtype=complex)) for x in values]
            return max((float(np.max(x[np.isfinite(x)], initial=0)) for x in found), default=0.0)

        outputs, nodes = set(self.joint.outputs), self.joint.graph.nodes
        made_of = [w for n in nodes if outputs & set(n.outputs) for w in n.inputs]
        return (
            largest(w for w in made_of if w.constant is not None),
            largest(w for n in nodes if n.is_backward for w in n.outputs),
        )


def _on_arrays(node: Node) -> Node:
    """Return a node with arrays in place of Python's numbers, which only entry by entry are as good."""
    converts = node.primitive.name in ("astype", "as_integer")
    if "elementwise" in node.primitive.traits and not converts:
        return node
    inputs = tuple(
        Wire(w.name, w.spec, np.asarray(w.constant, w.spec.dtype)[()])
        if w.is_constant and isinstance(w.constant, int | float | complex)
        else w
        for w in node.inputs
    )
    return replace(node, inputs=inputs)
