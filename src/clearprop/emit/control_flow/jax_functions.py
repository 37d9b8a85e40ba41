"""Loops and choices as JAX has them: `lax.scan`, `lax.while_loop`, `lax.cond` and `lax.switch`.

What a step or a branch does is a function within the function; it reads by name what stands around it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from ...graph.graph import Graph, Node, Wire
from ..program import INDENT
from ..statements import LONGEST, Author
from .body_author import BodyAuthor
from .control import Carry, Control, carries_of, indented, plural, variable_name


def packed(texts: Sequence[str]) -> str:
    """Return one value, or several in brackets; None for none."""
    if len(texts) < 2:
        return texts[0] if texts else "None"
    return f"({', '.join(texts)})"


class JaxControl(Control):
    """What the functions that JAX's loops and choices take have in common."""

    def function(
        self, name: str, arguments: Sequence[Sequence[str]], inner: BodyAuthor, result: str
    ) -> list[str]:
        """Return the lines of a function of packed arguments."""
        heads, unpacked = [], []
        for names, word in zip(arguments, ("carry", "entry"), strict=False):
            if len(names) == 1:
                heads.append(names[0])
                continue
            heads.append("_" if word == "entry" and not names else word)
            if names:
                unpacked.append(f"{', '.join(names)} = {word}")
        lines = inner.lines(headed=self.node.is_backward, under=self.answers)
        lines = [*unpacked, *(lines if inner.statements else []), f"return {result}"]
        return [f"def {name}({', '.join(heads)}):", *indented(lines)]

    def carried(self, inner: BodyAuthor, carries: Sequence[Carry]) -> list[str]:
        """Give names to what a step gets."""
        found = []
        for carry in carries:
            name = inner.names.give(carry.before, variable_name(self.author, carry))
            inner.carry(name, carry.before, carry.after)
            inner.kept.add(carry.after)
            found.append(name)
        return found

    def handed_out(self, inner: BodyAuthor, wires: Sequence[Wire], known: Collection[str]) -> str:
        """Write the values that a body returns; what they read is `known` around it, or the body's own."""
        found = [self.value(inner, wire) for wire in wires]
        self.reads |= {name for _, reads in found for name in reads}.intersection(known)
        return packed([text for text, _ in found])

    def outcome(self, wires: Sequence[Wire | None]) -> str:
        """Return the names of results; a line for those that nobody reads."""
        return packed(["_" if w is None else self.result(w) for w in wires]) if wires else "_"

    def name(self, text: str) -> str:
        """Return a free name for a function."""
        spec = self.node.outputs[0].spec
        return self.names.give(Wire("", spec), text if text.isidentifier() else "step")


def scan(author: Author, node: Node) -> None:
    """Write ``jax.lax.scan(step, start, xs)``."""
    control, p = JaxControl(author, node), node.params
    body: Graph = p["body"]
    first, last = p["closed"], p["closed"] + p["carried"]
    closed = dict(zip(body.inputs[:first], node.inputs, strict=False))
    arrays: dict[Wire, str] = {}
    for entry, array in zip(body.inputs[last:], node.inputs[last:], strict=True):
        alike = control.alike(entry, array)
        if alike is None:
            arrays[entry] = control.array(array)
        else:
            closed[entry] = alike
    inner = BodyAuthor(author, body, closed)
    carries = carries_of(node, inner, first, dict(zip(p["finals"], node.outputs, strict=False)))
    starts = [control.start(carry.start) for carry in carries]
    known = frozenset(control.names.taken)
    before = control.carried(inner, carries)
    entries = [inner.names.give(e, _entry_name(e, text)) for e, text in arrays.items()]
    collected = inner.graph.outputs[p["carried"] :]
    inner.kept.update(collected)
    inner.results = _handed_out_twice(inner)
    inner.write_all()
    after = control.handed_out(inner, [carry.after for carry in carries], known)
    result = f"{after}, {control.handed_out(inner, collected, known)}"
    control.reads |= inner.reads(known)
    step = control.name(body.name)
    lines = control.function(step, [before, entries], inner, result)
    ends = control.outcome([carry.end for carry in carries])
    outsides = node.outputs[len(p["finals"]) :]
    for inside, outside in zip(collected, outsides, strict=True):
        if not control.names.gradient_of.get(outside, outside).is_named:
            control.names.give(outside, _collected_name(inner, inside))
    over = packed(list(arrays.values())) + ("" if arrays else f", length={p['length']}")
    over += ", reverse=True" * p["reverse"]
    results = f"{ends}, {control.outcome(outsides)}"
    call = f"{step}, {packed(starts)}, {over}"
    lines.append(f"{results} = jax.lax.scan({call})")
    if len(lines[-1]) > LONGEST:
        lines[-1:] = [f"{results} = jax.lax.scan(", f"{INDENT}{call}", ")"]
    control.state(lines)


