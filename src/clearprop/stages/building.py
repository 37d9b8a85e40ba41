"""Groups of nodes -> stages.

Building walks the groups backwards, so each knows which of its values others want from memory. A value
that is cheap to compute from what is in memory anyway is computed again rather than kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..engine.primitive import primitives
from ..graph.graph import Graph, Node, Wire
from ..passes.algebra import simplify
from ..passes.decompositions.expand import expand
from .body_programs import COMPOSITES
from .bounds import with_bounds
from .constants import VARIES, counts, uniform
from .grouping import Grouping, kept_axes, why_host
from .indexed_access import Lookup, lookup
from .ir import (
    Access,
    Accumulate,
    Buffer,
    Effect,
    Expression,
    Gather,
    Host,
    Index,
    Literal,
    Load,
    Nest,
    Position,
    Product,
    Program,
    Reduction,
    Stage,
    Store,
    Sums,
)
from .kept_states import keep_states_once
from .loop_shape import coalesce, keep, lanes
from .lowerings import REDUCTIONS as REDUCING
from .lowerings import convert, lowering, one_hot
from .matrices import matrix_stage
from .ordering import order
from .partial_sums import share
from .regions import add_by_region, padded_sums
from .tiling import tile
from .views import dense

CHEAP = 8
"""What a value may cost, in additions, to be computed twice rather than kept in memory."""


def fuse(graph: Graph, *, readable: bool = False, stops: Sequence[Wire] = ()) -> Program:
    """Return the program of a graph whose blocks are open and whose composite primitives are expanded.

    Where one of `stops` is true, whoever runs it stops.

    A `readable` one keeps the axes as they are, computes nothing twice, is not cut into parts, and takes
    what targets with a library have.
    """
    grouping, flags = Grouping(graph, _body, library=readable), set(stops)
    sums = {} if readable else {whole.nodes[-1]: whole for whole in padded_sums(graph)}
    within_sums = {node for whole in sums.values() for node in whole.nodes}
    for node in graph.nodes:
        if node in sums:
            add_by_region(grouping, sums[node])
        elif node not in within_sums:
            grouping.add(node)
        if node.outputs[0] in flags:
            grouping.close(node.out)
    return Building(grouping, readable).program(stops)


def _body(graph: Graph) -> Program | None:
    """Return the program of a node's body; None where an index is out of range in any case."""
    asked, stops, is_refused = with_bounds(simplify(expand(graph)))
    return None if is_refused else fuse(asked, stops=stops)


