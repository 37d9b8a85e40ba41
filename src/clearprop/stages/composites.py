"""Stages that hold programs: loops, and choices among several.

Buffers of a program within are its own; pairs say which buffer outside each of them stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .ir import Buffer, Composite, Program


@dataclass(slots=True, eq=False)
class Carried:
    """A value that a loop hands from each step to the next: `before` and `after` are the body's."""

    start: Buffer
    before: Buffer
    after: Buffer
    end: Buffer | None
    """Where it is wanted after the last step; None if nobody reads it then."""
    before_each: Buffer | None = None
    """An array whose entries are what each step gets, if somebody wants that."""
    after_each: Buffer | None = None
    """The same for what each step leaves."""

    def __str__(self) -> str:
        text = f"carry {self.start}{f' {self.end}' if self.end else ''}: {self.before} {self.after}"
        text += f" before each {self.before_each}" if self.before_each else ""
        return text + (f" after each {self.after_each}" if self.after_each else "")

    def writes(self) -> Iterator[Buffer]:
        """Yield the buffers outside the loop that it is written to."""
        yield from (b for b in (self.end, self.before_each, self.after_each) if b is not None)


@dataclass(slots=True, eq=False)
class Loop(Composite):
    """A program, `body`, that is done `length` times, each time with other entries of the same arrays."""

    body: Program
    length: int
    reverse: bool
    closed: list[tuple[Buffer, Buffer]]
    """What every step reads: a buffer, and what stands for it in the body; so for the pairs below."""
    carried: list[Carried]
    entries: list[tuple[Buffer, Buffer]]
    """Arrays of which each step reads one entry along the first axis."""
    collected: list[tuple[Buffer, Buffer]]
    """Arrays of which each step writes one."""
    name: str = ""

    @property
    def title(self) -> str:
        steps = f"{self.length} step{'s' * (self.length != 1)}"
        return f"loop of {steps}{', from the last' * self.reverse}"

    @property
    def programs(self) -> list[Program]:
        return [self.body]

    def reads(self) -> Iterator[Buffer]:
        yield from (outer for outer, _ in self.closed)
        yield from (c.start for c in self.carried)
        yield from (outer for outer, _ in self.entries)

    def writes(self) -> Iterator[Buffer]:
        for c in self.carried:
            yield from c.writes()
        yield from (outer for outer, _ in self.collected)

    def lines(self) -> list[str]:
        pairs = [
            *_pairs("read", self.closed),
            *(f"  {c}" for c in self.carried),
            *_pairs("entry", self.entries),
            *_pairs("collect", self.collected),
        ]
        return [f"loop {self.length}{' reversed' * self.reverse}", *pairs, *_inner(self.body)]


@dataclass(slots=True, eq=False)
class Choice(Composite):
    """Programs of which the number in `index` picks the one that is done.

    The inputs and outputs of each stand for the same buffers, in order.
    """

    index: Buffer
    branches: list[Program]
    inputs: list[Buffer]
    outputs: list[Buffer]
    name: str = ""

    @property
    def title(self) -> str:
        return f"one of {len(self.branches)} branches"

    @property
    def programs(self) -> list[Program]:
        return self.branches

    def reads(self) -> Iterator[Buffer]:
        yield self.index
        yield from self.inputs

    def writes(self) -> Iterator[Buffer]:
        yield from self.outputs

    def lines(self) -> list[str]:
        lines = [f"choose {self.index}"]
        for branch in self.branches:
            lines += _pairs("read", list(zip(self.inputs, branch.inputs, strict=True)))
            lines += _pairs("write", list(zip(self.outputs, branch.outputs, strict=True)))
            lines += _inner(branch)
        return lines


@dataclass(slots=True, eq=False)
class Back:
    """The way back through the steps of a `While`, from the last to the first."""

    body: Program
    closed: list[tuple[Buffer, Buffer]]
    carried: list[Carried]
    kept: list[tuple[Buffer, Buffer]]
    """What a step reads of what its forward step has kept: outputs of the forward body, with inputs of
    this one.
    """


@dataclass(slots=True, eq=False)
class While(Composite):
    """A program, `body`, that is done again and again as long as another one, `condition`, says so.

    With `back`, each step keeps what the step back through it needs, in memory that grows.
    """

    condition: Program
    body: Program
    limit: int | None
    closed: list[tuple[Buffer, Buffer]]
    """What every step reads: a buffer, and what stands for it in the body or in the condition."""
    carried: list[Carried]
    asked: list[Buffer]
    """What stands for the carried values in the condition."""
    back: Back | None = None
    name: str = ""

    @property
    def title(self) -> str:
        return f"loop with a condition{', and the way back' * (self.back is not None)}"

    @property
    def programs(self) -> list[Program]:
        programs = [self.condition, self.body]
        return programs if self.back is None else [*programs, self.back.body]

    def reads(self) -> Iterator[Buffer]:
        for part in self._parts():
            yield from (outer for outer, _ in part.closed)
            yield from (c.start for c in part.carried)

    def writes(self) -> Iterator[Buffer]:
        for part in self._parts():
            for c in part.carried:
                yield from c.writes()

    def _parts(self) -> list[While | Back]:
        return [self] if self.back is None else [self, self.back]

    def lines(self) -> list[str]:
        lines = [f"while{'' if self.limit is None else f' at most {self.limit}'}"]
        lines += [*_pairs("read", self.closed), *(f"  {c}" for c in self.carried)]
        asked = [(c.before, inner) for c, inner in zip(self.carried, self.asked, strict=True)]
        lines += [*_pairs("read", asked), *_inner(self.condition), *_inner(self.body)]
        if self.back is not None:
            lines += [
                "back",
                *_pairs("read", self.back.closed),
                *(f"  {c}" for c in self.back.carried),
            ]
            lines += [*_pairs("keep", self.back.kept), *_inner(self.back.body)]
        return lines


def _pairs(word: str, pairs: list[tuple[Buffer, Buffer]]) -> list[str]:
    return [f"  {word} {outer}: {inner}" for outer, inner in pairs]


def _inner(program: Program) -> list[str]:
    return [f"  {line}" for line in str(program).split("\n")]
