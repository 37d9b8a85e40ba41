"""Exponentials, logarithms, trigonometric functions and what is built on them."""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.arrays import as_array
from ..engine.primitive import Sample, floats, primitive
from ..engine.spec import ufunc_dtype
from .makers import ufunc
from .samples import ANY, COMPLEX, POSITIVE
from .specs import like_ufunc


def exp_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * out


exp = ufunc(
    np.exp,
    exp_vjp,
    why="The exponential is its own slope: large outputs, large gradients.",
    traits=["conjugates"],
    noun="exponential",
    samples=(*ANY, *COMPLEX),
)


def log_vjp(g: Array, out: Array, x: Array) -> Array:
    return g / x


log = ufunc(
    np.log,
    log_vjp,
    why="The slope is one over the input: small inputs make large gradients.",
    traits=["conjugates"],
    samples=(*POSITIVE, *COMPLEX),
)


def log1p_vjp(g: Array, out: Array, x: Array) -> Array:
    return g / (1 + x)


log1p = ufunc(
    np.log1p,
    log1p_vjp,
    why="The slope is one over one plus the input.",
    samples=(Sample(floats(3, 4, low=-0.8)), Sample(floats(low=-0.8)), *COMPLEX),
)


def expm1_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * np.exp(x)  # out + 1 would lose what is far below one


expm1 = ufunc(
    np.expm1,
    expm1_vjp,
    why="The slope is the exponential itself: minus one is no matter of slope.",
    samples=(*ANY, *COMPLEX),
)


def sqrt_vjp(g: Array, out: Array, x: Array) -> Array:
    return g / (2 * out)


sqrt = ufunc(
    np.sqrt,
    sqrt_vjp,
    why="Steep near zero, where the slope grows without bound.",
    traits=["conjugates"],
    samples=(*POSITIVE, *COMPLEX),
)


def sin_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * np.cos(x)


sin = ufunc(
    np.sin,
    sin_vjp,
    why="The slope is the cosine: none at the crests.",
    traits=["conjugates"],
    samples=(*ANY, *COMPLEX),
)


def cos_vjp(g: Array, out: Array, x: Array) -> Array:
    return -g * np.sin(x)


cos = ufunc(
    np.cos,
    cos_vjp,
    why="The slope is minus the sine: none at the crests.",
    traits=["conjugates"],
    samples=(*ANY, *COMPLEX),
)


def tanh_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (1 - out * out)


tanh = ufunc(
    np.tanh,
    tanh_vjp,
    why="Flat where tanh saturates: little gradient gets through.",
    traits=["conjugates"],
    samples=(*ANY, *COMPLEX),
)


def _sigmoid(x: AnyArray) -> Array:
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


def sigmoid_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * (out * (1 - out))


_sigmoid_record = primitive(
    "sigmoid",
    _sigmoid,
    spec=like_ufunc(np.exp),
    vjp=(sigmoid_vjp,),
    role="scales",
    why="At most a quarter of the gradient gets through, and next to none where sigmoid saturates.",
    traits=["elementwise"],
    samples=(*ANY, *COMPLEX),
)


def sigmoid(x: ArrayLike) -> AnyArray:
    """Return the logistic function ``1 / (1 + exp(-x))``, without overflow.

    Parameters
    ----------
    x : number, array or Tensor, floating or complex, of any shape; the result has its shape and dtype

    >>> float(sigmoid(0.0)), float(sigmoid(-1000.0))
    (0.5, 0.0)
    """
    return _sigmoid_record(as_array(float(x) if type(x) is int else x))