class Building:
    """From groups to stages, last to first."""

    def __init__(self, grouping: Grouping, readable: bool) -> None:
        self.grouping = grouping
        self.readable = readable
        self.graph = grouping.graph
        self.buffers: dict[Wire, Buffer] = {}
        """Of roots that are wanted in memory."""
        self.flags: list[Buffer] = []
        """Where one of these is true, the program stops."""
        self.made_by = {w: n for group in grouping.groups for n in group.nodes for w in n.outputs}
        self.made_by.update((root, node) for root, (node, _) in grouping.floating.items())

    def program(self, stops: Sequence[Wire]) -> Program:
        graph = self.graph
        inputs = [self._new(w, "input") for w in graph.inputs]
        outputs = [self._output(w) for w in graph.outputs]
        self.flags = [self._new(w) for w in stops]
        stages: list[Stage] = []
        for number in reversed(range(len(self.grouping.groups))):
            stages += self._stage(number)
        for root, (node, _) in reversed(self.grouping.floating.items()):
            if root in self.buffers:  # somebody wants it in memory after all
                self.grouping.start_alone(node)
                stages += self._stage(len(self.grouping.groups) - 1)
        stages = order(stages[::-1])
        if not self.readable:
            keep_states_once(stages)
            stages = [part for stage in tile(stages) for part in share(stage)]
        return Program(graph.name, inputs, outputs, stages, self.flags)

    def _new(self, root: Wire, role: str = "temporary", value: Any = None) -> Buffer:
        self.buffers[root] = Buffer(root.name, root.spec, role, value)
        return self.buffers[root]

    def memory(self, root: Wire) -> Buffer:
        """Return the buffer of a root, wanted from now on."""
        if root not in self.buffers:
            if root.is_constant:
                value = np.ascontiguousarray(root.constant).reshape(-1)
                return self._new(root, "constant", value)
            return self._new(root)
        return self.buffers[root]

    def _output(self, wire: Wire) -> Buffer:
        view = self.grouping.view(wire)
        taken = self.buffers.get(view.root)
        if view.is_whole and not view.root.is_constant and taken is None:
            return self._new(view.root, "output")
        # an input, a constant, another output or a part of something: it needs a copy of its own
        copied = Node(primitives.copy, (wire,), (Wire(f"{wire.name}_out", wire.spec),))
        if why_host(copied):
            self.grouping.host(copied, why_host(copied))
        else:
            self.grouping.join(copied)
        self.made_by[copied.out] = copied
        return self._new(copied.out, "output")

    def _stage(self, number: int) -> list[Stage]:
        group = self.grouping.groups[number]
        if group.host:
            (node,) = group.nodes
            wanted_outputs = any(map(self._is_wanted, node.outputs))
            return [self._host(node, group.host)] if wanted_outputs else []
        if group.programs:
            (node,) = group.nodes
            if not any(map(self._is_wanted, node.outputs)):
                return []
            inputs = [self.memory(self.grouping.view(w).root) for w in node.inputs]
            outputs = list(map(self.memory, node.outputs))
            return [COMPOSITES[node.primitive].make(node, group.programs, inputs, outputs)]
        if group.has_matrices:
            return self._matrices(group.nodes[0])
        wanted = [node for node in group.nodes if self._is_wanted(node.out)]
        if not wanted:
            return []
        return _Nesting(self, number).stages(wanted)

    def _matrices(self, node: Node) -> list[Stage]:
        if not any(map(self._is_wanted, node.outputs)):
            return []
        views = [self.grouping.view(w) for w in node.inputs]
        outputs = [self.buffers.get(w) for w in node.outputs]
        stage = matrix_stage(node, views, lambda view: self.memory(view.root), outputs)
        if stage.fails is not None:
            self.flags.append(stage.fails)
        return [stage]

    def _is_wanted(self, root: Wire) -> bool:
        part_of = self.grouping.parts.get(root)
        return root in self.buffers or (part_of is not None and part_of.root in self.buffers)

    def _host(self, node: Node, why: str) -> Host:
        inputs: list[Any] = []
        for wire in node.inputs:
            if wire.is_constant and not (self.readable and wire.spec.shape):
                inputs.append(wire.constant)
                continue
            view = self.grouping.view(wire)
            inputs.append((self.memory(view.root), view))
        return Host(node, tuple(inputs), tuple(map(self.buffers.get, node.outputs)), why)


