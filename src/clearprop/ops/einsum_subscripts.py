"""Einstein's notation as data: what the letters of ``'ij,jk->ik'`` stand for, and in which steps to sum.

Nothing here knows what a gradient is, nor looks at a number.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from string import ascii_letters
from typing import NamedTuple

import numpy as np

from ..engine.array_types import AnyArray, Array, Shape

ELLIPSIS = "..."


class Reading(NamedTuple):
    """Subscripts with every axis named by one letter."""

    terms: tuple[str, ...]
    output: str
    sizes: dict[str, int]
    """The size of each letter's axis once operands are stretched to each other."""


def explicit(subscripts: str) -> str:
    """Return subscripts without spaces and with an output: where none is written, the letters used
    once, sorted.

    >>> explicit("ij, jk"), explicit("...ii"), explicit("i,j->")
    ('ij,jk->ik', '...ii->...', 'i,j->')
    """
    text = subscripts.replace(" ", "")
    if "->" in text:
        return text
    count = Counter(text.replace(ELLIPSIS, "").replace(",", ""))
    once = "".join(sorted(letter for letter in count if count[letter] == 1))
    return f"{text}->{ELLIPSIS if ELLIPSIS in text else ''}{once}"


def from_lists(operands: tuple[Array, ...]) -> tuple[str, tuple[AnyArray, ...]]:
    """Read NumPy's other form, ``(x, [0, 1], y, [1, 2], [0, 2])``, as explicit subscripts and operands."""
    pairs, output = operands[: len(operands) // 2 * 2], operands[len(operands) // 2 * 2 :]
    written = [*pairs[1::2], *output]
    numbers = sorted({n for axes in written for n in axes if n is not Ellipsis})
    if any(not isinstance(n, int | np.integer) or not 0 <= n < len(ascii_letters) for n in numbers):
        raise ValueError(f"axes are named by whole numbers from 0 to 51 or ..., not {numbers}")
    # small numbers that start with i, j, k, as people write them, where there are few of them
    start = ascii_letters.index("i") if numbers and numbers[-1] < 18 else 0
    terms = [
        "".join(ELLIPSIS if n is Ellipsis else ascii_letters[start + n] for n in axes)
        for axes in written
    ]
    if output:
        return f"{','.join(terms[:-1])}->{terms[-1]}", pairs[::2]
    count = Counter(letter for term in terms for letter in term.replace(ELLIPSIS, ""))
    once = "".join(c for c in ascii_letters if count[c] == 1)
    dots = ELLIPSIS if any(ELLIPSIS in term for term in terms) else ""
    return f"{','.join(terms)}->{dots}{once}", pairs[::2]


@lru_cache(maxsize=4096)
def read(subscripts: str, shapes: tuple[Shape, ...]) -> Reading:
    """Read explicit subscripts for operands of these shapes; raise ValueError where they do not fit.

    >>> read("...ij,jk->...ik", ((5, 2, 3), (3, 4)))
    Reading(terms=('aij', 'jk'), output='aik', sizes={'a': 5, 'i': 2, 'j': 3, 'k': 4})
    """
    left, _, output = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ValueError(
            f"'{subscripts}' is for {len(terms)} operands, but there are {len(shapes)}"
        )
    bare = [term.replace(ELLIPSIS, "", 1) for term in (*terms, output)]
    for letter in "".join(bare):
        if letter not in ascii_letters:
            raise ValueError(f"{letter!r} in '{subscripts}' is no letter; an ellipsis is '...'")
    extra = [
        _unnamed(term, letters, shape)
        for term, letters, shape in zip(terms, bare, shapes, strict=False)
    ]
    if max(extra) and ELLIPSIS not in output:
        raise ValueError(f"the output of '{subscripts}' needs '...', for the axes without a letter")
    used = set("".join(bare))
    spare = "".join(c for c in ascii_letters if c not in used)[: max(extra)]
    if len(spare) < max(extra):
        raise ValueError(
            f"'{subscripts}' stands for {len(used) + max(extra)} axes, and there are letters for "
            f"{len(ascii_letters)}; reshape first, so that some of them become one"
        )
    full = [
        term.replace(ELLIPSIS, spare[len(spare) - n :])
        for term, n in zip(terms, extra, strict=True)
    ]
    output = output.replace(ELLIPSIS, spare)
    for letter, times in Counter(output).items():
        if times > 1:
            raise ValueError(f"'{letter}' stands twice in the output of '{subscripts}'")
        if not any(letter in term for term in full):
            raise ValueError(f"'{letter}' is in the output of '{subscripts}', but in no operand")
    return Reading(tuple(full), output, _sizes(full, shapes))


def _unnamed(term: str, letters: str, shape: Shape) -> int:
    """Return how many axes the ellipsis of a term stands for."""
    rest = len(shape) - len(letters)
    if rest < 0 or (rest and ELLIPSIS not in term):
        instead = f"; write '...{term}' to leave the others alone" if rest > 0 else ""
        raise ValueError(
            f"'{term}' names {len(letters)} axes, but the operand has {len(shape)}{instead}"
        )
    return rest


def _sizes(terms: list[str], shapes: tuple[Shape, ...]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        here: dict[str, int] = {}
        for letter, n in zip(term, shape, strict=True):
            if here.setdefault(letter, n) != n:
                raise ValueError(
                    f"'{letter}' stands for axes of sizes {here[letter]} and {n} in '{term}': a "
                    f"diagonal needs equal ones"
                )
            if sizes.setdefault(letter, n) == 1:
                sizes[letter] = n
            elif n not in (1, sizes[letter]):
                raise ValueError(f"'{letter}' has size {sizes[letter]} and size {n}")
    return sizes


# ---- in which steps to sum


class MatrixForm(NamedTuple):
    """Two operands as factors of a matrix product: the order of their axes, and their shapes, then."""

    x_axes: Shape
    x_shape: Shape
    y_axes: Shape
    y_shape: Shape
    shape: Shape
    axes: Shape
    """The result's shape, and the order in which its axes are wanted."""


class ContractionStep(NamedTuple):
    """Some operands, taken out of the list (the last one first), make one that is put at its end."""

    places: tuple[int, ...]
    subscripts: str
    product: MatrixForm | None


@lru_cache(maxsize=4096)
def steps(subscripts: str, shapes: tuple[Shape, ...]) -> tuple[ContractionStep, ...]:
    """Return how to contract operands of these shapes, two at a time and in a good order.

    >>> [step.subscripts for step in steps("ij,jk,k->i", ((9, 9), (9, 9), (9,)))]
    ['k,jk->j', 'j,ij->i']
    """
    terms, output, _ = read(subscripts, shapes)
    left, given = list(terms), list(shapes)
    found: list[ContractionStep] = []

    def take(places: tuple[int, ...], result: str) -> None:
        parts, sides = [left.pop(i) for i in places], [given.pop(i) for i in places]
        product = _as_product(parts, sides, result) if len(parts) == 2 else None
        found.append(ContractionStep(places, f"{','.join(parts)}->{result}", product))
        left.append(result)
        axes = [dict(zip(part, side, strict=True)) for part, side in zip(parts, sides, strict=True)]
        given.append(tuple(max((a.get(c, 1) for a in axes), key=lambda n: n != 1) for c in result))

    for places in _order(terms, output, shapes):
        chosen = sorted(places, reverse=True)
        rest = "".join(t for i, t in enumerate(left) if i not in chosen) + output
        if len(chosen) > 1:  # what only one of them has, and nobody needs, is added up first
            for k in range(len(chosen)):
                place = chosen[k]
                others = "".join(left[i] for i in chosen if i != place) + rest
                kept = "".join(dict.fromkeys(c for c in left[place] if c in others))
                if kept != left[place]:
                    take((place,), kept)
                    chosen = [len(left) - 1 if i == place else i - (i > place) for i in chosen]
        last = len(left) == len(chosen)
        needed = "".join(dict.fromkeys(c for i in chosen for c in left[i] if c in rest))
        take(tuple(sorted(chosen, reverse=True)), output if last else needed)
    return tuple(found)


def _order(terms: tuple[str, ...], output: str, shapes: tuple[Shape, ...]) -> list[Shape]:
    if len(terms) <= 2:
        return [tuple(range(len(terms)))]
    dummies = [np.broadcast_to(np.empty(()), shape) for shape in shapes]
    path = np.einsum_path(f"{','.join(terms)}->{output}", *dummies, optimize="greedy")[0]
    return path[1:]


def _as_product(terms: list[str], shapes: list[Shape], output: str) -> MatrixForm | None:
    """Return two operands as a matrix product, if their sum is one that BLAS is good at."""
    x, y = terms
    sides = [dict(zip(term, shape, strict=True)) for term, shape in zip(terms, shapes, strict=True)]
    shared = [c for c in x if c in y]
    if any(len(side) < len(term) for side, term in zip(sides, terms, strict=True)):
        return None  # a diagonal
    if any(sides[0][c] != sides[1][c] for c in shared):
        return None  # one operand is stretched along an axis of the other
    batch = [c for c in output if c in shared]
    summed = [c for c in shared if c not in output]
    rows, columns = [c for c in x if c not in y], [c for c in y if c not in x]
    if not summed or (batch and not rows and not columns):
        return None

    def size(letters: list[str]) -> Shape:
        return tuple(sides[0].get(c) or sides[1].get(c, 0) for c in letters)

    def joined(letters: list[str]) -> Shape:
        """Return several axes as one; without a batch a vector may stay one."""
        return (math.prod(size(letters)),) if letters or batch else ()

    order = [*batch, *rows, *columns]
    return MatrixForm(
        tuple(x.index(c) for c in [*batch, *rows, *summed]),
        (*size(batch), *joined(rows), *joined(summed)),
        tuple(y.index(c) for c in [*batch, *summed, *columns]),
        (*size(batch), *joined(summed), *joined(columns)),
        size(order),
        tuple(order.index(c) for c in output),
    )
