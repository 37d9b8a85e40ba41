"""What counts as the same arguments: code made for one call must not answer another."""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import gc
import itertools
import os
import subprocess
import sys
import threading
import warnings
from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.transforms.trees import same, structure

X = np.array([1.0, 2.0])


class Named:
    """A key that is equal to those of its name, and prints like all others."""

    def __init__(self, name: Any) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "Named"

    def __lt__(self, other: Named) -> bool:
        return bool(self.name < other.name)

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self.name == other.name


@dataclasses.dataclass(repr=False)
class Pair:
    first: Any
    second: Any

    def __repr__(self) -> str:
        return "Pair"


class Layer:
    """Registered by its author, without a ``__repr__``."""

    def __init__(self, w: Any, note: Any) -> None:
        self.w, self.note = w, note


class Agreeable:
    """Equal to everything, in which it is wrong."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return True


Point = namedtuple("Point", "x y")
Spot = namedtuple("Spot", "x y")


class Color(enum.IntEnum):
    RED = 1
    BLUE = 2


@pytest.fixture(scope="module", autouse=True)
def registered() -> None:
    optree = pytest.importorskip("optree")
    optree.register_pytree_node(
        Layer, lambda x: ([x.w], x.note), lambda note, w: Layer(w[0], note), namespace="clearprop"
    )


def kinds_of(x: Any) -> str:
    """Types and values all the way down, by a walk of its own."""
    if isinstance(x, dict):
        return f"{type(x)}{[(kinds_of(k), kinds_of(v)) for k, v in x.items()]}"
    if isinstance(x, tuple | list | deque):
        return f"{type(x)}{[kinds_of(item) for item in x]}{getattr(x, 'maxlen', '')}"
    if isinstance(x, Pair):
        return f"Pair{kinds_of(x.first)}{kinds_of(x.second)}"
    if isinstance(x, Layer):
        return f"Layer{kinds_of(x.note)}"
    return f"{type(x)}{x.name if isinstance(x, Named) else x!r}" if x is not X else "array"


TREES: list[Any] = [
    [X, [X]],
    [[X, X]],
    [X, (X,)],
    (X, [X]),
    [X, None, [X]],
    [X, [X], None],
    {"a": X, "b": X},
    {"b": X, "a": X},
    OrderedDict(a=X, b=X),
    OrderedDict(b=X, a=X),
    defaultdict(list, a=X, b=X),
    defaultdict(dict, a=X, b=X),
    defaultdict(list, b=X, a=X),
    deque([X, X]),
    deque([X, X], maxlen=2),
    Point(X, X),
    Spot(X, X),
    Pair(X, X),
    Pair(X, [X]),
    Pair([X], X),
    {1: X, 2: X},
    {True: X, 2: X},
    {1.0: X, 2: X},
    {Color.RED: X, 2: X},
    {"1": X, "2": X},
    {Named(1): X},
    {Named(2): X},
    {(1, 2): X},
    {(True, 2): X},
    {frozenset([1]): X},
    {0.0: X},
    {-0.0: X},
    *(
        Layer(X, note)
        for note in (
            1,
            True,
            1.0,
            "1",
            b"1",
            [1],
            [True],
            (1,),
            {"k": 1},
            {"k": 2},
            None,
            0.0,
            -0.0,
        )
    ),
    Layer(X, Named("a")),
    Layer(X, Named("b")),
]


def test_containers_are_told_apart_whatever_they_print() -> None:
    seen: list[str] = []

    compiled = clearprop.compile(lambda tree: (seen.append(kinds_of(tree)), X + 0.0)[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            for tree in TREES:
                compiled(tree)
    assert len(seen) == len(TREES)


def test_structure_is_equal_only_to_itself() -> None:
    for (i, one), (k, other) in itertools.product(enumerate(TREES), repeat=2):
        assert (structure(one) == structure(other)) is (i == k), (one, other)


NAN = float("nan")
CONSTANTS: list[Any] = [
    *(
        1,
        True,
        2,
        "1",
        b"1",
        "a",
        b"a",
        None,
        ...,
        Color.RED,
        Color.BLUE,
        range(3),
        range(4),
        2**70,
    ),
    *(
        int,
        float,
        np.sin,
        np.cos,
        len,
        Agreeable(2.0),
        Agreeable(3.0),
        bytearray(b"x"),
        bytearray(b"y"),
    ),
    *(object(), object(), slice(1, 2), slice(1, 3), frozenset([1]), frozenset([True]), {1}, {2}),
]


def test_constants_are_told_apart_by_type_and_value() -> None:
    seen: list[Any] = []
    compiled = clearprop.compile(lambda x, c: (seen.append(c), x + 0.0)[1])
    for _ in range(2):
        for constant in CONSTANTS:
            compiled(X, constant)
    assert [*map(id, seen)] == [*map(id, CONSTANTS)]


def test_an_object_stands_for_itself() -> None:
    f = clearprop.compile(lambda x, c: x * c.factor)
    assert f(X, Agreeable(2.0)).tolist() == [2.0, 4.0]
    assert f(X, Agreeable(3.0)).tolist() == [3.0, 6.0]


def test_objects_that_are_compared_by_identity_live_as_long() -> None:
    """Otherwise the next one could come to lie where the last one was."""

    class Scale:
        __hash__ = None  # type: ignore[assignment]

        def __init__(self, by: float) -> None:
            self.by = by

    f = clearprop.compile(lambda x, c: x * c.by)
    for k in range(40):
        assert f(X, Scale(float(k))).tolist() == [k, 2 * k]


def test_equal_constants_share_their_code() -> None:
    traced = []

    class Model:
        def twice(self, x: Any) -> Any:
            return x * 2

    model = Model()

    def f(x: Any, *constants: Any) -> Any:
        traced.append(constants)
        return x + 1.0

    compiled = clearprop.compile(f)
    for _ in range(3):
        big, text = int("1" + "0" * 30), "".join(["te", "xt"])
        got = compiled(
            X, big, text, Layer(X, [1.5, {"k": (big, NAN)}]), {Named(text): X}, model.twice
        )
        assert got.tolist() == [2.0, 3.0]
    assert len(traced) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (NAN, -NAN),
        (1 + 0j, complex(1, -0.0)),
        (np.float32(1), np.float64(1)),
        (np.int64(1), 1),
        (np.array([1, 2]), np.array([1, 3])),
        (np.array([1, 2]), np.array([1, 2], "i4")),
        (np.zeros((1, 2)), np.zeros((2, 1))),
        (Pair(1, 2), Pair(True, 2)),
        ([Pair(1, 2)], [Pair(1.0, 2)]),
        (Point(1, 2), Spot(1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (slice(0, 1), slice(False, 1)),
    ],
)
def test_same_is_strict(one: Any, other: Any) -> None:
    assert same(one) == same(one)
    assert hash(same(one)) == hash(same(one))
    assert same(one) != same(other)


def test_same_of_copies() -> None:
    for x in (
        NAN,
        1j,
        np.array([1.0, NAN]),
        [1, (2.5, "a")],
        {"k": [None]},
        slice(1, None),
        np.float32(3),
    ):
        assert same(x) == same(copy.deepcopy(x))


# ---- donated by place


def test_an_array_passed_twice_is_given_away_once() -> None:
    f = clearprop.compile(lambda params, data: (params + 1.0, data * 2.0), donate="params")
    z = np.zeros(4)
    f(z, z)
    data = np.full(4, 5.0)
    for _ in range(3):
        f(np.ones(4), data)
        f(params=np.ones(4), data=data)
    assert data.tolist() == [5.0] * 4


@pytest.mark.parametrize("names", ["kept", "given", ["given", "more"]])
def test_places_in_containers(names: Any) -> None:
    def f(given: Any, kept: Any, *more: Any) -> Any:
        return [given["a"] + 1.0, given["b"][0] + 1.0, kept["a"] + 1.0, *[m + 1.0 for m in more]]

    compiled = clearprop.compile(f, donate=names)
    shared = np.zeros(3)
    compiled({"a": shared, "b": [shared]}, {"a": shared}, shared)  # one object everywhere
    arrays = [np.full(3, 10.0 * k) for k in range(4)]
    a, b, c, d = arrays
    compiled({"a": a, "b": [b]}, {"a": c}, d)
    changed = [bool(x[0] != 10 * k) for k, x in enumerate(arrays)]
    wanted = [names] if isinstance(names, str) else names
    places = {"given": [0, 1], "kept": [2], "more": [3]}
    assert changed == [k in [p for name in wanted for p in places[name]] for k in range(4)]


def test_donated_by_keyword_in_another_order() -> None:
    f = clearprop.compile(lambda x, y: (x + 1.0, y + 1.0), donate="y")
    z = np.zeros(3)
    f(y=z, x=z)
    x, y = np.ones(3), np.ones(3)
    results = f(y=y, x=x)
    assert x.tolist() == [1.0] * 3
    assert [r.tolist() for r in results] == [[2.0] * 3] * 2


# ---- arguments that change meanwhile


def test_a_list_that_its_key_changes() -> None:
    """A key's ``==`` is the user's: it may drop an array that was found already."""

    wanted: list[Any] = [None]

    class Key(Named):
        def __hash__(self) -> int:
            return hash(self.name)

        def __eq__(self, other: object) -> bool:
            drop, wanted[0] = wanted[0], None
            if drop is not None:
                drop()
            return super().__eq__(other)

    f = clearprop.compile(lambda items, d: items[0] + d[Key(1)] + d[Key(2)])
    f([np.ones(300)], {Key(1): np.ones(300), Key(2): np.ones(300)})
    d = {Key(1): np.full(300, 1.0), Key(2): np.full(300, 2.0)}
    items = [np.full(300, 4.0)]
    rubbish = []

    def drop() -> None:
        items[0] = np.full(7, 8.0)  # of another shape, too
        rubbish.extend(np.full(300, 777.0) for _ in range(20))

    for _ in range(20):
        wanted[0] = drop
        assert set(f(items, d)) <= {7.0, 11.0}
        items[0] = np.full(300, 4.0)


def test_lists_that_other_threads_change() -> None:
    f = clearprop.compile(lambda items, scale: items[0] + items[1] * scale)
    items = [np.ones(1000), np.ones(1000)]
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            items[0], items[1] = np.ones(1000), np.ones(1000)
            gc.collect(0)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(2000):
            assert (f(items, 2.0) == 3.0).all()
            assert (f(items=items, scale=2.0) == 3.0).all()
    finally:
        stop.set()
        thread.join()


# ---- life


LIFE = """
import gc, weakref
import numpy as np
import clearprop

