"""Layouts of many graphs: in order, without overlap, the same each time."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from clearprop.draw.layout import Box, Edge, Layout, arrange


def random_graph(seed: int, count: int) -> tuple[list[Box], list[Edge]]:
    rng = random.Random(seed)
    boxes = [Box(rng.uniform(30, 120), rng.uniform(36, 92)) for _ in range(count)]
    edges = [
        Edge(source, target, rng.uniform(-10, 10))
        for target in range(3, count)
        for source in rng.sample(range(max(0, target - 12), target), rng.randint(1, 2))
    ]
    return boxes, edges


GRAPHS = {
    "product": ([Box(60, 46)] * 5, [Edge(0, 3), Edge(1, 3), Edge(3, 4), Edge(2, 4)]),
    "fork": ([Box(60, 46)] * 4, [Edge(0, 1), Edge(0, 2), Edge(0, 3)]),
    "diamond": ([Box(60, 46)] * 4, [Edge(0, 1), Edge(0, 2), Edge(1, 3), Edge(2, 3)]),
    "skip": ([Box(60, 46)] * 5, [Edge(0, 1), Edge(1, 2), Edge(2, 3), Edge(3, 4), Edge(0, 4)]),
    "twice": ([Box(60, 46)] * 2, [Edge(0, 1), Edge(0, 1)]),
    "lonely": ([Box(60, 46)] * 3, [Edge(0, 2)]),
    **{f"random {seed}": random_graph(seed, 40) for seed in range(6)},
}


@pytest.fixture(params=GRAPHS)
def graph(request: pytest.FixtureRequest) -> tuple[list[Box], list[Edge], Layout]:
    boxes, edges = GRAPHS[request.param]
    return boxes, edges, arrange(boxes, edges)


def test_boxes_do_not_overlap(graph: tuple[list[Box], list[Edge], Layout]) -> None:
    boxes, _, layout = graph
    for (a, (ax, ay)), (b, (bx, by)) in itertools.combinations(
        zip(boxes, layout.places, strict=True), 2
    ):
        beside = ax + a.width <= bx + 1e-6 or bx + b.width <= ax + 1e-6
        apart = abs(ay - by) >= (a.height + b.height) / 2 - 1e-6
        assert beside or apart


def test_lines_run_from_left_to_right_and_end_at_their_boxes(
    graph: tuple[list[Box], list[Edge], Layout],
) -> None:
    boxes, edges, layout = graph
    for edge, route in zip(edges, layout.routes, strict=True):
        (source_x, source_y), (target_x, target_y) = (
            layout.places[edge.source],
            layout.places[edge.target],
        )
        assert route[0] == pytest.approx(
            (source_x + boxes[edge.source].width, source_y + edge.leave)
        )
        assert route[-1] == pytest.approx((target_x, target_y + edge.enter))
        assert all(b[0] >= a[0] for a, b in itertools.pairwise(route))


def test_level_lines_pass_no_box(graph: tuple[list[Box], list[Edge], Layout]) -> None:
    boxes, edges, layout = graph
    for edge, route in zip(edges, layout.routes, strict=True):
        for (x0, y0), (x1, y1) in itertools.pairwise(route):
            if y0 != y1:
                continue
            for v, (box, (x, y)) in enumerate(zip(boxes, layout.places, strict=True)):
                if v in (edge.source, edge.target):
                    continue
                inside = x < x1 - 1e-6 and x0 < x + box.width - 1e-6
                assert not (inside and abs(y - y0) < box.height / 2 - 1e-6)


def test_everything_fits_into_the_size(graph: tuple[list[Box], list[Edge], Layout]) -> None:
    boxes, _, layout = graph
    for box, (x, y) in zip(boxes, layout.places, strict=True):
        assert x >= 0
        assert x + box.width <= layout.width + 1e-6
        assert y - box.height / 2 >= -1e-6
        assert y + box.height / 2 <= layout.height + 1e-6


def test_the_same_graph_gives_the_same_layout(graph: tuple[list[Box], list[Edge], Layout]) -> None:
    boxes, edges, layout = graph
    assert arrange(boxes, edges) == layout


def test_no_lines_cross_where_they_need_not() -> None:
    # x forks to a long way round and to a short one: the two must not change sides.
    boxes = [Box(60, 46)] * 8
    edges = [(0, 1), (0, 2), (2, 3), (3, 4), (5, 6), (4, 6), (6, 7), (1, 7)]
    layout = arrange(boxes, [Edge(*pair) for pair in edges])
    lanes = dict(zip(edges, layout.routes, strict=True))
    around, short = lanes[1, 7], lanes[4, 6]
    above = [y < short[-1][1] for x, y in around if short[0][0] <= x <= short[-1][0]]
    assert len(set(above)) <= 1


def test_empty() -> None:
    assert arrange([], []) == Layout([], [], 0.0, 0.0)


def test_a_long_chain_needs_no_recursion() -> None:
    count = 10_000
    layout = arrange([Box(10, 10)] * count, [Edge(i, i + 1) for i in range(count - 1)])
    assert len({y for _, y in layout.places}) == 1


def test_five_hundred_gates_take_under_two_seconds() -> None:
    boxes, edges = random_graph(0, 500)
    start = time.process_time()
    arrange(boxes, edges)
    assert time.process_time() - start < 2  # twenty times what it takes, for slow machines
