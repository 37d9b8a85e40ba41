"""Operations in terms of others: a table, its functions by family, and the compiler's pass that reads it."""

from . import (  # noqa: F401
    along_axes,
    bessel_orders,
    classification,
    contractions,
    elementwise,
    matrix_forms,
    means_and_norms,
    special_functions,
)
from .registry import DECOMPOSITIONS, Reader, decomposition_of

__all__ = ["DECOMPOSITIONS", "Reader", "decomposition_of"]
