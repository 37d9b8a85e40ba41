"""Statements: what every target is laid out from."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..graph.graph import Node
from .languages import Written
from .naming.names import Names


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
