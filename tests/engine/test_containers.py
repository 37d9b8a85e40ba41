"""Containers, in and out: the same with optree and without it."""

from __future__ import annotations

import os
import pickle
import time
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pytest

import clearprop
from clearprop.transforms import optree_fallback, trees
from clearprop.transforms.trees import Container, flatten, paths, structure

WITHOUT = "in Python"


@pytest.fixture(params=["optree", WITHOUT])
def library(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which of the two takes containers apart."""
    if request.param == WITHOUT:
        monkeypatch.setattr(trees, "_optree", lambda: None)
    else:
        pytest.importorskip("optree")
    return request.param


pytestmark = pytest.mark.usefixtures("library")

Point = namedtuple("Point", "x y")


class Typed(NamedTuple):
    w: Any
    b: Any = None

    def twice(self) -> Any:
        return self.w * 2


class Named(Point):
    """A class derived from a named tuple."""


@dataclass
class Net:
    w: Any
    layers: list[Any] = field(default_factory=list)
    name: str = "net"


@dataclass(frozen=True, slots=True)
class Frozen:
    w: Any
    b: Any


T = TypeVar("T")


@dataclass
class Checked(Generic[T]):
    """It accepts floats alone, so `flatten` must not run its checks on what is only passing through."""

    w: T
    made: list[str] = field(init=False)

    def __post_init__(self) -> None:
        assert isinstance(self.w, float)
        self.made = ["by hand"]


class Unordered:
    """A key that does not compare."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class MyDict(dict[str, Any]):
    pass


class MyList(list[Any]):
    pass


class MyTuple(tuple[Any, ...]):
    __slots__ = ()


A, B = Unordered("A"), Unordered("B")
checked = Checked(1.0)
SPEC = clearprop.ArraySpec((2,), np.dtype("f"))

TREES: list[tuple[Any, list[Any], list[tuple[Any, ...]]]] = [
    # a tree, its leaves, and what leads to each
    (1.5, [1.5], [()]),
    ("text", ["text"], [()]),
    ((), [], []),
    ([], [], []),
    ({}, [], []),
    (None, [], []),
    ([None, 1, None], [1], [(1,)]),
    ((1, [2, (3,)], 4), [1, 2, 3, 4], [(0,), (1, 0), (1, 1, 0), (2,)]),
    ({"w": 1, "b": {"y": 2, "x": 3}}, [3, 2, 1], [("b", "x"), ("b", "y"), ("w",)]),
    ({2: "a", 10: "b", 1.5: "c"}, ["c", "a", "b"], [(1.5,), (2,), (10,)]),
    ({"b": 1, 2: 2, "a": 3, None: 4, 1: 5}, [4, 5, 2, 3, 1], [(None,), (1,), (2,), ("a",), ("b",)]),
    ({B: 1, A: 2, "z": 3, 0: 4}, [1, 2, 3, 4], [(B,), (A,), ("z",), (0,)]),
    ({("b", 1): 1, ("a", 2): 2}, [2, 1], [(("a", 2),), (("b", 1),)]),
    ({True: 1, False: 2}, [2, 1], [(False,), (True,)]),
    (OrderedDict(b=1, a=[2, 3]), [1, 2, 3], [("b",), ("a", 0), ("a", 1)]),
    (defaultdict(list, b=1, a=2), [2, 1], [("a",), ("b",)]),
    (deque([1, [2]], maxlen=5), [1, 2], [(0,), (1, 0)]),
    (deque(), [], []),
    (Point(1, [2]), [1, 2], [(0,), (1, 0)]),
    (Typed(1), [1], [(0,)]),
    (Named(1, 2), [1, 2], [(0,), (1,)]),
    (time.gmtime(0), [1970, 1, 1, 0, 0, 0, 3, 1, 0], [(i,) for i in range(9)]),
    (os.terminal_size((80, 24)), [80, 24], [(0,), (1,)]),
    (Net(1, [2, None, 3]), [1, 2, 3, "net"], [("w",), ("layers", 0), ("layers", 2), ("name",)]),
    ([Frozen({"k": 1}, 2)], [1, 2], [(0, "w", "k"), (0, "b")]),
    (checked, [1.0, "by hand"], [("w",), ("made", 0)]),
    (MyDict(a=1), [MyDict(a=1)], [()]),
    ([MyList([1])], [MyList([1])], [(0,)]),
    (MyTuple([1]), [MyTuple([1])], [()]),
    (Counter("aab"), [Counter("aab")], [()]),
    ({1, 2}, [{1, 2}], [()]),
    (range(3), [range(3)], [()]),
    ([Net], [Net], [(0,)]),
    ({"f": len, "spec": SPEC}, [len, SPEC], [("f",), ("spec",)]),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "leaves", "places"), TREES, ids=lambda x: str(x)[:30])
