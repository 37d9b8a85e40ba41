"""What `explain` returns: the account of a computation, and the ways to read it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..emit.array_expressions import expression
from ..engine.array_types import AnyArray
from ..engine.recorder import Origin
from ..engine.tensor import Tensor
from ..errors import GradientError
from ..graph.graph import Graph, Wire
from ..graph.tracing import build, record
from ..passes import simplify
from ..transforms.derivatives import vjp
from .account import Account
from .conjugates import conjugated
from .derivation import Derivation, derive
from .explained_graph import joint_graph
from .html import page
from .number_format import plain, short
from .styled_lines import lines, to_plain
from .terminal import show, to_rich


class Explanation:
    """A forward and a backward pass, gate by gate; see `explain`.

    ``print(e)`` shows the ledger, a notebook shows the picture and the ledger.

    >>> import clearprop
    >>> e = clearprop.explain(lambda x, y: x * y, 2.0, 5.0)
    >>> float(e.value), {name: float(g) for name, g in e.gradients.items()}
    (10.0, {'x': 5.0, 'y': 2.0})
    """

    def __init__(self, account: Account) -> None:
        self.account = account

    @property
    def graph(self) -> Graph:
        """The graph that was explained."""
        return self.account.graph

    @property
    def value(self) -> AnyArray:
        """The result of the forward pass."""
        return self.account.values[self.account.graph.outputs[0]]

    @property
    def gradients(self) -> dict[str, AnyArray]:
        """The gradient of each input, by name; inputs that get none are absent."""
        known = self.account.gradients
        return {w.name: known[w] for w in self.account.graph.inputs if w in known}

    def __str__(self) -> str:
        return to_plain(lines(self.account))

    __repr__ = __str__

    def show(self) -> None:
        """Print the ledger; to a terminal in colour: forward values green, gradients red."""
        show(lines(self.account))

    def __rich__(self) -> Any:
        """Return the ledger in colour, for rich."""
        return to_rich(lines(self.account))

    def html(self) -> str:
        """Return the ledger as an HTML fragment, with the picture above it."""
        return page(self.account)

    def _repr_html_(self) -> str:
        return self.html()

    def svg(self, path: str | Path | None = None) -> str:
        """Return the picture as an SVG document; also written to `path` if given."""
        from ..draw.svg import draw

        text = draw(self.account.graph, self.account.values, self.account.gradients)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def json(self, *, indent: int | None = 2) -> str:
        """Return the ledger as JSON text."""
        return json.dumps(self.as_dict(), indent=indent, ensure_ascii=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the ledger as dicts, lists and numbers."""
        account = self.account
        graph = account.graph
        return {
            "name": graph.name,
            "inputs": [
                {
                    "name": w.name,
                    "spec": str(w.spec),
                    "value": plain(account.values[w]),
                    "gradient": plain(account.gradients.get(w)),
                }
                for w in graph.inputs
            ],
            "forward": [
                {
                    "outputs": [
                        {"name": w.name, "spec": str(w.spec), "value": plain(account.values[w])}
                        for w in node.outputs
                    ],
                    "operation": node.primitive.name,
                    "inputs": [str(w) for w in node.inputs],
                    "line": None
                    if node.line is None
                    else {"number": node.line.number, "text": node.line.text},
                }
                for node in graph.nodes
            ],
            "backward": [
                {
                    "operation": gate.node.primitive.name,
                    "role": gate.node.primitive.role,
                    "outputs": [w.name for w in gate.node.outputs],
                    "upstream": [plain(g) for g in gate.upstream],
                    "passages": [
                        {
                            "input": str(p.wire),
                            "local": p.local.text,
                            "local_is_factor": p.local.is_factor,
                            "local_value": plain(p.local_value),
                            "summed_axes": list(p.summed_axes),
                            "downstream": plain(p.downstream),
                            "total": plain(p.total),
                        }
                        for p in gate.passages
                    ],
                }
                for gate in account.gates
            ],
            "nudges": [
                {
                    "input": w.name,
                    "step": account.step,
                    "predicted": predicted,
                    "measured": measured,
                }
                for w, (predicted, measured) in account.nudges.items()
            ],
        }

    def latex(self, *, gradients: str = "fraction") -> str:
        r"""Return the forward pass and, gate by gate, the backward pass as equations in LaTeX.

        `gradients` is how the gradient of W is written: ``"fraction"`` for ∂L/∂W, ``"bar"`` for a bar
        over W. See `clearprop.emit.latex.latex` for the notation.

        >>> from clearprop import explain
        >>> print(explain(lambda x, y: x * y, 4.0, -5.0).latex())
        \begin{aligned}
        L &= x y \\
        \frac{\partial L}{\partial x} &= y \\
        \frac{\partial L}{\partial y} &= x
        \end{aligned}
        """
        from ..emit.latex import latex

        graph, pairs = joint_graph(self.account)
        return latex(graph, gradients=gradients, gradient_of=pairs, all_steps=True)

    def derive(self, x: str | Tensor) -> Derivation:
        """Return why the gradient of a value is what it is, entry by entry, for each gate that uses it.

        `x` is the name of an input or a result, or the Tensor itself.

        >>> import numpy as np
        >>> def f(x, w):
        ...     y = x @ w
        ...     return np.sum(y)
        >>> from clearprop import explain
        >>> print(explain(f, np.ones((2, 3)), np.ones((3, 4))).derive("w"))
        y = x @ w
          y[i,j] = Σₖ x[i,k]·w[k,j]
          w[k,j] goes into y[i,j] for every i, so
          dw[k,j] = Σᵢ x[i,k]·dy[i,j]  ⇒  dw = xᵀ @ dy
        """
        name = x if isinstance(x, str) else (x.origin.name if x.origin else None)
        return derive(self.account, str(name))

    def formula(self, x: str | Tensor) -> str:
        """Return the gradient with respect to an input as an expression in the inputs.

        `x` is the input's name, or the Tensor itself. Named values that occur more than once are
        written out after "where".

        >>> from clearprop import explain
        >>> explain(lambda x, y: x * y, 4.0, -5.0).formula("x")
        'dout/dx = y'
        """
        graph = self.account.graph
        name = x if isinstance(x, str) else (x.origin.name if x.origin else None)
        wire = next((w for w in graph.inputs if w.name == name), None)
        if wire is None:
            raise GradientError(
                f"formula({name!r}): no such input; there are {', '.join(w.name for w in graph.inputs)}"
            )
        if wire not in self.account.gradients:
            raise GradientError(
                f"formula({name!r}): {name} gets no gradient: it holds no floating point numbers, or "
                f"{graph.outputs[0].name} does not depend on it smoothly"
            )
        return _formula(self.account, wire)


