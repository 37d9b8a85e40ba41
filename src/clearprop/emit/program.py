"""Statements: what every target is laid out from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..graph.graph import Node
from .languages import Written
from .naming.names import Names

INDENT = "    "
_COLUMN = 48
"""Comments stand at most this far right, unless the line is longer."""


@dataclass
class Statement:
    """One or more lines that make values, and what there is to say about them."""

    lines: list[str]
    names: tuple[str, ...]
    reads: set[str] = field(default_factory=set)
    """Names of other values in the lines."""
    comment: str = ""
    answers: tuple[str, ...] = ()
    """The forward lines that it answers, if it is of the backward pass."""
    is_backward: bool = False


@dataclass
class Pending:
    """An expression that has no name yet."""

    node: Node
    written: Written
    reads: set[str]


@dataclass
class Program:
    """The statements of a joint graph, and the expressions of its results."""

    statements: list[Statement]
    outputs: list[str]
    gradients: list[str]
    names: Names
    reads: set[str]
    """Names that the results need."""


def written(statements: Sequence[Statement], *, headed: bool = False) -> list[str]:
    """Return the lines of some statements."""
    short = [s for s in statements if s.comment.startswith("(")]
    widths = [len(s.lines[-1]) for s in short if len(s.lines[-1]) <= _COLUMN]
    column = max(widths, default=0)
    lines: list[str] = []
    answered: tuple[str, ...] = ()
    for statement in statements:
        if headed and statement.answers and statement.answers != answered:
            answered = statement.answers
            lines += [
                f"# {'' if i else 'backward of':<12} {text}" for i, text in enumerate(answered)
            ]
        last = statement.lines[-1]
        if statement.comment:
            last = f"{last:<{column}}  # {statement.comment}"
        lines += [*statement.lines[:-1], last]
    return lines
