"""Code that is made from one run says what that run drew and changed."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.surroundings import Surroundings

generator = np.random.default_rng(0)
legacy = np.random.RandomState(0)
drawing = generator.normal
bag = {"generators": [np.random.default_rng(1)]}
count = 0


class Model:
    def __init__(self) -> None:
        self.generator = np.random.default_rng(2)
        self.calls = 0
        self.scale = 2.0

    def noise(self, x):
        return x * self.generator.normal(size=3)  # drawn here

    def loss(self, x):
        return np.sum(self.noise(x))

    def counted(self, x):
        self.calls += 1  # changed here
        return np.sum(x * self.scale)

    def __call__(self, x):
        return self.loss(x)


model = Model()
space = SimpleNamespace(model=Model())


def helper(x):
    return x * generator.uniform(size=3)  # drawn here


def counting(x):
    global count
    count += 1  # changed here
    return np.sum(x)


def closed_over(noise: np.random.Generator) -> Callable[..., Any]:
    def f(x):
        return np.sum(x * noise.normal(size=3))  # drawn here

    return f


DRAWING = {
    "a generator": lambda x: np.sum(x * generator.normal(size=3)),  # drawn here
    "NumPy's functions": lambda x: np.sum(x * np.random.normal(size=3)),  # drawn here
    "RandomState": lambda x: np.sum(x * legacy.normal(size=3)),  # drawn here
    "random": lambda x: np.sum(x * random.gauss(0.0, 1.0)),  # drawn here
    "a method kept": lambda x: np.sum(x * drawing(size=3)),  # drawn here
    "a container": lambda x: np.sum(x * bag["generators"][0].normal(size=3)),  # drawn here
    "a helper": lambda x: np.sum(helper(x)),
    "a method": model.loss,
    "an object that is called": model,
    "an attribute of an attribute": lambda x: space.model.loss(x),
    "a closure": closed_over(np.random.default_rng(3)),
    "a gradient": clearprop.grad(closed_over(np.random.default_rng(3))),
    "a partial": partial(closed_over(np.random.default_rng(3))),
    "made anew": lambda x: np.sum(x * np.random.default_rng().normal(size=3)),  # drawn here
}


@pytest.mark.parametrize("name", DRAWING)
def test_numbers_that_were_drawn_once(name: str) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        clearprop.compile(DRAWING[name])(np.ones(3))
    assert len(seen) == 1
    message = str(seen[0].message)
    assert "draws random numbers at " in message
    assert "pass them as an argument" in message
    assert seen[0].filename == __file__
    with open(__file__) as file:
        assert "# drawn here" in file.readlines()[seen[0].lineno - 1]


@pytest.mark.parametrize("name", [name for name in DRAWING if name != "a gradient"])
def test_source_refuses_them(name: str) -> None:
    with pytest.raises(
        clearprop.TraceError, match=r"draws random numbers at (?s:.*) as an argument"
    ):
        clearprop.source(DRAWING[name], np.ones(3))


def test_a_generator_that_is_an_argument() -> None:
    f = clearprop.compile(lambda x, rng: np.sum(x * rng.normal(size=3)))
    with pytest.warns(UserWarning, match="draws random numbers"):
        f(np.ones(3), np.random.default_rng(0))


def test_once_for_a_line() -> None:
    f = closed_over(np.random.default_rng(4))
    globals().pop("__warningregistry__", None)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for n in (3, 1):
            clearprop.compile(f)(np.ones(n))
    assert len(seen) == 1


def test_as_the_message_advises() -> None:
    f = clearprop.compile(lambda x, noise: np.sum(x * noise))
    first, second = (f(np.ones(3), generator.normal(size=3)) for _ in range(2))
    assert first != second


@pytest.mark.parametrize(("f", "name"), [(counting, "count"), (model.counted, "model.calls")])
def test_what_a_function_changes(f: Callable[..., Any], name: str) -> None:
    with pytest.warns(UserWarning, match=f"changes {name} at .*does not do it again") as seen:
        clearprop.compile(f)(np.ones(3))
    with open(__file__) as file:
        assert "# changed here" in file.readlines()[seen[0].lineno - 1]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x * np.random.default_rng(0).normal(size=3)),  # the same in each call
        lambda x: np.sum(x) * model.scale,
        lambda x: np.sum(x) if generator else x,
    ],
)
def test_nothing_to_say(f: Callable[..., Any]) -> None:
    clearprop.compile(f)(np.ones(3))
    clearprop.source(f, np.ones(3))


def test_what_a_function_reads() -> None:
    around = Surroundings(lambda x: x * model.scale * bag["generators"][0].random())
    assert {place.name for place in around.places} >= {"model.scale"}
    assert around.changes() == []
    model.scale = 2.0 + 0.0
    assert around.changes() == []  # another object, the same number
    model.scale = 3.0
    assert [place.name for place in around.changes()] == ["model.scale"]
    model.scale = 2.0
