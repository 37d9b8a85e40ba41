"""Lambert's W and Wright's omega: solutions w of ``w exp(w) = z`` and ``w + log(w) = z``."""

from __future__ import annotations

import numpy as np
from scipy import special as sp

from ...engine.array_types import Array
from ...engine.broadcasting import broadcast_shapes
from ...engine.primitive import Sample, floats, primitive
from ...engine.spec import ArraySpec, shape_of
from .common import between, special, ufunc_behind


def lambertw_vjp(g: Array, out: Array, z: Array, k: Array, tol: Array) -> Array:
    return g * (np.exp(-out) / (1 + out))


def _spec(z: Array, k: Array, tol: Array) -> ArraySpec:
    shape = broadcast_shapes(shape_of(z), shape_of(k), shape_of(tol))
    return ArraySpec(shape, np.dtype(complex))  # in any precision: SciPy has no other here


lambertw = primitive(
    "lambertw",
    sp.lambertw,
    numpy=ufunc_behind(sp.lambertw),
    spec=_spec,
    vjp=(lambertw_vjp,),
    role="scales",
    why="One at zero; it falls like a logarithm's slope, and has no bound at the branch point -1/e.",
    traits=["elementwise"],
    samples=tuple(
        Sample(*sample.inputs, k, 1e-8)
        for k in (0, 1, -1)
        for sample in between(0.3, 2, also_complex=True)
    ),
)


def wrightomega_vjp(g: Array, out: Array, z: Array) -> Array:
    return g * (out / (1 + out))


wrightomega = special(
    sp.wrightomega,
    wrightomega_vjp,
    why="About one far above zero; the exponential's slope far below.",
    samples=(*between(-2, 2, also_complex=True), Sample(floats(0, 2))),
)
