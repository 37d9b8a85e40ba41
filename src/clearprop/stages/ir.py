"""The language of stages: what is computed in which loops, and where it is kept.

Grammar
-------
::

    program   := "program" name buffer* stage*
    buffer    := role name ":" spec ["in" name "from" number]
    stage     := nest | matrices | host | loop | choice | while
    nest      := "nest" "[" axis ("," axis)* "]" ["product" access "@" access] line*
    axis      := letter ":" extent ["tiles"] ["summed"] ["lanes"]
    line      := name "=" expression | ("store" | "keep") access "=" name | "add" access [at] "+=" name
    at        := "at" number name ("+" number name)*
    access    := buffer "[" terms "]"
    loop      := "loop" length ["reversed"] pair* program
    pair      := ("read" | "carry" | "entry" | "collect" | "write" | "keep") buffer* ":" buffer buffer* each*
    each      := ("before" | "after") "each" buffer
    choice    := "choose" buffer pair* program program*
    while     := "while" ["at most" number] pair* program program ["back" pair* program]
    matrices  := "matrices" "[" [axis ("," axis)*] "]" [buffer ":"] made "=" operation "(" given ")"
    made      := buffer ("," buffer)*
    given     := access ("," access)*
    host      := "numpy" name ("," name)* "=" primitive "(" name ("," name)* ")"

A *nest* visits every point of its axes. Its values form a graph of expressions without a fixed order;
each is computed as far outside as it can be. *Reduced* axes lie inside the free ones: a `Reduction`
goes over all of them, and what depends on its result comes after that loop. *Effects* write to memory.

Neighbours whose first axis is called *tiles* go along together: of the first tile, one nest after the other
is computed, then of the second.

*Matrices* are stacks of small ones, with an operation of linear algebra on one after the other.
The buffer before the colon is true where one of them has no result.

Values that depend on results of reductions are computed in later *phases*, each another round over the
reduced axes. Every store happens in the phase in which its value is ready.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.spec import short_dtype
from ..graph.graph import Node
from .expressions import (
    Access,
    Buffer,
    Compute,
    Expression,
    Gather,
    Index,
    Literal,
    Load,
    Position,
    Reduction,
    Sums,
    letter,
    operands,
)

__all__ = [
    "Access",
    "Accumulate",
    "Buffer",
    "Composite",
    "Compute",
    "Effect",
    "Expression",
    "Gather",
    "Host",
    "Index",
    "Literal",
    "Load",
    "Matrices",
    "Nest",
    "Position",
    "Product",
    "Program",
    "Reduction",
    "Stage",
    "Store",
    "Sums",
    "Tiles",
    "in_order",
    "letter",
    "operands",
    "read_by",
    "touched_by",
    "written_by",
]

# ---- effects


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Write a value."""

    value: Expression
    access: Access


@dataclass(frozen=True, slots=True, eq=False)
class Accumulate:
    """Add a value to memory (or keep the larger one, ...) at each point of the axes `domain`.

    The memory starts with what `how` starts from; the access stands still along axes that are summed.
    With `indices`, numbers choose the place, as in `Gather`; out of range, nothing is added.
    """

    how: str
    value: Expression
    access: Access
    domain: frozenset[int]
    indices: tuple[Index, ...] = ()


Effect = Store | Accumulate


@dataclass(frozen=True, slots=True)
class Product:
    """The matrix product that a nest finishes: ``left[i, k] @ right[k, j]`` for the axes i and j.

    Accesses have the strides of (i, k) and (k, j); leading axes of the nest are those of a batch, whose
    strides come first: (batch..., i, k), (batch..., k, j).
    """

    left: Access
    right: Access
    inner: int
    """The length of k."""
    dtype: np.dtype[Any]


@dataclass(slots=True, eq=False)
class Tiles:
    """What nests that go along together share: their first axis, tile by tile, and memory for one tile.

    Of each tile, one nest after the other is computed, so that what they hand on stays in the cache.
    """

    count: int
    own: set[Buffer] = field(default_factory=set)
    """Of a tile's size: accesses of these stand still along the first axis."""