class _Nesting:
    """One group's nest."""

    def __init__(self, building: Building, number: int) -> None:
        self.building = building
        self.grouping = building.grouping
        self.number = number
        self.group = self.grouping.groups[number]
        self.known: dict[Any, Expression] = {}
        self.extents = tuple(self.group.extents)
        self.budget: float = 0 if building.readable else CHEAP
        """What may be spent on computing a value again, in additions."""

    def stages(self, wanted: Sequence[Node]) -> list[Stage]:
        group = self.group
        for node in self._needed(
            wanted
        ):  # in order, so that nothing is computed in a deep recursion
            self.value(node.out)
        effects = [effect for node in wanted for effect in self._effects(node)]
        product = None
        if group.product is not None:
            x, y, inner = group.product
            product = Product(
                Access(self.building.memory(x.root), x.strides, x.offset),
                Access(self.building.memory(y.root), y.strides, y.offset),
                inner,
                group.nodes[0].out.spec.dtype,
            )
        nest = Nest(
            self.extents, group.reduced or frozenset(), effects, product, covers=list(group.nodes)
        )
        nest.names = {
            e: root.name
            for key, e in self.known.items()
            if (root := key if isinstance(key, Wire) else key[0]).is_named
            and not isinstance(e, Load)
        }
        nest.lanes = lanes(nest)
        if not self.building.readable:
            coalesce(nest)
        keep(nest, CHEAP)
        return [nest]

    def _needed(self, wanted: Sequence[Node]) -> list[Node]:
        """Return the nodes whose values are computed here, in order."""
        roots = {self.grouping.view(w).root for node in wanted for w in node.inputs}
        roots.update(node.out for node in wanted)
        found = []
        for node in reversed(self.group.nodes):
            if node.out in roots:
                roots.update(self.grouping.view(w).root for w in node.inputs)
                if node.out not in self.group.late:
                    found.append(node)
        return found[::-1]

    def _effects(self, node: Node) -> Iterator[Effect]:
        place = self.grouping.parts.get(node.out)
        if place is not None and place.root in self.building.buffers:
            strides = [0] * len(self.extents)
            for axis, stride in zip(self.group.places[node.out], place.strides, strict=True):
                if stride:
                    strides[axis] = stride
            access = Access(self.building.buffers[place.root], tuple(strides), place.offset)
            yield Store(self.value(node.out), access)
        if node.out in self.building.buffers:
            yield self._effect(node)

    def _effect(self, node: Node) -> Effect:
        buffer = self.building.buffers[node.out]
        if node.primitive.name == "scatter":
            return self._scattered(node, buffer)
        access = Access(buffer, self.group.home(node.out))
        if node.out in self.group.late:
            place = self._reduced_place(node)
            operand = self._input(node.inputs[0], node.inputs[0].spec.shape, place)
            operand = convert(operand, node.out.spec.dtype)
            domain = frozenset(a for a in place if a >= 0)
            return Accumulate(REDUCING[node.primitive.name], operand, access, domain)
        return Store(self.value(node.out), access)

    def _scattered(self, node: Node, buffer: Buffer) -> Accumulate:
        """Add up numbers at places that index arrays name."""
        found = lookup(node)
        assert found is not None
        place = self.group.places[node.out]
        operand = self._input(node.inputs[0], found.picked, place)
        access, indices = self._looked_up(found, node, place, buffer, dense(buffer.spec.shape), 0)
        domain = frozenset(a for a in place if a >= 0)
        return Accumulate("add", operand, access, domain, indices)

    def _looked_up(
        self,
        found: Lookup,
        node: Node,
        place: Sequence[int],
        buffer: Buffer,
        own: Sequence[int],
        offset: int,
    ) -> tuple[Access, tuple[Index, ...]]:
        """Return where an index leads in a buffer: what the nest's axes say, and what numbers say.

        `place` gives the nest's axis (or -1) for each axis of the result; `own` are the strides of the array
        that the index goes through, and `offset` its start in the buffer, in entries.
        """
        along, start = found.strides(own)
        strides = [0] * len(self.extents)
        for axis, stride in zip(place, along, strict=True):
            if axis >= 0:
                strides[axis] += stride
        indices = []
        for dim, number in found.numbers:
            view = found.aligned(self.grouping.view(node.inputs[1 + number]))
            at = [0] * len(self.extents)
            for axis, stride in zip(place, view.strides, strict=True):
                if axis >= 0:
                    at[axis] += stride
            index = convert(self._read(view.root, tuple(at), view.offset), np.dtype("i8"))
            indices.append((index, own[dim], found.shape[dim]))
        return Access(buffer, tuple(strides), offset + start), tuple(indices)

    def _reduced_place(self, node: Node) -> tuple[int, ...]:
        """Return the nest's axis for each axis of a reduction's input: those of its result, and reduced axes
        where they must be.
        """
        shape = node.inputs[0].spec.shape
        view = self.grouping.view(node.inputs[0])
        place = self.grouping.embed(self.number, shape, [view])
        if place is not None and kept_axes(node, place) == self.group.places[node.out]:
            return place
        result = iter(self.group.places[node.out])
        spare = iter(sorted(self.group.reduced or ()))
        filled = []
        for i, n in enumerate(shape):
            if i in node.params["axis"]:
                if node.params["keepdims"]:
                    next(result)
                filled.append(-1 if n == 1 else next(spare))
            else:
                filled.append(next(result))
        return tuple(filled)

    def value(self, root: Wire) -> Expression:
        """Return the expression of a value that this group makes."""
        if root not in self.known:
            self.known[root] = self._compute(self.building.made_by[root], self.group.places[root])
        return self.known[root]

    def _compute(
        self, node: Node, place: tuple[int, ...], shift: tuple[int, ...] = ()
    ) -> Expression:
        name, spec = node.primitive.name, node.out.spec
        if self.group.product is not None and node is self.group.nodes[0]:
            return Sums(spec.dtype, frozenset(range(len(self.extents))))
        if name in REDUCING:
            shape = node.inputs[0].spec.shape
            operand = self._input(node.inputs[0], shape, self._reduced_place(node))
            operand = convert(operand, spec.dtype)
            reduced = self.group.reduced or frozenset()
            return Reduction(spec.dtype, operand.axes - reduced, REDUCING[name], operand)
        if name == "gather":
            found = lookup(node)
            assert found is not None
            view = self.grouping.view(node.inputs[0])
            buffer = self.building.memory(view.root)
            access, indices = self._looked_up(found, node, place, buffer, view.strides, view.offset)
            axes = access.axes().union(*(number.axes for number, _, _ in indices))
            return Gather(spec.dtype, axes, access, indices)
        if name == "one_hot":
            labels = self._input(node.inputs[0], node.inputs[0].spec.shape, place[:-1])
            axis = place[-1]
            index = Position(np.dtype("i8"), frozenset([axis]), axis)
            return one_hot(node, labels, index, trusted=self.building.readable)
        inputs = [self._input(w, spec.shape, place, shift) for w in node.inputs]
        lower = lowering(name)
        assert lower is not None, name
        return lower(node, inputs)

    def _input(
        self,
        wire: Wire,
        shape: tuple[int, ...],
        place: Sequence[int],
        shift: tuple[int, ...] = (),
    ) -> Expression:
        """Return the value of a wire, stretched to `shape`, whose axes lie at `place`, from `shift` on."""
        if wire.is_constant and (number := uniform(wire)) is not VARIES:
            return Literal(wire.spec.dtype, frozenset(), number)
        view = self.grouping.view(wire).broadcast(shape)
        strides = [0] * len(self.extents)
        for axis, stride in zip(place, view.strides, strict=True):
            if stride and axis >= 0:
                strides[axis] += stride
        start = view.offset + sum(n * s for n, s in zip(shift, view.strides, strict=False))
        along = [axis for axis, stride in enumerate(strides) if stride]
        in_order = start == 0 and [strides[axis] for axis in along] == [1]
        if in_order and self.building.readable and counts(view.root):
            position = Position(np.dtype("i8"), frozenset(along), along[0])
            return convert(position, view.root.spec.dtype)
        return self._read(view.root, tuple(strides), start)

    def _read(self, root: Wire, strides: tuple[int, ...], offset: int) -> Expression:
        """Return the entry of a root at each point of the nest: its strides along the nest's axes and its
        offset are in entries.
        """
        if self.grouping.maker.get(root, -1) == self.number:
            return self.value(root)
        key = (root, strides, offset)
        if key not in self.known:
            again = None
            if root not in self.building.buffers:
                again = self._again(root, strides, offset)
            if again is None:
                access = Access(self.building.memory(root), strides, offset)
                again = Load(root.spec.dtype, access.axes(), access)
            self.known[key] = again
        return self.known[key]

    def _again(self, root: Wire, strides: tuple[int, ...], offset: int) -> Expression | None:
        """Return a cheap value of an earlier group, computed here from what lies in memory anyway."""
        node = self.building.made_by.get(root)
        found = None if node is None else self._place_of(root, strides, offset)
        if node is None or found is None:
            return None
        place, shift = found
        if any(shift) and lowering(node.primitive.name) is None:
            return None
        if root in self.grouping.floating:
            return self._compute(node, place, shift)
        price, missing = self._price(root, self.budget)
        if price > self.budget or missing > 1:
            return None
        before = self.budget
        self.budget -= self.grouping.price(node)
        made = self._compute(node, place, shift)
        self.budget = before
        return made

    def _price(self, root: Wire, budget: float) -> tuple[float, int]:
        """Return what it costs to compute a value again, in additions an entry; infinity if more than
        `budget`.

        And how many values memory would have to hold for that which it does not hold yet.
        """
        if root in self.grouping.floating:
            return self.grouping.floating[root][1], 0
        node = self.building.made_by.get(root)
        if node is None or lowering(node.primitive.name) is None or self._is_host(root):
            return math.inf, 1
        price, missing = self.grouping.price(node), 0
        for wire in node.inputs:
            source = self.grouping.view(wire).root
            if price > budget:
                return math.inf, 1
            if source.is_constant or source in self.building.buffers:
                continue
            more, absent = self._price(source, budget - price)
            if more == math.inf:
                missing += source.spec.size * 8 > root.spec.size
            else:
                price, missing = price + more, missing + absent
        return price, missing

    def _is_host(self, root: Wire) -> bool:
        number = self.grouping.maker.get(root)
        group = self.grouping.groups[number] if number is not None else None
        return group is not None and not group.is_nest

    def _place_of(
        self, root: Wire, strides: tuple[int, ...], offset: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Return the nest's axes of a value's own, and from where it is read along each: an axis
        of which one place is read has none. None if it is read in another way, such as with gaps.
        """
        place, shift = [], []
        for stride, n in zip(dense(root.spec.shape), root.spec.shape, strict=True):
            start, offset = divmod(offset, stride) if stride else (0, offset)
            fits = [
                a for a, s in enumerate(strides) if s == stride and start + self.extents[a] <= n
            ]
            if start >= n:
                return None
            place.append(fits[0] if stride and fits else -1)
            shift.append(start)
        if sorted(a for a in place if a >= 0) != [a for a, s in enumerate(strides) if s]:
            return None
        return tuple(place), tuple(shift)
