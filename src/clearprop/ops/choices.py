"""Primitives that let some of their inputs through.

At a kink the rules follow PyTorch where it has a policy: relu'(0) = 0, ties in maximum share equally.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..primitive import Sample, answers, floats, primitive
from ..spec import ArraySpec, broadcast_shapes, promote, shape_of
from ..tensor import Tensor
from .samples import ANY, PAIRS
from .specs import like_ufunc, same


def relu_vjp(g: Any, out: Any, x: Any) -> Any:
    return np.where(x > 0, g, 0.0)


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


_relu_record = primitive(
    "relu",
    _relu,
    spec=same,
    vjp=(relu_vjp,),
    role="routes",
    why="Open where the input is positive, shut where it is not.",
    elementwise=True,
    samples=ANY,
)


def relu(x: Any) -> Any:
    """``max(x, 0)``, with gradient 0 at 0.

    Parameters
    ----------
    x : number, array or Tensor of any shape; the result has its shape and dtype

    >>> import numpy as np
    >>> relu(np.array([1.0, -2.0, 3.0, -1.0]))
    array([1., 0., 3., 0.])
    """
    return _relu_record(x if hasattr(x, "dtype") else np.asarray(x)[()])


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
    samples=PAIRS,
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
    samples=PAIRS,
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
    if x is None and y is None:
        return np.nonzero(condition)
    if x is None or y is None:
        raise UnsupportedError("np.where takes a condition alone, or a condition and two choices")
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
