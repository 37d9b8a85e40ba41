"""Random programs against central differences, and what a wrong rule looks like when one is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings

import clearprop
from clearprop.engine.primitive import primitives
from tests.numeric import slope_along
from tests.programs import Program, programs


def differs(program: Program) -> str:
    """What is wrong with a program's gradient, if anything."""
    xs, vs = tuple(program.arrays()), tuple(program.directions())
    value, gradients = clearprop.value_and_grad(program, range(len(xs)))(*xs)
    if not np.isclose(value, program(*xs), rtol=1e-14, atol=1e-14):
        return f"value {value}, on arrays {program(*xs)}"
    found = sum(np.sum(g * v) for g, v in zip(gradients, vs, strict=True))
    exact = slope_along(program, xs, vs)
    size = sum(np.sum(np.abs(g * v)) for g, v in zip(gradients, vs, strict=True))
    return "" if np.isclose(found, exact, rtol=1e-6, atol=1e-6 * max(size, 1)) else "gradient"


@given(programs())
def test_gradient_along_a_direction(program: Program) -> None:
    assert not differs(program)


def negated(rules: Any) -> tuple[Any, ...]:
    def wrong(g: Any, *args: Any, **params: Any) -> Any:
        return -rules[0](g, *args, **params)

    return (wrong, *rules[1:])


@pytest.mark.parametrize("name", ["multiply", "transpose", "slice", "assign", "max", "matmul"])
def test_a_wrong_rule_is_found_and_shown_in_a_few_lines(name: str) -> None:
    record = getattr(primitives, name)
    rules = record.vjp
    object.__setattr__(record, "vjp", negated(rules))
    try:
        program = find(
            programs(),
            lambda program: bool(differs(program)),
            settings=settings(
                max_examples=2000, derandomize=True, phases=[Phase.generate, Phase.shrink]
            ),
        )
    finally:
        object.__setattr__(record, "vjp", rules)
    assert len(program.lines) <= 3, program.source
    assert not differs(program)
