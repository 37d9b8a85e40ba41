"""Code that is made from one run says what that run drew and changed."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.graph.captured import Surroundings

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


# ---- what is read changes after the function was compiled: the answer is the new one


class Scaled:
    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.parts = {"shift": 1.0}
        self.inner = SimpleNamespace(rate=2.0)

    def loss(self, x):
        return np.sum(x * self.scale + self.parts["shift"]) * self.inner.rate


rate = 3.0
settings = {"rate": 4.0}


def reads_a_global(x):
    return np.sum(x) * rate


def reads_an_entry(x):
    return np.sum(x) * settings["rate"]


def with_cell(value: float) -> tuple[Callable[..., Any], Callable[[float], None]]:
    def f(x):
        return np.sum(x) * value

    def change(new: float) -> None:
        nonlocal value
        value = new

    return f, change


class Layer:
    rate = 1.0

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __call__(self, x):
        return x * self.scale * self.rate


def twice(x):
    return np.sum(2.0 * x)


helper_now = twice
settings_module = ModuleType("settings_module")
settings_module.__file__, settings_module.rate = __file__, 1.0
layer = Layer(2.0)


def with_helper(x):
    return helper_now(x)


def with_layer(x):
    return np.sum(layer(x))


def with_class(x):
    return np.sum(x) * Layer.rate


def with_module(x):
    return np.sum(x) * settings_module.rate


def with_tensor(x):
    return np.sum(x * weight.detach())


weight = clearprop.tensor([1.0, 1.0, 1.0])


def changes() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...], Callable[[float], Any]]]:
    scaled, other, third = Scaled(2.0), Scaled(2.0), Scaled(2.0)
    weights = Scaled(2.0)
    weights.scale = np.ones(3)
    cell, change = with_cell(5.0)

    def replace_inner(new: float) -> None:
        third.inner = SimpleNamespace(rate=new)

    return {
        "an attribute": (scaled.loss, (), lambda v: setattr(scaled, "scale", v)),
        "an array": (weights.loss, (), lambda v: setattr(weights, "scale", np.full(3, v))),
        "within an attribute": (other.loss, (), lambda v: setattr(other.inner, "rate", v)),
        "another object": (third.loss, (), replace_inner),
        "an entry": (scaled.loss, (), lambda v: scaled.parts.update(shift=v)),
        "a global": (reads_a_global, (), lambda v: globals().update(rate=v)),
        "an entry of a global": (reads_an_entry, (), lambda v: settings.update(rate=v)),
        "an enclosing variable": (cell, (), change),
        "an argument's attribute": (Scaled.loss, (scaled,), lambda v: setattr(scaled, "scale", v)),
        "a helper": (
            with_helper,
            (),
            lambda v: globals().update(helper_now=lambda x: np.sum(v * x)),
        ),
        "an object that is called": (with_layer, (), lambda v: globals().update(layer=Layer(v))),
        "a class": (with_layer, (), lambda v: setattr(Layer, "rate", v)),
        "a class by its name": (with_class, (), lambda v: setattr(Layer, "rate", v)),
        "what hides an attribute of the class": (
            with_layer,
            (),
            lambda v: setattr(layer, "rate", v),
        ),
        "a module": (with_module, (), lambda v: setattr(settings_module, "rate", v)),
        "a tensor": (
            with_tensor,
            (),
            lambda v: globals().update(weight=clearprop.tensor(np.full(3, v))),
        ),
        "of a gradient": (clearprop.grad(scaled.loss), (), lambda v: setattr(scaled, "scale", v)),
    }


@pytest.mark.parametrize("name", changes())
def test_what_was_read_has_changed(name: str) -> None:
    f, more, change = changes()[name]
    change(2.5)
    compiled = clearprop.compile(f)
    x = np.array([1.0, 2.0, 3.0])
    for i, value in enumerate((2.5, 7.0, -1.0)):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            if i:
                change(value)
            for _ in range(3):
                np.testing.assert_allclose(compiled(*more, x), f(*more, x), rtol=1e-14)
        assert len(seen) == (i > 0), [str(w.message) for w in seen]
        if seen:
            assert "has changed since it was compiled, so it is compiled anew" in str(
                seen[0].message
            )


def test_what_was_read_without_native_code(monkeypatch: pytest.MonkeyPatch) -> None:

    from clearprop.native.calls import python_entry

    monkeypatch.setattr(python_entry, "probe", lambda: None)
    test_what_was_read_has_changed("an enclosing variable")
    test_what_was_read_has_changed("an attribute")


def test_what_settles_is_compiled_once() -> None:
    class Memo:
        made = None

        def loss(self, x):
            if self.made is None:
                self.made = np.arange(3.0)
            return np.sum(x * self.made)

    compiled = clearprop.compile(Memo().loss)
    assert [compiled(np.ones(3)) for _ in range(3)] == [3.0] * 3
    before = count
    compiled = clearprop.compile(counting)
    with pytest.warns(UserWarning, match="changes count"):
        compiled(np.ones(3))
    for _ in range(3):
        compiled(np.ones(3))
    assert count == before + 1


def test_another_object_of_the_same_value_is_no_change() -> None:
    f, change = with_cell(5.5)
    compiled = clearprop.compile(f)
    for text in ("5.5", "5.5"):
        change(float(text))
        assert compiled(np.ones(2)) == 11.0
