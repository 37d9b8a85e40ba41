"""Arithmetic on numbers, entry by entry.

Rules ignore broadcasting: the sweep sums a downstream gradient over stretched axes.
"""

from __future__ import annotations

import operator

import numpy as np

from ..engine.array_types import Array
from ..engine.primitive import Call, Draw, Infix, Prefix, Sample, floats
from ..engine.spec import ArraySpec
from .makers import ufunc
from .samples import ANY, COMPLEX, COMPLEX_PAIRS, PAIRS, POSITIVE_PAIRS
from .specs import like_ufunc


def add_vjp(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g


add = ufunc(
    np.add,
    add_vjp,
    add_vjp,
    forward=operator.add,
    operator="add",
    role="passes",
    why="A step of either input moves the sum by just as much.",
    notation=Infix("+", 10),
    traits=["conjugates"],
    noun="total",
    samples=(*PAIRS, *COMPLEX_PAIRS),
)


def subtract_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return -g


subtract = ufunc(
    np.subtract,
    add_vjp,
    subtract_vjp_y,
    forward=operator.sub,
    operator="sub",
    role="passes",
    why="The first input gets the upstream gradient as it is, the second one with its sign turned.",
    notation=Infix("-", 10),
    traits=["conjugates"],
    noun="difference",
    samples=(*PAIRS, *COMPLEX_PAIRS),
)


def multiply_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * y


def multiply_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * x


multiply = ufunc(
    np.multiply,
    multiply_vjp_x,
    multiply_vjp_y,
    forward=operator.mul,
    operator="mul",
    role="swaps",
    why="How much a step of one input matters is the size of the other one.",
    notation=Infix("*", 20),
    traits=["linear"],
    noun="product",
    samples=(*PAIRS, *COMPLEX_PAIRS),
)


def divide_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g / y


def divide_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return -g * out / y


divide = ufunc(
    np.divide,
    divide_vjp_x,
    divide_vjp_y,
    forward=operator.truediv,
    operator="truediv",
    why="A small divisor makes both gradients large.",
    notation=Infix("/", 20),
    traits=["conjugates"],
    noun="quotient",
    samples=(*POSITIVE_PAIRS, *COMPLEX_PAIRS),
)


def power_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    if isinstance(y, int | float | complex):  # a written exponent: no branches needed
        if y == 0:
            return g * np.zeros_like(x)
        if isinstance(y, complex):
            return g * (x ** (y - 1) * y)
        return g * (y * x ** (y - 1))
    return np.where(y == 0, 0.0, g * y * x ** np.where(y == 0, 1, y - 1))


def power_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    positive = np.real(y) >= 0 if out.dtype.kind == "c" else y >= 0
    flat = np.logical_and(x == 0, positive)  # 0**y stays 0
    base = np.where(flat, 1.0, x).astype(
        out.dtype
    )  # complex, if only y is: -2 has a logarithm, too
    return np.where(flat, 0.0, g * out * np.log(base))


_POWER = like_ufunc(np.power)


def _power_spec(x: Array, y: Array | int) -> ArraySpec:
    spec = _POWER(x, y)
    is_square = type(y) is int and y == 2
    if is_square and spec.shape and x.dtype.kind == "b":  # NumPy's operator multiplies
        return ArraySpec(spec.shape, np.dtype(np.int8))
    return spec


power = ufunc(
    np.power,
    power_vjp_x,
    power_vjp_y,
    forward=operator.pow,
    operator="pow",
    spec=_power_spec,
    why="The exponent comes down in front, and the power drops by one.",
    notation=Infix("**", 40),
    traits=["conjugates"],
    samples=(
        Sample(floats(3, 4), 2),
        Sample(floats(3, 4), 3),
        Sample(floats(3, low=0.5), -1.5),
        Sample(floats(3), 0),
        Sample(floats(3, 4, low=0.3), floats(4)),
        Sample(2.0, floats(3)),
        Sample(floats(low=0.5), floats()),
        Sample(floats(3), Draw((3,), dtype="complex128")),
        Sample(Draw((3,), dtype="complex128"), -2),
        Sample(Draw((2,), dtype="complex128"), 0.5 - 1j),
        *COMPLEX_PAIRS[:3],
    ),
)


def negative_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g


negative = ufunc(
    np.negative,
    negative_vjp,
    forward=operator.neg,
    operator="neg",
    role="passes",
    why="The upstream gradient goes through with its sign turned.",
    notation=Prefix("-", 30),
    traits=["linear"],
    samples=(*ANY, *COMPLEX),
)


def absolute_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * np.conj(np.sign(x)) if x.dtype.kind == "c" else g * np.sign(x)


absolute = ufunc(
    np.absolute,
    absolute_vjp,
    operator="abs",
    why="The gradient keeps its sign where the input is positive and turns it where negative; none at 0.",
    notation=Call("abs"),
    samples=(*ANY, *COMPLEX),
)
