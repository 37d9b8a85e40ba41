"""A finished computation as data: the centre of the house, which knows none of its readers.

Grammar
-------
::

    graph  := name "(" [wire ("," wire)*] ")" "{" line* "return" [ref ("," ref)*] "}"
    line   := wire ("," wire)* "=" op "(" [ref ("," ref)*] ["; " param ("," param)*] ")" ["{" line* "}"]
    wire   := name ":" spec
    ref    := name | literal
    spec   := dtype ["[" size ("," size)* "]"]

A *wire* is a value with a name, a shape and a dtype: an input, the result of a node, or a constant. A
*node* applies an operation to wires; when the operation is a block, the node holds its parts as a
sub-graph (`body`), whose inputs and outputs stand for the node's own, one to one. Wires compare by
identity. Nodes stand in an order in which they can be computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np

from ..callsite import Line
from ..engine.array_types import AnyArray, Params, Tree
from ..engine.broadcasting import unstretched
from ..engine.bundle import as_bundle
from ..engine.primitive import Call, Primitive, each, never
from ..engine.spec import ArraySpec, spec_of
from ..engine.tensor_parameters import holds_tensor
from ..errors import GraphError, UnsupportedError


class _NoValue:
    """Stands where a wire has no constant; there is one of it, in every process."""

    def __reduce__(self) -> str:
        return "_NO_VALUE"


_NO_VALUE = _NoValue()


class Wire:
    """A named value: shape and dtype always, the number itself only for a constant."""

    __slots__ = ("called", "constant", "gradient_of", "is_named", "name", "spec")

    def __init__(self, name: str, spec: ArraySpec, constant: AnyArray = _NO_VALUE) -> None:
        self.name = name
        self.called = ""
        """The user's name, where `name` has a number to tell it from others of that name."""
        self.is_named = bool(name)
        """Whether the name is the user's rather than made up."""
        self.gradient_of = ""
        """The user's name of the value whose gradient this is, in the body of a backward loop or branch."""
        self.spec = spec
        self.constant = constant

    def __reduce__(self) -> tuple[Any, ...]:
        constant, shape = self.constant, None
        if isinstance(constant, np.ndarray):  # what repeats is stored once
            constant, shape = unstretched(constant), constant.shape
        names = self.called, self.is_named, self.gradient_of
        return _wire, (self.name, self.spec, constant, shape, *names)

    def copy(self) -> Wire:
        """Return another wire with the same name, spec and constant."""
        other = Wire(self.name, self.spec, self.constant)
        other.is_named, other.called = self.is_named, self.called
        other.gradient_of = self.gradient_of
        return other

    @property
    def is_constant(self) -> bool:
        return self.constant is not _NO_VALUE

    def __str__(self) -> str:
        """Write a wire as the printer refers to it: its name, or the number when it is a small constant."""
        if not self.is_constant:
            return self.name
        value = self.constant
        if np.ndim(value) == 0:
            return repr(value.item() if isinstance(value, np.generic | np.ndarray) else value)
        return self.name

    def __repr__(self) -> str:
        return f"<wire {self.name}: {self.spec}>"


def _wire(
    name: str,
    spec: ArraySpec,
    constant: AnyArray,
    shape: tuple[int, ...] | None,
    called: str,
    is_named: bool,
    gradient_of: str,
) -> Wire:
    if shape is not None:
        constant.flags.writeable = False
        constant = constant if constant.shape == shape else np.broadcast_to(constant, shape)
    wire = Wire(name, spec, constant)
    wire.called, wire.is_named, wire.gradient_of = called, is_named, gradient_of
    return wire


class Mark(Primitive):
    """What stands for an operation where a block has no gradient of its own: a name, and what to say of it.

    The block's parts are what is computed and differentiated; this itself is never applied.
    """

    __slots__ = ()

    def __init__(self, name: str, why: str, found_by: Callable[[], tuple[Any, ...]]) -> None:
        super().__init__(
            name, never, never, each(never), "mixes", why, Call(name), found_by=found_by
        )


