"""The way from what the gates' rules give to what a person would write, rule by rule."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.spec import first_entry
from ..errors import UnsupportedError
from ..graph.graph import Node, Wire
from ..passes.person.rationals import quotient
from .array_expressions import ATOM, number_text
from .languages import Written
from .numpy import LANGUAGE

_DEEPEST = 4


@dataclass(frozen=True)
class Rewrite:
    """One application of a rule."""

    rule: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.before}  ->  {self.after}"


class RewriteLog:
    """Notes each rule that is applied."""

    def __init__(self) -> None:
        self.steps: list[Rewrite] = []

    def note(self, name: str, node: Node, found: Any, made: dict[Wire, Node]) -> None:
        news = found if isinstance(found, tuple) else ()
        made_now = ChainMap({w: part for part in news for w in part.outputs}, made)
        last = news[-1] if news else found
        before = self._of_node(node, made, _DEEPEST)[0]
        after = (
            self._of_wire(last, made_now, _DEEPEST)
            if isinstance(last, Wire)
            else self._of_node(last, made_now, _DEEPEST)
        )
        if before != after[0] and name != "stretch_constant":
            self.steps.append(Rewrite(name.replace("_", " "), before, after[0]))

    def lines(self) -> list[str]:
        """Return the derivation as lines of a comment."""
        return ["How it was simplified:", *(f"  {step}" for step in self.steps)]

    def _of_node(self, node: Node, made: Mapping[Wire, Node], depth: int) -> Written:
        operands = [self._of_wire(w, made, depth - 1) for w in node.inputs]
        try:
            return LANGUAGE.write(node, operands)
        except (UnsupportedError, KeyError, ValueError):
            shown = [text for text, _ in operands]
            return f"{node.primitive.name}({', '.join(shown)})", ATOM

    def _of_wire(self, wire: Wire, made: Mapping[Wire, Node], depth: int) -> Written:
        if wire.is_constant:
            value = np.asarray(wire.constant)
            if value.size and (value == first_entry(value)).all():
                return (wire.name, 20) if quotient(wire) else number_text(first_entry(value))
            return wire.name or "constant", ATOM
        node = made.get(wire)
        if wire.is_named or node is None:
            return wire.name if wire.is_named else "...", ATOM
        if depth <= 0:
            return "...", ATOM
        return self._of_node(node, made, depth)
