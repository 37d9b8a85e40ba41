"""A function's backward pass as a person would write it.

``derive_backward(forward, wanted, seeded)`` recognises in the forward pass what people know by name, derives
the backward pass with the gradients that they know, and then applies rules and collects terms until nothing
becomes simpler.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np

from ...engine.primitive import primitives
from ...graph.graph import Graph, Wire
from ..backward import Joint, with_backward
from ..rewriting import Note, read_as, unnoted
from ..rule import Contract, RuleBook
from . import recognise, rules, stable_forms  # noqa: F401  # the rules that they register
from .backward_rewriting import BackwardRewriter
from .collect_terms import collect
from .spelled import readable

__all__ = ["Note", "derive_backward"]
_MOST_ROUNDS = 30
_CONTRACTS: tuple[Contract, ...] = get_args(Contract)
_WITHOUT_KINKS = tuple(contract for contract in _CONTRACTS if contract != "kink")


def derive_backward(
    forward: Graph,
    wanted: Sequence[int],
    seeded: Sequence[int],
    *,
    upstream: bool,
    simplify: bool = True,
    ties: bool = True,
    compounds: bool = False,
    note: Note = unnoted,
) -> Joint:
    """Return the forward pass and its backward pass, to the inputs `wanted` from the outputs `seeded`.

    Without `upstream` the one output's own gradient, 1, is worked in. `ties` lets rules apply that differ
    at kinks. `compounds` keeps softmax, logistic functions and their kin whole, as on paper, rather than in
    terms of functions that NumPy has. `note` is told of each rule: its name, the node, what stands in its
    place, and who made what.
    """
    contracts = _CONTRACTS if ties else _WITHOUT_KINKS
    ahead = tuple(
        replace(node, is_backward=False) for node in forward.nodes
    )  # a gradient within it, too
    forward = readable(replace(forward, nodes=ahead), "nll_loss", "copy")
    known = read_as(forward, RuleBook("known", contracts), note) if simplify else forward
    joint = with_backward(*_observed(forward, known, wanted, seeded))
    joint.graph = joint.graph.without_unread()
    if not upstream:
        joint = _unseeded(joint)
    ways = contracts if simplify else ()
    joint = _as_written(joint, ways, compounds, note)
    _name_passed_on(joint)
    return joint


def _observed(
    forward: Graph, known: Graph, wanted: Sequence[int], seeded: Sequence[int]
) -> tuple[Graph, Sequence[int], Sequence[int], Graph]:
    """Return the arguments of `with_backward` with loops that hand out all that their steps make."""
    longer = {
        node.outputs[0]: node.primitive.observed(node)
        for node in known.nodes
        if node.primitive.observed is not None
    }
    forward, known = (
        replace(graph, nodes=tuple(longer.get(node.outputs[0], node) for node in graph.nodes))
        for graph in (forward, known)
    )
    return forward, wanted, seeded, known


def _as_written(
    joint: Joint, contracts: Collection[Contract], compounds: bool, note: Note
) -> Joint:
    """Return both passes simple, and in operations that a person writes; without contracts, as they are."""
    joint.graph = _with_bodies_written(joint.graph, contracts, compounds, note)
    if contracts:
        joint = _simplified(joint, contracts, note)
    if contracts and not compounds:
        joint.graph = read_as(joint.graph, RuleBook("stable", contracts), note)
    joint.graph = readable(joint.graph, *(("copy",) if compounds else ()))
    _settle(joint)
    if contracts:
        joint = _simplified(joint, contracts, note)
    return joint


def _with_bodies_written(
    graph: Graph, contracts: Collection[Contract], compounds: bool, note: Note
) -> Graph:
    """Return the graph with what its loops and branches do written likewise."""

    def written(body: Graph) -> Graph:
        of = {w: Wire(w.gradient_of, w.spec) for w in body.wires() if w.gradient_of}
        joint = _as_written(Joint(body, (), body.outputs, (), of), contracts, compounds, note)
        joint.mark_gradients()
        return joint.graph

    nodes = list(graph.nodes)
    for i, node in enumerate(nodes):
        if node.bodies:
            node = node.with_bodies(written)
            prune = node.primitive.pruned
            nodes[i] = node if prune is None else prune(node, node.outputs)
    return replace(graph, nodes=tuple(nodes))


def _name_passed_on(joint: Joint) -> None:
    """Give the gradient of a nameless sum to a term with a name, too, if nothing else reads the term."""
    made = {wire: node for node in joint.graph.nodes for wire in node.outputs}
    readers = {
        wire: [node for node, _ in found if not node.is_backward]
        for wire, found in joint.graph.users().items()
    }
    for wire, of in joint.gradient_of.items():
        while not of.is_named and (node := made.get(of)) is not None:
            terms = {primitives.add: node.inputs, primitives.subtract: node.inputs[:1]}
            alone = [
                w
                for w in terms.get(node.primitive, ())
                if w.spec == of.spec and len(readers.get(w, ())) == 1 and w in made
            ]
            named = [w for w in alone if w.is_named]
            if not named:
                break
            of = joint.gradient_of[wire] = named[0]


def _unseeded(joint: Joint) -> Joint:
    """Return the upstream gradients as what they are: 1."""
    ones = {s: Wire("", s.spec, np.ones(s.spec.shape, s.spec.dtype)[()]) for s in joint.seeds}
    nodes = tuple(
        replace(node, inputs=tuple(ones.get(w, w) for w in node.inputs))
        for node in joint.graph.nodes
    )
    kept = tuple(w for w in joint.graph.inputs if w not in ones)
    outputs = tuple(ones.get(w, w) for w in joint.graph.outputs)
    joint.graph = replace(joint.graph, inputs=kept, nodes=nodes, outputs=outputs)
    joint.seeds = ()
    _settle(joint)
    return joint


def _simplified(joint: Joint, contracts: Collection[Contract], note: Note) -> Joint:
    written: set[Wire] = set()
    twins: dict[Wire, Wire] = {}
    collected = True
    for late in (False, True):
        for _ in range(_MOST_ROUNDS):
            rewriter = BackwardRewriter(joint.graph, contracts, note, joint.gradient_of, late=late)
            joint.graph = rewriter.run()
            twins.update(rewriter.stand_in)
            if not (rewriter.changed or rewriter.stand_in or collected):
                break  # as the last round left it
            joint.graph, collected = collect(joint.graph, note, written, joint.gradient_of)
            if not (rewriter.changed or collected):
                break
    _settle(joint)
    _follow(joint, twins)
    return joint


def _follow(joint: Joint, twins: Mapping[Wire, Wire]) -> None:
    """Let gradients of values that others stand for now be those of the others, if these have none."""
    alive = set(joint.graph.wires())
    taken = {of for wire, of in joint.gradient_of.items() if wire in alive}
    for wire, of in list(joint.gradient_of.items()):
        twin = of
        while twin in twins:
            twin = twins[twin]
        if wire in alive and of not in alive and twin in alive - taken:
            joint.gradient_of[wire] = twin
            taken.add(twin)


def _settle(joint: Joint) -> None:
    """Set the outputs and gradients to where they are now."""
    count = len(joint.outputs)
    joint.outputs, joint.gradients = joint.graph.outputs[:count], joint.graph.outputs[count:]
