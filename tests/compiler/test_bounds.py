"""Indices out of range in compiled code: the error that NumPy raises, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import clearprop
import clearprop.numpy as cnp
from clearprop.compiler.arguments import Arguments
from clearprop.compiler.plain import PlainExecutable
from clearprop.errors import OutOfBoundsError
from clearprop.passes import expand, simplify

pytest.importorskip("llvmlite")

from clearprop.stages.bounds import with_bounds


def assign(x: Any, r: Any) -> Any:
    y = cnp.zeros(x.shape) + x
    y[r] = 7.0
    return y


def add_at(x: Any, r: Any) -> Any:
    y = cnp.zeros(x.shape) + x
    np.add.at(y, r, 1.0)
    return y


@clearprop.block
def picked(x: Any, r: Any) -> Any:
    return np.tanh(x)[r] * 2.0


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "first axis": lambda x, r: x[r],
    "last axis": lambda x, r: x[..., r - 2],
    "both axes": lambda x, r: x[r, r - 2],
    "between slices": lambda x, r: x[None, 1:3, r - 2],
    "of a column": lambda x, r: x[r[:, None], r - 2],
    "one entry": lambda x, r: x[r[0]] + x[r[-1]],
    "of one": lambda x, r: x[r[-1:]],
    "as 8 bits": lambda x, r: x[r.astype("i1")],
    "computed": lambda x, r: x[(np.tanh(x[0, 0]) * 0.0 + r * 1.5 / 1.5 + 0.5).astype(int)],
    "after a part for NumPy": lambda x, r: np.sort(x, 0)[r] + 1.0,
    "before a part for NumPy": lambda x, r: np.sort(np.exp(x[r]), 0) + 1.0,
    "then inverted by NumPy": lambda x, r: np.linalg.inv(x[r][:2, :2] + np.eye(2) * 9.0),
    "chosen by what was picked": lambda x, r: x[r[r]],
    "take": lambda x, r: np.take(x, r, axis=0),
    "take from all": lambda x, r: np.take(x, r * 3),
    "take_along_axis": lambda x, r: np.take_along_axis(x, r[:, None], 0),
    "assign": assign,
    "add.at": add_at,
    "in a block": picked,
    "its gradient": clearprop.grad(lambda x, r: np.sum(x[r] ** 2)),
    "gradient along an axis": clearprop.grad(
        lambda x, r: np.sum(np.take_along_axis(x, r[:, None], 0) ** 2)
    ),
    "cross_entropy": lambda x, r: clearprop.cross_entropy(x.T, r[:3]),
    "gradient of cross_entropy": clearprop.grad(
        lambda x, r: clearprop.cross_entropy(x.T * 2.0, r[:3])
    ),
}
X = np.arange(12.0).reshape(4, 3)
GOOD = np.array([2, 3, 2, 3])
"""In range, and less two, too."""


def numpys_message(f: Callable[..., Any], x: Any, r: Any) -> str:
    with pytest.raises(IndexError) as caught:
        f(x, r)
    found = re.search(r"index -?\d+ is out of bounds for axis \d with size \d", str(caught.value))
    assert found
    return found[0]


@pytest.mark.parametrize("how", ["native", "numpy"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_it_is_numpys_error(name: str, how: str) -> None:
    f = OPERATIONS[name]
    if how == "native":
        call = clearprop.compile(f)
    else:
        arguments = Arguments((X, GOOD), {}, "f")
        plain = PlainExecutable(f, arguments, ())
        plain.make(f)

        def call(x: Any, r: Any) -> Any:
            return plain.run(Arguments((x, r), {}, "f"))

    expected = f(X, GOOD)
    for _ in range(2):
        np.testing.assert_allclose(call(X, GOOD), expected, rtol=1e-12)
        for wrong in (
            np.full(4, 6),
            np.full(4, -7),
            np.array([6, 2, 2, 6]),
            np.array([-7, 2, 3, 2**40]),
        ):
            with pytest.raises(OutOfBoundsError) as caught:
                call(X, wrong)
            message = str(caught.value)
            if name == "gradient of cross_entropy":  # which picks rows of its own
                message = message.replace("axis 0", "axis 1")
            assert numpys_message(f, X, wrong) in message


def test_the_message() -> None:
    def logits_of(table: Any, words: Any) -> Any:
        rows = table[words]
        return rows * 2.0

    f = clearprop.compile(logits_of)
    f(X, GOOD)
    with pytest.raises(IndexError) as caught:
        f(X, np.array([0, 1, 2, 4]))
    first, second, third = str(caught.value).splitlines()
    assert re.fullmatch(
        r"logits_of: gather: index 4 is out of bounds for axis 0 with size 4, "
        r"in test_bounds.py:\d+: rows = table\[words\]",
        first,
    )
    assert __file__ in second
    assert third.strip() == "f(X, np.array([0, 1, 2, 4]))"


@dataclass
class Model:
    table: Any
    words: Any


def test_however_arguments_come() -> None:
    bad = np.array([0, 9])
    f = clearprop.compile(lambda x, r: x[r])
    g = clearprop.compile(lambda d: d["x"][d["r"][0]])
    h = clearprop.compile(lambda m: m.table[m.words])
    for _ in range(2):
        assert f(X, GOOD[:2]).tolist() == X[2:].tolist()
        assert g({"x": X, "r": [GOOD[:2]]}).tolist() == X[2:].tolist()
        for call in (
            lambda: f(X, bad),
            lambda: f(x=X, r=bad),
            lambda: f(X.T.copy().T, bad),
            lambda: g({"x": X, "r": [bad]}),
            lambda: h(Model(X, bad)),
        ):
            with pytest.raises(IndexError, match="index 9 is out of bounds for axis 0 with size 4"):
                call()


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_every_dtype(dtype: str) -> None:
    f = clearprop.compile(lambda x, r: x[r])
    limits = np.iinfo(dtype)
    edges = [0, 119, 120, 121, -120, -121, limits.min, limits.max]
    for size in (1, 5):
        x = np.arange(120.0)
        for edge in (e for e in edges if limits.min <= e <= limits.max):
            r = np.full(size, 3, dtype)
            r[-1] = edge
            if edge == 2**64 - 1:
                assert f(x, r)[-1] == x[r][-1]  # NumPy takes it for -1
            elif -120 <= edge < 120:
                assert f(x, r)[-1] == x[edge]
            else:
                with pytest.raises(IndexError, match=f"index {edge} is out of bounds"):
                    f(x, r)


def test_wrapped_and_clipped_indices_are_in_range() -> None:
    wrong = np.array([4, -5, 100, 2])
    for mode in ("wrap", "clip"):
        f = clearprop.compile(lambda x, r, mode=mode: np.take(x, r, axis=0, mode=mode))
        np.testing.assert_array_equal(f(X, wrong), np.take(X, wrong, axis=0, mode=mode))


def test_a_negative_choice_is_none() -> None:
    choices = [np.ones(2), np.zeros(2)]
    f = clearprop.compile(lambda i: np.choose(i, choices))
    assert f(np.array([0, 1])).tolist() == [1.0, 0.0]
    for choice in (-1, 2):
        with pytest.raises(IndexError, match="out of bounds for axis 0 with size 2"):
            f(np.array([0, choice]))


# ---- nothing is written


def steps() -> dict[str, Callable[..., Any]]:
    def embedding(p: Any, r: Any, labels: Any) -> Any:
        def loss(p: Any) -> Any:
            return clearprop.cross_entropy(np.tanh(p["table"][r] @ p["w"]) + p["b"], labels)

        g = clearprop.grad(loss)(p)
        return {name: value - 0.1 * g[name] for name, value in p.items()}

    def added(p: Any, r: Any, labels: Any) -> Any:
        return {
            "table": p["table"] + 1.0,
            "w": p["w"] * 2.0,
            "b": p["b"] + np.sum(p["table"][r]) + np.sum(p["w"][:, labels]),
        }

    def computed(p: Any, r: Any, labels: Any) -> Any:
        first = {"w": p["w"] * 2.0, "b": p["b"] + 1.0}
        places = (r * 1.0 + np.sum(first["b"]) * 0.0).astype(int)
        return {**first, "table": p["table"] - p["table"][places][0] + labels[0]}

    return {"embedding": embedding, "added": added, "computed": computed}


@pytest.mark.parametrize("wrong", ["r", "labels"])
@pytest.mark.parametrize("name", steps())
def test_donated_arrays_are_whole_after_an_error(
    name: str, wrong: str, rng: np.random.Generator
) -> None:
    step = clearprop.compile(steps()[name], donate="p")

    def arguments() -> Any:
        rng = np.random.default_rng(0)
        p = {"table": rng.normal(size=(9, 5)), "w": rng.normal(size=(5, 7)), "b": np.zeros(7)}
        return p, rng.integers(0, 9, 6), rng.integers(0, 7, 6)

    expected = steps()[name](*arguments())
    for _ in range(2):
        got = step(*arguments())
        for key, value in expected.items():
            np.testing.assert_allclose(got[key], value, rtol=1e-12)
        if name == "computed" and wrong == "labels":
            continue
        p, r, labels = arguments()
        (r if wrong == "r" else labels)[5] = 40
        with pytest.raises(IndexError, match="index 40 is out of bounds"):
            step(p, r, labels)
        for key, value in arguments()[0].items():
            np.testing.assert_array_equal(p[key], value)


def test_what_can_be_donated_still_is() -> None:
    step = clearprop.compile(steps()["embedding"], donate="p")
    p = {"table": np.ones((9, 5)), "w": np.ones((5, 7)), "b": np.ones(7)}
    for _ in range(2):
        got = step(dict(p), np.arange(6), np.arange(6))
        assert np.shares_memory(got["table"], p["table"])
        assert np.shares_memory(got["b"], p["b"])


def test_parts_and_threads(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    from clearprop.native import nests
    from clearprop.stages import partial_sums

    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")
    monkeypatch.setattr(nests, "_ENOUGH", 1)
    monkeypatch.setattr(partial_sums, "_LONG", 0)
    x, r = rng.normal(size=(6, 8)), rng.integers(0, 6, 500)
    f = clearprop.compile(clearprop.grad(lambda x, r: np.sum(x[r] ** 3)), donate="x")
    f(x.copy(), r)
    for place in (0, 250, 499):
        wrong, given = r.copy(), x.copy()
        wrong[place] = 6
        with pytest.raises(IndexError, match="index 6 is out of bounds for axis 0 with size 6"):
            f(given, wrong)
        np.testing.assert_array_equal(given, x)


# ---- what is asked


def questions(f: Callable[..., Any], *args: Any) -> int:
    graph = clearprop.trace(f, *args)
    return len(with_bounds(simplify(expand(graph)))[1])


def test_each_array_is_asked_about_once_for_each_size() -> None:
    r = np.array([1, 2])
    assert questions(lambda x, r: x[r] + x[r, :] + x[r.reshape(2)], X, r) == 1
    assert questions(clearprop.grad(lambda x, r: np.sum(x[r] ** 2)), X, r) == 1
    assert questions(lambda x, r: x[r, r], X, r) == 2
    assert questions(lambda x, r: x[r, r], X[:3], r) == 1


def test_what_needs_no_answer_is_not_asked() -> None:
    assert questions(lambda x, r: x[r], np.ones(200), np.array([1], "i1")) == 0
    assert questions(lambda x, r: x[r], np.ones(256), np.array([1], "u1")) == 0
    assert questions(lambda x, r: x[r], np.ones(255), np.array([1], "u1")) == 1
    assert questions(lambda x: x[np.array([0, -1])] + x[1:3], X) == 0
    assert questions(lambda x, r: x[r], X, np.array([], int)) == 0


def test_a_constant_index_out_of_range() -> None:
    with pytest.raises(IndexError, match="index 4 is out of bounds for axis 0 with size 4"):
        clearprop.compile(lambda x: x[np.array([0, 4])])(X)
    labels = np.array([0, 3, 1, 2])
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 1 with size 3"):
        clearprop.compile(lambda x: clearprop.cross_entropy(x, labels))(X)
