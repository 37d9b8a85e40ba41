"""Places in memory that are taken in some steps and free in others, and the first that fits."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class Ranges:
    """A set of numbers, as ranges in order that do not touch."""

    __slots__ = ("starts", "stops")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.stops: list[int] = []

    def add(self, start: int, stop: int) -> None:
        """Add the numbers from `start` up to `stop`."""
        first, last = bisect_left(self.stops, start), bisect_right(self.starts, stop)
        if first < last:
            start = min(start, self.starts[first])
            stop = max(stop, self.stops[last - 1])
        self.starts[first:last] = [start]
        self.stops[first:last] = [stop]


class Shelf:
    """Memory over so many steps.

    A tree over the steps: each node stands for a run of them, its two children for the halves. A life is
    noted at the few nodes that it is made of. So asking and noting take the logarithm of the number of steps,
    and what lies side by side is one range, however many pieces it is of.

    >>> shelf = Shelf(3)
    >>> shelf.put(0, 1, 64), shelf.put(1, 2, 64), shelf.put(2, 2, 32)
    (0, 64, 0)
    """

    def __init__(self, steps: int) -> None:
        self._leaves = 1 << max(steps - 1, 0).bit_length()
        self._throughout: dict[int, Ranges] = {}
        """By node: what is taken in all of its steps, where that is noted here."""
        self._ever: dict[int, Ranges] = {}
        """By node: what is taken in any of its steps, where that is noted here or below."""

    def put(self, first: int, last: int, size: int) -> int:
        """Take `size` bytes from step `first` to step `last`, at the lowest place; return that."""
        nodes = list(self._nodes(first, last))
        place = self._free(first, last, nodes, size)
        above: set[int] = set()
        for node in nodes:
            _note(self._throughout, node, place, place + size)
            while node and node not in above:
                above.add(node)
                node >>= 1
        for node in above:
            _note(self._ever, node, place, place + size)
        return place

    def _free(self, first: int, last: int, nodes: list[int], size: int) -> int:
        taken: list[tuple[int, int]] = []
        for known, asked in ((self._ever, nodes), (self._throughout, self._above(first, last))):
            for node in asked:
                if (ranges := known.get(node)) is not None:
                    taken += zip(ranges.starts, ranges.stops, strict=True)
        place = 0
        for start, stop in sorted(taken):
            if place + size <= start:
                break
            place = max(place, stop)
        return place

    def _nodes(self, first: int, last: int) -> Iterator[int]:
        """Yield the nodes whose steps are together those from `first` to `last`."""
        low, high = first + self._leaves, last + self._leaves + 1
        while low < high:
            if low & 1:
                yield low
                low += 1
            if high & 1:
                high -= 1
                yield high
            low, high = low >> 1, high >> 1

    def _above(self, first: int, last: int) -> set[int]:
        """Return the nodes that step `first` or step `last` belongs to."""
        found: set[int] = set()
        for node in (first + self._leaves, last + self._leaves):
            while node:
                found.add(node)
                node >>= 1
        return found


def _note(known: dict[int, Ranges], node: int, start: int, stop: int) -> None:
    ranges = known.get(node)
    if ranges is None:
        ranges = known[node] = Ranges()
    ranges.add(start, stop)
