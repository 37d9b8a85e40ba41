"""The maker of records of ufuncs, NumPy's and SciPy's: what follows from the function is not said again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..engine.array_types import Array
from ..engine.broadcasting import broadcast_shapes
from ..engine.bundle import Bundle
from ..engine.primitive import Call, Notation, Primitive, Rule, Sample, Trait, answers, primitive
from ..engine.spec import ArraySpec, shape_of
from ..engine.tensor import install_operator
from .specs import like_ufunc

STEP = "Piecewise constant: a small step of the input changes nothing."


def ufunc(
    function: np.ufunc,
    *rules: Rule | None,
    why: str = STEP,
    samples: tuple[Sample, ...],
    role: str = "",
    name: str = "",
    forward: Callable[..., Any] | None = None,
    spec: Callable[..., Any] | None = None,
    notation: Notation | None = None,
    operator: str | None = None,
    traits: Iterable[Trait] = (),
    noun: str = "part",
    libraries: Iterable[str] = (),
) -> Primitive:
    """Register a ufunc with one rule for each input, or without any if it is a step.

    A ufunc with several results gives a Bundle, which users get as a tuple. `forward` is what computes
    it, where that is not the function itself; `operator` says which of Python's operators it is, if any
    (see `install_operator`).
    """
    call = forward or function
    several = function.nout > 1
    record = primitive(
        name or function.__name__,
        (lambda *inputs: Bundle(call(*inputs))) if several else call,
        numpy=function,
        spec=spec or (_bundle_spec(function) if several else like_ufunc(function)),
        vjp=rules or (None,) * function.nin,
        role=role or ("scales" if any(rules) else "blocks"),
        why=why,
        notation=notation or Call(function.__name__),
        traits=() if several else ("elementwise", *traits),
        samples=samples,
        noun=noun,
        libraries=libraries,
    )
    if operator is not None:
        install_operator(operator, record)
    if several:  # users expect a tuple, and take parts of it

        @answers(function)
        def unpacked(*inputs: Array) -> tuple[Array, ...]:
            return tuple(record(*inputs))

    return record


def _bundle_spec(function: np.ufunc) -> Callable[..., Bundle]:
    def spec(*inputs: Array) -> Bundle:
        shape = broadcast_shapes(*map(shape_of, inputs))
        kinds = (getattr(x, "dtype", type(x)) for x in inputs)
        dtypes = function.resolve_dtypes((*kinds, *[None] * function.nout))
        return Bundle(ArraySpec(shape, dtype) for dtype in dtypes[function.nin :])

    return spec
