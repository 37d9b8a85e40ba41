"""The ledger as lines of styled text, for any medium that has lines."""

from __future__ import annotations

from ..emit.array_expressions import write
from ..engine.primitive import ROLES
from ..graph.graph import Node, Wire
from .account import Account, Gate, Passage
from .local import UNWRITTEN, UPSTREAM
from .number_format import bracketed, short

Line = list[tuple[str, str]]
"""Pieces of (style, text); styles: plain, head, value, gradient, dim."""


def to_plain(document: list[Line]) -> str:
    """Return the text without its styles."""
    return "\n".join("".join(text for _, text in line).rstrip() for line in document)


def lines(account: Account) -> list[Line]:
    """Return the whole ledger."""
    return [
        *_forward(account),
        [],
        *_backward(account),
        [],
        *_results(account),
        *_nudges(account),
    ]


def written(node: Node) -> str:
    """Return a node as an assignment in NumPy's notation."""
    text, _ = write(node, [_ref(wire) for wire in node.inputs])
    return f"{', '.join(w.name for w in node.outputs)} = {text}"


def _ref(wire: Wire) -> tuple[str, int]:
    text = str(wire)
    return (text, 30) if text.startswith("-") else (text, 100)


def _with_numbers(account: Account, node: Node) -> str:
    """Return the right-hand side with values in place of names, for gates on scalars."""
    if any(w.spec.shape != () for w in (*node.inputs, *node.outputs)):
        return ""
    text, _ = write(node, [_number(short(account.values[wire])) for wire in node.inputs])
    return text


def _number(text: str) -> tuple[str, int]:
    """Return a number as an operand: bound as loosely as it is written."""
    return text, 0 if text.endswith("j") else 29 if text.startswith("-") else 100


def _forward(account: Account) -> list[Line]:
    graph = account.graph
    inputs = [f"{w.name} = {short(account.values[w])}" for w in graph.inputs]
    document: list[Line] = [
        [("head", "Forward"), ("dim", "   inputs: "), ("value", ", ".join(inputs))]
    ]
    equations = [written(node) for node in graph.nodes]
    width = min(48, max(map(len, equations), default=0))
    for node, equation in zip(graph.nodes, equations, strict=True):
        numbers = _with_numbers(account, node)
        result = ", ".join(short(account.values[w]) for w in node.outputs)
        line: Line = [("plain", f"  {equation:<{width}}  ")]
        if numbers:
            line.append(("dim", f"= {numbers} "))
        line.append(("value", f"= {result}"))
        if node.body is not None:
            line.append(("dim", f"   (block of {len(node.body.nodes)} gates)"))
        document.append(line)
    return document


def _backward(account: Account) -> list[Line]:
    output = account.graph.outputs[0]
    document: list[Line] = [
        [
            ("head", "Backward"),
            ("dim", "  upstream × local = downstream, starting from "),
            ("gradient", f"d{output.name} = {short(account.gradients[output])}"),
        ]
    ]
    explained: set[str] = set()
    for gate in account.gates:
        document += _gate(
            gate, role_sentence(gate.node, full=gate.node.primitive.name not in explained)
        )
        explained.add(gate.node.primitive.name)
    return document


def _gate(gate: Gate, role: str) -> list[Line]:
    node = gate.node
    arriving = ", ".join(
        f"d{w.name} = {short(g)}"
        for w, g in zip(node.outputs, gate.upstream, strict=True)
        if g is not None
    )
    document: list[Line] = [
        [("plain", f"  {written(node)}"), ("dim", "   upstream "), ("gradient", arriving)],
        [("dim", f"    {role}")],
    ]
    for passage in gate.passages:
        document += _passage(gate, passage)
    if not gate.passages:
        document.append([("dim", "    nothing to pass on: no input of it needs a gradient")])
    return document


def role_sentence(node: Node, *, full: bool = True) -> str:
    """Return the gate's part in the backward pass; in full with what follows from it."""
    name, why = node.primitive.name, node.primitive.why
    if node.body is not None:
        sentence = f"{name} is a block of {len(node.body.nodes)} gates."
    else:
        sentence = f"{name} {ROLES[node.primitive.role]}."
    return f"{sentence} {why}".rstrip() if full else sentence


def _passage(gate: Gate, passage: Passage) -> list[Line]:
    name = str(passage.wire)
    out = gate.node.outputs[0].name
    local = passage.local
    line: Line = [("plain", f"    to {name}: ")]
    if local.is_factor:
        line += [("dim", "local "), ("plain", f"∂{out}/∂{name} = {local.text}")]
        if passage.local_value is not None and not _is_number(local.text):
            line.append(("value", f" = {short(passage.local_value)}"))
        line += [("dim", ", downstream ")]
        if (
            passage.local_value is not None
            and passage.wire.spec.shape == () == gate.node.outputs[0].spec.shape
        ):
            upstream, factor = short(gate.upstream[0]), short(passage.local_value)
            if upstream.endswith("j"):
                upstream = bracketed(upstream)
            if factor.endswith("j") and passage.wire.spec.dtype.kind != "c":
                line.append(("dim", "the real part of "))
            line.append(("plain", f"{upstream} × {bracketed(factor)} = "))
    else:
        if local.text in UNWRITTEN:
            line.append(("dim", f"downstream ({local.text})"))
        else:
            line += [("dim", "downstream = "), ("plain", local.text.replace(UPSTREAM, f"d{out}"))]
        if passage.local_value is not None:
            line += [("dim", ", local (Jacobian) "), ("value", short(passage.local_value))]
        line += [("dim", ", = ")]
    line.append(("gradient", short(passage.downstream)))
    document = [line]
    if passage.summed_axes:
        axes = " and ".join(map(str, passage.summed_axes))
        document.append(
            [
                (
                    "dim",
                    f"      {name} was stretched over axis {axes} of {out}, and the gradients of copies add "
                    f"up: summed over axis {axes}",
                )
            ]
        )
    if passage.before is not None:
        total = f"d{name} = {short(passage.before)} + {bracketed(short(passage.downstream))} = "
        document.append(
            [
                ("dim", f"      {name} is used in several places, and contributions add up: "),
                ("plain", total),
                ("gradient", short(passage.total)),
            ]
        )
    return document


def _is_number(text: str) -> bool:
    try:
        complex(text)
    except ValueError:
        return False
    return True


def _results(account: Account) -> list[Line]:
    document: list[Line] = [[("head", "Gradients")]]
    output = account.graph.outputs[0].name
    for wire in account.graph.inputs:
        if wire not in account.gradients:
            document.append(
                [
                    (
                        "dim",
                        f"  d{output}/d{wire.name}: none, the output does not depend on it smoothly",
                    )
                ]
            )
            continue
        line: Line = [
            ("plain", f"  d{output}/d{wire.name} = "),
            ("gradient", short(account.gradients[wire])),
        ]
        parts = account.contributions.get(wire, [])
        if len(parts) > 1:
            sum_of = " + ".join(bracketed(short(p)) for p in reversed(parts))
            line.append(("dim", f"   = {sum_of}, one from each of {len(parts)} uses"))
        document.append(line)
    return document


def _nudges(account: Account) -> list[Line]:
    if not account.nudges:
        return []
    output = account.graph.outputs[0].name
    document: list[Line] = [[], [("head", "Nudges")]]
    for wire, (predicted, measured) in account.nudges.items():
        document.append(
            [
                ("plain", f"  raise {wire.name} by {account.step:g}: {output} predicted "),
                ("gradient", f"{predicted:.4g}"),
                ("plain", ", measured "),
                ("value", f"{measured:.4g}"),
            ]
        )
    return document
