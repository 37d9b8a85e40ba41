"""Primitives in which each output entry reads one entry of each input.

Rules ignore broadcasting: the sweep sums a downstream gradient over stretched axes. At a kink the
rules follow PyTorch where it has a policy: relu'(0) = 0, abs'(0) = 0, ties in maximum share equally.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..primitive import Call, Custom, Infix, Prefix, Sample, answers, floats, primitive
from ..spec import ArraySpec, broadcast_shapes, is_floating, promote, shape_of
from ..tensor import Tensor
from .specs import like_ufunc, same

_PAIRS = (
    Sample(floats(3, 4), floats(3, 4)),
    Sample(floats(3, 4), floats(4)),
    Sample(floats(3, 1), floats(1, 4)),
    Sample(floats(), floats(2)),
    Sample(floats(), floats()),
    Sample(floats(2, 3), 1.5),
)
_POSITIVE_PAIRS = (
    Sample(floats(3, 4), floats(3, 4, low=0.5)),
    Sample(floats(3, 1), floats(4, low=0.5)),
    Sample(floats(), floats(low=0.5)),
    Sample(2.0, floats(3, low=0.5)),
)
_ANY = (Sample(floats(3, 4)), Sample(floats()), Sample(floats(0, 2)))
_POSITIVE = (Sample(floats(3, 4, low=0.1)), Sample(floats(low=0.1)))


# ---- arithmetic


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
    samples=_PAIRS,
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
    samples=_PAIRS,
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
    samples=_PAIRS,
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
    samples=_POSITIVE_PAIRS,
)


def power_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    if isinstance(y, int | float):  # a written exponent: no branches needed
        if y == 0:
            return g * np.zeros_like(x)
        return g * (y * x ** (y - 1))
    return np.where(y == 0, 0.0, g * y * x ** np.where(y == 0, 1.0, y - 1))


def power_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    flat = np.logical_and(x == 0, y >= 0)  # 0**y stays 0
    return np.where(flat, 0.0, g * out * np.log(np.where(flat, 1.0, x)))


power = primitive(
    "power",
    operator.pow,
    numpy=np.power,
    operator="pow",
    spec=like_ufunc(np.power),
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
    samples=_ANY,
)


def absolute_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * np.sign(x)


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
    samples=_ANY,
)


# ---- exponentials, logarithms, trigonometry


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
    samples=_ANY,
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
    samples=_POSITIVE,
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
    samples=(Sample(floats(3, 4, low=-0.8)), Sample(floats(low=-0.8))),
)


def expm1_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * (out + 1)


expm1 = primitive(
    "expm1",
    np.expm1,
    numpy=np.expm1,
    spec=like_ufunc(np.expm1),
    vjp=(expm1_vjp,),
    role="scales",
    why="The slope is the exponential, which is the output plus one.",
    elementwise=True,
    samples=_ANY,
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
    samples=_POSITIVE,
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
    samples=_ANY,
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
    samples=_ANY,
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
    samples=_ANY,
)


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))  # never overflows, and keeps tiny results exact
    return (np.where(x >= 0, 1.0, small) / (1 + small)).astype(small.dtype)[()]


def sigmoid_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * (out * (1 - out))


sigmoid = primitive(
    "sigmoid",
    _sigmoid,
    spec=like_ufunc(np.exp),
    vjp=(sigmoid_vjp,),
    role="scales",
    why="At most a quarter of the gradient gets through, and next to none where sigmoid saturates.",
    elementwise=True,
    samples=_ANY,
)


# ---- choices


def relu_vjp(g: Any, out: Any, x: Any) -> Any:
    return np.where(x > 0, g, 0.0)


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


relu = primitive(
    "relu",
    _relu,
    spec=same,
    vjp=(relu_vjp,),
    role="routes",
    why="Open where the input is positive, shut where it is not.",
    elementwise=True,
    samples=_ANY,
)


def maximum_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    return np.where(x == y, g / 2, np.where(x > y, g, 0.0))


def maximum_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return maximum_vjp_x(g, out, y, x)


def minimum_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    return maximum_vjp_x(g, out, y, x)


def minimum_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return maximum_vjp_x(g, out, x, y)


maximum = primitive(
    "maximum",
    np.maximum,
    numpy=np.maximum,
    spec=like_ufunc(np.maximum),
    vjp=(maximum_vjp_x, maximum_vjp_y),
    role="routes",
    why="Only the larger input moves the output; the other one could change a little unnoticed.",
    elementwise=True,
    samples=_PAIRS,
)

minimum = primitive(
    "minimum",
    np.minimum,
    numpy=np.minimum,
    spec=like_ufunc(np.minimum),
    vjp=(minimum_vjp_x, minimum_vjp_y),
    role="routes",
    why="Only the smaller input moves the output; the other one could change a little unnoticed.",
    elementwise=True,
    samples=_PAIRS,
)


def where_vjp_x(g: Any, out: Any, condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, g, 0.0)


def where_vjp_y(g: Any, out: Any, condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, 0.0, g)


def _where_spec(condition: Any, x: Any, y: Any) -> ArraySpec:
    shape = broadcast_shapes(shape_of(condition), shape_of(x), shape_of(y))
    return ArraySpec(shape, promote(x, y))


_where = primitive(
    "where",
    np.where,
    spec=_where_spec,
    vjp=(None, where_vjp_x, where_vjp_y),
    role="selects",
    why="Each entry's gradient goes to the input that it was taken from.",
    elementwise=True,
    samples=(
        Sample(np.array([[True], [False]]), floats(2, 3), floats(3)),
        Sample(np.array([True, False, True]), floats(3), 0.0),
        Sample(np.True_, floats(), floats()),
    ),
)


@answers(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise UnsupportedError(
            "np.where(condition) alone gives indices, which have no gradient; on a tensor use "
            "np.where(condition, x, y), or np.nonzero(condition.detach().numpy())"
        )
    return _where(condition, x, y)


def clip_vjp(g: Any, out: Any, x: Any, low: Any, high: Any) -> Any:
    if low is not None:
        g = np.where(x >= low, g, 0.0)
    return g if high is None else np.where(x <= high, g, 0.0)


def _clip_spec(x: Any, low: Any, high: Any) -> ArraySpec:
    given = [v for v in (x, low, high) if v is not None]
    return ArraySpec(broadcast_shapes(*map(shape_of, given)), promote(*given))


_clip = primitive(
    "clip",
    np.clip,
    spec=_clip_spec,
    vjp=(clip_vjp,),
    role="routes",
    why="Open between the bounds (bounds included), shut outside.",
    elementwise=True,
    samples=(
        Sample(floats(3, 4), -1.0, 1.0),
        Sample(floats(5), None, 0.5),
        Sample(floats(2, 3), np.array([-1.0, 0.0, 0.5]), None),
    ),
)


@answers(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if isinstance(low, Tensor) or isinstance(high, Tensor):  # the bounds want gradients, too
        a = a if low is None else np.maximum(a, low)
        return a if high is None else np.minimum(a, high)
    return _clip(a, low, high)


# ---- steps: no gradient, but known to every view


_STEP = "Piecewise constant: a small step of the input changes nothing."
_COMPARISONS = {
    np.less: ("<", operator.lt),
    np.less_equal: ("<=", operator.le),
    np.greater: (">", operator.gt),
    np.greater_equal: (">=", operator.ge),
    np.equal: ("==", operator.eq),
    np.not_equal: ("!=", operator.ne),
}
for _ufunc, (_symbol, _operator) in _COMPARISONS.items():
    primitive(
        _ufunc.__name__,
        _operator,
        numpy=_ufunc,
        operator=_operator.__name__,
        spec=like_ufunc(_ufunc),
        vjp=(None, None),
        role="blocks",
        why=_STEP,
        notation=Infix(_symbol, 5),
        elementwise=True,
        samples=(Sample(floats(3, 4), floats(4)), Sample(floats(), 0.5)),
    )
for _ufunc in (np.logical_and, np.logical_or):
    primitive(
        _ufunc.__name__,
        _ufunc,
        numpy=_ufunc,
        spec=like_ufunc(_ufunc),
        vjp=(None, None),
        role="blocks",
        why=_STEP,
        elementwise=True,
        samples=(Sample(np.array([True, False]), np.array([[True], [False]])),),
    )
for _ufunc in (np.sign, np.floor, np.ceil, np.rint, np.isfinite, np.isnan, np.logical_not):
    primitive(
        _ufunc.__name__,
        _ufunc,
        numpy=_ufunc,
        spec=like_ufunc(_ufunc),
        vjp=(None,),
        role="blocks",
        why=_STEP,
        elementwise=True,
        samples=(Sample(floats(3, 4)),),
    )


# ---- identity and conversion


stop_gradient = primitive(
    "stop_gradient",
    np.positive,
    spec=same,
    vjp=(None,),
    role="blocks",
    why="Detached on purpose: the value goes on, the gradient does not.",
    elementwise=True,
    samples=(Sample(floats(2, 3)),),
)


def copy_vjp(g: Any, out: Any, x: Any) -> Any:
    return g


copy = primitive(
    "copy",
    np.copy,
    numpy=np.copy,
    spec=same,
    vjp=(copy_vjp,),
    role="passes",
    why="The same number under another name.",
    elementwise=True,
    samples=_ANY,
)


def _astype(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


def _astype_spec(x: Any, dtype: Any) -> ArraySpec:
    return ArraySpec(x.shape, dtype)


def astype_vjp(g: Any, out: Any, x: Any, dtype: Any) -> Any:
    return g  # the sweep gives every gradient its input's dtype


_convert = primitive(
    "astype",
    _astype,
    spec=_astype_spec,
    vjp=(astype_vjp,),
    role="passes",
    why="The same number in another precision.",
    notation=Custom(lambda x, dtype: f"{x}.astype({dtype})"),
    elementwise=True,
    samples=(Sample(floats(2, 3), dtype=np.dtype("float32")),),
)

_truncate = primitive(
    "as_integer",
    _astype,
    spec=_astype_spec,
    vjp=(None,),
    role="blocks",
    why=_STEP,
    notation=Custom(lambda x, dtype: f"{x}.astype({dtype})"),
    elementwise=True,
    samples=(Sample(floats(2, 3), dtype=np.dtype("int64")),),
)


@answers(np.astype)
def astype(x: Any, dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype == x.dtype:
        return x
    return (_convert if is_floating(dtype) else _truncate)(x, dtype=dtype)
