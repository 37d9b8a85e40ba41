"""The table of decompositions: what a primitive is in terms of others, and who may read it so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar

from ...graph.graph import Node

F = TypeVar("F", bound=Callable[..., Any])
Reader = Literal["compile", "source", "person"]
"""Who reads an operation by its parts:

- *compile*: the compiler, and languages that are written from its loops.
- *source*: a language that has no function for it.
- *person*: NumPy code as a person writes it, whatever the language.
"""


class Decomposition(NamedTuple):
    """A function that does what a primitive does, where `applies` is true for the specs of its inputs.

    Those that the compiler does not read may also find out as they go, and raise NotImplementedError.
    """

    function: Callable[..., Any]
    applies: Callable[..., bool]


DECOMPOSITIONS: dict[tuple[str, Reader], Decomposition] = {}
"""By the name of a primitive and the reader."""


def decomposition(
    *readers: Reader,
    of: str = "",
    applies: Callable[..., bool] = lambda *specs, **params: True,
) -> Callable[[F], F]:
    """Decorator: these readers may read the primitive `of`, or of the function's name, as this function."""

    def note(function: F) -> F:
        for reader in readers:
            DECOMPOSITIONS[of or function.__name__, reader] = Decomposition(function, applies)
        return function

    return note


def decomposition_of(node: Node, reader: Reader) -> Callable[..., Any] | None:
    """The function that a reader may read a node as, if one applies to inputs like these."""
    found = DECOMPOSITIONS.get((node.primitive.name, reader))
    if found is None or not node.primitive.is_registered:
        return None
    return found.function if found.applies(*(w.spec for w in node.inputs), **node.params) else None
