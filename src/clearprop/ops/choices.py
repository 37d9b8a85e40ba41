"""Primitives that select among their inputs, entry by entry.

At a kink the rules follow PyTorch where it has a policy: relu'(0) = 0, ties in maximum share equally.
"""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.arrays import as_array
from ..engine.broadcasting import broadcast_shapes
from ..engine.primitive import Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, holding, promote, shape_of, ufunc_dtype
from ..errors import DtypeError, UnsupportedError
from .makers import ufunc
from .samples import ANY, COMPLEX_PAIRS, PAIRS


def relu_vjp(g: Array, out: Array, x: Array) -> Array:
    return np.where(x > 0, g, 0.0)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


_relu_record = primitive(
    "relu",
    _relu,
    spec=lambda x: ArraySpec(
        x.shape, ufunc_dtype(np.maximum, x, 0)
    ),  # as NumPy's bool has it, a number
    vjp=(relu_vjp,),
    role="routes",
    why="Open where the input is positive, shut where it is not.",
    traits=["elementwise"],
    samples=ANY,
)


def relu(x: ArrayLike) -> AnyArray:
    """Return ``max(x, 0)``, with gradient 0 at 0.

    Parameters
    ----------
    x : number, array or Tensor of any shape, not complex; the result has its shape and dtype

    Raises
    ------
    DtypeError : complex numbers, which have no order.

    >>> import numpy as np
    >>> relu(np.array([1.0, -2.0, 3.0, -1.0]))
    array([1., 0., 3., 0.])
    """
    x = as_array(x)
    if x.dtype.kind == "c":
        raise DtypeError("relu: complex numbers have no order; take their .real or np.abs first")
    return _relu_record(x)


def maximum_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return np.where(x == y, g / 2, np.where(x > y, g, 0.0))


def maximum_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return maximum_vjp_x(g, out, y, x)


def minimum_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return maximum_vjp_x(g, out, y, x)


def minimum_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return maximum_vjp_x(g, out, x, y)


maximum = ufunc(
    np.maximum,
    maximum_vjp_x,
    maximum_vjp_y,
    role="routes",
    why="Only the larger input moves the output; the other one could change a little unnoticed.",
    samples=(*PAIRS, *COMPLEX_PAIRS),
)

minimum = ufunc(
    np.minimum,
    minimum_vjp_x,
    minimum_vjp_y,
    role="routes",
    why="Only the smaller input moves the output; the other one could change a little unnoticed.",
    samples=(*PAIRS, *COMPLEX_PAIRS),
)


def fmax_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return np.where(x == y, g / 2, np.where(x == out, g, 0.0))


def fmax_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return fmax_vjp_x(g, out, y, x)


_WITH_NAN = (
    Sample(floats(3, 4), floats(3, 4)),
    Sample(floats(3), np.array([[np.nan], [0.5]])),
    Sample(floats(), floats()),
)

fmax = ufunc(
    np.fmax,
    fmax_vjp_x,
    fmax_vjp_y,
    role="routes",
    why="Only the larger input moves the output, and one that is not a number never does.",
    samples=(*_WITH_NAN, *COMPLEX_PAIRS),
)

fmin = ufunc(
    np.fmin,
    fmax_vjp_x,
    fmax_vjp_y,
    role="routes",
    why="Only the smaller input moves the output, and one that is not a number never does.",
    samples=(*_WITH_NAN, *COMPLEX_PAIRS),
)


def copysign_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * (np.sign(x) * np.sign(out))


copysign = ufunc(
    np.copysign,
    copysign_vjp_x,
    None,
    why="The gradient turns its sign where the input does; none at 0, and none for the sign's giver.",
    samples=PAIRS,
)


def heaviside_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    return np.where(x == 0, g, 0.0)


heaviside = ufunc(
    np.heaviside,
    None,
    heaviside_vjp_y,
    role="selects",
    why="A step has no slope; what stands in at zero gets the gradient of the zeros.",
    samples=(
        Sample(np.array([[-1.0], [0.0], [2.0]]), floats(4)),
        Sample(np.array([0, 1]), floats()),
    ),
)


