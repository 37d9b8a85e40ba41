"""Operations in terms of others: a table, its functions by family, and the compiler's pass that reads it."""

from ...engine.wings import open_rooms
from . import (  # noqa: F401
    activations,
    along_axes,
    contractions,
    elementwise,
    matrix_forms,
    means_and_norms,
)
from .registry import DECOMPOSITIONS, Reader, decomposition_of

__all__ = ["DECOMPOSITIONS", "Reader", "decomposition_of"]

open_rooms(__name__)
