"""Every application of a rule keeps what the rule's contract says, on numbers of all kinds.

Both sides are cut out of the graph, down to wires whose values can be chosen freely.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest

import clearprop
from clearprop.graph.graph import Graph, Node, Wire
from clearprop.passes import expand
from clearprop.passes.matching import Context
from clearprop.passes.person import derive_backward
from clearprop.passes.rewriting import Rewriter
from clearprop.passes.rule import RULES, Contract, Found, Rule, RuleBook, rule
from tests.emit.test_rules import CASES, drawn, upstream
from tests.graph.test_passes import APPLIES

DTYPES = ("float64", "float32", "complex128")
SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, 1e308, -1e-40)
DRAWS = 12
RTOL = {"float64": 1e-12, "float32": 2e-5, "complex128": 1e-12}
"""Rounding of sums of a dozen numbers."""


class Sides(NamedTuple):
    """What a rule found and what it put there, as functions of the same values."""

    before: Graph
    after: Graph


# ---- cutting both sides out


def leaves_of(out: Wire, made: dict[Wire, Node], cut: set[Wire]) -> tuple[list[Node], list[Wire]]:
    """The nodes that make a wire, in order, and the wires that they start from."""
    nodes: list[Node] = []
    leaves: list[Wire] = []
    seen: set[Wire] = set()

    def visit(wire: Wire) -> None:
        if wire in seen or wire.is_constant:
            return
        seen.add(wire)
        node = made.get(wire)
        if node is None or wire in cut:
            leaves.append(wire)
            return
        for w in node.inputs:
            visit(w)
        nodes.append(node)

    visit(out)
    return nodes, leaves


def sides(node: Node, found: Found, made: dict[Wire, Node]) -> Sides:
    """Both sides of a rule that fitted, from wires none of which depends on another."""
    news = found if isinstance(found, tuple) else (found,) if isinstance(found, Node) else ()
    after_made = {**made, **{w: part for part in news for w in part.outputs}}
    before_made = {**made, node.out: node}
    out = found if isinstance(found, Wire) else node.out
    own = {w for part in news for w in part.outputs}
    reads = {out} if not news else {w for part in news for w in part.inputs}
    cut = {w for w in reads - own if not w.is_constant}
    while True:
        nodes, leaves = leaves_of(node.out, before_made, cut)
        instead, others = leaves_of(out, after_made, cut)
        free = dict.fromkeys([*leaves, *others])
        bound = [w for w in cut if w in made and depends(w, made, {*free} - {w})]
        if not bound:
            break
        for w in bound:
            cut.remove(w)
            cut |= {i for i in made[w].inputs if not i.is_constant}
    return Sides(
        Graph("before", tuple(free), tuple(nodes), (node.out,)),
        Graph("after", tuple(free), tuple(instead), (out,)),
    )


def depends(wire: Wire, made: dict[Wire, Node], others: set[Wire]) -> bool:
    return not others.isdisjoint(leaves_of(wire, made, others)[1])


class Notes:
    """Collects both sides of every rule that is applied."""

    def __init__(self) -> None:
        self.found: dict[str, list[Sides]] = defaultdict(list)

    def note(self, name: str, node: Node, found: Found, made: dict[Wire, Node]) -> None:
        self.found[name].append(sides(node, found, dict(made)))


def cast(x: Any, dtype: str) -> Any:
    return np.asarray(x, dtype)[()] if np.asarray(x).dtype.kind == "f" else x


def real(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: np.real(f(*args))


ALONE: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    *((f, examples) for _, f, examples, _ in APPLIES),
    (lambda x, y: x * (1 / y), (np.ones(3), np.ones(3))),
    (clearprop.grad(lambda x: np.real(np.arcsinh(x)).sum()), (np.ones(3),)),
]


@cache
def applications(dtype: str) -> dict[str, list[Sides]]:
    """Both sides of what rules do to programs and their gradients, whichever reader applies them."""
    notes = Notes()
    programs: list[tuple[Callable[..., Any], list[Any]]] = []
    for f, examples in ALONE:
        programs.append((f, [cast(x, dtype) for x in examples]))
    for name, (f, sizes) in CASES.items():
        args = [cast(x, dtype) for x in drawn(sizes, 0)]
        f = f if dtype != "complex128" else real(f)
        places = list(range(len(args)))
        programs.append((clearprop.grad(f, argnums=tuple(places)), args))
        forward = clearprop.trace(f, *args).open()
        seeded = bool(upstream(name))
        derive_backward(forward, places, [0], upstream=seeded, note=notes.note)
    for f, args in programs:
        book = RuleBook("program", get_args(Contract))
        Rewriter(expand(clearprop.trace(f, *args)), book, notes.note).run()
    return notes.found


# ---- comparing them


def values(spec: Any, rng: np.random.Generator, special: bool) -> Any:
    shape, dtype = spec.shape, spec.dtype
    if dtype.kind == "b":
        return (rng.random(shape) < 0.5)[()]
    if dtype.kind in "iu":
        return rng.integers(0, 2, shape).astype(dtype)[()]
    numbers = rng.standard_normal((2, *shape))
    if special:
        there = rng.random(numbers.shape) < 0.5
        numbers = np.where(there, rng.choice(SPECIAL, numbers.shape), numbers)
    with np.errstate(all="ignore"):
        if dtype.kind == "c":
            return (numbers[0] + 1j * numbers[1]).astype(dtype)[()]
        return numbers[0].astype(dtype)[()]


def both(pair: Sides, rng: np.random.Generator, special: bool) -> tuple[Any, Any]:
    args = [values(w.spec, rng, special) for w in pair.before.inputs]
    with np.errstate(all="ignore"):
        return tuple(np.asarray(graph.evaluate(*args)) for graph in pair)  # type: ignore[return-value]


def check(pair: Sides, contract: Contract, rng: np.random.Generator) -> None:
    for special in (False, True) if contract == "exact" else (False,):
        for _ in range(DRAWS):
            before, after = both(pair, rng, special)
            spec = pair.before.outputs[0].spec
            assert (after.shape, after.dtype) == (spec.shape, spec.dtype)
            before = before.astype(spec.dtype)  # results of Python's numbers alone have none
            if contract == "exact":
                defined = (
                    ~np.isnan(before) if before.dtype.kind == "c" else np.full(before.shape, True)
                )
                np.testing.assert_array_equal(after[defined], before[defined])
            else:
                defined = np.isfinite(before)
                scale = np.max(np.abs(before[defined]), initial=1e-30)
                rtol = RTOL.get(before.dtype.name, 0)
                np.testing.assert_allclose(after[defined], before[defined], rtol, rtol * scale)


VALUES = [r for r in RULES if r.readers != ("known",)]
"""Those that are known by name give gradients rather than values: `test_rules` compares these."""


@pytest.mark.parametrize("rule", VALUES, ids=lambda r: r.name)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_rule_keeps_its_contract(rule: Rule, dtype: str) -> None:
    found = applications(dtype)[rule.name]
    assert found or dtype == "complex128", "no program shows it"
    for number, pair in enumerate(found):
        check(pair, rule.contract, np.random.default_rng(number))


@pytest.mark.parametrize("name", ["multiply_by_reciprocal", "mask", "product_into_choice"])
def test_what_is_not_exact_is_found(name: str) -> None:
    def check_all() -> None:
        for number, pair in enumerate(applications("float64")[name]):
            check(pair, "exact", np.random.default_rng(number))

    with pytest.raises(AssertionError):
        check_all()


def test_a_rule_without_a_contract_is_refused() -> None:
    def zero_times(node: Node, context: Context) -> Found:
        return None

    before = list(RULES)
    with pytest.raises(ValueError, match="rule zero_times has no contract: write @rule"):
        rule(zero_times)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'almost' is no contract of a rule: write @rule"):
        rule("almost", "program")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"readers 'program', .* not for \(\)"):
        rule("exact")
    with pytest.raises(ValueError, match=r"not for \('everyone',\)"):
        rule("exact", "everyone")  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="multiplied"):
        rule("exact", "program", at="multiplied")
    assert before == RULES


def test_compiled_code_and_forward_passes_get_exact_rules() -> None:
    """But for one that divides once instead of twice."""
    others = {
        r.name for r in RULES if {"program", "forward"} & {*r.readers} and r.contract != "exact"
    }
    assert others == {"multiply_by_reciprocal"}