def _collected_name(inner: BodyAuthor, wire: Wire) -> str:
    """Return a name for all values of a step, or for all before the steps."""
    one = wire.called or wire.name if wire.is_named else inner.names.suggestion(wire)
    return f"{plural(one)}_before" if wire in inner.graph.inputs else plural(one)


def _handed_out_twice(inner: BodyAuthor) -> set[Wire]:
    """Return the values that a body returns more than once; others may stand in its last line."""
    outputs = inner.graph.outputs
    return {wire for wire in outputs if outputs.count(wire) > 1}


def _entry_name(entry: Wire, array: str) -> str:
    """Return the user's name of an entry, or one after its array."""
    if entry.is_named and (name := entry.called or entry.name).isidentifier():
        return name
    return f"{array}_t" if array.isidentifier() else "entry"


def while_loop(author: Author, node: Node) -> None:
    """Write ``jax.lax.while_loop(condition, step, start)``, which knows of no limit."""
    control, p = JaxControl(author, node), node.params
    condition, body, count = p["condition"], p["body"], p["closed"]
    inner = BodyAuthor(author, body, dict(zip(body.inputs[:count], node.inputs, strict=False)))
    closed = dict(zip(condition.inputs[:count], node.inputs, strict=False))
    asked = BodyAuthor(author, condition, closed)
    carries = carries_of(node, inner, count, dict(zip(p["finals"], node.outputs, strict=True)))
    starts = [control.start(carry.start) for carry in carries]
    known = frozenset(control.names.taken)
    before = control.carried(inner, carries)
    asked.names.given.update(zip(condition.inputs[count:], before, strict=True))
    asked.results = set()
    asked.write_all()
    test = control.handed_out(asked, asked.graph.outputs, known)
    inner.results = _handed_out_twice(inner)
    inner.write_all()
    after = control.handed_out(inner, [carry.after for carry in carries], known)
    control.reads |= asked.reads(known) | inner.reads(known)
    goes_on, step = control.name(condition.name), control.name(body.name)
    control.state(
        [
            *control.function(goes_on, [before], asked, test),
            *control.function(step, [before], inner, after),
            f"{control.outcome([carry.end for carry in carries])} = "
            f"jax.lax.while_loop({goes_on}, {step}, {packed(starts)})",
        ]
    )


def choice(author: Author, node: Node) -> None:
    """Write ``jax.lax.cond(test, ...)`` or ``jax.lax.switch(index, ...)``."""
    control = JaxControl(author, node)
    index, *inputs = node.inputs
    (test, _), reads = author.operand(index)
    control.reads |= reads
    names, lines = [], []
    called = iter(["if_false", "if_true"])
    if index.spec.dtype.kind != "b":
        called = (b.name if b.name.isidentifier() else "branch" for b in node.params["branches"])
    known = frozenset(control.names.taken)
    for branch in node.params["branches"]:
        inner = BodyAuthor(author, branch, dict(zip(branch.inputs, inputs, strict=True)))
        inner.results = _handed_out_twice(inner)
        inner.write_all()
        result = control.handed_out(inner, inner.graph.outputs, known)
        control.reads |= inner.reads(known)
        names.append(control.name(next(called)))
        lines += control.function(names[-1], [], inner, result)
    chosen = f"cond({test}, {', '.join(reversed(names))})"
    if index.spec.dtype.kind != "b":
        chosen = f"switch({test}, [{', '.join(names)}])"
    control.state([*lines, f"{control.outcome(node.outputs)} = jax.lax.{chosen}"])


CONTROL: Mapping[str, Callable[[Author, Node], None]] = {
    "loop": scan,
    "while_loop": while_loop,
    "switch": choice,
}
"""There is no way back through a while_loop: how many steps it takes is unknown where arrays are made."""
