"""Elementary functions, written once for any number of lanes, for float32 and float64; a file a family.

Each is a reduction to a small interval and a polynomial there: W. J. Cody and W. Waite, Software Manual
for the Elementary Functions, 1980; J.-M. Muller, Elementary Functions, 2016. No function calls another
library. Errors, below 2 units in the last place, are measured by ``python -m benchmarks.accuracy``.

A product is added unrounded where `fma` says so; everything else is rounded as it is written.
"""

from __future__ import annotations

from collections.abc import Callable

from ...engine.wings import open_rooms
from ..llvm_ir import Value
from .exponentials import exp, exp2, expm1, sigmoid, tanh
from .hyperbolic import arccosh, arcsinh, arctanh, cosh, sinh
from .instructions import (
    absolute,
    ceil,
    floor,
    fmax,
    fmin,
    maximum,
    minimum,
    nextafter,
    rint,
    sign,
    sqrt,
    trunc,
    with_sign,
)
from .inverse_trigonometry import arccos, arcsin, arctan, arctan2
from .logarithms import log, log1p, log2, log10
from .modulo import floor_divide, floor_mod, fmod
from .powers import cbrt, power
from .trigonometry import cos, sin

FUNCTIONS: dict[str, Callable[..., Value]] = {
    function.__name__: function
    for function in (
        *(exp, exp2, expm1, sigmoid, tanh, log, log1p, log2, log10, power, cbrt),
        *(sin, cos, arctan, arctan2, arcsin, arccos, sinh, cosh, arcsinh, arccosh, arctanh),
        *(sign, maximum, minimum, fmax, fmin, nextafter, fmod, floor_mod, floor_divide),
    )
} | {
    "sqrt": sqrt,
    "absolute": absolute,
    "floor": floor,
    "ceil": ceil,
    "rint": rint,
    "trunc": trunc,
    "copysign": with_sign,
}
"""By the name of the operation: what writes its code; wings add some."""

open_rooms(__name__)
