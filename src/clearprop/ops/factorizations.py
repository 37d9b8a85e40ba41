"""Factorizations of matrices: cholesky, qr, svd, eigh, eig.

Where values coincide, the vectors that belong to them are an arbitrary choice, and their gradients would
divide by zero. Here such terms are left out, which is right for functions that do not depend on the choice.

Formulas: M. Giles 2008 (see solving.py); for complex numbers Z.-Q. Wan and S.-X. Zhang, Automatic
differentiation for complex valued SVD, 2019; M. Seeger and others, Auto-differentiating linear algebra, 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bundle import Bundle
from ..errors import UnsupportedError
from ..primitive import Sample, answers, primitive
from ..spec import ArraySpec
from ..tensor import Tensor
from .matrices import (
    adjoint,
    ascending,
    conj,
    diagonal,
    gaps,
    hermitian,
    matrix,
    reciprocal,
    square,
    well_conditioned,
)
from .several import filled
from .specs import same


def _halved_upper(x: Any) -> Any:
    """Zeros above the diagonal, ones below and halves on it, of the size and dtype of `x`."""
    n = x.shape[-1]
    return (np.tril(np.ones((n, n)), -1) + np.eye(n) / 2).astype(x.dtype)


# ---- cholesky


def _cholesky(a: Any, upper: bool) -> Any:
    return np.linalg.cholesky(a, upper=upper)


def cholesky_vjp(g: Any, out: Any, a: Any, upper: bool) -> Any:
    if upper:
        g, out = adjoint(g), adjoint(out)
    inner = adjoint(out) @ g * _halved_upper(a)
    back = np.linalg.solve(adjoint(out), inner)
    whole = adjoint(np.linalg.solve(adjoint(out), adjoint(back)))
    return (whole + adjoint(whole)) / 2


_cholesky_record = primitive(
    "cholesky",
    _cholesky,
    spec=same,
    vjp=(ascending(cholesky_vjp),),
    role="mixes",
    why="A square root of a matrix; its gradient belongs to both triangles alike, though only one is read.",
    samples=(
        Sample(hermitian(3, 3, shift=4.0), upper=False),
        Sample(hermitian(2, 2, 2, shift=4.0), upper=True),
        Sample(hermitian(3, 3, dtype="complex128", shift=6.0), upper=False),
    ),
)


@answers(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return _cholesky_record(square("np.linalg.cholesky", a), upper=upper)


# ---- qr


def _qr(a: Any) -> Bundle:
    return Bundle(np.linalg.qr(a))


def _qr_spec(a: Any) -> Bundle:
    m, n = a.shape[-2:]
    k = min(m, n)
    batch = a.shape[:-2]
    return Bundle([ArraySpec((*batch, m, k), a.dtype), ArraySpec((*batch, k, n), a.dtype)])


def qr_vjp(g: Any, out: Any, a: Any) -> Any:
    q, r = out
    to_q, to_r = filled(g, (q, r))
    upper = np.triu(to_r @ adjoint(r) - adjoint(q) @ to_q)
    whole = upper + adjoint(upper)
    n = a.shape[-1]
    whole = whole * (np.ones((n, n)) - np.eye(n) / 2).astype(a.dtype)
    right = to_q + q @ whole
    return adjoint(np.linalg.solve(r, adjoint(right)))


_qr_record = primitive(
    "qr",
    _qr,
    spec=_qr_spec,
    vjp=(ascending(qr_vjp),),
    role="mixes",
    why="Turning the columns and stretching them are told apart, and each gets its part of the gradient.",
    samples=(
        Sample(well_conditioned(3, 3)),
        Sample(well_conditioned(4, 2)),
        Sample(well_conditioned(2, 3, 2)),
        Sample(well_conditioned(3, 2, dtype="complex128")),
    ),
)


@answers(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    a = matrix("np.linalg.qr", a)
    m, n = a.shape[-2:]
    if mode not in ("reduced", "r", "complete"):
        raise UnsupportedError(f"np.linalg.qr: mode={mode!r} has no gradient; use 'reduced' or 'r'")
    if mode == "complete" and m > n:
        raise UnsupportedError(
            f"np.linalg.qr: mode='complete' of shape {a.shape} adds columns that are an arbitrary choice, so "
            f"they have no gradient; use mode='reduced'"
        )
    if m < n:  # the first columns decide; the others are only turned
        q, r = _qr_record(a[..., :m])
        r = np.concatenate([r, adjoint(q) @ a[..., m:]], -1)
    else:
        q, r = _qr_record(a)
    return r if mode == "r" else _QRResult(q, r)


_QRResult: Any = type(np.linalg.qr(np.eye(1)))


# ---- svd


def _svd(a: Any, hermitian: bool) -> Bundle:
    return Bundle(np.linalg.svd(a, full_matrices=False, hermitian=hermitian))


def _svd_spec(a: Any, hermitian: bool) -> Bundle:
    m, n = a.shape[-2:]
    k = min(m, n)
    batch, real = a.shape[:-2], np.empty((), a.dtype).real.dtype
    shapes = ((*batch, m, k), a.dtype), ((*batch, k), real), ((*batch, k, n), a.dtype)
    return Bundle(ArraySpec(*each) for each in shapes)


def svd_vjp(g: Any, out: Any, a: Any, hermitian: bool) -> Any:
    u, s, vh = out
    if g[0] is None and g[2] is None:
        return u * np.expand_dims(g[1], -2) @ vh
    to_u, to_s, to_vh = filled(g, (u, s, vh))
    v, to_v = adjoint(vh), adjoint(to_vh)
    m, n, k = a.shape[-2], a.shape[-1], s.shape[-1]
    inverse = reciprocal(s)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    between = gaps(s * s)
    turn_u, turn_v = adjoint(u) @ to_u, adjoint(v) @ to_v
    skew_u, skew_v = (turn_u - adjoint(turn_u)) * between, (turn_v - adjoint(turn_v)) * between
    middle = skew_u * row + column * skew_v + diagonal(to_s.astype(a.dtype))
    if a.dtype.kind == "c":  # a common phase of a pair of vectors
        phase = np.sum(turn_u * np.eye(k, dtype=a.dtype), -1).imag * inverse
        middle = middle + diagonal(phase * 1j)
    whole = u @ middle @ vh
    if m > k:
        whole = whole + (to_u - u @ turn_u) * np.expand_dims(inverse, -2) @ vh
    if n > k:
        whole = whole + u * np.expand_dims(inverse, -2) @ adjoint(to_v - v @ turn_v)
    return whole


_svd_record = primitive(
    "svd",
    _svd,
    spec=_svd_spec,
    vjp=(ascending(svd_vjp),),
    role="mixes",
    why="A singular value moves with its pair of vectors; vectors turn the more the closer their values lie.",
    samples=(
        Sample(well_conditioned(3, 3), hermitian=False),
        Sample(well_conditioned(4, 2), hermitian=False),
        Sample(well_conditioned(2, 2, 3), hermitian=False),
    ),
)


@answers(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    a = matrix("np.linalg.svd", a)
    u, s, vh = _svd_record(a, hermitian=hermitian)
    if not compute_uv:
        return s
    if full_matrices and a.shape[-1] != a.shape[-2]:
        raise UnsupportedError(
            f"np.linalg.svd of shape {a.shape} with full_matrices=True adds vectors that are an "
            f"arbitrary choice, so they have no gradient; pass full_matrices=False, or compute_uv=False "
            f"for the values alone"
        )
    return _SVDResult(u, s, vh)


_SVDResult: Any = type(np.linalg.svd(np.eye(1)))


@answers(np.linalg.svdvals)
def svdvals(x: Any) -> Any:
    return svd(x, compute_uv=False)


def _matrix_rank(a: Any, **params: Any) -> Any:
    return np.asarray(np.linalg.matrix_rank(a, **params))[()]


def _rank_spec(a: Any, **params: Any) -> ArraySpec:
    return ArraySpec(a.shape[:-2], np.dtype(int))


_rank_record = primitive(
    "matrix_rank",
    _matrix_rank,
    spec=_rank_spec,
    vjp=(None,),
    role="blocks",
    why="A rank is a whole number: a small step of the input does not move it, or moves it at once.",
    samples=(Sample(well_conditioned(3, 2)), Sample(well_conditioned(2, 2, 3), rtol=1e-9)),
)


@answers(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    chosen = {"tol": tol, "rtol": rtol, "hermitian": hermitian or None}
    params = {key: value for key, value in chosen.items() if value is not None}
    return _rank_record(matrix("np.linalg.matrix_rank", A), **params)


# ---- eigenvalues


def _eigh(a: Any, UPLO: str) -> Bundle:
    return Bundle(np.linalg.eigh(a, UPLO))  # type: ignore[call-overload]


def _eigh_spec(a: Any, UPLO: str) -> Bundle:
    real = np.empty((), a.dtype).real.dtype
    return Bundle([ArraySpec(a.shape[:-1], real), ArraySpec(a.shape, a.dtype)])


def eigh_vjp(g: Any, out: Any, a: Any, UPLO: str) -> Any:
    w, v = out
    to_w, to_v = filled(g, (w, v))
    middle = adjoint(v) @ to_v * gaps(w) + diagonal(to_w.astype(a.dtype))
    whole = v @ middle @ adjoint(v)
    return (whole + adjoint(whole)) / 2


_eigh_record = primitive(
    "eigh",
    _eigh,
    spec=_eigh_spec,
    vjp=(ascending(eigh_vjp),),
    role="mixes",
    why="An eigenvalue moves with its vector; vectors turn the more the closer their values lie.",
    samples=(Sample(hermitian(3, 3), UPLO="L"), Sample(hermitian(2, 2, 2), UPLO="U")),
)


@answers(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    return _EighResult(*_eigh_record(square("np.linalg.eigh", a), UPLO=UPLO))


_EighResult: Any = type(np.linalg.eigh(np.eye(1)))


@answers(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    w, _ = _eigh_record(square("np.linalg.eigvalsh", a), UPLO=UPLO)
    return w


_NARROW = np.where(np.eye(3, dtype=bool), 1.0, 0.05)
"""Makes a matrix nearly diagonal, so that its eigenvalues are real."""


def _eig(a: Any, always_complex: bool) -> Bundle:
    w, v = np.linalg.eig(a)
    if always_complex and w.dtype.kind != "c":
        kind = np.result_type(w.dtype, np.complex64)
        w, v = w.astype(kind), v.astype(kind)
    return Bundle([w, v])


def _eig_spec(a: Any, always_complex: bool) -> Bundle:
    kind = np.result_type(a.dtype, np.complex64)
    return Bundle([ArraySpec(a.shape[:-1], kind), ArraySpec(a.shape, kind)])


def eig_vjp(g: Any, out: Any, a: Any, always_complex: bool) -> Any:
    w, v = out
    to_w, to_v = filled(g, (w, v))
    vh = adjoint(v)
    turn = vh @ to_v
    lengths = np.sum(
        turn * np.eye(a.shape[-1], dtype=v.dtype), -1
    ).real  # vectors keep the length one
    turn = turn - vh @ v * np.expand_dims(lengths, -2)
    middle = turn * conj(gaps(w)) + diagonal(to_w.astype(v.dtype))
    return np.linalg.solve(vh, middle @ vh)


_eig_record = primitive(
    "eig",
    _eig,
    spec=_eig_spec,
    vjp=(ascending(eig_vjp),),
    role="mixes",
    why="An eigenvalue moves with its pair of left and right vectors.",
    samples=(Sample(well_conditioned(3, 3) * _NARROW, always_complex=True),),
)


def _is_known(a: Any) -> bool:
    return not isinstance(a, Tensor) or a.is_known


@answers(np.linalg.eig)
def eig(a: Any) -> Any:
    a = square("np.linalg.eig", a)
    # NumPy gives real results where all are; what cannot be known while tracing is complex
    return _EigResult(*_eig_record(a, always_complex=not _is_known(a)))


_EigResult: Any = type(np.linalg.eig(np.eye(1)))


@answers(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    a = square("np.linalg.eigvals", a)
    w, _ = _eig_record(a, always_complex=not _is_known(a))
    return w
