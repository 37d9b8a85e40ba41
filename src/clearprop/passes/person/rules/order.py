"""The rules of a person's simplification, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....engine.spec import spec_of
from ....graph.graph import Wire
from ..matching import number
from ..rewriting import PersonRule

EARLY: list[PersonRule] = []
"""Applied until none fits."""
LATE: list[PersonRule] = []
"""Applied when no early one fits any more, since they hide what early ones look at."""
TIES: list[PersonRule] = []
"""Exact but where a function has a kink: there they give the gradient to one winner."""


def rule(where: list[PersonRule]) -> Callable[[PersonRule], PersonRule]:
    """Add the decorated function as a rule."""

    def note(function: PersonRule) -> PersonRule:
        where.append(function)
        return function

    return note


def constant(value: Any) -> Wire:
    """A wire of a number."""
    return Wire("", spec_of(value), value)


def zero(wire: Wire) -> bool:
    """Return whether all entries of a constant are 0."""
    return number(wire) == 0