def _formula(account: Account, wire: Wire) -> str:
    """Run the backward pass on symbols, and print what comes out."""
    graph = account.graph.open()
    symbols = [Tensor(w.spec, None, (), {}, True, Origin(w.name)) for w in graph.inputs]
    place = [w.name for w in graph.inputs].index(wire.name)

    def downstream() -> AnyArray:
        def run(x: AnyArray) -> AnyArray:
            env = graph.run([*symbols[:place], x, *symbols[place + 1 :]])
            for made, value in env.items():
                if made.is_named and isinstance(value, Tensor) and value.origin is not None:
                    value.origin.rename(made.name, 0)
            return env[graph.outputs[0]]

        seed = account.gradients[account.graph.outputs[0]]
        found = vjp(run, symbols[place])[1](seed)[0]
        return conjugated(conjugated(found)) if found.dtype.kind == "c" else found

    result, _ = record(downstream, ((), {}), tracing=True)
    given = {w for node in graph.nodes for w in node.inputs if w.is_constant and w.is_named}
    names = {id(w.constant): w.name for w in given}
    back = simplify(build("gradient", symbols, [result], names))
    target = back.outputs[0]
    users = back.users()
    shared = [
        node.out
        for node in back.nodes
        if len(node.outputs) == 1
        and node.out.is_named
        and node.out is not target
        and not node.is_backward
        and len(users[node.out]) > 1
    ]
    text = expression(back, target, stop=shared)
    if text == target.name and target.is_constant and not target.is_named:
        text = short(target.constant)
    used: dict[str, str] = {}
    for w in reversed(shared):  # a value comes before its users
        if any(_mentions(written, w.name) for written in (text, *used.values())):
            used[w.name] = expression(back, w, stop=shared)
    unnamed = {
        w.name: short(w.constant)
        for node in back.nodes
        for w in node.inputs
        if w.is_constant and not w.is_named
    }
    for name, written in unnamed.items():
        if any(_mentions(other, name) for other in (text, *used.values())):
            used[name] = written
    where = ", ".join(f"{name} = {written}" for name, written in reversed(used.items()))
    whole = f"d{account.graph.outputs[0].name}/d{wire.name} = {text}"
    return f"{whole}, where {where}" if where else whole


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None
