"""A nest in parts that threads can take: ranges of one of its axes."""

from __future__ import annotations

from dataclasses import dataclass

from .llvm_ir import Builder, Value


@dataclass(frozen=True)
class Part:
    """Part number `number` (in a register) of `count`, along an axis."""

    axis: int
    number: Value
    count: int

    def bounds(self, b: Builder, extent: int, step: int) -> tuple[Value, Value]:
        """Return the first entry of this part and the one after its last, of `extent` entries that go
        together by `step`; never empty if `parts_of` chose the count.
        """
        size = -(-(extent // step) // self.count) * step
        start = self.number * size
        stop = start + size
        return start, b.select(b.compare("<", stop, extent), stop, extent)

    def is_last(self, b: Builder) -> Value:
        return b.compare("==", self.number, self.count - 1)


def parts_of(steps: int, most: int) -> int:
    """Return in how many parts, at most `most`, so many steps of a loop fall without an empty one."""
    if steps < 2 or most < 2:
        return 1
    size = -(-steps // most)
    return -(-steps // size)
