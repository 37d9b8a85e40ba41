"""Arithmetic: the gates that lecture notes begin with.

Rules ignore broadcasting: the sweep sums a downstream gradient over stretched axes.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..primitive import Call, Draw, Infix, Prefix, Sample, floats, primitive
from ..spec import ArraySpec
from .samples import ANY, COMPLEX, COMPLEX_PAIRS, PAIRS, POSITIVE_PAIRS
from .specs import like_ufunc


def add_vjp(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g


add = primitive(
    "add",
    operator.add,
    numpy=np.add,
    operator="add",
    spec=like_ufunc(np.add),
    vjp=(add_vjp, add_vjp),
    role="passes",
    why="A step of either input moves the sum by just as much.",
    notation=Infix("+", 10),
    elementwise=True,
    samples=(*PAIRS, *COMPLEX_PAIRS),
)


def subtract_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return -g


subtract = primitive(
    "subtract",
    operator.sub,
    numpy=np.subtract,
    operator="sub",
    spec=like_ufunc(np.subtract),
    vjp=(add_vjp, subtract_vjp_y),
    role="passes",
    why="The first input gets the upstream gradient as it is, the second one with its sign turned.",
    notation=Infix("-", 10),
    elementwise=True,
    samples=(*PAIRS, *COMPLEX_PAIRS),
)


def multiply_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * y


def multiply_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * x


multiply = primitive(
    "multiply",
    operator.mul,
    numpy=np.multiply,
    operator="mul",
    spec=like_ufunc(np.multiply),
    vjp=(multiply_vjp_x, multiply_vjp_y),
    role="swaps",
    why="How much a step of one input matters is the size of the other one.",
    notation=Infix("*", 20),
    elementwise=True,
    samples=(*PAIRS, *COMPLEX_PAIRS),
)


def divide_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g / y


def divide_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return -g * out / y


divide = primitive(
    "divide",
    operator.truediv,
    numpy=np.divide,
    operator="truediv",
    spec=like_ufunc(np.divide),
    vjp=(divide_vjp_x, divide_vjp_y),
    role="scales",
    why="A small divisor makes both gradients large.",
    notation=Infix("/", 20),
    elementwise=True,
    samples=(*POSITIVE_PAIRS, *COMPLEX_PAIRS),
)


def power_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    if isinstance(y, int | float | complex):  # a written exponent: no branches needed
        if y == 0:
            return g * np.zeros_like(x)
        if isinstance(y, complex):
            return g * (x ** (y - 1) * y)
        return g * (y * x ** (y - 1))
    return np.where(y == 0, 0.0, g * y * x ** np.where(y == 0, 1, y - 1))


def power_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    positive = np.real(y) >= 0 if out.dtype.kind == "c" else y >= 0
    flat = np.logical_and(x == 0, positive)  # 0**y stays 0
    base = np.where(flat, 1.0, x).astype(
        out.dtype
    )  # complex, if only y is: -2 has a logarithm, too
    return np.where(flat, 0.0, g * out * np.log(base))


_POWER = like_ufunc(np.power)


def _power_spec(x: Any, y: Any) -> ArraySpec:
    spec = _POWER(x, y)
    is_square = type(y) is int and y == 2
    if is_square and spec.shape and x.dtype.kind == "b":  # NumPy's operator multiplies
        return ArraySpec(spec.shape, np.dtype(np.int8))
    return spec


power = primitive(
    "power",
    operator.pow,
    numpy=np.power,
    operator="pow",
    spec=_power_spec,
    vjp=(power_vjp_x, power_vjp_y),
    role="scales",
    why="The exponent comes down in front, and the power drops by one.",
    notation=Infix("**", 40),
    elementwise=True,
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


def negative_vjp(g: Any, out: Any, x: Any) -> Any:
    return -g


negative = primitive(
    "negative",
    operator.neg,
    numpy=np.negative,
    operator="neg",
    spec=like_ufunc(np.negative),
    vjp=(negative_vjp,),
    role="passes",
    why="The upstream gradient goes through with its sign turned.",
    notation=Prefix("-", 30),
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def absolute_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * np.conj(np.sign(x)) if x.dtype.kind == "c" else g * np.sign(x)


absolute = primitive(
    "absolute",
    np.absolute,
    numpy=np.absolute,
    operator="abs",
    spec=like_ufunc(np.absolute),
    vjp=(absolute_vjp,),
    role="scales",
    why="The gradient keeps its sign where the input is positive and turns it where negative; none at 0.",
    notation=Call("abs"),
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)
