"""Runs what equations of loops and branches are written from, step by step, and keeps every value."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from clearprop.emit.latex.scopes import Choice, Loop, Part, Scope
from clearprop.emit.latex.unfolding import Unfolded
from clearprop.graph.graph import Graph, Node, Wire, evaluate_node


class Nudge(NamedTuple):
    """A change of the first entry of a value, in the step of this number (one for each loop around it)."""

    wire: Wire
    steps: tuple[int, ...]
    by: float


class Value(NamedTuple):
    wire: Wire
    loops: tuple[Loop, ...]
    steps: tuple[int, ...]
    value: Any


class Run:
    """One run of an unfolded graph.

    Steps are numbered from 0 in the order of the entries of arrays. A backward step reads, besides its own,
    the values of the forward step of the same number.
    """

    def __init__(
        self,
        graph: Graph,
        unfolded: Unfolded,
        flat: Sequence[Any],
        nudge: Nudge | None = None,
        like: Run | None = None,
    ) -> None:
        self.unfolded, self.nudge, self.like = unfolded, nudge, like
        self.counts: dict[tuple[Loop, tuple[int, ...]], int] = {}
        """How many steps loops took; another run may take as many."""
        self.around: list[Loop] = []
        self.values: list[Value] = []
        self.env: Any = ChainMap({})
        for wire, value in zip(graph.inputs, flat, strict=True):
            self.env[wire] = value
        self.scope(unfolded.root, self.env, ())
        self.results = [self.read(unfolded.wire(w), self.env) for w in graph.outputs]

    def read(self, wire: Wire, env: Any) -> Any:
        value = wire.constant if wire.is_constant else env[wire]
        return np.asarray(value, wire.spec.dtype)[()]

    def set(self, wire: Wire, value: Any, env: Any, steps: tuple[int, ...]) -> None:
        if self.nudge is not None and (wire, steps) == self.nudge[:2]:
            value = np.array(value)
            value.flat[0] += self.nudge.by
        env[wire] = np.asarray(value)[()]
        self.values.append(Value(wire, tuple(self.around), steps, env[wire]))

    def scope(self, scope: Scope, env: Any, steps: tuple[int, ...]) -> None:
        for part in scope.parts:
            self.part(part, env, steps)

    def part(self, part: Part, env: Any, steps: tuple[int, ...]) -> None:
        if isinstance(part, Loop):
            self.loop(part, env, steps)
        elif isinstance(part, Choice):
            self.choice(part, env, steps)
        else:
            made = evaluate_node(part, [self.read(w, env) for w in part.inputs])
            for wire, value in zip(part.outputs, made, strict=True):
                self.set(wire, value, env, steps)

    def loop(self, loop: Loop, env: Any, steps: tuple[int, ...]) -> None:
        now = [self.read(c.start, env) for c in loop.carried]
        there = env.get(loop.twin) if loop.twin is not None else None
        envs: dict[int, Any] = {}
        before = self.around
        length = (
            loop.length if loop.length is not None else len(there) if there is not None else None
        )
        numbers = iter(range(length)) if length is not None else iter(range(10_000))
        if length is not None and loop.reverse:
            numbers = iter(range(length)[::-1])
        for i in numbers:
            around = there[i].maps if there is not None else []
            own: Any = ChainMap({}, *around, *env.maps)
            here = (*steps, i)
            self.around = [*before, loop]
            for carry, value in zip(loop.carried, now, strict=True):
                self.set(carry.before, value, own, here)
            for outer, inner in loop.entries:
                self.set(inner, self.read(outer, env)[i], own, here)
            if loop.condition is not None:
                made = [
                    p for p in loop.parts if isinstance(p, Node) and loop.condition in p.outputs
                ]
                end = loop.parts.index(made[0]) + 1
                for part in loop.parts[:end]:
                    self.part(part, own, here)
                goes_on = self.read(loop.condition, own)
                if self.like is not None:
                    goes_on = i < self.like.counts[loop, steps]
                if not goes_on:
                    break
                for part in loop.parts[end:]:
                    self.part(part, own, here)
            else:
                self.scope(loop, own, here)
            now = [self.read(c.after, own) for c in loop.carried]
            envs[i] = own
        self.around = before
        env[loop], self.counts[loop, steps] = envs, len(envs)
        for carry, value in zip(loop.carried, now, strict=True):
            for final in carry.finals:
                self.set(final, value, env, steps)
        for inner, outer in loop.collected:
            array = np.zeros(outer.spec.shape, outer.spec.dtype)
            for i, own in envs.items():
                array[i] = self.read(inner, own)
            self.set(outer, array, env, steps)

    def choice(self, choice: Choice, env: Any, steps: tuple[int, ...]) -> None:
        index = int(self.read(choice.node.inputs[0], env))
        index = min(max(index, 0), len(choice.branches) - 1)
        branch = choice.branches[index]
        there = env.get(branch.twin) if branch.twin is not None else None
        own: Any = ChainMap({}, *(there.maps if there is not None else []), *env.maps)
        self.scope(branch, own, steps)
        env[branch] = own
        for wire, value in zip(choice.outputs, choice.results[index], strict=True):
            self.set(wire, self.read(value, own), env, steps)
