"""What a kernel takes and returns, and how Python sees it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Tree = tuple[Any, ...]
"""Where arrays stand in an argument or in the result.

``("leaf", i)``, ``("tuple", trees)``, ``("list", trees)``, ``("dict", keys, trees)``, or
``("constant", object)``: that very object.
"""

COMPARED = (str, int)
"""Types of keys that are compared by value, which runs no user's code; others are to be the very object."""


def same_key(key: Any, known: Any) -> bool:
    """Return whether a dict's key is the one in a tree: 1 and True are not."""
    return key is known or (type(key) is type(known) and type(key) in COMPARED and key == known)


ABSENT = object()
"""Stands for no object in what has to hold."""

ALIGNMENT = 64
"""Of the arena, in bytes: a cache line, and the longest vector."""


@dataclass(frozen=True)
class Argument:
    """An array that the kernel reads. A `donated` one's memory becomes a result's.

    For one without dimensions NumPy's scalar of its dtype will do, and, if it `takes_floats`, Python's float.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    donated: bool = False
    takes_floats: bool = True

    def __post_init__(self) -> None:
        _normalise(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Argument, (
            self.dtype.type,
            self.shape,
            self.donated,
            self.takes_floats,
        )  # a stored dtype is a copy

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def scalars(self) -> tuple[type, ...]:
        """The types of objects that stand for a 0-d array, exactly these."""
        if self.shape or self.donated:
            return ()
        own = self.dtype.type
        converts = self.dtype.char in "fd"  # float16 is converted by a function from elsewhere
        return (own, float) if self.takes_floats and converts else (own,)


@dataclass(frozen=True)
class Result:
    """An array that the kernel writes: a new one, or argument number `donor`, written over.

    A new one without dimensions is handed back as a NumPy scalar.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    donor: int | None = None

    def __post_init__(self) -> None:
        _normalise(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Result, (self.dtype.type, self.shape, self.donor)

    @property
    def is_scalar(self) -> bool:
        return self.donor is None and not self.shape


def _normalise(described: Argument | Result) -> None:
    """Set the dtype to NumPy's own object, which lives for ever, and the shape to a tuple of numbers."""
    dtype = np.dtype(described.dtype)
    if dtype.kind not in "biufc" or not dtype.isnative:
        raise ValueError(f"no native code for arrays of {dtype}")
    object.__setattr__(described, "dtype", np.dtype(dtype.type))
    object.__setattr__(described, "shape", tuple(int(n) for n in described.shape))


@dataclass(frozen=True)
class Signature:
    """What a kernel takes, returns and needs, and how Python sees it."""

    arguments: tuple[Argument, ...]
    results: tuple[Result, ...]
    arena_bytes: int = 0
    """Size of the temporary memory, whose address is the kernel's last argument."""
    release_gil: bool = False
    """Let other threads run meanwhile; it costs some 50 ns, so only for work of several µs."""
    may_stop: bool = False
    """Whether the kernel may return 1, and then nothing counts: the fallback says what is wrong. Where it
    returns 2, there was no memory.
    """
    inputs: tuple[Tree, ...] | None = None
    """One tree for each argument of the callable; None: each is an array."""
    output: Tree | None = None
    """What is returned; None: a tuple, or a single result alone, or None where there are none."""
    read: tuple[tuple[Any, str, Any], ...] = field(default=(), compare=False)
    """What has to hold besides the arguments: a dict with a key, or a cell, and the object that is there, or
    `ABSENT`."""

    def __post_init__(self) -> None:
        if self.inputs is None:
            inputs = tuple(("leaf", i) for i in range(len(self.arguments)))
            object.__setattr__(self, "inputs", inputs)
        if self.output is None:
            object.__setattr__(self, "output", self._plain_output())
        _once(self.inputs or (), len(self.arguments), "argument")
        _once((self.output,), len(self.results), "result")
        taken = [r.donor for r in self.results if r.donor is not None]
        donated = [i for i, a in enumerate(self.arguments) if a.donated]
        if sorted(taken) != donated:
            raise ValueError(f"arguments {donated} are donated, but {sorted(taken)} are taken")
        for r in self.results:
            if r.donor is not None:
                given = self.arguments[r.donor]
                if (given.dtype, given.shape) != (r.dtype, r.shape):
                    raise ValueError(f"{given} cannot become {r}")

    def _plain_output(self) -> Tree:
        leaves = tuple(("leaf", i) for i in range(len(self.results)))
        if not leaves:
            return ("constant", None)
        return leaves[0] if len(leaves) == 1 else ("tuple", leaves)


def _once(trees: Sequence[Any], count: int, what: str) -> None:
    found = sorted(i for tree in trees for i in _leaves(tree))
    if found != list(range(count)):
        raise ValueError(f"each {what} belongs into the trees once, not {found}")


def _leaves(tree: Tree) -> Iterator[int]:
    if tree[0] == "leaf":
        yield tree[1]
    elif tree[0] != "constant":
        for child in tree[-1]:
            yield from _leaves(child)
