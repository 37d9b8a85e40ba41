"""Symbols with the number of a step: ``h_t``, ``h_{t-1}``, ``h_6``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from .tex import ATOM, Tex


@dataclass(frozen=True)
class Steps:
    """How the steps of a loop are numbered, and the values before and after them."""

    letter: str
    first: str
    """The number of the first step as time goes in the loop there."""
    last: str
    start: str
    """The number of what is carried at first."""
    end: str
    """The number of what is carried at last."""
    before: int
    """How far the number of what a step gets is from that of the step."""
    after: int
    lowest: int = 0
    """The number of the step that reads the first entries of arrays."""
    length: int | None = None

    def turned(self) -> Steps:
        """Return the same steps in the other direction, as a backward pass takes them."""
        return replace(
            self,
            first=self.last,
            last=self.first,
            start=self.end,
            end=self.start,
            before=self.after,
            after=self.before,
        )

    def number(self, offset: int) -> str:
        """Return the number of the present step, or that of one beside it."""
        return f"{self.letter}{offset:+d}" if offset else self.letter

    @property
    def values(self) -> str:
        """The numbers of all steps, as ``t = 1, ..., 6``."""
        few = {1: [self.first], 2: [self.first, self.last]}
        return f"{self.letter} = {', '.join(few.get(self.length or 0, [self.first, _DOTS, self.last]))}"

    @property
    def sum_sign(self) -> str:
        """The sign of a sum over all steps."""
        if self.length is None:
            low, high = "0", self.first if self.last == "0" else self.last
        else:
            low, high = str(self.lowest), str(self.lowest + self.length - 1)
        above = high if len(high) == 1 else f"{{{high}}}"
        return f"\\sum_{{{self.letter}={low}}}^{above}"


_DOTS = "\\dots"


@dataclass(frozen=True)
class Series:
    """The symbols of a value that has another one in each step."""

    whole: str
    entry: str
    around: tuple[str, ...]
    """The numbers of the steps of loops around this one."""
    offset: int
    """How far its number is from that of the step."""
    inside: tuple[str, ...] = ()
    """The numbers of the steps of loops within."""
    within: Callable[[str], tuple[str, int]] | None = None
    """Puts the symbol where it belongs, as in a gradient."""

    def at(self, number: str) -> tuple[Tex, Tex]:
        """Return the symbol of the array with this number, and that of its entries."""
        numbers = (*self.around, number, *self.inside)
        whole, entry = (with_numbers(x, numbers) for x in (self.whole, self.entry))
        if self.within is None:
            return Tex(whole, ATOM), Tex(entry, ATOM)
        text = Tex(*self.within(whole))
        return text, text

    def listed(self, steps: Steps) -> str:
        """Return the values of all steps, side by side, in the order of the entries of arrays."""
        count, first = steps.length or 0, steps.lowest + self.offset
        numbers = range(first, first + count)
        shown = [self.at(str(n))[0].text for n in (numbers if count <= 2 else (first, numbers[-1]))]
        return tupled([*shown[:1], _DOTS, *shown[1:]] if count > 2 else shown)


def tupled(texts: Iterable[str]) -> str:
    inside = ", ".join(texts)
    return f"\\left({inside}\\right)" if "\\frac" in inside else f"({inside})"


def with_numbers(symbol: str, numbers: Sequence[str]) -> str:
    r"""Return a symbol with more subscripts.

    >>> with_numbers("h", ["t-1"]), with_numbers("w_{1,a}", ["s", "t"])
    ('h_{t-1}', 'w_{1,a,s,t}')
    """
    if not numbers:
        return symbol
    name, _, below = symbol.partition("_")
    below = below[1:-1] if below.startswith("{") else below
    joined = ",".join([*filter(None, [below]), *numbers])
    return f"{name}_{joined}" if len(joined) == 1 else f"{name}_{{{joined}}}"


def primed(symbol: str) -> Iterator[str]:
    """Yield a symbol without a prime, with one, and so on."""
    name, below, rest = symbol.partition("_")
    yield symbol
    for n in count(1):  # in braces, for TeX reads no exponent after a prime and an index
        primes = "'" * n
        yield f"{{{name}{primes}}}{below}{rest}"
