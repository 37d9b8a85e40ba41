"""Where the entries of a value lie in memory. NumPy itself says what its views do to that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.graph import Node, Wire


def dense(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return strides, in entries, of an array without gaps; 0 along axes of one entry.

    >>> dense((3, 1, 4))
    (4, 0, 1)
    """
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step if n != 1 else 0)
        step *= n
    return tuple(reversed(strides))


@dataclass(frozen=True, slots=True)
class View:
    """A value as entries of another one, `root`, which lies in memory without gaps."""

    root: Wire
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """In entries of the root; 0 along axes of one entry and stretched ones."""
    offset: int = 0
    """Of the first entry, in entries of the root."""

    @classmethod
    def whole(cls, root: Wire) -> View:
        return cls(root, root.spec.shape, dense(root.spec.shape))

    @property
    def is_whole(self) -> bool:
        """True if it is all of the root, in the root's order (axes of one entry aside)."""
        return (
            self.offset == 0
            and math.prod(self.shape) == self.root.spec.size
            and self.strides == dense(self.shape)
        )

    def broadcast(self, shape: tuple[int, ...]) -> View:
        """Return the view stretched to `shape` by NumPy's rule."""
        if shape == self.shape:
            return self
        extra = len(shape) - len(self.shape)
        strides = (0,) * extra + tuple(
            0 if n == 1 else s for n, s in zip(self.shape, self.strides, strict=True)
        )
        return View(self.root, shape, strides, self.offset)

    def through(self, node: Node) -> View | None:
        """Return the view that a node takes of this one; None where NumPy would have to copy.

        The node runs on an array whose addresses say where its entries lie; nothing is written there.
        """
        return self._through(node, np.empty(max(self.root.spec.size, 1), np.int8))

    def _through(self, node: Node, memory: Any) -> View | None:
        size, start = memory.itemsize, memory.ctypes.data
        seen = np.lib.stride_tricks.as_strided(
            memory[self.offset :],
            self.shape,
            tuple(s * size for s in self.strides),
            writeable=False,
        )
        others = [w.constant for w in node.inputs[1:]]
        out: Any = node.primitive.forward(seen, *others, **node.params)
        if not isinstance(
            out, np.ndarray
        ):  # one entry, no longer an array: its value must say where
            if memory.itemsize == 1:
                return self._through(node, np.arange(len(memory)))
            return View(self.root, (), (), int(out))
        if out.size and not start <= out.ctypes.data < start + memory.nbytes:
            return None
        strides = tuple(
            0 if n == 1 else s // size for n, s in zip(out.shape, out.strides, strict=True)
        )
        return View(
            self.root, out.shape, strides, (out.ctypes.data - start) // size if out.size else 0
        )