@dataclass(slots=True, eq=False)
class Node:
    """One application of a primitive or a block to wires."""

    primitive: Primitive
    inputs: tuple[Wire, ...]
    outputs: tuple[Wire, ...]
    params: Params = field(default_factory=dict)
    line: Line | None = None
    """The user's line; for a node of a backward pass, the forward line that it answers."""
    body: Graph | None = None
    """Its parts: a graph that computes the same and can take the node's place; None where there are none, or
    nobody can look inside."""
    is_backward: bool = False

    def on(self, inputs: tuple[Wire, ...], outputs: tuple[Wire, ...]) -> Node:
        """Return the same on other wires."""
        return Node(
            self.primitive, inputs, outputs, self.params, self.line, self.body, self.is_backward
        )

    @property
    def bodies(self) -> list[Graph]:
        """The graphs among its parameters, which its primitive runs: what a loop does in a step, the branches
        of a choice.
        """
        return [graph for param in self.params.values() for graph in graphs_in(param)]

    def with_bodies(self, changed: Callable[[Graph], Graph]) -> Node:
        """Return the node with each of its bodies changed; itself where none is."""
        params = dict(self.params)
        for name, param in self.params.items():
            if graphs := graphs_in(param):
                found = tuple(map(changed, graphs))
                if any(new is not old for new, old in zip(found, graphs, strict=True)):
                    params[name] = found if isinstance(param, tuple) else found[0]
                    self = replace(self, params=params)
        return self

    @property
    def is_mark(self) -> bool:
        """Whether it is a mark around its body, which computes it; else its primitive does."""
        return isinstance(self.primitive, Mark)

    @property
    def out(self) -> Wire:
        """The only output of a node that has one."""
        if len(self.outputs) != 1:
            raise GraphError(f"{self.primitive.name} has {len(self.outputs)} outputs, not one")
        return self.outputs[0]


