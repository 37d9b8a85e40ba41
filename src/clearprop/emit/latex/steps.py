"""Equations of loops and branches: those of one step, with its number, and those of each branch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np

from ...graph.graph import Graph, Node, Wire
from .conditions import unbracketed
from .numbered import Series, Steps, primed, with_numbers
from .scopes import Carried, Choice, Loop, Part, Scope, called
from .step_gradients import find_gradients, pair_the_only
from .step_sums import Product, Term, chain, products_over_steps, terms_added
from .symbols import symbol, visible
from .tex import (
    ATOM,
    CLOSED,
    SUM,
    SUMMATION,
    Tex,
    added,
    broken,
    multiplied,
    negated,
    subtracted,
    transposed,
)
from .unfolding import Unfolded
from .writer import Expressions, linear

_LETTERS = {"steps": ("t", "s", "r", "n", "m"), "count": ("k", "l", "m", "n", "p")}
_WIDEST = 80
"""A line of more letters has no room for the numbers of the steps."""
_HOW_MANY = ("K", "M", "N", "P", "Q")


class Around(Protocol):
    """The equations that those of loops and branches are part of."""

    graph: Graph
    expressions: Expressions
    uses: Counter[Wire]
    gradient_of: dict[Wire, Wire]
    taken: set[str]
    wanted: set[Wire]

    def part(self, part: Part) -> list[str]: ...
    def result(self, wire: Wire, text: Tex, *, is_backward: bool) -> list[str]: ...
    def place(self, wire: Wire, text: Tex, *, is_backward: bool) -> list[str]: ...
    def is_asked(self, wire: Wire) -> bool: ...
    def whole(self, wire: Wire) -> Tex: ...
    def symbol(self, name: str, ndim: int) -> str: ...
    def letter(self, wire: Wire, backward: bool) -> str: ...
    def gradient_of_text(self, text: str) -> tuple[str, int]: ...


class StepEquations:
    """Writes loops and branches for the equations around them."""

    def __init__(self, equations: Around, unfolded: Unfolded) -> None:
        self.e = equations
        self.loops: list[Loop] = []
        """Those around the present place."""
        self.steps: dict[Loop, Steps] = {}
        self.series: dict[Wire, Series] = {}
        self.within: dict[Loop, set[Wire]] = {}
        """In backward loops: the results of the operations that add up a gradient over all steps."""
        self.summed: set[Part] = set()
        """Operations that are written as part of a sum over all steps."""
        self.numbered: set[tuple[str, int]] = set()
        """The symbols that have numbers, and how many of these."""
        outer = {w for w in equations.graph.wires() if w.is_named}
        for loop in unfolded.loops:
            outer -= set(loop.outputs)
        self.have_numbers: dict[str, set[tuple[Wire, str]]] = {}
        """Symbols that have a number already, as that of `h1`: which values have them, and which numbers."""
        for wire in outer:
            name, _, below = equations.symbol(wire.name, wire.spec.ndim).rpartition("_")
            if below.isdigit():
                self.have_numbers.setdefault(name, set()).add((wire, below))
        counters = {c.before for loop in unfolded.loops if (c := loop.counter()) is not None}
        self.others = {called(w) for w in unfolded.wires() if w not in counters}
        """What the user calls values that are no numbers of steps."""
        self.afters: dict[Carried, Series] = {}
        self.takes_gradients = any(part.is_backward for part in unfolded.forward())
        """Whether the function itself takes gradients: those are not of L."""
        for product in products_over_steps(
            unfolded.root, equations.expressions.makers, equations.uses
        ):
            self.summed.update(product.passed)
            equations.expressions.sums[product.out] = partial(self._product, product)
        self.read = set(_reads(unfolded.root, lambda part: part not in self.summed))
        self.read_forward = set(_reads(unfolded.root, lambda part: not part.is_backward))

    @property
    def around(self) -> tuple[str, ...]:
        """The numbers of the present steps."""
        return tuple(self.steps[loop].letter for loop in self.loops)

    def number(
        self, wire: Wire, whole: str, entry: str, offset: int = 0, start: Wire | None = None
    ) -> Series:
        """Give a value of the present step its symbol; what is carried may have that of its start, as h0."""
        steps = self.steps[self.loops[-1]]
        name, inner = next(
            both
            for both in zip(primed(whole), primed(entry), strict=True)
            if (both[0], len(self.loops)) not in self.numbered
            and self.have_numbers.get(both[0], set()) <= {(start, steps.start)}
        )
        self.numbered.add((name, len(self.loops)))
        series = Series(name, inner, self.around[:-1], offset)
        self._set(wire, series, steps)
        return series

    def _set(self, wire: Wire, series: Series, steps: Steps) -> None:
        self.series[wire] = series
        self.e.expressions.symbols[wire] = series.at(steps.number(series.offset))

    def number_gradient(self, wire: Wire, of: Wire) -> bool:
        """Give the gradient of a value of a step its symbol; return whether it is one."""
        if of not in self.series or not self.loops:
            return False
        series = replace(self.series[of], within=self.e.gradient_of_text)
        self._set(wire, series, self.steps[self.loops[-1]])
        return True

    # ---- loops

    def lines(self, part: Loop | Choice) -> list[str]:
        return self._loop(part) if isinstance(part, Loop) else self._choice(part)

    def _loop(self, loop: Loop) -> list[str]:
        if loop.length == 0:
            return self._without_steps(loop)
        steps = self.steps[loop] = self._numbered(loop)
        counter = loop.counter()
        totals = {c: terms for c in loop.carried if (terms := terms_added(loop, c, self.e.uses))}
        if isinstance(loop.twin, Loop) and not (loop.twin.goes_back or self.takes_gradients):
            pair_the_only(loop, loop.twin, totals)
            find_gradients(loop, loop.twin, self.e.gradient_of, self.series, self.read_forward)
        self.within[loop] = {w for c in totals for w in chain(loop, c)}
        carried = [c for c in loop.carried if c is not counter and c not in totals]
        self.loops.append(loop)
        self.e.expressions.bound.append(steps.letter)
        lines = self._entries(loop, steps)
        starts = [self._carry(loop, c, steps) for c in carried]
        if counter is not None:
            self._count(counter, steps)
        body = [x for part in loop.parts for x in self._part(loop, part, counter)]
        for carry in carried:
            if not loop.makes(carry):
                after = self.afters[carry].at(steps.number(steps.after))[0].text
                body += broken(after, self.e.whole(carry.after))
        slots = [self._slot(loop, inner, outer, body) for inner, outer in loop.collected]
        condition = "" if loop.condition is None else self._condition(loop.condition)
        self.e.expressions.bound.pop()
        self.loops.pop()
        lines += [x for start in starts for x in start]
        lines += _for_all(body, steps, condition)
        for carry in loop.carried:
            if carry is counter:
                self._counted(carry, steps)
            elif carry in totals:
                lines += self._total(loop, carry, steps, totals[carry])
            else:
                lines += self._last(carry, steps, is_backward=loop.is_backward)
        for slot, (_, outer) in zip(slots, loop.collected, strict=True):
            if slot is not None:
                listed = Tex(self.series[slot].listed(steps), ATOM)
                lines += self.e.result(outer, listed, is_backward=loop.is_backward)
                if not loop.is_backward:
                    self.e.expressions.rows[outer] = partial(self._row, slot, steps)
        return lines

    def _numbered(self, loop: Loop) -> Steps:
        twin = self.steps.get(loop.twin) if isinstance(loop.twin, Loop) else None
        if twin is not None:
            return twin.turned()
        counter = loop.counter()
        if loop.length is None:
            letter, count = self._free(_LETTERS["count"]), self._free(_HOW_MANY)
            self.e.taken.add(count)
            last = with_numbers(count, self.around)
            return Steps(letter, "0", f"{last} - 1", "0", last, 0, 1)
        n = loop.length
        if counter is not None:
            low = int(counter.start.constant)
            letter = self._own_letter(counter) or self._free(_LETTERS["count"])
            high = low + n - 1
            return Steps(letter, str(low), str(high), str(low), str(high + 1), 0, 1, low, n)
        letter = self._free(_LETTERS["steps"])
        if loop.reverse:
            return Steps(letter, str(n), "1", str(n + 1), "1", 1, 0, 1, n)
        return Steps(letter, "1", str(n), "0", str(n), -1, 0, 1, n)

    def _free(self, letters: Sequence[str]) -> str:
        """Return a letter that means nothing else."""
        taken = {*self.e.taken, *self.around}
        return next(c for c in (*letters, *map("{}'".format, letters)) if c not in taken)

    def _own_letter(self, counter: Carried) -> str:
        """Return what the user calls the number of a step, if nothing else is called so."""
        own = symbol(called(counter.before), 0) if called(counter.before) else ""
        return "" if called(counter.before) in self.others or own in self.around else own

    # ---- at the start

    def _entries(self, loop: Loop, steps: Steps) -> list[str]:
        lines = []
        for outer, inner in loop.entries:
            if not self.e.uses.get(inner):
                continue
            of = self._row_of(loop, outer)
            if of is not None:
                self._set(inner, replace(of, within=self.e.gradient_of_text), steps)
                continue
            series = self.number(inner, *self._names(inner, loop, called(inner)))
            self.loops.pop()
            text = self.e.whole(outer)
            self.loops.append(loop)
            lines += broken(series.listed(steps), text)
        return lines

    def _row_of(self, loop: Loop, outer: Wire) -> Series | None:
        """Return the name of an entry of what the loop there has collected, if the array is its gradient."""
        of = self.e.gradient_of.get(outer)
        there = loop.twin
        if of is None or not isinstance(there, Loop):
            return None
        if (
            of not in (array for _, array in there.collected)
            or of not in self.e.expressions.symbols
        ):
            return None
        whole = self.e.expressions.symbols[of][0].text
        return Series(whole, whole, self.around[:-1], 0)

    def _name(self, loop: Loop, carry: Carried) -> str:
        """Return what the user calls a carried value; of several in a container, the name of the new one."""
        name, new = called(carry.before), called(carry.after)
        holder = name.rpartition("_")[0]
        beside = [
            c for c in loop.carried if holder and called(c.before).rpartition("_")[0] == holder
        ]
        news = [called(c.after) for c in loop.carried]
        is_new = loop.makes(carry) and news.count(new) == 1
        return new if len(beside) > 1 and new and is_new else name

    def _names(self, wire: Wire, loop: Loop, name: str) -> tuple[str, str]:
        if name and not loop.is_backward:
            whole, entry = (self.e.symbol(name, n) for n in (wire.spec.ndim, 0))
            if any(whole == self.e.expressions.write(outer).text for outer, _ in loop.entries):
                # x_1 is not the entry of x with this index
                self.numbered.add((whole, len(self.loops)))
            return whole, entry
        text = self.e.letter(wire, loop.is_backward)
        return text, text

    def _carry(self, loop: Loop, carry: Carried, steps: Steps) -> list[str]:
        """Give what is carried its symbols, and return what it starts from."""
        of = self.e.gradient_of.get(carry.before)
        if of is not None and of in self.series:
            series = replace(self.series[of], offset=steps.before, within=self.e.gradient_of_text)
            self._set(carry.before, series, steps)
        else:
            names = self._names(carry.before, loop, self._name(loop, carry))
            series = self.number(carry.before, *names, steps.before, carry.start)
        after = replace(series, offset=steps.after)
        if loop.makes(carry):
            self._set(carry.after, after, steps)
            self.e.wanted.add(carry.after)
        self.afters[carry] = after
        first = series.at(steps.start)[0].text
        text = self.e.whole(carry.start)
        return [] if text.text == first else broken(first, text)

    def _count(self, counter: Carried, steps: Steps) -> None:
        for wire, number in ((counter.before, steps.number(0)), (counter.after, steps.number(1))):
            text = Tex(number, ATOM if number == steps.letter else SUM)
            self.e.expressions.symbols[wire] = text, text

    # ---- in each step

    def _part(self, loop: Loop, part: Part, counter: Carried | None) -> list[str]:
        if isinstance(part, Node):
            counted = counter is not None and counter.after in part.outputs
            if counted or part.outputs[0] in self.within[loop]:
                return []
        return self.e.part(part)

    def _condition(self, wire: Wire) -> str:
        return f"\\text{{, while }} {unbracketed(self.e.expressions.write(wire).text)}"

    def _slot(self, loop: Loop, inner: Wire, outer: Wire, body: list[str]) -> Wire | None:
        """Return what stands for the entries of a collected array: one that has a symbol in each step."""
        if not self._is_read(outer):
            return None
        if inner in self._own(loop) and inner in self.series:
            return inner
        slot = Wire("", inner.spec)
        if called(outer) and not loop.is_backward:
            whole, entry = (self.e.symbol(called(outer), n) for n in (inner.spec.ndim, 0))
        else:
            whole = entry = self.e.letter(slot, loop.is_backward)
        text = self.e.whole(inner)
        self.number(slot, whole, entry)
        body += broken(self.e.expressions.symbols[slot][0].text, text)
        return slot

    def _row(self, slot: Wire, steps: Steps, position: int) -> tuple[Tex, Tex]:
        """Return the symbol of an entry of a collected array, and that of its entries."""
        number = position % (steps.length or 1) + steps.lowest + self.series[slot].offset
        return self.series[slot].at(str(number))

    def _own(self, loop: Loop) -> set[Wire]:
        """Return the wires that have a value in each step."""
        found = {c.before for c in loop.carried} | {inner for _, inner in loop.entries}
        found.update(w for part in loop.parts for w in part.outputs)
        return found | (self._own(loop.twin) if isinstance(loop.twin, Loop) else set())

    def _is_read(self, array: Wire) -> bool:
        """Return whether a collected array is read as a whole."""
        return (
            array in self.e.graph.outputs
            or array in self.e.gradient_of
            or (array.is_named and array in self.read_forward)
            or array in self.read
        )

    # ---- at the end

    def _counted(self, counter: Carried, steps: Steps) -> None:
        text = Tex(steps.end)
        self.e.expressions.symbols |= dict.fromkeys(counter.finals, (text, text))

    def _last(self, carry: Carried, steps: Steps, *, is_backward: bool) -> list[str]:
        """Let results of a loop be the value after its last step."""
        after = self.afters[carry]
        lines = []
        for final in carry.finals:
            whole, entry = after.at(steps.end)
            if self.e.is_asked(final) or (self.loops and steps.length is None):
                lines += self.e.result(final, whole, is_backward=is_backward)
            else:
                self.e.expressions.symbols[final] = whole, entry
                if self.loops:
                    inside = (steps.end, *after.inside)
                    self.series[final] = replace(
                        after,
                        around=after.around[:-1],
                        inside=inside,
                        offset=0,
                    )
        return lines

    def _total(self, loop: Loop, carry: Carried, steps: Steps, terms: Sequence[Term]) -> list[str]:
        """Let a result be the sum over all steps."""
        lines = []
        total = self._over(steps, lambda: self._sum_of(terms))
        if not (carry.start.is_constant and not np.any(carry.start.constant)):
            total = added(self.e.whole(carry.start), total)
        for final in carry.finals:
            lines += self.e.place(final, total, is_backward=True)
        return lines

    def _over(self, steps: Steps, write: Callable[[], Tex]) -> Tex:
        """Return the sum of something over all steps."""
        self.e.expressions.bound.append(steps.letter)
        text = write()
        self.e.expressions.bound.pop()
        return linear(text, lambda x: Tex(f"{steps.sum_sign} {x.within(SUMMATION)}", SUMMATION))

    def _without_steps(self, loop: Loop) -> list[str]:
        lines = []
        for carry in loop.carried:
            for final in carry.finals:
                text = self.e.whole(carry.start)
                lines += self.e.place(final, text, is_backward=loop.is_backward)
        for _, outer in loop.collected:
            if self._is_read(outer):
                lines += self.e.result(outer, Tex("()"), is_backward=loop.is_backward)
        return lines

    def _sum_of(self, terms: Sequence[Term]) -> Tex:
        found = Tex("")
        for is_taken, wire in terms:
            text = self.e.expressions.write(wire)
            if not found.text:
                found = negated(text) if is_taken else text
            else:
                found = subtracted(found, text) if is_taken else added(found, text)
        return found

    def _product(self, product: Product) -> Tex:
        def write() -> Tex:
            x, y = (self.e.expressions.write(w) for w in (product.left, product.right))
            if product.left.spec.ndim == 1:
                return multiplied(x, linear(y, transposed))
            return multiplied(linear(x, transposed), y)

        return self._over(self.steps[product.loop], write)

    # ---- branches

    def _choice(self, choice: Choice) -> list[str]:
        index = choice.node.inputs[0]
        tests = self._tests(index, len(choice.branches))
        lines = []
        for branch, test in zip(choice.branches, tests, strict=True):
            for part in branch.parts:
                lines += _only_if(test, self.e.part(part))
        order = range(len(tests))[::-1] if index.spec.dtype.kind == "b" else range(len(tests))
        for j, out in enumerate(choice.outputs):
            rows = [
                f"{self.e.whole(choice.results[i][j]).text} & "
                + ("\\text{otherwise}" if i == order[-1] else f"\\text{{if }} {tests[i]}")
                for i in order
            ]
            joined = " \\\\ ".join(rows)
            cases = f"\\begin{{cases}} {joined} \\end{{cases}}"
            lines += self.e.result(out, Tex(cases), is_backward=choice.is_backward)
        return lines

    def _tests(self, index: Wire, count: int) -> list[str]:
        """Return when each of the branches is taken; numbers beyond the last take that, below 0 the first."""
        text = self.e.expressions.write(index)
        if index.spec.dtype.kind == "b":
            return [f"\\neg {text.within(CLOSED)}", unbracketed(text.text)]
        tests = [f"{text.text} = {i}" for i in range(count)]
        tests[-1] = f"{text.text} \\geq {count - 1}"
        tests[0] = f"{text.text} \\leq 0"
        return tests


def _reads(scope: Scope, chosen: Callable[[Part], bool]) -> Iterator[Wire]:
    """Yield what some of the operations, loops and choices read."""
    for part in scope.parts:
        if chosen(part):
            yield from part.inputs if isinstance(part, Node) else part.read_around()
        if not isinstance(part, Node):
            for inner in part.scopes():
                yield from _reads(inner, chosen)


def _only_if(test: str, lines: list[str]) -> list[str]:
    """Say of each equation when it holds."""
    said = f" \\quad \\text{{if }} {test}"
    return [
        line if following.startswith("&\\quad") else line + said
        for line, following in zip(lines, [*lines[1:], ""], strict=False)
    ]


def _for_all(body: list[str], steps: Steps, condition: str) -> list[str]:
    """Say for which steps these lines hold: after the only one, or above them."""
    text = f"\\text{{for }} {steps.values}{condition}"
    if len(body) == 1 and visible(body[0] + text) <= _WIDEST:
        return [f"{body[0]} \\quad {text}"]
    return [f"&{text}\\text{{:}}", *body] if body else []
