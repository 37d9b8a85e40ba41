"""Nests that go along one axis together, tile by tile.

Where one nest writes a large array for the next one to read, the array goes out to memory and comes back. If
all of them treat the entries along one axis apart (many samples, say, of a small model), they can take turns
on a few entries at a time: what they hand on then never leaves the cache, and needs the memory of one tile
only. Sums along that axis become sums of what the tiles found, as in `partial_sums`. Results do not depend
on the number of threads, since the tiles do not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..engine.spec import ArraySpec
from .axes import rewrite
from .ir import (
    Access,
    Accumulate,
    Buffer,
    Gather,
    Nest,
    Position,
    Product,
    Stage,
    Store,
    Sums,
    Tiles,
    read_by,
    written_by,
)
from .partial_sums import can_split, split, total

_WORTH = 1_500_000
"""Bytes handed on, or read again, from which tiles pay: less stays in a cache anyway."""
_TILE = 768 * 1024
"""Bytes that a tile may take: most of a core's own cache."""
_FACTOR = 128 * 1024
"""Bytes of a right factor that may be laid out anew for each tile, beside at least `_ROWS` rows."""
_ROWS = 32
"""Entries that the axis has at least, and a tile with a product in it."""
_LEAST = 8
"""Entries that a tile has at least."""
_AHEAD = 40
"""How many of the stages that follow are looked at."""


def tile(stages: Sequence[Stage]) -> list[Stage]:
    """Return the same stages, some of them cut into tiles, with what adds up the tiles' sums behind them."""
    result: list[Stage] = []
    used: set[Buffer] = set()
    """By the stages in the result."""
    rest = list(stages)
    while rest:
        groups = [_Group(rest, axis, used) for axis in _axes(rest[0])]
        group = max(groups, key=lambda g: g.worth, default=None)
        if group is not None and (tiled := group.tiled()):
            done, rest = [*group.before, *tiled], group.after
        else:
            done, rest = rest[:1], rest[1:]
        result += done
        used.update(*map(_uses, done))
    return result


def _axes(stage: Stage) -> list[int]:
    """Return axes along which a group may start: of a nest that writes a large array for others."""
    if not isinstance(stage, Nest) or not any(
        a.buffer.role == "temporary" and a.buffer.bytes > _WORTH / 8 for a in stage.writes()
    ):
        return []
    return [a for a, n in enumerate(stage.extents) if n >= _ROWS and a not in stage.reduced]


class _Walk:
    """An access with a stride for each axis of its nest, and for the product's inner one behind them."""

    def __init__(self, nest: Nest, access: Access) -> None:
        strides = access.strides
        if nest.product is not None and access is nest.product.left:
            strides = (*strides[:-1], 0, strides[-1])
        elif nest.product is not None and access is nest.product.right:
            strides = (*strides[:-2], 0, strides[-1], strides[-2])
        else:
            strides = (*strides, 0)
        self.buffer, self.strides, self.offset = access.buffer, strides, access.offset
        self.extents = (*nest.extents, nest.product.inner if nest.product is not None else 1)


def _walks(nest: Nest) -> Iterator[_Walk]:
    for access in (*nest.reads(), *nest.writes()):
        yield _Walk(nest, access)


