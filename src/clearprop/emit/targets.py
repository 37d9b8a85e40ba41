"""The table of targets: what `source(..., to=...)` can write."""

from __future__ import annotations

from ..engine.forks import load
from ..errors import ClearpropError
from ..graph.graph import Node
from ..passes.person.spelled import can_be_spelled
from .target import Target

TARGETS = {
    "numpy": "numpy",
    "torch": "torch",
    "jax": "jax",
    "c": "c.c99",
    "javascript": "javascript.es_module",
    "latex": "latex.document",
}
"""The module of this package that defines each one's `TARGET`, in the order in which people are told."""


def target(name: str) -> Target:
    """Return the target of a name. Raises ClearpropError where there is none."""
    if name not in TARGETS:
        raise ClearpropError(f"there is no target {name!r}; there are {', '.join(TARGETS)}")
    found: Target = load(f".{TARGETS[name]}", __package__).TARGET
    return found


def having(node: Node) -> list[str]:
    """Return the targets that have a form for an operation, as far as they can be asked."""
    return [name for name in TARGETS if can_be_spelled(node, target(name).has)]
