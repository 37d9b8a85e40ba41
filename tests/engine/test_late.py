"""Methods that one module declares and a later one defines."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from clearprop.engine import backprop, tensor
from clearprop.engine.late_methods import declared, defines, undefined
from clearprop.engine.primitive import Primitive


class Machine:
    """Something that is told later what it does."""

    @declared
    def start(self, speed: int = 1) -> str:
        """Start the machine."""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    start, before = Machine.start, set(undefined)
    yield
    Machine.start = start  # type: ignore[method-assign]
    undefined.clear()
    undefined.update(before)


def test_all_that_is_declared_is_defined() -> None:
    assert {method for method in undefined if method.__module__ != __name__} == set()


def test_a_method_is_the_function_that_defines_it() -> None:
    @defines(Machine.start)
    def _start(machine: Machine, speed: int = 1) -> str:
        return f"{type(machine).__name__} runs at {speed}"

    assert Machine.start is _start
    assert Machine().start(2) == "Machine runs at 2"
    assert Machine.start.__doc__ == "Start the machine."
    assert list(inspect.signature(Machine.start).parameters) == ["self", "speed"]


def test_a_method_is_defined_once() -> None:
    define = defines(Machine.start)
    define(lambda machine, speed=1: "")
    with pytest.raises(KeyError):
        defines(Machine.start)


def test_the_engine_defines_two() -> None:
    assert vars(Primitive)["__call__"].__globals__ is vars(tensor)
    assert tensor.Tensor.backward.__globals__ is vars(backprop)
