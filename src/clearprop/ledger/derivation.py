"""`derive`: why a gradient looks as it does, entry by entry, for each gate that uses a value."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from ..emit.array_expressions import expression
from ..engine.array_types import AnyArray
from ..engine.broadcasting import stretched_axes
from ..errors import GradientError, GradientMismatch
from ..graph.graph import Node, Wire
from . import index_movement as index_movement  # which fills the table, too
from .account import Account, Gate, Passage
from .html import STYLE
from .index_forms import Form, Use, form_of
from .local import UNWRITTEN, UPSTREAM, rule_graph
from .styled_lines import written


@dataclass(frozen=True, slots=True)
class Step:
    """What one gate hands to the value, entry by entry and as NumPy code."""

    node: Node
    form: Form | None
    array: str
    """The downstream gradient as an expression, empty where there is none."""
    instead: str
    """What stands where there is no expression."""
    downstream: AnyArray

    @property
    def reason(self) -> str:
        """Why, in words."""
        if self.form is None:
            return (
                f"{self.node.primitive.name} has no index form. {self.node.primitive.why}".strip()
            )
        if self.form.reason:
            return self.form.reason
        forward, back, _ = self.form
        entry, target = forward.left, back.left
        held = [c for c in entry.letters if c not in target.letters and back.sizes.get(c, 1) != 1]
        name = target.text[1:]
        if held:
            return f"{name} goes into {entry.text} for every {' and '.join(held)}"
        return self.node.primitive.why


class Derivation:
    """The gradient of one value in index notation, gate by gate; see `Explanation.derive`.

    It prints as text, a notebook shows it as equations, and `latex` gives these.
    """

    def __init__(self, account: Account, wire: Wire) -> None:
        self.account = account
        self.wire = wire
        self.steps = [
            _step(account, gate, passage)
            for gate in account.gates
            for passage in gate.passages
            if passage.wire is wire
        ]

    # ---- reading

    def __str__(self) -> str:
        name = self.wire.name
        if not self.steps:
            return (
                f"{name} is the result, where the gradient starts: d{name} = 1, or what was given"
            )
        lines: list[str] = []
        for step in self.steps:
            lines.append(written(step.node))
            if step.form is None:
                lines.append(f"  {step.reason}")
                shown = step.array or step.instead
                lines.append(f"  d{name} = {shown}")
            else:
                lines.append(f"  {step.form.forward.text}")
                lines.append(f"  {step.reason}" + ("" if step.reason.endswith(".") else ", so"))
                arrow = f"  ⇒  d{name} = {step.array}" if step.array else ""
                lines.append(f"  {step.form.backward.text}{arrow}")
        if len(self.steps) > 1:
            lines.append(
                f"{name} is used {len(self.steps)} times: d{name} is the sum of these contributions"
            )
        return "\n".join(lines)

    __repr__ = __str__

    def latex(self) -> str:
        r"""Return the index forms as aligned equations; a bar marks a gradient.

        >>> from clearprop import explain
        >>> import numpy as np
        >>> def f(x, w):
        ...     return np.sum(x * w)
        >>> print(explain(f, np.ones(3), np.ones(3)).derive("w").latex())
        \begin{aligned}
        (t_1)_i &= x_i w_i \\
        \bar{w}_i &= (\bar{t}_1)_i x_i
        \end{aligned}
        """
        lines = []
        for step in self.steps:
            if step.form is not None:
                for equation in step.form[:2]:
                    lines.append(
                        equation.tex.replace(" = ", " &= ", 1).replace(
                            " \\mathrel", " &\\mathrel", 1
                        )
                    )
        if not lines:
            return ""
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _repr_html_(self) -> str:
        return f'<style>{STYLE}</style>\n<div class="clearprop">{escape(str(self))}</div>'

    # ---- checking

    def verify(self, *, tolerance: float = 1e-6) -> float:
        """Evaluate the index forms entry by entry, and compare them with the gradients.

        Returns
        -------
        float : the largest difference seen, relative to the largest number it was seen in.

        Raises
        ------
        GradientMismatch : a difference is larger than `tolerance`.
        """
        worst = 0.0
        for step in self.steps:
            if step.form is None:
                continue
            found = step.form.backward.evaluate()
            error = _difference(found, step.downstream)
            if not error <= tolerance:
                raise GradientMismatch(
                    f"{step.form.backward.text} gives {found}, but {step.node.primitive.name} hands back "
                    f"{step.downstream}"
                )
            worst = max(worst, error)
        return worst


def derive(account: Account, name: str) -> Derivation:
    """Return the derivation of the gradient of the value with this name."""
    wires = {w.name: w for w in account.graph.wires() if not w.is_constant}
    wire = wires.get(name)
    if wire is None:
        raise GradientError(
            f"derive({name!r}): there is no such value; there are {', '.join(wires)}"
        )
    if wire not in account.gradients:
        raise GradientError(
            f"derive({name!r}): {name} gets no gradient: it holds no floating point numbers, or "
            f"{account.graph.outputs[0].name} does not depend on it smoothly"
        )
    return Derivation(account, wire)


def _step(account: Account, gate: Gate, passage: Passage) -> Step:
    form = None
    if gate.upstream[0] is not None and len(gate.node.outputs) == 1:
        form = form_of(Use(account, gate.node, passage.position, gate.upstream[0]))
    array = _array_text(gate.node, passage)
    return Step(gate.node, form, array, passage.local.text, passage.downstream)


def _array_text(node: Node, passage: Passage) -> str:
    """Return the downstream gradient as NumPy code."""
    if passage.local.text in UNWRITTEN:
        return ""
    graph = rule_graph(node, passage.position, is_factor=False)
    text = expression(graph, graph.outputs[0]).replace(UPSTREAM, f"d{node.outputs[0].name}")
    made, wanted = graph.outputs[0].spec.shape, passage.wire.spec.shape
    if made != wanted and len(made) >= len(wanted) and np.prod(made) >= np.prod(wanted):
        axes = stretched_axes(wanted, made)
        plain = text.replace(".", "").replace("_", "").isalnum()
        where = str(axes[0] if len(axes) == 1 else axes)
        kept = len(made) == len(wanted)
        text = f"{text if plain else f'({text})'}.sum({where}{', keepdims=True' if kept else ''})"
        if not kept and len(made) - len(axes) != len(wanted):
            text += f".reshape({wanted})"
    elif made != wanted:
        text += f", stretched to {wanted}"
    return text.replace(".T", "ᵀ")


def _difference(found: AnyArray, expected: AnyArray) -> float:
    """Return the largest difference, relative to the largest number."""
    expected = np.asarray(expected, float)
    if not expected.size:
        return 0.0
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0.0, np.abs(found - expected))
    finite = np.abs(expected[np.isfinite(expected)])
    return float(np.max(error) / max(1.0, np.max(finite, initial=0.0)))
