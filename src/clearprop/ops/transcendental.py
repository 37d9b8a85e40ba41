"""Exponentials, logarithms, trigonometric functions and what is built on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import as_array
from ..primitive import Sample, floats, primitive
from ..spec import ufunc_dtype
from .samples import ANY, COMPLEX, POSITIVE
from .specs import like_ufunc


def exp_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * out


exp = primitive(
    "exp",
    np.exp,
    numpy=np.exp,
    spec=like_ufunc(np.exp),
    vjp=(exp_vjp,),
    role="scales",
    why="The exponential is its own slope: large outputs, large gradients.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def log_vjp(g: Any, out: Any, x: Any) -> Any:
    return g / x


log = primitive(
    "log",
    np.log,
    numpy=np.log,
    spec=like_ufunc(np.log),
    vjp=(log_vjp,),
    role="scales",
    why="The slope is one over the input: small inputs make large gradients.",
    elementwise=True,
    samples=(*POSITIVE, *COMPLEX),
)


def log1p_vjp(g: Any, out: Any, x: Any) -> Any:
    return g / (1 + x)


log1p = primitive(
    "log1p",
    np.log1p,
    numpy=np.log1p,
    spec=like_ufunc(np.log1p),
    vjp=(log1p_vjp,),
    role="scales",
    why="The slope is one over one plus the input.",
    elementwise=True,
    samples=(Sample(floats(3, 4, low=-0.8)), Sample(floats(low=-0.8)), *COMPLEX),
)


def expm1_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * np.exp(x)  # out + 1 would lose what is far below one


expm1 = primitive(
    "expm1",
    np.expm1,
    numpy=np.expm1,
    spec=like_ufunc(np.expm1),
    vjp=(expm1_vjp,),
    role="scales",
    why="The slope is the exponential itself: minus one is no matter of slope.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def sqrt_vjp(g: Any, out: Any, x: Any) -> Any:
    return g / (2 * out)


sqrt = primitive(
    "sqrt",
    np.sqrt,
    numpy=np.sqrt,
    spec=like_ufunc(np.sqrt),
    vjp=(sqrt_vjp,),
    role="scales",
    why="Steep near zero, where the slope grows without bound.",
    elementwise=True,
    samples=(*POSITIVE, *COMPLEX),
)


def sin_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * np.cos(x)


sin = primitive(
    "sin",
    np.sin,
    numpy=np.sin,
    spec=like_ufunc(np.sin),
    vjp=(sin_vjp,),
    role="scales",
    why="The slope is the cosine: none at the crests.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def cos_vjp(g: Any, out: Any, x: Any) -> Any:
    return -g * np.sin(x)


cos = primitive(
    "cos",
    np.cos,
    numpy=np.cos,
    spec=like_ufunc(np.cos),
    vjp=(cos_vjp,),
    role="scales",
    why="The slope is minus the sine: none at the crests.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def tanh_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * (1 - out * out)


tanh = primitive(
    "tanh",
    np.tanh,
    numpy=np.tanh,
    spec=like_ufunc(np.tanh),
    vjp=(tanh_vjp,),
    role="scales",
    why="Flat where tanh saturates: little gradient gets through.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def _sigmoid(x: Any) -> Any:
    if np.iscomplexobj(x):
        right = x.real >= 0
        small = np.exp(np.where(right, -x, x))
        return (np.where(right, 1, small) / (1 + small))[()]
    if type(x) is float:
        x = np.float64(x)
    if x.dtype.kind in "u":  # which has no negative
        x = x.astype(ufunc_dtype(np.exp, x))
    small = np.exp(-np.abs(x))  # never overflows, and keeps tiny results exact
    return (np.where(x >= 0, 1.0, small) / (1 + small)).astype(small.dtype)[()]


def sigmoid_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * (out * (1 - out))


_sigmoid_record = primitive(
    "sigmoid",
    _sigmoid,
    spec=like_ufunc(np.exp),
    vjp=(sigmoid_vjp,),
    role="scales",
    why="At most a quarter of the gradient gets through, and next to none where sigmoid saturates.",
    elementwise=True,
    samples=(*ANY, *COMPLEX),
)


def sigmoid(x: Any) -> Any:
    """The logistic function ``1 / (1 + exp(-x))``, without overflow.

    Parameters
    ----------
    x : number, array or Tensor, floating or complex, of any shape; the result has its shape and dtype

    >>> float(sigmoid(0.0)), float(sigmoid(-1000.0))
    (0.5, 0.0)
    """
    return _sigmoid_record(as_array(float(x) if type(x) is int else x))