x = np.ones(3)
gc.disable()
order = {order}
made = [clearprop.compile(lambda x, k=k: x * k) for k in range(12)]
watched = [weakref.ref(f) for f in made]
if order == "frozen":
    gc.collect()
    gc.freeze()
for k, f in enumerate(made):
    assert f(x).tolist() == [k] * 3 and f(x).tolist() == [k] * 3
    if order == "cycle":
        f.itself = [f, f._call]
if order == "frozen":
    gc.collect()
    gc.unfreeze()
del f
made.clear()
gc.collect()
assert not any(ref() for ref in watched)
print("alive")
"""


@pytest.mark.parametrize("order", ["frozen", "cycle", "plain"])
def test_functions_are_freed_in_any_order(order: str) -> None:
    """In a process whose allocator overwrites what is freed (glibc does): reading it would be the end."""
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "250"}
    ran = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", LIFE.format(order=repr(order))],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, "alive\n"), ran.stderr


# ---- many


def test_more_arrays_than_a_c_function_takes() -> None:
    """libffi takes 1024 arguments."""
    count = 1100
    f = clearprop.compile(lambda items: [items[0] * 2.0, functools.reduce(np.add, items)])
    items = [np.full(2, float(k)) for k in range(count)]
    for _ in range(2):
        assert [x[0] for x in f(items)] == [0, sum(range(count))]
    assert [x[0] for x in f(items=items)] == [0, sum(range(count))]


def test_sets_and_byte_arrays_count_by_what_is_in_them() -> None:
    f = clearprop.compile(lambda s, x: x * len(s))
    for things, more in (({1}, lambda s: s.add(2)), (bytearray(b"a"), lambda s: s.extend(b"b"))):
        assert f(things, 1.5) == 1.5
        assert f(things, 1.5) == 1.5
        more(things)
        assert f(things, 1.5) == 3.0
