"""Cholesky and QR: a matrix as a product with a triangular factor.

Formulas: M. Giles 2008 (see solving.py); M. Seeger and others, Auto-differentiating linear algebra, 2017;
C. Roberts and L. Roberts, QR and LQ decomposition matrix backpropagation algorithms, 2020.
"""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.bundle import Bundle
from ..engine.primitive import Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec
from ..errors import UnsupportedError
from .bundles import filled
from .linalg_common import (
    adjoint,
    ascending,
    hermitian,
    hermitian_part,
    matrix,
    named,
    solve_right,
    square,
)
from .specs import same

_POSITIVE = hermitian(3, 3, shift=4.0)
_POSITIVE_COMPLEX = hermitian(2, 2, dtype="complex128", shift=6.0)


# ---- Cholesky


def _cholesky(a: Array, upper: bool) -> Array:
    return np.linalg.cholesky(a, upper=upper)


def cholesky_vjp(g: Array, out: Array, a: Array, upper: bool) -> Array:
    lower, g = (adjoint(out), adjoint(g)) if upper else (out, g)
    n = a.shape[-1]
    halved = np.tri(n, dtype=g.real.dtype) - np.eye(n, dtype=g.real.dtype) / 2
    pull = np.linalg.solve(adjoint(lower), (adjoint(lower) @ g) * halved)
    return hermitian_part(solve_right(pull, lower))


_cholesky_record = primitive(
    "cholesky",
    _cholesky,
    spec=same,
    vjp=(ascending(cholesky_vjp),),
    role="mixes",
    why="A square root of a matrix; entries on either side of the diagonal are the same number, so they "
    "share its gradient.",
    traits=["hermitian"],
    samples=(
        Sample(_POSITIVE, upper=False),
        Sample(_POSITIVE_COMPLEX, upper=False),
        Sample(np.stack([_POSITIVE, 2 * _POSITIVE]), upper=True),
        Sample(_POSITIVE_COMPLEX, upper=True),
        Sample(floats(1, 1, low=0.5), upper=False),
        Sample(floats(0, 0), upper=False),
    ),
)


@answers(np.linalg.cholesky)
def cholesky(a: Array, /, *, upper: bool = False) -> Array:
    """Answer `np.linalg.cholesky`. One triangle is read; the gradient is that of a Hermitian matrix,
    and Hermitian itself.
    """
    return _cholesky_record(square("np.linalg.cholesky", a), upper=bool(upper))


# ---- QR


def _qr(a: Array, mode: str) -> Bundle:
    return Bundle(np.linalg.qr(a, mode))  # type: ignore[call-overload]


def _qr_spec(a: Array, mode: str) -> Bundle:
    *batch, m, n = a.shape
    k, dtype = m if mode == "complete" else min(m, n), a.dtype
    return Bundle([ArraySpec((*batch, m, k), dtype), ArraySpec((*batch, k, n), dtype)])


def qr_vjp(g: Bundle, out: Bundle, a: Array, mode: str) -> Array:
    q, r = out
    gq, gr = filled(g, (q, r))
    m, n = a.shape[-2:]
    if m < n:  # the first columns determine q, and q the others of r
        found = _tall(q, r[..., :m], gq + a[..., m:] @ adjoint(gr[..., m:]), gr[..., :m])
        return np.concatenate([found, q @ gr[..., m:]], -1)
    return _tall(q, r[..., :n, :], gq, gr[..., :n, :])


def _tall(q: Array, r: Array, gq: AnyArray, gr: AnyArray) -> Array:
    """Return the gradient of a matrix with no more columns than rows.

    Q may have further columns: how they are turned among themselves is anybody's choice, so only what does
    not depend on that has a gradient.
    """
    n = r.shape[-1]
    q1, gq1 = q[..., :n], gq[..., :n]
    inner = adjoint(q1) @ gq1
    if q.shape[-1] > n:
        q2, gq2 = q[..., n:], gq[..., n:]
        beside = q2 @ (adjoint(q2) @ gq1 - adjoint(gq2) @ q1)
    else:
        beside = gq1 - q1 @ inner
    rest = gr @ adjoint(r)
    turning = inner - rest
    lower = np.tril(turning - adjoint(turning), -1)
    if q.dtype.kind == "c":  # the diagonal of R stays real
        lower = lower + turning.imag * (np.eye(n, dtype=turning.imag.dtype) * 1j)
    return solve_right(q1 @ (lower + rest) + beside, adjoint(r))


_qr_record = primitive(
    "qr",
    _qr,
    spec=_qr_spec,
    vjp=(ascending(qr_vjp),),
    role="mixes",
    why="Columns are turned into a frame and lengths into a triangle, and a gradient is split likewise.",
    samples=(
        Sample(floats(4, 3), mode="reduced"),
        Sample(floats(3, 3), mode="reduced"),
        Sample(Draw((3, 2), dtype="complex128"), mode="reduced"),
        Sample(Draw((2, 2), dtype="complex128"), mode="reduced"),
        Sample(floats(2, 2, 4), mode="reduced"),
        Sample(Draw((2, 3), dtype="complex128"), mode="reduced"),
        Sample(floats(1, 1), mode="reduced"),
        Sample(floats(3, 0), mode="reduced"),
    ),
)


@answers(np.linalg.qr)
def qr(a: ArrayLike, mode: str = "reduced") -> Array | tuple[Array, Array]:
    """Answer `np.linalg.qr`. The first columns must be independent. In mode "complete" the columns
    that a tall matrix does not determine have a gradient only through what does not depend on their
    choice.
    """
    a = matrix("np.linalg.qr", a)
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError(
            f"np.linalg.qr: mode={mode!r} has no gradient; write 'reduced', 'complete' or 'r'"
        )
    complete = mode == "complete" and a.shape[-2] > a.shape[-1]
    parts = named(np.linalg.qr)(_qr_record(a, mode="complete" if complete else "reduced"))
    return parts.R if mode == "r" else parts
