"""The functions of scipy.special, one file a family; loaded when the first of them meets a Tensor.

Rules call the functions that users call, so they can be differentiated again. Where an input is refused,
as the order of a Bessel function is, its rule says so when a gradient comes by.
"""

from . import (  # noqa: F401
    all_degrees,
    bessel,
    bessel_integrals,
    carlson,
    differential,
    distributions,
    elementary,
    elliptic,
    entropy,
    error,
    gamma,
    hypergeometric,
    incomplete,
    incomplete_elliptic,
    integrals,
    kelvin,
    lambert,
    mathieu,
    moments,
    noncentral,
    orthogonal_polynomials,
    power_transforms,
    profiles,
    spherical,
)