def test_flatten(tree: Any, leaves: list[Any], places: list[tuple[Any, ...]]) -> None:
    found, unflatten = flatten(tree)
    assert found == leaves
    assert [type(x) for x in found] == [type(x) for x in leaves]
    assert paths(tree) == places
    back = unflatten(found)
    assert back == tree
    assert str(back) == str(tree)  # dicts in their own order
    others = unflatten([("leaf", i) for i in range(len(found))])
    assert type(others) is (tuple if places == [()] else type(tree))


def test_what_is_kept() -> None:
    def filled(tree: Any) -> Any:
        leaves, unflatten = flatten(tree)
        return unflatten([x + 1 for x in leaves])

    made = filled(deque([1, 2], maxlen=2))
    assert made == deque([2, 3])
    assert made.maxlen == 2
    made = filled(defaultdict(list, b=1, a=2))
    assert list(made.items()) == [("b", 2), ("a", 3)]
    assert made["new"] == []
    assert type(filled(OrderedDict(b=1, a=2))) is OrderedDict
    assert filled(Typed(1, None)).twice() == 4
    made = filled(Frozen(1, {"k": 2}))
    assert (made.w, made.b) == (2, {"k": 3})
    assert type(filled(Named(1, 2))) is Named


def test_containers_are_new() -> None:
    tree = {"a": [1.0, {"b": 2.0}], "d": deque([3.0])}
    leaves, unflatten = flatten(tree)
    first, second = unflatten(leaves), unflatten(leaves)
    first["a"][1]["b"] = 0.0
    first["d"].append(1.0)
    assert second == tree == {"a": [1.0, {"b": 2.0}], "d": deque([3.0])}


@pytest.mark.parametrize("tree", [{"a": 1, "b": [2, 3]}, 1.0, [], Net(1, [2])])
def test_too_few_and_too_many_leaves(tree: Any) -> None:
    leaves, unflatten = flatten(tree)
    for wrong in ([*leaves, 4], leaves[:-1]):
        if wrong != leaves:
            with pytest.raises(ValueError, match=r"leaves|unpack"):
                unflatten(wrong)


def test_a_container_within_itself() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(RecursionError):
        flatten(loop)


def test_containers_that_are_pickled() -> None:
    for tree, leaves, _ in TREES:
        twin = pickle.loads(pickle.dumps(Container(tree)))
        assert str(twin(leaves)) == str(tree)


# ---- through the front door


def test_gradients_come_in_the_containers_of_the_arguments(library: str) -> None:
    params = {
        "net": Net(np.ones(2), [Point(2.0, np.ones(2))], "name"),
        "more": OrderedDict(b=(3.0, None), a=deque([4.0], maxlen=1)),
    }

    def f(p: Any) -> Any:
        inner = p["net"].layers[0]
        total = np.sum(p["net"].w * inner.x * inner.y)
        return total * p["more"]["b"][0] + p["more"]["a"][0]

    with pytest.raises(clearprop.DtypeError, match=r"\['net'\]\['name'\] of f is a str"):
        clearprop.grad(f)(params)
    params["net"].name = None  # type: ignore[attr-defined]
    g = clearprop.grad(f)(params)
    assert (
        str(g["net"])
        == "Net(w=array([6., 6.]), layers=[Point(x=np.float64(6.0), y=array([6., 6.]))], name=None)"
    )
    assert list(g) == ["net", "more"]
    assert list(g["more"]) == ["b", "a"]
    assert (g["more"]["b"], g["more"]["a"].maxlen) == ((4.0, None), 1)


def test_mismatches() -> None:
    _, pullback = clearprop.vjp(lambda x: {"a": x, "b": [x]}, 1.0)
    with pytest.raises(
        clearprop.ShapeError, match="returned 2 arrays, but the gradient given has 1"
    ):
        pullback({"a": 1.0, "b": []})
    with pytest.raises(clearprop.ShapeError, match="1 primals need as many tangents, but got 2"):
        clearprop.jvp(lambda x: x, (1.0,), (1.0, 2.0))
    graph = clearprop.trace(lambda p: p["a"] * p["b"], {"a": 1.0, "b": 2.0})
    with pytest.raises(clearprop.GraphError, match="takes 2 arrays, got 1"):
        graph.evaluate({"a": 1.0})


def test_traces_name_what_is_within() -> None:
    graph = clearprop.trace(lambda p, q: p.w * q["k"][0], Net(1.0, name="n"), {"k": [2.0]})
    assert [w.name for w in graph.inputs] == ["w", "q_k_0"]
    assert graph.evaluate(Net(3.0, name="n"), {"k": [4.0]}) == 12.0


