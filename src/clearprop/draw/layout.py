"""Where boxes and lines go: a layered layout, left to right, of any directed acyclic graph.

The four steps of Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system
structures, IEEE Trans. SMC 11, 1981: give each box a layer; run long lines through a place of their
own in every layer that they cross; order each layer so that few lines cross; choose heights that
keep lines straight. Nothing is random and nothing recursive.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

COLUMN_GAP = 34.0
ROW_GAP = 14.0
_LANE = 10.0
"""Height of the place that a long line takes in a layer."""
_SWEEPS = 12

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle to place."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from the right side of one box to the left side of another.

    `leave` and `enter` are heights relative to the boxes' middles.
    """

    source: int
    target: int
    leave: float = 0.0
    enter: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """The answer: each box's left end and middle, each edge's corners, and the size of it all."""

    places: list[Point]
    routes: list[list[Point]]
    width: float
    height: float


def arrange(boxes: Sequence[Box], edges: Sequence[Edge]) -> Layout:
    """Place boxes, which come in topological order, so that every edge runs from left to right.

    >>> layout = arrange([Box(10, 10), Box(10, 10)], [Edge(0, 1)])
    >>> layout.places, layout.routes
    ([(0.0, 5.0), (44.0, 5.0)], [[(10.0, 5.0), (44.0, 5.0)]])
    """
    if not boxes:
        return Layout([], [], 0.0, 0.0)
    work = _Arrangement(boxes, edges)
    work.order_layers()
    heights = work.choose_heights()
    return work.finish(heights)


class _Arrangement:
    def __init__(self, boxes: Sequence[Box], edges: Sequence[Edge]) -> None:
        self.boxes = list(boxes)
        self.edges = list(edges)
        self.rank = _ranks(len(boxes), edges)
        self.chains = self._run_through_layers()
        self.layers: list[list[int]] = [[] for _ in range(max(self.rank) + 1)]
        for v, rank in enumerate(self.rank):
            self.layers[rank].append(v)
        self.before: list[list[int]] = [[] for _ in self.boxes]
        self.after: list[list[int]] = [[] for _ in self.boxes]
        for chain in self.chains:
            for a, b in pairwise(chain):
                self.after[a].append(b)
                self.before[b].append(a)

    def _run_through_layers(self) -> list[list[int]]:
        """Return, for each edge, the boxes it visits: source, a lane in each layer between, target."""
        chains = []
        for edge in self.edges:
            chain = [edge.source]
            for rank in range(self.rank[edge.source] + 1, self.rank[edge.target]):
                chain.append(len(self.boxes))
                self.boxes.append(Box(0.0, _LANE))
                self.rank.append(rank)
            chains.append([*chain, edge.target])
        return chains

    # ---- order

    def order_layers(self) -> None:
        """Sort each layer by the mean position of its neighbours, to and fro; keep the best order."""
        best, fewest = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(_SWEEPS):
            if fewest == 0:
                break
            forth = sweep % 2 == 0
            neighbours = self.before if forth else self.after
            count = len(self.layers)
            for i in range(1, count) if forth else range(count - 2, -1, -1):
                beside = self.layers[i - 1 if forth else i + 1]
                position = {v: place for place, v in enumerate(beside)}
                self.layers[i] = _sorted_by_mean(
                    self.layers[i], neighbours, position, flip=sweep // 2 % 2 == 1
                )
            self._swap_neighbours()
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _swap_neighbours(self) -> None:
        """Exchange two boxes that stand next to each other wherever fewer lines cross then."""
        place = [0] * len(self.boxes)
        for layer in self.layers:
            for position, v in enumerate(layer):
                place[v] = position
        for layer in self.layers:
            for i in range(len(layer) - 1):
                a, b = layer[i], layer[i + 1]
                now = later = 0
                for beside in (self.before, self.after):
                    for p in beside[a]:
                        for q in beside[b]:
                            now += place[p] > place[q]
                            later += place[q] > place[p]
                if later < now:
                    layer[i], layer[i + 1] = b, a
                    place[a], place[b] = i + 1, i

    def _crossings(self) -> int:
        total = 0
        for left, right in pairwise(self.layers):
            position = {v: place for place, v in enumerate(right)}
            seen: list[int] = []
            for v in left:
                ends = sorted(position[w] for w in self.after[v])
                total += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return total

    # ---- heights

    def choose_heights(self) -> list[float]:
        """Return the middle of each box: near its neighbours' middles, in order, without overlap."""
        middle = [0.0] * len(self.boxes)
        for layer in self.layers:
            y = 0.0
            for v in layer:
                middle[v] = y + self.boxes[v].height / 2
                y += self.boxes[v].height + ROW_GAP
        rounds = [self.before, self.after] * _SWEEPS
        for turn, neighbours in enumerate([*rounds, self.before]):
            layers = self.layers if turn % 2 == 0 else self.layers[::-1]
            for layer in layers:
                wished = [
                    sum(middle[w] for w in neighbours[v]) / len(neighbours[v])
                    if neighbours[v]
                    else middle[v]
                    for v in layer
                ]
                weights = [
                    (4.0 if self.boxes[v].width == 0 else 1.0) if neighbours[v] else 0.05
                    for v in layer
                ]
                heights = [self.boxes[v].height for v in layer]
                for v, y in zip(layer, _spread(wished, weights, heights), strict=True):
                    middle[v] = y
        top = min(middle[v] - box.height / 2 for v, box in enumerate(self.boxes))
        return [y - top for y in middle]

    # ---- the answer

    def finish(self, middle: list[float]) -> Layout:
        widths = [max(self.boxes[v].width for v in layer) for layer in self.layers]
        lefts, x = [], 0.0
        for width in widths:
            lefts.append(x)
            x += width + COLUMN_GAP
        routes = []
        for edge, chain in zip(self.edges, self.chains, strict=True):
            y = middle[edge.source] + edge.leave
            start = lefts[self.rank[edge.source]] + self.boxes[edge.source].width
            corners = [
                (start, y),
                (lefts[self.rank[edge.source]] + widths[self.rank[edge.source]], y),
            ]
            for lane in chain[1:-1]:
                rank = self.rank[lane]
                corners += [(lefts[rank], middle[lane]), (lefts[rank] + widths[rank], middle[lane])]
            corners.append((lefts[self.rank[edge.target]], middle[edge.target] + edge.enter))
            routes.append(_without_repeats(corners))
        count = len(self.boxes) - sum(len(chain) - 2 for chain in self.chains)
        bottom = max(middle[v] + box.height / 2 for v, box in enumerate(self.boxes))
        places = [(lefts[self.rank[v]], middle[v]) for v in range(count)]
        return Layout(places, routes, x - COLUMN_GAP, bottom)


