"""A nest as loops in C."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...stages.language import (
    REDUCTIONS,
    Access,
    Accumulate,
    Buffer,
    Compute,
    Effect,
    Expression,
    Index,
    Literal,
    Load,
    Nest,
    Pick,
    Position,
    Reduction,
    Store,
    Sums,
    operands,
)
from ...stages.shaping import cost
from .expressions import Writer, letter, place_of
from .words import SPELLING, number, type_of

Reference = Callable[[Buffer], tuple[str, bool]]
"""A buffer's name in C, and whether that is the number itself."""
_TOTALS = {"add": "sum", "max": "top", "min": "least"}
"""What variables are called that something is gathered in."""
_LONGEST = 80
"""Longer lines of the user's are cut in comments."""
_COSTLY = 4
"""Additions from which a value that an inner loop does not change is taken out of it."""


def nest_lines(nest: Nest, reference: Reference, taken: set[str]) -> tuple[list[str], Writer]:
    """The lines of a nest, and who wrote its expressions. New names are added to `taken`."""
    writer = _Nest(nest, reference, taken)
    writer.write()
    return writer.lines, writer.words


class _Nest:
    def __init__(self, nest: Nest, reference: Reference, taken: set[str]) -> None:
        self.nest, self.reference = nest, reference
        self.words = Writer(self.place)
        self.taken = taken
        self.lines: list[str] = []
        self.depth = 0
        self.phases = nest.phases()
        self.free = [a for a in range(len(nest.extents)) if a not in nest.reduced]
        self.uses = Counter(x for e in self.phases for x in operands(e))
        self.uses.update(x for effect in nest.effects for x in _read(effect))
        self.stored = {e.value: self.reference(e.access.buffer)[0] for e in nest.effects}
        self.users: dict[Expression, list[Expression]] = {}
        for e in self.phases:
            for x in operands(e):
                self.users.setdefault(x, []).append(e)

    # ---- text

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def open(self, axis: int, extent: int | None = None) -> None:
        i, n = letter(axis), self.nest.extents[axis] if extent is None else extent
        self.line(f"for (int {i} = 0; {i} < {n}; {i}++) {{")
        self.depth += 1

    def close(self, count: int = 1) -> None:
        for _ in range(count):
            self.depth -= 1
            self.line("}")

    def place(self, access: Access, extra: Sequence[tuple[str, int]] = ()) -> str:
        name, is_value = self.reference(access.buffer)
        if is_value:
            return name
        if access.buffer.size == 1 and not extra and access.buffer.role == "output":
            return f"*{name}"
        return place_of(access, name, extra)

    def local(self, e: Expression, otherwise: str) -> str:
        """A variable for a value: the user's name; with the axes where memory is called so, ``h_ij``."""
        name = SPELLING.identifier(self.nest.names.get(e, otherwise))
        if name in self.taken and name != otherwise:
            name = f"{name}_{''.join(letter(a) for a in sorted(e.axes))}".rstrip("_")
        return self.fresh(name)

    def fresh(self, wished: str) -> str:
        name, count = wished, 1
        while name in self.taken:
            count += 1
            name = f"{wished}{count}"
        self.taken.add(name)
        return name

    # ---- which values get a name

    def is_named(self, e: Expression) -> bool:
        if isinstance(e, Reduction | Sums):
            return True
        if isinstance(e, Literal | Position | Load | Pick):
            return False
        if self.uses[e] > 1 or e in self.nest.kept:
            return True
        if self.stored.get(e) == self.nest.names.get(e, ""):
            return False  # its name is that of the memory that it is written to
        if e in self.nest.names and isinstance(e, Compute):
            return True
        wider = any(user.axes - e.axes for user in self.users.get(e, ()))
        return wider and cost(e) >= _COSTLY

    def declare(self, e: Expression) -> None:
        """A statement that gives a value its name."""
        text = self.words.text(e)
        name = self.local(e, "t")
        truth = e.dtype.kind == "b"
        self.line(f"const {'int' if truth else type_of(e.dtype)} {name} = {text};")
        self.words.names[e] = name

    def declare_all(
        self, wanted: Iterable[Expression], where: Callable[[Expression], bool]
    ) -> None:
        """Statements for what `wanted` needs and `where` allows here, operands first."""
        needed = set(wanted)
        for e in reversed(self.nest.expressions()):
            if e in needed and e not in self.words.names:
                needed.update(operands(e) if not isinstance(e, Reduction) else ())
        for e in self.nest.expressions():
            if e in needed and e not in self.words.names and where(e) and self.is_named(e):
                self.declare(e)

    # ---- the nest

    def write(self) -> None:
        self.comment()
        for effect in self.nest.effects:
            if isinstance(effect, Accumulate):
                self.start(effect)
        everything = [x for effect in self.nest.effects for x in _read(effect)]
        everything += [e for e in self.phases if isinstance(e, Reduction)]
        everything += [e.operand for e in self.phases if isinstance(e, Reduction)]
        opened: set[int] = set()
        for axis in [None, *self.free]:
            if axis is not None:
                self.open(axis)
                opened.add(axis)
            outer = opened if axis != (self.free[-1] if self.free else None) else None
            if outer is not None:
                self.declare_all(
                    everything,
                    lambda e: e.axes <= opened and not self.phases[e] and cost(e) >= _COSTLY,
                )
        if self.nest.product is not None:
            self.product()
        if self.nest.reduced:
            self.rounds()
        outside = [e for e in self.nest.effects if not self.is_inside(e)]
        self.declare_all(
            [x for e in outside for x in _read(e)], lambda e: not e.axes & self.nest.reduced
        )
        for effect in outside:
            self.effect(effect)
        self.close(len(self.free))

    def comment(self) -> None:
        """The user's lines that are computed here, or answered."""
        lines: dict[tuple[bool, str], None] = {}
        for node in self.nest.covers:
            if node.line is not None and node.line.text:
                lines[node.is_backward, " ".join(node.line.text.split())] = None
        for is_backward, text in lines:
            text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
            self.line(f"/* {'backward of: ' * is_backward}{SPELLING.comment(text)} */")

    def is_inside(self, effect: Effect) -> bool:
        if isinstance(effect, Accumulate):
            return bool(effect.domain & self.nest.reduced)
        return bool(effect.access.axes() & self.nest.reduced)

    def start(self, effect: Accumulate) -> None:
        """Let memory that is added to begin with what it must."""
        b = effect.access.buffer
        name, is_value = self.reference(b)
        first = _identity(effect.how, b.dtype)
        if b.size == 1:
            self.line(f"{name if is_value else '*' + name} = {first};")
            return
        self.line(f"for (int i = 0; i < {b.size}; i++)")
        self.line(f"    {name}[i] = {first};")

    def product(self) -> None:
        """The sum over the inner axis at one point."""
        p = self.nest.product
        assert p is not None
        n = len(self.nest.extents)
        left = Access(p.left.buffer, (*p.left.strides[:-1], 0, p.left.strides[-1]), p.left.offset)
        *batch, inner, column = p.right.strides
        right = Access(p.right.buffer, (*batch, 0, column, inner), p.right.offset)
        sums = next(e for e in self.phases if isinstance(e, Sums))
        name = self.fresh("sum")
        self.line(f"{type_of(p.dtype)} {name} = 0;")
        k = letter(n)
        self.line(f"for (int {k} = 0; {k} < {p.inner}; {k}++)")
        self.line(f"    {name} += {self.place(left)} * {self.place(right)};")
        self.words.names[sums] = name

    def rounds(self) -> None:
        """One round over the reduced axes for each phase."""
        last = 1 + max(self.phases.values(), default=0)
        for phase in range(last):
            sums = [
                e for e, at in self.phases.items() if isinstance(e, Reduction) and at == phase + 1
            ]
            inside = [
                e
                for e in self.nest.effects
                if self.is_inside(e) and max(self.phases[x] for x in _read(e)) == phase
            ]
            kept = {e: a for e, a in self.nest.kept.items() if self.phases[e] == phase}
            if not sums and not inside:
                continue
            wanted = [*(s.operand for s in sums), *(x for e in inside for x in _read(e)), *kept]
            self.declare_all(
                wanted,
                lambda e, now=phase: not e.axes & self.nest.reduced and self.phases[e] <= now,  # type: ignore[misc]
            )
            names: dict[Expression, str] = {}
            for s in sums:
                names[s] = self.local(s, _TOTALS.get(s.how, "found"))
                truth = "int" if s.dtype.kind == "b" else type_of(s.dtype)
                self.line(f"{truth} {names[s]} = {_identity(s.how, s.dtype)};")
            outer = dict(self.words.names)
            axes = sorted(self.nest.reduced)
            for axis in axes:
                self.open(axis)
            self.declare_all(wanted, lambda e: bool(e.axes & self.nest.reduced))
            for s in sums:
                self.combine(names[s], s.how, self.words.text(s.operand), s.dtype)
            for effect in inside:
                self.effect(effect)
            for e, access in kept.items():
                self.line(f"{self.place(access)} = {self.words.text(e)};")
            self.close(len(axes))
            self.words.names = {**outer, **names}
            self.words.names.update((e, self.place(a)) for e, a in kept.items())

    # ---- effects

    def effect(self, effect: Effect) -> None:
        value = self.words.text(effect.value)
        if isinstance(effect, Store):
            self.line(f"{self.place(effect.access)} = {value};")
            return
        place = self.place(effect.access, self.words.indices(effect.indices))
        self.combine(place, effect.how, value, effect.access.buffer.dtype)

    def combine(self, place: str, how: str, value: str, dtype: np.dtype[Any]) -> None:
        if how == "add":
            negative = _negated(value)
            self.line(f"{place} -= {negative};" if negative else f"{place} += {value};")
        elif how in ("or", "and"):
            self.line(f"{place} = {place} {'||' if how == 'or' else '&&'} ({value});")
        else:
            name = {"max": "maximum", "min": "minimum"}[how]
            self.line(f"{place} = {self.words.helper(name, dtype)}({place}, {value});")


def _negated(text: str) -> str:
    """What follows the minus of a text that is one negated factor, else nothing."""
    rest = text.removeprefix("-")
    return rest if rest != text and all(c not in rest for c in "+-?<>=") else ""


def _read(effect: Effect) -> list[Expression]:
    indices: tuple[Index, ...] = effect.indices if isinstance(effect, Accumulate) else ()
    return [effect.value, *(e for e, _, _ in indices)]


def _identity(how: str, dtype: np.dtype[Any]) -> str:
    first = REDUCTIONS[how]
    if how in ("or", "and", "add"):
        return str(int(first))
    return number(first, dtype)
