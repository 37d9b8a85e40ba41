"""What nests are written with: buffers, places in them, and expressions of single numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.spec import ArraySpec


@dataclass(slots=True, eq=False)
class Buffer:
    """Memory for an array in C order, without gaps.

    `role` is one of input, output, constant (with its `value`), temporary.
    """

    name: str
    spec: ArraySpec
    role: str = "temporary"
    value: Any = None
    within: Buffer | None = None
    """A larger temporary of which it is a part, from entry number `first` on."""
    first: int = 0

    @property
    def whole(self) -> Buffer:
        """What takes the memory: the buffer itself, unless it is a part of another one."""
        return self.within or self

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.spec.dtype

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.spec.size

    @property
    def bytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<buffer {self.role} {self.name}: {self.spec}>"


@dataclass(frozen=True, slots=True)
class Access:
    """The entry of a buffer at each point of a nest: ``offset + Σ stride · position``, in entries."""

    buffer: Buffer
    strides: tuple[int, ...]
    offset: int = 0

    def axes(self) -> frozenset[int]:
        return frozenset(a for a, stride in enumerate(self.strides) if stride)

    def is_apart(self, axis: int, extent: int) -> bool:
        """Return whether it goes through its whole buffer in order as `axis` advances."""
        return self.offset == 0 and self.strides[axis] * extent == self.buffer.size

    def __str__(self) -> str:
        terms = [
            letter(a) if stride == 1 else f"{stride}{letter(a)}"
            for a, stride in enumerate(self.strides)
            if stride
        ]
        if self.offset or not terms:
            terms.append(str(self.offset))
        return f"{self.buffer}[{' + '.join(terms).replace('+ -', '- ')}]"


def letter(axis: int) -> str:
    """Return the name of an axis in print: i, j, k, ..."""
    return "ijklmnpqrstuvw"[axis] if axis < 14 else f"x{axis}"


# ---- expressions


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One number at each point of a nest; `axes` are those that it varies over."""

    dtype: np.dtype[Any]
    axes: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Expression):
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Load(Expression):
    access: Access


Index = tuple["Expression", int, int]
"""A whole number that chooses a place: the number, its stride in entries, and how many places there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Gather(Expression):
    """The entry at `access` and, from there, as far as `indices` say.

    Negative numbers count from the end. Where one is out of range (the program has stopped by then, unless
    another thread changed it meanwhile), some other entry of the buffer is read.
    """

    access: Access
    indices: tuple[Index, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Position(Expression):
    """Where along an axis the point lies: 0, 1, 2, ..."""

    axis: int


@dataclass(frozen=True, slots=True, eq=False)
class Compute(Expression):
    """A function of numbers at the same point, by its name in `COSTS`."""

    operation: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Reduction(Expression):
    """`operand` added up (or its largest, ...) over the nest's reduced axes."""

    how: str
    operand: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Sums(Expression):
    """The entry of the nest's matrix product."""


def operands(e: Expression) -> tuple[Expression, ...]:
    """Return what an expression is computed from."""
    if isinstance(e, Compute):
        return e.operands
    if isinstance(e, Gather):
        return tuple(number for number, _, _ in e.indices)
    return (e.operand,) if isinstance(e, Reduction) else ()
