"""A nest as loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...stages.ir import (
    Access,
    Accumulate,
    Buffer,
    Compute,
    Effect,
    Expression,
    Gather,
    Index,
    Literal,
    Load,
    Nest,
    Position,
    Reduction,
    Store,
    Sums,
    operands,
)
from ...stages.loop_shape import cost
from ...stages.operations import REDUCTIONS
from .dialect import Dialect
from .lines import Lines
from .scalar_expressions import ScalarWriter, letter, place_of

_TOTALS = {"add": "sum", "max": "top", "min": "least"}
"""What variables are called that something is gathered in."""
_COSTLY = 4
"""Additions from which a value that an inner loop does not change is taken out of it."""


def nest_lines(
    nest: Nest, dialect: Dialect, buffers: Mapping[Buffer, str], taken: set[str]
) -> NestLines:
    """Return the lines of a nest, and who wrote its expressions. New names are added to `taken`."""
    written = NestLines(nest, dialect, buffers, taken)
    written.write()
    return written


class NestLines(Lines):
    """A nest as loops, and what its expressions need."""

    def __init__(
        self, nest: Nest, dialect: Dialect, buffers: Mapping[Buffer, str], taken: set[str]
    ) -> None:
        super().__init__(dialect, taken)
        self.nest, self.buffers = nest, buffers
        self.words = ScalarWriter(dialect, self.place)
        self.phases = nest.phases()
        self.free = [a for a in range(len(nest.extents)) if a not in nest.reduced]
        self.uses = Counter(x for e in self.phases for x in operands(e))
        self.uses.update(x for effect in nest.effects for x in _read(effect))
        self.stored = {e.value: self.buffers[e.access.buffer] for e in nest.effects}
        self.users: dict[Expression, list[Expression]] = {}
        for e in self.phases:
            for x in operands(e):
                self.users.setdefault(x, []).append(e)

    # ---- text

    def place(self, access: Access, extra: Sequence[tuple[str, int]] = ()) -> str:
        name = self.buffers[access.buffer]
        return self.dialect.single(access.buffer, name) or place_of(access, name, extra)

    def local(self, e: Expression, otherwise: str) -> str:
        """Return a variable for a value: the user's name; with the axes where memory is called so,
        ``h_ij``.
        """
        name = self.dialect.spelling.identifier(self.nest.names.get(e, otherwise))
        if name in self.taken and name != otherwise and e.axes:
            name = f"{name}_{''.join(letter(a) for a in sorted(e.axes))}"
        return self.fresh(name)

    # ---- which values get a name

    def is_named(self, e: Expression) -> bool:
        if isinstance(e, Reduction | Sums):
            return True
        if isinstance(e, Literal | Position | Load | Gather):
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
        """Write a statement that gives a value its name."""
        text = self.words.text(e)
        name = self.local(e, "t")
        self.line(self.dialect.constant(name, e.dtype, text))
        self.words.names[e] = name

    def declare_all(
        self, wanted: Iterable[Expression], where: Callable[[Expression], bool]
    ) -> None:
        """Write statements for what `wanted` needs and `where` allows here, operands first."""
        needed = set(wanted)
        for e in reversed(self.nest.expressions()):
            if e in needed and e not in self.words.names:
                needed.update(operands(e) if not isinstance(e, Reduction) else ())
        for e in self.nest.expressions():
            if e in needed and e not in self.words.names and where(e) and self.is_named(e):
                self.declare(e)

    # ---- the nest

    def write(self) -> None:
        self.remarks(self.nest.covers)
        for effect in self.nest.effects:
            if isinstance(effect, Accumulate):
                self.start(effect)
        everything = [x for effect in self.nest.effects for x in _read(effect)]
        everything += [e for e in self.phases if isinstance(e, Reduction)]
        everything += [e.operand for e in self.phases if isinstance(e, Reduction)]
        opened: set[int] = set()
        for axis in [None, *self.free]:
            if axis is not None:
                self.open(axis, self.nest.extents[axis])
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

    def is_inside(self, effect: Effect) -> bool:
        if isinstance(effect, Accumulate):
            return bool(effect.domain & self.nest.reduced)
        return bool(effect.access.axes() & self.nest.reduced)

    def start(self, effect: Accumulate) -> None:
        """Let memory that is added to begin with what it must."""
        b = effect.access.buffer
        name, first = self.buffers[b], self.identity(effect.how, b.dtype)
        if b.size == 1:
            self.line(f"{self.place(effect.access)} = {first};")
            return
        for line in self.dialect.fill(name, b.size, first):
            self.line(line)

    def product(self) -> None:
        """Write the sum over the inner axis at one point."""
        p = self.nest.product
        assert p is not None
        n = len(self.nest.extents)
        left = Access(p.left.buffer, (*p.left.strides[:-1], 0, p.left.strides[-1]), p.left.offset)
        *batch, inner, column = p.right.strides
        right = Access(p.right.buffer, (*batch, 0, column, inner), p.right.offset)
        sums = next(e for e in self.phases if isinstance(e, Sums))
        name = self.fresh("sum")
        self.line(self.dialect.variable(name, p.dtype, "0"))
        self.line(self.dialect.loop(letter(n), p.inner))
        factors = f"{self.place(left)} * {self.place(right)}", self.dialect.infix["multiply"][1]
        term, _ = self.dialect.rounded(factors, "multiply", p.dtype)
        self.line("    " + self.dialect.updated(name, "+", term, p.dtype))
        self.words.names[sums] = name

    def rounds(self) -> None:
        """Write one round over the reduced axes for each phase."""
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
                first = self.identity(s.how, s.dtype)
                self.line(self.dialect.variable(names[s], s.dtype, first))
            outer = dict(self.words.names)
            axes = sorted(self.nest.reduced)
            for axis in axes:
                self.open(axis, self.nest.extents[axis])
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
            self.line(self.dialect.updated(place, "+", value, dtype))
        elif how in ("or", "and"):
            self.line(f"{place} = {place} {self.dialect.infix[how][0]} ({value});")
        else:
            name = {"max": "maximum", "min": "minimum"}[how]
            larger = self.dialect.call(name, [place, value], dtype, self.words.helpers)
            self.line(f"{place} = {larger};")

    def identity(self, how: str, dtype: np.dtype[Any]) -> str:
        """Return what a reduction starts from."""
        first = REDUCTIONS[how]
        if how in ("max", "min") and dtype.kind in "iu":
            first = np.iinfo(dtype).min if how == "max" else np.iinfo(dtype).max
        return "0" if how == "add" else self.dialect.number(first, dtype)


def _read(effect: Effect) -> list[Expression]:
    indices: tuple[Index, ...] = effect.indices if isinstance(effect, Accumulate) else ()
    return [effect.value, *(e for e, _, _ in indices)]
