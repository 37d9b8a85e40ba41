"""Sums of products in Einstein's notation: one primitive, whose gradient is one of its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..engine.array_types import AnyArray, Array, Axes, Shape
from ..engine.arrays import as_array
from ..engine.primitive import Custom, Draw, Sample, answers, each, floats, primitive
from ..engine.spec import ArraySpec, promote, shape_of
from ..engine.tensor import Tensor
from .diagonals import writable_diagonal
from .einsum_subscripts import MatrixForm, explicit, from_lists, read, steps


def contract(
    subscripts: str, operands: tuple[Array, ...], sum_products: Callable[..., Any]
) -> Array:
    """Contract operands step by step: by matrix products where they can be, else by `sum_products`."""
    left = list(operands)
    for places, text, product in steps(subscripts, tuple(map(shape_of, operands))):
        chosen = [left.pop(i) for i in places]
        if product and all(x.dtype.char in "fdFD" for x in chosen):
            left.append(_multiplied(product, *chosen))
        else:
            left.append(sum_products(text, *chosen))
    return left[0]


def _multiplied(product: MatrixForm, x: Array, y: Array) -> Array:
    out = _arranged(x, product.x_axes, product.x_shape) @ _arranged(
        y, product.y_axes, product.y_shape
    )
    if out.shape != product.shape:
        out = out.reshape(product.shape)
    axes = product.axes
    return out if axes == tuple(range(len(axes))) else out.transpose(axes)


def _arranged(x: Array, axes: Axes, shape: Shape) -> Array:
    """Return `x` as a factor of a matrix product, copied where BLAS could not read it as it lies."""
    if axes != tuple(range(x.ndim)):
        x = x.transpose(axes)
    if x.shape != shape:
        x = x.reshape(shape)
    if type(x) is np.ndarray and x.ndim > 1 and x.itemsize not in x.strides[-2:]:
        x = np.ascontiguousarray(x)
    return x


def _einsum(*operands: Array, subscripts: str) -> Array:
    out = contract(subscripts, operands, np.einsum)
    return out.copy() if len(operands) == 1 and getattr(out, "base", None) is not None else out


def _einsum_spec(*operands: Array, subscripts: str) -> ArraySpec:
    _, output, sizes = read(subscripts, tuple(map(shape_of, operands)))
    return ArraySpec(tuple(sizes[c] for c in output), promote(*operands))


def einsum_vjp(position: int, g: Array, out: Array, *operands: Array, subscripts: str) -> Array:
    terms, output, sizes = read(subscripts, tuple(map(shape_of, operands)))
    term, shape = terms[position], operands[position].shape
    others = [i for i in range(len(terms)) if i != position]
    elsewhere = output + "".join(terms[i] for i in others)
    own = dict(zip(term, shape, strict=True))
    reached = [c for c in own if c in elsewhere and own[c] == sizes[c]]
    target = "".join(reached)
    if others or target != output:
        inputs = ",".join([output, *(terms[i] for i in others)])
        g = _record(g, *(operands[i] for i in others), subscripts=f"{inputs}->{target}")
    seen: set[str] = set()
    aligned = []  # an axis of size one where every entry is alike, or another axis gives the place
    for c in term:
        aligned.append(g.shape[reached.index(c)] if c in reached and c not in seen else 1)
        seen.add(c)
    if g.shape != tuple(aligned):
        g = g.reshape(aligned)
    return g if len(seen) == len(term) else np.where(_on_diagonal(term, shape), g, 0.0)


def _on_diagonal(term: str, shape: Shape) -> Array:
    """Return where the positions along all axes of the same letter are equal."""
    where = np.ones((1,) * len(term), bool)
    for axis, letter in enumerate(term):
        first = term.index(letter)
        if first < axis:
            places = np.eye(shape[axis], dtype=bool)
            others = tuple(i for i in range(len(term)) if i not in (first, axis))
            where = where & np.expand_dims(places, others)
    return where


def _write(*operands: str, subscripts: str) -> str:
    return f"einsum('{subscripts}', {', '.join(operands)})"


_record = primitive(
    "einsum",
    _einsum,
    spec=_einsum_spec,
    vjp=each(einsum_vjp),
    role="mixes",
    why="Each operand gets the upstream gradient times all the others, summed over what it does not have.",
    notation=Custom(_write, wraps=False),
    traits=["linear"],
    samples=(
        Sample(floats(2, 3), floats(3, 4), subscripts="ij,jk->ik"),
        Sample(floats(5, 2, 3), floats(5, 4, 3), subscripts="bij,bkj->ibk"),
        Sample(floats(3), floats(3), subscripts="i,i->"),
        Sample(floats(2, 3), floats(2, 3), subscripts="bi,bi->b"),
        Sample(floats(2, 3), floats(4, 5), subscripts="ij,kl->il"),
        Sample(floats(2, 3, 4), subscripts="ijk->kj"),
        Sample(floats(3, 3), subscripts="ii->"),
        Sample(floats(3, 2, 3, 3), subscripts="iaii->ai"),
        Sample(floats(3, 3), floats(3, 2), subscripts="ii,ij->ij"),
        Sample(floats(2, 1, 2, 3), floats(4, 3, 2), subscripts="...ij,...jk->...ki"),
        Sample(floats(2, 1), floats(2, 3), floats(3), subscripts="ij,ij,j->i"),
        Sample(floats(2, 3), floats(3, 4), floats(4, 2), floats(2), subscripts="ij,jk,kl,i->l"),
        Sample(floats(), floats(3), subscripts=",i->i"),
        Sample(floats(0, 3), floats(3, 2), subscripts="ij,jk->ik"),
        Sample(
            Draw((2, 3), dtype="complex128"),
            Draw((3, 2), dtype="complex128"),
            subscripts="ij,jk->ki",
        ),
        Sample(Draw((3, 3), dtype="complex128"), floats(3), subscripts="ii,i->i"),
    ),
)


@answers(np.einsum)
def einsum(
    subscripts: AnyArray, *operands: AnyArray, optimize: bool | str | Sequence[Any] | None = None
) -> Array:
    """Answer `np.einsum`. `optimize` may be given, but the order of summation is always chosen here."""
    text, given = _read_call(subscripts, operands)
    arrays = [as_array(x) for x in given]
    if len(arrays) == 1 and isinstance(arrays[0], Tensor):
        left, _, right = text.partition("->")
        if set(left) == set(right):
            with suppress(ValueError):  # the record says what does not fit
                (term,), output, _ = read(text, (arrays[0].shape,))
                return _window(arrays[0], term, output)
    return _record(*arrays, subscripts=text)


def _window(x: Array, term: str, output: str) -> Array:
    """Take diagonals and axes in another order: as in NumPy, they show the memory of `x`."""
    if term == output:
        return x[...]
    while repeated := [c for c in term if term.count(c) > 1]:
        letter = repeated[0]
        one = term.index(letter)
        other = term.index(letter, one + 1)
        x = writable_diagonal(x, offset=0, axis1=one, axis2=other)
        term = term[:one] + term[one + 1 : other] + term[other + 1 :] + letter
    order = tuple(map(term.index, output))
    return x if order == tuple(range(x.ndim)) else x.transpose(order)


def _read_call(
    subscripts: AnyArray, operands: tuple[Array, ...]
) -> tuple[str, tuple[AnyArray, ...]]:
    """Read either form of a call as explicit subscripts and operands."""
    if isinstance(subscripts, str):
        return explicit(subscripts), operands
    return from_lists((subscripts, *operands))


@answers(np.einsum_path)
def einsum_path(
    subscripts: AnyArray, *operands: AnyArray, optimize: bool | str | Sequence[Any] = "greedy"
) -> tuple[list[Any], str]:
    """Return what NumPy says of operands of these shapes."""
    text, arrays = _read_call(subscripts, operands)
    blanks = [np.broadcast_to(np.empty(()), np.shape(x)) for x in arrays]
    return np.einsum_path(text, *blanks, optimize=optimize)
