"""The functions of scipy.special, one file a family; loaded when the first of them meets a Tensor.

Rules call the functions that users call, so they can be differentiated again. Where an input is refused,
as the order of a Bessel function is, its rule says so when a gradient comes by.
"""

from . import bessel, elementary, elliptic, entropy, error, gamma, incomplete, integrals, lambert

__all__ = [
    "bessel",
    "elementary",
    "elliptic",
    "entropy",
    "error",
    "gamma",
    "incomplete",
    "integrals",
    "lambert",
]