def _ranks(count: int, edges: Sequence[Edge]) -> list[int]:
    """Return the layer of each box: one right of its rightmost source, and sources close to their users."""
    rank = [0] * count
    has_source = [False] * count
    for edge in sorted(edges, key=lambda e: e.target):
        rank[edge.target] = max(rank[edge.target], rank[edge.source] + 1)
        has_source[edge.target] = True
    nearest: dict[int, int] = {}
    for edge in edges:
        near = rank[edge.target] - 1
        nearest[edge.source] = min(nearest.get(edge.source, near), near)
    return [rank[v] if has_source[v] else nearest.get(v, 0) for v in range(count)]


def _sorted_by_mean(
    layer: list[int], neighbours: list[list[int]], position: dict[int, int], *, flip: bool
) -> list[int]:
    """Sort boxes by the means of their neighbours; those without neighbours keep their place.

    Equal means keep their order, or exchange it with `flip`: one of the two leads out of a dead end.
    """
    means = {
        v: sum(position[w] for w in neighbours[v]) / len(neighbours[v])
        for v in layer
        if neighbours[v]
    }
    turns = iter(sorted(reversed(means) if flip else means, key=means.__getitem__))
    return [next(turns) if v in means else v for v in layer]


def _spread(wished: list[float], weights: list[float], heights: list[float]) -> list[float]:
    """Return the middles nearest to the wished ones (least squares) that keep order and distance.

    With the distances taken off, middles only have to ascend: pool neighbours that do not into
    groups at their weighted mean (the pool-adjacent-violators algorithm).
    """
    offsets, offset = [], 0.0
    for i, height in enumerate(heights):
        if i:
            offset += (heights[i - 1] + height) / 2 + ROW_GAP
        offsets.append(offset)
    groups: list[tuple[float, float, int]] = []  # mean, weight, members
    for wish, weight, offset in zip(wished, weights, offsets, strict=True):
        mean, members = wish - offset, 1
        while groups and groups[-1][0] > mean:
            last, last_weight, last_members = groups.pop()
            mean = (mean * weight + last * last_weight) / (weight + last_weight)
            weight += last_weight
            members += last_members
        groups.append((mean, weight, members))
    level = [mean for mean, _, members in groups for _ in range(members)]
    return [base + offset for base, offset in zip(level, offsets, strict=True)]


def _without_repeats(corners: list[Point]) -> list[Point]:
    return [p for i, p in enumerate(corners) if i == 0 or p != corners[i - 1]]
