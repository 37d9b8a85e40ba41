"""Graph -> groups of nodes that one nest computes.

A node joins the group that makes its newest input if all inputs made
there are read at the very place where they are made: then they never leave the registers. A group has
one set of axes; the first reduction in it settles which of them are reduced, and everything else in it
varies over all axes or over the free ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..engine.primitive import primitives
from ..engine.spec import ArraySpec
from ..graph.graph import Graph, Node, Wire
from .assembly import Box, Piece, part, pieces
from .body_programs import COMPOSITES, programs_of
from .constants import VARIES, of_constant, uniform
from .indexed_access import lookup
from .ir import Access, Buffer, Expression, Literal, Load, Position, Program
from .loop_shape import cost
from .lowerings import ELEMENTWISE, LIBRARY, is_native, lowering, one_hot
from .lowerings import REDUCTIONS as REDUCING
from .matrices import has_stage
from .views import View, dense

_MOST = 150
"""Nodes in a group: longer functions take LLVM more than their share of time."""
_LATER = 32
"""How many of the latest groups a node is offered to."""
_FLOATING = 8
"""What a value made of inputs alone may cost, in additions, to be computed wherever it is read."""

_MASK = "a mask picks places that are not known"


@dataclass(eq=False, slots=True)
class Group:
    """Nodes for one nest (or one node that is no nest's)."""

    extents: list[int]
    """Entries along each axis of the nest."""
    reduced: frozenset[int] | None = None
    """Axes that the first reduction goes over; None before there is one."""
    nodes: list[Node] = field(default_factory=list)
    places: dict[Wire, tuple[int, ...]] = field(default_factory=dict)
    """For each value made here, the nest's axes of its own axes (-1 for axes of one entry)."""
    product: tuple[View, View, int] | None = None
    """The factors, of shapes (batch..., m, k) and (batch..., k, n), and k."""
    late: set[Wire] = field(default_factory=set)
    """Values that are complete only after the nest."""
    host: str = ""
    programs: list[Program] = field(default_factory=list)
    """What a loop does in each step, or the branches of a choice; it is alone in its group."""
    has_matrices: bool = False
    """Whether its one node is an operation on small matrices."""
    is_closed: bool = False
    """Whether no more nodes may join."""

    @property
    def is_nest(self) -> bool:
        return not (self.host or self.programs or self.has_matrices)

    def home(self, root: Wire) -> tuple[int, ...]:
        """Return the strides, in entries, of a value made here along the nest's axes."""
        strides = [0] * len(self.extents)
        for axis, stride in zip(self.places[root], dense(root.spec.shape), strict=True):
            if stride:
                strides[axis] = stride
        return tuple(strides)


class Grouping:
    def __init__(
        self, graph: Graph, program: Callable[[Graph], Program | None], *, library: bool = False
    ) -> None:
        self.graph = graph
        self.outputs = set(graph.outputs)
        self.program = program
        """Builds the program of a node's body; None where an index is out of range in any case."""
        self.library = library
        self.elementwise = ELEMENTWISE | LIBRARY if library else ELEMENTWISE
        self.groups: list[Group] = []
        self.views: dict[Wire, View] = {}
        self.maker: dict[Wire, int] = {}
        """The number of the group that makes a root."""
        self.parts: dict[Wire, View] = {}
        """For values that are written into a part of another array: into which."""
        self.floating: dict[Wire, tuple[Node, float]] = {}
        """Cheap values of inputs alone, with their cost in additions: computed wherever they are read."""
        self._prices: dict[Node, float] = {}

    # ---- what is known of wires

    def view(self, wire: Wire) -> View:
        if wire not in self.views:
            self.views[wire] = of_constant(wire) if wire.is_constant else View.whole(wire)
        return self.views[wire]

    def add(self, node: Node) -> None:
        if node.primitive in COMPOSITES and not self.library:
            self.composite(node)
            return
        why = why_host(node)
        if why:
            self.host(node, why)
        elif "view" in node.primitive.traits:
            self.add_view(node)
        elif node.primitive.name in self.elementwise or node.primitive.name == "one_hot":
            if not self.floats(node):
                self.join(node)
        elif node.primitive.name in REDUCING:
            self.reduction(node)
        elif node.primitive.name == "matmul":
            self.product(node)
        elif node.primitive.name == "gather":
            self.gather(node)
        elif node.primitive.name == "scatter" and len(node.inputs) > 1:
            self.scatter(node)
        elif (parts := pieces(node)) is not None:
            self.assemble(node, parts)
        elif has_stage(node) and not self.library:
            self.matrices(node)
        else:
            self.host(node, f"{node.primitive.name} has no native code")

    def composite(self, node: Node) -> None:
        """Put a node with bodies into a group of its own, if all that they do has native code."""
        programs, why = programs_of(node, self.program)
        if why:
            self.host(node, why)
            return
        node = replace(node, inputs=tuple(map(self.in_memory, node.inputs)))
        self.start(Group([], programs=programs), node, ())

    def matrices(self, node: Node) -> None:
        """Put an operation on small matrices into a group of its own."""
        dtype = node.outputs[-1].spec.dtype
        inputs = tuple(self.in_dtype(wire, dtype) for wire in node.inputs)
        self.start(Group([], has_matrices=True), replace(node, inputs=inputs), ())

    def in_memory(self, wire: Wire) -> Wire:
        """Return a wire that lies in memory in order: the same, or a copy of it."""
        if self.view(wire).is_whole:
            return wire
        copied = Wire(f"{wire.name}_copied", wire.spec)
        self.join(Node(primitives.copy, (wire,), (copied,)))
        return copied

    def floats(self, node: Node) -> bool:
        """Keep a cheap node of inputs alone for those who read it, unless it is wanted in memory."""
        if node.out in self.outputs:
            return False
        total = self.price(node)
        for wire in node.inputs:
            root = self.view(wire).root
            if root in self.maker:
                return False
            total += self.floating[root][1] if root in self.floating else 0
        if total > _FLOATING:
            return False
        self.floating[node.out] = node, total
        self.views[node.out] = View.whole(node.out)
        return True

    def price(self, node: Node) -> float:
        """Return what an entry of an elementwise node costs, in additions."""
        if node not in self._prices:
            self._prices[node] = cost(shape_of_node(node))
        return self._prices[node]

    def host(self, node: Node, why: str) -> None:
        group = Group([], host=why)
        self.start(group, node, ())

    def start(self, group: Group, node: Node, place: tuple[int, ...]) -> None:
        self.groups.append(group)
        self.put(len(self.groups) - 1, node, place)

    def put(self, number: int, node: Node, place: tuple[int, ...]) -> None:
        group = self.groups[number]
        group.nodes.append(node)
        for wire in node.outputs:
            group.places[wire] = place
            self.maker[wire] = number
            self.views[wire] = View.whole(wire)

    def add_view(self, node: Node) -> None:
        source = self.view(node.inputs[0])
        view = source.through(node)
        if view is None:  # a reshape of what is not in order: put it in order first
            copied = replace(
                node, primitive=primitives.copy, params={}, outputs=(Wire("", node.inputs[0].spec),)
            )
            copied.out.name = f"{node.inputs[0].name}_copied"
            self.join(copied)
            view = View.whole(copied.out).through(node)
            assert view is not None
        self.views[node.out] = view

    # ---- joining

    def candidates(self, wires: Sequence[Wire]) -> Iterator[int]:
        """Yield groups that may compute from these: the one that makes the newest of them, then later
        ones.
        """
        newest = max([self.maker.get(self.view(w).root, -1) for w in wires], default=-1)
        last = len(self.groups) - 1
        for number in (newest, *range(last, max(newest, last - _LATER), -1)):
            if number < 0:
                continue
            group = self.groups[number]
            if len(group.nodes) < _MOST and not group.is_closed:
                yield number

    def close(self, flag: Wire) -> None:
        """Close a group that does nothing but find out what this flag says: it stays alone, and is
        done first.
        """
        group = self.groups[self.maker[flag]] if flag in self.maker else None
        if group and all(node.out.spec.dtype == bool for node in group.nodes):
            group.is_closed = True

    def gather(self, node: Node) -> None:
        """Group what index arrays pick: like an elementwise node of these, reading an array that is in
        memory.
        """
        found = lookup(node)
        if found is None:
            self.host(node, _MASK)
            return
        source = self.maker.get(self.view(node.inputs[0]).root, -1)
        self.join(node, [found.aligned(self.view(w)) for w in node.inputs[1:]], after=source)

    def scatter(self, node: Node) -> None:
        """Add up numbers at places that index arrays name: where the numbers are made."""
        found = lookup(node)
        g = self.view(node.inputs[0])
        if found is None or g.shape != found.picked:
            self.host(node, _MASK)
            return
        views = [g, *(found.aligned(self.view(w)) for w in node.inputs[1:])]
        for number in self.candidates(node.inputs):
            group = self.groups[number]
            place = None if group.product else self.embed(number, g.shape, views)
            if place is not None and {a for a in place if a >= 0} == set(range(len(group.extents))):
                self.put(number, node, place)
                group.late.add(node.out)
                return
        group, place = _fresh(g.shape)
        self.start(group, node, place)
        group.late.add(node.out)

    def join(self, node: Node, views: Sequence[View] | None = None, *, after: int = -1) -> None:
        """Put an elementwise node into the group of its newest input, a later one like it, or its own.

        `views` are those of the inputs that are read at the same point; the group comes `after` one.
        """
        shape = node.out.spec.shape
        if views is None:
            aligned = () if node.primitive.name == "one_hot" else node.inputs
            views = [self.view(w).broadcast(shape) for w in aligned]
        for number in self.candidates(node.inputs):
            if number <= after:
                continue
            group = self.groups[number]
            place = self.embed(number, shape, views)
            if place is None:
                continue
            covered = {a for a in place if a >= 0}
            whole = {a for a, n in enumerate(group.extents) if n != 1}
            if covered == whole or (group.reduced and covered == whole - group.reduced):
                self.put(number, node, place)
                return
        self.start_alone(node)

    def start_alone(self, node: Node) -> None:
        """Put an elementwise node into a group of its own."""
        group, place = _fresh(node.out.spec.shape)
        self.start(group, node, place)

    def embed(
        self, number: int, shape: tuple[int, ...], views: Sequence[View]
    ) -> tuple[int, ...] | None:
        """Return the nest's axis for each axis of `shape` (-1 for axes of one entry), such that values made
        there are read in place; None where there is no such way.
        """
        group = self.groups[number]
        if not group.is_nest:
            return None
        place = [-1] * len(shape)
        for view in views:
            root = view.root
            if self.maker.get(root, -1) != number:
                continue
            if root in group.late or view.offset:
                return None
            home = group.home(root)
            hit = set()
            for own, stride in enumerate(view.strides):
                if not stride:
                    continue
                fits = [a for a, s in enumerate(home) if s == stride]
                if not fits or group.extents[fits[0]] != shape[own]:
                    return None
                if place[own] not in (-1, fits[0]):
                    return None
                place[own] = fits[0]
                hit.add(fits[0])
            if hit != {a for a, s in enumerate(home) if s}:
                return None
        for own, n in enumerate(shape):
            if n != 1 and place[own] < 0:
                spare = [
                    a for a, extent in enumerate(group.extents) if extent == n and a not in place
                ]
                if not spare:
                    return None
                place[own] = spare[0]
        used = [a for a in place if a >= 0]
        return tuple(place) if len(set(used)) == len(used) else None

    def reduction(self, node: Node) -> None:
        view = self.view(node.inputs[0])
        shape = node.inputs[0].spec.shape
        axes = [a for a in node.params["axis"] if shape[a] != 1]
        if not axes:  # nothing to add up: the same numbers in another shape
            same = replace(
                node, primitive=primitives.reshape, params={"shape": node.out.spec.shape}
            )
            if node.inputs[0].spec.dtype != node.out.spec.dtype:
                self.host(node, "it only changes the dtype")
            else:
                self.add_view(same)
            return
        for number in self.candidates(node.inputs):
            group = self.groups[number]
            place = None if group.product else self.embed(number, shape, [view])
            if place is None:
                continue
            over = frozenset(place[a] for a in axes)
            covered = frozenset(a for a in place if a >= 0)
            everywhere = frozenset(range(len(group.extents)))
            if covered == everywhere and group.reduced in (None, over):
                group.reduced = over
                self.put(number, node, kept_axes(node, place))
                return
            if group.reduced and covered in (everywhere, everywhere - group.reduced):
                self.put(number, node, kept_axes(node, place))
                group.late.add(node.out)
                return
        group, place = _fresh(shape)
        group.reduced = frozenset(place[a] for a in axes)
        self.start(group, node, kept_axes(node, place))

    def assemble(self, node: Node, found: Sequence[Piece]) -> None:
        """Assemble an array of several parts: each is written by whoever makes it."""
        root = node.out
        for piece in found:
            source = piece.source or Wire(
                "", ArraySpec((), root.spec.dtype), root.spec.dtype.type(0)
            )
            if piece.source is not None and piece.box is not None:
                source = self.part_of(source, piece.box)
            out = Wire(f"{root.name}_part", ArraySpec(piece.place.shape, root.spec.dtype))
            copying = replace(
                node,
                primitive=primitives.astype,
                params={"dtype": root.spec.dtype},
                inputs=(source,),
                outputs=(out,),
            )
            self.join(copying)
            self.parts[out] = piece.place
            number = self.maker[out]
            self.maker[root] = max(number, self.maker.get(root, 0))
        self.groups[self.maker[root]].late.add(root)
        self.views[root] = View.whole(root)

    def part_of(self, wire: Wire, box: Box) -> Wire:
        """Return a wire that shows the part of another one that a box covers."""
        return self.seen_as(wire, part(self.view(wire), box))

    def seen_as(self, wire: Wire, view: View) -> Wire:
        made = Wire(f"{wire.name}_part", ArraySpec(view.shape, wire.spec.dtype))
        self.views[made] = view
        return made

    def product(self, node: Node) -> None:
        """Put a product into a group of its own, which nodes on its result may join."""
        node = replace(
            node, inputs=tuple(self.in_dtype(w, node.out.spec.dtype) for w in node.inputs)
        )
        shape = node.out.spec.shape
        batch, (m, n) = shape[:-2], shape[-2:]
        x, y = (self.view(w) for w in node.inputs)
        inner = x.shape[-1]
        x, y = x.broadcast((*batch, m, inner)), y.broadcast((*batch, inner, n))
        group = Group(list(shape), product=(x, y, inner))
        self.start(group, node, tuple(-1 if n == 1 else i for i, n in enumerate(shape)))

    def in_dtype(self, wire: Wire, dtype: np.dtype[Any]) -> Wire:
        """Return a wire whose numbers are of this dtype: the same, or one that is converted first."""
        if wire.spec.dtype == dtype:
            return wire
        if wire.is_constant:
            value = np.asarray(wire.constant).astype(dtype)
            return Wire(wire.name, ArraySpec(wire.spec.shape, dtype), value)
        converted = Wire(f"{wire.name}_converted", ArraySpec(wire.spec.shape, dtype))
        self.join(Node(primitives.astype, (wire,), (converted,), {"dtype": dtype}))
        return converted


def _fresh(shape: tuple[int, ...]) -> tuple[Group, tuple[int, ...]]:
    """Return a group with the axes of this shape, and the nest's axis for each of them (-1: of one entry)."""
    counter = iter(range(len(shape)))
    place = tuple(-1 if n == 1 else next(counter) for n in shape)
    return Group([n for n in shape if n != 1]), place


def kept_axes(node: Node, place: Sequence[int]) -> tuple[int, ...]:
    """Return the nest's axis for each axis of a reduction's result (-1: of one entry), from its input's."""
    axes = node.params["axis"]
    if node.params["keepdims"]:
        return tuple(-1 if i in axes else a for i, a in enumerate(place))
    return tuple(a for i, a in enumerate(place) if i not in axes)


def why_host(node: Node) -> str:
    """Return why native code cannot compute a node; empty if it can."""
    for wire in (*node.inputs, *node.outputs):
        if wire.is_constant and wire.constant is None:
            continue
        if not is_native(wire.spec.dtype):
            return f"{wire.spec.dtype} has no native code"
        if not wire.spec.size:
            return "an array of no entries"
    name = node.primitive.name
    if not node.primitive.is_registered:
        return f"{name} has no native code"
    if name == "matmul" and node.out.spec.dtype.kind != "f":
        return "products of whole numbers have no native code"
    if "view" in node.primitive.traits and any(not w.is_constant for w in node.inputs[1:]):
        return "an index that is not known"
    if lowering(name) is not None:
        try:
            shape_of_node(node)
        except NotImplementedError as error:
            return str(error)
    if REDUCING.get(name) in ("add", "max", "min") and node.out.spec.dtype.kind == "b":
        return f"{name} of truth values has no native code"
    return ""


def shape_of_node(node: Node) -> Expression:
    """Return the expression of an elementwise node on unknown inputs: to see whether it has one, and
    its cost.
    """
    blank = list(map(_blank, node.inputs))
    if node.primitive.name == "one_hot":
        return one_hot(node, blank[0], Position(np.dtype("i8"), frozenset(), 0))
    lower = lowering(node.primitive.name)
    assert lower is not None, node.primitive.name
    return lower(node, blank)


def _blank(wire: Wire) -> Expression:
    """Return, of a constant that consists of one number, that number, else something that is read."""
    if wire.is_constant and (number := uniform(wire)) is not VARIES:
        return Literal(wire.spec.dtype, frozenset(), number)
    return Load(wire.spec.dtype, frozenset(), Access(_NOWHERE, ()))


_NOWHERE = Buffer("", ArraySpec((0,), np.dtype(bool)))