@dataclass(slots=True, eq=False)
class Nest:
    """Loops around expressions: see the module's docstring."""

    extents: tuple[int, ...]
    """Points along each axis, the outermost first."""
    reduced: frozenset[int]
    effects: list[Effect]
    product: Product | None = None
    lanes: int | None = None
    """The axis along which neighbours are computed side by side."""
    kept: dict[Expression, Access] = field(default_factory=dict)
    """Values that a later phase reads back from memory rather than computing them again."""
    covers: list[Node] = field(default_factory=list)
    """The graph's nodes that are computed here, for the report."""
    tiles: Tiles | None = None
    """Shared with neighbours that go along together."""
    names: dict[Expression, str] = field(default_factory=dict)
    """What the user calls some of the values, where axes are as they were."""
    _order: tuple[tuple[Effect, ...], list[Expression]] | None = None
    """What `expressions` found last, and for which effects."""

    def expressions(self) -> list[Expression]:
        """Return every expression once, operands first."""
        effects = tuple(self.effects)
        if self._order is None or self._order[0] != effects:
            self._order = effects, self._ordered()
        return self._order[1]

    def _ordered(self) -> list[Expression]:
        order: dict[Expression, None] = {}
        stack = [x for e in reversed(self.effects) for x in _sources(e)]
        while stack:
            e = stack[-1]
            missing = [x for x in operands(e) if x not in order]
            if missing:
                stack += reversed(missing)
            else:
                order.setdefault(stack.pop())
        return list(order)

    def reads(self) -> Iterator[Access]:
        for e in self.expressions():
            if isinstance(e, Load | Gather):
                yield e.access
        if self.product is not None:
            yield self.product.left
            yield self.product.right

    def picked(self) -> set[Buffer]:
        """Return buffers that are read at places which only the numbers in others tell."""
        return {e.access.buffer for e in self.expressions() if isinstance(e, Gather)}

    def writes(self) -> Iterator[Access]:
        for effect in self.effects:
            yield effect.access
        yield from self.kept.values()

    def phases(self) -> dict[Expression, int]:
        """Return the round over the reduced axes in which each expression can first be computed."""
        found: dict[Expression, int] = {}
        for e in self.expressions():
            phase = max((found[x] for x in operands(e)), default=0)
            found[e] = phase + 1 if isinstance(e, Reduction) else phase
        return found


def _sources(effect: Effect) -> list[Expression]:
    """Return the expressions that an effect needs."""
    numbers = effect.indices if isinstance(effect, Accumulate) else ()
    return [effect.value, *(number for number, _, _ in numbers)]


@dataclass(slots=True, eq=False)
class Matrices:
    """An operation of linear algebra on small matrices: those of a stack, one after the other.

    Accesses have the strides of (stack..., row, column).
    """

    node: Node
    extents: tuple[int, ...]
    """Of the stack."""
    order: int
    """How many rows and columns the square matrices have."""
    inputs: tuple[Access, ...]
    outputs: tuple[Buffer | None, ...]
    """One for each output of the node; None for one that nobody reads."""
    fails: Buffer | None
    """True where a matrix has no result; None where each has one."""

    @property
    def name(self) -> str:
        """The operation's."""
        return self.node.primitive.name

    def reads(self) -> Iterator[Access]:
        return iter(self.inputs)

    def writes(self) -> Iterator[Buffer]:
        return (b for b in (*self.outputs, self.fails) if b is not None)


@dataclass(slots=True, eq=False)
class Host:
    """A node that NumPy computes, between native stages; `why` says why."""

    node: Node
    inputs: tuple[tuple[Buffer, tuple[int, ...]] | Any, ...]
    """Buffers with the shapes that the node sees, or constants."""
    outputs: tuple[Buffer | None, ...]
    """One for each output of the node; None for one that nobody reads."""
    why: str

    def writes(self) -> Iterator[Buffer]:
        return (b for b in self.outputs if b is not None)

    def reads(self) -> Iterator[Buffer]:
        for x in self.inputs:
            if isinstance(x, tuple) and isinstance(x[0], Buffer):
                yield x[0]


class Composite(ABC):
    """A stage that holds programs; how it does them, subclasses say."""

    __slots__ = ()
    name: str
    """What the user calls the functions that its programs are."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, in a few words."""

    @property
    @abstractmethod
    def programs(self) -> list[Program]:
        """What it does, perhaps only a part of it."""

    @abstractmethod
    def reads(self) -> Iterator[Buffer]:
        """Yield the buffers that it reads."""

    @abstractmethod
    def writes(self) -> Iterator[Buffer]:
        """Yield the buffers that it writes."""

    @abstractmethod
    def lines(self) -> list[str]:
        """Return it in print."""


Stage = Nest | Matrices | Host | Composite


def read_by(stage: Stage) -> set[Buffer]:
    """Return the buffers that a stage reads."""
    return set(in_order(stage.reads()))


def written_by(stage: Stage) -> set[Buffer]:
    """Return the buffers that a stage writes."""
    return set(in_order(stage.writes()))


def touched_by(stage: Stage) -> Iterator[Buffer]:
    """Yield the buffers that a stage reads, then those that it writes; some more than once."""
    return in_order((*stage.reads(), *stage.writes()))


