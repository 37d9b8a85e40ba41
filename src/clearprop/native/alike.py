"""Stages that are alike differ only in which memory they use: one function serves all of them.

Loops in Python that were unrolled give such stages by the hundred. Each step reads and writes entries of its
own in the same arrays, so functions take the addresses of those entries rather than of whole arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..stages.ir import (
    Access,
    Accumulate,
    Buffer,
    Compute,
    Expression,
    Gather,
    Index,
    Literal,
    Load,
    Matrices,
    Nest,
    Position,
    Reduction,
)
from ..stages.matrices import columns


class Places:
    """Where a function's buffers lie: a parameter of it for each, which is named when it is first used.

    It is the address of the entry `starts` of the buffer: of the first one where nothing is said.
    """

    def __init__(self, starts: dict[Buffer, int] | None = None) -> None:
        self.starts = starts or {}
        self.names: dict[Buffer, str] = {}

    def whole(self, buffer: Buffer) -> str:
        """Return the address of a buffer that is used from its first entry on."""
        assert not self.starts.get(buffer), buffer
        return self._name(buffer)

    def entry(self, access: Access) -> tuple[str, int]:
        """Return an address, and how many entries behind it the access starts."""
        start = self.starts.get(access.buffer, 0)
        return self._name(access.buffer), access.offset - start

    def _name(self, buffer: Buffer) -> str:
        return self.names.setdefault(buffer, f"%p{len(self.names)}")


class Form:
    """What the function of a stage depends on, and the memory that it is called with."""

    def __init__(self, stage: Nest | Matrices) -> None:
        whole = set(_whole(stage))
        self.starts = dict.fromkeys(whole, 0)
        """Of each buffer, the first of the entries from which accesses start."""
        for access in _accesses(stage):
            buffer, offset = access.buffer, access.offset
            if buffer not in whole:
                self.starts[buffer] = min(offset, self.starts.get(buffer, offset))
        self._numbers: dict[Buffer, int] = {}
        key = self._nest(stage) if isinstance(stage, Nest) else self._matrices(stage)
        kinds = [(b.dtype, b.size if b in whole else None) for b in self._numbers]
        self.key = (*key, tuple(kinds))
        """Equal for stages that are alike."""

    @property
    def buffers(self) -> list[Buffer]:
        """The buffers, in an order that is that of all stages that are alike."""
        return list(self._numbers)

    def _number(self, buffer: Buffer | None) -> int:
        return -1 if buffer is None else self._numbers.setdefault(buffer, len(self._numbers))

    def _access(self, access: Access) -> tuple[Any, ...]:
        start = self.starts[access.buffer]
        return self._number(access.buffer), access.strides, access.offset - start

    def _nest(self, nest: Nest) -> tuple[Any, ...]:
        numbers = {e: i for i, e in enumerate(nest.expressions())}

        def chosen(indices: tuple[Index, ...]) -> tuple[Any, ...]:
            return tuple((numbers[e], stride, count) for e, stride, count in indices)

        def details(e: Expression) -> Any:
            if isinstance(e, Compute):
                return e.operation, tuple(numbers[x] for x in e.operands)
            if isinstance(e, Load):
                return self._access(e.access)
            if isinstance(e, Literal):
                return np.asarray(e.value, e.dtype).tobytes()
            if isinstance(e, Reduction):
                return e.how, numbers[e.operand]
            if isinstance(e, Gather):
                return self._access(e.access), chosen(e.indices)
            return e.axis if isinstance(e, Position) else None

        values = tuple((type(e), e.dtype, e.axes, details(e)) for e in numbers)
        effects = tuple(
            (e.how, numbers[e.value], self._access(e.access), e.domain, chosen(e.indices))
            if isinstance(e, Accumulate)
            else (numbers[e.value], self._access(e.access))
            for e in nest.effects
        )
        kept = tuple((numbers[e], self._access(access)) for e, access in nest.kept.items())
        product = None
        if (p := nest.product) is not None:
            product = self._access(p.left), self._access(p.right), p.inner, p.dtype
        return nest.extents, nest.reduced, nest.lanes, values, effects, kept, product

    def _matrices(self, stage: Matrices) -> tuple[Any, ...]:
        inputs = tuple(map(self._access, stage.inputs))
        outputs = tuple(map(self._number, (*stage.outputs, stage.fails)))
        params = tuple(sorted(stage.node.params.items()))
        sizes = stage.extents, stage.order, columns(stage)
        return stage.name, sizes, inputs, outputs, params


def _accesses(stage: Nest | Matrices) -> Iterator[Access]:
    yield from stage.reads()
    if isinstance(stage, Nest):
        yield from stage.writes()


def _whole(stage: Nest | Matrices) -> Iterator[Buffer]:
    """Yield the buffers that a function goes through from their first entry on."""
    if isinstance(stage, Matrices):
        yield from stage.writes()
    else:
        yield from (e.access.buffer for e in stage.effects if isinstance(e, Accumulate))
