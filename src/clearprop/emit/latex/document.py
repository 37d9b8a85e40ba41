"""`source(..., to="latex")`: the joint graph of forward and backward pass as equations for a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...engine.spec import spec_of
from ...graph.graph import Graph
from ...passes.person.rationals import quotient
from ..derived import Derived
from ..target import Code, Target, commented
from .equations import equations
from .symbols import SPELLING, symbol
from .unfolding import Unfolded


class Latex(Target):
    """Equations for a document. Nobody can run them; what they are read from is verified."""

    name = "latex"
    spelling = SPELLING
    compounds = True
    recomputes = False
    needs = (
        "For a document that loads amsmath; Clearprop's docs/derivations.md explains the notation.",
    )

    def write(self, derived: Derived) -> Code:
        return Equations(_body(derived))

    def markdown(self, text: str) -> str:
        return f"$$\n{self.equations(text)}\n$$"

    def equations(self, text: str) -> str:
        body = re.sub(r"^%.*\n", "", text, flags=re.MULTILINE).strip()
        return body.replace("{align*}", "{aligned}")


@dataclass(frozen=True)
class Equations(Code):
    """The equations of both passes."""

    body: str
    not_run = "The computation that these equations are read from, run"

    def text(self, header: Sequence[str] = (), steps: Sequence[str] = ()) -> str:
        return commented("%", SPELLING, self.body, header, steps)


def _body(derived: Derived) -> str:
    """Return the text, without its header."""
    joint = derived.joint
    pairs = [
        *joint.gradient_of.items(),
        *zip(joint.seeds, joint.outputs, strict=False),
        *zip(joint.gradients, derived.problem.input_wires(), strict=True),
    ]
    style = "bar" if derived.problem.gradient_names.endswith("_bar") else "fraction"
    forward, backward = equations(joint.graph, pairs, gradients=style)
    parts = ["% forward", " \\\\\n".join(forward)] if forward else []
    if backward:
        if forward:
            parts[-1] += " \\\\[1ex]"
        parts += ["% backward", " \\\\\n".join(backward)]
    text = "\n".join(["\\begin{align*}", *parts, "\\end{align*}"]) + "\n"
    return "".join(f"% {SPELLING.comment(line)}\n" for line in _constants(joint.graph, text)) + text


def _constants(graph: Graph, text: str) -> list[str]:
    """Describe the arrays that the function has as constants: the equations name but do not define them."""
    found = []
    for wire in Unfolded(graph).wires():
        if wire.is_constant and wire.spec.ndim and not quotient(wire):
            name = symbol(wire.name or "c", wire.spec.ndim)
            if name in text and symbol(wire.name or "c", 0) + "_{ij} &=" not in text:
                found.append(f"{wire.name}: {spec_of(wire.spec)}, which the function has.")
    return found


TARGET = Latex()
