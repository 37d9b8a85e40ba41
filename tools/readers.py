"""``python -m tools.readers``: write docs/operations.md, the table of all operations and all that reads them.

Which operations a target lacks is taken from docs/source.md: run ``python -m tools.forms`` before.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from pathlib import Path

import numpy as np

from clearprop.emit.forms import jax, numpy, torch
from clearprop.emit.latex.writer import FUNCTIONS, WRITERS
from clearprop.engine.bundle import as_bundle
from clearprop.engine.primitive import TRAITS, Primitive, primitives
from clearprop.engine.spec import is_floating, spec_of
from clearprop.errors import TraceError
from clearprop.graph.graph import Graph, Node, Wire
from clearprop.ledger.explain import explain  # noqa: F401  # whose index forms register themselves
from clearprop.ledger.index_forms import FORMS
from clearprop.passes.decompositions import decomposition_of
from clearprop.stages import fuse
from clearprop.stages.grouping import Grouping
from clearprop.stages.lowerings import ELEMENTWISE, LIBRARY
from clearprop.stages.operations import COSTS
from tools import forms

PAGE = Path(__file__).parent.parent / "docs" / "operations.md"
OWN, DERIVED, PARTS, NONE = "own", "=", "parts", ""
LIBRARIES = {"numpy": numpy, "torch": torch, "jax": jax}
HEAD = f"""# All operations, and what reads them

Each operation is one record, and each column of this table a reader. `{OWN}`: it has something of its own to
say about the operation. `{DERIVED}`: what it says follows from the record, from the name or the traits.
`{PARTS}`: it reads the operation as several simpler ones. Nothing: there is no form; the gradient cannot be
written in that [language](source.md), `compile` leaves the operation to NumPy, or no formula says it entry by
entry. Read is the first sample of each. Made by `python -m tools.readers`; a test keeps it up to date.

The traits:

{{traits}}

"""


def in_library(target: str, node: Node) -> str:
    """Return how NumPy, PyTorch or JAX code says it."""
    table, language = LIBRARIES[target], import_module(f"clearprop.emit.{target}").LANGUAGE
    if node.primitive.name in {*table.CALLS, *table.ENTRIES, *language.lines}:
        return OWN
    return DERIVED if language.has(node) else PARTS


def in_stages(node: Node, further: Collection[str] = ()) -> str:
    """Return whether loops compute it: as the operation of the same name, or in a way of its own."""
    name = node.primitive.name
    if name in {*ELEMENTWISE, *further}:
        return DERIVED if name in COSTS else OWN
    grouping = Grouping(Graph("", node.inputs, (node,), node.outputs), fuse)
    grouping.add(node)
    return NONE if any(group.host for group in grouping.groups) else OWN


def row(node: Node, lacks: dict[str, set[str]]) -> dict[str, str]:
    """By reader: how it reads an operation."""
    name, traits = node.primitive.name, node.primitive.traits
    found = {}
    for target in forms.TARGETS:
        if name in lacks[target]:
            found[target] = NONE
        elif target in LIBRARIES:
            found[target] = in_library(target, node)
        else:
            found[target] = in_stages(node, LIBRARY) or PARTS
    found["latex"] = OWN if name in {*WRITERS, *FUNCTIONS} else DERIVED
    found["compile"] = in_stages(node) or (PARTS if decomposition_of(node, "compile") else NONE)
    found["index form"] = OWN if name in FORMS else DERIVED if "elementwise" in traits else NONE
    return found


def applied(primitive: Primitive) -> Node:
    """Return the operation on its first sample with floating arrays, or its first one."""
    drawn = [(sample, sample.draw()) for sample in primitive.samples]
    floating = (d for d in drawn if any(is_floating(x.dtype) for x in d[1] if hasattr(x, "dtype")))
    sample, inputs = next(floating, drawn[0])
    known = [{} if hasattr(x, "dtype") else {"constant": x} for x in inputs]
    wires = tuple(Wire(f"x{i}", spec_of(x), **known[i]) for i, x in enumerate(inputs))
    try:
        made = primitive.spec(
            *(w.constant if w.is_constant else w.spec for w in wires), **sample.params
        )
    except TraceError:  # how many entries a mask picks is a shape
        made = primitive.spec(*inputs, **sample.params)
    outputs = tuple(Wire(f"y{i}", spec) for i, spec in enumerate(as_bundle(made)))
    return Node(primitive, wires, outputs, sample.params)


def write(lacks: dict[str, set[str]]) -> str:
    """Return the page."""
    records = sorted((name, p) for name, p in vars(primitives).items() if p.samples)
    rows = {name: row(applied(p), lacks) for name, p in records}
    columns = list(rows["add"])
    lines = [f"| operation | {' | '.join(columns)} | traits |", "|---" * (2 + len(columns)) + "|"]
    for name, found in rows.items():
        traits = ", ".join(t for t in TRAITS if t in getattr(primitives, name).traits)
        lines.append(f"| `{name}` | {' | '.join(found[c] for c in columns)} | {traits} |")
    traits = "\n".join(f"- *{trait}*: {what}" for trait, what in TRAITS.items())
    return HEAD.format(traits=traits) + "\n".join(lines) + "\n"


def main() -> None:
    _, listed, _ = forms.section(forms.PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(write(forms.listed(listed)), encoding="utf-8")


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