class _Group:
    """A nest, and those after it that can go along one of its axes with it.

    Entries along the axis are *apart* in a buffer if each has places of its own: they lie `stride`
    entries from each other, `extent` of them, in one or several runs.
    """

    def __init__(self, stages: Sequence[Stage], axis: int, used: set[Buffer]) -> None:
        first = stages[0]
        assert isinstance(first, Nest)
        self.extent = first.extents[axis]
        """Entries along the axis that all members share."""
        self.members: list[tuple[Nest, int, int]] = []
        """Nests, each with its axis, and how many runs of `extent` entries it goes through along that."""
        self.strides: dict[Buffer, int] = {}
        """Of what members write: from one entry along the axis to the next, in the buffer's entries."""
        self.before: list[Stage] = []
        """What does not depend on the members."""
        self.after: list[Stage] = []
        totals: set[Buffer] = set()
        self._admit(first, axis, 1, 1, totals)
        for number, stage in enumerate(stages[1:], 1):
            if number > _AHEAD or not self.members:
                self.after += stages[number:]
                break
            place = self._place(stage) if isinstance(stage, Nest) else None
            if any(map(_conflict(stage), self.after)) or _uses(stage) & totals:
                self.after.append(stage)
            elif place and isinstance(stage, Nest) and self._admit(stage, *place, totals):
                continue
            elif any(map(_conflict(stage), (nest for nest, _, _ in self.members))):
                self.after.append(stage)
            else:
                self.before.append(stage)
        outside = used.union(*map(_uses, (*self.before, *self.after)))
        self.own = {
            b: stride
            for b, stride in self.strides.items()
            if b.role == "temporary" and b not in outside
        }
        again = Counter(
            b
            for nest, axis, _ in self.members
            for b in {
                w.buffer for w in _walks(nest) if w.strides[axis] and w.buffer not in self.own
            }
        )
        self.worth = sum(b.bytes for b in self.own) + sum(
            (n - 1) * b.bytes for b, n in again.items()
        )
        """Bytes that need not go through memory."""
        self.bytes = sum(b.bytes for b in (*self.own, *again))
        """Of everything that tiles are a part of."""

    # ---- who may go along

    def _place(self, nest: Nest) -> tuple[int, int, int] | None:
        """Return where a nest has the axis: which of its axes (the product's inner one comes after the last),
        how many positions along it belong to an entry, and how many runs there are.
        """
        for walk in _walks(nest):
            wanted = self.strides.get(walk.buffer)
            if wanted is None:
                continue
            for axis, (stride, extent) in enumerate(zip(walk.strides, walk.extents, strict=True)):
                if stride <= 0 or wanted % stride:
                    continue
                places = wanted // stride
                runs, left = divmod(extent, places * self.extent)
                if runs and not left:
                    return axis, places, runs
        return None

    def _admit(self, nest: Nest, axis: int, places: int, runs: int, totals: set[Buffer]) -> bool:
        """Take a nest in if its entries along the axis can be computed apart; say whether it was.

        `places` and `runs` are those of `_place`; buffers that it adds up into go to `totals`.
        """
        if any(isinstance(e, Position) and e.axis == axis for e in nest.expressions()):
            return False
        if any(
            isinstance(e, Gather) and e.access.buffer in self.strides for e in nest.expressions()
        ):
            return False
        inner = len(nest.extents)
        if runs > 1 and axis in (*nest.reduced, inner):
            return False
        if nest.product is not None and not _suits(nest, axis, places):
            return False
        for walk in _walks(nest):
            wanted = self.strides.get(walk.buffer)
            if wanted is not None and not self._apart(walk, axis, places, wanted):
                return False
        found: dict[Buffer, int] = {}
        for walk in (_Walk(nest, a) for a in nest.writes()):
            stride = walk.strides[axis] * places
            if walk.buffer in self.strides or stride < 0:
                return False
            if stride and not self._apart(walk, axis, places, stride):
                return False
            if found.setdefault(walk.buffer, stride) != stride:
                return False
        for effect in nest.effects:
            stands = not found[effect.access.buffer]
            if isinstance(effect, Accumulate) and (effect.indices or runs > 1):
                return False
            if isinstance(effect, Store) and stands and axis not in (*nest.reduced, inner):
                return False
        if any(not found[a.buffer] for a in nest.kept.values()):
            return False
        totals |= {b for b, stride in found.items() if not stride}
        self.strides |= {b: stride for b, stride in found.items() if stride}
        self.members.append((nest, axis, runs))
        return True

    def _apart(self, walk: _Walk, axis: int, places: int, stride: int) -> bool:
        """Return whether what an access goes to for one entry along the axis lies apart from that for the
        next, `stride` of the buffer's entries further on.
        """
        if walk.strides[axis] * places != stride:
            return False
        run = stride * self.extent
        inside = walk.offset % run + walk.strides[axis] * (places - 1)
        for other, (step, extent) in enumerate(zip(walk.strides, walk.extents, strict=True)):
            if other != axis and extent > 1 and step % run:
                if step < 0:
                    return False
                inside += step * (extent - 1)
        return inside < stride

    # ---- what becomes of them

    def tiled(self) -> list[Stage]:
        """Return the members in tiles, and what follows from them; empty if that does not pay."""
        count = self._count()
        if self.worth < _WORTH or len(self.members) < 2 or not count:
            return []
        if not all(nest.product or can_split(nest, axis, count) for nest, axis, _ in self.members):
            return []
        if any(self.extent // count < _ROWS for nest, _, _ in self.members if nest.product):
            return []
        nests: list[Nest] = []
        sums: list[Stage] = []
        for nest, axis, runs in self.members:
            cut = _split_product if nest.product is not None else split
            if runs > 1:
                (nest,) = cut(nest, axis, runs)  # type: ignore[assignment]
                axis += 1
            first, *rest = cut(nest, axis, count)
            assert isinstance(first, Nest)
            nests.append(first)
            sums += rest
        tiles = Tiles(count)
        small = {b: Buffer(b.name, ArraySpec((b.size // count,), b.dtype)) for b in self.own}
        tiles.own |= set(small.values())

        def access(old: Access) -> Access:
            if old.buffer not in small:
                return old
            run = self.own[old.buffer] * self.extent
            strides = [s // count if s % run == 0 else s for s in old.strides]
            strides[0] = 0
            offset = old.offset // run * (run // count) + old.offset % run
            return Access(small[old.buffer], tuple(strides), offset)

        for nest in nests:
            new, nest.effects = rewrite(nest, nest.reduced, access, lambda a: a, lambda a: a)
            nest.kept = {new[e]: access(a) for e, a in nest.kept.items()}
            if nest.product is not None:
                left, right = access(nest.product.left), access(nest.product.right)
                nest.product = replace(nest.product, left=left, right=right)
            nest.tiles = tiles
        return [*nests, *sums]

    def _count(self) -> int:
        """Return how many tiles: of those that divide the axis, what fits the cache and fills vectors
        best.
        """
        most = _TILE * self.extent // max(self.bytes, 1)
        sizes = [n for n in range(_LEAST, min(most, self.extent // 4) + 1) if self.extent % n == 0]

        def score(n: int) -> float:
            return n / (-(-n // 16) * 16) * n / (n + 8)

        return self.extent // max(sizes, key=score) if sizes else 0


def _suits(nest: Nest, axis: int, places: int) -> bool:
    """Return whether a product can be cut along an axis."""
    p, inner = nest.product, len(nest.extents)
    assert p is not None
    columns = nest.extents[-1]
    if axis < inner:
        return axis != inner - 1 and p.inner * columns * p.dtype.itemsize <= _FACTOR
    (effect, *others) = nest.effects
    return (
        not others
        and places == 1
        and isinstance(effect, Store)
        and isinstance(effect.value, Sums)
        and effect.access.buffer.size == math.prod(nest.extents)
    )


def _split_product(nest: Nest, axis: int, count: int) -> list[Stage]:
    """Return `count` parts of an axis as a new first one; of the inner axis (the number after the last),
    products of parts and their sum.
    """
    p, inner = nest.product, len(nest.extents)
    assert p is not None
    size = (*nest.extents, p.inner)[axis] // count
    extents = [size if a == axis else n for a, n in enumerate(nest.extents)]

    def factor(old: Access) -> Access:
        return replace(old, strides=(_Walk(nest, old).strides[axis] * size, *old.strides))

    def access(old: Access) -> Access:
        return replace(old, strides=((*old.strides, 0)[axis] * size, *old.strides))

    def axes(old: frozenset[int]) -> frozenset[int]:
        return frozenset(a + 1 for a in old) | ({0} if axis in old else frozenset())

    _, effects = rewrite(nest, nest.reduced, access, axes, lambda a: a + 1)
    first = Nest((count, *extents), nest.reduced, effects, lanes=inner, covers=nest.covers)
    first.product = Product(
        factor(p.left), factor(p.right), size if axis == inner else p.inner, p.dtype
    )
    if axis < inner:
        return [first]
    (effect,) = nest.effects
    whole = effect.access.buffer
    parts = Buffer(f"{whole.name}_parts", ArraySpec((count, whole.size), whole.dtype))
    sums = Sums(effect.value.dtype, frozenset(range(inner + 1)))
    place = Access(parts, (whole.size, *effect.access.strides), effect.access.offset)
    first.effects = [Store(sums, place)]
    return [first, total("add", parts, whole)]


# ---- which stages meet


def _uses(stage: Stage) -> set[Buffer]:
    return read_by(stage) | written_by(stage)


def _conflict(stage: Stage) -> Callable[[Stage], bool]:
    """Return the question whether another stage has to keep its place before or after this one."""
    reads, writes = read_by(stage), written_by(stage)
    return lambda other: bool(writes & _uses(other) or reads & written_by(other))
