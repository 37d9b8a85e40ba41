"""Eigenvalues and eigenvectors.

Where eigenvalues coincide, the vectors that belong to them may be turned among themselves at will. What is
made of the eigenvalues alone has its gradient there; what is made of the vectors has none (NaN), nor have
second derivatives, which see them. A function of the matrix as a whole, such as ``(v * np.exp(w)) @ v.T``,
has a gradient: write it as such (`clearprop.scipy.linalg.expm`). Complex vectors may moreover be
multiplied by any number of size one.

Formulas: M. Giles 2008 (see solving.py); C. Boeddeker and others, On the computation of complex-valued
gradients with application to statistically optimum beamforming, 2017.
"""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.bundle import Bundle
from ..engine.primitive import Sample, answers, floats, primitive, primitives
from ..engine.spec import ArraySpec
from ..engine.tensor import Tensor
from .linalg_common import (
    adjoint,
    ascending,
    column,
    conj,
    diagonal,
    hermitian,
    hermitian_part,
    named,
    per_gap,
    real_dtype,
    rounding,
    row,
    square,
)

_HERMITIAN = hermitian(3, 3)
_HERMITIAN_COMPLEX = hermitian(2, 2, dtype="complex128")


# ---- of Hermitian matrices


def _eigh(a: Array, UPLO: str) -> Bundle:
    return Bundle(np.linalg.eigh(a, UPLO))  # type: ignore[call-overload]


def _eigh_spec(a: Array, UPLO: str) -> Bundle:
    return Bundle([_eigvalsh_spec(a, UPLO), ArraySpec(a.shape, a.dtype)])


def eigh_vjp(g: Bundle, out: Bundle, a: Array, UPLO: str) -> Array:
    gw, gv = g
    w, v = out
    if gv is None:
        return hermitian_part((v * row(gw)) @ adjoint(v))
    tolerance = column(rounding(w, a.shape[-1]))
    inner = per_gap(adjoint(v) @ gv, row(w) - column(w), tolerance)
    if gw is not None:
        inner = inner + diagonal(gw)
    return hermitian_part(v @ inner @ adjoint(v))


_eigh_record = primitive(
    "eigh",
    _eigh,
    spec=_eigh_spec,
    vjp=(ascending(eigh_vjp),),
    role="mixes",
    why="A vector turns towards the others, the more the nearer their eigenvalues are; an eigenvalue moves "
    "along its own vector.",
    traits=["hermitian"],
    samples=(
        Sample(_HERMITIAN, UPLO="L"),
        Sample(np.stack([_HERMITIAN, _HERMITIAN[::-1, ::-1] * 2]), UPLO="U"),
        Sample(floats(1, 1), UPLO="L"),
        Sample(floats(0, 0), UPLO="L"),
    ),
)
"""Complex vectors are tested through what does not depend on their phases, which LAPACK may change from step
to step."""


@answers(np.linalg.eigh)
def eigh(a: ArrayLike, UPLO: str = "L") -> tuple[Array, Array]:
    """Answer `np.linalg.eigh`. One triangle is read; the gradient is that of a Hermitian matrix, and
    Hermitian itself.
    """
    return named(np.linalg.eigh)(_eigh_record(square("np.linalg.eigh", a), UPLO=_triangle(UPLO)))


def _triangle(UPLO: str) -> str:
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"UPLO is 'L' or 'U', the triangle that is read, not {UPLO!r}")
    return UPLO.upper()


def _eigvalsh_spec(a: Array, UPLO: str) -> ArraySpec:
    return ArraySpec(a.shape[:-1], real_dtype(a))


def eigvalsh_vjp(g: Array, out: Array, a: Array, UPLO: str) -> Array:
    v = np.linalg.eigh(a, UPLO)[1]  # type: ignore[call-overload]
    return hermitian_part((v * row(g)) @ adjoint(v))


