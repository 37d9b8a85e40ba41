"""Pieces of LaTeX with how tightly they bind, so that brackets stand where they are needed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .symbols import SPELLING, number, visible

ATOM = 100
"""A symbol or something in brackets: may carry an exponent."""
CLOSED = 90
"""A fraction, a root, a function applied: may stand in any product, but not under an exponent."""
PRODUCT = 60
ENTRYWISE = 55
SUMMATION = 50
NEGATIVE = 45
SUM = 40
COMPARISON = 20
WIDEST = 62
"""A right-hand side of more letters breaks before the terms of its sum."""


@dataclass(frozen=True, slots=True)
class Tex:
    """LaTeX, and how tightly it binds; of a sum also its terms, at which a long line may break."""

    text: str
    binds: int = ATOM
    terms: tuple[str, ...] = ()
    factor: tuple[float, str, Tex | None] | None = None
    """Of a number times something: the number, how it is written, and the rest (None: it is a number)."""

    def within(self, binds: int) -> str:
        """Return it in brackets unless it binds this tightly."""
        return self.text if self.binds >= binds else bracketed(self.text)

    def parts(self) -> tuple[str, ...]:
        return self.terms or (self.text,)

    @property
    def is_number(self) -> bool:
        return self.factor is not None and self.factor[2] is None


def bracketed(text: str) -> str:
    """Return it in brackets as large as needed."""
    tall = "\\frac" in text or "\\sum" in text or "\\begin" in text or "\\left" in text
    return f"\\left({text}\\right)" if tall else f"({text})"


def called(name: str, *arguments: str) -> Tex:
    """Return a function applied."""
    return Tex(f"{name}{bracketed(', '.join(arguments))}", CLOSED)


def matrix(*rows: str) -> Tex:
    """Return a matrix in full, its rows with ``&`` between columns."""
    inside = " \\\\ ".join(rows)
    return Tex(f"\\begin{{bmatrix}} {inside} \\end{{bmatrix}}")


def operator(name: str) -> str:
    """Return the name of a function that LaTeX does not know."""
    return f"\\operatorname{{{_upright(name)}}}"


def word(name: str) -> str:
    """Return a word within a formula."""
    return f"\\mathrm{{{_upright(name)}}}"


def _upright(name: str) -> str:
    return SPELLING.identifier(name).replace("_", "\\_")


def added(x: Tex, y: Tex) -> Tex:
    second = y.parts()
    return _sum((*x.parts(), *(_signed(term) for term in second)))


def subtracted(x: Tex, y: Tex) -> Tex:
    if y.terms:
        return _sum((*x.parts(), f"- {bracketed(y.text)}"))
    if y.text.startswith("-"):
        return _sum((*x.parts(), f"+ {negated(y).within(SUMMATION)}"))
    return _sum((*x.parts(), f"- {y.within(SUMMATION)}"))


def _signed(term: str) -> str:
    if term.startswith(("+ ", "- ")):
        return term
    return f"- {term[1:].strip()}" if term.startswith("-") else f"+ {term}"


def _sum(terms: tuple[str, ...]) -> Tex:
    return Tex(" ".join(terms), SUM, terms)


def numeric(value: float, text: str) -> Tex:
    """Return a number."""
    binds = NEGATIVE if text.startswith("-") else PRODUCT if " " in text else ATOM
    return Tex(
        text, CLOSED if "\\frac" in text and binds == ATOM else binds, factor=(value, text, None)
    )


def scaled(value: float, text: str, rest: Tex) -> Tex:
    """Return a number times something."""
    if value == 1:
        return rest
    factor = (value, text, rest)
    if value < 0:
        positive = scaled(-value, text.removeprefix("-"), rest)
        return Tex(f"-{positive.within(SUMMATION)}", NEGATIVE, factor=factor)
    binds = PRODUCT if rest.binds != SUMMATION else SUMMATION
    inner = rest.within(SUMMATION) if rest.binds != ENTRYWISE else rest.text
    if rest.binds == ENTRYWISE:
        binds = ENTRYWISE
    return Tex(beside(text, inner), binds, factor=factor)


def _split(x: Tex) -> tuple[float, str, Tex | None]:
    return x.factor or (1.0, "1", x)


def negated(x: Tex) -> Tex:
    value, text, rest = _split(x)
    opposite = text.removeprefix("-") if text.startswith("-") else f"-{text}"
    return numeric(-value, opposite) if rest is None else scaled(-value, opposite, rest)


def multiplied(x: Tex, y: Tex, *, entrywise: bool = False) -> Tex:
    """Return a product, side by side or entry by entry; numbers come first."""
    a, a_text, left = _split(x)
    b, b_text, right = _split(y)
    text = b_text if a == 1 else a_text if b == 1 else number(a * b)
    if left is None or right is None:
        rest = left or right
        return numeric(a * b, text) if rest is None else scaled(a * b, text, rest)
    if entrywise:
        rest = Tex(f"{left.within(ENTRYWISE)} \\odot {right.within(ENTRYWISE)}", ENTRYWISE)
    else:
        last = right.within(SUMMATION)
        if right.binds == ENTRYWISE:
            last = bracketed(right.text)
        rest = Tex(beside(left.within(PRODUCT), last), min(PRODUCT, max(right.binds, SUMMATION)))
        if right.binds == ENTRYWISE:
            rest = Tex(rest.text, PRODUCT)
    return scaled(a * b, text, rest)


def beside(left: str, right: str) -> str:
    """Write two factors with as much space as it takes to tell them apart."""
    if right.startswith("-"):
        right = bracketed(right)
    if right[0].isdigit():
        return f"{left} \\cdot {right}"
    ends = _WORD_LAST.search(left) or (_WORD_FIRST.match(right) and not left.isdigit())
    return left + ("\\, " if ends else " ") + right


_WORD_LAST = re.compile(r"\\math(it|bf)\{\w{2,}\}(_(\w|\{[^ ]*\}))?$")
_WORD_FIRST = re.compile(r"\\math(it|bf)\{\w{2,}")


def divided(x: Tex, y: Tex) -> Tex:
    a, text, rest = _split(x)
    b, _, below = _split(y)
    if a < 0:
        return negated(divided(negated(x), y))
    if rest is not None and below is None and b and (rest.binds == SUMMATION or _is_wide(rest)):
        return multiplied(numeric(a / b, f"\\frac{{{text}}}{{{y.text}}}"), rest)
    if rest is not None and below is not None and a == b != 1:
        x, y = rest, below
    elif below is not None and (quotient := _QUOTIENT.fullmatch(text)):
        above = numeric(float(quotient[1]), quotient[1])
        x = above if rest is None else multiplied(above, rest)
        y = multiplied(numeric(float(quotient[2]), quotient[2]), y)
    if rest is None and below is None and b:
        return numeric(a / b, f"\\frac{{{x.text}}}{{{y.text}}}")
    return Tex(f"\\frac{{{x.text}}}{{{y.text}}}", CLOSED)


_QUOTIENT = re.compile(r"\\frac\{(\d+)\}\{(\d+)\}")


def _is_wide(x: Tex) -> bool:
    return "\\frac" in x.text or visible(x.text) > 24


def raised(x: Tex, exponent: str) -> Tex:
    return Tex(
        f"{_base(x)}^{{{exponent}}}" if len(exponent) > 1 else f"{_base(x)}^{exponent}", CLOSED
    )


def _base(x: Tex) -> str:
    return x.text if x.binds >= ATOM and not x.text.startswith("-") else bracketed(x.text)


def transposed(x: Tex) -> Tex:
    call = x.binds == CLOSED and x.text.endswith(")")
    return Tex(f"{x.text if call else _base(x)}^\\top", CLOSED)


def broken(left: str, right: Tex) -> list[str]:
    """Break ``left &= right``: it is continued on further lines where it is long and a sum."""
    lines = [f"{left} &= "]
    length = 0
    for term in right.parts():
        width = visible(term)
        if length and length + width > WIDEST:
            lines.append("&\\quad ")
            length = 0
        elif length:
            lines[-1] += " "
        lines[-1] += term
        length += width
    return lines
