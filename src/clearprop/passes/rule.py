"""What a rule is: a function of one node, with a contract and its readers; and what rules are made of.

A rule looks at a node and answers with what can stand in its place: a wire, a node, or several nodes of
which the later read the earlier and the last has the node's output; or with None.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from ..engine.array_types import AnyArray
from ..engine.primitive import Primitive, primitives
from ..engine.spec import spec_of
from ..graph.graph import Node, Wire
from .matching import Context

Contract = Literal["exact", "rounding", "kink", "range"]
"""What a rule keeps of the numbers:

- *exact*: every bit, where the original is not NaN; only the sign of a zero may change.
- *rounding*: what mathematics says, rounded elsewhere.
- *kink*: that, but where a slope is not unique: there it takes another one.
- *range*: that, for numbers of ordinary size; what is infinite, overflows or loses digits does so elsewhere.
"""
Reader = Literal["program", "forward", "backward", "known", "stable"]
"""Who applies a rule:

- *program*: `simplify`, to a graph of which only the results count.
- *forward*, *backward*: `source`, to the forward pass as its author wrote it, and to the backward pass.
- *known*: `source`, to the forward pass that the backward pass is derived from.
- *stable*: `source`, to what it would write in a way that overflows.
"""
Found = Wire | Node | tuple[Node, ...] | None
Apply = Callable[[Node, Context], Found]
F = TypeVar("F", bound=Apply)


@dataclass(frozen=True)
class Rule:
    """A rule as it is registered."""

    apply: Apply
    contract: Contract
    readers: tuple[Reader, ...]
    at: frozenset[Primitive]
    """The primitives whose nodes it looks at; none: those of all."""
    is_late: bool
    """Whether it is tried only when no other fits any more, since it hides what others look at."""

    @property
    def name(self) -> str:
        return self.apply.__name__


RULES: list[Rule] = []
"""In the order in which they are tried."""


def rule(
    contract: Contract, *readers: Reader, at: str = "", late: bool = False
) -> Callable[[F], F]:
    """Add the decorated function as a rule that keeps its contract, for these readers.

    `at` names the primitives whose nodes it looks at, with spaces between them.

    >>> @rule
    ... def zero_times(node, context):
    ...     return None
    Traceback (most recent call last):
        ...
    ValueError: rule zero_times has no contract: write @rule("exact", "program"), ...
    """
    if contract not in get_args(Contract):
        name = getattr(contract, "__name__", None)
        what = f"rule {name} has no contract" if name else f"{contract!r} is no contract of a rule"
        raise ValueError(
            f'{what}: write @rule("exact", "program"), with one of {_listed(Contract)} and its readers'
        )
    if not readers or not set(readers).issubset(get_args(Reader)):
        raise ValueError(
            f"a rule is for one or more of the readers {_listed(Reader)}, not for {readers}"
        )

    looks_at = frozenset(getattr(primitives, name) for name in at.split())

    def note(function: F) -> F:
        RULES.append(Rule(function, contract, readers, looks_at, late))
        return function

    return note


def _listed(names: Any) -> str:
    return ", ".join(map(repr, get_args(names)))


class RuleBook:
    """The rules that a reader applies, of those that keep one of its contracts; the late ones come last."""

    def __init__(
        self, reader: Reader, contracts: Collection[Contract], *, late: bool = True
    ) -> None:
        mine = [r for r in RULES if reader in r.readers and r.contract in contracts]
        self.rules = [r for r in mine if not r.is_late] + [r for r in mine if r.is_late and late]
        self._at: dict[Primitive, list[Rule]] = {}

    def first_fit(self, node: Node, context: Context) -> tuple[Found, str]:
        """Return what the first rule that fits says of a node, and the rule's name."""
        if len(node.outputs) == 1:
            for tried in self._looking_at(node.primitive):
                if (found := tried.apply(node, context)) is not None:
                    return found, tried.name
        return None, ""

    def _looking_at(self, primitive: Primitive) -> list[Rule]:
        found = self._at.get(primitive)
        if found is None:
            found = [r for r in self.rules if not r.at or primitive in r.at]
            self._at[primitive] = found
        return found


# ---- what rules are made of


def made_anew(node: Node, primitive: Primitive, *inputs: Wire, **params: Any) -> Node:
    """Return `node` with another operation, keeping its output."""
    return replace(node, primitive=primitive, inputs=inputs, params=params, body=None)


def part_of(node: Node, primitive: Primitive, *inputs: Wire, **params: Any) -> Node:
    """Return a new node for the same line, with an output of its own."""
    out = Wire("", primitive.spec(*_specs(primitive, inputs), **params))
    return replace(
        node, primitive=primitive, inputs=inputs, outputs=(out,), params=params, body=None
    )


def with_input(node: Node, position: int, wire: Wire) -> Node:
    """Return `node` reading another wire at one position."""
    inputs = (*node.inputs[:position], wire, *node.inputs[position + 1 :])
    return made_anew(node, node.primitive, *inputs, **node.params)


def constant(value: AnyArray) -> Wire:
    """Return a wire of a number."""
    return Wire("", spec_of(value), value)


def full(node: Node, value: AnyArray) -> Wire:
    """Return a constant for the node's output whose entries are all equal."""
    spec = node.out.spec
    return Wire("", spec, np.full(spec.shape, value, spec.dtype)[()])


def if_fits(node: Node, *found: Wire | Node) -> Any:
    """Return a wire, or nodes, that can stand for `node`: the last is of its shape and dtype; else None."""
    last = found[-1]
    fits = last.spec == node.out.spec if isinstance(last, Wire) else _gives(last, node)
    if not fits:
        return None
    return last if len(found) == 1 else found


def _gives(other: Node, node: Node) -> bool:
    """Return whether `other`, which keeps the output of `node`, gives what `node` gives."""
    specs = _specs(other.primitive, other.inputs)
    try:
        return bool(other.primitive.spec(*specs, **other.params) == node.out.spec)
    except ValueError:
        return False


def _specs(primitive: Primitive, inputs: Sequence[Wire]) -> list[Any]:
    """Return what a primitive is asked about: Python's numbers, which are weak, where it works entry
    by entry.
    """
    return [
        w.constant
        if w.is_constant and ("elementwise" in primitive.traits or np.ndim(w.constant))
        else w.spec
        for w in inputs
    ]
