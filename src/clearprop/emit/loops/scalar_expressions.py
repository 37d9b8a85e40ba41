"""Expressions of a nest as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...stages.ir import Access, Buffer, Compute, Expression, Gather, Index, Literal, Load, Position
from .dialect import ATOM, BITS, CHOICE, COMPARING, PREFIX, Dialect, Helpers, Written, wrapped

LETTERS = "ijkmn"
"""Loop variables, which nothing else may be called."""


def letter(axis: int) -> str:
    return LETTERS[axis] if axis < len(LETTERS) else f"axis{axis}"


class ScalarWriter:
    """Writes expressions; what has a name already is written by its name."""

    def __init__(self, dialect: Dialect, place: Callable[..., str]) -> None:
        self.dialect = dialect
        self.place = place
        self.names: dict[Expression, str] = {}
        self.helpers: Helpers = set()
        self.places: dict[Buffer, int] = {}
        """Constant arrays that are used as indices, and how many places they choose from."""

    def text(self, e: Expression) -> str:
        return self._write(e)[0]

    def _write(self, e: Expression) -> Written:
        if e in self.names:
            return self.names[e], ATOM
        if isinstance(e, Literal):
            text = self.dialect.number(e.value, e.dtype)
            return text, PREFIX if text.startswith("-") else ATOM
        if isinstance(e, Load | Gather):
            indices = self.indices(e.indices) if isinstance(e, Gather) else ()
            text = self.place(e.access, indices)
            return self.dialect.truth(text) if e.dtype.kind == "b" else (text, ATOM)
        if isinstance(e, Position):
            return letter(e.axis), ATOM
        assert isinstance(e, Compute), f"{type(e).__name__} has a name by now"
        return self.dialect.rounded(self._compute(e), e.operation, e.dtype)

    def indices(self, indices: Sequence[Index]) -> list[tuple[str, int]]:
        """Return numbers that choose a place, with their strides, as `place_of` takes them."""
        return [(wrapped(text, tight=binds > 13), s) for text, binds, s in self._numbers(indices)]

    def _numbers(self, indices: Sequence[Index]) -> Iterator[tuple[str, int, int]]:
        for e, stride, count in indices:
            number = e
            while isinstance(number, Compute) and _keeps_wholes(number):
                (number,) = number.operands  # whole numbers of all sizes are indices
            if isinstance(number, Load) and number.access.buffer.role == "constant":
                self.places[number.access.buffer] = count
            text, binds = self._write(number)
            yield text, binds, stride

    def _compute(self, e: Compute) -> Written:
        operation, kind = e.operation, e.dtype.kind
        written = [self._write(operand) for operand in e.operands]
        if operation in BITS and kind != "b":
            first, second = written
            return self.dialect.bits(operation, first, second, e.dtype)
        if self.dialect.is_operator(operation, e.dtype) and len(written) == 2:
            return self._infix(operation, *written, chains=e.operands[1].dtype.kind == "b")
        x, binds = written[0]
        if operation == "negative":
            return f"-{wrapped(x, tight=binds > PREFIX)}", PREFIX
        if operation == "not":
            return f"!{wrapped(x, tight=binds >= PREFIX)}", PREFIX
        if operation == "select":
            condition, yes, no = (wrapped(text, tight=b > CHOICE) for text, b in written)
            return f"{condition} ? {yes} : {no}", CHOICE
        source = e.operands[0].dtype
        if operation == "convert":
            if kind == "b":
                return self._infix("not_equal", (x, binds), ("0", ATOM))
            return self.dialect.converted(written[0], source, e.dtype, self.helpers)
        arguments = [text for text, _ in written]
        return self.dialect.call(operation, arguments, source, self.helpers), ATOM

    def _infix(self, operation: str, x: Written, y: Written, *, chains: bool = False) -> Written:
        """Return an operator between two numbers; with `chains`, a right operand may regroup."""
        symbol, binds = self.dialect.infix[operation]
        regroups = chains and operation in ("add", "multiply", "and", "or")
        mixes = [operation == "or" and at == self.dialect.infix["and"][1] for _, at in (x, y)]
        if binds in COMPARING:
            mixes = [at in COMPARING for _, at in (x, y)]
        left = wrapped(x[0], tight=x[1] >= binds and not mixes[0])
        tight = y[1] > binds or (y[1] == binds and regroups)
        return f"{left} {symbol} {wrapped(y[0], tight=tight and not mixes[1])}", binds


def _keeps_wholes(e: Compute) -> bool:
    """Tell whether an expression makes whole numbers of whole numbers, and the same ones."""
    if e.operation != "convert":
        return False
    source = e.operands[0].dtype
    return source.kind in "iu" and source.itemsize <= e.dtype.itemsize


def place_of(access: Access, name: str, extra: Sequence[tuple[str, int]] = ()) -> str:
    """Return an entry of a buffer: ``x[64*i + j]``; `extra` are further numbers with their strides."""
    terms = [("+", text if stride == 1 else f"{stride}*{text}") for text, stride in extra]
    inward = sorted(range(len(access.strides)), key=lambda a: -abs(access.strides[a]))
    for axis in inward:
        stride = access.strides[axis]
        if stride:
            factor = "" if abs(stride) == 1 else f"{abs(stride)}*"
            terms.append(("-" if stride < 0 else "+", f"{factor}{letter(axis)}"))
    if access.offset or not terms:
        terms.append(("+", str(access.offset)))
    if terms[0][0] == "-":  # a place that counts down reads better behind its start
        terms = terms[-1:] + terms[:-1] if access.offset else terms
    text = " ".join(f"{sign} {term}" for sign, term in terms).removeprefix("+ ")
    return f"{name}[{text}]"
