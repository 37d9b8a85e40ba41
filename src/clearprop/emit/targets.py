"""The table of targets: what `source(..., to=...)` can write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ClearpropError
from ..forks import load
from ..graph import Node
from ..passes.person.spelled import can_be_spelled

TARGETS = {
    "numpy": "numpy",
    "torch": "torch",
    "jax": "jax",
    "c": "c.target",
    "latex": "latex.target",
}
"""The module of this package that writes each target; it has ``write(problem) -> str``, a `SPELLING` for
names and comments, and a `LANGUAGE` if it is one of the array libraries. One that is not Python has a
`NOT_RUN`, which says why it was not run;
``load(problem)`` and ``run_on(problem, loaded, leaves)`` if it may be; and ``files(problem, comments)`` if
it makes several files. `COMMENT` begins a line of comment, `UPSTREAM` means that upstream gradients are
always arguments, and `COMPOUNDS` keeps softmax and its kin whole."""


def target(name: str) -> Any:
    """The module that writes a target."""
    if name not in TARGETS:
        raise ClearpropError(f"there is no target {name!r}; there are {', '.join(TARGETS)}")
    return load(f".{TARGETS[name]}", __package__)


def having(node: Node) -> list[str]:
    """The targets that have a form for an operation."""
    found = []
    for name in TARGETS:
        language = getattr(target(name), "LANGUAGE", None)
        if language is not None and can_be_spelled(node, language.has):
            found.append(name)
    return found


Writer = Callable[[Any], str]