@dataclass(slots=True, eq=False)
class Graph:
    """A computation: `inputs` flow through `nodes` to `outputs`.

    `pack` and `unpack` translate between the user's arguments and results (dicts, lists, ...) and
    the flat wires: ``pack(args, kwargs) -> list of arrays`` and ``unpack(list of arrays) -> result``.

    >>> import clearprop, numpy as np
    >>> graph = clearprop.trace(lambda x: np.sum(x * x), np.ones(3))
    >>> [node.primitive.name for node in graph.nodes], float(graph.evaluate(np.arange(3.0)))
    (['multiply', 'sum'], 5.0)
    """

    name: str
    inputs: tuple[Wire, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Wire, ...]
    pack: Callable[..., list[AnyArray]] | None = None
    unpack: Callable[[list[AnyArray]], Tree] | None = None
    by_rows: bool = False
    """Whether it holds only for arguments that lie in memory row by row: of others NumPy makes copies where
    it has views on these."""

    # ---- reading

    def wires(self) -> Iterator[Wire]:
        """Yield every wire once: inputs, then constants and results in the order of use; not inside
        bodies.
        """
        seen: set[Wire] = set()
        for group in (self.inputs, *((*n.inputs, *n.outputs) for n in self.nodes), self.outputs):
            for wire in group:
                if wire not in seen:
                    seen.add(wire)
                    yield wire

    def users(self) -> dict[Wire, list[tuple[Node, int]]]:
        """Return who reads each wire: nodes with the position they read it at, in order."""
        found: dict[Wire, list[tuple[Node, int]]] = {wire: [] for wire in self.wires()}
        for node in self.nodes:
            for position, wire in enumerate(node.inputs):
                found[wire].append((node, position))
        return found

    def __getitem__(self, name: str) -> Wire:
        """Return the wire with this name; KeyError when there is none."""
        for wire in self.wires():
            if wire.name == name:
                return wire
        raise KeyError(name)

    # ---- running

    def evaluate(self, *args: Tree, **kwargs: Tree) -> Tree:
        """Run it on arguments like those it was traced with; on Tensors it gives Tensors.

        Shapes and dtypes are those of the trace: other ones raise GraphError.
        """
        flat = list(args) if self.pack is None else self.pack(args, kwargs)
        self._check_inputs(flat)
        if not self.fits_layout(flat):
            raise UnsupportedError(
                f"{self.name} changes arrays in place through a reshape, and was traced for arguments that "
                f"lie in memory row by row, as np.ascontiguousarray(x) gives; NumPy makes copies of others"
            )
        env = self.run(flat)
        results = [env[wire] for wire in self.outputs]
        if self.unpack is not None:
            return self.unpack(results)
        return results[0] if len(results) == 1 else tuple(results)

    def run(self, flat: Sequence[AnyArray]) -> dict[Wire, AnyArray]:
        """Return the value of every wire, given those of the inputs in order."""
        env: dict[Wire, AnyArray] = {w: w.constant for w in self.wires() if w.is_constant}
        env.update(zip(self.inputs, flat, strict=True))
        for node in self.nodes:
            values = [env[wire] for wire in node.inputs]
            env.update(zip(node.outputs, evaluate_node(node, values), strict=True))
        return env

    def fits_layout(self, flat: Sequence[AnyArray]) -> bool:
        """Return whether it computes what the traced function would, however these arrays lie in memory."""
        arrays = [x for x in flat if isinstance(x, np.ndarray)]
        return not self.by_rows or all(x.flags.c_contiguous for x in arrays)

    def _check_inputs(self, flat: Sequence[AnyArray]) -> None:
        if len(flat) != len(self.inputs):
            raise GraphError(f"{self.name} takes {len(self.inputs)} arrays, got {len(flat)}")
        for wire, value in zip(self.inputs, flat, strict=True):
            spec = spec_of(value)
            if spec != wire.spec:
                raise GraphError(
                    f"{self.name} was traced with {wire.name}: {wire.spec}, but got {spec}. "
                    f"Trace it again for these shapes and dtypes."
                )

    # ---- blocks

    def open(self, depth: int | None = None, *, only: str | None = None) -> Graph:
        """Return the same computation with blocks replaced by their parts.

        `depth` is how many levels to open (None: all); `only` opens just the blocks of that name.
        """

        def parts(node: Node) -> Graph | None:
            if node.body is None or depth == 0 or only not in (None, node.primitive.name):
                return None
            return node.body.open(None if depth is None else depth - 1, only=only)

        own = {wire: wire.copy() for wire in self.wires()}  # this graph keeps its names
        copied = replace(
            self,
            inputs=tuple(own[wire] for wire in self.inputs),
            nodes=tuple(_renamed(node, own) for node in self.nodes),
            outputs=tuple(own[wire] for wire in self.outputs),
        )
        graph = copied.in_parts(parts)
        graph.name_uniquely()
        return graph

    def without_unread(self) -> Graph:
        """Return the same computation without nodes, and without results of loops, that nobody reads."""
        read = set(self.outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if not read.isdisjoint(node.outputs):
                if node.primitive.pruned is not None and not read.issuperset(node.outputs):
                    node = node.primitive.pruned(node, read)
                kept.append(node)
                read.update(node.inputs)
        return replace(self, nodes=tuple(reversed(kept)))

    def nodes_within(self) -> Iterator[Node]:
        """Go through the nodes, and those of what loops and choices do."""
        waiting = list(reversed(self.nodes))
        while waiting:
            node = waiting.pop()
            yield node
            waiting += (inner for body in node.bodies for inner in reversed(body.nodes))

    def in_parts(self, parts: Callable[[Node], Graph | None]) -> Graph:
        """Return the same computation on the same wires, with graphs in place of the nodes that they are the
        parts of.
        """
        nodes: list[Node] = []
        known = {wire: wire for wire in self.wires()}
        for node in self.nodes:
            node = _renamed(node, known)
            body = parts(node)
            if body is None:
                nodes.append(node)
                continue
            inner = dict(zip(body.inputs, node.inputs, strict=True))
            for inside, outside in zip(body.outputs, node.outputs, strict=True):
                if inside in inner or inside.is_constant:  # no part makes it
                    known[outside] = inner.get(inside, inside)
                else:
                    inner[inside] = outside
            nodes += [_renamed(part, inner) for part in body.nodes]
        outputs = tuple(known[wire] for wire in self.outputs)
        return replace(self, nodes=tuple(nodes), outputs=outputs)

    def name_rest(self) -> None:
        """Name the nameless: the result after the graph (or ``out``), constants ``c1``, ``c2``, ...,
        the others ``t1``, ``t2``, ...
        """
        taken = {wire.name for wire in self.wires()}
        if len(self.outputs) == 1 and not self.outputs[0].name:
            named_after = self.name if self.name.isidentifier() else "out"
            if named_after not in taken:
                self.outputs[0].name = named_after
                taken.add(named_after)

        def fresh_names(letter: str) -> Iterator[str]:
            return (name for i in count(1) if (name := f"{letter}{i}") not in taken)

        fresh = {letter: fresh_names(letter) for letter in "tc"}
        for wire in self.wires():
            wire.name = wire.name or next(fresh["c" if wire.is_constant else "t"])
        self.name_uniquely()

    def name_uniquely(self) -> None:
        """Give wires that share a name a number each (``y``, ``y_2``), in order."""
        taken: set[str] = set()
        used: dict[str, int] = {}
        for wire in self.wires():
            name = wire.name
            while wire.name in taken:
                used[name] = used.get(name, 1) + 1
                wire.called = wire.called or (name if wire.is_named else "")
                wire.name = f"{name}_{used[name]}"
            taken.add(wire.name)

    # ---- checking

    def verify(self) -> None:
        """Raise GraphError unless the graph is well formed.

        Names are unique; every wire is made once and before it is read; parameters are plain values, no
        Tensors; each node's result has the shape and dtype that its primitive says; a block's body fits its
        node, and verifies too.
        """
        made: set[Wire] = set()
        names: set[str] = set()

        def make(wire: Wire) -> None:
            if wire in made:
                raise GraphError(f"{self.name}: {wire.name} is made twice")
            made.add(wire)

        for wire in self.wires():
            if wire.name in names:
                raise GraphError(f"{self.name}: two wires are named {wire.name}")
            names.add(wire.name)
        for wire in self.inputs:
            make(wire)
        for node in self.nodes:
            for wire in node.inputs:
                if wire not in made and not wire.is_constant:
                    raise GraphError(
                        f"{self.name}: {node.primitive.name} reads {wire.name} before it is made"
                    )
            for wire in node.outputs:
                make(wire)
            self._verify_node(node)
        for wire in self.outputs:
            if wire not in made and not wire.is_constant:
                raise GraphError(f"{self.name}: the output {wire.name} is never made")

    def _verify_node(self, node: Node) -> None:
        what = f"{self.name}: {node.outputs[0].name} = {node.primitive.name}(...)"
        for inner in node.bodies:
            inner.verify()
        for name, param in node.params.items():
            if holds_tensor(param):
                raise GraphError(f"{what} has a tensor as its parameter {name}; make it an input")
        if node.body is not None:
            ends = ((node.inputs, node.body.inputs), (node.outputs, node.body.outputs))
            for outside, inside in ends:
                if [w.spec for w in outside] != [w.spec for w in inside]:
                    raise GraphError(f"{what}: the block's body does not fit the node around it")
            node.body.verify()
            return
        specs = [w.constant if w.is_constant else w.spec for w in node.inputs]
        expected = node.primitive.spec(*specs, **node.params)
        for wire, spec in zip(node.outputs, as_bundle(expected), strict=True):
            if spec != wire.spec:
                raise GraphError(f"{what} is {spec}, but its wire {wire.name} says {wire.spec}")

    # ---- printing

    def __str__(self) -> str:
        lines = [f"{self.name}({', '.join(f'{w.name}: {w.spec}' for w in self.inputs)}) {{"]
        lines += _node_lines(self, "  ")
        lines.append(f"  return {', '.join(map(str, self.outputs))}")
        return "\n".join([*lines, "}"])

    __repr__ = __str__


def graphs_in(param: Any) -> tuple[Graph, ...]:
    """Return the graphs that a parameter consists of: one, or several as a tuple."""
    found = param if isinstance(param, tuple) else (param,)
    return found if all(isinstance(x, Graph) for x in found) else ()


def evaluate_node(node: Node, values: Sequence[AnyArray]) -> list[AnyArray]:
    """Return the values of a node's outputs: by its primitive, or by the body that it marks."""
    if node.is_mark:
        assert node.body is not None
        env = node.body.run(values)
        return [env[wire] for wire in node.body.outputs]
    result = node.primitive(*values, **node.params)
    return list(result) if len(node.outputs) > 1 else [result]


def _renamed(node: Node, known: dict[Wire, Wire]) -> Node:
    """Return a copy of a node on other wires; those that are not in `known` yet are copied into it."""
    for wire in (*node.inputs, *node.outputs):
        if wire not in known:
            known[wire] = wire.copy()
    inputs = tuple([known[wire] for wire in node.inputs])
    outputs = tuple([known[wire] for wire in node.outputs])
    return node.on(inputs, outputs)


def _note(node: Node) -> str:
    if node.line is None:
        return ""
    text = node.line.text
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"# {'backward of ' if node.is_backward else ''}{node.line}  {text}".rstrip()


def _node_lines(graph: Graph, indent: str) -> list[str]:
    rows: list[tuple[str, str]] = []
    for node in graph.nodes:
        outs = ", ".join(f"{w.name}: {w.spec}" for w in node.outputs)
        refs = ", ".join(map(str, node.inputs))
        params = ", ".join(f"{k}={v}" for k, v in node.params.items() if not graphs_in(v))
        text = f"{indent}{outs} = {node.primitive.name}({refs}{'; ' + params if params else ''})"
        note = _note(node)
        if node.body is not None:
            rows.append((text + " {", note))
            rows += [(line, "") for line in _node_lines(node.body, indent + "  ")]
            rows.append((indent + "}", ""))
        elif node.bodies:
            rows.append((text + " {", note))
            for inner in node.bodies:
                head, *lines = str(inner).split("\n")
                rows += [(f"{indent}  {line}", "") for line in (head, *lines)]
            rows.append((indent + "}", ""))
        else:
            rows.append((text, note))
    width = min(56, max((len(text) for text, note in rows if note), default=0))
    return [f"{text:<{width}}  {note}".rstrip() for text, note in rows]
