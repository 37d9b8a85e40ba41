"""Operations in terms of others, one function a primitive, for libraries that have no function for them.

One that does not apply to its inputs raises NotImplementedError.
"""

from . import arrays, bessel, matrices, numbers, special  # noqa: F401
from .table import SPELLINGS

__all__ = ["SPELLINGS"]
