"""Loops and choices as statements of Python: ``for``, ``while`` and ``if``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...graph.graph import Node
from ..statements import Author
from .for_statement import for_loop
from .if_statement import choice
from .while_statement import while_loop, while_loop_backward

CONTROL: Mapping[str, Callable[[Author, Node], None]] = {
    "loop": for_loop,
    "while_loop": while_loop,
    "while_loop_backward": while_loop_backward,
    "switch": choice,
}
