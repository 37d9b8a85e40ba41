"""What the files of special functions share: records of ufuncs, refused inputs, and series."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from ...engine.array_types import AnyArray, Array
from ...engine.bundle import Bundle
from ...engine.primitive import Custom, Draw, Primitive, Rule, Sample, floats, primitive
from ...errors import UnsupportedError
from ...ops.makers import STEP, ufunc
from ...ops.specs import same


def special(
    function: np.ufunc,
    *rules: Rule | None,
    why: str = STEP,
    samples: tuple[Sample, ...],
    role: str = "",
    in_double: bool = False,
    also_in: str = "",
) -> Primitive:
    """Register a ufunc of SciPy's.

    `in_double` is for those of SciPy's that do not end in single precision; `also_in` names other libraries
    that have the function.

    Where NumPy has a function of the same name the record's name says which one it is.
    """
    name = function.__name__
    return ufunc(
        function,
        *rules,
        why=why,
        samples=samples,
        role=role,
        name=f"special_{name}" if hasattr(np, name) else name,
        libraries=also_in.split(),
        forward=doubled(function) if in_double else None,
    )


def doubled(ufunc: np.ufunc) -> Callable[..., Array]:
    """Return a ufunc that computes in double precision; its results are in that of its inputs, as ever."""

    def call(*inputs: Array) -> AnyArray:
        kinds = (getattr(x, "dtype", type(x)) for x in inputs)
        dtypes = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))[ufunc.nin :]
        results = ufunc(*(np.asarray(x, float) for x in inputs))
        if ufunc.nout == 1:
            return results.astype(dtypes[0])
        return tuple(y.astype(dtype) for y, dtype in zip(results, dtypes, strict=True))

    return call


def refused(ufunc: np.ufunc, what: str, name: str) -> Rule:
    """Return the rule of an input that has no gradient here: it says so."""

    def refuse(g: Array, out: Array, *inputs: Array, **params: Any) -> Array:
        raise UnsupportedError(
            f"scipy.special.{ufunc.__name__.lstrip('_')} has no gradient with respect to {what} in "
            f"Clearprop: there is no formula for it in functions that SciPy has. Where {name} is a "
            f"constant, pass a plain number or {name}.detach()."
        )

    return refuse


def slope_is(slope: Callable[..., Array]) -> Rule:
    """Return the rule of an input whose slope is ``slope(*inputs)``."""

    def scale(g: Array, out: Array, *inputs: Array) -> Array:
        return g * slope(*inputs)

    return scale


def between(low: float, high: float, *, also_complex: bool = False) -> tuple[Sample, ...]:
    """Return samples of one input from an interval, and from a square in the complex plane."""
    samples = (Sample(floats(3, 4, low=low, high=high)), Sample(floats(low=low, high=high)))
    if not also_complex:
        return samples
    return (*samples, Sample(Draw((2, 3), max(low, -1.5), min(high, 1.5), "complex128")))


def _series(x: Array, coefficients: tuple[float, ...]) -> Array:
    result = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = result * x + c
    return result[()]


def series_vjp(g: Array, out: Array, x: Array, coefficients: tuple[float, ...]) -> Array:
    slopes = tuple(k * c for k, c in enumerate(coefficients))[1:] or (0.0,)
    return g * _series_record(x, coefficients=slopes)


_series_record = primitive(
    "series",
    _series,
    spec=same,
    vjp=(series_vjp,),
    role="scales",
    why="Powers of the input, added up with fixed weights: what a function is close to some point.",
    notation=Custom(lambda x, coefficients: f"series({x})"),
    traits=["elementwise"],
    samples=(
        Sample(floats(3, 4), coefficients=(0.5, -1.0, 0.25, 2.0)),
        Sample(floats(), coefficients=(0.5,)),
        Sample(Draw((3,), dtype="complex128"), coefficients=(0.5, -1.0, 0.25)),
    ),
)


def series(x: Array, coefficients: Iterable[float]) -> Array:
    """Return ``c[0] + c[1] x + c[2] x² + ...``, which users see as one gate."""
    return _series_record(x, coefficients=tuple(coefficients))


def near_zero(
    x: Array, radius: float, inside: Callable[[Array], Array], outside: Callable[[Array], Array]
) -> Array:
    """Return ``outside(x)``, and within `radius` of 0, where that is 0/0 or loses digits, ``inside(x)``."""
    near = np.abs(x) < radius
    return np.where(near, inside(np.where(near, x, 0.0)), outside(np.where(near, radius, x)))


def weighed(g: Bundle, *slopes: Callable[[], Array]) -> Array:
    """Return the downstream of several results' gradients, without those of which there is none.

    Times zero would not do: a slope may be infinite.
    """
    parts = [gy * slope() for gy, slope in zip(g, slopes, strict=True) if gy is not None]
    return functools.reduce(operator.add, parts)


def ufunc_behind(function: Callable[..., Any], *arguments: object) -> Any:
    """Return the ufunc to which a Python function of SciPy's hands what is no array; itself if there
    is none.
    """
    found = []

    class Probe:
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> float:
            found.append(ufunc)
            return 0.0

    with suppress(TypeError):
        function(*arguments, Probe())
    return found[0] if found else function