_eigvalsh_record = primitive(
    "eigvalsh",
    np.linalg.eigvalsh,
    spec=_eigvalsh_spec,
    vjp=(ascending(eigvalsh_vjp),),
    role="mixes",
    why="An eigenvalue moves by what the change does along its own vector.",
    traits=["hermitian"],
    samples=(
        Sample(_HERMITIAN, UPLO="L"),
        Sample(_HERMITIAN_COMPLEX, UPLO="L"),
        Sample(np.stack([_HERMITIAN_COMPLEX, -_HERMITIAN_COMPLEX.T]), UPLO="U"),
        Sample(floats(0, 0), UPLO="L"),
    ),
)


@answers(np.linalg.eigvalsh)
def eigvalsh(a: Array, UPLO: str = "L") -> Array:
    return _eigvalsh_record(square("np.linalg.eigvalsh", a), UPLO=_triangle(UPLO))


# ---- of any matrix


def _eig(a: Array) -> Bundle:
    dtype = np.result_type(a.dtype, np.complex64)
    return Bundle(part.astype(dtype, copy=False) for part in np.linalg.eig(a))


def _eig_spec(a: Array) -> Bundle:
    dtype = np.result_type(a.dtype, np.complex64)
    return Bundle([ArraySpec(a.shape[:-1], dtype), ArraySpec(a.shape, dtype)])


def eig_vjp(g: Bundle, out: Bundle, a: Array) -> Array:
    gw, gv = g
    w, v = out
    vt = adjoint(v)
    inner: AnyArray = np.zeros(v.shape, v.dtype)
    if gv is not None:
        inner = vt @ gv
        length = np.real(np.linalg.diagonal(inner))  # vectors keep the length one
        tolerance = column(rounding(w, a.shape[-1]))
        inner = per_gap(inner - (vt @ v) * row(length), conj(row(w) - column(w)), tolerance)
    if gw is not None:
        inner = inner + diagonal(gw)
    return np.linalg.solve(vt, inner @ vt) * np.expand_dims(_if_spanning(v), (-2, -1))


def _if_spanning(v: Array) -> Array:
    """Return one where vectors span the space, NaN where they do not: eigenvalues have no slope there."""
    least = np.linalg.svdvals(primitives.stop_gradient(v))[..., -1:]
    spans = least > 16 * v.shape[-1] * np.finfo(v.dtype).eps
    return np.where(np.all(spans, axis=-1), least.dtype.type(1), least.dtype.type(np.nan))


_eig_record = primitive(
    "eig",
    _eig,
    spec=_eig_spec,
    vjp=(ascending(eig_vjp),),
    role="mixes",
    why="An eigenvalue moves by what the change does between its left and its right vector, and a vector "
    "turns towards the others, the more the nearer their eigenvalues are.",
    samples=(
        Sample(np.array([[2.0, 0.5, 0.1], [0.3, -1.0, 0.2], [0.6, 0.4, 0.5]])),
        Sample(np.array([[[1.0, 0.5], [2.0, -1.0]], [[3.0, -0.5], [0.2, 1.0]]])),
        Sample(np.zeros((0, 0))),
    ),
)
"""Matrices with real eigenvalues: the complex ones are tested through what does not depend on phases."""


@answers(np.linalg.eig)
def eig(a: AnyArray) -> tuple[Array, Array]:
    """Answer `np.linalg.eig`. As in NumPy, the results are complex only if some eigenvalue is; while
    tracing, always. The eigenvectors must span the space, and the gradient is for what does not
    depend on their phases.
    """
    return named(np.linalg.eig)(_as_numpy(a, tuple(_eig_record(square("np.linalg.eig", a)))))


@answers(np.linalg.eigvals)
def eigvals(a: Array) -> Array:
    """Return the eigenvalues of `eig`, so that the gradient finds the vector of each."""
    (w,) = _as_numpy(a, tuple(_eig_record(square("np.linalg.eigvals", a)))[:1])
    return w


def _as_numpy(a: Array, parts: tuple[Array, ...]) -> tuple[Array, ...]:
    w = parts[0].value if isinstance(parts[0], Tensor) else parts[0]
    if a.dtype.kind == "c" or isinstance(w, ArraySpec) or w.imag.any():
        return parts
    return tuple(map(np.real, parts))
