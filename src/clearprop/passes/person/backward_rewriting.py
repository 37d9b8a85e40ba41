"""Applying rules to a backward pass, beside a forward pass that stays as its author wrote it."""

from __future__ import annotations

from collections.abc import Collection

from ...graph.graph import Graph, Node, Wire
from ..rewriting import Note, Rewriter
from ..rule import Contract, Found, RuleBook


class BackwardRewriter(Rewriter):
    """A walk over both passes, with the rules for each; late ones only if asked for.

    It hands on names, and whose gradient a value is.
    """

    def __init__(
        self,
        graph: Graph,
        contracts: Collection[Contract],
        note: Note,
        gradient_of: dict[Wire, Wire],
        *,
        late: bool,
    ) -> None:
        super().__init__(graph, RuleBook("backward", contracts, late=late), note)
        self.forward_rules = RuleBook("forward", contracts)
        self.gradient_of = gradient_of

    def find(self, node: Node) -> tuple[Found, str]:
        rules = self.rules if node.is_backward else self.forward_rules
        return rules.first_fit(node, self.context)

    def replace(self, wire: Wire, other: Wire) -> None:
        super().replace(wire, other)
        if wire.is_named and not other.is_named and not other.is_constant:
            other.name, other.is_named = wire.name, True
        if wire in self.gradient_of and other not in self.context.forward and not other.is_constant:
            self.gradient_of.setdefault(other, self.gradient_of[wire])
