"""Sums of products."""

from __future__ import annotations

import numpy as np

from ...engine.array_types import AnyArray, Array
from ...engine.spec import shape_of
from ...ops.einsum import contract
from ...ops.einsum_subscripts import read
from .registry import decomposition


@decomposition("compile", "source")
def outer(x: Array, y: Array) -> Array:
    return np.expand_dims(x.reshape(-1), 1) * y.reshape(-1)


def _has_vector(x: Array, y: Array) -> bool:
    return 1 in (x.ndim, y.ndim) or (x.ndim == y.ndim == 2 and 1 in (x.shape[0], y.shape[1]))


@decomposition("compile", "source", applies=_has_vector)
def matmul(x: Array, y: Array) -> Array:
    """A vector as a factor makes sums of products, which are bound by memory and fuse with others."""
    if y.ndim == 1:
        return (x * y).sum(-1)
    if x.ndim == 1:
        return (np.expand_dims(x, -1) * y).sum(-2)
    if y.shape[1] == 1:
        return (x * y.T).sum(1, keepdims=True)
    return (x.T * y).sum(0, keepdims=True)


def _has_no_diagonal(*operands: Array, subscripts: str) -> bool:
    terms = read(subscripts, tuple(map(shape_of, operands))).terms
    return all(len(set(term)) == len(term) for term in terms)


@decomposition("compile", applies=_has_no_diagonal)
def einsum(*operands: Array, subscripts: str) -> Array:
    return contract(subscripts, operands, _sum_products)


def _sum_products(subscripts: str, *operands: Array) -> Array:
    """Operands stretched to each other, multiplied, and added up."""
    left, _, output = subscripts.partition("->")
    terms = left.split(",")
    summed = "".join(dict.fromkeys(c for c in left if c != "," and c not in output))
    letters = output + summed
    product: AnyArray = None
    for x, term in zip(operands, terms, strict=True):
        order = sorted(term, key=letters.index)
        if order != list(term):
            x = x.transpose([term.index(c) for c in order])
        missing = tuple(i for i, c in enumerate(letters) if c not in term)
        x = np.expand_dims(x, missing) if missing else x
        product = x if product is None else product * x
    return product.sum(tuple(range(len(output), len(letters)))) if summed else product


@decomposition("source", of="einsum")
def einsum_of_diagonals(*operands: Array, subscripts: str) -> Array:
    """An operand that has a letter twice is read by its diagonal."""
    if _has_no_diagonal(*operands, subscripts=subscripts):
        raise NotImplementedError
    terms, output, _ = read(subscripts, tuple(map(shape_of, operands)))
    lines, whole = [], []
    for x, term in zip(operands, terms, strict=True):
        while double := next((c for c in term if term.count(c) > 1), ""):
            first, second = (i for i, c in enumerate(term) if c == double)
            if x.shape[first] != x.shape[second]:
                raise NotImplementedError
            x = np.diagonal(x, 0, first, second)
            term = term.replace(double, "") + double
        lines.append(term)
        whole.append(x)
    return np.einsum(f"{','.join(lines)}->{output}", *whole)
