"""The error function."""

from __future__ import annotations

from ...native.llvm_ir import Value
from ...native.math import FUNCTIONS
from ...native.math.exponentials import reduced_exp
from ...native.math.floats import at_most, polynomial, power_of_two
from ...native.math.instructions import absolute, with_sign
from . import erf_coefficients as table


def erf(x: Value) -> Value:
    """Return the error function: an odd polynomial up to 1, beyond 1 - e^p."""
    b, dtype = x.builder, x.type.dtype
    size = absolute(x)
    near = b.fma(x, polynomial(x * x, table.ERF[dtype]), x)
    capped = at_most(size, 4.0 if x.type.bits == 32 else 6.0)  # 1 by then
    bits, first, rest = reduced_exp(polynomial(capped, table.LOG_ERFC[dtype]))
    far = b.fma(power_of_two(bits, x.type), -(first + rest + 1.0), 1.0)
    return with_sign(b.select(b.compare("<", size, 1.0), near, far), x)


FUNCTIONS["erf"] = erf