def where_vjp_x(g: Array, out: Array, condition: Array, x: Array, y: Array) -> Array:
    return np.where(condition, g, 0.0)


def where_vjp_y(g: Array, out: Array, condition: Array, x: Array, y: Array) -> Array:
    return np.where(condition, 0.0, g)


def _where_spec(condition: Array, x: Array, y: Array) -> ArraySpec:
    shape = broadcast_shapes(shape_of(condition), shape_of(x), shape_of(y))
    return ArraySpec(shape, promote(x, y))


_where = primitive(
    "where",
    np.where,
    spec=_where_spec,
    vjp=(None, where_vjp_x, where_vjp_y),
    role="selects",
    why="Each entry's gradient goes to the input that it was taken from.",
    traits=["elementwise", "conjugates"],
    noun="chosen",
    samples=(
        Sample(np.array([[True], [False]]), floats(2, 3), floats(3)),
        Sample(np.array([True, False, True]), floats(3), 0.0),
        Sample(np.True_, floats(), floats()),
        Sample(np.array([True, False, True]), floats(3), Draw((3,), dtype="complex128")),
    ),
)


@answers(np.where)
def where(
    condition: AnyArray, x: ArrayLike | None = None, y: ArrayLike | None = None
) -> Array | tuple[Array, ...]:
    if x is None and y is None:
        return np.nonzero(condition)
    if x is None or y is None:
        raise UnsupportedError("np.where takes a condition alone, or a condition and two choices")
    return _where(condition, x, y)


def clip_vjp_x(g: Array, out: Array, x: Array, low: Array | None, high: Array | None) -> Array:
    if low is None and high is None:
        return g
    if low is None:
        inside = x <= high
    elif high is None:
        inside = x >= low
    else:
        inside = (x >= low) & (x <= high)
    return np.where(inside, g, 0.0)


def clip_vjp_low(g: Array, out: Array, x: Array, low: Array | None, high: Array | None) -> Array:
    g = np.where(x < low, g, 0.0)
    return g if high is None else np.where(low <= high, g, 0.0)


def clip_vjp_high(g: Array, out: Array, x: Array, low: Array | None, high: Array | None) -> Array:
    raised = x if low is None else np.maximum(x, low)
    return np.where(raised > high, g, 0.0)


def _clip_spec(x: Array, low: Array | None, high: Array | None) -> ArraySpec:
    given = [v for v in (x, low, high) if v is not None]
    return ArraySpec(broadcast_shapes(*map(shape_of, given)), holding(promote(*given), *given))


_clip = primitive(
    "clip",
    np.clip,
    spec=_clip_spec,
    vjp=(clip_vjp_x, clip_vjp_low, clip_vjp_high),
    role="routes",
    why="Open between the bounds (bounds included), shut outside, where the bound gets the gradient.",
    traits=["elementwise"],
    samples=(
        Sample(floats(3, 4), -1.0, 1.0),
        Sample(floats(5), None, 0.5),
        Sample(floats(2, 3), np.array([-1.0, 0.0, 0.5]), None),
        Sample(floats(3, 4), floats(4), floats(3, 1)),
        Sample(Draw((5,), dtype="complex128"), -1.0, Draw((), dtype="complex128")),
    ),
)


@answers(np.clip)
def clip(
    a: AnyArray,
    a_min: ArrayLike | None = None,
    a_max: ArrayLike | None = None,
    *,
    min: ArrayLike | None = None,
    max: ArrayLike | None = None,
) -> Array:
    if (min is not None or max is not None) and (a_min is not None or a_max is not None):
        raise ValueError("clip: a_min= and a_max= are older names of min= and max=; give one kind")
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    a, low, high = (np.asarray(v) if isinstance(v, list) else v for v in (a, low, high))
    if a.dtype.kind in "iu":  # as in NumPy, a bound beyond what the dtype holds is none
        limits = np.iinfo(a.dtype)
        low = None if type(low) is int and low <= limits.min else low
        high = None if type(high) is int and high >= limits.max else high
    return _clip(a, low, high)