# ---- one beside the other


def test_both_agree() -> None:
    """On random containers: leaves, places, order and what is made."""
    rng = np.random.default_rng(0)
    keys = ["b", "a", 3, 1, None, 2.5, ("t", 1), ("t", 0), True, "c"]

    def grown(depth: int) -> Any:
        kind = int(rng.integers(0, 12 if depth else 2))
        if kind < 2:
            return None if kind else float(rng.random())
        parts = [grown(depth - 1) for _ in range(rng.integers(0, 4))]
        chosen = [keys[i] for i in rng.permutation(len(keys))[: len(parts)]]
        pairs = dict(zip(chosen, parts, strict=True))
        made: list[Callable[[], Any]] = [
            lambda: parts,
            lambda: tuple(parts),
            lambda: pairs,
            lambda: OrderedDict(pairs),
            lambda: defaultdict(int, pairs),
            lambda: deque(parts, maxlen=7),
            lambda: Point(parts, pairs),
            lambda: Net(parts, [pairs]),
            lambda: Frozen(parts, None),
            lambda: MyDict(enumerate(parts)),
        ]
        return made[kind - 2]()

    for _ in range(300):
        tree = grown(4)
        leaves, unflatten = flatten(tree)
        found, structure = optree_fallback.flatten(tree, trees._LEAVES)
        assert found == leaves
        assert structure.paths() == paths(tree)
        assert structure.num_leaves == len(leaves)
        assert str(structure.unflatten(leaves)) == str(unflatten(leaves)) == str(tree)
        assert str(structure.unflatten(range(len(leaves)))) == str(unflatten(range(len(leaves))))


STRUCTURES = [
    1.0, None, (), [], {}, [1], (1,), [[1]], [1, 2], {"a": 1}, {"b": 1}, {"a": [1]}, {"a": 1, "b": 2},
    OrderedDict(a=1, b=2), OrderedDict(b=1, a=2), defaultdict(list, a=1), defaultdict(int, a=1), deque([1]),
    deque([1], maxlen=2), Point(1, 2), Named(1, 2), Typed(1, 2), Net(1, []), Net(1, [2]), Frozen(1, 2),
]  # fmt: skip


def test_equal_structures_are_those_of_containers_that_are_built_alike() -> None:
    def bare(tree: Any) -> optree_fallback.Structure:
        return optree_fallback.flatten(tree, trees._LEAVES)[1]

    kept = [bare(tree) for tree in STRUCTURES]
    assert len(set(kept)) == len(kept)
    for s in kept:
        same = bare(s.unflatten(range(s.num_leaves)))
        assert same == s
        assert hash(same) == hash(s)
    assert bare({"a": 1, "b": 2}) == bare({"b": 3, "a": 4})


def test_structures_tell_containers_apart_as_functions_do() -> None:
    kept = [structure(tree) for tree in STRUCTURES]
    more = [{1: 0.0}, {True: 0.0}, {"b": 1, "a": 2}, {A: 0.0}, {B: 0.0}, [{"b": 1, "a": 2}]]
    kept += map(structure, more)
    assert len(set(kept)) == len(kept)
    for tree, key in zip([*STRUCTURES, *more], kept, strict=True):
        leaves, unflatten = flatten(tree)
        same = structure(unflatten([0.5] * len(leaves)))
        assert (same, hash(same)) == (key, hash(key))


def test_gradients_that_stop() -> None:
    array = np.array([1.0, 2.0])
    t = clearprop.tensor(array)
    made = clearprop.stop_gradient({"b": [t * 2, 3], "a": Net(array, ["text", None])})
    stopped, other = made["b"]
    assert list(made) == ["b", "a"]
    assert (stopped.tolist(), stopped.requires_grad, other) == ([2.0, 4.0], False, 3)
    assert made["a"].w is array
    assert made["a"].layers == ["text", None]
    assert clearprop.stop_gradient(array) is array
    assert clearprop.stop_gradient(2.0) == 2.0
    assert not clearprop.stop_gradient(t).requires_grad

    def f(x: Any) -> Any:
        fixed, moving = clearprop.stop_gradient((x, 2.0)), x
        return np.sum(fixed[0] * moving * fixed[1])

    assert clearprop.grad(f)(array).tolist() == [2.0, 4.0]
    assert clearprop.trace(clearprop.grad(f), array).evaluate(array).tolist() == [2.0, 4.0]
    assert clearprop.explain(f, array).gradients["x"].tolist() == [2.0, 4.0]