def in_order(touched: Iterable[Access | Buffer]) -> Iterator[Buffer]:
    """Yield the buffers of what a stage says that it reads or writes."""
    return (x if isinstance(x, Buffer) else x.buffer for x in touched)


@dataclass(slots=True, eq=False)
class Program:
    """Stages in order, and the buffers between them."""

    name: str
    inputs: list[Buffer]
    outputs: list[Buffer]
    stages: list[Stage]
    stops: list[Buffer] = field(default_factory=list)
    """Each is true where an index is out of range, or a matrix has no inverse: nothing after the stage
    that says so is computed."""

    def buffers(self) -> list[Buffer]:
        """Return every buffer once, in the order of use."""
        found: dict[Buffer, None] = dict.fromkeys(self.inputs)
        for stage in self.stages:
            found.update(dict.fromkeys(touched_by(stage)))
        found.update(dict.fromkeys(self.outputs))
        return list(found)

    def __str__(self) -> str:
        lines = [f"program {self.name}"]
        lines += [f"  {b.role} {b.name}: {b.spec}{_part(b)}" for b in self.buffers()]
        for stage in self.stages:
            lines += ["", *_lines(stage)]
        return "\n".join(lines)


# ---- printing


def _part(buffer: Buffer) -> str:
    return f" in {buffer.within} from {buffer.first}" if buffer.within is not None else ""


def _lines(stage: Stage) -> list[str]:
    if isinstance(stage, Nest):
        return _nest_lines(stage)
    if isinstance(stage, Matrices):
        return _matrix_lines(stage)
    return _host_lines(stage) if isinstance(stage, Host) else stage.lines()


def _matrix_lines(stage: Matrices) -> list[str]:
    axes = ", ".join(f"{letter(a)}: {extent}" for a, extent in enumerate(stage.extents))
    fails = f"{stage.fails}: " if stage.fails else ""
    made = ", ".join(map(str, stage.outputs))
    given = ", ".join(map(str, stage.inputs))
    params = "".join(f", {k}={v}" for k, v in stage.node.params.items())
    return [f"matrices [{axes}] {fails}{made} = {stage.name}({given}{params})"]


def _host_lines(stage: Host) -> list[str]:
    texts = [
        x[0].name if isinstance(x, tuple) and isinstance(x[0], Buffer) else repr(x)
        for x in stage.inputs
    ]
    params = "".join(f", {k}={v}" for k, v in stage.node.params.items())
    made = ", ".join(map(str, stage.outputs))
    return [
        f"numpy {made} = {stage.node.primitive.name}({', '.join(texts)}{params})",
        f"  # {stage.why}",
    ]


def _nest_lines(nest: Nest) -> list[str]:
    axes = [
        f"{letter(a)}: {extent}{' tiles' * (nest.tiles is not None and not a)}"
        f"{' summed' * (a in nest.reduced)}{' lanes' * (a == nest.lanes)}"
        for a, extent in enumerate(nest.extents)
    ]
    head = f"nest [{', '.join(axes)}]"
    if nest.product is not None:
        p = nest.product
        head += f" product {p.left.buffer} @ {p.right.buffer} over {p.inner}"
    lines, names = [head], dict[Expression, str]()
    for e in nest.expressions():
        if isinstance(e, Literal):
            names[e] = f"{e.value:g}" if e.dtype.kind == "f" else str(e.value)
            continue
        names[e] = f"v{len(lines)}"
        lines.append(f"  {names[e]} = {_written(e, names)}")
    lines += [f"  keep {access} = {names[e]}" for e, access in nest.kept.items()]
    for effect in nest.effects:
        sign, word = ("=", "store") if isinstance(effect, Store) else ("+=", effect.how)
        at = _at(effect.indices, names) if isinstance(effect, Accumulate) else ""
        lines.append(f"  {word} {effect.access}{at} {sign} {names[effect.value]}")
    return lines


def _at(indices: tuple[Index, ...], names: dict[Expression, str]) -> str:
    """Return where numbers lead from an access, in print: `` at 64 v3``."""
    return f" at {' + '.join(f'{s} {names[e]}' for e, s, _ in indices)}" if indices else ""


def _written(e: Expression, names: dict[Expression, str]) -> str:
    if isinstance(e, Load):
        return f"load {e.access}"
    if isinstance(e, Gather):
        return f"gather {e.access}{_at(e.indices, names)}"
    if isinstance(e, Position):
        return f"position {letter(e.axis)}"
    if isinstance(e, Sums):
        return "sums"
    if isinstance(e, Reduction):
        return f"reduce {e.how} {names[e.operand]}"
    assert isinstance(e, Compute)
    text = f"{e.operation} {', '.join(names[x] for x in e.operands)}"
    return f"{text} to {short_dtype(e.dtype)}" if e.operation == "convert" else text
